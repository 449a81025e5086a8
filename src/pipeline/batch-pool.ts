/**
 * Batches for reuse: shared memory is given back late, so a stream of a million records must not allocate as it goes.
 *
 * @module
 */
import { type Algorithm, Batch } from "../core/index.ts";

/** Batches kept per algorithm: one filling, two running, one being read. */
const KEPT = 4;

/** Hands out batches that are large enough, and takes them back. */
export class BatchPool {
  readonly #free = new Map<string, Batch[]>();

  /** An empty batch with room for `count` records and `arenaBytes`; sizes are rounded up to powers of two. */
  take(algorithm: Algorithm, count: number, arenaBytes: number): Batch {
    const free = this.#free.get(algorithm.id) ?? [];
    const index = free.findIndex(
      (batch) => batch.capacity >= count && batch.arena.length >= arenaBytes,
    );
    if (index >= 0) return free.splice(index, 1)[0];
    // None fits: let the smallest go, so that the pool grows to the sizes in use.
    free.shift();
    return new Batch(algorithm, powerOfTwo(count), powerOfTwo(arenaBytes));
  }

  give(batch: Batch): void {
    batch.reset();
    const free = this.#free.get(batch.algorithm.id) ?? [];
    free.push(batch);
    free.sort((a, b) => a.buffer.byteLength - b.buffer.byteLength);
    if (free.length > KEPT) free.shift();
    this.#free.set(batch.algorithm.id, free);
  }
}

function powerOfTwo(atLeast: number): number {
  return atLeast <= 64 ? 64 : 2 ** Math.ceil(Math.log2(atLeast));
}
