// secp256k1 scalars mod n: Montgomery multiplication and the GLV split, straight-line over nine limbs of 29 bits.
import { banner } from "./banner.mjs";

const pow2 = (k) => 1n << BigInt(k);
const MASK = pow2(29) - 1n;
const hex = (value) => `0x${value.toString(16)}`;

function check(condition, what) {
  if (!condition) throw new Error(`secp256k1-scalar: ${what}`);
}

/** o = a·b·2^−261 mod n, below 2n; interleaved, one limb of a at a time. */
function montgomery(n, negativeInverse) {
  const lines = [];
  const emit = (line) => lines.push(line);
  for (let i = 0; i < 9; i++) emit(`const b${i} = load<u64>(b, ${8 * i});`);
  for (let i = 0; i < 9; i++) emit(`let t${i}: u64 = 0;`);
  emit("let m: u64, x: u64;");
  // Operands below 2^257 in limbs of 29 bits, the last of 25.
  const operand = [...Array(8).fill(MASK), pow2(25)];
  const t = Array(9).fill(0n);
  for (let i = 0; i < 9; i++) {
    emit(`x = load<u64>(a, ${8 * i});`);
    for (let j = 0; j < 9; j++) {
      emit(`t${j} += x * b${j};`);
      t[j] += operand[i] * operand[j];
    }
    emit(`m = ((t0 & ${hex(MASK)}) * ${hex(negativeInverse)}) & ${hex(MASK)};`);
    emit(`t1 += (t0 + m * ${hex(n[0])}) >> 29;`);
    check(t[0] + MASK * n[0] < pow2(64), "column 0");
    t[1] += (t[0] + MASK * n[0]) >> 29n;
    for (let j = 1; j < 9; j++) {
      emit(`t${j - 1} = t${j} + m * ${hex(n[j])};`);
      t[j - 1] = t[j] + MASK * n[j];
      check(t[j - 1] < pow2(64), `column ${j}`);
    }
    emit("t8 = 0;");
    t[8] = 0n;
  }
  emit("x = 0;");
  for (let i = 0; i < 8; i++) {
    emit(`x += t${i};`);
    emit(`store<u64>(o, x & ${hex(MASK)}, ${8 * i});`);
    emit("x >>= 29;");
  }
  emit("store<u64>(o, x + t8, 64);");
  return lines;
}

/** Terms x_i·y_j with i + j = k, as text, and their largest sum. */
function columnOf(k, left, leftCount, right) {
  const terms = [];
  let bound = 0n;
  for (let i = 0; i < leftCount; i++) {
    const j = k - i;
    if (j < 0 || j >= right.length || right[j] === 0n) continue;
    terms.push(`${left}${i} * ${hex(right[j])}`);
    bound += MASK * right[j];
  }
  return { text: terms.join(" + ") || "0", bound };
}

/** o = |k₁| (16 bytes), sign of k₁ (u64), |k₂|, sign of k₂; k at `k`, nine limbs, below n. */
function split(glv, shift, unsignedLimbs) {
  const lines = [];
  const emit = (line) => lines.push(line);
  for (let i = 0; i < 9; i++) emit(`const k${i} = load<u64>(k, ${8 * i});`);
  const shiftLimbs = shift / 29;
  for (const [name, factor] of [
    ["c", glv.g1],
    ["e", glv.g2],
  ]) {
    const limbs = unsignedLimbs(factor, 29, 10);
    check(limbs[9] <= MASK, "quotient factor");
    emit(`let ${name}: u64 = 0;`);
    let carry = 0n;
    for (let k = 0; k <= 18; k++) {
      const { text, bound } = columnOf(k, "k", 9, limbs);
      const half = k === shiftLimbs - 1 ? pow2(28) : 0n;
      check(carry + bound + half < pow2(64), `quotient column ${k}`);
      carry = (carry + bound + half) >> 29n;
      emit(`${name} += ${text}${half ? ` + ${hex(half)}` : ""};`);
      if (k >= shiftLimbs) emit(`const ${name}${k - shiftLimbs} = ${name} & ${hex(MASK)};`);
      emit(`${name} >>= 29;`);
    }
  }
  // Six limbs mod 2^174: both parts are below 2^128 in magnitude, so limb 5 tells the sign.
  emit("let x: i64 = 0;");
  const signed = (name, start, terms) => {
    for (let k = 0; k < 6; k++) {
      let bound = MASK;
      const parts = terms.map(([sign, left, factor]) => {
        const { text, bound: magnitude } = columnOf(k, left, 5, unsignedLimbs(factor, 29, 6));
        bound += magnitude;
        return `${sign} <i64>(${text})`;
      });
      check(bound < pow2(62), `split column ${k}`);
      emit(`x += ${start ? `<i64>k${k} ` : "0 "}${parts.join(" ")};`);
      emit(`const ${name}${k} = <u64>x & ${hex(MASK)};`);
      emit("x >>= 29;");
    }
  };
  signed("r", true, [
    ["-", "c", glv.a1],
    ["-", "e", glv.a2],
  ]);
  emit("x = 0;");
  signed("s", false, [
    ["+", "c", glv.minusB1],
    ["-", "e", glv.b2],
  ]);
  emit("let lo: u64, hi: u64, negative: u64;");
  for (const [name, offset] of [
    ["r", 0],
    ["s", 24],
  ]) {
    emit(`lo = ${name}0 | (${name}1 << 29) | (${name}2 << 58);`);
    emit(`hi = (${name}2 >> 6) | (${name}3 << 23) | (${name}4 << 52);`);
    emit(`negative = ${name}5 >> 28;`);
    emit("if (negative) {");
    emit("  lo = ~lo + 1;");
    emit("  hi = ~hi + u64(lo == 0);");
    emit("}");
    emit(`store<u64>(o, lo, ${offset});`);
    emit(`store<u64>(o, hi, ${offset + 8});`);
    emit(`store<u64>(o, negative, ${offset + 16});`);
  }
  return lines;
}

const emitFunction = (doc, name, parameters, lines) =>
  `\n/** ${doc} */\nexport function ${name}(${parameters}): void {\n${lines.map((line) => `  ${line}\n`).join("")}}\n`;

/** @returns {Promise<[string, string][]>} */
export async function files() {
  const { SCALAR, GLV, GLV_SHIFT, divstepModulus, unsignedLimbs } = await import(
    "../../dist/src/params/secp256k1-limbs.js"
  );
  const { SECP256K1 } = await import("../../dist/src/params/secp256k1.js");
  const words = (value) => unsignedLimbs(value, 64, 4).map(hex);
  const constants = [
    ["N", words(SECP256K1.n), "n as four 64-bit words, least significant first."],
    ["HALF_N", words(SECP256K1.n >> 1n), "(n − 1)/2, the largest low s (EIP-2)."],
    ["P", words(SECP256K1.p), "p."],
    ["SC_ONE", unsignedLimbs(SCALAR.r, 29, 9).map(hex), "1 in Montgomery form: 2^261 mod n."],
    ["SC_R_SQUARED", unsignedLimbs(SCALAR.rSquared, 29, 9).map(hex), "2^522 mod n."],
    [
      "SC_LAMBDA",
      unsignedLimbs((SCALAR.r * SECP256K1.lambda) % SECP256K1.n, 29, 9).map(hex),
      "λ in Montgomery form.",
    ],
  ]
    .map(
      ([name, values, doc]) =>
        `/** ${doc} */\nexport const ${name}: usize = memory.data<u64>([${values.join(", ")}], 16);\n`,
    )
    .join("");
  const modulus = (name, value) => {
    const { limbs, inverse } = divstepModulus(value);
    return `/** ${name.toLowerCase()} for division steps: nine limbs of 30 bits (i32), then its inverse mod 2^30. */
export const DIVSTEP_${name}: usize = memory.data<i32>([${[...limbs, inverse].join(", ")}], 16);\n`;
  };
  const head = `// secp256k1 scalars mod n in nine limbs of 29 bits, Montgomery form with R = 2^261; bounds proved by the generator.

${constants}${modulus("P", SECP256K1.p)}${modulus("N", SECP256K1.n)}`;
  return [
    [
      "assembly/generated/secp256k1-scalar.ts",
      banner("//", "secp256k1-scalar.mjs") +
        head +
        emitFunction(
          "o = a·b·2^−261 mod n, below 2n where a·b < 2^261·n; limbs of 29 bits. o may be a or b.",
          "scMontgomery",
          "o: usize, a: usize, b: usize",
          montgomery(SCALAR.n, SCALAR.negativeInverse),
        ) +
        emitFunction(
          "k = k₁ + k₂λ mod n: writes |k₁| (two u64), whether k₁ < 0 (u64), |k₂|, whether k₂ < 0. k in nine limbs, below n.",
          "scSplit",
          "o: usize, k: usize",
          split(GLV, GLV_SHIFT, unsignedLimbs),
        ),
    ],
  ];
}
