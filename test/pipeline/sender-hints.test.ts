/** Senders that a caller claims, rightly or wrongly, change the time that recovery takes and nothing else. @module */
import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeBlock } from "../../src/chains/ethereum/index.ts";
import { type BlockInput, createPipeline } from "../../src/pipeline/index.ts";
import { createSenderKeys } from "../../src/verifier/sender-keys.ts";
import { generateChain } from "../../src/workloads/chain.ts";
import { blockJson } from "../support/block-json.ts";

test("reports are the same with no, right, wrong and partly wrong claims, the first time and later", async () => {
  const chain = await generateChain({ seed: "hints", blocks: 3, transactionsPerBlock: 100 });
  const plain: BlockInput[] = [];
  const claims: Uint8Array[] = [];
  const asJson: BlockInput[] = [];
  for await (const { block, hash, senders } of chain.blocks()) {
    const bytes = encodeBlock(block);
    // A broken signature among good ones.
    if (block.header.number === 3n) bytes[bytes.length - 150] ^= 1;
    const label = `block ${block.header.number}`;
    plain.push({ label, content: { kind: "block-rlp", bytes } });
    asJson.push({ label, content: { kind: "block-json", json: blockJson(block, hash, senders) } });
    claims.push(Uint8Array.from(senders));
  }
  const withClaims = (change: (senders: Uint8Array) => Uint8Array): BlockInput[] =>
    plain.map((input, index) => ({ ...input, senders: change(claims[index].slice()) }));
  const senderKeys = createSenderKeys();
  const pipeline = await createPipeline({ backend: "wasm", senderKeys });
  const reports = async (inputs: readonly BlockInput[]) => {
    const all = [];
    for await (const report of pipeline.run(inputs)) all.push(report);
    return all;
  };
  try {
    const expected = await reports(plain);
    assert.ok(expected.some(({ ok }) => ok) && expected.some(({ ok }) => !ok));
    const rotated = (senders: Uint8Array) =>
      Buffer.concat([senders.subarray(20), senders.subarray(0, 20)]);
    const partly = (senders: Uint8Array) => senders.fill(3, 0, 20 * (senders.length / 40));
    const right = (senders: Uint8Array) => senders;
    const short = (senders: Uint8Array) => senders.subarray(1);
    for (const change of [right, right, rotated, partly, short]) {
      assert.deepEqual(await reports(withClaims(change)), expected, change.name);
    }
    const hints = new Uint8Array(64 * claims[0].length);
    const known = senderKeys.fillHints(claims[1], claims[1].length / 20, hints);
    assert.ok(known > 50, `keys learned: ${known}`);
    for (const report of await reports(asJson)) assert.deepEqual(report.failures, []);
  } finally {
    await pipeline.close();
  }
});
