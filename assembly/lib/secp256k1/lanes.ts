// Field elements as they lie in memory: two a vector, by lane, packed, and as words.
//
// An *element* is FE_BYTES: limb i of lane 0, limb i of lane 1, limb i + 1 of lane 0, … A *lane* is the address of one lane's
// limb 0 inside an element. A *packed* element is one lane's limbs side by side, FE_PACKED_BYTES; tables hold those.
import * as int from "../../generated/secp256k1-field-int";
import { P } from "../../generated/secp256k1-scalar";
import { wordsAreZero, wordsAtLeast, wordsSet, wordsSubtract } from "./words";

export const FE_BYTES: usize = 80;
export const FE_PACKED_BYTES: usize = 40;

/** Bytes of a limb, and limbs of an element. */
const LIMB: usize = ASC_FEATURE_RELAXED_SIMD ? 8 : 4;
export const LIMBS: usize = ASC_FEATURE_RELAXED_SIMD ? 5 : 9;
const STRIDE: usize = LIMB << 1;

const M29: u64 = 0x1fffffff;
const M51: u64 = 0x7ffffffffffff;
const M52: u64 = 0xfffffffffffff;
/** 2^256 mod p. */
const FOLD: u64 = 0x1000003d1;

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
    const w1 = (d1 >> 13) | (d2 << 38), w2 = (d2 >> 26) | (d3 << 25);
    wordsSet(w, d0 | (d1 << 51), w1, w2, (d3 >> 39) | (d4 << 12));
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
