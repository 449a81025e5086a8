// Arithmetic modulo p = 2²⁵⁶ - 2³² - 977 in 8 words of 32 bits, as limb programs: the rival of limb-field.mjs.
//
// An element is any number below 2²⁵⁶ that is congruent to it; every operation ends with one, so nothing is ever loose. WGSL has
// neither the high half of a product nor a carry: products are made of 16-bit halves, whose sums fit a u32 by their bounds, and
// carries between words are comparisons.
//
// Numbers of several words carry a bound of their own, `max`. What leaves 2²⁵⁶ folds back by 2²⁵⁶ ≡ C until the bound says that
// nothing does; a carry is dropped only where the bound says that it is 0.
import { LimbProgram } from "./limb-program.mjs";

export const WORDS = 8;
const HALVES = 16;
const U32_MAX = 0xffffffffn;
const TOP = 1n << 256n;
/** C = 2²⁵⁶ - p = 2³² + 977. */
const COMPLEMENT = (1n << 32n) + 977n;
const MOST = TOP - 1n;

/** Every operation's result is again an element (see FieldProgram). */
export const wordBounds = {
  tight: U32_MAX,
  loose: U32_MAX,
  wide: U32_MAX,
  sum: () => U32_MAX,
  difference: () => U32_MAX,
  multiple: () => U32_MAX,
};

/** @typedef {{words: import("./limb-program.mjs").Value[], max: bigint}} WideNumber words, or halves, least first */

/** Words of a number, least first. */
export const wordsOf = (value, length = WORDS) =>
  Array.from({ length }, (_, i) => (value >> BigInt(32 * i)) & U32_MAX);

const constants = (program, value) =>
  wordsOf(value).map((word) => (word === 0n ? undefined : program.constant(word)));
const digits = (max, bits) => Math.ceil(max.toString(2).length / bits);
const halvesOf = (program, words) =>
  words.flatMap((word) => [program.low(word, 16), program.shr(word, 16)]);
const wordsOfHalves = (program, halves) =>
  Array.from({ length: halves.length / 2 }, (_, i) =>
    program.or(halves[2 * i], program.shl(halves[2 * i + 1], 16)),
  );

/** x + y, in as many words as the sum's bound needs. @returns {WideNumber} */
function sumOf(program, x, y) {
  const max = x.max + y.max;
  const words = [];
  let carry;
  for (let k = 0; k < Math.max(x.words.length, y.words.length); k++) {
    [words[k], carry] = program.addWithCarry(x.words[k], y.words[k], carry);
  }
  if (digits(max, 32) > words.length) words.push(carry);
  return { words, max };
}

/**
 * What is above 2²⁵⁶ as many times C, added to what is below. Where that is 1 at most and leaves little below, so does the
 * sum: the digits above stay as they are, 0 with it and unchanged without.
 *
 * @param {number} bits of a digit
 * @param {(low: Value[], high: Value[]) => Value[]} add adds high · C to the low digits given
 */
function fold({ words, max }, bits, add) {
  const count = 256 / bits;
  const [low, high] = [words.slice(0, count), words.slice(count)];
  const above = max >> 256n;
  const least = max - above * TOP + above * COMPLEMENT;
  const touched = above === 1n ? Math.min(count, digits(least, bits)) : count;
  const most = [MOST + (above - 1n) * COMPLEMENT, least].reduce((a, b) => (a > b ? a : b));
  const sum = add(low.slice(0, touched), high);
  if (touched < count || most < TOP) {
    return { words: [...sum.slice(0, touched), ...low.slice(touched)], max: MOST };
  }
  return { words: sum.slice(0, digits(most, bits)), max: most };
}

/** An element congruent to a number a little above 2²⁵⁶. */
function reduceWords(program, number) {
  let result = number;
  while (result.max >= TOP) {
    result = fold(result, 32, (low, [high]) => {
      let carry;
      const multiple = [program.mul(high, program.constant(977)), high];
      const sum = low.map((word, k) => {
        let digit;
        [digit, carry] = program.addWithCarry(word, multiple[k], carry);
        return digit;
      });
      return carry ? [...sum, carry] : sum;
    });
  }
  return result.words;
}

/** An element congruent to a product of two, in halves. */
function reduceHalves(program, halves) {
  let result = { words: halves, max: MOST * MOST };
  while (result.max >= TOP) {
    result = fold(result, 16, (low, high) => {
      const columns = [...low];
      for (const [i, half] of high.entries()) {
        columns[i] = program.mad(half, program.constant(977), columns[i]);
        columns[i + 2] = program.add(columns[i + 2], half);
      }
      return carryHalves(program, columns);
    });
  }
  return wordsOfHalves(program, result.words);
}

/** Columns as 16-bit halves; the last carry takes as many as it needs. */
function carryHalves(program, columns) {
  const halves = [];
  let carry;
  for (let k = 0; k < columns.length || (carry && carry.max > 0n); k++) {
    const sum = program.add(columns[k], carry);
    const fits = sum.max <= 0xffffn;
    halves.push(fits ? sum : program.low(sum, 16));
    carry = fits ? undefined : program.shr(sum, 16);
  }
  return halves;
}

/**
 * x · y + sum + carry of words in halves: (2¹⁶ - 1)² + 2 (2¹⁶ - 1) = 2³² - 1, so that no step overflows.
 *
 * @returns low half, high half, and the word above them
 */
function multiplyAdd(program, [x0, x1], [y0, y1], [sum0, sum1], carry) {
  const [carry0, carry1] = carry ? halvesOf(program, [carry]) : [];
  const t0 = program.add(program.mad(x0, y0, sum0), carry0);
  const t1 = program.add(program.mad(x1, y0, sum1), program.shr(t0, 16));
  const t2 = program.add(program.mad(x0, y1, carry1), program.low(t1, 16));
  const high = program.add(program.mad(x1, y1, program.shr(t1, 16)), program.shr(t2, 16));
  return [program.low(t0, 16), program.low(t2, 16), high];
}

const pairAt = (halves, word) => halves.slice(2 * word, 2 * word + 2);

/** Adds word i of x times the words of y from `first` on to the halves; the last carry. */
function addRow(program, halves, x, i, y, first) {
  let carry;
  for (let j = first; j < WORDS; j++) {
    const [low, high, next] = multiplyAdd(
      program,
      pairAt(x, i),
      pairAt(y, j),
      pairAt(halves, i + j),
      carry,
    );
    [halves[2 * (i + j)], halves[2 * (i + j) + 1], carry] = [low, high, next];
  }
  return carry;
}

/** The 32 halves of x · y, row by row. */
function product(program, x, y) {
  const halves = [];
  for (let i = 0; i < WORDS; i++) {
    halves.push(...halvesOf(program, [addRow(program, halves, x, i, y, 0)]));
  }
  return halves;
}

/** The 32 halves of x²: products of different words once, twice their sum, and the squares. */
function square(program, x) {
  const halves = [];
  for (let i = 0; i < WORDS - 1; i++) {
    const carry = addRow(program, halves, x, i, x, i + 1);
    [halves[2 * (i + WORDS)], halves[2 * (i + WORDS) + 1]] = halvesOf(program, [carry]);
  }
  const columns = Array.from({ length: 2 * HALVES }, (_, k) =>
    halves[k] ? program.shl(halves[k], 1) : undefined,
  );
  for (let i = 0; i < WORDS; i++) {
    const [low, high, above] = multiplyAdd(program, pairAt(x, i), pairAt(x, i), [], undefined);
    [low, high, ...halvesOf(program, [above])].forEach((half, k) => {
      columns[4 * i + k] = program.add(columns[4 * i + k], half);
    });
  }
  // x² < 2⁵¹²: the last column has no carry, though its own bound leaves room for one.
  return carryHalves(program, columns).slice(0, 2 * HALVES);
}

/**
 * The programs of the field.
 *
 * @param {bigint} p 2²⁵⁶ - 2³² - 977
 * @returns {Map<string, LimbProgram>}
 */
export function wordFieldPrograms(p) {
  const programs = new Map();
  const begin = (name, inputs, comment) => {
    const vectors = Object.fromEntries(inputs.map((key) => [key, { length: WORDS, max: U32_MAX }]));
    const program = new LimbProgram(name, vectors, comment);
    programs.set(name, program);
    return program;
  };
  const element = (program, name) => ({ words: program.input(name), max: MOST });

  {
    const mul = begin("feMul", ["x", "y"], "x · y for any numbers below 2²⁵⁶.");
    const [x, y] = ["x", "y"].map((name) => halvesOf(mul, mul.input(name)));
    mul.finish(reduceHalves(mul, product(mul, x, y)));
  }
  {
    const sqr = begin("feSqr", ["x"], "x² for any number below 2²⁵⁶.");
    sqr.finish(reduceHalves(sqr, square(sqr, halvesOf(sqr, sqr.input("x")))));
  }
  {
    const add = begin("feAdd", ["x", "y"], "x + y for any numbers below 2²⁵⁶.");
    add.finish(reduceWords(add, sumOf(add, element(add, "x"), element(add, "y"))));
  }
  /** 2p - y, between 0 and 2p: 2p ≥ 2²⁵⁶ - 1. */
  const minus = (program, y) => {
    const words = [];
    let borrow;
    for (const [k, word] of constants(program, 2n * p).entries()) {
      [words[k], borrow] = program.subWithBorrow(word, y[k], borrow);
    }
    words.push(
      program.bounded(program.subWrapping(program.constant((2n * p) >> 256n), borrow), 1n),
    );
    return { words, max: 2n * p };
  };
  for (const name of ["feSub", "feSubLoose"]) {
    const sub = begin(name, ["x", "y"], "x - y, as x + 2p - y, for any numbers below 2²⁵⁶.");
    const sum = sumOf(sub, element(sub, "x"), minus(sub, sub.input("y")));
    sub.finish(reduceWords(sub, sum));
  }
  {
    const neg = begin("feNeg", ["x"], "-x, as 2p - x, for any number below 2²⁵⁶.");
    neg.finish(reduceWords(neg, minus(neg, neg.input("x"))));
  }
  for (const name of ["feNormalize", "feFromWords", "feToWords", "feFromMemory", "feToMemory"]) {
    const same = begin(name, ["x"], "x as it is: elements have one form only.");
    same.finish(same.input("x"));
  }
  {
    const canonical = begin("feCanonical", ["x"], "The one representative in 0 … p - 1.");
    const x = canonical.input("x");
    // x + C reaches 2²⁵⁶ exactly where x ≥ p, and its low 256 bits are x - p then.
    const { words: raised } = sumOf(canonical, element(canonical, "x"), {
      words: constants(canonical, COMPLEMENT),
      max: COMPLEMENT,
    });
    const mask = canonical.mask(raised[WORDS]);
    canonical.finish(
      x.map((word, k) => {
        const difference = canonical.and(canonical.xor(word, raised[k]), mask);
        return canonical.xor(word, difference);
      }),
    );
  }
  {
    const unreduced = begin("feIsUnreduced", ["x"], "1 where x ≥ p, else 0.");
    const { words } = sumOf(unreduced, element(unreduced, "x"), {
      words: constants(unreduced, COMPLEMENT),
      max: COMPLEMENT,
    });
    unreduced.finish([words[WORDS]]);
  }
  {
    const scale = new LimbProgram(
      "feScale",
      { x: { length: WORDS, max: U32_MAX }, k: { length: 1, max: 21n } },
      "x · k for k ≤ 21 and any x below 2²⁵⁶.",
    );
    programs.set(scale.name, scale);
    const k = { text: "k", min: 0n, max: 21n };
    const columns = halvesOf(scale, scale.input("x")).map((half) => scale.mul(half, k));
    const halves = carryHalves(scale, columns);
    const words = [...wordsOfHalves(scale, halves.slice(0, HALVES)), halves[HALVES]];
    scale.finish(reduceWords(scale, { words, max: 21n * MOST }));
  }
  return programs;
}
