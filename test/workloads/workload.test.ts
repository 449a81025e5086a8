/** Workloads: deterministic, sized, signed by whom they say, and every transaction succeeds. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createTxFromRLP } from "@ethereumjs/tx";
import { createExecutor } from "../../src/executor/index.ts";
import { createCommon } from "../../src/executor/oracle/common.ts";
import { createChainState } from "../../src/workloads/chain-state.ts";
import { drawHot, drawZipf } from "../../src/workloads/draw.ts";
import { createRandom } from "../../src/workloads/random.ts";
import { generateWorkload, WORKLOAD_CHAIN, workloads } from "../../src/workloads/workload.ts";

const common = createCommon(WORKLOAD_CHAIN.fork, BigInt(WORKLOAD_CHAIN.chainId), {} as never);

for (const name of workloads.keys()) {
  test(`${name}: 30 transactions in two blocks succeed, signed by their senders`, async () => {
    const options = { name, seed: 7, transactions: 30, transactionsPerBlock: 20 };
    const workload = await generateWorkload(options);
    assert.deepEqual(await generateWorkload(options), workload, "equal options, equal bytes");
    assert.deepEqual(
      workload.blocks.map((block) => block.transactions.length),
      [20, 10],
    );
    const executor = createExecutor("oracle");
    const state = createChainState(workload.state);
    let logs = 0;
    for (const block of workload.blocks) {
      for (let i = 0; i < block.transactions.length; i += 4) {
        const transaction = createTxFromRLP(block.transactions[i], { common });
        const sender = block.senders.subarray(20 * i, 20 * i + 20);
        assert.deepEqual(transaction.getSenderAddress().bytes, sender);
      }
      const execution = await executor.execute(block, state.source);
      assert.ok(execution.ok, execution.ok ? "" : execution.invalid.reason);
      for (const receipt of execution.result.receipts) {
        assert.ok(receipt.status);
        logs += receipt.logs.length;
      }
      state.apply(execution.result.stateDiff);
    }
    assert.equal(logs > 0, !name.startsWith("plain"));
    await executor.close();
  });
}

test("another seed gives other transactions, another size a workload of that size", async () => {
  const first = await generateWorkload({ name: "erc20-zipf", seed: 1, transactions: 10 });
  const second = await generateWorkload({ name: "erc20-zipf", seed: 2, transactions: 10 });
  assert.notDeepEqual(first.blocks[0].transactions, second.blocks[0].transactions);
  for (const name of workloads.keys()) {
    for (const transactions of [1, 13]) {
      const workload = await generateWorkload({ name, transactions });
      assert.equal(workload.blocks[0].transactions.length, transactions, name);
    }
  }
});

test("wrong calls are named", async () => {
  await assert.rejects(generateWorkload({ name: "erc20", transactions: 1 }), RangeError);
  await assert.rejects(generateWorkload({ name: "erc20-zipf", transactions: 0 }), RangeError);
});

test("draws: a tenth is hot; Zipf's first rank is drawn as often as the law says", () => {
  const random = createRandom("draws");
  const draws = 100_000;
  let hot = 0;
  let first = 0;
  for (let i = 0; i < draws; i++) {
    if (drawHot(random, 1000) === 0) hot++;
    const rank = drawZipf(random, 1000);
    assert.ok(rank >= 0 && rank < 1000);
    if (rank === 0) first++;
  }
  assert.ok(Math.abs(hot / draws - 0.1) < 0.005, `${hot}`);
  assert.ok(Math.abs(first / draws - Math.log(2) / Math.log(1001)) < 0.005, `${first}`);
});
