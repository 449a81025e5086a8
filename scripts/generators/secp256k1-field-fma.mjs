// secp256k1 field arithmetic from fused multiply-add (relaxed SIMD): two elements a vector, five balanced limbs of 51 bits.
//
// The element x is stored as X = x/2 mod p, because p has 256 bits and the limbs 255: with X·Y = L + 2^255·H the product of
// two stored elements is 2·X·Y = 2L + 2^256·H ≡ 2L + (2^32 + 977)·H, which needs no shift by an odd number of bits.
//
// A product a·b of two limbs is split by the magic constant C = 1.5·2^103: h = fma(a, b, C) has ulp 2^51, so the integer that
// its bits spell is bits(C) + hi; l = fma(a, b, C + 1.5·2^52 − h) has ulp 1 and spells bits(1.5·2^52) + lo, where
// a·b = hi·2^51 + lo exactly. Columns are summed as 64-bit integers and the constants' bits are taken off once a column.
//
// Every limb carries an interval here; a sum or product that could leave the range in which its step is exact throws.
import { banner } from "./banner.mjs";

const bitsOf = (x) => {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, x);
  return view.getBigUint64(0);
};
const U64 = (1n << 64n) - 1n;
const pow2 = (k) => 1n << BigInt(k);

/** Centre of the numbers with ulp 1, 2^51 and 2^52: the middle of their binade. */
const UNIT = 1.5 * 2 ** 52;
const SPLIT_51 = 1.5 * 2 ** 103;
const SPLIT_52 = 1.5 * 2 ** 104;
const UNIT_BITS = bitsOf(UNIT);
const SPLIT_51_BITS = bitsOf(SPLIT_51);
/** Added to every carry so that columns stay positive. */
const CARRY_BIAS = 1n << 9n;

/** Largest magnitude of each limb of a reduced element: what every operation takes and gives. */
export const FMA_LIMB_BOUNDS = [
  pow2(50) + pow2(37),
  pow2(50) + pow2(9),
  pow2(50) + pow2(9),
  pow2(50) + pow2(9),
  pow2(51),
];

function check(condition, what) {
  if (!condition) throw new Error(`secp256k1-field-fma: ${what}`);
}

/** The 128-bit constants that the code loads: immediates cost twice the time on Turboshaft. */
const pool = new Map();
function constant(bits) {
  const value = bits & U64;
  if (!pool.has(value)) pool.set(value, pool.size);
  return `v128.load(K, ${16 * pool.get(value)})`;
}
const float = (x) => constant(bitsOf(x));

/** Names every function body begins with. */
const prologue = (names) => {
  const all = {
    split51: float(SPLIT_51),
    splitUnit: float(SPLIT_51 + UNIT),
    split52: float(SPLIT_52),
    unit: float(UNIT),
    mask51: constant(pow2(51) - 1n),
    two52: float(2 ** 52),
    foldBy: float(2 ** 32 + 977),
  };
  check(SPLIT_51 + UNIT - SPLIT_51 === UNIT, "split constant is not exact");
  return names.map((name) => `const ${name} = ${all[name]};`);
};
const MULTIPLY_NAMES = ["split51", "splitUnit", "mask51", "two52", "foldBy"];

/**
 * Statements of o = a·b − Σ minus (or a² − Σ minus).
 *
 * @param {{square?: boolean, o: string, a: string, b?: string, minus?: string[], suffix: string}} options
 */
function product({ square = false, o, a, b, minus = [], suffix }) {
  const lines = [];
  const emit = (line) => lines.push(line.replaceAll("$", suffix));
  const bounds = FMA_LIMB_BOUNDS;
  for (let i = 0; i < 5; i++) emit(`const a${i}$ = v128.load(${a}, ${16 * i});`);
  if (!square) for (let i = 0; i < 5; i++) emit(`const b${i}$ = v128.load(${b}, ${16 * i});`);
  if (square) for (let i = 0; i < 4; i++) emit(`const d${i}$ = f64x2.add(a${i}$, a${i}$);`);

  // Terms of each column, with how often each is counted. 2·a_i·a_4 may leave the range of SPLIT_51 by a hair, so those are
  // multiplied undoubled and added twice.
  const columns = Array.from({ length: 9 }, () => []);
  for (let i = 0; i < 5; i++) {
    for (let j = 0; j < 5; j++) {
      if (square && i > j) continue;
      const cross = square && i < j;
      const twice = cross && j === 4;
      const left = cross && !twice ? `d${i}$` : `a${i}$`;
      const magnitude = bounds[i] * bounds[j] * (cross && !twice ? 2n : 1n);
      const right = square ? `a${j}$` : `b${j}$`;
      columns[i + j].push({ left, right, name: `${i}${j}$`, times: twice ? 2 : 1, magnitude });
    }
  }

  // Interval and collected constant bits of every column; column 9 is the floating-point top.
  const magnitude = Array(10).fill(0n);
  const collected = Array(10).fill(0n);
  for (let k = 0; k < 8; k++) {
    for (const term of columns[k]) {
      check(term.magnitude <= pow2(102), `product ${term.name} leaves the split`);
      const times = BigInt(term.times);
      collected[k] += times * UNIT_BITS;
      magnitude[k] += times * pow2(50);
      collected[k + 1] += times * SPLIT_51_BITS;
      magnitude[k + 1] += times * ((term.magnitude >> 51n) + 1n);
    }
  }
  const top = columns[8][0];
  check(top.magnitude <= pow2(103), "top product leaves the split");
  collected[8] += UNIT_BITS;
  magnitude[8] += pow2(51);

  // Bits a column starts with, so that it ends as half a limb + 2^51·bias + its true sum.
  const start = [];
  const carry = [];
  for (let k = 5; k < 9; k++) {
    start[k] = pow2(50) + (CARRY_BIAS << 51n) - collected[k];
    carry[k] = (magnitude[k] >> 51n) + 1n;
    check(carry[k] < CARRY_BIAS, `carry of column ${k}`);
  }
  // High limbs g0…g4: H = Σ g_k·2^51k.
  const g = [];
  for (let k = 0; k < 4; k++) g[k] = pow2(50) + (k > 0 ? carry[k + 4] : 0n);
  g[4] = (top.magnitude >> 51n) + 2n + carry[8];
  const fold = pow2(32) + 977n;
  for (let k = 0; k < 4; k++) check(g[k] * fold <= pow2(102), "fold leaves the split");
  check(g[4] * fold <= pow2(103), "top fold leaves the split");
  const q = ((g[4] * fold) >> 52n) + 1n;
  check(q < pow2(53) && q * fold <= pow2(102), "second fold leaves the split");

  // Low columns: doubled, then the folds, then what is subtracted.
  const low = [];
  for (let k = 0; k < 5; k++) {
    let bias = 0n;
    low[k] = 2n * magnitude[k];
    if (k < 4) {
      bias += UNIT_BITS;
      low[k] += pow2(50);
    } else {
      bias += UNIT_BITS;
      low[k] += pow2(51);
    }
    if (k > 0) {
      bias += SPLIT_51_BITS;
      low[k] += ((g[k - 1] * fold) >> 51n) + 1n;
    }
    if (k === 0) {
      bias += UNIT_BITS;
      low[k] += pow2(50);
    }
    if (k === 1) {
      bias += SPLIT_51_BITS;
      low[k] += ((q * fold) >> 51n) + 1n;
    }
    for (const _ of minus) {
      bias -= UNIT_BITS;
      low[k] += bounds[k];
      check(bounds[k] <= pow2(51), "subtrahend leaves the units' binade");
    }
    const target =
      k < 4 ? pow2(50) + (CARRY_BIAS << 51n) : pow2(51) + (CARRY_BIAS << 52n) - CARRY_BIAS;
    start[k] = target - bias - 2n * collected[k];
    // Added before the doubling, so half of it.
    check((start[k] & 1n) === 0n, `odd start in column ${k}`);
    start[k] = (start[k] & U64) >> 1n;
    carry[k] = (low[k] >> BigInt(k < 4 ? 51 : 52)) + 1n;
    check(carry[k] < CARRY_BIAS, `carry of column ${k}`);
  }
  // What comes out is again a reduced element.
  const out = [pow2(50) + carry[4] * fold];
  for (let k = 1; k < 4; k++) out[k] = pow2(50) + carry[k - 1];
  out[4] = pow2(51);
  for (let k = 0; k < 5; k++) check(out[k] <= bounds[k], `limb ${k} is not reduced`);

  const begun = Array(9).fill(false);
  const add = (k, expression) => {
    if (begun[k]) return emit(`t${k}$ = i64x2.add(t${k}$, ${expression});`);
    begun[k] = true;
    emit(`let t${k}$ = i64x2.add(${expression}, ${constant(start[k])});`);
  };
  const multiply = (k) => {
    for (const { left, right, name, times } of columns[k]) {
      if (k === 8) {
        // The high half stays a float: nh = −hi·2^52.
        emit(
          `const nh$ = f64x2.sub(${float(SPLIT_52)}, f64x2.relaxed_madd(${left}, ${right}, ${float(SPLIT_52)}));`,
        );
        add(8, `f64x2.add(f64x2.relaxed_madd(${left}, ${right}, nh$), ${float(UNIT)})`);
        continue;
      }
      emit(`const h${name} = f64x2.relaxed_madd(${left}, ${right}, split51);`);
      for (let i = 0; i < times; i++) add(k + 1, `h${name}`);
      emit(
        `const l${name} = f64x2.relaxed_madd(${left}, ${right}, f64x2.sub(splitUnit, h${name}));`,
      );
      for (let i = 0; i < times; i++) add(k, `l${name}`);
    }
  };
  const bias = Number(CARRY_BIAS);
  for (const k of [8, 7, 6, 5, 4]) multiply(k);
  emit(
    `const g0$ = f64x2.sub(v128.or(v128.and(t5$, mask51), two52), ${float(2 ** 52 + 2 ** 50)});`,
  );
  for (const k of [6, 7, 8]) {
    const sum = `i64x2.add(v128.and(t${k}$, mask51), i64x2.shr_u(t${k - 1}$, 51))`;
    emit(
      `const g${k - 5}$ = f64x2.sub(i64x2.add(${sum}, two52), ${float(2 ** 52 + 2 ** 50 + bias)});`,
    );
  }
  emit(
    `const g4$ = f64x2.relaxed_madd(nh$, ${float(-(2 ** -51))}, f64x2.sub(v128.or(i64x2.shr_u(t8$, 51), two52), ${float(2 ** 52 + bias)}));`,
  );
  for (const k of [3, 2, 1, 0]) multiply(k);
  for (let k = 0; k < 5; k++) emit(`t${k}$ = i64x2.shl(t${k}$, 1);`);
  emit(
    `const nq$ = f64x2.sub(${float(SPLIT_52)}, f64x2.relaxed_madd(g4$, foldBy, ${float(SPLIT_52)}));`,
  );
  add(4, `f64x2.add(f64x2.relaxed_madd(g4$, foldBy, nq$), ${float(UNIT)})`);
  emit(`const q$ = f64x2.mul(nq$, ${float(-(2 ** -52))});`);
  emit(`const qh$ = f64x2.relaxed_madd(q$, foldBy, split51);`);
  add(1, "qh$");
  add(0, "f64x2.relaxed_madd(q$, foldBy, f64x2.sub(splitUnit, qh$))");
  for (const k of [3, 2, 1, 0]) {
    emit(`const f${k}$ = f64x2.relaxed_madd(g${k}$, foldBy, split51);`);
    add(k + 1, `f${k}$`);
    add(k, `f64x2.relaxed_madd(g${k}$, foldBy, f64x2.sub(splitUnit, f${k}$))`);
  }
  for (const pointer of minus) {
    for (let k = 0; k < 5; k++) {
      emit(
        `t${k}$ = i64x2.sub(t${k}$, f64x2.add(v128.load(${pointer}, ${16 * k}), ${float(UNIT)}));`,
      );
    }
  }
  // Limb 4 takes its carry in before it is cut, so that it never leaves ±2^51.
  emit(`t4$ = i64x2.add(t4$, i64x2.shr_u(t3$, 51));`);
  emit(`const w$ = f64x2.sub(v128.or(i64x2.shr_u(t4$, 52), two52), ${float(2 ** 52 + bias)});`);
  emit(
    `v128.store(${o}, f64x2.relaxed_madd(w$, foldBy, f64x2.sub(v128.or(v128.and(t0$, mask51), two52), ${float(2 ** 52 + 2 ** 50)})), 0);`,
  );
  for (const k of [1, 2, 3]) {
    const sum = `i64x2.add(v128.and(t${k}$, mask51), i64x2.shr_u(t${k - 1}$, 51))`;
    emit(
      `v128.store(${o}, f64x2.sub(i64x2.add(${sum}, two52), ${float(2 ** 52 + 2 ** 50 + bias)}), ${16 * k});`,
    );
  }
  emit(
    `v128.store(${o}, f64x2.sub(v128.or(v128.and(t4$, ${constant(pow2(52) - 1n)}), two52), ${float(2 ** 52 + 2 ** 51)}), 64);`,
  );
  return lines;
}

/** Statements that carry the five sums `limb(i)` of magnitudes `bounds` and store a reduced element at `o`. */
function carryAndStore(o, limb, bounds) {
  const lines = [];
  for (const bound of bounds) check(bound <= pow2(53), "sum is not exact");
  const carries = bounds.map((bound, i) => (bound >> BigInt(i < 4 ? 51 : 52)) + 1n);
  check(pow2(50) + carries[4] * (pow2(32) + 977n) <= FMA_LIMB_BOUNDS[0], "limb 0 is not reduced");
  for (let i = 0; i < 4; i++) {
    check(pow2(50) + carries[i] <= FMA_LIMB_BOUNDS[1], `limb ${i + 1} is not reduced`);
  }
  for (let i = 0; i < 5; i++) lines.push(`const d${i} = ${limb(i)};`);
  for (let i = 0; i < 4; i++) {
    lines.push(`const c${i} = f64x2.sub(f64x2.add(d${i}, split51), split51);`);
  }
  const shift = float(2 ** -51);
  lines.push(`const e4 = f64x2.relaxed_madd(c3, ${shift}, d4);`);
  lines.push(`const c4 = f64x2.sub(f64x2.add(e4, split52), split52);`);
  lines.push(
    `v128.store(${o}, f64x2.relaxed_madd(c4, ${float((2 ** 32 + 977) * 2 ** -52)}, f64x2.sub(d0, c0)), 0);`,
  );
  for (let i = 1; i < 4; i++) {
    lines.push(
      `v128.store(${o}, f64x2.relaxed_madd(c${i - 1}, ${shift}, f64x2.sub(d${i}, c${i})), ${16 * i});`,
    );
  }
  lines.push(`v128.store(${o}, f64x2.sub(e4, c4), 64);`);
  return lines;
}

/** How far the second of two products trails the first: long enough to overlap, short enough for the registers. */
const LAG = 60;

function interleave(first, second) {
  const lines = [];
  for (let i = 0; i < Math.max(first.length, second.length + LAG); i++) {
    if (i < first.length) lines.push(first[i]);
    if (i >= LAG && i - LAG < second.length) lines.push(second[i - LAG]);
  }
  return lines;
}

function emitFunction(doc, name, parameters, lines) {
  const list = parameters.map((parameter) => `${parameter}: usize`).join(", ");
  const body = lines.map((line) => `  ${line}\n`).join("");
  return `\n/** ${doc} */\nexport function ${name}(${list}): void {\n${body}}\n`;
}

function multiplyFunctions(name, options, doc) {
  const operands = options.square ? ["a"] : ["a", "b"];
  const minus = options.minus ?? [];
  const one = { ...options, o: "o", a: "a", b: "b", minus, suffix: "" };
  const rename = (suffix) => ({
    ...options,
    o: `o${suffix}`,
    a: `a${suffix}`,
    b: `b${suffix}`,
    minus: minus.map((pointer) => `${pointer}${suffix}`),
    suffix: `_${suffix}`,
  });
  const parameters = ["o", ...operands, ...new Set(minus)];
  return [
    emitFunction(doc, name, parameters, [...prologue(MULTIPLY_NAMES), ...product(one)]),
    emitFunction(
      `${name} twice, interleaved; outputs may overlap their own operands, not the other's.`,
      `${name}2`,
      ["0", "1"].flatMap((suffix) => parameters.map((parameter) => `${parameter}${suffix}`)),
      [...prologue(MULTIPLY_NAMES), ...interleave(product(rename("0")), product(rename("1")))],
    ),
  ].join("");
}

function carryFunction(name, parameters, limb, factor, doc) {
  const bounds = FMA_LIMB_BOUNDS.map((bound) => bound * factor);
  return emitFunction(doc, name, parameters, [
    ...prologue(["split51", "split52"]),
    ...carryAndStore("o", limb, bounds),
  ]);
}

/** @returns {Promise<[string, string][]>} */
export async function files() {
  const { FMA_FIELD, FIELD_CONSTANTS } = await import("../../dist/src/params/secp256k1-limbs.js");
  pool.clear();
  const load = (pointer) => (i) => `v128.load(${pointer}, ${16 * i})`;
  const [a, b] = [load("a"), load("b")];
  const triple = (i) => `f64x2.add(f64x2.add(${a(i)}, ${a(i)}), ${a(i)})`;
  // A canonical integer put into limbs: 51 unsigned bits each, 52 in the last.
  const rawBounds = [pow2(51), pow2(51), pow2(51), pow2(51), pow2(52)];
  const functions = [
    multiplyFunctions("feMul", {}, "o = a·b."),
    multiplyFunctions("feSqr", { square: true }, "o = a²."),
    multiplyFunctions("feMulSub", { minus: ["c"] }, "o = a·b − c."),
    multiplyFunctions("feSqrSub", { square: true, minus: ["c", "d"] }, "o = a² − c − d."),
    multiplyFunctions(
      "feSqrSubTwice",
      { square: true, minus: ["c", "d", "d"] },
      "o = a² − c − 2d.",
    ),
    carryFunction("feAdd", ["o", "a", "b"], (i) => `f64x2.add(${a(i)}, ${b(i)})`, 2n, "o = a + b."),
    carryFunction("feSub", ["o", "a", "b"], (i) => `f64x2.sub(${a(i)}, ${b(i)})`, 2n, "o = a − b."),
    carryFunction("feDouble", ["o", "a"], (i) => `f64x2.add(${a(i)}, ${a(i)})`, 2n, "o = 2a."),
    carryFunction("feTriple", ["o", "a"], triple, 3n, "o = 3a."),
    emitFunction(
      "o = a, where a's limbs are unsigned: 51 bits each, 52 in the last.",
      "feCarry",
      ["o", "a"],
      [...prologue(["split51", "split52"]), ...carryAndStore("o", a, rawBounds)],
    ),
  ].join("");

  const constants = Object.entries(FIELD_CONSTANTS)
    .map(([name, value]) => {
      const words = FMA_FIELD.limbs(value).flatMap((limb) => {
        const bits = `0x${bitsOf(Number(limb)).toString(16)}`;
        return [bits, bits];
      });
      return `export const FE_${name}: usize = memory.data<u64>([${words.join(", ")}], 16);\n`;
    })
    .join("");
  const words = [...pool.keys()].flatMap((value) => [
    `0x${value.toString(16)}`,
    `0x${value.toString(16)}`,
  ]);
  const limits = FMA_LIMB_BOUNDS.map((bound) => `0x${bound.toString(16)}`).join(", ");
  const head = `// secp256k1 field, two elements a vector, five balanced limbs of 51 bits of x/2 mod p as f64 (fused multiply-add).
// An element is 80 bytes: limb i of both at 16i. Every operation takes and gives limbs within FE_LIMB_BOUNDS, which the
// generator proves from interval arithmetic; feMul and its kin are exact on that whole range.

/** Largest magnitude of each limb. */
export const FE_LIMB_BOUNDS: usize = memory.data<u64>([${limits}], 16);

/** Constants of the arithmetic, each in both halves of a vector. */
const K: usize = memory.data<u64>([
  ${words.join(",\n  ")},
], 16);

${constants}`;
  return [
    [
      "assembly/generated/secp256k1-field-fma.ts",
      banner("//", "secp256k1-field-fma.mjs") + head + functions,
    ],
  ];
}
