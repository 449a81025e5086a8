/** The names keep their promise: the longest chain of transactions that write what the one before wrote grows with contention. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createExecutor, type ExecutableBlock } from "../../src/executor/index.ts";
import type { StateDiff } from "../../src/state/source.ts";
import { createChainState, toHex } from "../../src/workloads/chain-state.ts";
import { generateWorkload } from "../../src/workloads/workload.ts";

const TRANSACTIONS = 32;

/** Accounts and slots that one transaction wrote, apart from what every transaction or block writes. */
function* written(diff: StateDiff, coinbase: string): Generator<string> {
  for (const [address, change] of diff) {
    // System contracts have addresses that begin with zeros.
    if (address === coinbase || address.startsWith("0x0000")) continue;
    if (change.storage.size === 0) yield address;
    for (const slot of change.storage.keys()) yield address + slot;
  }
}

/** Transactions on the longest path of write-after-write dependencies. */
async function criticalPath(name: string): Promise<number> {
  const workload = await generateWorkload({ name, transactions: TRANSACTIONS });
  const state = createChainState(workload.state);
  const [block] = workload.blocks;
  const executor = createExecutor("oracle");
  const depth = new Map<string, number>();
  let longest = 0;
  for (const [index, raw] of block.transactions.entries()) {
    const single: ExecutableBlock = {
      ...block,
      transactions: [raw],
      senders: block.senders.subarray(20 * index, 20 * index + 20),
    };
    const execution = await executor.execute(single, state.source);
    assert.ok(execution.ok);
    const { stateDiff } = execution.result;
    state.apply(stateDiff);
    const places = [...written(stateDiff, toHex(block.environment.coinbase))];
    const own = 1 + Math.max(0, ...places.map((place) => depth.get(place) ?? 0));
    for (const place of places) depth.set(place, own);
    longest = Math.max(longest, own);
  }
  await executor.close();
  return longest;
}

for (const family of ["plain", "amm", "lending", "nft", "game", "asset", "attestation"]) {
  test(`${family}: low < high, medium between`, async () => {
    const [low, medium, high] = [
      await criticalPath(`${family}-low`),
      await criticalPath(`${family}-medium`),
      await criticalPath(`${family}-high`),
    ];
    assert.ok(low <= medium && medium <= high && low < high, `${low}, ${medium}, ${high}`);
  });
}

test("erc20: independent pairs meet twice at most; a chain is a chain", async () => {
  assert.ok((await criticalPath("erc20-independent")) <= 2);
  const zipf = await criticalPath("erc20-zipf");
  assert.ok(zipf > 2 && zipf < TRANSACTIONS);
  assert.ok((await criticalPath("erc20-hot")) < zipf);
  assert.ok((await criticalPath("erc20-hot-receiver")) >= TRANSACTIONS - 1);
  assert.equal(await criticalPath("erc20-sender-chain"), TRANSACTIONS);
});
