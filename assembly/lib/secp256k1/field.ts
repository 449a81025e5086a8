// Field elements mod p = 2^256 − 2^32 − 977, two a vector, behind one set of names for both designs.
//
// The compiler's relaxed-SIMD feature picks the design when a module is built: fused multiply-add (five balanced limbs of 51
// bits of x/2) or integer products (nine limbs of 29 bits). An *element* is FE_BYTES: limb i of lane 0, limb i of lane 1,
// limb i + 1 of lane 0, … A *lane* is the address of one lane's limb 0 inside an element. A *packed* element is one lane's
// limbs side by side, FE_PACKED_BYTES; tables hold those.
import * as fma from "../../generated/secp256k1-field-fma";
import * as int from "../../generated/secp256k1-field-int";
import { P } from "../../generated/secp256k1-scalar";
import { wordsAreZero, wordsAtLeast, wordsSet, wordsSubtract } from "./words";

export const FE_BYTES: usize = 80;
export const FE_PACKED_BYTES: usize = 40;

/** Bytes of a limb, and limbs of an element. */
const LIMB: usize = ASC_FEATURE_RELAXED_SIMD ? 8 : 4;
const LIMBS: usize = ASC_FEATURE_RELAXED_SIMD ? 5 : 9;
const STRIDE: usize = LIMB << 1;

const M29: u64 = 0x1fffffff;
const M51: u64 = 0x7ffffffffffff;
const M52: u64 = 0xfffffffffffff;
/** 2^256 mod p. */
const FOLD: u64 = 0x1000003d1;

export const FE_ZERO: usize = ASC_FEATURE_RELAXED_SIMD ? fma.FE_ZERO : int.FE_ZERO;
export const FE_ONE: usize = ASC_FEATURE_RELAXED_SIMD ? fma.FE_ONE : int.FE_ONE;
export const FE_SEVEN: usize = ASC_FEATURE_RELAXED_SIMD ? fma.FE_SEVEN : int.FE_SEVEN;
export const FE_BETA: usize = ASC_FEATURE_RELAXED_SIMD ? fma.FE_BETA : int.FE_BETA;
export const FE_THREE_HALVES: usize = ASC_FEATURE_RELAXED_SIMD
  ? fma.FE_THREE_HALVES
  : int.FE_THREE_HALVES;
export const FE_GENERATOR_X: usize = ASC_FEATURE_RELAXED_SIMD
  ? fma.FE_GENERATOR_X
  : int.FE_GENERATOR_X;
export const FE_GENERATOR_Y: usize = ASC_FEATURE_RELAXED_SIMD
  ? fma.FE_GENERATOR_Y
  : int.FE_GENERATOR_Y;

/** Largest magnitude of each limb (u64). */
export const FE_LIMB_BOUNDS: usize = ASC_FEATURE_RELAXED_SIMD
  ? fma.FE_LIMB_BOUNDS
  : int.FE_LIMB_BOUNDS;

/** Debug builds: traps unless both lanes' limbs are within the design's bounds. */
function requireReduced(a: usize): void {
  for (let i: usize = 0; i < LIMBS << 1; i++) {
    const bound = load<u64>(FE_LIMB_BOUNDS + ((i >> 1) << 3));
    if (ASC_FEATURE_RELAXED_SIMD) {
      const limb = load<f64>(a + (i << 3));
      assert(limb == Math.trunc(limb), "fractional limb");
      assert(<u64>Math.abs(limb) <= bound, "limb bound");
    } else {
      assert(<u64>load<u32>(a + (i << 2)) <= bound, "limb bound");
    }
  }
}

// @ts-ignore: decorator
@inline
function check(a: usize): void {
  if (!ASC_NO_ASSERT) requireReduced(a);
}

/** o = a·b. */
// @ts-ignore: decorator
@inline
export function feMul(o: usize, a: usize, b: usize): void {
  check(a);
  check(b);
  if (ASC_FEATURE_RELAXED_SIMD) fma.feMul(o, a, b);
  else int.feMul(o, a, b);
  check(o);
}

/** o0 = a0·b0 and o1 = a1·b1; o0 may not overlap the second product's operands. */
// @ts-ignore: decorator
@inline
export function feMul2(o0: usize, a0: usize, b0: usize, o1: usize, a1: usize, b1: usize): void {
  check(a0);
  check(b0);
  check(a1);
  check(b1);
  if (ASC_FEATURE_RELAXED_SIMD) fma.feMul2(o0, a0, b0, o1, a1, b1);
  else int.feMul2(o0, a0, b0, o1, a1, b1);
  check(o0);
  check(o1);
}

/** o = a². */
// @ts-ignore: decorator
@inline
export function feSqr(o: usize, a: usize): void {
  check(a);
  if (ASC_FEATURE_RELAXED_SIMD) fma.feSqr(o, a);
  else int.feSqr(o, a);
  check(o);
}

/** o0 = a0² and o1 = a1². */
// @ts-ignore: decorator
@inline
export function feSqr2(o0: usize, a0: usize, o1: usize, a1: usize): void {
  check(a0);
  check(a1);
  if (ASC_FEATURE_RELAXED_SIMD) fma.feSqr2(o0, a0, o1, a1);
  else int.feSqr2(o0, a0, o1, a1);
  check(o0);
  check(o1);
}

/** o = a·b − c. */
// @ts-ignore: decorator
@inline
export function feMulSub(o: usize, a: usize, b: usize, c: usize): void {
  check(a);
  check(b);
  check(c);
  if (ASC_FEATURE_RELAXED_SIMD) fma.feMulSub(o, a, b, c);
  else int.feMulSub(o, a, b, c);
  check(o);
}

/** o0 = a0·b0 − c0 and o1 = a1·b1 − c1. */
// @ts-ignore: decorator
@inline
export function feMulSub2(
  o0: usize,
  a0: usize,
  b0: usize,
  c0: usize,
  o1: usize,
  a1: usize,
  b1: usize,
  c1: usize,
): void {
  check(a0);
  check(b0);
  check(c0);
  check(a1);
  check(b1);
  check(c1);
  if (ASC_FEATURE_RELAXED_SIMD) fma.feMulSub2(o0, a0, b0, c0, o1, a1, b1, c1);
  else int.feMulSub2(o0, a0, b0, c0, o1, a1, b1, c1);
  check(o0);
  check(o1);
}

/** o = a² − c − d. */
// @ts-ignore: decorator
@inline
export function feSqrSub(o: usize, a: usize, c: usize, d: usize): void {
  check(a);
  check(c);
  check(d);
  if (ASC_FEATURE_RELAXED_SIMD) fma.feSqrSub(o, a, c, d);
  else int.feSqrSub(o, a, c, d);
  check(o);
}

/** o0 = a0² − c0 − d0 and o1 = a1² − c1 − d1. */
// @ts-ignore: decorator
@inline
export function feSqrSub2(
  o0: usize,
  a0: usize,
  c0: usize,
  d0: usize,
  o1: usize,
  a1: usize,
  c1: usize,
  d1: usize,
): void {
  check(a0);
  check(c0);
  check(d0);
  check(a1);
  check(c1);
  check(d1);
  if (ASC_FEATURE_RELAXED_SIMD) fma.feSqrSub2(o0, a0, c0, d0, o1, a1, c1, d1);
  else int.feSqrSub2(o0, a0, c0, d0, o1, a1, c1, d1);
  check(o0);
  check(o1);
}

/** o = a² − c − 2d. */
// @ts-ignore: decorator
@inline
export function feSqrSubTwice(o: usize, a: usize, c: usize, d: usize): void {
  check(a);
  check(c);
  check(d);
  if (ASC_FEATURE_RELAXED_SIMD) fma.feSqrSubTwice(o, a, c, d);
  else int.feSqrSubTwice(o, a, c, d);
  check(o);
}

/** o0 = a0² − c0 − 2·d0 and o1 = a1² − c1 − 2·d1. */
// @ts-ignore: decorator
@inline
export function feSqrSubTwice2(
  o0: usize,
  a0: usize,
  c0: usize,
  d0: usize,
  o1: usize,
  a1: usize,
  c1: usize,
  d1: usize,
): void {
  check(a0);
  check(c0);
  check(d0);
  check(a1);
  check(c1);
  check(d1);
  if (ASC_FEATURE_RELAXED_SIMD) fma.feSqrSubTwice2(o0, a0, c0, d0, o1, a1, c1, d1);
  else int.feSqrSubTwice2(o0, a0, c0, d0, o1, a1, c1, d1);
  check(o0);
  check(o1);
}

/** o = a + b. */
// @ts-ignore: decorator
@inline
export function feAdd(o: usize, a: usize, b: usize): void {
  check(a);
  check(b);
  if (ASC_FEATURE_RELAXED_SIMD) fma.feAdd(o, a, b);
  else int.feAdd(o, a, b);
  check(o);
}

/** o = a − b; a may come from feGatherSigned. */
// @ts-ignore: decorator
@inline
export function feSub(o: usize, a: usize, b: usize): void {
  check(b);
  if (ASC_FEATURE_RELAXED_SIMD) fma.feSub(o, a, b);
  else int.feSub(o, a, b);
  check(o);
}

/** o = 2a. */
// @ts-ignore: decorator
@inline
export function feDouble(o: usize, a: usize): void {
  check(a);
  if (ASC_FEATURE_RELAXED_SIMD) fma.feDouble(o, a);
  else int.feDouble(o, a);
  check(o);
}

/** o = 3a. */
// @ts-ignore: decorator
@inline
export function feTriple(o: usize, a: usize): void {
  check(a);
  if (ASC_FEATURE_RELAXED_SIMD) fma.feTriple(o, a);
  else int.feTriple(o, a);
  check(o);
}

/** o = a, reduced, where a comes from fePut or feGatherSigned. */
// @ts-ignore: decorator
@inline
export function feCarry(o: usize, a: usize): void {
  if (ASC_FEATURE_RELAXED_SIMD) fma.feCarry(o, a);
  else int.feCarry(o, a);
  check(o);
}

/** o = a. */
// @ts-ignore: decorator
@inline
export function feCopy(o: usize, a: usize): void {
  v128.store(o, v128.load(a));
  v128.store(o, v128.load(a, 16), 16);
  v128.store(o, v128.load(a, 32), 32);
  v128.store(o, v128.load(a, 48), 48);
  v128.store(o, v128.load(a, 64), 64);
}

/** o = a with its lanes exchanged. */
export function feSwapLanes(o: usize, a: usize): void {
  for (let i: usize = 0; i < FE_BYTES; i += 16) {
    const v = v128.load(a + i);
    if (ASC_FEATURE_RELAXED_SIMD) v128.store(o + i, v128.shuffle<u64>(v, v, 1, 0));
    else v128.store(o + i, v128.shuffle<u32>(v, v, 1, 0, 3, 2));
  }
}

/** Address of lane `lane` (0 or 1) of the element at `a`. */
// @ts-ignore: decorator
@inline
export function feLane(a: usize, lane: usize): usize {
  return a + (lane & 1) * LIMB;
}

/** Address of item `index` in an array of elements at `a`: two items an element. */
// @ts-ignore: decorator
@inline
export function feItem(a: usize, index: usize): usize {
  return a + (index >> 1) * FE_BYTES + (index & 1) * LIMB;
}

/** One lane copied to another. */
export function feCopyLane(to: usize, from: usize): void {
  for (let i: usize = 0; i < LIMBS * STRIDE; i += STRIDE) {
    if (ASC_FEATURE_RELAXED_SIMD) store<u64>(to + i, load<u64>(from + i));
    else store<u32>(to + i, load<u32>(from + i));
  }
}

/** Puts the words at `w`, below p, into a lane; the element is reduced only after feCarry. */
export function fePut(lane: usize, w: usize): void {
  let w0 = load<u64>(w);
  let w1 = load<u64>(w, 8);
  let w2 = load<u64>(w, 16);
  let w3 = load<u64>(w, 24);
  if (ASC_FEATURE_RELAXED_SIMD) {
    // x/2 mod p: x or x + p, whichever is even, shifted right once.
    let top: u64 = 0;
    if (w0 & 1) {
      // x + p = x + 2^256 − FOLD; the top bit is lost where x < FOLD borrows.
      const t0 = w0 - FOLD;
      let borrow = u64(t0 > w0);
      const t1 = w1 - borrow;
      borrow = u64(t1 > w1);
      const t2 = w2 - borrow;
      borrow = u64(t2 > w2);
      const t3 = w3 - borrow;
      borrow = u64(t3 > w3);
      top = 1 - borrow;
      w0 = t0;
      w1 = t1;
      w2 = t2;
      w3 = t3;
    }
    w0 = (w0 >> 1) | (w1 << 63);
    w1 = (w1 >> 1) | (w2 << 63);
    w2 = (w2 >> 1) | (w3 << 63);
    w3 = (w3 >> 1) | (top << 63);
    store<f64>(lane, <f64>(w0 & M51));
    store<f64>(lane, <f64>(((w0 >> 51) | (w1 << 13)) & M51), 16);
    store<f64>(lane, <f64>(((w1 >> 38) | (w2 << 26)) & M51), 32);
    store<f64>(lane, <f64>(((w2 >> 25) | (w3 << 39)) & M51), 48);
    store<f64>(lane, <f64>(w3 >> 12), 64);
  } else {
    store<u32>(lane, <u32>(w0 & M29));
    store<u32>(lane, <u32>((w0 >> 29) & M29), 8);
    store<u32>(lane, <u32>(((w0 >> 58) | (w1 << 6)) & M29), 16);
    store<u32>(lane, <u32>((w1 >> 23) & M29), 24);
    store<u32>(lane, <u32>(((w1 >> 52) | (w2 << 12)) & M29), 32);
    store<u32>(lane, <u32>((w2 >> 17) & M29), 40);
    store<u32>(lane, <u32>(((w2 >> 46) | (w3 << 18)) & M29), 48);
    store<u32>(lane, <u32>((w3 >> 11) & M29), 56);
    store<u32>(lane, <u32>(w3 >> 40), 64);
  }
}

/** Writes a lane's value in [0, p) as words at `w`. */
export function feGet(w: usize, lane: usize): void {
  if (ASC_FEATURE_RELAXED_SIMD) {
    // 2X in 51-bit digits with a signed carry h above 2^256, |h| ≤ 2; two folds bring h to zero.
    let t: i64 = 2 * <i64>load<f64>(lane);
    let d0 = <u64>t & M51;
    t = (t >> 51) + 2 * <i64>load<f64>(lane, 16);
    let d1 = <u64>t & M51;
    t = (t >> 51) + 2 * <i64>load<f64>(lane, 32);
    let d2 = <u64>t & M51;
    t = (t >> 51) + 2 * <i64>load<f64>(lane, 48);
    let d3 = <u64>t & M51;
    t = (t >> 51) + 2 * <i64>load<f64>(lane, 64);
    let d4 = <u64>t & M52;
    let h = t >> 52;
    for (let i = 0; i < 2; i++) {
      t = <i64>d0 + h * <i64>FOLD;
      d0 = <u64>t & M51;
      t = (t >> 51) + <i64>d1;
      d1 = <u64>t & M51;
      t = (t >> 51) + <i64>d2;
      d2 = <u64>t & M51;
      t = (t >> 51) + <i64>d3;
      d3 = <u64>t & M51;
      t = (t >> 51) + <i64>d4;
      d4 = <u64>t & M52;
      h = t >> 52;
    }
    wordsSet(w, d0 | (d1 << 51), (d1 >> 13) | (d2 << 38), (d2 >> 26) | (d3 << 25), (d3 >> 39) | (d4 << 12));
  } else {
    // Carry, fold what lies above 2^256 (a few units), carry again: the second fold can no longer carry out.
    let d0 = <u64>load<u32>(lane), d1 = <u64>load<u32>(lane, 8), d2 = <u64>load<u32>(lane, 16);
    let d3 = <u64>load<u32>(lane, 24), d4 = <u64>load<u32>(lane, 32), d5 = <u64>load<u32>(lane, 40);
    let d6 = <u64>load<u32>(lane, 48), d7 = <u64>load<u32>(lane, 56), d8 = <u64>load<u32>(lane, 64);
    for (let i = 0; i < 2; i++) {
      d1 += d0 >> 29;
      d2 += d1 >> 29;
      d3 += d2 >> 29;
      d4 += d3 >> 29;
      d5 += d4 >> 29;
      d6 += d5 >> 29;
      d7 += d6 >> 29;
      d8 += d7 >> 29;
      const h = d8 >> 24;
      d0 = (d0 & M29) + h * FOLD;
      d1 &= M29;
      d2 &= M29;
      d3 &= M29;
      d4 &= M29;
      d5 &= M29;
      d6 &= M29;
      d7 &= M29;
      d8 &= 0xffffff;
    }
    // d0 is below 2^29 + FOLD here and its carry goes through u64 additions in the words.
    let w0 = (d0 & M29) | (d1 << 29) | (d2 << 58);
    let w1 = (d2 >> 6) | (d3 << 23) | (d4 << 52);
    let w2 = (d4 >> 12) | (d5 << 17) | (d6 << 46);
    let w3 = (d6 >> 18) | (d7 << 11) | (d8 << 40);
    const rest = (d0 >> 29) << 29;
    w0 += rest;
    let carry = u64(w0 < rest);
    w1 += carry;
    carry = u64(w1 < carry);
    w2 += carry;
    carry = u64(w2 < carry);
    w3 += carry;
    wordsSet(w, w0, w1, w2, w3);
  }
  if (wordsAtLeast(w, P)) wordsSubtract(w, w, P);
}

const PROBE: usize = memory.data(32, 16);

/** Whether a lane's value is zero mod p. */
export function feIsZero(lane: usize): bool {
  feGet(PROBE, lane);
  return wordsAreZero(PROBE);
}

/** o = the lanes at p and q, side by side. */
// @ts-ignore: decorator
@inline
export function feGather(o: usize, p: usize, q: usize): void {
  if (ASC_FEATURE_RELAXED_SIMD) {
    v128.store(o, v128.load_lane<u64>(q, v128.load64_zero(p), 1));
    v128.store(o, v128.load_lane<u64>(q, v128.load64_zero(p, 16), 1, 16), 16);
    v128.store(o, v128.load_lane<u64>(q, v128.load64_zero(p, 32), 1, 32), 32);
    v128.store(o, v128.load_lane<u64>(q, v128.load64_zero(p, 48), 1, 48), 48);
    v128.store(o, v128.load_lane<u64>(q, v128.load64_zero(p, 64), 1, 64), 64);
  } else {
    for (let i: usize = 0; i < 72; i += 8) {
      store<u64>(o + i, <u64>load<u32>(p + i) | (<u64>load<u32>(q + i) << 32));
    }
  }
}

/** The two lanes of a, apart, to p and q. */
// @ts-ignore: decorator
@inline
export function feScatter(a: usize, p: usize, q: usize): void {
  if (ASC_FEATURE_RELAXED_SIMD) {
    for (let i: usize = 0; i < FE_BYTES; i += 16) {
      const v = v128.load(a + i);
      v128.store_lane<u64>(p + i, v, 0);
      v128.store_lane<u64>(q + i, v, 1);
    }
  } else {
    for (let i: usize = 0; i < 72; i += 8) {
      const both = load<u64>(a + i);
      store<u32>(p + i, <u32>both);
      store<u32>(q + i, <u32>(both >> 32));
    }
  }
}

/** The two packed elements at p and q as vectors: `part` is 0 … 4, 16 bytes of the element each. */
// @ts-ignore: decorator
@inline
function packedPart(p: usize, q: usize, part: usize): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) {
    return v128.load_lane<u64>(q + (part << 3), v128.load64_zero(p + (part << 3)), 1);
  }
  if (part == 4) return v128.load_lane<u32>(q + 32, v128.load32_zero(p + 32), 1);
  const from = (part >> 1) << 4;
  const left = v128.load(p + from);
  const right = v128.load(q + from);
  if (part & 1) return v128.shuffle<u32>(left, right, 2, 6, 3, 7);
  return v128.shuffle<u32>(left, right, 0, 4, 1, 5);
}

/** o = the packed elements at p and q. */
// @ts-ignore: decorator
@inline
export function feGatherPacked(o: usize, p: usize, q: usize): void {
  v128.store(o, packedPart(p, q, 0));
  v128.store(o, packedPart(p, q, 1), 16);
  v128.store(o, packedPart(p, q, 2), 32);
  v128.store(o, packedPart(p, q, 3), 48);
  v128.store(o, packedPart(p, q, 4), 64);
}

/**
 * o = the packed elements at p and q, each negated where its sign (0 or 1) says so. With integer limbs the result is not
 * reduced: only feCarry, and feSub as its minuend, may take it.
 */
// @ts-ignore: decorator
@inline
export function feGatherSigned(o: usize, p: usize, q: usize, signP: u32, signQ: u32): void {
  if (ASC_FEATURE_RELAXED_SIMD) {
    const sign = i64x2.replace_lane(i64x2.splat(<i64>signP << 63), 1, <i64>signQ << 63);
    v128.store(o, v128.xor(sign, packedPart(p, q, 0)));
    v128.store(o, v128.xor(sign, packedPart(p, q, 1)), 16);
    v128.store(o, v128.xor(sign, packedPart(p, q, 2)), 32);
    v128.store(o, v128.xor(sign, packedPart(p, q, 3)), 48);
    v128.store(o, v128.xor(sign, packedPart(p, q, 4)), 64);
  } else {
    // −y = LIFT − y: (y ^ m) − m + (LIFT & m) with m all ones where negative.
    const m = i64x2.splat(<i64>(<u64>(<u32>(0 - signP)) | (<u64>(<u32>(0 - signQ)) << 32)));
    for (let part: usize = 0; part < 5; part++) {
      const flipped = i32x4.sub(v128.xor(packedPart(p, q, part), m), m);
      const lift = v128.and(v128.load(int.FE_LIFT + (part << 4)), m);
      v128.store(o + (part << 4), i32x4.add(flipped, lift));
    }
  }
}

/** The two lanes of a, packed, to p and q. */
// @ts-ignore: decorator
@inline
export function feScatterPacked(a: usize, p: usize, q: usize): void {
  if (ASC_FEATURE_RELAXED_SIMD) {
    for (let i: usize = 0; i < 5; i++) {
      const v = v128.load(a + (i << 4));
      v128.store_lane<u64>(p + (i << 3), v, 0);
      v128.store_lane<u64>(q + (i << 3), v, 1);
    }
  } else {
    for (let i: usize = 0; i < 9; i++) {
      const both = load<u64>(a + (i << 3));
      store<u32>(p + (i << 2), <u32>both);
      store<u32>(q + (i << 2), <u32>(both >> 32));
    }
  }
}

/** Scratch of the square root: ten elements for each of two vectors. */
const CHAIN: usize = memory.data(1600, 16);

/** o0 = a0^(2^times), and o1 of a1 where `both`. */
function sqrTimes(o0: usize, a0: usize, o1: usize, a1: usize, times: i32, both: bool): void {
  if (both) {
    feSqr2(o0, a0, o1, a1);
    for (let i = 1; i < times; i++) feSqr2(o0, o0, o1, o1);
  } else {
    feSqr(o0, a0);
    for (let i = 1; i < times; i++) feSqr(o0, o0);
  }
}

/** Element `index` of the chain's scratch becomes scratch[from]^(2^times)·(scratch[by]). */
function chainStep(index: usize, from: usize, times: i32, by: usize, both: bool): void {
  const o = CHAIN + index * 160, a = CHAIN + from * 160, b = CHAIN + by * 160;
  sqrTimes(o, a, o + FE_BYTES, a + FE_BYTES, times, both);
  if (both) feMul2(o, o, b, o + FE_BYTES, o + FE_BYTES, b + FE_BYTES);
  else feMul(o, o, b);
}

/**
 * o0 = a0^((p + 1)/4), a square root of a0 where there is one; o1 of a1 too where `both`.
 * The exponent is 223 ones, 0, 22 ones, 0000, 11, 00: 253 squarings and 13 products by the usual chain of 2^k − 1.
 */
export function feSquareRoot(o0: usize, a0: usize, o1: usize, a1: usize, both: bool): void {
  // Scratch by how many ones: 0: 1, 1: 2, 2: 3, 3: 6, 4: 9 then 11, 5: 22, 6: 44, 7: 88, 8: 176 and on.
  feCopy(CHAIN, a0);
  if (both) feCopy(CHAIN + FE_BYTES, a1);
  chainStep(1, 0, 1, 0, both);
  chainStep(2, 1, 1, 0, both);
  chainStep(3, 2, 3, 2, both);
  chainStep(4, 3, 3, 2, both);
  chainStep(4, 4, 2, 1, both);
  chainStep(5, 4, 11, 4, both);
  chainStep(6, 5, 22, 5, both);
  chainStep(7, 6, 44, 6, both);
  chainStep(8, 7, 88, 7, both);
  chainStep(8, 8, 44, 6, both);
  chainStep(8, 8, 3, 2, both);
  chainStep(8, 8, 23, 5, both);
  chainStep(8, 8, 6, 1, both);
  const last = CHAIN + 8 * 160;
  sqrTimes(o0, last, o1, last + FE_BYTES, 2, both);
}
