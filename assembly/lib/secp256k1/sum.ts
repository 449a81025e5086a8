// One sum of many multiples of points, Σ k·P, by buckets (Pippenger, "On the evaluation of powers and related problems", 1976).
//
// Scalars become signed digits in windows of bits. Each window has a bucket for every magnitude of digit; a point is added to
// the bucket of its digit, and the window's value is the sum of all buckets, each times its magnitude. Both scalars of a GLV
// pair go in one by one: λP is (βx, y). All additions are affine under shared inversions (affine.ts).
//
// Nothing here starts from infinity: every bucket begins at the blinding point, running sums at other multiples of it, so that
// no addition meets an exception unless somebody knows that point. What the blinding adds up to is a constant of the window
// widths, the sum of no points at all, and is taken off at the end by an addition that knows every exception.
import { reserve } from "../reserve";
import { addDense, addList, BLIND_X, BLIND_Y, doubleDense, UNBLIND_X, UNBLIND_Y } from "./affine";
import { makeDigit } from "./digits";
import { FE_BYTES, FE_ZERO, feCopy, feCopyLane, feGet, feItem, feLane, feSub } from "./field";
import { sumAdd, sumDouble, sumReset, sumToAffine } from "./jacobian";
import { CAPACITY, DUMMIES, ENTRY_BETA_X, ENTRY_Y } from "./state";

/** Most points with short scalars, and with long ones. */
export const SUM_SHORT: usize = 4096;
export const SUM_LONG: usize = 4097;

/**
 * Bits that windows cover: of a scalar below 2^64 or 2^128, and one more, so that the top window's digit makes no carry. Windows
 * of a plan are as wide as each other to within a bit, so that the top one has no fewer buckets in use than the others.
 */
const SHORT_BITS: usize = 65;
const LONG_BITS: usize = 129;
/** Windows up to SHORT_BITS, and on from there to LONG_BITS: the fewer, the more buckets. */
@unmanaged
class Plan {
  shortCount: u32;
  longCount: u32;
}

const PLANS: usize = memory.data<u32>([6, 7, 7, 8, 8, 8, 10, 10], 16);
const PLAN_COUNT: usize = 4;

/** Buckets are summed in columns of this many, each its own running sum. No window has fewer. */
const ROWS: usize = 32;
const ROWS_SHIFT: usize = 5;
/** Most buckets: (5·2^10 + 2^9) + (2^9 + 6·2^8) in the first plan. */
const MAX_BUCKETS: usize = 7680;
const MAX_COLUMNS: usize = MAX_BUCKETS / ROWS;

/** Most digits that the first plan makes, plus what it does besides: a plan is chosen for doing no more than that. */
const MAX_DIGITS: usize = 2 * (SUM_SHORT * 6 + SUM_LONG * 13) + 2 * MAX_BUCKETS;

/**
 * Most digits of one bucket. Random scalars stay far below; somebody who managed to reach it gets no sum, which is cheaper than
 * as many short lists.
 */
const MAX_LEVELS: usize = 512;

let bucketsX: usize = 0;
let bucketsY: usize = 0;
/** Running sums of each column, and the sums of those. */
let runningX: usize = 0;
let runningY: usize = 0;
let totalX: usize = 0;
let totalY: usize = 0;
let marks: usize = 0;
/** Digits of each bucket so far (u16). */
let counts: usize = 0;
/** Digits as they come, the level of each (u16), and the digits by level. */
let digits: usize = 0;
let levels: usize = 0;
let sorted: usize = 0;
/** Digits on each level, then where the next one goes (u32). */
let levelSizes: usize = 0;

/** Twice the unblinding point, where the sums of running sums begin. */
const START_X: usize = memory.data(160, 16);
const START_Y: usize = memory.data(160, 16);
const POINT_X: usize = memory.data(80, 16);
const POINT_Y: usize = memory.data(80, 16);
/** Minus the sum of no points under each plan (x, y), and whether that is known yet (u8). */
const NOTHING: usize = memory.data(640, 16);
const NOTHING_KNOWN: usize = memory.data(4);

/** The plan in use, its windows and the width of each (u8). */
let planIndex: usize = 0;
let shortCount: usize = 0;
let windowCount: usize = 0;
const WIDTHS: usize = memory.data(32);
let columns: usize = 0;
let digitCount: usize = 0;
let topLevel: usize = 0;
let overflown: bool = false;

/** Additions of points since the module began: what tests hold the cost against. */
export let additions: u32 = 0;

/** Reserves some 4 MiB; after the blinding point is made. */
export function initializeSum(): void {
  const buckets = ((MAX_BUCKETS + DUMMIES) >> 1) * FE_BYTES;
  const sums = ((MAX_COLUMNS + DUMMIES) >> 1) * FE_BYTES;
  bucketsX = reserve(buckets);
  bucketsY = reserve(buckets);
  runningX = reserve(sums);
  runningY = reserve(sums);
  totalX = reserve(sums);
  totalY = reserve(sums);
  marks = reserve(MAX_BUCKETS + DUMMIES);
  counts = reserve(MAX_BUCKETS << 1);
  digits = reserve(MAX_DIGITS << 3);
  levels = reserve(MAX_DIGITS << 1);
  // Each level begins at a multiple of four digits and is followed by room for addList's dummies.
  sorted = reserve((MAX_DIGITS + 4 * MAX_LEVELS) << 3);
  levelSizes = reserve(MAX_LEVELS << 2);
  for (let i: usize = 0; i < 2; i++) {
    feCopy(START_X + i * FE_BYTES, UNBLIND_X);
    feCopy(START_Y + i * FE_BYTES, UNBLIND_Y);
  }
  if (!doubleDense(START_X, START_Y, START_X, START_Y, 2)) unreachable();
}

// @ts-ignore: decorator
@inline
function planAt(index: usize): Plan {
  return changetype<Plan>(PLANS + index * offsetof<Plan>());
}

/** Width of window `index` of `count` that share `bits`. */
// @ts-ignore: decorator
@inline
function widthOf(index: usize, count: usize, bits: usize): usize {
  return bits / count + usize(index < bits % count);
}

function bucketsOf(count: usize, bits: usize): usize {
  let buckets: usize = 0;
  for (let i: usize = 0; i < count; i++) buckets += <usize>1 << (widthOf(i, count, bits) - 1);
  return buckets;
}

/** Additions that a sum of so many points takes under a plan. */
function costOf(plan: Plan, short: usize, long: usize): usize {
  const count = <usize>plan.shortCount, more = <usize>plan.longCount;
  const buckets = bucketsOf(count, SHORT_BITS) + bucketsOf(more, LONG_BITS - SHORT_BITS);
  return 2 * (short * count + long * (count + more)) + 2 * buckets;
}

/** The cheapest plan's index. */
function choosePlan(short: usize, long: usize): usize {
  let best: usize = 0;
  for (let i: usize = 1; i < PLAN_COUNT; i++) {
    if (costOf(planAt(i), short, long) < costOf(planAt(best), short, long)) best = i;
  }
  return best;
}

/** Additions that a sum of so many points takes. */
export function sumCost(short: usize, long: usize): usize {
  return costOf(planAt(choosePlan(short, long)), short, long);
}

function begin(index: usize): void {
  const plan = planAt(index);
  const longCount = <usize>plan.longCount;
  planIndex = index;
  shortCount = <usize>plan.shortCount;
  windowCount = shortCount + longCount;
  let buckets: usize = 0;
  for (let i: usize = 0; i < windowCount; i++) {
    const width = i < shortCount
      ? widthOf(i, shortCount, SHORT_BITS)
      : widthOf(i - shortCount, longCount, LONG_BITS - SHORT_BITS);
    store<u8>(WIDTHS + i, <u8>width);
    buckets += <usize>1 << (width - 1);
  }
  // Pairs of elements: what fills the last pair holds blinding points alone.
  columns = (buckets / ROWS + 3) & ~3;
  digitCount = 0;
  topLevel = 0;
  overflown = false;
  memory.fill(counts, 0, (columns * ROWS) << 1);
  memory.fill(levelSizes, 0, MAX_LEVELS << 2);
}

/** Begins a sum of `short` scalars below 2^64 and `long` ones below 2^128 at most, two scalars a point. */
export function beginSum(short: usize, long: usize): void {
  const index = choosePlan(short, long);
  if (!load<u8>(NOTHING_KNOWN + index)) {
    begin(index);
    const x = NOTHING + index * (2 * FE_BYTES), y = x + FE_BYTES;
    if (!addUp() || !sumToAffine(x, y)) unreachable();
    feSub(y, FE_ZERO, y);
    store<u8>(NOTHING_KNOWN + index, 1);
  }
  begin(index);
}

// @ts-ignore: decorator
@inline
function push(bucket: usize, digit: u64): void {
  const count = load<u16>(counts + (bucket << 1));
  if (<usize>count >= MAX_LEVELS) {
    overflown = true;
    return;
  }
  store<u16>(counts + (bucket << 1), count + 1);
  const sizeAt = levelSizes + (<usize>count << 2);
  store<u32>(sizeAt, load<u32>(sizeAt) + 1);
  if (<usize>count >= topLevel) topLevel = <usize>count + 1;
  store<u64>(digits + (digitCount << 3), digit);
  store<u16>(levels + (digitCount << 1), count);
  digitCount++;
}

/** Pushes the digits of hi·2^64 + lo, negated where `negative` is 1, times the point whose packed x is at `x`. */
function pushScalar(lo: u64, hi: u64, negative: u64, x: usize, yOffset: usize): void {
  let column: usize = 0;
  let carry: u64 = 0;
  for (let window: usize = 0; (lo | hi | carry) != 0; window++) {
    const width = <u64>windowWidth(window);
    const half: u64 = 1 << (width - 1);
    let digit = (lo & ((half << 1) - 1)) + carry;
    lo = (lo >> width) | (hi << (64 - width));
    hi >>= width;
    let sign = negative;
    carry = u64(digit > half);
    if (carry) {
      digit = (half << 1) - digit;
      sign ^= 1;
    }
    if (digit != 0) {
      // Bucket d − 1 of the window: its row, then the column.
      const at = <usize>digit - 1;
      const bucket = (at & (ROWS - 1)) * columns + column + (at >> ROWS_SHIFT);
      push(bucket, makeDigit(bucket, x, yOffset, sign));
    }
    column += <usize>half >> ROWS_SHIFT;
  }
}

/** Adds (a + bλ)·P to the sum; `entry` is P as tables hold points: x, βx, y packed. */
export function pushShort(entry: usize, a: u64, b: u64): void {
  pushScalar(a, 0, 0, entry, ENTRY_Y);
  pushScalar(b, 0, 0, entry + ENTRY_BETA_X, ENTRY_Y - ENTRY_BETA_X);
}

/** Subtracts (k₁ + k₂λ)·P, with k₁ and k₂ as scSplit leaves them at `split`. */
export function pushLongNegated(entry: usize, split: usize): void {
  const low0 = load<u64>(split), low1 = load<u64>(split, 8);
  pushScalar(low0, low1, load<u64>(split, 16) ^ 1, entry, ENTRY_Y);
  const high0 = load<u64>(split, 24), high1 = load<u64>(split, 32), sign = load<u64>(split, 40);
  pushScalar(high0, high1, sign ^ 1, entry + ENTRY_BETA_X, ENTRY_Y - ENTRY_BETA_X);
}

/** Adds every digit's point to its bucket; false where an addition met an exception. */
function fillBuckets(): bool {
  const elements = (columns * ROWS) >> 1;
  for (let o: usize = 0; o < elements * FE_BYTES; o += FE_BYTES) {
    feCopy(bucketsX + o, BLIND_X);
    feCopy(bucketsY + o, BLIND_Y);
  }
  let at: u32 = 0;
  for (let level: usize = 0; level < topLevel; level++) {
    const size = load<u32>(levelSizes + (level << 2));
    store<u32>(levelSizes + (level << 2), at);
    at = (at + size + 3) & ~3;
  }
  for (let i: usize = 0; i < digitCount; i++) {
    const nextAt = levelSizes + (<usize>load<u16>(levels + (i << 1)) << 2);
    const next = load<u32>(nextAt);
    store<u64>(sorted + (<usize>next << 3), load<u64>(digits + (i << 3)));
    store<u32>(nextAt, next + 1);
  }
  let regular = true;
  let from: usize = 0;
  for (let level: usize = 0; level < topLevel; level++) {
    const end = <usize>load<u32>(levelSizes + (level << 2));
    while (from < end) {
      const length = min<usize>(end - from, CAPACITY);
      const list = sorted + (from << 3);
      if (!addList(list, length, bucketsX, bucketsY, marks, MAX_BUCKETS)) regular = false;
      from += length;
    }
    from = (end + 3) & ~3;
  }
  return regular;
}

/** Column by column: Σ S_row in the running sums, Σ (row + 1)·S_row in the totals, plus blinding. */
function sumColumns(): bool {
  const elements = columns >> 1;
  for (let o: usize = 0; o < elements * FE_BYTES; o += FE_BYTES) {
    feCopy(runningX + o, UNBLIND_X);
    feCopy(runningY + o, UNBLIND_Y);
    feCopy(totalX + o, START_X);
    feCopy(totalY + o, START_Y);
  }
  for (let row = <isize>ROWS - 1; row >= 0; row--) {
    const x = bucketsX + <usize>row * elements * FE_BYTES;
    const y = bucketsY + <usize>row * elements * FE_BYTES;
    if (
      !addDense(runningX, runningY, runningX, runningY, x, y, FE_BYTES, elements) ||
      !addDense(totalX, totalY, totalX, totalY, runningX, runningY, FE_BYTES, elements)
    ) return false;
  }
  return true;
}

/** Adds the point of a column to the sum that grows. */
function addColumn(x: usize, y: usize, column: usize): void {
  for (let lane: usize = 0; lane < 2; lane++) {
    feCopyLane(feLane(POINT_X, lane), feItem(x, column));
    feCopyLane(feLane(POINT_Y, lane), feItem(y, column));
  }
  sumAdd(POINT_X, POINT_Y);
}

// @ts-ignore: decorator
@inline
function windowWidth(window: usize): usize {
  return <usize>load<u8>(WIDTHS + window);
}

/**
 * All windows together, from the top bit down: a total counts 2^position, a running sum ROWS·index of its column in the window
 * times as much, bit by bit of the index.
 */
function joinWindows(): void {
  sumReset();
  let first: usize = 0;
  for (let i: usize = 0; i < windowCount; i++) first += <usize>1 << (windowWidth(i) - 1 - ROWS_SHIFT);
  for (let window = <isize>windowCount - 1; window >= 0; window--) {
    const width = windowWidth(<usize>window);
    const count = (<usize>1) << (width - 1 - ROWS_SHIFT);
    first -= count;
    for (let bit = <i32>width - 1; bit >= 0; bit--) {
      sumDouble();
      const mask: usize = bit < <i32>ROWS_SHIFT ? 0 : 1 << (<usize>bit - ROWS_SHIFT);
      for (let column: usize = 0; column < count; column++) {
        if (column & mask) addColumn(runningX, runningY, first + column);
        if (bit == 0) addColumn(totalX, totalY, first + column);
      }
    }
  }
}

/** Buckets, columns, windows: the sum with its blinding; false where an addition met an exception. */
function addUp(): bool {
  additions += <u32>(digitCount + 2 * columns * ROWS);
  if (!fillBuckets() || !sumColumns()) return false;
  joinWindows();
  return true;
}

/** What became of a sum: there is none to be had, or it is infinity, or it is a point. */
export const SUM_FAILED: u32 = 0;
export const SUM_INFINITE: u32 = 1;
export const SUM_FINITE: u32 = 2;

/** Ends a sum; where it is finite, x and y of it as words. */
export function finishSum(x: usize, y: usize): u32 {
  if (overflown || !addUp()) return SUM_FAILED;
  const nothing = NOTHING + planIndex * (2 * FE_BYTES);
  sumAdd(nothing, nothing + FE_BYTES);
  if (!sumToAffine(POINT_X, POINT_Y)) return SUM_INFINITE;
  feGet(x, POINT_X);
  feGet(y, POINT_Y);
  return SUM_FINITE;
}
