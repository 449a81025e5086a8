// secp256k1 as limb programs and formulas: what the shaders are emitted from, and what tests evaluate beside them.
import { FieldProgram } from "./field-program.mjs";
import {
  atLeastProgram,
  BITS,
  carryAll,
  columnsOf,
  fieldPrograms,
  fromWordsProgram,
  LIMBS,
  limbBounds,
  limbsOf,
  memoryPrograms,
  packWords,
  scaleProgram,
  TIGHT,
  toWordsProgram,
} from "./limb-field.mjs";
import { LimbProgram } from "./limb-program.mjs";
import { wordBounds, wordFieldPrograms } from "./word-field.mjs";

const FULL = (1n << BigInt(BITS)) - 1n;

/** Greatest limb of feMul's first operand: 20 · 3·2¹³ · 2¹³ and the fold stay below 2³². */
const FIELD_LOOSE = 3n * TIGHT;
/** Of scMul's: the fold of n has 11 full limbs and needs more room. */
const SCALAR_LOOSE = 2n * TIGHT;

/** Digits of the ladder: 4 bits, signed, 33 of them for 129-bit halves. */
export const LADDER = { bits: 4, digits: 33 };
/** Digits of the fixed-base table, signed: 8 bits, 33 of them for 256-bit scalars; or 12 bits and 22. */
export const combOf = (bits) => ({ bits, digits: Math.floor(256 / bits) + 1 });

/** The sum of half · 2^(bits · i) over all digits: added to a number, it makes each digit d stand as d + half. */
const recodingBias = ({ bits, digits }) =>
  Array.from({ length: digits }, (_, i) => 1n << BigInt(bits * i + bits - 1)).reduce(
    (a, b) => a + b,
  );

/** round(a · 2³⁸⁴ / b) */
const scaled = (a, b) => (2n * (a << 384n) + b) / (2n * b);

/**
 * GLV: k = k₁ + k₂λ with halves of at most 128 bits (Gallant, Lambert, Vanstone, CRYPTO 2001), recoded for the ladder.
 * The quotients are rounded products by constants, as in the derivation of libsecp256k1's scalar_split_lambda.
 */
function splitProgram({ n, glv }) {
  const program = new LimbProgram(
    "scSplit",
    { k: { length: LIMBS, max: FULL } },
    [
      "k canonical → k₁ and k₂ with k = k₁ + k₂λ mod n, each in 5 words: its magnitude + 0x888…8 (33 digits d as d + 8 in 4 bits",
      "each, d in -8 … 7), and its sign in bit 31 of the last word.",
    ].join("\n"),
  );
  const k = program.input("k");
  /** round(k · g / 2³⁸⁴): bit 384 is bit 7 of limb 29, and bit 383 is what rounds. */
  const quotient = (g) => {
    const factor = limbsOf(g).map((limb) => program.constant(limb));
    const columns = columnsOf(k, factor, (a, b, c) => (b.max === 0n ? c : program.mad(a, b, c)));
    columns[29] = program.add(columns[29], program.constant(1n << 6n));
    const limbs = carryAll(
      program,
      Array.from(columns, (value) => value ?? program.constant(0)),
    );
    return Array.from({ length: 11 }, (_, i) => {
      const low = limbs[29 + i] && program.shr(limbs[29 + i], 7);
      const high = limbs[30 + i] && program.shl(program.low(limbs[30 + i], 7), 6);
      return program.bounded(program.or(low, high) ?? program.constant(0), FULL);
    });
  };
  const c1 = quotient(scaled(glv.b2, n));
  const c2 = quotient(scaled(-glv.b1, n));
  // Halves modulo 2¹⁴³ in two's complement, 11 limbs; the bias is 2¹⁶¹, and keeps every column positive.
  const WIDTH = 11;
  const bias = (i) => (1n << 31n) - (i === 0 ? 0n : 1n << 18n);
  const half = (start, terms) => {
    const columns = Array.from({ length: WIDTH }, (_, i) =>
      start ? program.add(start[i], program.constant(bias(i))) : program.constant(bias(i)),
    );
    const taken = [];
    for (const [quotients, value] of terms) {
      const limbs = limbsOf(value, WIDTH);
      for (let i = 0; i < WIDTH; i++) {
        for (let j = 0; i + j < WIDTH; j++) {
          if (limbs[j] === 0n) continue;
          taken[i + j] = program.mad(quotients[i], program.constant(limbs[j]), taken[i + j]);
        }
      }
    }
    const sums = columns.map((value, i) => program.sub(value, taken[i]));
    const limbs = carryAll(program, sums).slice(0, WIDTH);
    const sign = program.shr(limbs[WIDTH - 1], BITS - 1);
    const mask = program.low(program.mask(sign), BITS);
    const flipped = limbs.map((limb, i) => {
      const value = program.bounded(program.xor(limb, mask), FULL);
      return i === 0 ? program.add(value, sign) : value;
    });
    const magnitude = carryAll(program, flipped).slice(0, WIDTH);
    const digits = limbsOf(recodingBias(LADDER), WIDTH);
    const recoded = carryAll(
      program,
      magnitude.map((value, i) => program.add(value, program.constant(digits[i]))),
    ).slice(0, WIDTH);
    const words = packWords(program, recoded, 5);
    words[4] = program.or(words[4], program.shlWrapping(sign, 31));
    return words;
  };
  // k₁ = k - c₁a₁ - c₂a₂; k₂ = -c₁b₁ - c₂b₂, where b₁ < 0 and -|b₁| stands as its complement to 2¹⁴³.
  const first = half(k.slice(0, WIDTH), [
    [c1, glv.a1],
    [c2, glv.a2],
  ]);
  const minus = (value) => (1n << 143n) - value;
  const second = half(undefined, [
    [c1, minus(-glv.b1)],
    [c2, glv.b2],
  ]);
  return program.finish([...first, ...second]);
}

/** u canonical → its digits for the fixed-base table. */
function combProgram(comb) {
  const half = 2 ** (comb.bits - 1);
  const program = new LimbProgram(
    "scComb",
    { u: { length: LIMBS, max: FULL } },
    `u canonical → 9 words: ${comb.digits} digits d as d + ${half} in ${comb.bits} bits each, d in ${-half} … ${half - 1}.`,
  );
  const bias = limbsOf(recodingBias(comb), LIMBS + 1);
  const u = program.input("u");
  const columns = bias.map((limb, i) => program.add(program.constant(limb), u[i]));
  return program.finish(packWords(program, carryAll(program, columns), 9));
}

// Complete formulas for a = 0 (Renes, Costello, Batina, EUROCRYPT 2016, algorithms 7, 8 and 9), projective coordinates
// (X : Y : Z), infinity (0 : 1 : 0), 3b = 21: no input is an exception, so no lane takes a path of its own.

function addFormula(options) {
  const f = new FieldProgram(
    "geAdd",
    { p: ["x", "y", "z"], q: ["x", "y", "z"] },
    {
      ...options,
      comment: "p + q for any two points, infinity and p = ±q included (algorithm 7).",
    },
  );
  const [x1, y1, z1] = ["x", "y", "z"].map((name) => f.input("p", name));
  const [x2, y2, z2] = ["x", "y", "z"].map((name) => f.input("q", name));
  const xx = f.mul(x1, x2);
  const yy = f.mul(y1, y2);
  const zz = f.mul(z1, z2);
  const cross = (a1, b1, a2, b2, aa, bb) =>
    f.sub(f.mul(f.add(a1, b1), f.add(a2, b2)), f.add(aa, bb));
  const xy = cross(x1, y1, x2, y2, xx, yy);
  const yz = cross(y1, z1, y2, z2, yy, zz);
  const xz = cross(x1, z1, x2, z2, xx, zz);
  return finishAddition(f, { xx, yy, xy, yz, xz, zz });
}

function addMixedFormula(options) {
  const f = new FieldProgram(
    "geAddMixed",
    { p: ["x", "y", "z"], q: ["x", "y"] },
    { ...options, comment: "p + q for any p and an affine q, p = ±q included (algorithm 8)." },
  );
  const [x1, y1, z1] = ["x", "y", "z"].map((name) => f.input("p", name));
  const [x2, y2] = ["x", "y"].map((name) => f.input("q", name));
  const xx = f.mul(x1, x2);
  const yy = f.mul(y1, y2);
  const xy = f.sub(f.mul(f.add(x1, y1), f.add(x2, y2)), f.add(xx, yy));
  const yz = f.add(f.mul(y2, z1), y1);
  const xz = f.add(f.mul(x2, z1), x1);
  return finishAddition(f, { xx, yy, xy, yz, xz, zz: z1 });
}

/** The end that both additions share: six products of the terms above. */
function finishAddition(f, { xx, yy, xy, yz, xz, zz }) {
  const threeXx = f.tight(f.scale(xx, 3));
  const bzz = f.tight(f.scale(zz, 21));
  const plus = f.add(yy, bzz);
  const minus = f.sub(yy, bzz);
  const bxz = f.tight(f.scale(xz, 21));
  const x3 = f.sub(f.mul(xy, minus), f.mul(yz, bxz));
  const y3 = f.add(f.mul(minus, f.tight(plus)), f.mul(bxz, threeXx));
  const z3 = f.add(f.mul(plus, yz), f.mul(threeXx, xy));
  return f.finish([x3, y3, z3]);
}

function doubleFormula(options) {
  const f = new FieldProgram(
    "geDouble",
    { p: ["x", "y", "z"] },
    { ...options, comment: "2p, infinity included (algorithm 9)." },
  );
  const [x, y, z] = ["x", "y", "z"].map((name) => f.input("p", name));
  const yy = f.sqr(y);
  const eightYy = f.tight(f.scale(yy, 8));
  const yz = f.mul(y, z);
  const bzz = f.tight(f.scale(f.sqr(z), 21));
  const x3 = f.mul(bzz, eightYy);
  const plus = f.add(yy, bzz);
  const z3 = f.mul(yz, eightYy);
  const minus = f.tight(f.sub(yy, f.tight(f.scale(bzz, 3))));
  const y3 = f.add(x3, f.mul(plus, minus));
  const half = f.mul(minus, f.mul(x, y));
  return f.finish([f.add(half, half), y3, z3]);
}

/**
 * Addition chains for the square root x^((p+1)/4) and the inverse x^(p-2): both exponents begin with 223 ones, 22 ones after
 * a zero. Each step squares `squarings` times and multiplies by `by`; "self" is the value before the step.
 */
const COMMON_STEPS = [
  { squarings: 1, by: "x1", save: "x2" },
  { squarings: 1, by: "x1", save: "x3" },
  { squarings: 3, by: "x3" },
  { squarings: 3, by: "x3" },
  { squarings: 2, by: "x2" },
  { squarings: 11, by: "self", save: "x22" },
  { squarings: 22, by: "self", save: "x44" },
  { squarings: 44, by: "self" },
  { squarings: 88, by: "self" },
  { squarings: 44, by: "x44" },
  { squarings: 3, by: "x3" },
  { squarings: 23, by: "x22" },
];
export const CHAINS = {
  feSqrt: [...COMMON_STEPS, { squarings: 6, by: "x2" }, { squarings: 2 }],
  feInverse: [
    ...COMMON_STEPS,
    { squarings: 5, by: "x1" },
    { squarings: 3, by: "x2" },
    { squarings: 2, by: "x1" },
  ],
};

/** Field elements in 20 limbs of 13 bits. */
function limbField(p, { karatsubaLevels, looped }) {
  const programs = fieldPrograms({
    prefix: "fe",
    modulus: p,
    loose: FIELD_LOOSE,
    karatsubaLevels,
    looped,
  });
  const unreduced = "1 where x ≥ p, else 0. x: canonical limbs of a number < 2²⁵⁶.";
  for (const program of [
    scaleProgram(),
    atLeastProgram("feIsUnreduced", p, unreduced),
    fromWordsProgram("fe"),
    toWordsProgram("fe"),
    ...memoryPrograms("fe"),
  ]) {
    programs.set(program.name, program);
  }
  return programs;
}

/** Scalars in 20 limbs of 13 bits, and their digits. */
function scalarPrograms(curve, comb, karatsubaLevels) {
  const { p, n } = curve;
  const programs = fieldPrograms({
    prefix: "sc",
    modulus: n,
    loose: SCALAR_LOOSE,
    karatsubaLevels,
  });
  for (const name of ["scAdd", "scSub", "scSubLoose", "scNormalize", "scSqr"]) {
    programs.delete(name);
  }
  const unreduced = "1 where x ≥ n, else 0. x: canonical limbs of a number < 2²⁵⁶.";
  const high = "1 where x > n/2, else 0 (EIP-2). x: canonical limbs.";
  for (const program of [
    splitProgram(curve),
    combProgram(comb),
    atLeastProgram("scIsUnreduced", n, unreduced),
    atLeastProgram("scIsHigh", n / 2n + 1n, high),
    atLeastProgram("scExceedsField", p - n, "1 where x + n ≥ p, else 0. x: canonical limbs."),
    fromWordsProgram("sc"),
    ...memoryPrograms("sc"),
  ]) {
    programs.set(program.name, program);
  }
  return programs;
}

/**
 * Forms of the shaders, by name: what they change of `BUILT`. The back end's `KernelVariant` names them.
 *
 * `karatsubaLevels` of a product of 20 limbs; `words`: field elements in 8 words instead; `looped`: products by loops;
 * `combBits`: digits of the fixed-base table; `sites`: multiplications that a point formula inlines, in a loop over the rest.
 */
export const BUILT = { karatsubaLevels: 1, words: false, looped: false, combBits: 8, sites: 0 };
export const FORMS = {
  "karatsuba-0": { ...BUILT, karatsubaLevels: 0 },
  "karatsuba-2": { ...BUILT, karatsubaLevels: 2 },
  "words-8": { ...BUILT, words: true },
  looped: { ...BUILT, looped: true },
  "sites-4": { ...BUILT, sites: 4 },
  "sites-8": { ...BUILT, sites: 8 },
  "words-8-sites-2": { ...BUILT, words: true, sites: 2 },
  "comb-12": { ...BUILT, combBits: 12 },
};

/**
 * Everything that the shaders are emitted from.
 *
 * @param {{p: bigint, n: bigint, glv: object}} curve src/params/secp256k1
 * @param {typeof BUILT} [form]
 */
export function secp256k1Model(curve, form = BUILT) {
  const field = form.words ? wordFieldPrograms(curve.p) : limbField(curve.p, form);
  const comb = combOf(form.combBits);
  const options = { bounds: form.words ? wordBounds : limbBounds(FIELD_LOOSE) };
  const formulas = [doubleFormula(options), addFormula(options), addMixedFormula(options)];
  return {
    field,
    comb,
    scalar: scalarPrograms(curve, comb, form.karatsubaLevels),
    formulas: new Map(formulas.map((formula) => [formula.name, formula])),
  };
}
