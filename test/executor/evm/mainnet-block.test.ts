/** Mainnet block 24 476 005, 109 transactions: header values from the EVM executor, the same on any number of threads. @module */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createEvmExecutor } from "../../../src/executor/evm/index.ts";
import { blockBloom, type ExecutableBlock, encodeReceipt } from "../../../src/executor/index.ts";
import { decodeInput } from "../../../src/pipeline/block.ts";
import { createMemoryState, readMemoryState } from "../../../src/state/memory.ts";
import { orderedTrieRootSync } from "../../../src/state/ordered-root.ts";
import { corpusJson, corpusSkip } from "../../support/corpus.ts";
import { addressOf, hashAndRecover } from "../../support/hash.ts";
import { plainExecution } from "./compare.ts";

const hex = (bytes: Uint8Array): string => `0x${Buffer.from(bytes).toString("hex")}`;

describe("mainnet block 24476005 on the EVM executor", { skip: corpusSkip }, () => {
  if (corpusSkip) return;
  const folder = ["mainnet-executable", "ethereumjs"];
  const json = corpusJson(...folder, "block24476005.json") as Record<string, string>;
  const stateJson = corpusJson(...folder, "block24476005State.json");
  const state = createMemoryState(readMemoryState(stateJson));
  const decoded = decodeInput({ label: "block", content: { kind: "block-json", json } }, undefined);
  assert.ok(decoded.ok && decoded.unit.block !== undefined);
  const { list, block } = decoded.unit;
  const recovered = hashAndRecover(list);
  const join = (batch: typeof recovered.senders): Uint8Array => {
    const out = new Uint8Array(20 * batch.count);
    for (let i = 0; i < batch.count; i++) out.set(addressOf(batch, i), 20 * i);
    return out;
  };
  const { header } = block;
  const executable: ExecutableBlock = {
    environment: {
      fork: block.fork,
      chainId: block.chainId,
      number: header.number,
      timestamp: header.timestamp,
      gasLimit: header.gasLimit,
      coinbase: header.coinbase,
      difficulty: header.difficulty,
      prevRandao: header.mixHash,
      baseFeePerGas: header.baseFeePerGas!,
      excessBlobGas: header.excessBlobGas!,
      parentBeaconBlockRoot: header.parentBeaconBlockRoot!,
      parentHash: header.parentHash,
    },
    transactions: block.transactions,
    senders: join(recovered.senders),
    authorities: join(recovered.authorities),
    withdrawals: block.withdrawals ?? [],
    ommers: [],
  };
  const outcomes: unknown[] = [];
  for (const workers of [1, 2, 3, 4]) {
    it(`${workers} ${workers === 1 ? "worker" : "workers"}`, async () => {
      const executor = createEvmExecutor({ workers });
      for (let round = 0; round < 3; round++) {
        const execution = await executor.execute(executable, state);
        assert.ok(execution.ok);
        const { receipts, gasUsed } = execution.result;
        assert.equal(gasUsed, 8_091_915n);
        assert.equal(hex(orderedTrieRootSync(receipts.map(encodeReceipt))), json.receiptsRoot);
        assert.equal(hex(blockBloom(receipts)), json.logsBloom);
        outcomes.push(plainExecution(execution));
        assert.deepEqual(outcomes.at(-1), outcomes[0]);
      }
      await executor.close();
    });
  }
});
