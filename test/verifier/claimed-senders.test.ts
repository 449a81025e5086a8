/** Claimed senders: known keys make recoveries cheaper and change no answer, whoever is claimed. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  createVerifier,
  createWasmBackend,
  keccak256,
  type Outcome,
  secp256k1Recover,
  Verdict,
} from "../../src/index.ts";
import { createRandom } from "../../src/workloads/random.ts";
import { createSigner, recoverRecord } from "../../src/workloads/secp256k1-recover.ts";

const KEYS = 8;
const SIZE = secp256k1Recover.record.byteLength;
const { address } = secp256k1Recover.result.fields;
const random = createRandom("claimed senders");
const signer = createSigner(11, KEYS, 64);

/** `count` signatures by a few keys, every tenth broken in some way. */
function records(count: number): Uint8Array {
  const bytes = new Uint8Array(count * SIZE);
  for (let i = 0; i < count; i++) {
    const record = recoverRecord(
      signer.sign(random.bigint(1n << 256n), i % KEYS, random.below(64)),
    );
    if (i % 10 === 9) record[random.below(SIZE)] ^= 1 + random.below(255);
    bytes.set(record, i * SIZE);
  }
  return bytes;
}

const createOne = (senderKeys?: number) =>
  createVerifier({
    algorithms: [secp256k1Recover, keccak256],
    backends: [createWasmBackend({ inline: "always" })],
    cacheEntries: 0,
    maxBatchMs: 1000,
    ...(senderKeys === undefined ? {} : { senderKeys }),
  });

/** The addresses that an outcome names. */
function sendersOf({ verdicts, results }: Outcome): Uint8Array {
  const senders = new Uint8Array(20 * verdicts.length);
  const size = secp256k1Recover.result.byteLength;
  for (let i = 0; i < verdicts.length; i++) {
    const start = i * size + address.offset;
    senders.set(results.subarray(start, start + 20), 20 * i);
  }
  return senders;
}

describe("claimed senders", () => {
  it("are learnt, then used; right, wrong and missing claims give the same answers", async () => {
    const plain = createOne(0);
    const verifier = createOne();
    const first = records(400);
    const truth = await plain.submit(secp256k1Recover, first);
    assert.ok(truth.verdicts.includes(Verdict.Valid));
    assert.ok(truth.verdicts.some((verdict) => verdict !== Verdict.Valid));
    const claimedSenders = sendersOf(truth);
    assert.deepEqual(await verifier.submit(secp256k1Recover, first, { claimedSenders }), truth);
    assert.equal(verifier.metrics.hinted, 0, "nobody was known yet");

    const second = records(400);
    const secondTruth = await plain.submit(secp256k1Recover, second);
    const right = sendersOf(secondTruth);
    const wrong = right.slice();
    wrong.copyWithin(0, 20); // everybody is said to be the next
    const sparse = right.slice();
    for (let i = 0; i < 400; i += 3) sparse.fill(0, 20 * i, 20 * i + 20);
    let hinted = 0;
    for (const claims of [right, wrong, sparse]) {
      const outcome = await verifier.submit(secp256k1Recover, second, { claimedSenders: claims });
      assert.deepEqual(outcome, secondTruth);
      assert.ok(verifier.metrics.hinted > hinted + 200);
      hinted = verifier.metrics.hinted;
    }
    const strangers = random.bytes(20 * 400);
    const outcome = await verifier.submit(secp256k1Recover, second, { claimedSenders: strangers });
    assert.deepEqual(outcome, secondTruth);
    assert.equal(verifier.metrics.hinted, hinted);
    assert.equal(plain.metrics.hinted, 0);
    await Promise.all([plain.close(), verifier.close()]);
  });

  it("that do not fit are refused", async () => {
    const verifier = createOne();
    const claimedSenders = new Uint8Array(20);
    assert.throws(
      () => verifier.submit(secp256k1Recover, records(2), { claimedSenders }),
      /expected 40 bytes, got 20/,
    );
    const { record, arena } = keccak256.examples[0];
    assert.throws(() => verifier.submit(keccak256, record, { arena, claimedSenders }), TypeError);
    await verifier.close();
  });
});
