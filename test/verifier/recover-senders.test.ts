// recoverSenders and its cache of keys: with any hints the bytes of plain recovery, over workers, inline and without a kernel.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type Backend,
  Batch,
  createReferenceBackend,
  createSenderKeys,
  createWasmBackend,
  HINT_BYTES,
  keccak256,
  recoverSenders,
  type SenderKeys,
  secp256k1Recover,
  secp256k1RecoverHinted,
} from "../../src/index.ts";
import { createRandom } from "../../src/workloads/random.ts";
import {
  createSigner,
  recoverRecord,
  secp256k1RecoverCases,
} from "../../src/workloads/secp256k1-recover.ts";

const KEYS = 48;
const signer = createSigner(0x5e4d, KEYS, 96);
const crafted = secp256k1RecoverCases.crafted();

/** Signatures of the signer's keys in turn, an invalid or crafted record at every seventh place. */
function records(count: number, seed: string): Batch {
  const random = createRandom(seed);
  const batch = new Batch(secp256k1Recover, count);
  for (let i = 0; i < count; i++) {
    const signed = recoverRecord(signer.sign(random.bigint(1n << 256n), i % KEYS));
    batch.append(i % 7 === 3 ? random.pick(crafted).record : signed);
  }
  return batch;
}

const answersOf = (batch: Batch): string =>
  Buffer.from(batch.verdicts.slice(0, batch.count).buffer).toString("hex") +
  Buffer.from(batch.results).toString("hex");

const columns: [string, () => Backend][] = [
  ["workers", () => createWasmBackend({ workers: 2, inline: "never" })],
  ["calling thread", () => createWasmBackend({ inline: "always" })],
  ["integer design", () => createWasmBackend({ inline: "always", simd: "baseline" })],
];

for (const [name, create] of columns) {
  it(`recoverSenders, ${name}: any hints give what recovery gives`, async () => {
    const backend = create();
    try {
      for (const count of [1, 65, 700]) {
        const batch = records(count, `senders ${count}`);
        await backend.run(batch);
        const wanted = answersOf(batch);
        const right = new Uint8Array(count * HINT_BYTES);
        for (let i = 0; i < count; i++) {
          right.set(batch.result(i).subarray(0, HINT_BYTES), i * HINT_BYTES);
        }
        const random = createRandom("hints");
        const off = right.slice();
        for (let i = 0; i < count; i += 50) off[i * HINT_BYTES + 40] ^= 1;
        const poisoned = right.slice();
        for (let i = 0; i + 1 < count; i += 97) {
          poisoned.copyWithin(i * HINT_BYTES, (i + 1) * HINT_BYTES, (i + 2) * HINT_BYTES);
        }
        const turned = new Uint8Array(count * HINT_BYTES);
        turned.set(right.subarray(HINT_BYTES));
        turned.set(right.subarray(0, HINT_BYTES), (count - 1) * HINT_BYTES);
        // Not on a word boundary, and longer than needed.
        const odd = new Uint8Array(count * HINT_BYTES + 9).subarray(1);
        odd.set(right);
        const none = new Uint8Array(count * HINT_BYTES);
        const noise = random.bytes(count * HINT_BYTES);
        for (const hints of [right, off, poisoned, turned, odd, none, noise]) {
          batch.results.fill(0xa5);
          batch.verdicts.fill(0xa5);
          await recoverSenders(backend, batch, hints);
          assert.equal(answersOf(batch), wanted);
        }
      }
    } finally {
      await backend.close();
    }
  });
}

describe("recoverSenders", () => {
  it("runs plain recovery where the back end has no kernel for hints", async () => {
    const reference = createReferenceBackend();
    const asked: string[] = [];
    const batch = records(3, "plain");
    const hints = new Uint8Array(3 * HINT_BYTES).fill(1);
    const backend: Pick<Backend, "run" | "supports"> = {
      supports: (algorithm) => algorithm !== secp256k1RecoverHinted,
      run(each, options) {
        asked.push(each.algorithm.id);
        return reference.run(each, options);
      },
    };
    await recoverSenders(backend, batch, hints);
    assert.deepEqual(asked, ["secp256k1-recover"]);
    assert.equal(batch.verdicts[0], 0);
  });

  it("refuses what is not a batch of recoveries with hints", async () => {
    const backend = createReferenceBackend();
    const batch = records(2, "refused");
    await assert.rejects(recoverSenders(backend, batch, new Uint8Array(127)), RangeError);
    const other = new Batch(keccak256, 1, 1);
    await assert.rejects(recoverSenders(backend, other, new Uint8Array(64)), TypeError);
  });
});

describe("createSenderKeys", () => {
  it("hints the keys of what it has seen, and zeros for the rest", async () => {
    const backend = createWasmBackend({ inline: "always" });
    try {
      const batch = records(200, "learn");
      await backend.run(batch);
      const keys = createSenderKeys(256);
      const addresses = new Uint8Array(200 * 20);
      for (let i = 0; i < 200; i++) addresses.set(batch.result(i).subarray(64), i * 20);
      const hints = new Uint8Array(200 * HINT_BYTES).fill(0xa5);
      assert.equal(keys.fillHints(addresses, 200, hints), 0);
      assert.ok(hints.every((byte) => byte === 0));
      keys.learn(batch);
      keys.learn(batch);
      const valid = batch.verdicts.filter((verdict) => verdict === 0).length;
      assert.equal(keys.fillHints(addresses, 200, hints), valid);
      for (let i = 0; i < 200; i++) {
        const wanted = batch.result(i).subarray(0, HINT_BYTES);
        assert.deepEqual(hints.slice(i * HINT_BYTES, (i + 1) * HINT_BYTES), wanted.slice());
      }
    } finally {
      await backend.close();
    }
  });

  it("writes hints into a hinted batch, and learns from one what was not hinted rightly", async () => {
    const backend = createWasmBackend({ inline: "always" });
    try {
      const plain = records(200, "hinted");
      await backend.run(plain);
      const addresses = new Uint8Array(200 * 20);
      for (let i = 0; i < 200; i++) addresses.set(plain.result(i).subarray(64), i * 20);
      const isValid = (i: number): boolean => plain.verdicts[i] === 0;
      const valid = Array.from({ length: 200 }, (_, i) => i).filter(isValid).length;
      /** The batch with hints for these addresses run, and learnt from. */
      const runHinted = async (keys: SenderKeys, claims: Uint8Array): Promise<number> => {
        const batch = new Batch(secp256k1RecoverHinted, 200);
        for (let i = 0; i < 200; i++) {
          const record = new Uint8Array(secp256k1RecoverHinted.record.byteLength).fill(0xa5);
          record.set(plain.record(i));
          batch.append(record);
        }
        const known = keys.hint(batch, claims);
        await backend.run(batch);
        assert.equal(answersOf(batch), answersOf(plain));
        keys.learn(batch);
        return known;
      };
      // Half of the keys are known, and half of the rest is claimed for somebody else's signature.
      const some = new Batch(secp256k1Recover, 100);
      for (let i = 0; i < 100; i++) some.append(plain.record(i));
      await backend.run(some);
      for (const turned of [0, 20, 60]) {
        const keys = createSenderKeys(1024);
        keys.learn(some);
        const claims = Buffer.concat([addresses.subarray(turned), addresses.subarray(0, turned)]);
        assert.ok((await runHinted(keys, claims)) >= 85);
        // Whatever was hinted, all keys are known now.
        assert.equal(await runHinted(keys, addresses), valid);
      }
      const keys = createSenderKeys(64);
      assert.throws(() => keys.hint(plain, addresses), TypeError);
      const short = new Batch(secp256k1RecoverHinted, 1);
      short.count = 1;
      assert.throws(() => keys.hint(short, addresses.subarray(0, 19)), RangeError);
    } finally {
      await backend.close();
    }
  });

  it("keeps no more than its capacity, the youngest in each set", () => {
    const keys = createSenderKeys(8);
    assert.equal(keys.capacity, 8);
    const batch = new Batch(secp256k1Recover, 9);
    batch.count = 9;
    batch.verdicts.fill(0);
    for (let i = 0; i < 9; i++) batch.result(i).fill(i + 1);
    keys.learn(batch);
    const addresses = new Uint8Array(9 * 20);
    for (let i = 0; i < 9; i++) addresses.fill(i + 1, i * 20, (i + 1) * 20);
    const hints = new Uint8Array(9 * HINT_BYTES);
    assert.equal(keys.fillHints(addresses, 9, hints), 8);
    assert.equal(hints[0], 0);
    assert.equal(hints[8 * HINT_BYTES], 9);
  });

  it("refuses capacities and sizes that make no sense", () => {
    assert.throws(() => createSenderKeys(7), RangeError);
    assert.throws(() => createSenderKeys(2 ** 25), RangeError);
    const keys = createSenderKeys(64);
    assert.throws(() => keys.fillHints(new Uint8Array(19), 1, new Uint8Array(64)), RangeError);
    assert.throws(() => keys.fillHints(new Uint8Array(20), 1, new Uint8Array(63)), RangeError);
  });
});
