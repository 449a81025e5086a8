// secp256k1 field arithmetic from 32 × 32 → 64-bit integer products (baseline SIMD): two elements a vector, nine unsigned
// limbs of 29 bits.
//
// With x·y = L + 2^261·H the product is L + (2^37 + 31264)·H mod p, and what then lies above 2^256 folds in once more.
// Limbs may exceed 29 bits by the few that a carry brings; every one has an upper bound here, and a sum that could leave
// 32 or 64 bits throws. The same programs come once more for the first lane alone, in scalar instructions: a single product
// takes two thirds of the time there.
import { banner } from "./banner.mjs";

const pow2 = (k) => 1n << BigInt(k);
const LIMBS = 9;
/** Bits of the last limb, so that an element stays near 2^256. */
const TOP_BITS = 24;
const MASK = pow2(29) - 1n;
/** 2^261 mod p = HIGH·2^29 + LOW; 2^256 mod p = 8·2^29 + 977. */
const LOW = 31264n;
const HIGH = 256n;

/** Largest value of each limb of a reduced element: what every operation takes and gives. */
export const INTEGER_LIMB_BOUNDS = [
  pow2(29) + pow2(13),
  ...Array(7).fill(pow2(29) + pow2(13)),
  pow2(24) + pow2(5),
];

function check(condition, what) {
  if (!condition) throw new Error(`secp256k1-field-int: ${what}`);
}

const pack = (x) => `i8x16.shuffle(${x}, ${x}, 0, 1, 2, 3, 8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11)`;

/** How a product is written for both lanes: limbs as u32 pairs in the low half of a vector, columns as i64x2. */
const BOTH = {
  load: (pointer, i) => `v128.load64_zero(${pointer}, ${8 * i})`,
  store: (pointer, i, x) => `v128.store64_lane(${pointer}, ${pack(x)}, 0, ${8 * i});`,
  constant: (value) => `i64x2.splat(${value === 0n ? 0 : `0x${value.toString(16)}`})`,
  factor: (value) => `i32x4.splat(${value})`,
  limbTwice: (x) => `i32x4.shl(${x}, 1)`,
  mul: (x, y) => `i64x2.extmul_low_i32x4_u(${x}, ${y})`,
  add: (x, y) => `i64x2.add(${x}, ${y})`,
  sub: (x, y) => `i64x2.sub(${x}, ${y})`,
  and: (x, y) => `v128.and(${x}, ${y})`,
  shr: (x, bits) => `i64x2.shr_u(${x}, ${bits})`,
  shl: (x, bits) => `i64x2.shl(${x}, ${bits})`,
  /** From a column to a limb that can be multiplied, and from a limb to what can be subtracted from a column. */
  toLimb: pack,
  fromLimb: (x) => `i64x2.extend_low_i32x4_u(${x})`,
};

/** The same for one lane: limbs and columns as u64. */
const LONE = {
  load: (pointer, i) => `<u64>load<u32>(${pointer}, ${8 * i})`,
  store: (pointer, i, x) => `store<u32>(${pointer}, <u32>${x}, ${8 * i});`,
  constant: (value) => `<u64>0x${value.toString(16)}`,
  factor: (value) => `<u64>${value}`,
  limbTwice: (x) => `${x} << 1`,
  mul: (x, y) => `(${x} * ${y})`,
  add: (x, y) => `${x} + ${y}`,
  sub: (x, y) => `${x} - ${y}`,
  and: (x, y) => `(${x} & ${y})`,
  shr: (x, bits) => `(${x} >> ${bits})`,
  shl: (x, bits) => `(${x} << ${bits})`,
  toLimb: (x) => x,
  fromLimb: (x) => x,
};

/** A multiple of p whose limbs all exceed a reduced element's, so that `a + it − b` never goes below zero. */
function liftLimbs(p) {
  const value = 4n * p;
  const limbs = Array.from({ length: LIMBS }, (_, i) =>
    i === LIMBS - 1 ? value >> 232n : (value >> BigInt(29 * i)) & MASK,
  );
  for (let i = 0; i < LIMBS - 1; i++) {
    limbs[i] += pow2(30);
    limbs[i + 1] -= 2n;
  }
  const total = limbs.reduce((all, limb, i) => all + (limb << BigInt(29 * i)), 0n);
  check(total === value, "lift is not a multiple of p");
  limbs.forEach((limb, i) => {
    check(limb >= INTEGER_LIMB_BOUNDS[i], `lift limb ${i} is too small`);
  });
  return limbs;
}

/** Statements of o = a·b − Σ minus (or a² − Σ minus), written as `w` says. */
function product({ square = false, minus = [] }, lift, w) {
  const lines = [];
  const emit = (line) => lines.push(line);
  const sum = (terms) => terms.reduce(w.add);
  const bounds = INTEGER_LIMB_BOUNDS;
  for (let i = 0; i < LIMBS; i++) emit(`const a${i} = ${w.load("a", i)};`);
  if (square) for (let i = 0; i < 8; i++) emit(`const d${i} = ${w.limbTwice(`a${i}`)};`);
  else for (let i = 0; i < LIMBS; i++) emit(`const b${i} = ${w.load("b", i)};`);
  emit(`const mask = ${w.constant(MASK)};`);

  const column = (k) => {
    const terms = [];
    let bound = 0n;
    for (let i = 0; i < LIMBS; i++) {
      const j = k - i;
      if (j < 0 || j >= LIMBS) continue;
      bound += bounds[i] * bounds[j];
      if (!square) terms.push(w.mul(`a${i}`, `b${j}`));
      else if (i === j) terms.push(w.mul(`a${i}`, `a${i}`));
      else if (i < j) terms.push(w.mul(`d${i}`, `a${j}`));
    }
    return { terms, bound };
  };
  for (let i = 0; i < 8; i++) check(2n * bounds[i] < pow2(32), "doubled limb leaves 32 bits");

  // High columns, carried into h0…h8.
  let carry = 0n;
  const h = [];
  emit(`let t = ${w.constant(0n)};`);
  for (let k = 9; k <= 16; k++) {
    const { terms, bound } = column(k);
    const total = carry + bound;
    check(total < pow2(64), `column ${k}`);
    emit(`t = ${sum([...terms, "t"])};`);
    emit(`const h${k - 9} = ${w.toLimb(w.and("t", "mask"))};`);
    emit(`t = ${w.shr("t", 29)};`);
    h.push(MASK);
    carry = total >> 29n;
  }
  check(carry < pow2(32), "limb h8");
  h.push(carry);
  emit(`const h8 = ${w.toLimb("t")};`);
  emit(`const low = ${w.factor(LOW)}, high = ${w.factor(HIGH)};`);
  emit(`t = ${w.constant(0n)};`);

  // Low columns with the fold of H and, to stay positive, a multiple of p for every subtrahend.
  carry = 0n;
  for (let k = 0; k < LIMBS; k++) {
    const { terms, bound } = column(k);
    // What came up from the column below is added last: the chain from column to column stays short.
    const all = [...terms, w.mul(`h${k}`, "low")];
    let total = carry + bound + h[k] * LOW;
    if (k > 0) {
      all.push(w.mul(`h${k - 1}`, "high"));
      total += h[k - 1] * HIGH;
    }
    if (minus.length > 0) {
      all.push(w.constant(lift[k] * BigInt(minus.length)));
      total += lift[k] * BigInt(minus.length);
    }
    check(total < pow2(64), `column ${k}`);
    emit(`t = ${sum([...all, "t"])};`);
    for (const pointer of minus) emit(`t = ${w.sub("t", w.fromLimb(w.load(pointer, k)))};`);
    const bits = k === LIMBS - 1 ? TOP_BITS : 29;
    const mask = k === LIMBS - 1 ? w.constant(pow2(TOP_BITS) - 1n) : "mask";
    emit(`let r${k} = ${w.and("t", mask)};`);
    emit(`t = ${w.shr("t", bits)};`);
    carry = total >> BigInt(bits);
  }
  // q·2^256 ≡ q·977 + 8q·2^29, where q is the carry and h8's part at limb 9.
  const q = carry + ((h[8] * HIGH) << 5n);
  check(q * 1024n < pow2(63), "q");
  emit(`const q = ${w.add("t", w.shl(w.mul("h8", "high"), 5))};`);
  // 977 = 1024 − 32 − 16 + 1: a q may have more than 32 bits, and vectors have no product of those.
  const q977 = w.sub(w.sub(w.shl("q", 10), w.shl("q", 5)), w.shl("q", 4));
  emit(`const q977 = ${w.add(q977, "q")};`);
  emit(`t = ${w.add("r0", "q977")};`);
  emit(`r0 = ${w.and("t", "mask")};`);
  emit(`t = ${w.add(w.add(w.shr("t", 29), "r1"), w.shl("q", 3))};`);
  emit(`r1 = ${w.and("t", "mask")};`);
  emit(`r2 = ${w.add("r2", w.shr("t", 29))};`);
  const r2 = MASK + ((((MASK + q * 977n) >> 29n) + MASK + 8n * q) >> 29n);
  check(r2 <= bounds[2], "limb 2 is not reduced");
  for (let k = 0; k < LIMBS; k++) emit(w.store("o", k, `r${k}`));
  return lines;
}

/** Throws unless one carry brings sums below `bounds` within a reduced element's. */
function checkCarry(bounds) {
  for (const bound of bounds) check(bound < pow2(32), "sum leaves 32 bits");
  const top = bounds[8] >> BigInt(TOP_BITS);
  const reduced = INTEGER_LIMB_BOUNDS;
  check(MASK + top * 977n <= reduced[0], "limb 0 is not reduced");
  check(MASK + (bounds[0] >> 29n) + 8n * top <= reduced[1], "limb 1 is not reduced");
  for (let i = 2; i < 8; i++) {
    check(MASK + (bounds[i - 1] >> 29n) <= reduced[i], `limb ${i} is not reduced`);
  }
  check(pow2(24) + (bounds[7] >> 29n) <= reduced[8], "limb 8 is not reduced");
}

/** Like {@link carryAndStore} for one lane: `limb(i)` is limb i of the sums, an expression of u32. */
function carryAndStoreLone(limb, bounds) {
  checkCarry(bounds);
  const mask = `0x${MASK.toString(16)}`;
  const lines = [];
  for (let i = 0; i < LIMBS; i++) lines.push(`const d${i} = ${limb(i)};`);
  lines.push(`const top = d8 >> ${TOP_BITS};`);
  for (let i = 0; i < LIMBS; i++) {
    const own = i === 8 ? `(d8 & 0x${(pow2(TOP_BITS) - 1n).toString(16)})` : `(d${i} & ${mask})`;
    const carry = i === 0 ? "977 * top" : `(d${i - 1} >> 29)${i === 1 ? " + 8 * top" : ""}`;
    lines.push(`store<u32>(o, ${own} + ${carry}, ${8 * i});`);
  }
  return lines;
}

/**
 * Statements that carry sums once and store a reduced element at `o`. `limbs(j)` is the vector of limbs 2j and 2j + 1;
 * `bounds` are the sums' upper bounds.
 */
function carryAndStore(limbs, bounds) {
  checkCarry(bounds);
  const lines = [];
  lines.push(`const mask = i32x4.splat(0x${MASK.toString(16)});`);
  for (let j = 0; j < 5; j++) lines.push(`const d${j} = ${limbs(j)};`);
  for (let j = 0; j < 4; j++) lines.push(`const c${j} = i32x4.shr_u(d${j}, 29);`);
  lines.push(`const c4 = i32x4.shr_u(d4, ${TOP_BITS});`);
  // Carries move up one limb, half a vector; the top one folds into limbs 0 and 1.
  const shifted = (from, to) =>
    `i8x16.shuffle(${from}, ${to}, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23)`;
  lines.push(
    "const fold = i32x4.mul(i8x16.shuffle(c4, c4, 0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7), i32x4(977, 977, 8, 8));",
  );
  lines.push(
    `v128.store(o, i32x4.add(i32x4.add(v128.and(d0, mask), fold), ${shifted("i32x4.splat(0)", "c0")}), 0);`,
  );
  for (let j = 1; j < 4; j++) {
    lines.push(
      `v128.store(o, i32x4.add(v128.and(d${j}, mask), ${shifted(`c${j - 1}`, `c${j}`)}), ${16 * j});`,
    );
  }
  lines.push(
    `v128.store64_lane(o, i32x4.add(v128.and(d4, i32x4.splat(0x${(pow2(TOP_BITS) - 1n).toString(16)})), ${shifted("c3", "c3")}), 0, 64);`,
  );
  return lines;
}

function emitFunction(doc, name, parameters, lines) {
  const list = parameters.map((parameter) => `${parameter}: usize`).join(", ");
  const body = lines.map((line) => `  ${line}\n`).join("");
  return `\n/** ${doc} */\nexport function ${name}(${list}): void {\n${body}}\n`;
}

/** Products: name, what it is, options. */
const PRODUCTS = [
  ["feMul", "o = a·b.", {}],
  ["feSqr", "o = a².", { square: true }],
  ["feMulSub", "o = a·b − c.", { minus: ["c"] }],
  ["feSqrSub", "o = a² − c − d.", { square: true, minus: ["c", "d"] }],
  ["feSqrSubTwice", "o = a² − c − 2d.", { square: true, minus: ["c", "d", "d"] }],
];

const parametersOf = ({ square, minus }) => ["o", "a", ...(square ? [] : ["b"]), ...new Set(minus)];

function multiplyTwice(name, options) {
  const parameters = parametersOf(options);
  const call = (suffix) =>
    `${name}(${parameters.map((parameter) => parameter + suffix).join(", ")});`;
  return emitFunction(
    `${name} twice; outputs may overlap their own operands, not the other's.`,
    `${name}2`,
    ["0", "1"].flatMap((suffix) => parameters.map((parameter) => parameter + suffix)),
    [call("0"), call("1")],
  );
}

/** @returns {Promise<[string, string][]>} */
export async function files() {
  const { INTEGER_FIELD, FIELD_CONSTANTS } = await import(
    "../../dist/src/params/secp256k1-limbs.js"
  );
  const { SECP256K1 } = await import("../../dist/src/params/secp256k1.js");
  const lift = liftLimbs(SECP256K1.p);
  const bounds = INTEGER_LIMB_BOUNDS;
  // A negated operand is LIFT − y (feGatherSigned): feSub takes it as its minuend.
  const minuend = bounds.map((bound, i) => (lift[i] > bound ? lift[i] : bound));
  const difference = minuend.map((bound, i) => bound + lift[i]);
  const times = (factor) => bounds.map((bound) => bound * factor);
  const load = (pointer) => (j) =>
    j < 4 ? `v128.load(${pointer}, ${16 * j})` : `v128.load64_zero(${pointer}, 64)`;
  const lone = (pointer) => (i) => `load<u32>(${pointer}, ${8 * i})`;
  const [a, b, l] = [load("a"), load("b"), load("LIFT")];
  const [a1, b1] = [lone("a"), lone("b")];
  /** Sums: name, what it is, operands, bounds, vectors of limbs, single limbs. */
  const sums = [
    [
      "feAdd",
      "o = a + b.",
      ["a", "b"],
      times(2n),
      (j) => `i32x4.add(${a(j)}, ${b(j)})`,
      (i) => `${a1(i)} + ${b1(i)}`,
    ],
    [
      "feSub",
      "o = a − b; a's limbs may be as large as FE_LIFT's.",
      ["a", "b"],
      difference,
      (j) => `i32x4.sub(i32x4.add(${a(j)}, ${l(j)}), ${b(j)})`,
      (i) => `${a1(i)} + ${lift[i]} - ${b1(i)}`,
    ],
    [
      "feDouble",
      "o = 2a.",
      ["a"],
      times(2n),
      (j) => `i32x4.shl(${a(j)}, 1)`,
      (i) => `${a1(i)} << 1`,
    ],
    [
      "feTriple",
      "o = 3a.",
      ["a"],
      times(3n),
      (j) => `i32x4.add(i32x4.shl(${a(j)}, 1), ${a(j)})`,
      (i) => `3 * ${a1(i)}`,
    ],
    ["feCarry", "o = a, whose limbs may be as large as FE_LIFT's.", ["a"], minuend, a, a1],
  ];
  const products = (w) =>
    PRODUCTS.map(([name, doc, options]) => {
      const once = emitFunction(doc, name, parametersOf(options), product(options, lift, w));
      return w === BOTH ? once + multiplyTwice(name, options) : once;
    }).join("");
  const functions =
    products(BOTH) +
    sums
      .map(([name, doc, operands, limits, vectors]) =>
        emitFunction(doc, name, ["o", ...operands], carryAndStore(vectors, limits)),
      )
      .join("");
  const loneFunctions =
    products(LONE) +
    sums
      .map(([name, doc, operands, limits, , limbs]) =>
        emitFunction(doc, name, ["o", ...operands], carryAndStoreLone(limbs, limits)),
      )
      .join("");
  const pairs = (limbs) => [...limbs.flatMap((limb) => [limb, limb]), 0n, 0n];
  const data = (limbs) => `memory.data<u32>([${pairs(limbs).join(", ")}], 16)`;
  const constants = Object.entries(FIELD_CONSTANTS)
    .map(
      ([name, value]) => `export const FE_${name}: usize = ${data(INTEGER_FIELD.limbs(value))};\n`,
    )
    .join("");
  const head = `// secp256k1 field, two elements a vector, nine unsigned limbs of 29 bits as u32 (baseline SIMD).
// An element is 80 bytes: limb i of both at 8i, then 8 bytes unused. Every operation takes and gives limbs within
// FE_LIMB_BOUNDS; the generator proves it and that no column leaves 64 bits.

/** Largest value of each limb. */
export const FE_LIMB_BOUNDS: usize = memory.data<u64>([${bounds.map((bound) => `0x${bound.toString(16)}`).join(", ")}], 16);

/** A multiple of p with limbs above every reduced one: −y is LIFT − y. */
const LIFT: usize = ${data(lift)};
export const FE_LIFT: usize = LIFT;

${constants}`;
  return [
    [
      "assembly/generated/secp256k1-field-int.ts",
      banner("//", "secp256k1-field-int.mjs") + head + functions,
    ],
    [
      "assembly/generated/secp256k1-field-lone.ts",
      banner("//", "secp256k1-field-int.mjs") +
        `// The operations of secp256k1-field-int.ts on the first lane of elements alone; the second keeps what it holds.
` +
        loneFunctions,
    ],
  ];
}
