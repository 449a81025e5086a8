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

const NO_MESSAGE = new Uint8Array(0);
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
  readonly #view: DataView;
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
    this.#view = new DataView(this.buffer, this.sections.records, this.records.length);
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

  /**
   * Adds one record, and the message that it points into the arena for, where the algorithm's records do.
   *
   * @param record `algorithm.record.byteLength` bytes, copied; its fields `offset` and `length` are set here.
   * @param message copied behind the messages before it.
   * @returns the record's index.
   * @throws RangeError when record or message does not fit.
   */
  append(record: Uint8Array, message: Uint8Array = NO_MESSAGE): number {
    const { byteLength, fields } = this.algorithm.record;
    if (record.length !== byteLength || this.count >= this.capacity) {
      throw new RangeError(
        `Batch record: expected ${byteLength} bytes at an index below ${this.capacity}, ` +
          `got ${record.length} at ${this.count}`,
      );
    }
    const free = this.arena.length - this.arenaLength;
    if (message.length > free) {
      throw new RangeError(`Batch message: expected at most ${free} bytes, got ${message.length}`);
    }
    const index = this.count++;
    this.records.set(record, index * byteLength);
    if (this.algorithm.usesArena) {
      this.#view.setUint32(index * byteLength + fields.offset.offset, this.arenaLength, true);
      this.#view.setUint32(index * byteLength + fields.length.offset, message.length, true);
      this.arena.set(message, this.arenaLength);
      this.arenaLength += message.length;
    }
    return index;
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
