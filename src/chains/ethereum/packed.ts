/**
 * Raw transactions in one buffer, as a {@link TransactionList} keeps them.
 *
 * @module
 */

/** Raw transactions back to back: number i is `bytes[offsets[i] … offsets[i + 1])`. */
export interface PackedTransactions {
  readonly bytes: Uint8Array;
  /** One more than there are transactions; never decreasing. */
  readonly offsets: Uint32Array;
}

/**
 * Joins raw transactions into one buffer.
 *
 * @throws RangeError on 4 GiB and more.
 */
export function packTransactions(raws: readonly Uint8Array[]): PackedTransactions {
  let total = 0;
  for (const raw of raws) total += raw.length;
  if (total >= 2 ** 32) {
    throw new RangeError(`decodeTransactions: expected less than 4 GiB, got ${total} bytes`);
  }
  const bytes = new Uint8Array(total);
  const offsets = new Uint32Array(raws.length + 1);
  let at = 0;
  for (let i = 0; i < raws.length; i++) {
    bytes.set(raws[i], at);
    at += raws[i].length;
    offsets[i + 1] = at;
  }
  return { bytes, offsets };
}

/** The argument, once its offsets are known to lie in order inside its bytes. */
export function checkPacked(packed: PackedTransactions): PackedTransactions {
  const { bytes, offsets } = packed;
  if (offsets.length === 0) {
    throw new RangeError("decodeTransactions offsets: expected at least one, got none");
  }
  for (let i = 1; i < offsets.length; i++) {
    if (offsets[i] < offsets[i - 1]) {
      throw new RangeError(
        `decodeTransactions offsets: expected no decrease at ${i}, got ${offsets[i - 1]}, ${offsets[i]}`,
      );
    }
  }
  const end = offsets[offsets.length - 1];
  if (end > bytes.length) {
    throw new RangeError(
      `decodeTransactions offsets: expected at most ${bytes.length} bytes, got ${end}`,
    );
  }
  return packed;
}
