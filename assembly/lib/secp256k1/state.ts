// Memory of the signature kernels: one set of arrays, reserved at initialize(), for batches of up to CAPACITY items.
import { reserve } from "../reserve";
import { FE_BYTES } from "./field";
import { SC_BYTES } from "./scalar";

/** Most items of one batch. Beyond about a thousand the shared inversions cost nothing more and the tables leave the cache. */
export const CAPACITY: usize = 1024;

/** Slots past the last item that lists pad with: two vectors of two. */
export const DUMMIES: usize = 4;

const ELEMENTS: usize = (CAPACITY + DUMMIES) >> 1;
const ARRAY: usize = ELEMENTS * FE_BYTES;

/** Odd multiples of each item's point: (2i + 1)·R for i < TABLE_ENTRIES. */
export const TABLE_WINDOW: u64 = 5;
export const TABLE_ENTRIES: usize = 8;
/** A table entry: x, βx, y packed, and padding to 128 bytes. */
export const ENTRY_SHIFT: usize = 7;
export const ENTRY_BETA_X: usize = 40;
export const ENTRY_Y: usize = 80;

/** Odd multiples of G and of 2^128·G: x, y packed. */
export const GENERATOR_WINDOW: u64 = 14;
export const GENERATOR_ENTRIES: usize = 1 << 12;
export const GENERATOR_ENTRY: usize = 80;
export const GENERATOR_Y: usize = 40;

/** Bit positions of a digit: 0 … 128. */
export const POSITIONS: usize = 129;
/** Digits of one item that may share a position: two halves each of two scalars. */
export const LEVELS: usize = 4;
const LIST: usize = (CAPACITY + DUMMIES) << 3;

/** Accumulators, affine (x, y) or Jacobian (x, y, z). */
export let accX: usize = 0;
export let accY: usize = 0;
export let accZ: usize = 0;
/** Running products and denominators of a shared inversion. */
export let products: usize = 0;
export let denominators: usize = 0;
/** The lifted points, then their odd multiples: TABLE_ENTRIES arrays of CAPACITY items for x and for y. */
export let multiplesX: usize = 0;
export let multiplesY: usize = 0;
export const MULTIPLES_STRIDE: usize = (CAPACITY >> 1) * FE_BYTES;
/** 2R of every item. */
export let doubledX: usize = 0;
export let doubledY: usize = 0;
/** Packed tables by item. */
export let tables: usize = 0;
export let generatorTable: usize = 0;
/** List lengths (u32) and lists by position and level. */
export let listLengths: usize = 0;
export let lists: usize = 0;
/** Per item: a scalar to invert, its inverse, and the words of a and b in a·G + b·P. */
export let scalars: usize = 0;
export let inverses: usize = 0;
export let multipliers: usize = 0;
/** Per item (u8): whether its sum counts, whether it needs the complete ladder, whether the sum is infinity. */
export let active: usize = 0;
export let doubtful: usize = 0;
export let infinite: usize = 0;

/** Reserves everything: about 5 MiB. */
export function initializeState(): void {
  accX = reserve(ARRAY);
  accY = reserve(ARRAY);
  accZ = reserve(ARRAY);
  products = reserve(ARRAY + 2 * FE_BYTES);
  denominators = reserve(ARRAY);
  multiplesX = reserve(TABLE_ENTRIES * MULTIPLES_STRIDE);
  multiplesY = reserve(TABLE_ENTRIES * MULTIPLES_STRIDE);
  doubledX = reserve(ARRAY);
  doubledY = reserve(ARRAY);
  tables = reserve((CAPACITY * TABLE_ENTRIES) << ENTRY_SHIFT);
  generatorTable = reserve(2 * GENERATOR_ENTRIES * GENERATOR_ENTRY);
  listLengths = reserve((POSITIONS * LEVELS) << 2);
  lists = reserve(POSITIONS * LEVELS * LIST);
  scalars = reserve(CAPACITY * SC_BYTES);
  inverses = reserve(CAPACITY * SC_BYTES);
  multipliers = reserve(CAPACITY * 64);
  active = reserve(CAPACITY + DUMMIES);
  doubtful = reserve(CAPACITY + DUMMIES);
  infinite = reserve(CAPACITY + DUMMIES);
}

/** The list of digits at `position`, `level`. */
// @ts-ignore: decorator
@inline
export function listAt(position: usize, level: usize): usize {
  return lists + (position * LEVELS + level) * LIST;
}

/** Where that list's length is. */
// @ts-ignore: decorator
@inline
export function listLengthAt(position: usize, level: usize): usize {
  return listLengths + ((position * LEVELS + level) << 2);
}
