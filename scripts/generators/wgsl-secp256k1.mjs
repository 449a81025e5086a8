// secp256k1 in WGSL: field, scalars and points, straight-line and bound-checked (see wgsl/limb-program.mjs).
import { banner } from "./banner.mjs";
import { LIMBS, limbsOf } from "./wgsl/limb-field.mjs";
import { BUILT, CHAINS, LADDER, secp256k1Model } from "./wgsl/secp256k1-model.mjs";
import { wordsOf } from "./wgsl/word-field.mjs";

const SCALAR_TYPES = { 1: "u32", 8: "Words", 9: "CombDigits", 10: "Pairs", 20: "Limbs" };
const SOURCES = { x1: 1, x2: 2, x3: 3, x22: 4, x44: 5, self: 6 };

const call = (type, numbers) => `${type}(${numbers.map((number) => `${number}u`).join(", ")})`;

/** A chain's steps as `squarings | by << 8 | save << 12` (see shaders/lib/secp256k1-field.wgsl). */
function chain(name, steps) {
  const codes = steps.map(
    ({ squarings, by, save }) =>
      squarings | ((SOURCES[by] ?? 0) << 8) | ((SOURCES[save] ?? 0) << 12),
  );
  return `const ${name} = ${call(`array<u32, ${codes.length}>`, codes)};`;
}

const source = (title, lines) =>
  `${[banner("//", "wgsl-secp256k1.mjs").trimEnd(), `// ${title}`, "", ...lines].join("\n")}\n`;

const functions = (programs, types) =>
  [...programs.values()].map((program) => program.toWgsl(types));

/** Products as loops over columns, for a driver that would rather unroll by itself. The bounds are those of `feReduce`. */
const LOOPED_PRODUCTS = `// x · y. x: limbs ≤ 24576; y: limbs ≤ 8192; result: limbs ≤ 8192.
fn feMul(x: Fe, y: Fe) -> Fe {
  var left = x;
  var right = y;
  var columns: Columns;
  for (var i = 0u; i < FE_LIMBS; i++) {
    for (var j = 0u; j < FE_LIMBS; j++) {
      columns[i + j] += left[i] * right[j];
    }
  }
  return feReduce(columns);
}

// x². x: limbs ≤ 8192; result: limbs ≤ 8192.
fn feSqr(x: Fe) -> Fe {
  var limbs = x;
  var columns: Columns;
  for (var i = 0u; i < FE_LIMBS; i++) {
    columns[2u * i] += limbs[i] * limbs[i];
    for (var j = i + 1u; j < FE_LIMBS; j++) {
      columns[i + j] += 2u * limbs[i] * limbs[j];
    }
  }
  return feReduce(columns);
}
`;

/** @param {typeof BUILT} form */
function fieldSource(curve, model, form) {
  const { p, n, beta } = curve;
  const limbs = form.words ? 8 : LIMBS;
  const inMemory = form.words ? 8 : LIMBS / 2;
  const types = { 1: "u32", 39: "Columns", [inMemory]: "FeMemory", 8: "Words", [limbs]: "Fe" };
  const element = (value) => call("Fe", form.words ? wordsOf(value) : limbsOf(value));
  if (p !== (1n << 256n) - (1n << 32n) - 977n) throw new RangeError("not secp256k1");
  return source(
    `The field of secp256k1, p = 2²⁵⁶ - 2³² - 977, in ${form.words ? "8 words" : "20 limbs of 13 bits"}.`,
    [
      '#include "lib/words.wgsl"',
      `alias Fe = array<u32, ${limbs}>;`,
      "// An element in a buffer.",
      `alias FeMemory = array<u32, ${inMemory}>;`,
      ...(form.looped ? ["alias Columns = array<u32, 39>;"] : []),
      "",
      `const FE_LIMBS = ${limbs}u;`,
      `const FE_WORDS = ${inMemory}u;`,
      `const FE_ZERO = ${element(0n)};`,
      `const FE_ONE = ${element(1n)};`,
      `const FE_SEVEN = ${element(7n)};`,
      `const FE_BETA = ${element(beta)};`,
      `const FE_GROUP_ORDER = ${element(n)};`,
      "// Chains for x^((p+1)/4) and x^(p-2): squarings | multiplier << 8 | register to save in << 12.",
      chain("FE_SQRT_CHAIN", CHAINS.feSqrt),
      chain("FE_INVERSE_CHAIN", CHAINS.feInverse),
      "",
      ...functions(model.field, types),
      ...(form.looped ? [LOOPED_PRODUCTS] : []),
    ],
  );
}

/** The three sources of a form (wgsl/secp256k1-model.mjs). */
export function secp256k1Sources(curve, form = BUILT) {
  const model = secp256k1Model(curve, form);
  const { n } = curve;
  const scalar = source("Scalars modulo the order of secp256k1, in 20 limbs of 13 bits.", [
    '#include "lib/words.wgsl"',
    "alias Limbs = array<u32, 20>;",
    "// Limbs in a buffer, and the digits of the ladder.",
    "alias Pairs = array<u32, 10>;",
    "alias CombDigits = array<u32, 9>;",
    "",
    `const SC_ONE = ${call("Limbs", limbsOf(1n))};`,
    "// n - 2, least word first.",
    `const SC_INVERSE_EXPONENT = ${call("Words", wordsOf(n - 2n))};`,
    "",
    ...functions(model.scalar, SCALAR_TYPES),
  ]);
  const types = { p: "Point", q: "Point" };
  const point = source("Points of secp256k1 in projective coordinates, by complete formulas.", [
    "// (X : Y : Z), infinity (0 : 1 : 0); coordinates are tight.",
    "struct Point {",
    "  x: Fe,",
    "  y: Fe,",
    "  z: Fe,",
    "}",
    "struct AffinePoint {",
    "  x: Fe,",
    "  y: Fe,",
    "}",
    "",
    `const LADDER_DIGITS = ${LADDER.digits}u;`,
    `const COMB_DIGITS = ${model.comb.digits}u;`,
    `const COMB_BITS = ${model.comb.bits}u;`,
    "",
    ...[...model.formulas.values()].map((formula) =>
      formula.toWgsl(
        formula.name === "geAddMixed" ? { ...types, q: "AffinePoint" } : types,
        "Point",
        form.sites,
      ),
    ),
  ]);
  return { field: fieldSource(curve, model, form), scalar, point };
}

/** @returns {Promise<[string, string][]>} */
export async function files() {
  const { SECP256K1 } = await import("../../dist/src/params/secp256k1.js");
  const { field, scalar, point } = secp256k1Sources(SECP256K1);
  return [
    ["shaders/generated/secp256k1-field.wgsl", field],
    ["shaders/generated/secp256k1-scalar.wgsl", scalar],
    ["shaders/generated/secp256k1-point.wgsl", point],
  ];
}
