// Scalars of secp256k1 three ways: bigint = CPU copy of the limb programs = GPU.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { SECP256K1 } from "../../../src/params/secp256k1.ts";
import { createRandom } from "../../../src/workloads/random.ts";
import { needsAdapter } from "../../webgpu/adapter.ts";
import { type Gpu, openGpuForRungs } from "./gpu.ts";
import { createModel, type Limbs, limbsOf, mod, powerMod, valueOfLimbs } from "./model.ts";

const { n, p, lambda } = SECP256K1;
const TIGHT = 8192;
const { limb } = createModel("built");

const pad = (values: readonly number[]): number[] =>
  Array.from({ length: 20 }, (_, i) => values[i] ?? 0);

/** The inverse by square and multiply, as shaders/lib/secp256k1-scalar.wgsl does it. */
function inverse(x: Limbs): number[] {
  let t = limbsOf(1n);
  for (let bit = 255n; bit >= 0n; bit--) {
    t = limb.scMul(t, t);
    if (((n - 2n) >> bit) & 1n) t = limb.scMul(t, x);
  }
  return t;
}

interface Operation {
  readonly name: string;
  readonly cases: number;
  /** Greatest limb of x; 0: canonical values. */
  readonly limbs: number;
  model(x: Limbs, y: Limbs): number[];
  check(answer: readonly number[], x: bigint, y: bigint): void;
}

const congruent = (expected: (x: bigint, y: bigint) => bigint) => {
  return (answer: readonly number[], x: bigint, y: bigint): void =>
    assert.equal(mod(valueOfLimbs(answer), n), mod(expected(x, y), n));
};

/** The sum of digits that stand as d + half. */
function recoded(words: readonly number[], bits: number): bigint {
  const value = words.reduce((sum, word, i) => sum + (BigInt(word) << BigInt(32 * i)), 0n);
  let sum = 0n;
  for (let i = 0; i < 33; i++) {
    const digit = (value >> BigInt(bits * i)) & (2n ** BigInt(bits) - 1n);
    sum += (digit - 2n ** BigInt(bits - 1)) << BigInt(bits * i);
  }
  assert.equal(value >> BigInt(bits * 33), 0n);
  return sum;
}

/** In the order of the shader's switch. */
const operations: Operation[] = [
  {
    name: "scMul",
    cases: 500,
    limbs: 2 * TIGHT,
    model: (x, y) => limb.scMul(x, y),
    check: congruent((x, y) => x * y),
  },
  {
    name: "scNeg",
    cases: 100,
    limbs: TIGHT,
    model: (x) => limb.scNeg(x),
    check: congruent((x) => -x),
  },
  {
    name: "scCanonical",
    cases: 300,
    limbs: TIGHT,
    model: (x) => limb.scCanonical(x),
    check: (answer, x) => assert.equal(valueOfLimbs(answer), mod(x, n)),
  },
  {
    name: "scInverse",
    cases: 64,
    limbs: TIGHT,
    model: (x) => inverse(x),
    check: congruent((x) => powerMod(x, n - 2n, n)),
  },
  {
    name: "scSplit",
    cases: 400,
    limbs: 0,
    model: (x) => pad(limb.scSplit(x)),
    check(answer, x) {
      const halves = [0, 5].map((at) => {
        const words = answer.slice(at, at + 5);
        const negative = words[4] >>> 31 === 1;
        words[4] &= 0x7fffffff;
        const magnitude = recoded(words, 4);
        assert.ok(magnitude >= 0n && magnitude < 2n ** 128n);
        return negative ? -magnitude : magnitude;
      });
      assert.equal(mod(halves[0] + halves[1] * lambda, n), x);
    },
  },
  {
    name: "scComb",
    cases: 100,
    limbs: 0,
    model: (x) => pad(limb.scComb(x)),
    check: (answer, x) => assert.equal(recoded(answer.slice(0, 9), 8), x),
  },
  {
    name: "comparisons",
    cases: 100,
    limbs: 0,
    model: (x) => pad([limb.scIsUnreduced(x)[0], limb.scIsHigh(x)[0], limb.scExceedsField(x)[0]]),
    check: (answer, x) =>
      assert.deepEqual(answer.slice(0, 3), [x >= n, x > n / 2n, x + n >= p].map(Number)),
  },
];

const canonicalEdges = [
  0n,
  1n,
  2n,
  n - 1n,
  n - 2n,
  n / 2n,
  n / 2n + 1n,
  lambda,
  n - lambda,
  mod(lambda * lambda, n),
  p - n,
  p - n - 1n,
  2n ** 128n,
  2n ** 128n - 1n,
  2n ** 255n,
];

describe("secp256k1 scalars, three ways", () => {
  const random = createRandom(13);
  const randomLimbs = (max: number): Limbs =>
    Array.from({ length: 20 }, () => {
      const choice = random.below(8);
      return choice === 0 ? max : choice === 1 ? 0 : random.below(max + 1);
    });
  const cases = operations.flatMap((operation, code) =>
    Array.from({ length: operation.cases }, (_, i) => {
      // Comparisons take any 256-bit number; canonical operands are below n.
      const top = operation.name === "comparisons" ? 2n ** 256n : n;
      const edges = [...canonicalEdges, ...(top > n ? [n, n + 1n, 2n ** 256n - 1n] : [])];
      const value = edges[i] ?? mod(valueOfLimbs(randomLimbs(8191)), top);
      const x =
        operation.limbs === 0 || i < edges.length ? limbsOf(value) : randomLimbs(operation.limbs);
      return { code, operation, x, y: i % 9 === 0 ? Array(20).fill(TIGHT) : randomLimbs(TIGHT) };
    }),
  );
  const answers = cases.map(({ operation, x, y }) => operation.model(x, y));

  it("CPU copy = bigint", () => {
    for (const [i, { operation, x, y }] of cases.entries()) {
      operation.check(answers[i], valueOfLimbs(x), valueOfLimbs(y));
    }
  });

  describe("GPU", needsAdapter, () => {
    let gpu: Gpu;
    before(async () => {
      gpu = await openGpuForRungs();
    });
    after(() => gpu?.close());

    it("GPU = CPU copy, word by word", async () => {
      const input = new Uint32Array(cases.length * 41);
      for (const [i, { code, x, y }] of cases.entries()) input.set([code, ...x, ...y], i * 41);
      const output = await gpu.run(
        "rungs/secp256k1-scalar",
        "main",
        input,
        cases.length,
        cases.length * 20,
      );
      for (const [i, { operation }] of cases.entries()) {
        const found = [...output.subarray(i * 20, i * 20 + 20)];
        assert.deepEqual(found, answers[i], `${operation.name} case ${i}`);
      }
    });
  });
});
