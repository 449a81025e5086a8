// eth-sender beyond conformance: a published sender, every verdict among the cases, and the two rows that it joins as another oracle.
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import {
  Batch,
  createWasmBackend,
  ethSender,
  keccak256,
  secp256k1Recover,
  Verdict,
  verdictName,
} from "../../src/index.ts";
import { ethSenderCases } from "../../src/workloads/eth-sender.ts";
import { batchOf, cycle, mixedCases } from "../conformance/oracle.ts";

const { address } = ethSender.result.fields;
const cases = mixedCases(ethSenderCases, 600, 7);

describe("eth-sender", { timeout: 120_000 }, () => {
  const backend = createWasmBackend({ workers: 2 });
  after(() => backend.close());

  it("finds the sender of EIP-155's example, among messages that lie elsewhere", async () => {
    const { record, arena } = ethSender.examples[0];
    const batch = new Batch(ethSender, 3, 3 * arena.length);
    const view = new DataView(batch.buffer);
    for (let i = 0; i < 3; i++) {
      batch.record(i).set(record);
      view.setUint32(i * ethSender.record.byteLength, i === 1 ? arena.length + 1 : 0, true);
    }
    batch.arena.set(arena, arena.length + 1);
    batch.count = 3;
    batch.arenaLength = 3 * arena.length;
    await backend.run(batch);
    const sender = Buffer.from(batch.result(1)).subarray(address.offset).toString("hex");
    assert.equal(verdictName(batch.verdicts[1]), "Valid");
    assert.equal(sender, "9d8a62f656a8d1615c1294fd71e9cfb3e4855a4f");
    assert.notDeepEqual([...batch.result(0)], [...batch.result(1)]);
    assert.deepEqual([...batch.result(0)], [...batch.result(2)]);
  });

  it("gives the bytes that keccak256 and then secp256k1-recover give", async () => {
    const some = cycle(cases, 0, 2100);
    const fused = batchOf(ethSender, some);
    await backend.run(fused);

    const hashes = new Batch(keccak256, fused.count, fused.arenaLength);
    hashes.count = fused.count;
    hashes.arenaLength = fused.arenaLength;
    hashes.arena.set(fused.arena);
    const recoveries = new Batch(secp256k1Recover, fused.count);
    recoveries.count = fused.count;
    for (let i = 0; i < fused.count; i++) hashes.record(i).set(fused.record(i).subarray(0, 8));
    await backend.run(hashes);
    for (let i = 0; i < fused.count; i++) {
      recoveries.record(i).set(hashes.result(i));
      recoveries.record(i).set(fused.record(i).subarray(8), 32);
    }
    await backend.run(recoveries);

    const seen = new Set<string>();
    for (const [i, { name }] of some.entries()) {
      const inBounds = hashes.verdicts[i] === Verdict.Valid;
      const verdict = inBounds ? recoveries.verdicts[i] : Verdict.MessageOutOfBounds;
      const result = inBounds ? recoveries.result(i) : new Uint8Array(84);
      assert.equal(verdictName(fused.verdicts[i]), verdictName(verdict), `${i}: ${name}`);
      assert.deepEqual(Buffer.from(fused.result(i)), Buffer.from(result), `${i}: ${name}`);
      seen.add(verdictName(verdict));
    }
    assert.deepEqual([...seen].sort(), [
      "MessageOutOfBounds",
      "PublicKeyInfinity",
      "ROutOfRange",
      "RZero",
      "RecoveryIdInvalid",
      "SHigh",
      "SOutOfRange",
      "SZero",
      "Valid",
      "XNotOnCurve",
      "XOutOfRange",
    ]);
  });
});
