// Scalars as signed odd digits (width-w non-adjacent form), bucketed by bit position.
//
// Every item doubles at every position, but few add there. A list holds the digits of one position, at most one an item, so
// that any two of them can share a vector. An item with several digits at one position has them in lists of higher levels.
import {
  CAPACITY,
  ENTRY_BETA_X,
  ENTRY_SHIFT,
  ENTRY_Y,
  GENERATOR_ENTRIES,
  GENERATOR_ENTRY,
  LEVELS,
  listAt,
  listLengthAt,
  listLengths,
  POSITIONS,
  TABLE_ENTRIES,
  generatorTable,
  tables,
} from "./state";

/** What a digit multiplies: R, λR, G or 2^128·G. */
export const KIND_R: u32 = 0;
export const KIND_LAMBDA_R: u32 = 1;
export const KIND_G: u32 = 2;
export const KIND_G_HIGH: u32 = 3;

// A digit is one u32: item (12 bits) | kind (2) | sign (1) | table index (17).
const KIND_SHIFT: u32 = 12;
const SIGN_SHIFT: u32 = 14;
const INDEX_SHIFT: u32 = 15;

/** Digits of the current item at each position so far (u8). */
const LEVEL_OF: usize = memory.data(144, 16);

/** Empties every list. */
export function clearDigits(): void {
  memory.fill(listLengths, 0, (POSITIONS * LEVELS) << 2);
}

/** Begins the digits of the next item. */
export function beginItem(): void {
  memory.fill(LEVEL_OF, 0, 144);
}

// @ts-ignore: decorator
@inline
function push(position: usize, digit: u32): void {
  const level = <usize>load<u8>(LEVEL_OF + position);
  store<u8>(LEVEL_OF + position, <u8>(level + 1));
  const lengthAt = listLengthAt(position, level);
  const length = load<u32>(lengthAt);
  store<u32>(listAt(position, level) + (<usize>length << 2), digit);
  store<u32>(lengthAt, length + 1);
}

/**
 * Pushes the digits of the 128-bit number hi·2^64 + lo: odd, below 2^(width−1) in magnitude, at positions 0 … 128.
 *
 * @param negative 1 to negate every digit.
 */
export function pushDigits(
  lo: u64,
  hi: u64,
  width: u64,
  item: u32,
  kind: u32,
  negative: u32,
): void {
  const base = item | (kind << KIND_SHIFT);
  const mask: u64 = (1 << width) - 1;
  let position: usize = 0;
  while ((lo | hi) != 0) {
    if (lo == 0) {
      lo = hi;
      hi = 0;
      position += 64;
    }
    const zeros = ctz(lo);
    if (zeros) {
      lo = (lo >> zeros) | (hi << (64 - zeros));
      hi >>= zeros;
      position += <usize>zeros;
    }
    let digit = lo & mask;
    lo = (lo >> width) | (hi << (64 - width));
    hi >>= width;
    let sign = negative;
    if (digit >> (width - 1)) {
      digit = (mask + 1) - digit;
      sign ^= 1;
      lo += 1;
      hi += u64(lo == 0);
    }
    push(position, base | (sign << SIGN_SHIFT) | (<u32>(digit >> 1) << INDEX_SHIFT));
    position += <usize>width;
  }
}

/** A digit of dummy slot `slot` (0 … 3): it adds (2·slot + 1)·G. */
// @ts-ignore: decorator
@inline
export function dummyDigit(slot: u32): u32 {
  return (<u32>CAPACITY + slot) | (KIND_G << KIND_SHIFT) | (slot << INDEX_SHIFT);
}

// @ts-ignore: decorator
@inline
export function digitItem(digit: u32): usize {
  return <usize>(digit & ((1 << KIND_SHIFT) - 1));
}

// @ts-ignore: decorator
@inline
export function digitSign(digit: u32): u32 {
  return (digit >> SIGN_SHIFT) & 1;
}

/** Address of the packed x of the digit's table entry. */
// @ts-ignore: decorator
@inline
export function digitX(digit: u32): usize {
  const kind = <usize>((digit >> KIND_SHIFT) & 3);
  const index = <usize>(digit >> INDEX_SHIFT);
  const entry = tables + ((digitItem(digit) * TABLE_ENTRIES + index) << ENTRY_SHIFT);
  const own = entry + kind * ENTRY_BETA_X;
  const shared = generatorTable + ((kind - 2) * GENERATOR_ENTRIES + index) * GENERATOR_ENTRY;
  return select<usize>(own, shared, kind < 2);
}

/** Address of the packed y of the digit's table entry. */
// @ts-ignore: decorator
@inline
export function digitY(digit: u32): usize {
  const kind = <usize>((digit >> KIND_SHIFT) & 3);
  const index = <usize>(digit >> INDEX_SHIFT);
  const own = tables + ((digitItem(digit) * TABLE_ENTRIES + index) << ENTRY_SHIFT) + ENTRY_Y;
  const shared = generatorTable + ((kind - 2) * GENERATOR_ENTRIES + index) * GENERATOR_ENTRY + 40;
  return select<usize>(own, shared, kind < 2);
}
