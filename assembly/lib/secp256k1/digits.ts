// Scalars as signed odd digits (width-w non-adjacent form), bucketed by bit position.
//
// Every item doubles at every position, but few add there. A list holds the digits of one position, at most one an item, so
// that any two of them can share a vector. An item with several digits at one position has them in lists of higher levels.
import {
  ENTRY_BETA_X,
  ENTRY_SHIFT,
  ENTRY_Y,
  GENERATOR_ENTRIES,
  GENERATOR_ENTRY,
  GENERATOR_Y,
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

// A digit is one u64: address of the packed x of its table entry (32 bits) | item (16) | sign (1) | offset of y from x (from
// bit 56 on). Lists are walked twice, so the address is worked out once, here.
const ITEM_SHIFT: u64 = 32;
const SIGN_SHIFT: u64 = 48;
const Y_SHIFT: u64 = 56;
const SIGN: u64 = 1 << SIGN_SHIFT;

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
function push(position: usize, digit: u64): void {
  const level = <usize>load<u8>(LEVEL_OF + position);
  store<u8>(LEVEL_OF + position, <u8>(level + 1));
  const lengthAt = listLengthAt(position, level);
  const length = load<u32>(lengthAt);
  store<u64>(listAt(position, level) + (<usize>length << 3), digit);
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
  let first: usize, entryBytes: usize, yOffset: usize;
  if (kind < KIND_G) {
    first = tables + ((<usize>item * TABLE_ENTRIES) << ENTRY_SHIFT) + <usize>kind * ENTRY_BETA_X;
    entryBytes = 1 << ENTRY_SHIFT;
    yOffset = ENTRY_Y - <usize>kind * ENTRY_BETA_X;
  } else {
    first = generatorTable + <usize>(kind - KIND_G) * (GENERATOR_ENTRIES * GENERATOR_ENTRY);
    entryBytes = GENERATOR_ENTRY;
    yOffset = GENERATOR_Y;
  }
  const base = (<u64>item << ITEM_SHIFT) | (<u64>yOffset << Y_SHIFT);
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
    let sign = <u64>negative;
    if (digit >> (width - 1)) {
      digit = (mask + 1) - digit;
      sign ^= 1;
      lo += 1;
      hi += u64(lo == 0);
    }
    const entry = first + <usize>(digit >> 1) * entryBytes;
    push(position, base | (sign << SIGN_SHIFT) | <u64>entry);
    position += <usize>width;
  }
}

/** The digit that adds to `item` the packed x at `x` with the y `yOffset` bytes on, negated where `sign` is 1. */
// @ts-ignore: decorator
@inline
export function makeDigit(item: usize, x: usize, yOffset: usize, sign: u64): u64 {
  const place = <u64>x | (<u64>item << ITEM_SHIFT);
  return place | (sign << SIGN_SHIFT) | (<u64>yOffset << Y_SHIFT);
}

/** A digit of dummy `slot` (0 … 3), which is item `item`: it adds (2·slot + 1)·G. */
// @ts-ignore: decorator
@inline
export function dummyDigit(item: usize, slot: usize): u64 {
  return makeDigit(item, generatorTable + slot * GENERATOR_ENTRY, GENERATOR_Y, 0);
}

// @ts-ignore: decorator
@inline
export function digitItem(digit: u64): usize {
  return <usize>(digit >> ITEM_SHIFT) & 0xffff;
}

// @ts-ignore: decorator
@inline
export function digitSign(digit: u64): u32 {
  return u32((digit & SIGN) != 0);
}

/** Address of the packed x of the digit's table entry. */
// @ts-ignore: decorator
@inline
export function digitX(digit: u64): usize {
  return <usize><u32>digit;
}

/** Address of the packed y of the digit's table entry. */
// @ts-ignore: decorator
@inline
export function digitY(digit: u64): usize {
  return <usize><u32>digit + <usize>(digit >> Y_SHIFT);
}
