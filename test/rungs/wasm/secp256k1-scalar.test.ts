// Scalars mod n, words and digits of the WebAssembly column against bigint.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { SECP256K1 } from "../../../src/params/secp256k1.ts";
import { modulo } from "../../../src/params/secp256k1-limbs.ts";
import { createRandom } from "../../../src/workloads/random.ts";
import { boundaries, builds, n, openRungs } from "./secp256k1-module.ts";

const { lambda } = SECP256K1;
const R = 1n << 261n;

// Scalars are the same code in both designs.
for (const { name, file, skip } of builds.filter(({ file }) => !file.endsWith("relaxed"))) {
  describe(`secp256k1 scalars, ${name}`, { skip }, async () => {
    const rungs = await openRungs(file);
    const { call, cell, putScalar, getScalar, putWords, getWords } = rungs;
    const random = createRandom(`scalar ${file}`);
    const edges = boundaries(n);
    const top = (1n << 256n) - 1n;
    const halves = [n >> 1n, (n >> 1n) + 1n, lambda, n - lambda, modulo(lambda * lambda, n)];
    const values = [...edges, ...halves, ...Array.from({ length: 1000 }, () => random.bigint(n))];

    it("multiplies in Montgomery form, operands up to 2^256 - 1", () => {
      const wide = [...values, n, n + 1n, top, top - 1n];
      for (const [i, a] of wide.entries()) {
        const b = wide[(i * 13 + 5) % wide.length];
        putScalar(cell(0), a);
        putScalar(cell(1), b);
        call.scMontgomery(cell(2), cell(0), cell(1));
        const product = getScalar(cell(2));
        assert.equal(modulo(product * R - a * b, n), 0n);
        assert.ok(product < 2n * n);
        call.scToWords(cell(3), cell(2));
        assert.equal(getWords(cell(3)), product % n);
        call.scFromWords(cell(4), cell(3));
        assert.equal(getScalar(cell(4)), product % n);
      }
    });

    it("reduces limbs up to 2n - 1 to words", () => {
      for (const value of [0n, 1n, n - 1n, n, n + 1n, top, top + 1n, 2n * n - 1n]) {
        putScalar(cell(0), value);
        call.scToWords(cell(1), cell(0));
        assert.equal(getWords(cell(1)), value % n);
      }
    });

    it("inverts mod n, one and many", () => {
      for (const value of values) {
        putWords(cell(0), value);
        call.invertModN(cell(0));
        const inverse = getWords(cell(0));
        assert.ok(inverse < n);
        assert.equal((inverse * value) % n, value === 0n ? 0n : 1n);
      }
      const many = values.filter((value) => value > 0n).slice(0, 200);
      const [inputs, outputs] = [cell(0), cell(100)];
      for (const [i, value] of many.entries()) putScalar(inputs + 72 * i, value);
      call.scInvertAll(outputs, inputs, many.length);
      for (const [i, value] of many.entries()) {
        assert.equal(modulo(getScalar(outputs + 72 * i) * value - R, n), 0n);
      }
      putScalar(inputs, 7n);
      call.scInvertAll(outputs, inputs, 1);
      assert.equal(modulo(getScalar(outputs) * 7n - R, n), 0n);
    });

    it("splits k = k₁ + k₂λ with both below 2^128", () => {
      // Around the corners of the lattice's cells the rounded quotients turn.
      const { a1, a2, b2 } = SECP256K1.glv;
      const corners = Array.from({ length: 400 }, (_, i) => modulo((BigInt(i) * n) / (2n * b2), n));
      for (const k of [...values, ...corners, a1, a2, n - a1, modulo(lambda * a1, n)]) {
        putScalar(cell(0), k);
        call.scSplit(cell(1), cell(0));
        const view = new DataView(rungs.memory.buffer, cell(1));
        const part = (at: number): bigint => {
          const size = view.getBigUint64(at, true) | (view.getBigUint64(at + 8, true) << 64n);
          return view.getBigUint64(at + 16, true) ? -size : size;
        };
        assert.equal(modulo(part(0) + part(24) * lambda - k, n), 0n, `${k}`);
      }
    });

    it("cuts 128-bit numbers into odd digits", () => {
      const max = (1n << 128n) - 1n;
      const numbers = [0n, 1n, 2n, 15n, 16n, 17n, 31n, 32n, max, max - 1n, 1n << 127n, 1n << 64n];
      numbers.push((1n << 64n) - 1n, max ^ 0xffffn, max / 3n, max / 31n, (max / 31n) * 16n);
      for (let i = 0; i < 500; i++) numbers.push(random.bigint(1n << BigInt(1 + (i % 128))));
      for (const width of [5n, 15n]) {
        for (const k of numbers) {
          for (const negative of [0, 1]) {
            call.clearDigits();
            call.beginItem();
            call.pushDigits(k & ((1n << 64n) - 1n), k >> 64n, width, 7, 2, negative);
            let sum = 0n;
            for (let position = 0; position <= 128; position++) {
              const length = call.listLength(position, 0);
              assert.ok(length <= 1);
              if (length === 0) continue;
              const view = new DataView(rungs.memory.buffer);
              const digit = view.getBigUint64(call.listStart(position, 0), true);
              assert.equal((digit >> 32n) & 0xffffn, 7n);
              const entry = call.digitX(digit) - call.generatorEntries();
              assert.equal(entry % 80, 0);
              assert.equal(call.digitY(digit) - call.digitX(digit), 40);
              const magnitude = 2n * BigInt(entry / 80) + 1n;
              assert.ok(magnitude < 1n << (width - 1n));
              sum += (call.digitSign(digit) ? -magnitude : magnitude) << BigInt(position);
            }
            assert.equal(sum, negative ? -k : k);
          }
        }
      }
    });

    it("puts digits that share a position on levels of their own", () => {
      call.clearDigits();
      call.beginItem();
      for (const kind of [0, 1, 2, 3]) call.pushDigits(1n, 0n, kind < 2 ? 5n : 15n, 3, kind, 0);
      call.beginItem();
      call.pushDigits(1n, 0n, 5n, 4, 0, 1);
      assert.deepEqual(
        [0, 1, 2, 3].map((level) => call.listLength(0, level)),
        [2, 1, 1, 1],
      );
    });

    it("adds, subtracts, compares and turns words", () => {
      const numbers = [0n, 1n, top, top - 1n, n, 1n << 64n, (1n << 64n) - 1n, 1n << 128n];
      for (let i = 0; i < 200; i++) numbers.push(random.bigint(1n << 256n));
      for (const [i, a] of numbers.entries()) {
        for (const b of [numbers[(i * 5 + 1) % numbers.length], a, 0n, top]) {
          putWords(cell(0), a);
          putWords(cell(1), b);
          assert.equal(
            BigInt.asUintN(64, BigInt(call.wordsAdd(cell(2), cell(0), cell(1)))),
            (a + b) >> 256n,
          );
          assert.equal(getWords(cell(2)), (a + b) & top);
          const borrow = BigInt(call.wordsSubtract(cell(2), cell(0), cell(1)));
          assert.equal(borrow, a < b ? 1n : 0n);
          assert.equal(getWords(cell(2)), BigInt.asUintN(256, a - b));
          assert.equal(call.wordsAtLeast(cell(0), cell(1)), Number(a >= b));
        }
        call.wordsToBytes(cell(2), cell(0));
        const bytes = new Uint8Array(rungs.memory.buffer, cell(2), 32);
        assert.equal(BigInt(`0x${Buffer.from(bytes).toString("hex")}`), a);
        call.wordsFromBytes(cell(3), cell(2));
        assert.equal(getWords(cell(3)), a);
      }
    });
  });
}
