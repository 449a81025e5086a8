// Published vectors of the hash rows, through the WebAssembly kernels: NIST ACVP SHA2-256, ethash's Keccak-256, FIPS 180-4.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, describe, it } from "node:test";
import { gunzipSync } from "node:zlib";
import {
  type Algorithm,
  Batch,
  createWasmBackend,
  keccak256,
  sha256,
  sha256d,
} from "../../src/index.ts";
import { corpusJson, corpusPath, corpusSkip } from "../support/corpus.ts";

const backend = createWasmBackend({ workers: 2 });
after(() => backend.close());

/** Digests of all messages, in one batch. */
async function digests(algorithm: Algorithm, messages: readonly Uint8Array[]): Promise<string[]> {
  const bytes = messages.reduce((sum, { length }) => sum + length, 0);
  const batch = new Batch(algorithm, messages.length, bytes);
  const record = new Uint8Array(algorithm.record.byteLength);
  for (const message of messages) batch.append(record, message);
  await backend.run(batch);
  assert.ok(batch.verdicts.every((verdict) => verdict === 0));
  return messages.map((_, i) => Buffer.from(batch.result(i)).toString("hex"));
}

interface AcvpGroup {
  readonly testType: "AFT" | "MCT" | "LDT";
  readonly tests: readonly AcvpTest[];
}
interface AcvpTest {
  readonly tcId: number;
  readonly len: number;
  readonly msg: string;
  readonly md: string;
  readonly largeMsg: { readonly content: string; readonly fullLength: number };
  readonly resultsArray: readonly { readonly md: string }[];
}

function acvp(testType: AcvpGroup["testType"]): readonly AcvpTest[] {
  const file = corpusPath("vectors", "acvp", "SHA2-256-1.0", "internalProjection.json.gz");
  const { testGroups } = JSON.parse(gunzipSync(readFileSync(file)).toString()) as {
    testGroups: readonly AcvpGroup[];
  };
  return testGroups.filter((group) => group.testType === testType).flatMap(({ tests }) => tests);
}

describe("SHA-256 vectors", () => {
  it("FIPS 180-4 examples: empty, abc, two blocks, a million a", async () => {
    const text = (value: string): Uint8Array => Buffer.from(value, "latin1");
    assert.deepEqual(
      await digests(sha256, [
        text(""),
        text("abc"),
        text("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
        text("a".repeat(1_000_000)),
      ]),
      [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
      ],
    );
  });

  it("NIST ACVP, algorithm functional tests", { skip: corpusSkip }, async () => {
    const tests = acvp("AFT");
    const messages = tests.map(({ len, msg }) => {
      assert.equal(len % 8, 0);
      return new Uint8Array(Buffer.from(msg, "hex")).subarray(0, len / 8);
    });
    assert.equal(tests.length, 512);
    const wanted = tests.map(({ md }) => md.toLowerCase());
    assert.deepEqual(await digests(sha256, messages), wanted);
  });

  it("NIST ACVP, Monte Carlo test (alternate)", { skip: corpusSkip }, async () => {
    const [test] = acvp("MCT");
    const seed = Buffer.from(test.msg, "hex");
    const batch = new Batch(sha256, 1, seed.length);
    batch.count = 1;
    batch.arenaLength = seed.length;
    new DataView(batch.buffer).setUint32(4, seed.length, true);
    let [a, b, c] = [seed, seed, seed];
    // The full test is 100 outer turns of 1,000 hashes each, one after another.
    const turns = process.env.LANEWISE_SLOW ? 100 : 10;
    for (let turn = 0; turn < turns; turn++) {
      for (let i = 0; i < 1000; i++) {
        const message = Buffer.concat([a, b, c]).subarray(0, seed.length);
        batch.arena.fill(0).set(message);
        await backend.run(batch);
        [a, b, c] = [b, c, Buffer.from(batch.result(0))];
      }
      assert.equal(c.toString("hex"), test.resultsArray[turn].md.toLowerCase(), `turn ${turn}`);
      [a, b] = [c, c];
    }
  });

  const slow = corpusSkip || (!process.env.LANEWISE_SLOW && "1 GiB of memory; LANEWISE_SLOW=1");
  it("NIST ACVP, large data test that fits a batch (1 GiB)", { skip: slow }, async () => {
    const fitting = acvp("LDT").filter(({ largeMsg }) => largeMsg.fullLength / 8 <= 2 ** 30);
    assert.equal(fitting.length, 1);
    for (const { largeMsg, md } of fitting) {
      const batch = new Batch(sha256, 1, largeMsg.fullLength / 8);
      batch.count = 1;
      batch.arenaLength = batch.arena.length;
      new DataView(batch.buffer).setUint32(4, batch.arenaLength, true);
      batch.arena.set(Buffer.from(largeMsg.content, "hex"));
      for (let filled = largeMsg.content.length / 2; filled < batch.arenaLength; filled *= 2) {
        batch.arena.copyWithin(filled, 0, filled);
      }
      await backend.run(batch);
      assert.equal(Buffer.from(batch.result(0)).toString("hex"), md.toLowerCase());
    }
  });
});

describe("SHA-256d vectors", () => {
  it("Bitcoin's genesis block header hashes to its id", async () => {
    const header =
      `01000000${"00".repeat(32)}3ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a` +
      "29ab5f49ffff001d1dac2b7c";
    const [digest] = await digests(sha256d, [new Uint8Array(Buffer.from(header, "hex"))]);
    const id = Buffer.from(digest, "hex").reverse().toString("hex");
    assert.equal(id, "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f");
  });
});

describe("Keccak-256 vectors", () => {
  it("the empty message and abc", async () => {
    assert.deepEqual(await digests(keccak256, [new Uint8Array(), Buffer.from("abc")]), [
      "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470",
      "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45",
    ]);
  });

  it("ethash, every length from 0 to 166", { skip: corpusSkip }, async () => {
    const { text, cases } = corpusJson("vectors", "keccak", "keccak256-ethash.json") as {
      text: string;
      cases: readonly { len: number; keccak256: string }[];
    };
    assert.equal(cases.length, 167);
    assert.deepEqual(
      await digests(
        keccak256,
        cases.map(({ len }) => Buffer.from(text.slice(0, len), "latin1")),
      ),
      cases.map((item) => item.keccak256),
    );
  });
});
