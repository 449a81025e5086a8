// Points of secp256k1 in the WebAssembly column: affine under shared inversions, Jacobian, the complete ladder, the tables.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { createRandom } from "../../../src/workloads/random.ts";
import { builds, ELEMENT, n, openRungs } from "./secp256k1-module.ts";

const { Point } = secp256k1;
type Pair = [x: bigint, y: bigint];
const affine = (k: bigint): Pair => {
  const { x, y } = Point.BASE.multiply(k).toAffine();
  return [x, y];
};

for (const { name, file, skip } of builds) {
  describe(`secp256k1 points, ${name}`, { skip }, async () => {
    if (skip) return;
    const rungs = await openRungs(file);
    const { call, cell } = rungs;
    const random = createRandom(`points ${file}`);
    const scalar = (): bigint => 1n + random.bigint(n - 1n);

    /** Puts points k·G, two an element, x from `x` and y from `y` on. */
    function putPoints(x: number, y: number, scalars: readonly bigint[]): void {
      for (let i = 0; i < scalars.length; i += 2) {
        const [a, b] = [affine(scalars[i]), affine(scalars[i + 1])];
        rungs.put(x + (i / 2) * ELEMENT, a[0], b[0]);
        rungs.put(y + (i / 2) * ELEMENT, a[1], b[1]);
      }
    }

    /** Fails unless the points there are k·G. */
    function expectPoints(x: number, y: number, scalars: readonly bigint[]): void {
      for (let i = 0; i < scalars.length; i += 2) {
        const [a, b] = [affine(scalars[i]), affine(scalars[i + 1])];
        assert.deepEqual(rungs.get(x + (i / 2) * ELEMENT), [a[0], b[0]]);
        assert.deepEqual(rungs.get(y + (i / 2) * ELEMENT), [a[1], b[1]]);
      }
    }
    const mod = (k: bigint): bigint => ((k % n) + n) % n;

    it("doubles and adds affine points under one inversion", () => {
      const a = Array.from({ length: 12 }, scalar);
      const b = Array.from({ length: 12 }, scalar);
      putPoints(cell(0), cell(10), a);
      putPoints(cell(20), cell(30), b);
      assert.equal(call.doubleDense(cell(40), cell(50), cell(0), cell(10), 6), 1);
      expectPoints(
        cell(40),
        cell(50),
        a.map((k) => mod(2n * k)),
      );
      const sums = a.map((k, i) => mod(k + b[i]));
      assert.equal(
        call.addDense(cell(40), cell(50), cell(0), cell(10), cell(20), cell(30), ELEMENT, 6),
        1,
      );
      expectPoints(cell(40), cell(50), sums);
    });

    it("reports a zero denominator and writes nothing", () => {
      const a = [5n, 6n, 7n, 8n];
      for (const b of [
        [9n, 6n, 10n, 11n],
        [9n, 10n, 11n, n - 8n],
      ]) {
        putPoints(cell(0), cell(1), a);
        putPoints(cell(2), cell(3), b);
        assert.equal(
          call.addDense(cell(0), cell(1), cell(0), cell(1), cell(2), cell(3), ELEMENT, 2),
          0,
        );
        expectPoints(cell(0), cell(1), a);
      }
      // y = 0 lies on no point of this curve; a garbage accumulator can have it.
      rungs.put(cell(1), affine(5n)[1], 0n);
      assert.equal(call.doubleDense(cell(0), cell(1), cell(0), cell(1), 2), 0);
    });

    it("doubles and adds Jacobian points", () => {
      for (let i = 0; i < 20; i++) {
        const [a, b] = [scalar(), scalar()];
        const [c, d] = [scalar(), scalar()];
        // Two elements: toAffine takes pairs.
        for (const o of [0, ELEMENT]) {
          putPoints(cell(0) + o, cell(1) + o, [a, b]);
          rungs.put(cell(2) + o, 1n, 1n);
          call.jacobianDouble(cell(0) + o, cell(1) + o, cell(2) + o);
          call.jacobianDouble(cell(0) + o, cell(1) + o, cell(2) + o);
        }
        putPoints(cell(3), cell(4), [c, d]);
        for (const o of [0, ELEMENT]) {
          call.jacobianAdd(cell(0) + o, cell(1) + o, cell(2) + o, cell(3), cell(4));
        }
        call.toAffine(cell(0), cell(1), cell(2), 2);
        expectPoints(cell(0), cell(1), [mod(4n * a + c), mod(4n * b + d)]);
      }
    });

    it("the complete ladder meets infinity, equal and opposite points", () => {
      const g = affine(1n);
      const k = scalar();
      const cases: [a: bigint, b: bigint, point: bigint][] = [
        [0n, 0n, 2n],
        [1n, 0n, 2n],
        [0n, 1n, 2n],
        [1n, 1n, 1n],
        [1n, 1n, n - 1n],
        [3n, n - 3n, 1n],
        [n - 2n, 1n, 2n],
        [2n, 1n, 2n],
        [n, 1n, 5n],
        [k, n - 1n, k],
        [scalar(), scalar(), scalar()],
        [scalar(), scalar(), scalar()],
        [(1n << 256n) - 1n, (1n << 256n) - 1n, 9n],
      ];
      for (const [a, b, point] of cases) {
        const [x, y] = affine(point);
        rungs.put(cell(0), g[0], g[0]);
        rungs.put(cell(1), g[1], g[1]);
        rungs.put(cell(2), x, x);
        rungs.put(cell(3), y, y);
        rungs.putWords(cell(4), a);
        rungs.putWords(cell(5), b);
        const [ox, oy] = [cell(6), cell(7)];
        const args = [ox, oy, cell(4), cell(0), cell(1), cell(5), cell(2), cell(3)];
        const finite = call.completeLadder(...args);
        const wanted = mod(a + b * point);
        assert.equal(finite, wanted === 0n ? 0 : 1, `${a}·G + ${b}·${point}·G`);
        if (finite) expectPoints(ox, oy, [wanted, wanted]);
      }
    });

    it("the generator's table holds odd multiples of G and 2^128·G", () => {
      const table = call.generatorEntries();
      const half = 1 << 12;
      for (const index of [0, 1, 2, 3, 4, 5, 7, 8, 511, 512, 1023, 1024, 2047, 2048, half - 1]) {
        for (const high of [0, 1]) {
          const at = table + (high * half + index) * 80;
          call.feGatherPacked(cell(0), at, at);
          call.feGatherPacked(cell(1), at + 40, at + 40);
          const k = BigInt(2 * index + 1) << (high ? 128n : 0n);
          expectPoints(cell(0), cell(1), [k, k]);
        }
      }
    });
  });
}
