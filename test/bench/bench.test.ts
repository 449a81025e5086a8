// The shape of a benchmark's report; figures themselves are not asserted.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { bench } from "../../src/bench/bench.ts";
import { benchPipeline } from "../../src/bench/pipeline.ts";
import { benchState } from "../../src/bench/state.ts";
import { createWorkload, RATIO_BATCH } from "../../src/bench/workload.ts";
import {
  algorithms,
  keccak256,
  secp256k1Recover,
  secp256k1RecoverHinted,
  sha256,
} from "../../src/index.ts";

const quick = { rounds: 2, roundMs: 5, workers: [1], batches: [4] };

describe("bench", { timeout: 120_000 }, () => {
  it("measures ours and a peer, and divides one by the other", async () => {
    const against = ["node:crypto", "no-such-peer"];
    const { report, spread, absent } = await bench(sha256, { ...quick, against });
    assert.equal(report.id, "sha256");
    assert.equal(report.node, process.version);
    assert.deepEqual(
      report.rows.map(({ impl, batch, workers }) => [impl, batch, workers]),
      [
        ["lanewise", 4, 0],
        ["lanewise", RATIO_BATCH, 0],
        ["lanewise", 4096, 1],
        ["node:crypto", 1, 1],
      ],
    );
    for (const { itemsPerSecond, nsPerItem } of report.rows) {
      assert.ok(itemsPerSecond > 0 && nsPerItem > 0);
      assert.ok(Math.abs((itemsPerSecond * nsPerItem) / 1e9 - 1) < 0.02);
    }
    assert.equal(spread.length, 4);
    assert.deepEqual(Object.keys(report.ratio), ["node:crypto"]);
    assert.ok(report.ratio["node:crypto"] > 0);
    assert.deepEqual(absent, { "no-such-peer": "no such peer of sha256" });
  });

  it("measures processor time, and signatures", async () => {
    const options = { ...quick, against: [], clock: "cpu" as const };
    const { report } = await bench(secp256k1Recover, options);
    assert.equal(report.rows.length, 3);
    assert.deepEqual(report.ratio, {});
  });

  it("compares a short cut with the long way", async () => {
    const options = { ...quick, rounds: 1, against: [] };
    const { report, ratioBatch } = await bench(secp256k1RecoverHinted, options);
    assert.equal(ratioBatch, 4096);
    assert.deepEqual(Object.keys(report.ratio), ["lanewise secp256k1-recover"]);
    assert.ok(report.ratio["lanewise secp256k1-recover"] > 0);
  });

  it("has a workload of valid items for every algorithm", () => {
    for (const algorithm of algorithms) {
      const workload = createWorkload(algorithm, 32);
      assert.ok(workload, algorithm.id);
      assert.equal(workload.batch(3).count, 3);
      assert.equal(workload.expected(2).length, algorithm.result.byteLength);
    }
  });

  it("refuses an algorithm without one", async () => {
    const bare = { ...keccak256, id: "bare", usesArena: false };
    await assert.rejects(bench(bare, quick), /expected an algorithm with a workload, got bare/);
  });
});

describe("bench pipeline and bench state", { timeout: 120_000 }, () => {
  it("run a chain from raw blocks to state roots, stage by stage, with and without hints", async () => {
    const options = { transactions: 200, blockSizes: [100, 50], rounds: 1 };
    const { rows, absent } = await benchPipeline({ ...options, against: ["@ethereumjs/vm"] });
    assert.deepEqual(
      rows.map(({ workload, implementation }) => [workload, implementation]),
      [
        ["erc20-cold", "lanewise"],
        ["erc20-warm", "lanewise"],
        ["erc20-cold-50", "lanewise"],
        ["erc20-warm-50", "lanewise"],
        ["erc20-cold", "@ethereumjs/vm"],
      ],
    );
    assert.deepEqual(absent, {});
    for (const row of rows) assert.ok(row.transactionsPerSecond > 0);
    for (const { coreMicrosPerTx } of rows.slice(0, 2)) {
      const stages = ["decode", "hash", "recover", "check", "execute", "commit"];
      assert.deepEqual(Object.keys(coreMicrosPerTx ?? {}), stages);
      for (const micros of Object.values(coreMicrosPerTx ?? {})) assert.ok(micros > 0);
    }
  });

  it("times tries and stores", async () => {
    const rows = await benchState({ leaves: 500, updates: 50, rounds: 1, blocks: 1, holders: 500 });
    assert.ok(rows.length >= 9);
    for (const { updates, microsPerUpdate } of rows) assert.ok(updates > 0 && microsPerUpdate > 0);
  });
});
