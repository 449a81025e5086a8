// Arithmetic modulo a prime just below 2²⁵⁶ in 20 limbs of 13 bits, as limb programs.
//
// 13-bit limbs: WGSL has no high half of a product, and twenty 26-bit products add up in a u32 without a carry. 260 bits: the
// limbs above fold back by 2²⁶⁰ ≡ 16 (2²⁵⁶ - m), a number of 3 limbs for p and of 11 for n.
//
// Bounds of a limb: TIGHT after a multiplication or `normalize`. One operand of a multiplication may be `loose`, a few times
// that, so that a sum or a difference goes in without carries.
import { LimbProgram } from "./limb-program.mjs";

export const LIMBS = 20;
export const BITS = 13;
const BASE = 1n << BigInt(BITS);
const FULL = BASE - 1n;

/** Greatest limb after a multiplication or a normalisation. */
export const TIGHT = BASE;
/** Greatest limb that `normalize` takes: 21 times a sum of four tight ones, and some. */
export const WIDE = 1n << 20n;

/**
 * How the bounds of limbs grow from operation to operation (see FieldProgram).
 *
 * @param {bigint} loose greatest limb of a multiplication's first operand
 */
export const limbBounds = (loose) => ({
  tight: TIGHT,
  loose,
  wide: WIDE,
  sum: (a, b) => a + b,
  difference: (a, b) => a + b + FULL,
  multiple: (a, k) => a * k,
});

/** Limbs of a number, least first. @returns {bigint[]} */
export function limbsOf(value, length = LIMBS) {
  return Array.from({ length }, (_, i) => (value >> BigInt(BITS * i)) & FULL);
}

/** Trimmed limbs of a number. */
function shortLimbs(value) {
  const limbs = limbsOf(value, 2 * LIMBS);
  while (limbs.length > 1 && limbs.at(-1) === 0n) limbs.pop();
  return limbs;
}

/** Carries from column `from` on; every limb gets 13 bits and the last carry as many limbs as it needs. */
export function carryAll(program, columns) {
  const limbs = [];
  let carry;
  for (let k = 0; k < columns.length || (carry && carry.max > 0n); k++) {
    const sum = program.add(columns[k], carry);
    if (!sum) {
      limbs.push(program.constant(0));
      continue;
    }
    if (sum.max <= FULL) {
      limbs.push(sum);
      carry = undefined;
    } else {
      limbs.push(program.low(sum, BITS));
      carry = program.shr(sum, BITS);
    }
  }
  return limbs;
}

/** Carries from limb 0 until what is carried is at most 1, so that the next limb is at most 2¹³. */
function carryTail(program, limbs) {
  const out = [...limbs];
  let carry;
  for (let k = 0; k < out.length; k++) {
    const sum = program.add(out[k], carry);
    if (sum.max <= TIGHT) {
      out[k] = sum;
      carry = undefined;
      if (out.slice(k).every((value) => value.max <= TIGHT)) return out;
      continue;
    }
    out[k] = program.low(sum, BITS);
    carry = program.shr(sum, BITS);
  }
  throw new RangeError(`${program.name}: the carry runs past the last limb`);
}

/** Product columns, schoolbook. */
export function columnsOf(x, y, mad) {
  const columns = [];
  for (let k = 0; k < x.length + y.length - 1; k++) {
    for (let i = Math.max(0, k - y.length + 1); i < Math.min(x.length, k + 1); i++) {
      columns[k] = mad(x[i], y[k - i], columns[k]);
    }
  }
  return columns;
}

/** Product columns by Karatsuba's identity, modulo 2³² throughout: only the final columns are bounded, and they are exact. */
function karatsuba(program, x, y, levels) {
  if (levels === 0) return columnsOf(x, y, (a, b, c) => program.madWrapping(a, b, c));
  const half = x.length / 2;
  const [x0, x1, y0, y1] = [x.slice(0, half), x.slice(half), y.slice(0, half), y.slice(half)];
  const sum = (a, b) => a.map((value, i) => program.addWrapping(value, b[i]));
  const low = karatsuba(program, x0, y0, levels - 1);
  const high = karatsuba(program, x1, y1, levels - 1);
  const middle = karatsuba(program, sum(x0, x1), sum(y0, y1), levels - 1);
  const columns = [];
  low.forEach((value, i) => {
    columns[i] = program.addWrapping(columns[i], value);
  });
  high.forEach((value, i) => {
    columns[i + 2 * half] = program.addWrapping(columns[i + 2 * half], value);
  });
  middle.forEach((value, i) => {
    const cross = program.subWrapping(program.subWrapping(value, low[i]), high[i]);
    columns[i + half] = program.addWrapping(columns[i + half], cross);
  });
  return columns;
}

/** Greatest column k of a product of `loose` and tight limbs; all fit a u32. */
function columnBound(k, loose) {
  const bound = BigInt(Math.min(k + 1, 2 * LIMBS - 1 - k)) * loose * TIGHT;
  if (bound > 0xffffffffn) throw new RangeError(`column ${k} up to ${bound}`);
  return bound;
}

/** Brings product columns down to 20 tight limbs by folding what lies above 2²⁶⁰. */
function reduce(program, columns, fold) {
  let limbs = columns;
  for (let turn = 0; ; turn++) {
    const low = limbs.slice(0, LIMBS);
    const high = carryAll(program, limbs.slice(LIMBS));
    high.forEach((value, i) => {
      for (const [j, factor] of fold.entries()) {
        if (factor === 0n) continue;
        low[i + j] = program.mad(value, program.constant(factor), low[i + j]);
      }
    });
    // What is folded shrinks: once it reaches only the lower limbs, a carry that stops early ends the reduction.
    if (high.length <= 3 && turn > 0) return carryTail(program, low);
    limbs = carryAll(program, low);
  }
}

/**
 * The programs of one field.
 *
 * @param {{prefix: string, modulus: bigint, loose: bigint, karatsubaLevels: 0 | 1 | 2}} options `loose`: greatest limb of a
 * multiplication's first operand. `looped`: products are columns, added up by loops of the shader's, then a program `Reduce`.
 * @returns {Map<string, LimbProgram>}
 */
export function fieldPrograms({ prefix, modulus, loose, karatsubaLevels, looped = false }) {
  const programs = new Map();
  const begin = (name, inputs, comment) => {
    const vectors = Object.fromEntries(
      Object.entries(inputs).map(([key, max]) => [key, { length: LIMBS, max }]),
    );
    const program = new LimbProgram(prefix + name, vectors, comment);
    programs.set(program.name, program);
    return program;
  };
  const complement = (1n << 256n) - modulus;
  // Where the fold is short, the two lowest limbs go in one factor: 15632 for p.
  const fold = shortLimbs(16n * complement);
  if (fold.length === 3) fold.splice(0, 2, fold[0] + BASE * fold[1], 0n);

  if (looped) {
    const reduced = new LimbProgram(
      `${prefix}Reduce`,
      { columns: { length: 2 * LIMBS - 1, max: 0xffffffffn } },
      `Columns of a product → limbs ≤ ${TIGHT}. Column k is at most ${loose} · ${TIGHT} as often as it has terms.`,
    );
    programs.set(reduced.name, reduced);
    const columns = reduced
      .input("columns")
      .map((value, k) => reduced.bounded(value, columnBound(k, loose)));
    reduced.finish(reduce(reduced, columns, fold), TIGHT);
  } else {
    const mul = begin(
      "Mul",
      { x: loose, y: TIGHT },
      `x · y. x: limbs ≤ ${loose}; y: limbs ≤ ${TIGHT}; result: limbs ≤ ${TIGHT}.`,
    );
    const [x, y] = [mul.input("x"), mul.input("y")];
    const columns =
      karatsubaLevels === 0
        ? columnsOf(x, y, (a, b, c) => mul.mad(a, b, c))
        : karatsuba(mul, x, y, karatsubaLevels).map((value, k) =>
            mul.bounded(value, columnBound(k, loose)),
          );
    mul.finish(reduce(mul, columns, fold), TIGHT);
  }
  if (!looped) {
    const sqr = begin("Sqr", { x: TIGHT }, `x². x: limbs ≤ ${TIGHT}; result: limbs ≤ ${TIGHT}.`);
    const x = sqr.input("x");
    const twice = x.map((value) => sqr.add(value, value));
    const columns = [];
    for (let i = 0; i < LIMBS; i++) {
      for (let j = i + 1; j < LIMBS; j++) columns[i + j] = sqr.mad(twice[i], x[j], columns[i + j]);
    }
    for (let i = 0; i < LIMBS; i++) columns[2 * i] = sqr.mad(x[i], x[i], columns[2 * i]);
    sqr.finish(reduce(sqr, columns, fold), TIGHT);
  }
  {
    const add = begin("Add", { x: WIDE, y: WIDE }, "x + y, limb by limb: the bounds add up.");
    const y = add.input("y");
    add.finish(add.input("x").map((value, i) => add.add(value, y[i])));
  }
  for (const [name, bound] of [
    ["Sub", TIGHT],
    ["SubLoose", loose],
  ]) {
    const sub = begin(
      name,
      { x: WIDE, y: bound },
      `x - y + a multiple of the modulus. y: limbs ≤ ${bound}; result: limbs ≤ x's + ${bound + FULL}.`,
    );
    const bias = biasOf(modulus, bound);
    const y = sub.input("y");
    sub.finish(
      sub.input("x").map((value, i) => sub.sub(sub.add(value, sub.constant(bias[i])), y[i])),
    );
  }
  {
    const neg = begin(
      "Neg",
      { x: TIGHT },
      `-x as a multiple of the modulus less x. x: limbs ≤ ${TIGHT}; result: limbs ≤ ${TIGHT + FULL}.`,
    );
    const bias = biasOf(modulus, TIGHT);
    neg.finish(neg.input("x").map((value, i) => neg.sub(neg.constant(bias[i]), value)));
  }
  {
    const normalize = begin(
      "Normalize",
      { x: WIDE },
      `x with limbs ≤ ${TIGHT}. x: limbs ≤ ${WIDE}.`,
    );
    const limbs = carryAll(normalize, normalize.input("x"));
    for (const [j, factor] of fold.entries()) {
      if (factor === 0n) continue;
      limbs[j] = normalize.mad(limbs[LIMBS], normalize.constant(factor), limbs[j]);
    }
    normalize.finish(carryTail(normalize, limbs.slice(0, LIMBS)), TIGHT);
  }
  {
    const canonical = begin(
      "Canonical",
      { x: TIGHT },
      `The one representative in 0 … modulus - 1, limbs ≤ ${FULL}. x: limbs ≤ ${TIGHT}.`,
    );
    // Twice 2²⁵⁶ ≡ complement: what is above bit 256 is at most 2⁴ first, then at most 1 and the rest small.
    const top = 256 - BITS * (LIMBS - 1);
    const foldTop = shortLimbs(complement);
    let limbs = carryAll(canonical, canonical.input("x"));
    for (let turn = 0; turn < 2; turn++) {
      // Limbs 19 and 20 hold bits 247 … 272; the bits above 256 count units of 2²⁵⁶.
      const above = canonical.add(
        canonical.shr(limbs[LIMBS - 1], top),
        limbs[LIMBS] ? canonical.shl(limbs[LIMBS], BITS - top) : undefined,
      );
      limbs = limbs.slice(0, LIMBS);
      limbs[LIMBS - 1] = canonical.low(limbs[LIMBS - 1], top);
      for (const [j, factor] of foldTop.entries()) {
        if (factor === 0n) continue;
        limbs[j] = canonical.mad(above, canonical.constant(factor), limbs[j]);
      }
      limbs = carryAll(canonical, limbs);
    }
    limbs = limbs.slice(0, LIMBS);
    // x + complement reaches 2²⁵⁶ exactly where x ≥ modulus, and its low 256 bits are x - modulus then.
    const raised = carryAll(
      canonical,
      limbs.map((value, i) => canonical.add(value, canonical.constant(foldTop[i] ?? 0n))),
    );
    const mask = canonical.mask(canonical.shr(raised[LIMBS - 1], top));
    raised[LIMBS - 1] = canonical.low(raised[LIMBS - 1], top);
    const chosen = limbs.map((value, i) => {
      const difference = canonical.and(canonical.xor(value, raised[i]), mask);
      return canonical.bounded(canonical.xor(value, difference), FULL);
    });
    canonical.finish(chosen, FULL);
  }
  return programs;
}

/** A multiple of the modulus whose limbs all lie in `bound` … `bound` + 2¹³ - 1, so that limbs ≤ bound subtract from it. */
export function biasOf(modulus, bound) {
  const floor = Array.from({ length: LIMBS }, (_, i) => bound << BigInt(BITS * i)).reduce(
    (sum, value) => sum + value,
  );
  const rest = (modulus - (floor % modulus)) % modulus;
  return limbsOf(rest).map((limb) => limb + bound);
}

/** x · k for a small constant k: limbs grow by that factor. */
export function scaleProgram() {
  const program = new LimbProgram(
    "feScale",
    { x: { length: LIMBS, max: WIDE }, k: { length: 1, max: 21n } },
    "x · k, limb by limb: the bounds are multiplied by k ≤ 21.",
  );
  const k = { text: "k", min: 0n, max: 21n };
  return program.finish(program.input("x").map((value) => program.mul(value, k)));
}

/** Limbs in memory, two to a word, the even one low. @returns {LimbProgram[]} */
export function memoryPrograms(prefix) {
  const most = 0xffffn;
  const store = new LimbProgram(
    `${prefix}ToMemory`,
    { x: { length: LIMBS, max: most } },
    `Two limbs to a word. x: limbs ≤ ${most}.`,
  );
  const x = store.input("x");
  store.finish(
    Array.from({ length: LIMBS / 2 }, (_, i) => store.or(x[2 * i], store.shl(x[2 * i + 1], 16))),
  );
  const load = new LimbProgram(
    `${prefix}FromMemory`,
    { words: { length: LIMBS / 2, max: 0xffffffffn } },
    "Limbs from two to a word.",
  );
  const words = load.input("words");
  load.finish(
    words.flatMap((word) => [load.low(word, 16), load.shr(word, 16)]),
    most,
  );
  return [store, load];
}

/** 8 words, least first → 20 limbs. */
export function fromWordsProgram(prefix) {
  const program = new LimbProgram(
    `${prefix}FromWords`,
    { words: { length: 8, max: 0xffffffffn } },
    `20 limbs ≤ ${FULL} of a 256-bit number in 8 words, least first.`,
  );
  const words = program.input("words");
  const limbs = Array.from({ length: LIMBS }, (_, i) => {
    const [word, shift] = [Math.floor((BITS * i) / 32), (BITS * i) % 32];
    let value = shift === 0 ? words[word] : program.shr(words[word], shift);
    if (shift + BITS > 32 && word < 7) {
      value = program.or(value, program.shlWrapping(words[word + 1], 32 - shift));
    }
    return value.max <= FULL ? value : program.low(value, BITS);
  });
  return program.finish(limbs, FULL);
}

/** Limbs ≤ 2¹³ - 1 → words, least first. @param {import("./limb-program.mjs").Value[]} limbs */
export function packWords(program, limbs, count) {
  return Array.from({ length: count }, (_, word) => {
    let value;
    limbs.forEach((limb, i) => {
      const at = BITS * i - 32 * word;
      if (at <= -BITS || at >= 32) return;
      const part =
        at < 0 ? program.shr(limb, -at) : at === 0 ? limb : program.shlWrapping(limb, at);
      value = program.or(value, part);
    });
    return value ?? program.constant(0);
  });
}

/** 20 canonical limbs → 8 words, least first. */
export function toWordsProgram(prefix) {
  const program = new LimbProgram(
    `${prefix}ToWords`,
    { x: { length: LIMBS, max: FULL } },
    `8 words, least first, of a number < 2²⁵⁶ in 20 limbs ≤ ${FULL}.`,
  );
  return program.finish(packWords(program, program.input("x"), 8));
}

/** 1 where a number < 2²⁵⁶ in limbs ≤ 2¹³ - 1 is at least `threshold`, else 0. */
export function atLeastProgram(name, threshold, comment) {
  const program = new LimbProgram(name, { x: { length: LIMBS, max: FULL } }, comment);
  const complement = limbsOf((1n << 256n) - threshold);
  const raised = carryAll(
    program,
    program.input("x").map((value, i) => program.add(value, program.constant(complement[i]))),
  );
  return program.finish([program.low(program.shr(raised[LIMBS - 1], 256 - BITS * (LIMBS - 1)), 1)]);
}
