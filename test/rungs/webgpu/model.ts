/** The CPU copy of the limb algorithms: the generator's own programs, evaluated with u32 arithmetic. */
import { SECP256K1 } from "../../../src/params/secp256k1.ts";

export type Limbs = readonly number[];
type LimbFunction = (...vectors: (Limbs | number)[]) => number[];
export interface ModelPoint {
  readonly x: Limbs;
  readonly y: Limbs;
  readonly z: Limbs;
}
interface Step {
  readonly squarings: number;
  readonly by?: string;
  readonly save?: string;
}

const generators = new URL("../../../../scripts/generators/wgsl/", import.meta.url);
const { secp256k1Model, CHAINS } = await import(new URL("secp256k1-model.mjs", generators).href);

/** Limb programs and formulas as functions, by the names they have in WGSL. */
export function createModel(karatsubaLevels: number) {
  const { field, scalar, words, formulas } = secp256k1Model(SECP256K1, { karatsubaLevels });
  const limb: Record<string, LimbFunction> = {};
  for (const programs of [field, scalar, words]) {
    for (const [name, program] of programs) limb[name] = program.toFunction();
  }
  const point: Record<string, (...points: Partial<ModelPoint>[]) => number[][]> = {};
  for (const [name, formula] of formulas) point[name] = formula.toFunction(limb);
  return { limb, point };
}

/** A power by the addition chain `feSqrt` or `feInverse`. */
export function power(limb: Record<string, LimbFunction>, chain: string, base: Limbs): number[] {
  const saved: Record<string, number[]> = { x1: [...base] };
  let t = [...base];
  for (const { squarings, by, save } of CHAINS[chain] as Step[]) {
    const self = t;
    for (let i = 0; i < squarings; i++) t = limb.feSqr(t);
    if (by) t = limb.feMul(t, by === "self" ? self : saved[by]);
    if (save) saved[save] = t;
  }
  return t;
}

export const limbsOf = (value: bigint): number[] =>
  Array.from({ length: 20 }, (_, i) => Number((value >> BigInt(13 * i)) & 8191n));

export const valueOfLimbs = (limbs: ArrayLike<number>): bigint =>
  Array.from(limbs).reduce((sum, limb, i) => sum + (BigInt(limb) << BigInt(13 * i)), 0n);

export const mod = (value: bigint, modulus: bigint): bigint =>
  ((value % modulus) + modulus) % modulus;

export function powerMod(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  for (let b = mod(base, modulus), e = exponent; e > 0n; e >>= 1n, b = (b * b) % modulus) {
    if (e & 1n) result = (result * b) % modulus;
  }
  return result;
}
