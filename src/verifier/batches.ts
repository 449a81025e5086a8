/**
 * Packs slices of lots into batches and keeps the batches for reuse.
 *
 * @module
 */
import { type Algorithm, Batch } from "../core/index.ts";
import type { Lot } from "./lot.ts";
import type { Slice } from "./queue.ts";

/** A record and the bytes it points into. */
export interface LooseRecord {
  readonly record: Uint8Array;
  /** The message itself, for an algorithm with an arena: the packed record's `offset` is rewritten to where it lands. */
  readonly message: Uint8Array;
}

/** Neighbours of a lot that are neighbours in a batch. */
export interface Segment {
  readonly lot: Lot;
  readonly first: number;
  readonly count: number;
  /** Where in the batch they begin. */
  readonly at: number;
}

const EMPTY = new Uint8Array(0);

/** Messages are copied as one window where that holds at most so many bytes for each byte wanted. */
const MOST_WINDOW_WASTE = 2;

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

/** The results of a batch as words. */
export function resultWordsOf({ buffer, sections, results }: Batch): Uint32Array {
  return new Uint32Array(buffer, sections.results, results.length >>> 2);
}

/** Where slices lie in a batch whose places `gaps` (ascending) are left for other records. */
export function layOut(slices: readonly Slice<Lot>[], gaps: readonly number[] = []): Segment[] {
  const segments: Segment[] = [];
  let at = 0;
  let gap = 0;
  const skip = (): void => {
    for (; gaps[gap] === at; gap++) at++;
  };
  for (const { lot, first, count } of slices) {
    for (let done = 0; done < count; ) {
      skip();
      const room = gap < gaps.length ? gaps[gap] - at : count;
      const part = Math.min(count - done, room);
      segments.push({ lot, first: first + done, count: part, at });
      done += part;
      at += part;
    }
  }
  return segments;
}

/** Where the messages of neighbours lie in their lot's arena: from `low` to `high`, `bytes` of them all told. */
interface Window {
  readonly low: number;
  readonly high: number;
  readonly bytes: number;
}

function windowOf({ lot, first, count }: Segment): Window {
  const { key, words } = lot;
  const { recordWords, offsetWord, lengthWord } = key;
  let low = lot.arena.length;
  let high = 0;
  let bytes = 0;
  for (let i = first; i < first + count; i++) {
    const offset = words[i * recordWords + offsetWord];
    const length = words[i * recordWords + lengthWord];
    if (offset < low) low = offset;
    if (offset + length > high) high = offset + length;
    bytes += length;
  }
  return { low: Math.min(low, high), high, bytes };
}

const isTight = ({ low, high, bytes }: Window): boolean => high - low <= MOST_WINDOW_WASTE * bytes;

/** Free batches by algorithm, sized in powers of two so that they are found again. */
export class BatchShelf {
  readonly #free = new Map<Algorithm, Batch[]>();

  /** A batch that holds the records; its owner gives it back or forgets it. */
  pack(algorithm: Algorithm, records: readonly LooseRecord[]): Batch {
    const arenaBytes = records.reduce((sum, { message }) => sum + message.length, 0);
    const batch = this.#take(algorithm, records.length, arenaBytes);
    for (const { record, message } of records) batch.append(record, message);
    return batch;
  }

  /**
   * A batch that holds segments where they lie, and in the places between them these records, in order.
   *
   * @param segments at least one, all of one algorithm.
   */
  packSegments(segments: readonly Segment[], others: readonly LooseRecord[] = []): Batch {
    const { algorithm } = segments[0].lot.key;
    let count = others.length;
    let arenaBytes = 0;
    for (const { message } of others) arenaBytes += message.length;
    const windows: Window[] = [];
    for (const segment of segments) {
      count += segment.count;
      if (!algorithm.usesArena) continue;
      const window = windowOf(segment);
      windows.push(window);
      arenaBytes += isTight(window) ? window.high - window.low : window.bytes;
    }
    const batch = this.#take(algorithm, count, arenaBytes);
    let other = 0;
    const appendOthers = (before: number): void => {
      for (; batch.count < before; other++) {
        batch.append(others[other].record, others[other].message);
      }
    };
    for (const [i, segment] of segments.entries()) {
      appendOthers(segment.at);
      if (algorithm.usesArena) copyWithMessages(batch, segment, windows[i]);
      else copyRecords(batch, segment);
      batch.count += segment.count;
    }
    appendOthers(count);
    return batch;
  }

  /** Takes a batch back. Never give back one that a back end may still write to. */
  giveBack(batch: Batch): void {
    batch.reset();
    const free = this.#free.get(batch.algorithm) ?? [];
    // A few of each: those in flight per back end, and one being packed.
    if (free.length < 8) this.#free.set(batch.algorithm, [...free, batch]);
  }

  #take(algorithm: Algorithm, count: number, arenaBytes: number): Batch {
    const free = this.#free.get(algorithm) ?? [];
    const fit = free.findIndex(
      (batch) => batch.capacity >= count && batch.arena.length >= arenaBytes,
    );
    if (fit >= 0) return free.splice(fit, 1)[0];
    return new Batch(algorithm, nextPowerOfTwo(count), arenaBytes && nextPowerOfTwo(arenaBytes));
  }
}

function copyRecords(batch: Batch, { lot, first, count, at }: Segment): void {
  const { words, key } = lot;
  const step = 4 * key.recordWords;
  const start = words.byteOffset + first * step;
  batch.records.set(new Uint8Array(words.buffer, start, count * step), at * step);
}

/** Copies records and messages, and points the copies at each other. */
function copyWithMessages(batch: Batch, segment: Segment, window: Window): void {
  copyRecords(batch, segment);
  const { lot, first, count, at } = segment;
  const { recordWords, offsetWord, lengthWord } = lot.key;
  const records = new Uint32Array(batch.buffer, batch.sections.records);
  const start = batch.arenaLength;
  if (isTight(window)) {
    batch.arena.set(lot.arena.subarray(window.low, window.high), start);
    const shift = start - window.low;
    for (let i = at; i < at + count; i++) records[i * recordWords + offsetWord] += shift;
    batch.arenaLength += window.high - window.low;
    return;
  }
  for (let i = 0; i < count; i++) {
    const word = (first + i) * recordWords;
    const offset = lot.words[word + offsetWord];
    const message = lot.arena.subarray(offset, offset + lot.words[word + lengthWord]);
    batch.arena.set(message, batch.arenaLength);
    records[(at + i) * recordWords + offsetWord] = batch.arenaLength;
    batch.arenaLength += message.length;
  }
}

function nextPowerOfTwo(value: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(value, 16)));
}
