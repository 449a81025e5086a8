/**
 * Answers on the wire, as octets: one u32 LE verdict a record, then one result a record. The header `Lanewise-Count` has the number of
 * records.
 *
 * @module
 */
import type { Outcome } from "../verifier/index.ts";

/** Verdicts as little-endian bytes, whatever this machine's order is. */
export function verdictBytes(verdicts: Uint32Array): Uint8Array {
  const bytes = new Uint8Array(verdicts.buffer, verdicts.byteOffset, verdicts.byteLength);
  if (IS_LITTLE_ENDIAN) return bytes;
  return Buffer.from(bytes).swap32();
}

/** Little-endian bytes as verdicts: a view where they lie well, else a copy. */
export function verdictsOf(bytes: Uint8Array): Uint32Array {
  if (IS_LITTLE_ENDIAN && bytes.byteOffset % 4 === 0) {
    return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  }
  const copy = Buffer.alloc(bytes.length);
  copy.set(bytes);
  if (!IS_LITTLE_ENDIAN) copy.swap32();
  return new Uint32Array(copy.buffer, copy.byteOffset, bytes.length / 4);
}

const IS_LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** The body of an answer; a view where verdicts and results lie back to back, as the verifier's do. */
export function encodeOutcome({ verdicts, results }: Outcome): Uint8Array {
  const end = verdicts.byteOffset + verdicts.byteLength;
  const isOnePiece = verdicts.buffer === results.buffer && results.byteOffset === end;
  if (IS_LITTLE_ENDIAN && isOnePiece) {
    return new Uint8Array(
      verdicts.buffer,
      verdicts.byteOffset,
      verdicts.byteLength + results.length,
    );
  }
  const bytes = new Uint8Array(verdicts.byteLength + results.length);
  bytes.set(verdictBytes(verdicts));
  bytes.set(results, verdicts.byteLength);
  return bytes;
}

/**
 * Reads an answer of `count` records; what it returns may be views of the body.
 *
 * @throws RangeError where the bytes cannot be that many.
 */
export function decodeOutcome(body: Uint8Array, count: number): Outcome {
  const rest = body.length - 4 * count;
  if (!Number.isSafeInteger(count) || count < 0 || rest < 0 || (count > 0 && rest % count !== 0)) {
    throw new RangeError(
      `answer: expected verdicts and results of ${count} records, got ${body.length} bytes`,
    );
  }
  return {
    verdicts: verdictsOf(body.subarray(0, 4 * count)),
    results: new Uint8Array(body.buffer, body.byteOffset + 4 * count, rest),
  };
}
