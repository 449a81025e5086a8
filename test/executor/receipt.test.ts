/** Receipts against an independent RLP encoder. @module */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RLP } from "@ethereumjs/rlp";
import { encodeReceipt, encodeReceipts, type Receipt } from "../../src/executor/index.ts";
import { orderedTrieRootSync } from "../../src/state/ordered-root.ts";
import { createRandom } from "../../src/workloads/random.ts";

const minimal = (value: bigint): Uint8Array => {
  const hex = value.toString(16);
  return value === 0n
    ? new Uint8Array(0)
    : Buffer.from(hex.padStart(hex.length + (hex.length & 1), "0"), "hex");
};

function reference(receipt: Receipt): Uint8Array {
  const body = RLP.encode([
    receipt.stateRoot ?? (receipt.status ? Uint8Array.of(1) : new Uint8Array(0)),
    minimal(receipt.cumulativeGasUsed),
    receipt.logsBloom,
    receipt.logs.map((log) => [log.address, [...log.topics], log.data]),
  ]);
  return receipt.type === 0 ? body : Buffer.concat([Uint8Array.of(receipt.type), body]);
}

test("receipts of all shapes are encoded as the Yellow Paper says, alone and together", () => {
  const random = createRandom("receipts");
  const sizes = [0, 1, 20, 32, 33, 55, 56, 255, 256, 65_535, 65_536];
  const gas = [
    0n,
    1n,
    127n,
    128n,
    255n,
    256n,
    2n ** 32n - 1n,
    2n ** 32n,
    2n ** 40n + 5n,
    2n ** 63n,
  ];
  const receipts = Array.from({ length: 150 }, (_, index): Receipt => {
    const logs = Array.from({ length: random.below(4) }, () => {
      const data = random.bytes(random.pick(sizes));
      if (data.length === 1) data[0] = random.pick([0, 1, 127, 128, 255]);
      const topics = Array.from({ length: random.below(5) }, () => random.bytes(32));
      return { address: random.bytes(20), topics, data };
    });
    return {
      type: index % 5,
      status: random.below(2) === 0,
      ...(index % 7 === 0 ? { stateRoot: random.bytes(32) } : {}),
      gasUsed: 0n,
      cumulativeGasUsed: index < gas.length ? gas[index] : BigInt(random.below(2 ** 32)),
      logsBloom: random.bytes(256),
      logs,
    };
  });
  const { bytes, offsets } = encodeReceipts(receipts);
  const expected = receipts.map(reference);
  for (const [index, receipt] of receipts.entries()) {
    assert.deepEqual(Buffer.from(encodeReceipt(receipt)), Buffer.from(expected[index]));
    const packed = bytes.subarray(offsets[index], offsets[index + 1]);
    assert.deepEqual(Buffer.from(packed), Buffer.from(expected[index]));
  }
  assert.deepEqual(orderedTrieRootSync({ bytes, offsets }), orderedTrieRootSync(expected));
});
