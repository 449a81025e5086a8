/** RLP against the RLPTests suite and, mutated, against @ethereumjs/rlp. @module */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RLP } from "@ethereumjs/rlp";
import {
  decodeRlp,
  encodeRlp,
  fromHex,
  type RlpInput,
  type RlpItem,
  toHex,
} from "../../../src/chains/ethereum/index.ts";
import { LanewiseError } from "../../../src/core/index.ts";
import { corpusJson, corpusSkip } from "../../support/corpus.ts";
import { seededRandom } from "../../support/random.ts";

type Json = string | number | Json[];
type Suite = Record<string, { in: Json; out: string }>;

/** The suite writes integers as numbers, or as text after a #. */
function inputOf(value: Json): RlpInput {
  if (Array.isArray(value)) return value.map(inputOf);
  if (typeof value === "number") return value;
  return value.startsWith("#") ? BigInt(value.slice(1)) : new TextEncoder().encode(value);
}

/** What decoding gives back: integers as their bytes. */
function itemOf(input: RlpInput): RlpItem {
  if (typeof input === "number" || typeof input === "bigint") {
    const hex = input === 0 || input === 0n ? "" : input.toString(16);
    return fromHex(`0x${hex.length % 2 ? "0" : ""}${hex}`)!;
  }
  return input instanceof Uint8Array ? input : input.map(itemOf);
}

const isRefused = (bytes: Uint8Array): boolean => {
  try {
    decodeRlp(bytes);
    return false;
  } catch (error) {
    assert.ok(error instanceof LanewiseError && error.code === "ERR_INPUT", String(error));
    return true;
  }
};

test("rlptest.json", { skip: corpusSkip }, () => {
  const suite = Object.entries(corpusJson("ethereum-tests/RLPTests/rlptest.json") as Suite);
  assert.ok(suite.length >= 20);
  for (const [name, { in: value, out }] of suite) {
    const input = inputOf(value);
    const encoded = encodeRlp(input);
    assert.equal(toHex(encoded), out, name);
    assert.deepEqual(decodeRlp(encoded), itemOf(input), name);
  }
});

test("invalidRLPTest.json", { skip: corpusSkip }, () => {
  const suite = Object.entries(corpusJson("ethereum-tests/RLPTests/invalidRLPTest.json") as Suite);
  assert.ok(suite.length >= 20);
  for (const [name, { out }] of suite)
    assert.ok(isRefused(Buffer.from(out.replace("0x", ""), "hex")), name);
});

test("lengths at every boundary of the header's form", () => {
  for (const length of [0, 1, 2, 55, 56, 57, 255, 256, 257, 65_535, 65_536, 2 ** 24 - 1, 2 ** 24]) {
    const bytes = new Uint8Array(length).fill(0x80);
    for (const input of [bytes, [bytes]]) {
      const encoded = encodeRlp(input);
      assert.deepEqual(encoded, RLP.encode(input), `${length}`);
      assert.deepEqual(decodeRlp(encoded), input, `${length}`);
      assert.ok(isRefused(encoded.subarray(0, -1)), `${length}, one byte short`);
      assert.ok(isRefused(Uint8Array.from([...encoded.slice(0, 300), 0])), `${length}, trailing`);
    }
  }
});

test("a length that claims more than memory is refused at once", () => {
  for (const first of [0xb8, 0xbf, 0xf8, 0xff]) {
    const bytes = new Uint8Array(64).fill(0xff);
    bytes[0] = first;
    assert.ok(isRefused(bytes));
  }
});

test("nesting and item counts are bounded", () => {
  const nest = (depth: number): Uint8Array =>
    Array.from({ length: depth - 1 }).reduce<Uint8Array>((inner) => {
      const header = encodeRlp(new Uint8Array(inner.length).fill(0x80));
      const length = header.length - inner.length;
      return Uint8Array.from([header[0] + 0x40, ...header.slice(1, length), ...inner]);
    }, Uint8Array.of(0xc0));
  assert.doesNotThrow(() => decodeRlp(nest(64)));
  assert.ok(isRefused(nest(65)));
  assert.ok(isRefused(nest(20_000)), "no stack overflow");
  const flat = encodeRlp(Array.from({ length: 100 }, () => new Uint8Array(0)));
  assert.doesNotThrow(() => decodeRlp(flat, { maxItems: 101 }));
  assert.throws(() => decodeRlp(flat, { maxItems: 100 }), /RlpTooComplex/);
});

test("integers are encoded in their shortest form, and no others are taken", () => {
  for (const value of [0n, 1n, 127n, 128n, 255n, 256n, 2n ** 64n, 2n ** 256n - 1n]) {
    assert.deepEqual(encodeRlp(value), RLP.encode(value));
  }
  for (const value of [-1, 1.5, Number.NaN, 2 ** 53, -1n]) {
    assert.throws(() => encodeRlp(value), RangeError);
  }
});

/** Bytes, and lists of lists, of lengths around the boundaries. */
function randomItem(random: ReturnType<typeof seededRandom>, depth: number): RlpInput {
  if (depth > 0 && random.below(3) > 0) {
    return Array.from({ length: random.below(5) }, () => randomItem(random, depth - 1));
  }
  return random.bytes(random.pick([0, 1, 1, 2, 20, 32, 55, 56, 60, 300]));
}

test("accepts and answers as @ethereumjs/rlp does, on 20 000 mutated items", () => {
  const random = seededRandom(0x52_4c_50);
  const counts = { accepted: 0, refused: 0 };
  for (let round = 0; round < 20_000; round++) {
    const bytes = Uint8Array.from(encodeRlp(randomItem(random, 3)));
    for (let edits = random.below(3); edits > 0; edits--) {
      bytes[random.below(Math.min(bytes.length, 12))] = random.pick([
        random.below(256),
        0x00,
        0x81,
        0xb8,
        0xc0,
        0xf8,
      ]);
    }
    const cut = random.below(8) === 0 ? random.below(bytes.length) : 0;
    const input = bytes.subarray(0, bytes.length - cut);
    let expected: unknown;
    try {
      expected = RLP.decode(input);
    } catch {
      expected = undefined;
    }
    if (expected === undefined) {
      assert.ok(isRefused(input), toHex(input));
      counts.refused++;
    } else {
      assert.deepEqual(decodeRlp(input), expected, toHex(input));
      assert.deepEqual(encodeRlp(decodeRlp(input)), input, toHex(input));
      counts.accepted++;
    }
  }
  assert.ok(counts.accepted > 5_000 && counts.refused > 5_000, JSON.stringify(counts));
});
