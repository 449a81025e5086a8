// Affine point arithmetic of many items at once: one inversion serves a whole array (Montgomery's trick), which makes the
// affine formulas the cheapest there are: 5M + 2S a doubling, 5M + 1S an addition, three of the products for the inverse.
//
// Arrays hold two items an element and an even number of elements; two elements go through each step interleaved, so two
// running products are kept. A zero denominator would spoil everyone's inverse: it is looked for in the product before
// every inversion, and the items that caused it are marked doubtful and go through the complete ladder afterwards.
import { DIVSTEP_P } from "../../generated/secp256k1-scalar";
import {
  FE_BYTES,
  FE_ONE,
  FE_THREE_HALVES,
  feCarry,
  feCopy,
  feCopyLane,
  feGather,
  feGatherPacked,
  feGatherSigned,
  feGet,
  feIsZero,
  feItem,
  feLane,
  feMul,
  feMul2,
  feMulSub2,
  fePut,
  feScatter,
  feSqr2,
  feSqrSub2,
  feSqrSubTwice2,
  feSub,
  feSwapLanes,
  feWorksAlone,
} from "./field";
import {
  digitItem,
  digitSign,
  digitX,
  digitY,
  dummyDigit,
} from "./digits";
import { invertWords } from "./inverse";
import { accX, accY, denominators, DUMMIES, doubtful, products } from "./state";
import { wordsAreZero } from "./words";

const element = FE_BYTES;

const INVERSE_0: usize = memory.data(80, 16);
const INVERSE_1: usize = memory.data(80, 16);
const SLOPE_0: usize = memory.data(80, 16);
const SLOPE_1: usize = memory.data(80, 16);
const T_0: usize = memory.data(80, 16);
const T_1: usize = memory.data(80, 16);
const X_0: usize = memory.data(80, 16);
const X_1: usize = memory.data(80, 16);
const X1_0: usize = memory.data(80, 16);
const X1_1: usize = memory.data(80, 16);
const X2_0: usize = memory.data(80, 16);
const X2_1: usize = memory.data(80, 16);
const Y1_0: usize = memory.data(80, 16);
const Y1_1: usize = memory.data(80, 16);
const BOTH: usize = memory.data(80, 16);
const SWAPPED: usize = memory.data(80, 16);
const WORDS: usize = memory.data(32, 16);
/** Keeps loads that only warm the cache from being dropped. */
const TOUCHED: usize = memory.data(4);

/** Before this point every accumulator starts, so that neither infinity nor ±Q is met: set by initializeBlinding. */
export const BLIND_X: usize = memory.data(80, 16);
export const BLIND_Y: usize = memory.data(80, 16);
/** −2^128 times that point, added at the end. */
export const UNBLIND_X: usize = memory.data(80, 16);
export const UNBLIND_Y: usize = memory.data(80, 16);

/**
 * INVERSE_0, INVERSE_1 = the inverses of the two running products after `count` elements, each times the constant `factor`;
 * false where a lane of either (that counts) is zero.
 */
function invertProducts(count: usize, factor: usize): bool {
  const run0 = products + count * element, run1 = run0 + element;
  const both = !feWorksAlone();
  feMul(BOTH, run0, run1);
  if (both) {
    feSwapLanes(SWAPPED, BOTH);
    feMul(BOTH, BOTH, SWAPPED);
  }
  feGet(WORDS, BOTH);
  if (wordsAreZero(WORDS)) return false;
  invertWords(WORDS, DIVSTEP_P);
  fePut(feLane(T_0, 0), WORDS);
  fePut(feLane(T_0, 1), WORDS);
  feCarry(T_0, T_0);
  if (both) feMul(T_0, T_0, SWAPPED);
  if (factor != FE_ONE) feMul(T_0, T_0, factor);
  feMul2(INVERSE_0, T_0, run1, INVERSE_1, T_0, run0);
  return true;
}

/** The two running products begin at 1; each step multiplies into the pair of elements after. */
// @ts-ignore: decorator
@inline
function beginProducts(): void {
  feCopy(products, FE_ONE);
  feCopy(products + element, FE_ONE);
}

/** `products` = running products of the `count` elements at `values`, before each and after the last two. */
function multiplyUp(values: usize, count: usize): void {
  beginProducts();
  for (let o: usize = 0; o < count * element; o += 2 * element) {
    const at = products + o, next = at + 2 * element;
    feMul2(next, at, values + o, next + element, at + element, values + o + element);
  }
}

/** o = 1/a for `count` elements, none zero in any lane. Where the count is odd, both have room for one more. */
export function invertDense(o: usize, a: usize, count: usize): void {
  if (count & 1) feCopy(a + count++ * element, FE_ONE);
  multiplyUp(a, count);
  if (!invertProducts(count, FE_ONE)) unreachable();
  for (let i = <isize>count - 2; i >= 0; i -= 2) {
    const at = <usize>i * element;
    feMul2(T_0, INVERSE_0, products + at, T_1, INVERSE_1, products + at + element);
    feMul2(INVERSE_0, INVERSE_0, a + at, INVERSE_1, INVERSE_1, a + at + element);
    feCopy(o + at, T_0);
    feCopy(o + at + element, T_1);
  }
}

/** (dx, dy) = 2·(sx, sy) for `count` elements; false, with nothing written, where some y is zero. */
export function doubleDense(dx: usize, dy: usize, sx: usize, sy: usize, count: usize): bool {
  multiplyUp(sy, count);
  if (!invertProducts(count, FE_THREE_HALVES)) return false;
  for (let i = <isize>count - 2; i >= 0; i -= 2) {
    const o = <usize>i * element;
    const x0 = sx + o, x1 = x0 + element, y0 = sy + o, y1 = y0 + element;
    // λ = (3/2)x²/y; x' = λ² − 2x; y' = λ(x − x') − y
    feMul2(SLOPE_0, INVERSE_0, products + o, SLOPE_1, INVERSE_1, products + o + element);
    feMul2(INVERSE_0, INVERSE_0, y0, INVERSE_1, INVERSE_1, y1);
    feSqr2(T_0, x0, T_1, x1);
    feMul2(SLOPE_0, SLOPE_0, T_0, SLOPE_1, SLOPE_1, T_1);
    feSqrSub2(X_0, SLOPE_0, x0, x0, X_1, SLOPE_1, x1, x1);
    feSub(T_0, x0, X_0);
    feSub(T_1, x1, X_1);
    feMulSub2(dy + o, T_0, SLOPE_0, y0, dy + o + element, T_1, SLOPE_1, y1);
    feCopy(dx + o, X_0);
    feCopy(dx + o + element, X_1);
  }
  return true;
}

/**
 * (dx, dy) = (ax, ay) + (bx, by) for `count` elements; b's lie `stride` bytes apart, 0 for one pair of elements used
 * throughout. False, with nothing written, where two points share their x.
 */
export function addDense(
  dx: usize,
  dy: usize,
  ax: usize,
  ay: usize,
  bx: usize,
  by: usize,
  stride: usize,
  count: usize,
): bool {
  for (let i: usize = 0; i < count; i++) {
    feSub(denominators + i * element, bx + i * stride, ax + i * element);
  }
  multiplyUp(denominators, count);
  if (!invertProducts(count, FE_ONE)) return false;
  for (let i = <isize>count - 2; i >= 0; i -= 2) {
    const o = <usize>i * element, ob = <usize>i * stride;
    const x0 = ax + o, x1 = x0 + element, y0 = ay + o, y1 = y0 + element;
    feMul2(SLOPE_0, INVERSE_0, products + o, SLOPE_1, INVERSE_1, products + o + element);
    const d = denominators + o;
    feMul2(INVERSE_0, INVERSE_0, d, INVERSE_1, INVERSE_1, d + element);
    feSub(T_0, by + ob, y0);
    feSub(T_1, by + ob + stride, y1);
    feMul2(SLOPE_0, SLOPE_0, T_0, SLOPE_1, SLOPE_1, T_1);
    feSqrSub2(X_0, SLOPE_0, x0, bx + ob, X_1, SLOPE_1, x1, bx + ob + stride);
    feSub(T_0, x0, X_0);
    feSub(T_1, x1, X_1);
    feMulSub2(dy + o, T_0, SLOPE_0, y0, dy + o + element, T_1, SLOPE_1, y1);
    feCopy(dx + o, X_0);
    feCopy(dx + o + element, X_1);
  }
  return true;
}

/** Puts the item at the start again and marks it for the complete ladder. */
export function doubt(item: usize): void {
  store<u8>(doubtful + item, 1);
  feCopyLane(feItem(accX, item), feLane(BLIND_X, item));
  feCopyLane(feItem(accY, item), feLane(BLIND_Y, item));
}

/** Doubles every accumulator of `count` elements. */
export function doubleAll(count: usize): void {
  while (!doubleDense(accX, accY, accX, accY, count)) {
    for (let item: usize = 0; item < count << 1; item++) {
      if (feIsZero(feItem(accY, item))) doubt(item);
    }
  }
}

/**
 * Adds to the sums (sx, sy) what the `length` ≤ CAPACITY digits at `list` say, at most one an item. The list has room for
 * DUMMIES more, and so have the sums from item `dummies` on, an even number.
 *
 * @returns false where some sum met its addend's x: those items are set in `marks` (u8), and their sums are worth nothing.
 */
export function addList(
  list: usize,
  length: usize,
  sx: usize,
  sy: usize,
  marks: usize,
  dummies: usize,
): bool {
  // Whole steps of four digits: what is missing goes to slots past the last item.
  while (length & 3) {
    store<u64>(list + (length << 3), dummyDigit(dummies + (length & 3), length & 3));
    length++;
  }
  for (let slot: usize = 0; slot < DUMMIES; slot += 2) {
    feCopy(feItem(sx, dummies + slot), BLIND_X);
    feCopy(feItem(sy, dummies + slot), BLIND_Y);
  }
  beginProducts();
  const steps = length >> 2;
  let touched: u32 = 0;
  for (let i: usize = 0; i < steps; i++) {
    const at = list + (i << 5), o = i * (2 * element);
    // Table entries lie all over: ask for those of the step after next, so that they are here by then.
    const ahead = list + (min<usize>(i + 2, steps - 1) << 5);
    for (let j: usize = 0; j < 32; j += 8) {
      const digit = load<u64>(ahead + j);
      touched ^= load<u32>(digitX(digit)) ^ load<u32>(digitY(digit));
    }
    const c0 = load<u64>(at), c1 = load<u64>(at, 8);
    const c2 = load<u64>(at, 16), c3 = load<u64>(at, 24);
    feGather(X1_0, feItem(sx, digitItem(c0)), feItem(sx, digitItem(c1)));
    feGather(X1_1, feItem(sx, digitItem(c2)), feItem(sx, digitItem(c3)));
    feGatherPacked(X2_0, digitX(c0), digitX(c1));
    feGatherPacked(X2_1, digitX(c2), digitX(c3));
    feSub(denominators + o, X2_0, X1_0);
    feSub(denominators + o + element, X2_1, X1_1);
    const before = products + o, next = before + 2 * element, d = denominators + o;
    feMul2(next, before, d, next + element, before + element, d + element);
  }
  store<u32>(TOUCHED, touched);
  let regular = true;
  if (!invertProducts(steps << 1, FE_ONE)) {
    // Some sum has its addend's x. Those additions run with denominator 1: what they give is thrown away.
    regular = false;
    for (let i: usize = 0; i < length; i++) {
      const lane = feItem(denominators, i);
      if (!feIsZero(lane)) continue;
      const item = digitItem(load<u64>(list + (i << 3)));
      store<u8>(marks + item, 1);
      feCopyLane(lane, feLane(FE_ONE, i));
    }
    multiplyUp(denominators, steps << 1);
    if (!invertProducts(steps << 1, FE_ONE)) unreachable();
  }
  for (let i = <isize>steps - 1; i >= 0; i--) {
    const at = list + (<usize>i << 5), o = <usize>i * (2 * element);
    const c0 = load<u64>(at), c1 = load<u64>(at, 8);
    const c2 = load<u64>(at, 16), c3 = load<u64>(at, 24);
    const i0 = digitItem(c0), i1 = digitItem(c1), i2 = digitItem(c2), i3 = digitItem(c3);
    const x0 = feItem(sx, i0), x1 = feItem(sx, i1);
    const x2 = feItem(sx, i2), x3 = feItem(sx, i3);
    const y0 = feItem(sy, i0), y1 = feItem(sy, i1);
    const y2 = feItem(sy, i2), y3 = feItem(sy, i3);
    const d = denominators + o;
    feMul2(SLOPE_0, INVERSE_0, products + o, SLOPE_1, INVERSE_1, products + o + element);
    feMul2(INVERSE_0, INVERSE_0, d, INVERSE_1, INVERSE_1, d + element);
    feGather(X1_0, x0, x1);
    feGather(X1_1, x2, x3);
    feGather(Y1_0, y0, y1);
    feGather(Y1_1, y2, y3);
    feGatherSigned(T_0, digitY(c0), digitY(c1), digitSign(c0), digitSign(c1));
    feGatherSigned(T_1, digitY(c2), digitY(c3), digitSign(c2), digitSign(c3));
    feSub(T_0, T_0, Y1_0);
    feSub(T_1, T_1, Y1_1);
    feMul2(SLOPE_0, SLOPE_0, T_0, SLOPE_1, SLOPE_1, T_1);
    // λ² − x₁ − x₂, where x₂ − x₁ is at hand.
    feSqrSubTwice2(X_0, SLOPE_0, d, X1_0, X_1, SLOPE_1, d + element, X1_1);
    feSub(T_0, X1_0, X_0);
    feSub(T_1, X1_1, X_1);
    feMulSub2(T_0, T_0, SLOPE_0, Y1_0, T_1, T_1, SLOPE_1, Y1_1);
    feScatter(X_0, x0, x1);
    feScatter(X_1, x2, x3);
    feScatter(T_0, y0, y1);
    feScatter(T_1, y2, y3);
  }
  return regular;
}
