// The field of secp256k1 three ways: bigint = CPU copy of the limb programs = GPU.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { SECP256K1 } from "../../../src/params/secp256k1.ts";
import { createRandom } from "../../../src/workloads/random.ts";
import { needsAdapter } from "../../webgpu/adapter.ts";
import { type Gpu, openGpuForRungs, rungOf } from "./gpu.ts";
import {
  createModel,
  type FieldShape,
  formNames,
  LimbProgram,
  type Limbs,
  limbFieldPrograms,
  limbsOf,
  mod,
  power,
  powerMod,
  valueOfLimbs,
} from "./model.ts";

const { p } = SECP256K1;

/** Forms that multiply in another way. All but those of 8 words give the same limbs. */
const onGpu = ["built", "words-8", "looped", "karatsuba-0", "karatsuba-2"];
const sameLimbs = formNames.filter((form) => !form.startsWith("words-8"));

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
function operationsOf({ limb, shape }: ReturnType<typeof createModel>): Operation[] {
  const { tight: TIGHT, loose: LOOSE, wide: WIDE } = shape;
  return [
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
      model: (x) => limbsOf(limb.feCanonical(x).every((word) => word === 0) ? 1n : 0n, shape),
      expected: (x) => (mod(x, p) === 0n ? 1n : 0n),
    },
    {
      name: "feIsUnreduced",
      x: shape.limbs === 20 ? TIGHT - 1 : TIGHT,
      below: 2n ** 256n,
      cases: 100,
      model: (x) => limbsOf(BigInt(limb.feIsUnreduced(x)[0]), shape),
      expected: (x) => (x >= p ? 1n : 0n),
    },
  ];
}

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
function operands(
  shape: FieldShape,
  max: number,
  count: number,
  random: ReturnType<typeof createRandom>,
): Limbs[] {
  const none = Array<number>(shape.limbs).fill(0);
  const list: Limbs[] = edgeValues.map((value) => limbsOf(value, shape));
  list.push(
    none.map(() => max),
    none.with(-1, max),
    none.with(0, max),
  );
  while (list.length < count) {
    list.push(
      none.map(() => {
        const choice = random.below(8);
        return choice === 0 ? max : choice === 1 ? 0 : random.below(max + 1);
      }),
    );
  }
  return list.slice(0, count);
}

for (const form of onGpu) {
  describe(`secp256k1 field, three ways: ${form}`, () => {
    const random = createRandom(11);
    const model = createModel(form);
    const { shape } = model;
    const operations = operationsOf(model);
    const cases = operations.flatMap((operation, code) => {
      const { below } = operation;
      const any = operands(shape, operation.x, operation.cases, random);
      const xs =
        below === undefined
          ? any
          : any.map((x) => limbsOf(mod(valueOfLimbs(x, shape), below), shape));
      const ys = operands(shape, operation.y ?? 0, operation.cases, random);
      // Each edge of x meets another edge of y in each round.
      return xs.map((x, i) => ({ code, operation, x, y: ys[(i * 7) % ys.length] }));
    });
    const answers = cases.map(({ operation, x, y }) => operation.model(x, y));

    it("CPU copy = bigint", () => {
      for (const [i, { operation, x, y }] of cases.entries()) {
        const expected = mod(operation.expected(valueOfLimbs(x, shape), valueOfLimbs(y, shape)), p);
        const found = valueOfLimbs(answers[i], shape);
        assert.equal(mod(found, p), expected, `${operation.name} case ${i}`);
        if (operation.name === "feCanonical") assert.equal(found, expected);
      }
    });

    it("small multiples and memory: CPU copy = bigint", () => {
      const { limb } = model;
      for (const x of operands(shape, shape.tight, 60, random)) {
        for (const k of [0, 1, 3, 8, 21]) {
          const multiple = valueOfLimbs(limb.feScale(x, k), shape);
          assert.equal(mod(multiple, p), mod(valueOfLimbs(x, shape) * BigInt(k), p));
        }
        assert.deepEqual(limb.feFromMemory(limb.feToMemory(x)), [...x]);
        const canonical = limb.feCanonical(x);
        assert.deepEqual(limb.feFromWords(limb.feToWords(canonical)), canonical);
      }
    });

    describe("GPU", needsAdapter, () => {
      let gpu: Gpu;
      before(async () => {
        gpu = await openGpuForRungs();
      });
      after(() => gpu?.close());

      it("GPU = CPU copy, limb by limb", async () => {
        const { limbs } = shape;
        const input = new Uint32Array(cases.length * (1 + 2 * limbs));
        for (const [i, { code, x, y }] of cases.entries()) {
          input.set([code, ...x, ...y], i * (1 + 2 * limbs));
        }
        const output = await gpu.run(
          rungOf(form, "secp256k1-field"),
          "main",
          input,
          cases.length,
          cases.length * limbs,
        );
        for (const [i, { operation }] of cases.entries()) {
          const found = [...output.subarray(i * limbs, (i + 1) * limbs)];
          assert.deepEqual(found, answers[i], `${operation.name} case ${i}`);
        }
      });
    });
  });
}

describe("the generator", () => {
  it("refuses what could overflow, in each form of a product", () => {
    const tooLoose = 26 * 8192; // 20 limbs of 26 · 2¹³ by 2¹³ pass 2³²
    for (const options of [{ karatsubaLevels: 0 }, { karatsubaLevels: 1 }, { looped: true }]) {
      const build = (loose: number) =>
        limbFieldPrograms({ prefix: "fe", modulus: p, loose: BigInt(loose), ...options });
      assert.ok(build(3 * 8192).size > 0);
      assert.throws(() => build(tooLoose), RangeError);
    }
  });

  it("refuses a carry of words that it cannot place", () => {
    const program = new LimbProgram("words", { x: { length: 1, max: 0xffffffffn } }, "");
    const [x] = program.input("x");
    assert.throws(() => program.add(x, x), RangeError);
    assert.throws(() => program.mad(program.low(x, 16), program.shr(x, 15), x), RangeError);
    const [, carry] = program.addWithCarry(x, x);
    assert.deepEqual([carry.min, carry.max], [0n, 1n]);
    assert.equal(program.addWithCarry(program.low(x, 31), program.low(x, 31))[1], undefined);
    const { feIsUnreduced } = createModel("words-8").limb;
    assert.deepEqual(feIsUnreduced(limbsOf(p, createModel("words-8").shape)), [1]);
  });
});

describe("forms of the multiplication", () => {
  it("give the same limbs", () => {
    const random = createRandom(12);
    const [built, ...others] = sameLimbs.map(createModel);
    const { tight, loose } = built.shape;
    const ys = operands(built.shape, tight, 300, random);
    for (const [i, x] of operands(built.shape, loose, 300, random).entries()) {
      const y = ys[(i * 7) % ys.length];
      const product = built.limb.feMul(x, y);
      const square = built.limb.feSqr(y);
      for (const { limb } of others) {
        assert.deepEqual(limb.feMul(x, y), product);
        assert.deepEqual(limb.feSqr(y), square);
      }
    }
  });
});
