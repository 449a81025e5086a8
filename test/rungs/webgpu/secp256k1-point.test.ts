// Point formulas of secp256k1 three ways: bigint and noble = CPU copy of the formulas = GPU.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { SECP256K1 } from "../../../src/params/secp256k1.ts";
import { createRandom } from "../../../src/workloads/random.ts";
import { needsAdapter } from "../../webgpu/adapter.ts";
import { type Gpu, openGpuForRungs, rungOf } from "./gpu.ts";
import {
  createModel,
  type FieldShape,
  limbsOf,
  type ModelPoint,
  mod,
  powerMod,
  valueOfLimbs,
} from "./model.ts";

const { p, n } = SECP256K1;
const { Point } = secp256k1;
type NoblePoint = InstanceType<typeof Point>;
/**
 * Forms that write the formulas, or what they compute with, in another way, and what of them the GPU runs here: a software driver
 * compiles some for seconds. test/webgpu/variants.test.ts runs them in whole kernels.
 */
const forms = {
  built: ["geDouble", "geAdd", "geAddMixed"],
  "words-8": ["geDouble"],
  "sites-4": ["geDouble"],
};
const random = createRandom(17);

/** The point with its coordinates scaled by a random factor: the same point, another representative. */
function representative(at: NoblePoint, scaled: boolean, shape: FieldShape): ModelPoint {
  const element = (value: bigint): number[] => limbsOf(value, shape);
  const factor = scaled ? random.bigint(p - 1n) + 1n : 1n;
  if (at.is0()) return { x: element(0n), y: element(factor), z: element(0n) };
  const { x, y } = at.toAffine();
  return {
    x: element(mod(x * factor, p)),
    y: element(mod(y * factor, p)),
    z: element(factor),
  };
}

const small = [0n, 1n, 2n, 3n, n - 1n, n - 2n, SECP256K1.lambda];
const scalars = [...small, ...Array.from({ length: 60 }, () => random.bigint(n))];
const points = scalars.map((k) => (k === 0n ? Point.ZERO : Point.BASE.multiplyUnsafe(k)));

/** Pairs of points, all edges against all, each also against its equal and its negative. */
const pairs: [NoblePoint, NoblePoint][] = [];
for (let i = 0; i < small.length; i++) {
  for (let j = 0; j < small.length; j++) pairs.push([points[i], points[j]]);
}
for (const at of points) {
  pairs.push([at, at], [at, at.negate()], [at, points[random.below(points.length)]]);
}

const formulas = [
  {
    name: "geDouble",
    entry: "double",
    pairs,
    expected: (a: NoblePoint, _b: NoblePoint) => a.double(),
  },
  { name: "geAdd", entry: "add", pairs, expected: (a: NoblePoint, b: NoblePoint) => a.add(b) },
  {
    name: "geAddMixed",
    entry: "addMixed",
    pairs: pairs.filter(([, b]) => !b.is0()),
    expected: (a: NoblePoint, b: NoblePoint) => a.add(b),
  },
];

/** Whether (X : Y : Z) in limbs is this point, infinity included. */
function assertIs(
  coordinates: readonly number[][],
  shape: FieldShape,
  wanted: NoblePoint,
  message: string,
): void {
  const [x, y, z] = coordinates.map((limbs) => mod(valueOfLimbs(limbs, shape), p));
  if (z === 0n) {
    assert.ok(wanted.is0() && x === 0n && y !== 0n, message);
    return;
  }
  assert.ok(!wanted.is0(), message);
  const inverse = powerMod(z, p - 2n, p);
  const { x: wantedX, y: wantedY } = wanted.toAffine();
  assert.deepEqual([(x * inverse) % p, (y * inverse) % p], [wantedX, wantedY], message);
}

for (const [form, onGpu] of Object.entries(forms)) {
  describe(`secp256k1 points, three ways: ${form}`, () => {
    const { point, shape } = createModel(form);
    const words = 3 * shape.limbs;
    const runs = formulas.map(({ name, entry, pairs: list, expected }) => ({
      name,
      entry,
      cases: list.map(([a, b]) => {
        const left = representative(a, true, shape);
        const right = representative(b, name !== "geAddMixed", shape);
        return { left, right, wanted: expected(a, b), answer: point[name](left, right) };
      }),
    }));

    for (const { name, cases } of runs) {
      it(`${name}: CPU copy = noble`, () => {
        for (const [i, { wanted, answer }] of cases.entries()) {
          assertIs(answer, shape, wanted, `case ${i}`);
        }
      });
    }

    describe("GPU", needsAdapter, () => {
      let gpu: Gpu;
      before(async () => {
        gpu = await openGpuForRungs();
      });
      after(() => gpu?.close());

      for (const { name, entry, cases } of runs.filter((run) => onGpu.includes(run.name))) {
        it(`${name}: GPU = CPU copy, limb by limb`, async () => {
          const input = new Uint32Array(cases.length * 2 * words);
          for (const [i, { left, right }] of cases.entries()) {
            const limbs = [left, right].flatMap(({ x, y, z }) => [...x, ...y, ...z]);
            input.set(limbs, i * 2 * words);
          }
          const output = await gpu.run(
            rungOf(form, "secp256k1-point"),
            entry,
            input,
            cases.length,
            cases.length * words,
          );
          for (const [i, { answer }] of cases.entries()) {
            const found = [...output.subarray(i * words, (i + 1) * words)];
            assert.deepEqual(found, answer.flat(), `case ${i}`);
          }
        });
      }
    });
  });
}
