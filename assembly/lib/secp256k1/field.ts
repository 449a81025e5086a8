// Field elements mod p = 2^256 − 2^32 − 977, two a vector, behind one set of names for both designs.
//
// The compiler's relaxed-SIMD feature picks the design when a module is built: fused multiply-add (five balanced limbs of 51
// bits of x/2) or integer products (nine limbs of 29 bits). How elements lie in memory: lanes.ts.
import * as fma from "../../generated/secp256k1-field-fma";
import * as int from "../../generated/secp256k1-field-int";
import * as lone from "../../generated/secp256k1-field-lone";
import { LIMBS } from "./lanes";

export * from "./lanes";

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

let alone: bool = false;

/**
 * Whether from here on only the first lane of every element counts. One record alone is then computed in scalar instructions by the
 * integer design, whose vectors bring nothing where a lane is idle; fused multiply-add has no such instructions.
 */
export function feWorkAlone(on: bool): void {
  alone = !ASC_FEATURE_RELAXED_SIMD && on;
}

/** See feWorkAlone. */
// @ts-ignore: decorator
@inline
export function feWorksAlone(): bool {
  return alone;
}

/** Debug builds: traps unless the limbs of the lanes that count are within the design's bounds. */
function requireReduced(a: usize): void {
  for (let i: usize = 0; i < LIMBS << 1; i += alone ? 2 : 1) {
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
  else if (alone) lone.feMul(o, a, b);
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
  else if (alone) {
    lone.feMul(o0, a0, b0);
    lone.feMul(o1, a1, b1);
  } else int.feMul2(o0, a0, b0, o1, a1, b1);
  check(o0);
  check(o1);
}

/** o0 = a0·b0 and o1 = a1²; o0 may not overlap a1. */
// @ts-ignore: decorator
@inline
export function feMulSqr2(o0: usize, a0: usize, b0: usize, o1: usize, a1: usize): void {
  // Two products side by side beat a product and then a square where they are fused.
  if (ASC_FEATURE_RELAXED_SIMD) {
    feMul2(o0, a0, b0, o1, a1, a1);
  } else {
    feMul(o0, a0, b0);
    feSqr(o1, a1);
  }
}

/** o = a². */
// @ts-ignore: decorator
@inline
export function feSqr(o: usize, a: usize): void {
  check(a);
  if (ASC_FEATURE_RELAXED_SIMD) fma.feSqr(o, a);
  else if (alone) lone.feSqr(o, a);
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
  else if (alone) {
    lone.feSqr(o0, a0);
    lone.feSqr(o1, a1);
  } else int.feSqr2(o0, a0, o1, a1);
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
  else if (alone) lone.feMulSub(o, a, b, c);
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
  else if (alone) {
    lone.feMulSub(o0, a0, b0, c0);
    lone.feMulSub(o1, a1, b1, c1);
  } else int.feMulSub2(o0, a0, b0, c0, o1, a1, b1, c1);
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
  else if (alone) lone.feSqrSub(o, a, c, d);
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
  else if (alone) {
    lone.feSqrSub(o0, a0, c0, d0);
    lone.feSqrSub(o1, a1, c1, d1);
  } else int.feSqrSub2(o0, a0, c0, d0, o1, a1, c1, d1);
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
  else if (alone) lone.feSqrSubTwice(o, a, c, d);
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
  else if (alone) {
    lone.feSqrSubTwice(o0, a0, c0, d0);
    lone.feSqrSubTwice(o1, a1, c1, d1);
  } else int.feSqrSubTwice2(o0, a0, c0, d0, o1, a1, c1, d1);
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
  else if (alone) lone.feAdd(o, a, b);
  else int.feAdd(o, a, b);
  check(o);
}

/** o = a − b; a may come from feGatherSigned. */
// @ts-ignore: decorator
@inline
export function feSub(o: usize, a: usize, b: usize): void {
  check(b);
  if (ASC_FEATURE_RELAXED_SIMD) fma.feSub(o, a, b);
  else if (alone) lone.feSub(o, a, b);
  else int.feSub(o, a, b);
  check(o);
}

/** o = 2a. */
// @ts-ignore: decorator
@inline
export function feDouble(o: usize, a: usize): void {
  check(a);
  if (ASC_FEATURE_RELAXED_SIMD) fma.feDouble(o, a);
  else if (alone) lone.feDouble(o, a);
  else int.feDouble(o, a);
  check(o);
}

/** o = 3a. */
// @ts-ignore: decorator
@inline
export function feTriple(o: usize, a: usize): void {
  check(a);
  if (ASC_FEATURE_RELAXED_SIMD) fma.feTriple(o, a);
  else if (alone) lone.feTriple(o, a);
  else int.feTriple(o, a);
  check(o);
}

/** o = a, reduced, where a comes from fePut or feGatherSigned. */
// @ts-ignore: decorator
@inline
export function feCarry(o: usize, a: usize): void {
  if (ASC_FEATURE_RELAXED_SIMD) fma.feCarry(o, a);
  else if (alone) lone.feCarry(o, a);
  else int.feCarry(o, a);
  check(o);
}
