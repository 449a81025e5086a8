// The shape of the executor's benchmark; figures themselves are not asserted, but that all executors agree is.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { benchExecutor } from "../../src/bench/executor.ts";

describe("bench executor", { timeout: 120_000 }, () => {
  it("measures serial and parallel execution, and ethereumjs, of the same block", async () => {
    const { id, rows, absent } = await benchExecutor({
      workloads: ["erc20-zipf", "plain-low"],
      transactions: 64,
      workers: [2],
      workloadMs: 10,
      against: ["ethereumjs"],
    });
    assert.equal(id, "executor");
    assert.deepEqual(absent, {});
    assert.deepEqual(
      rows.map(({ workload, implementation, workers }) => [workload, implementation, workers]),
      ["erc20-zipf", "plain-low"].flatMap((name) => [
        [name, "lanewise", 1],
        [name, "lanewise", 2],
        [name, "ethereumjs", 1],
      ]),
    );
    for (const row of rows) {
      assert.ok(row.transactionsPerSecond > 0);
      assert.ok(row.ratioToSerial > 0);
      if (row.implementation === "lanewise" && row.workers === 1)
        assert.equal(row.ratioToSerial, 1);
      assert.ok(Number.isInteger(row.aborts) && row.aborts >= 0);
    }
  });

  it("refuses a workload that does not exist", async () => {
    await assert.rejects(benchExecutor({ workloads: ["nothing"], workers: [] }), /nothing/);
  });
});
