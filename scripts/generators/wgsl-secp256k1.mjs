// secp256k1 in WGSL: field, scalars and points, straight-line and bound-checked (see wgsl/limb-program.mjs).
import { banner } from "./banner.mjs";
import { limbsOf } from "./wgsl/limb-field.mjs";
import { CHAINS, COMB, LADDER, secp256k1Model } from "./wgsl/secp256k1-model.mjs";

const TYPES = { 1: "u32", 8: "Words", 9: "CombDigits", 10: "LadderDigits", 20: "Limbs" };
const SOURCES = { x1: 1, x2: 2, x3: 3, x22: 4, x44: 5, self: 6 };

const limbs = (value) =>
  `Limbs(${limbsOf(value)
    .map((limb) => `${limb}u`)
    .join(", ")})`;

/** A chain's steps as `squarings | by << 8 | save << 12` (see shaders/lib/secp256k1-field.wgsl). */
function chain(name, steps) {
  const codes = steps.map(
    ({ squarings, by, save }) =>
      squarings | ((SOURCES[by] ?? 0) << 8) | ((SOURCES[save] ?? 0) << 12),
  );
  return `const ${name} = array<u32, ${codes.length}>(${codes.map((code) => `${code}u`).join(", ")});`;
}

const source = (title, lines) =>
  `${[banner("//", "wgsl-secp256k1.mjs").trimEnd(), `// ${title}`, "", ...lines].join("\n")}\n`;

const functions = (programs) => [...programs.values()].map((program) => program.toWgsl(TYPES));

/** The three sources for a variant of the multiplication. */
export function secp256k1Sources(curve, variant) {
  const model = secp256k1Model(curve, variant);
  const { p, n, beta } = curve;
  const field = source("The field of secp256k1, p = 2²⁵⁶ - 2³² - 977, in 20 limbs of 13 bits.", [
    "alias Limbs = array<u32, 20>;",
    "alias Words = array<u32, 8>;",
    "",
    `const FE_ZERO = ${limbs(0n)};`,
    `const FE_ONE = ${limbs(1n)};`,
    `const FE_SEVEN = ${limbs(7n)};`,
    `const FE_BETA = ${limbs(beta)};`,
    `const FE_GROUP_ORDER = ${limbs(n)};`,
    "// Chains for x^((p+1)/4) and x^(p-2): squarings | multiplier << 8 | register to save in << 12.",
    chain("FE_SQRT_CHAIN", CHAINS.feSqrt),
    chain("FE_INVERSE_CHAIN", CHAINS.feInverse),
    "",
    ...functions(model.words),
    ...functions(model.field),
  ]);
  const exponent = Array.from({ length: 8 }, (_, i) => ((n - 2n) >> BigInt(32 * i)) & 0xffffffffn);
  const scalar = source("Scalars modulo the order of secp256k1, in 20 limbs of 13 bits.", [
    "alias LadderDigits = array<u32, 10>;",
    "alias CombDigits = array<u32, 9>;",
    "",
    `const SC_ONE = ${limbs(1n)};`,
    "// n - 2, least word first.",
    `const SC_INVERSE_EXPONENT = Words(${exponent.map((word) => `${word}u`).join(", ")});`,
    "",
    ...functions(model.scalar),
  ]);
  const types = { p: "Point", q: "Point" };
  const point = source("Points of secp256k1 in projective coordinates, by complete formulas.", [
    "// (X : Y : Z), infinity (0 : 1 : 0); limbs ≤ 8192.",
    "struct Point {",
    "  x: Limbs,",
    "  y: Limbs,",
    "  z: Limbs,",
    "}",
    "struct AffinePoint {",
    "  x: Limbs,",
    "  y: Limbs,",
    "}",
    "",
    `const LADDER_DIGITS = ${LADDER.digits}u;`,
    `const COMB_DIGITS = ${COMB.digits}u;`,
    "",
    ...[...model.formulas.values()].map((formula) =>
      formula.toWgsl(
        formula.name === "geAddMixed" ? { ...types, q: "AffinePoint" } : types,
        "Point",
      ),
    ),
  ]);
  if (p !== (1n << 256n) - (1n << 32n) - 977n) throw new RangeError("not secp256k1");
  return { field, scalar, point };
}

/** @returns {Promise<[string, string][]>} */
export async function files() {
  const { SECP256K1 } = await import("../../dist/src/params/secp256k1.js");
  const { field, scalar, point } = secp256k1Sources(SECP256K1, { karatsubaLevels: 1 });
  return [
    ["shaders/generated/secp256k1-field.wgsl", field],
    ["shaders/generated/secp256k1-scalar.wgsl", scalar],
    ["shaders/generated/secp256k1-point.wgsl", point],
  ];
}
