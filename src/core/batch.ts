/**
 * A batch: flat, shared memory that crosses threads and buses without a copy per item.
 *
 * One `SharedArrayBuffer` holds, each section on a 16-byte boundary:
 *
 * ```
 * records   capacity × algorithm.record.byteLength   in
 * arena     arenaCapacity bytes                      in   variable-length bytes that records point into
 * verdicts  capacity × u32                           out
 * results   capacity × algorithm.result.byteLength   out
 * ```
 *
 * @module
 */
import type { Algorithm } from "./algorithm.ts";
import { Verdict } from "./verdict.ts";

/** Byte offsets of a batch's sections in its buffer. */
export interface BatchSections {
  readonly records: number;
  readonly arena: number;
  readonly verdicts: number;
  readonly results: number;
  readonly byteLength: number;
}

const align16 = (bytes: number): number => (bytes + 15) & ~15;

/** Where the sections of a batch of this shape lie. Pure, so that a worker can compute the same offsets. */
export function batchSections(
  algorithm: Algorithm,
  capacity: number,
  arenaCapacity: number,
): BatchSections {
  const records = 0;
  const arena = align16(records + capacity * algorithm.record.byteLength);
  const verdicts = align16(arena + arenaCapacity);
  const results = align16(verdicts + capacity * 4);
  return {
    records,
    arena,
    verdicts,
    results,
    byteLength: align16(results + capacity * algorithm.result.byteLength),
  };
}

/** A reusable, fixed-capacity batch of one algorithm's records, verdicts and results. */
export class Batch {
  readonly algorithm: Algorithm;
  /** Most records that the batch can hold. */
  readonly capacity: number;
  readonly buffer: SharedArrayBuffer;
  readonly sections: BatchSections;
  /** Whole sections, `capacity` items long. */
  readonly records: Uint8Array<SharedArrayBuffer>;
  readonly arena: Uint8Array<SharedArrayBuffer>;
  readonly verdicts: Uint32Array<SharedArrayBuffer>;
  readonly results: Uint8Array<SharedArrayBuffer>;
  /** Records in use. The producer sets it; back ends never change it. */
  count = 0;
  /** Arena bytes in use. */
  arenaLength = 0;

  /**
   * @param capacity most records, 0 … 2²⁴.
   * @param arenaCapacity arena bytes, 0 … 1 GiB.
   * @throws RangeError on sizes outside those bounds.
   */
  constructor(algorithm: Algorithm, capacity: number, arenaCapacity = 0) {
    if (!Number.isInteger(capacity) || capacity < 0 || capacity > 2 ** 24) {
      throw new RangeError(`Batch capacity: expected an integer in 0..2^24, got ${capacity}`);
    }
    if (!Number.isInteger(arenaCapacity) || arenaCapacity < 0 || arenaCapacity > 2 ** 30) {
      throw new RangeError(
        `Batch arenaCapacity: expected an integer in 0..2^30, got ${arenaCapacity}`,
      );
    }
    this.algorithm = algorithm;
    this.capacity = capacity;
    this.sections = batchSections(algorithm, capacity, arenaCapacity);
    this.buffer = new SharedArrayBuffer(this.sections.byteLength);
    this.records = new Uint8Array(
      this.buffer,
      this.sections.records,
      capacity * algorithm.record.byteLength,
    );
    this.arena = new Uint8Array(this.buffer, this.sections.arena, arenaCapacity);
    this.verdicts = new Uint32Array(this.buffer, this.sections.verdicts, capacity);
    this.results = new Uint8Array(
      this.buffer,
      this.sections.results,
      capacity * algorithm.result.byteLength,
    );
    this.verdicts.fill(Verdict.Unset);
  }

  /** Empties the batch for reuse: nothing of an earlier run can be mistaken for an answer of the next. */
  reset(): void {
    this.verdicts.fill(Verdict.Unset, 0, this.count);
    this.count = 0;
    this.arenaLength = 0;
  }

  /** The bytes of record `index` (a view). */
  record(index: number): Uint8Array<SharedArrayBuffer> {
    const size = this.algorithm.record.byteLength;
    return this.records.subarray(index * size, (index + 1) * size);
  }

  /** The bytes of result `index` (a view); zero unless the verdict is `Valid`. */
  result(index: number): Uint8Array<SharedArrayBuffer> {
    const size = this.algorithm.result.byteLength;
    return this.results.subarray(index * size, (index + 1) * size);
  }
}
