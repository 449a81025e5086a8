// The field of secp256k1 three ways: bigint = CPU copy of the limb programs = GPU.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { SECP256K1 } from "../../../src/params/secp256k1.ts";
import { createRandom } from "../../../src/workloads/random.ts";
import { needsAdapter } from "../../webgpu/adapter.ts";
import { type Gpu, openGpuForRungs } from "./gpu.ts";
import { createModel, type Limbs, limbsOf, mod, power, powerMod, valueOfLimbs } from "./model.ts";

const { p } = SECP256K1;
const TIGHT = 8192;
const LOOSE = 3 * TIGHT;
const WIDE = 1 << 20;
const { limb } = createModel(1);

interface Operation {
  readonly name: string;
  /** Greatest limbs of the operands; `y` absent where there is one operand. */
  readonly x: number;
  readonly y?: number;
  /** Operands are below this, where limbs alone do not bound them. */
  readonly below?: bigint;
  readonly cases: number;
  model(x: Limbs, y: Limbs): number[];
  /** What the result is modulo p. */
  expected(x: bigint, y: bigint): bigint;
}

/** In the order of the shader's switch. */
const operations: Operation[] = [
  {
    name: "feMul",
    x: LOOSE,
    y: TIGHT,
    cases: 600,
    model: (x, y) => limb.feMul(x, y),
    expected: (x, y) => x * y,
  },
  { name: "feSqr", x: TIGHT, cases: 400, model: (x) => limb.feSqr(x), expected: (x) => x * x },
  {
    name: "feAdd",
    x: LOOSE,
    y: LOOSE,
    cases: 100,
    model: (x, y) => limb.feAdd(x, y),
    expected: (x, y) => x + y,
  },
  {
    name: "feSub",
    x: LOOSE,
    y: TIGHT,
    cases: 100,
    model: (x, y) => limb.feSub(x, y),
    expected: (x, y) => x - y,
  },
  {
    name: "feSubLoose",
    x: LOOSE,
    y: LOOSE,
    cases: 100,
    model: (x, y) => limb.feSubLoose(x, y),
    expected: (x, y) => x - y,
  },
  { name: "feNeg", x: TIGHT, cases: 100, model: (x) => limb.feNeg(x), expected: (x) => -x },
  {
    name: "feNormalize",
    x: WIDE,
    cases: 300,
    model: (x) => limb.feNormalize(x),
    expected: (x) => x,
  },
  {
    name: "feCanonical",
    x: TIGHT,
    cases: 300,
    model: (x) => limb.feCanonical(x),
    expected: (x) => x,
  },
  {
    name: "feSqrt",
    x: TIGHT,
    cases: 64,
    model: (x) => power(limb, "feSqrt", x),
    expected: (x) => powerMod(x, (p + 1n) / 4n, p),
  },
  {
    name: "feInverse",
    x: TIGHT,
    cases: 64,
    model: (x) => power(limb, "feInverse", x),
    expected: (x) => powerMod(x, p - 2n, p),
  },
  {
    name: "feIsZero",
    x: TIGHT,
    cases: 200,
    model: (x) => limbsOf(limb.feCanonical(x).every((word) => word === 0) ? 1n : 0n),
    expected: (x) => (mod(x, p) === 0n ? 1n : 0n),
  },
  {
    name: "feIsUnreduced",
    x: TIGHT - 1,
    below: 2n ** 256n,
    cases: 100,
    model: (x) => limbsOf(BigInt(limb.feIsUnreduced(x)[0])),
    expected: (x) => (x >= p ? 1n : 0n),
  },
];

const edgeValues = [
  0n,
  1n,
  2n,
  p - 1n,
  p,
  p + 1n,
  2n * p,
  2n ** 255n,
  2n ** 256n - 1n,
  2n ** 256n,
  2n ** 260n - 1n,
  2n ** 32n + 976n,
];

/** Operands with limbs up to `max`: values at the edges, limbs all at their greatest, some, none; the rest random. */
function operands(max: number, count: number, random: ReturnType<typeof createRandom>): Limbs[] {
  const list: Limbs[] = edgeValues.map(limbsOf);
  list.push(Array(20).fill(max), [...Array(19).fill(0), max], [max, ...Array(19).fill(0)]);
  while (list.length < count) {
    list.push(
      Array.from({ length: 20 }, () => {
        const choice = random.below(8);
        return choice === 0 ? max : choice === 1 ? 0 : random.below(max + 1);
      }),
    );
  }
  return list.slice(0, count);
}

describe("secp256k1 field, three ways", () => {
  const random = createRandom(11);
  const cases = operations.flatMap((operation, code) => {
    const { below } = operation;
    const any = operands(operation.x, operation.cases, random);
    const xs = below === undefined ? any : any.map((x) => limbsOf(mod(valueOfLimbs(x), below)));
    const ys = operands(operation.y ?? 0, operation.cases, random);
    // Each edge of x meets another edge of y in each round.
    return xs.map((x, i) => ({ code, operation, x, y: ys[(i * 7) % ys.length] }));
  });
  const answers = cases.map(({ operation, x, y }) => operation.model(x, y));

  it("CPU copy = bigint", () => {
    for (const [i, { operation, x, y }] of cases.entries()) {
      const expected = mod(operation.expected(valueOfLimbs(x), valueOfLimbs(y)), p);
      assert.equal(mod(valueOfLimbs(answers[i]), p), expected, `${operation.name} case ${i}`);
      if (operation.name === "feCanonical") assert.equal(valueOfLimbs(answers[i]), expected);
    }
  });

  it("every variant of the multiplication computes the same", () => {
    const variants = [0, 2].map((levels) => createModel(levels).limb);
    for (const { x, y } of cases.filter(({ operation }) => operation.name === "feMul")) {
      for (const variant of variants) {
        assert.equal(
          mod(valueOfLimbs(variant.feMul(x, y)), p),
          mod(valueOfLimbs(x) * valueOfLimbs(y), p),
        );
      }
    }
  });

  describe("GPU", needsAdapter, () => {
    let gpu: Gpu;
    before(async () => {
      gpu = await openGpuForRungs();
    });
    after(() => gpu?.close());

    it("GPU = CPU copy, limb by limb", async () => {
      const input = new Uint32Array(cases.length * 41);
      for (const [i, { code, x, y }] of cases.entries()) input.set([code, ...x, ...y], i * 41);
      const output = await gpu.run(
        "secp256k1-field",
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
