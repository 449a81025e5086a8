// The field of secp256k1 in both WebAssembly designs, release and asserting builds, against bigint.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { invertModulo, modulo } from "../../../src/params/secp256k1-limbs.ts";
import { createRandom } from "../../../src/workloads/random.ts";
import { boundaries, builds, ELEMENT, extremeLimbs, openRungs, p } from "./secp256k1-module.ts";

const power = (base: bigint, exponent: bigint): bigint => {
  let result = 1n;
  for (let b = base, e = exponent; e > 0n; e >>= 1n, b = (b * b) % p) {
    if (e & 1n) result = (result * b) % p;
  }
  return result;
};

/** Operations by name: how many operands, and what they compute. */
const operations: Record<string, [number, (...v: bigint[]) => bigint]> = {
  feMul: [2, (a, b) => a * b],
  feSqr: [1, (a) => a * a],
  feMulSub: [3, (a, b, c) => a * b - c],
  feSqrSub: [3, (a, c, d) => a * a - c - d],
  feSqrSubTwice: [3, (a, c, d) => a * a - c - 2n * d],
  feAdd: [2, (a, b) => a + b],
  feSub: [2, (a, b) => a - b],
  feDouble: [1, (a) => 2n * a],
  feTriple: [1, (a) => 3n * a],
};

for (const { name, file, skip } of builds) {
  describe(`secp256k1 field, ${name}`, { skip }, async () => {
    if (skip) return;
    const rungs = await openRungs(file);
    const { call, cell } = rungs;
    const debug = file.startsWith("debug/");
    const random = createRandom(`field ${file}`);
    const edges = boundaries(p);

    /** Fails unless the element holds these values in reduced limbs. */
    function expectValues(element: number, values: readonly bigint[], what: () => string): void {
      for (const [lane, value] of values.entries()) {
        const limbs = rungs.getLimbs(element, lane);
        if (rungs.valueOf(limbs) !== modulo(value, p)) {
          assert.fail(`${what()}, lane ${lane}: expected ${modulo(value, p)}, got limbs ${limbs}`);
        }
        for (const [i, limb] of limbs.entries()) {
          const size = limb < 0n ? -limb : limb;
          if (size > rungs.bounds[i]) assert.fail(`${what()}: limb ${i} = ${limb} is not reduced`);
        }
      }
    }

    it("puts and gets every boundary value", () => {
      for (const [i, value] of edges.entries()) {
        const other = edges[(i * 7 + 3) % edges.length];
        rungs.put(cell(0), value, other);
        expectValues(cell(0), [value, other], () => `put ${value}`);
        assert.deepEqual(rungs.get(cell(0)), [value, other]);
      }
    });

    it("gets the canonical value of any reduced limbs", () => {
      for (let i = 0; i < 2000; i++) {
        const limbs = [extremeLimbs(rungs, random), extremeLimbs(rungs, random)];
        for (const lane of [0, 1]) rungs.putLimbs(cell(0), lane, limbs[lane]);
        assert.deepEqual(rungs.get(cell(0)), limbs.map(rungs.valueOf), `${limbs}`);
      }
    });

    for (const [operation, [arity, compute]] of Object.entries(operations)) {
      /** Runs the operation on both lanes of operands already in cells 1, 2, 3. */
      const run = (values: readonly (readonly bigint[])[], what: () => string): void => {
        const operands = Array.from({ length: arity }, (_, i) => cell(1 + i));
        const wanted = [0, 1].map((lane) => compute(...values.map((pair) => pair[lane])));
        call[operation](cell(0), ...operands);
        expectValues(cell(0), wanted, () => `${operation}(${what()})`);
        if (rungs.limbs !== 9) return;
        // The integer design once more in scalar instructions: the second lane keeps what it holds.
        rungs.put(cell(0), 0n, 11n);
        call.feWorkAlone(1);
        call[operation](cell(0), ...operands);
        call.feWorkAlone(0);
        expectValues(cell(0), [wanted[0], 11n], () => `${operation} alone (${what()})`);
      };

      it(`${operation} on boundary values`, () => {
        for (const [i, a] of edges.entries()) {
          for (let j = 0; j < edges.length; j += debug ? 17 : 5) {
            const pairs = Array.from({ length: arity }, (_, k) =>
              k === 0
                ? [a, edges[(i + j) % edges.length]]
                : [edges[(j + k) % edges.length], edges[(i * 3 + j + k) % edges.length]],
            );
            for (const [k, [x, y]] of pairs.entries()) rungs.put(cell(1 + k), x, y);
            run(pairs, () => pairs.join("; "));
          }
        }
      });

      it(`${operation} on extreme limbs and random values`, () => {
        for (let i = 0; i < (debug ? 500 : 3000); i++) {
          const values: bigint[][] = [];
          const limbs: string[] = [];
          for (let k = 0; k < arity; k++) {
            if (i % 3 === 0) {
              const pair = [random.bigint(p), random.bigint(p)];
              rungs.put(cell(1 + k), pair[0], pair[1]);
              values.push(pair);
              continue;
            }
            const pair = [extremeLimbs(rungs, random), extremeLimbs(rungs, random)];
            for (const lane of [0, 1]) rungs.putLimbs(cell(1 + k), lane, pair[lane]);
            values.push(pair.map(rungs.valueOf));
            limbs.push(pair.join(" | "));
          }
          run(values, () => `${limbs.join("; ") || values.join("; ")}`);
        }
      });
    }

    it("squares limbs whose doubled product leaves a binade by a hair", () => {
      // |2·a_i·a_4| > 2^102 with a_i just over 2^50 and a_4 = ±2^51: a record can choose such an x.
      if (rungs.limbs !== 5) return;
      for (let i = 0; i < 4; i++) {
        for (const sign of [1n, -1n]) {
          for (const top of [1n << 51n, -(1n << 51n)]) {
            const limbs = [0n, 0n, 0n, 0n, top];
            limbs[i] = sign * rungs.bounds[i];
            for (const lane of [0, 1]) rungs.putLimbs(cell(1), lane, limbs);
            call.feSqr(cell(0), cell(1));
            const value = rungs.valueOf(limbs);
            expectValues(cell(0), [value * value, value * value], () => `feSqr(${limbs})`);
          }
        }
      }
    });

    it("the interleaved pairs agree with the single operations", () => {
      for (const [operation, [arity]] of Object.entries(operations)) {
        if (!(`${operation}2` in call)) continue;
        for (let i = 0; i < 200; i++) {
          const operands = Array.from({ length: 2 * arity }, (_, k) => cell(2 + k));
          for (const operand of operands) {
            for (const lane of [0, 1]) rungs.putLimbs(operand, lane, extremeLimbs(rungs, random));
          }
          const [first, second] = [operands.slice(0, arity), operands.slice(arity)];
          call[operation](cell(20), ...first);
          call[operation](cell(21), ...second);
          // Outputs over their own operands.
          call[`${operation}2`](first[0], ...first, second[0], ...second);
          assert.deepEqual(rungs.get(first[0]), rungs.get(cell(20)), operation);
          assert.deepEqual(rungs.get(second[0]), rungs.get(cell(21)), operation);
        }
      }
    });

    it("a product beside a square agrees with each by itself", () => {
      for (const alone of rungs.limbs === 9 ? [0, 1] : [0]) {
        for (let i = 0; i < 200; i++) {
          for (const k of [1, 2, 3]) {
            for (const lane of [0, 1]) rungs.putLimbs(cell(k), lane, extremeLimbs(rungs, random));
          }
          for (const k of [20, 21, 22, 23]) rungs.put(cell(k), 0n, 0n);
          call.feWorkAlone(alone);
          call.feMul(cell(20), cell(1), cell(2));
          call.feSqr(cell(21), cell(3));
          call.feMulSqr2(cell(22), cell(1), cell(2), cell(23), cell(3));
          call.feWorkAlone(0);
          assert.deepEqual(rungs.get(cell(22)), rungs.get(cell(20)));
          assert.deepEqual(rungs.get(cell(23)), rungs.get(cell(21)));
        }
      }
    });

    it("moves lanes: swap, gather, scatter, packed and signed", () => {
      for (let i = 0; i < 200; i++) {
        const values = Array.from({ length: 4 }, () => random.bigint(p));
        rungs.put(cell(0), values[0], values[1]);
        rungs.put(cell(0) + ELEMENT, values[2], values[3]);
        call.feSwapLanes(cell(2), cell(0));
        assert.deepEqual(rungs.get(cell(2)), [values[1], values[0]]);
        const [from, to] = [random.below(4), random.below(4)];
        const item = (k: number): number => call.feItem(cell(0), k);
        call.feGather(cell(2), item(from), item(to));
        assert.deepEqual(rungs.get(cell(2)), [values[from], values[to]]);
        call.feScatter(cell(2), call.feItem(cell(3), 3), call.feItem(cell(3), 0));
        assert.equal(rungs.get(cell(3) + ELEMENT)[1], values[from]);
        assert.equal(rungs.get(cell(3))[0], values[to]);
        call.feScatterPacked(cell(2), cell(5), cell(6));
        call.feGatherPacked(cell(7), cell(6), cell(5));
        assert.deepEqual(rungs.get(cell(7)), [values[to], values[from]]);
        const signs = [random.below(2), random.below(2)];
        call.feGatherSigned(cell(7), cell(5), cell(6), signs[0], signs[1]);
        call.feSub(cell(8), cell(7), cell(0));
        call.feCarry(cell(7), cell(7));
        const signed = [values[from], values[to]].map((v, k) => (signs[k] ? -v : v));
        expectValues(cell(7), signed, () => "feGatherSigned");
        expectValues(cell(8), [signed[0] - values[0], signed[1] - values[1]], () => "feSub");
      }
    });

    it("finds zero in every form", () => {
      rungs.put(cell(1), 5n, p - 1n);
      call.feSub(cell(0), cell(1), cell(1));
      for (const lane of [0, 1]) assert.equal(call.feIsZero(call.feLane(cell(0), lane)), 1);
      rungs.put(cell(2), p - 5n, 1n);
      call.feAdd(cell(0), cell(1), cell(2));
      for (const lane of [0, 1]) assert.equal(call.feIsZero(call.feLane(cell(0), lane)), 1);
      for (const lane of [0, 1]) assert.equal(call.feIsZero(call.feLane(cell(1), lane)), 0);
    });

    it("takes square roots, one vector and two", () => {
      const inputs = [...edges.slice(0, 40), ...Array.from({ length: 40 }, () => random.bigint(p))];
      const exponent = (p + 1n) / 4n;
      for (let i = 0; i + 3 < inputs.length; i += 4) {
        const some = inputs.slice(i, i + 4);
        rungs.put(cell(0), some[0], some[1]);
        rungs.put(cell(1), some[2], some[3]);
        call.feSquareRoot(cell(2), cell(0), cell(3), cell(1), 1);
        assert.deepEqual(
          [...rungs.get(cell(2)), ...rungs.get(cell(3))],
          some.map((value) => power(value, exponent)),
        );
        call.feSquareRoot(cell(4), cell(1), cell(5), cell(1), 0);
        assert.deepEqual(rungs.get(cell(4)), rungs.get(cell(3)));
      }
    });

    it("inverts mod p: boundaries, zero, and enough random values to meet every last step", () => {
      const count = debug ? 1000 : 20_000;
      const values = [...edges, ...Array.from({ length: count }, () => random.bigint(p))];
      for (const value of values) {
        rungs.putWords(cell(0), value);
        call.invertModP(cell(0));
        const inverse = rungs.getWords(cell(0));
        if (inverse >= p || (inverse * value) % p !== (value === 0n ? 0n : 1n)) {
          assert.fail(`1/${value}: got ${inverse}`);
        }
      }
      assert.equal((invertModulo(3n, p) * 3n) % p, 1n);
    });
  });
}
