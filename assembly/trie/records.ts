// Updates of one batch: sorted by key, the last of equal keys kept. An empty value deletes the key.
//
// record  +0 u64 first 8 key bytes, big-endian  +8 u32 key  +12 u32 key bytes  +16 u32 value  +20 u32 value bytes
import { nibbleAt } from "./nodes";

export const RECORD: u32 = 24;
/** Runs of this many records are sorted by insertion before they are merged. */
const RUN: u32 = 8;

// @ts-ignore: decorator
@inline
export function keyOf(record: usize): usize {
  return load<u32>(record, 8);
}
// @ts-ignore: decorator
@inline
export function lengthOf(record: usize): u32 {
  return load<u32>(record, 12);
}
// @ts-ignore: decorator
@inline
export function valueOf(record: usize): usize {
  return load<u32>(record, 16);
}
// @ts-ignore: decorator
@inline
export function valueLengthOf(record: usize): u32 {
  return load<u32>(record, 20);
}
// @ts-ignore: decorator
@inline
export function isDeletion(record: usize): bool {
  return load<u32>(record, 20) == 0;
}
/** Nibbles of the key. */
// @ts-ignore: decorator
@inline
export function nibblesOf(record: usize): u32 {
  return lengthOf(record) << 1;
}
/** Nibble `depth` of the key; the first 16 come from the record itself. */
// @ts-ignore: decorator
@inline
export function recordNibble(record: usize, depth: u32): u32 {
  if (depth < 16) return <u32>((load<u64>(record) >> (60 - (depth << 2))) & 15);
  return nibbleAt(keyOf(record), depth);
}

/** Writes one record. */
export function setRecord(record: usize, key: usize, keyBytes: u32, value: usize, valueBytes: u32): void {
  let first: u64 = 0;
  if (keyBytes >= 8) first = bswap(load<u64>(key));
  else for (let i: u32 = 0; i < keyBytes; i++) first |= u64(load<u8>(key + i)) << (56 - (i << 3));
  store<u64>(record, first);
  store<u32>(record, <u32>key, 8);
  store<u32>(record, keyBytes, 12);
  store<u32>(record, <u32>value, 16);
  store<u32>(record, valueBytes, 20);
}

// @ts-ignore: decorator
@inline
function copyRecord(to: usize, from: usize): void {
  v128.store(to, v128.load(from));
  store<u64>(to, load<u64>(from, 16), 16);
}

/** Order of two keys, as `memory.compare` gives it. */
function compare(a: usize, b: usize): i32 {
  const x = load<u64>(a);
  const y = load<u64>(b);
  if (x != y) return x < y ? -1 : 1;
  const aBytes = lengthOf(a);
  const bBytes = lengthOf(b);
  const order = memory.compare(keyOf(a), keyOf(b), min(aBytes, bBytes));
  return order != 0 ? order : <i32>aBytes - <i32>bBytes;
}

function insertionSort(from: usize, to: usize, spare: usize): void {
  for (let i = from + RECORD; i < to; i += RECORD) {
    if (compare(i - RECORD, i) <= 0) continue;
    copyRecord(spare, i);
    let j = i;
    do {
      copyRecord(j, j - RECORD);
      j -= RECORD;
    } while (j > from && compare(j - RECORD, spare) > 0);
    copyRecord(j, spare);
  }
}

/**
 * Sorts by key with a stable merge sort, then keeps the last record of equal keys.
 *
 * @param records `count` records.
 * @param spare room for `count + 1` records.
 * @returns the sorted records, in either area, with `sortedCount` of them.
 */
export function sortRecords(records: usize, count: u32, spare: usize): usize {
  const bytes = count * RECORD;
  for (let at: u32 = 0; at < bytes; at += RUN * RECORD) {
    insertionSort(records + at, records + min(at + RUN * RECORD, bytes), spare);
  }
  let from = records;
  let to = spare;
  for (let width = RUN * RECORD; width < bytes; width <<= 1) {
    for (let at: u32 = 0; at < bytes; at += width << 1) {
      merge(from, at, min(at + width, bytes), min(at + (width << 1), bytes), to);
    }
    const swap = from;
    from = to;
    to = swap;
  }
  sortedCount = dropEarlier(from, count);
  return from;
}

/** Records left by the last `sortRecords`. */
export let sortedCount: u32 = 0;

function merge(from: usize, low: u32, middle: u32, high: u32, to: usize): void {
  let out = to + low;
  let a = from + low;
  let b = from + middle;
  const aEnd = from + middle;
  const bEnd = from + high;
  // Runs that are in order already, as in a sorted batch, are moved whole.
  if (b == bEnd || compare(b - RECORD, b) <= 0) {
    memory.copy(out, a, high - low);
    return;
  }
  while (a < aEnd && b < bEnd) {
    if (compare(a, b) <= 0) {
      copyRecord(out, a);
      a += RECORD;
    } else {
      copyRecord(out, b);
      b += RECORD;
    }
    out += RECORD;
  }
  memory.copy(out, a, aEnd - a);
  memory.copy(out + (aEnd - a), b, bEnd - b);
}

function dropEarlier(records: usize, count: u32): u32 {
  if (count == 0) return 0;
  let last = records;
  for (let i: u32 = 1; i < count; i++) {
    const next = records + i * RECORD;
    if (compare(last, next) != 0) last += RECORD;
    if (last != next) copyRecord(last, next);
  }
  return <u32>(last - records) / RECORD + 1;
}
