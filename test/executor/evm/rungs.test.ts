/** The EVM's words, hashes and jump analysis, each against bigint, noble or a plain loop. @module */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { blake2b } from "@noble/hashes/blake2.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { loadAsset } from "../../../src/backends/assets.ts";
import { seededRandom } from "../../support/random.ts";

type Pointers = (...pointers: number[]) => unknown;

const memory = new WebAssembly.Memory({ initial: 16, maximum: 65535, shared: true });
const module = await WebAssembly.compile(await loadAsset("kernels/evm-rungs.wasm"));
const { exports } = await WebAssembly.instantiate(module, { env: { memory } });
const evm = exports as Record<string, Pointers>;
const bytes = new Uint8Array(memory.buffer);
const view = new DataView(memory.buffer);

const SCRATCH = 4096;
const A = 8192;
const B = A + 32;
const C = A + 64;
const R = A + 96;
evm.setScratch(SCRATCH);

const MODULUS = 1n << 256n;
const SIGN = 1n << 255n;
const wrap = (x: bigint): bigint => ((x % MODULUS) + MODULUS) % MODULUS;
const signed = (x: bigint): bigint => (x >= SIGN ? x - MODULUS : x);

function put(at: number, value: bigint): void {
  for (let i = 0; i < 4; i++) {
    view.setBigUint64(at + 8 * i, BigInt.asUintN(64, value >> BigInt(64 * i)), true);
  }
}

function get(at: number): bigint {
  let value = 0n;
  for (let i = 3; i >= 0; i--) value = (value << 64n) | view.getBigUint64(at + 8 * i, true);
  return value;
}

/** Boundaries, powers of two and their neighbours at limb and digit edges, and seeded numbers of every length. */
function operands(): bigint[] {
  const values = [0n, 1n, 2n, 3n, MODULUS - 1n, MODULUS - 2n, SIGN, SIGN - 1n, SIGN + 1n];
  for (const bits of [
    31, 32, 33, 63, 64, 65, 95, 96, 127, 128, 129, 160, 191, 192, 193, 224, 254,
  ]) {
    const power = 1n << BigInt(bits);
    values.push(power - 1n, power, power + 1n, MODULUS - power);
  }
  const random = seededRandom(256);
  for (let i = 0; i < 60; i++) {
    const length = 1 + random.below(32);
    values.push(BigInt(`0x${Buffer.from(random.bytes(length)).toString("hex")}`));
  }
  return values;
}
const values = operands();
const random = seededRandom(7);
/** Every pair of boundaries would be many; all of the first with a draw of the others. */
function pairs(): [bigint, bigint][] {
  const all: [bigint, bigint][] = [];
  for (const a of values) for (let i = 0; i < 40; i++) all.push([a, random.pick(values)]);
  for (let i = 0; i < 64; i++) all.push([values[i], values[i]]);
  return all;
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let square = base;
  for (let e = exponent; e > 0n; e >>= 1n) {
    if (e & 1n) result = wrap(result * square);
    square = wrap(square * square);
  }
  return result;
}

const binary: Record<string, (a: bigint, b: bigint) => bigint> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => (b === 0n ? 0n : a / b),
  mod: (a, b) => (b === 0n ? 0n : a % b),
  sdiv: (a, b) => (b === 0n ? 0n : signed(a) / signed(b)),
  smod: (a, b) => (b === 0n ? 0n : signed(a) % signed(b)),
};

/** First operand: an amount from the top of the stack. */
const indexed: Record<string, (n: bigint, x: bigint) => bigint> = {
  shl: (n, x) => (n > 255n ? 0n : x << n),
  shr: (n, x) => (n > 255n ? 0n : x >> n),
  sar: (n, x) => signed(x) >> (n > 255n ? 256n : n),
  byteAt: (n, x) => (n > 31n ? 0n : (x >> (8n * (31n - n))) & 0xffn),
  signextend: (n, x) => (n > 30n ? x : BigInt.asIntN(8 * (Number(n) + 1), x)),
};

describe("EVM words against bigint", () => {
  for (const [name, oracle] of Object.entries(binary)) {
    it(`${name}, the result apart from and on top of either operand`, () => {
      for (const [a, b] of pairs()) {
        for (const out of [R, A, B]) {
          put(A, a);
          put(B, b);
          evm[name](out, A, B);
          assert.equal(get(out), wrap(oracle(a, b)), `${name}(${a}, ${b})`);
        }
      }
    });
  }
  for (const [name, oracle] of Object.entries(indexed)) {
    it(name, () => {
      const amounts = [...Array(300).keys()].map(BigInt).concat(values);
      for (const n of amounts) {
        for (const x of [random.pick(values), MODULUS - 1n, SIGN, random.pick(values)]) {
          for (const out of [R, B]) {
            put(A, n);
            put(B, x);
            evm[name](out, A, B);
            assert.equal(get(out), wrap(oracle(n, x)), `${name}(${n}, ${x})`);
          }
        }
      }
    });
  }
  for (const [name, oracle] of [
    ["addmod", (a: bigint, b: bigint, m: bigint) => (m === 0n ? 0n : (a + b) % m)],
    ["mulmod", (a: bigint, b: bigint, m: bigint) => (m === 0n ? 0n : (a * b) % m)],
  ] as const) {
    it(name, () => {
      for (const [a, b] of pairs()) {
        const m = random.pick(values);
        for (const out of [R, C]) {
          put(A, a);
          put(B, b);
          put(C, m);
          evm[name](out, A, B, C);
          assert.equal(get(out), oracle(a, b, m), `${name}(${a}, ${b}, ${m})`);
        }
      }
    });
  }
  it("products, and whether they fit a word", () => {
    const all = pairs();
    // On both sides of the largest product that fits.
    for (const [a] of pairs()) {
      if (a > 1n) all.push([a, (MODULUS - 1n) / a], [a, (MODULUS - 1n) / a + 1n]);
    }
    for (const [a, b] of all) {
      put(A, a);
      put(B, b);
      assert.equal(evm.mulOverflows(R, A, B), a * b >= MODULUS ? 1 : 0, `${a} * ${b}`);
      assert.equal(get(R), wrap(a * b), `${a} * ${b}`);
    }
  });
  it("exp, and the exponent's bytes", () => {
    for (const [a, b] of pairs().slice(0, 1500)) {
      put(A, a);
      put(B, b);
      evm.exp(B, A, B);
      assert.equal(get(B), power(a, b), `${a} ^ ${b}`);
      put(B, b);
      assert.equal(evm.byteLength(B), b === 0n ? 0 : Math.ceil(b.toString(16).length / 2));
    }
  });
  it("lt, slt, leading zeros, product with 64 bits", () => {
    for (const [a, b] of pairs()) {
      put(A, a);
      put(B, b);
      assert.equal(evm.lt(A, B), a < b ? 1 : 0);
      assert.equal(evm.slt(A, B), signed(a) < signed(b) ? 1 : 0);
      evm.leadingZeros(R, A);
      assert.equal(get(R), BigInt(a === 0n ? 256 : 256 - a.toString(2).length));
      const m = BigInt.asUintN(64, b);
      const multiply = evm.multiply64 as unknown as (r: number, a: number, m: bigint) => bigint;
      const over = BigInt.asUintN(64, multiply(R, A, m));
      assert.equal((over << 256n) | get(R), a * m);
    }
  });
  it("the carry of add and the borrow of sub", () => {
    for (const [a, b] of pairs()) {
      put(A, a);
      put(B, b);
      assert.equal(evm.add(R, A, B), a + b >= MODULUS ? 1n : 0n);
      assert.equal(evm.sub(R, A, B), a < b ? 1n : 0n);
    }
  });
});

describe("hashes of one message", () => {
  const MESSAGE = 65536;
  const OUT = 12288;
  const STATE = 16384;
  const TABLE = 20480;
  const lengths = [
    0, 1, 31, 32, 55, 56, 63, 64, 65, 119, 127, 128, 135, 136, 137, 271, 272, 273, 1000,
  ];
  const messages = lengths.map((length) => seededRandom(length + 1).bytes(length));

  it("keccak256", () => {
    for (const message of messages) {
      bytes.set(message, MESSAGE);
      evm.keccak256(MESSAGE, message.length, OUT, STATE);
      assert.deepEqual(bytes.slice(OUT, OUT + 32), keccak_256(message));
    }
  });
  it("keccak256, two messages of one block at once", () => {
    const short = messages.filter(({ length }) => length < 136);
    for (const first of short) {
      for (const second of short) {
        bytes.set(first, MESSAGE);
        bytes.set(second, MESSAGE + 256);
        const [a, b] = [first.length, second.length];
        evm.keccak256Two(MESSAGE, a, OUT, MESSAGE + 256, b, OUT + 32, STATE);
        assert.deepEqual(bytes.slice(OUT, OUT + 32), keccak_256(first));
        assert.deepEqual(bytes.slice(OUT + 32, OUT + 64), keccak_256(second));
      }
    }
  });
  it("sha256", () => {
    evm.initializeConstants(TABLE);
    for (const message of messages) {
      bytes.set(message, MESSAGE);
      evm.sha256(MESSAGE, message.length, OUT, STATE, TABLE);
      assert.deepEqual(bytes.slice(OUT, OUT + 32), sha256(message));
    }
  });
  it("BLAKE2b's compression, twelve rounds a block, makes BLAKE2b", () => {
    evm.initializeVector(TABLE);
    const compress = evm.compress as unknown as (
      h: number,
      message: number,
      t0: bigint,
      t1: bigint,
      last: number,
      rounds: number,
      iv: number,
    ) => void;
    for (const message of messages) {
      bytes.copyWithin(OUT, TABLE, TABLE + 64);
      // Parameter block: 64 bytes of digest, no key, fanout and depth 1.
      view.setBigUint64(OUT, view.getBigUint64(OUT, true) ^ 0x01010040n, true);
      const blocks = Math.max(1, Math.ceil(message.length / 128));
      for (let i = 0; i < blocks; i++) {
        const part = message.subarray(i * 128, i * 128 + 128);
        bytes.fill(0, MESSAGE, MESSAGE + 128);
        bytes.set(part, MESSAGE);
        const counted = BigInt(i * 128 + part.length);
        compress(OUT, MESSAGE, counted, 0n, i === blocks - 1 ? 1 : 0, 12, TABLE);
      }
      assert.deepEqual(bytes.slice(OUT, OUT + 64), blake2b(message));
    }
  });
});

describe("jump destinations", () => {
  it("are the JUMPDEST bytes outside push data, for any code; opcodes of ours become invalid in a copy", () => {
    const CODE = 65536;
    const MAP = 131072;
    const COPY = 196608;
    for (let length = 0; length < 800; length++) {
      const dense = length % 2 === 0;
      const code = random.bytes(length).map((byte) => {
        if (byte < 90) return 0x5b;
        return !dense && byte < 0x80 && random.below(8) ? 0x80 + byte : byte;
      });
      bytes.set(code, CODE);
      bytes.set(code, COPY);
      bytes.fill(0xff, MAP, MAP + (evm.bitmapBytes(length) as number));
      evm.analyse(CODE, length, MAP, length % 3 ? COPY : 0);
      const expected = new Set<number>();
      const copy = Uint8Array.from(code);
      for (let i = 0; i < length; i++) {
        if (code[i] === 0x5b) expected.add(i);
        if (length % 3 && code[i] >= 0xb0 && code[i] <= 0xe4) copy[i] = 0xfe;
        if (code[i] >= 0x60 && code[i] <= 0x7f) i += code[i] - 0x5f;
      }
      for (let i = 0; i < length; i++) {
        assert.equal((bytes[MAP + (i >> 3)] >> (i & 7)) & 1, expected.has(i) ? 1 : 0);
      }
      assert.deepEqual(bytes.slice(COPY, COPY + length), copy);
    }
  });
});
