/**
 * Packs loose records into batches and keeps the batches for reuse.
 *
 * @module
 */
import { type Algorithm, Batch } from "../core/index.ts";

/** A record and the bytes it points into. */
export interface LooseRecord {
  readonly record: Uint8Array;
  /** The message itself, for an algorithm with an arena: the packed record's `offset` is rewritten to where it lands. */
  readonly message: Uint8Array;
}

const EMPTY = new Uint8Array(0);

/**
 * The message that a record points to in its caller's arena, empty for an algorithm without one; `undefined` where it does not lie
 * inside. Such a record must not be packed beside others, whose bytes it might reach.
 */
export function messageOf(
  algorithm: Algorithm,
  record: Uint8Array,
  arena: Uint8Array,
): Uint8Array | undefined {
  if (!algorithm.usesArena) return EMPTY;
  const view = new DataView(record.buffer, record.byteOffset, record.byteLength);
  const offset = view.getUint32(algorithm.record.fields.offset.offset, true);
  const length = view.getUint32(algorithm.record.fields.length.offset, true);
  return offset + length <= arena.length ? arena.subarray(offset, offset + length) : undefined;
}

/** Free batches by algorithm, sized in powers of two so that they are found again. */
export class BatchShelf {
  readonly #free = new Map<Algorithm, Batch[]>();

  /** A batch that holds the records; its owner gives it back or forgets it. */
  pack(algorithm: Algorithm, records: readonly LooseRecord[]): Batch {
    const arenaBytes = records.reduce((sum, { message }) => sum + message.length, 0);
    const free = this.#free.get(algorithm) ?? [];
    const fit = free.findIndex(
      (batch) => batch.capacity >= records.length && batch.arena.length >= arenaBytes,
    );
    const batch =
      fit >= 0
        ? free.splice(fit, 1)[0]
        : new Batch(
            algorithm,
            nextPowerOfTwo(records.length),
            arenaBytes && nextPowerOfTwo(arenaBytes),
          );
    for (const { record, message } of records) batch.append(record, message);
    return batch;
  }

  /** Takes a batch back. Never give back one that a back end may still write to. */
  giveBack(batch: Batch): void {
    batch.reset();
    const free = this.#free.get(batch.algorithm) ?? [];
    // A few of each: two in flight per back end, and one being packed.
    if (free.length < 8) this.#free.set(batch.algorithm, [...free, batch]);
  }
}

function nextPowerOfTwo(value: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(value, 16)));
}
