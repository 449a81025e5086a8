/**
 * secp256k1 cut into limbs for the WebAssembly column: the generators in `scripts/generators/` read everything from here.
 *
 * @module
 */
import { SECP256K1 } from "./secp256k1.ts";

const { p, n, beta, glv, gx, gy } = SECP256K1;

/** The residue of `value` in [0, modulus). */
export function modulo(value: bigint, modulus: bigint): bigint {
  const rest = value % modulus;
  return rest < 0n ? rest + modulus : rest;
}

/** `value⁻¹` mod an odd `modulus` or a power of two, by the extended Euclidean algorithm. */
export function invertModulo(value: bigint, modulus: bigint): bigint {
  let [r0, r1] = [modulus, modulo(value, modulus)];
  let [t0, t1] = [0n, 1n];
  while (r1 !== 0n) {
    const quotient = r0 / r1;
    [r0, r1] = [r1, r0 - quotient * r1];
    [t0, t1] = [t1, t0 - quotient * t1];
  }
  if (r0 !== 1n) throw new RangeError(`invertModulo: expected a unit mod ${modulus}, got ${value}`);
  return modulo(t0, modulus);
}

/** `count` unsigned limbs of `bits` bits, least significant first; the last takes what is left. */
export function unsignedLimbs(value: bigint, bits: number, count: number): bigint[] {
  const mask = (1n << BigInt(bits)) - 1n;
  return Array.from({ length: count }, (_, i) => {
    const rest = value >> BigInt(bits * i);
    return i === count - 1 ? rest : rest & mask;
  });
}

/** `count` balanced limbs of `bits` bits: all but the last in [−2^(bits−1), 2^(bits−1)). */
export function balancedLimbs(value: bigint, bits: number, count: number): bigint[] {
  const limbs: bigint[] = [];
  let rest = value;
  for (let i = 0; i < count - 1; i++) {
    const limb = BigInt.asIntN(bits, rest);
    limbs.push(limb);
    rest = (rest - limb) >> BigInt(bits);
  }
  limbs.push(rest);
  return limbs;
}

/** 2²⁵⁶ mod p. */
export const FIELD_FOLD = (1n << 256n) - p;

/** Field elements for fused multiply-add: five balanced limbs of 51 bits of x/2 mod p, in (−p/2, p/2). */
export const FMA_FIELD = {
  limbBits: 51,
  limbCount: 5,
  /** The limbs of the field element `x`. */
  limbs(x: bigint): bigint[] {
    const half = modulo(x * invertModulo(2n, p), p);
    return balancedLimbs(half > p / 2n ? half - p : half, 51, 5);
  },
} as const;

/** Field elements for 32 × 32 → 64-bit integer products: nine unsigned limbs of 29 bits of x. */
export const INTEGER_FIELD = {
  limbBits: 29,
  limbCount: 9,
  /** The limbs of the field element `x`. */
  limbs(x: bigint): bigint[] {
    return unsignedLimbs(modulo(x, p), 29, 9);
  },
} as const;

/** Scalars mod n: nine unsigned limbs of 29 bits, Montgomery form with R = 2²⁶¹. */
export const SCALAR = {
  limbBits: 29,
  limbCount: 9,
  n: unsignedLimbs(n, 29, 9),
  /** −n⁻¹ mod 2²⁹. */
  negativeInverse: modulo(-invertModulo(n, 1n << 29n), 1n << 29n),
  r: modulo(1n << 261n, n),
  rSquared: modulo(1n << 522n, n),
} as const;

/** Bits by which the two GLV quotients are scaled: a multiple of the limb, enough that they are off by less than 2⁻²⁰. */
export const GLV_SHIFT = 29 * 14;

const rounded = (numerator: bigint): bigint => ((numerator << BigInt(GLV_SHIFT)) + n / 2n) / n;

/** k = k₁ + k₂λ with k₁ = k − c₁a₁ − c₂a₂, k₂ = −c₁b₁ − c₂b₂, c₁ = ⌊k·g₁ / 2^shift⌉, c₂ = ⌊k·g₂ / 2^shift⌉. */
export const GLV = {
  g1: rounded(glv.b2),
  g2: rounded(-glv.b1),
  a1: glv.a1,
  a2: glv.a2,
  minusB1: -glv.b1,
  b2: glv.b2,
} as const;

/** What the division steps of Bernstein and Yang need of an odd modulus: nine limbs of 30 bits and its inverse mod 2³⁰. */
export function divstepModulus(modulus: bigint): { limbs: bigint[]; inverse: bigint } {
  return { limbs: unsignedLimbs(modulus, 30, 9), inverse: invertModulo(modulus, 1n << 30n) };
}

/** Field elements that kernels use, by the name of the generated constant. */
export const FIELD_CONSTANTS: Readonly<Record<string, bigint>> = {
  ZERO: 0n,
  ONE: 1n,
  SEVEN: SECP256K1.b,
  BETA: beta,
  THREE_HALVES: modulo(3n * invertModulo(2n, p), p),
  GENERATOR_X: gx,
  GENERATOR_Y: gy,
};
