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
const load = (name: string) => import(new URL(name, generators).href);
const { secp256k1Model, BUILT, CHAINS, FORMS } = await load("secp256k1-model.mjs");
/** The generator itself. */
export const { LimbProgram } = await load("limb-program.mjs");
export const { fieldPrograms: limbFieldPrograms } = await load("limb-field.mjs");

/** How a form keeps field elements: limbs, their bits, and the greatest of a product, of its first operand, of anything. */
export interface FieldShape {
  readonly limbs: number;
  readonly bits: number;
  readonly tight: number;
  readonly loose: number;
  readonly wide: number;
}
const LIMBS_20: FieldShape = { limbs: 20, bits: 13, tight: 8192, loose: 3 * 8192, wide: 1 << 20 };
const MOST = 2 ** 32 - 1;
const WORDS_8: FieldShape = { limbs: 8, bits: 32, tight: MOST, loose: MOST, wide: MOST };

/** The names of all forms; the first is the one that is built. */
export const formNames: readonly string[] = ["built", ...Object.keys(FORMS)];

/** What the looped form's shader does around `feReduce`. */
function loopedProduct(reduce: LimbFunction): LimbFunction {
  return (x, y = x) => {
    const columns = Array<number>(39).fill(0);
    for (const [i, a] of (x as Limbs).entries()) {
      for (const [j, b] of (y as Limbs).entries()) columns[i + j] += a * b;
    }
    return reduce(columns);
  };
}

/** Limb programs and formulas of a form as functions, by the names they have in WGSL. */
export function createModel(formName: string) {
  const form = formName === "built" ? BUILT : FORMS[formName];
  const { field, scalar, formulas } = secp256k1Model(SECP256K1, form);
  const limb: Record<string, LimbFunction> = {};
  for (const programs of [field, scalar]) {
    for (const [name, program] of programs) limb[name] = program.toFunction();
  }
  if (form.looped) limb.feMul = limb.feSqr = loopedProduct(limb.feReduce);
  const point: Record<string, (...points: Partial<ModelPoint>[]) => number[][]> = {};
  for (const [name, formula] of formulas) point[name] = formula.toFunction(limb);
  return { limb, point, shape: form.words ? WORDS_8 : LIMBS_20 };
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

/** Limbs of a number; what is above the last one is lost. */
export const limbsOf = (value: bigint, { limbs, bits }: FieldShape = LIMBS_20): number[] =>
  Array.from({ length: limbs }, (_, i) =>
    Number((value >> BigInt(bits * i)) & ((1n << BigInt(bits)) - 1n)),
  );

export const valueOfLimbs = (limbs: ArrayLike<number>, { bits }: FieldShape = LIMBS_20): bigint =>
  Array.from(limbs).reduce((sum, limb, i) => sum + (BigInt(limb) << BigInt(bits * i)), 0n);

export const mod = (value: bigint, modulus: bigint): bigint =>
  ((value % modulus) + modulus) % modulus;

export function powerMod(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  for (let b = mod(base, modulus), e = exponent; e > 0n; e >>= 1n, b = (b * b) % modulus) {
    if (e & 1n) result = (result * b) % modulus;
  }
  return result;
}
