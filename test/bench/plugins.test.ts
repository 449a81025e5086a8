// The shape of the plug-ins' benchmarks, and what must hold whatever the machine; figures themselves are not asserted.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { benchEthereumjs } from "../../src/bench/ethereumjs.ts";
import { benchSszHasher } from "../../src/bench/ssz-hasher.ts";
import { replay } from "../../src/bench/trace.ts";
import { benchVerifier, burstyTrace } from "../../src/bench/verifier.ts";
import { createReferenceBackend, createVerifier, secp256k1Recover } from "../../src/index.ts";

describe("benchmarks of the plug-ins", { timeout: 120_000 }, () => {
  it("ssz-hasher: ours and the hashers that come with the tree", async () => {
    const { id, rows, absent } = await benchSszHasher(1, 5);
    assert.equal(id, "ssz-hasher");
    assert.deepEqual(
      rows.map(({ name }) => name),
      ["lanewise", "as-sha256", "hashtree", "noble"],
    );
    assert.deepEqual(absent, {});
    for (const { hashIntoNs, treeNs, singleNs } of rows) {
      assert.ok(hashIntoNs > 0 && treeNs > 0 && singleNs > 0);
    }
  });

  it("ethereumjs: the same state root with and without", async () => {
    const { transactions, stockMs, pluginMs, prefillMs } = await benchEthereumjs(1, 20);
    assert.equal(transactions, 20);
    assert.ok(stockMs > 0 && pluginMs > prefillMs && prefillMs > 0);
  });

  it("verifier: overload is bounded, told, and finished", async () => {
    const options = { idleRounds: 50, overloadMs: 1000, traceMs: 200, rounds: 1 };
    const { idle, overload, ablation } = await benchVerifier(options);
    assert.ok(idle.ratio > 0 && idle.kernel.p50 <= idle.kernel.p99);
    assert.ok(overload.acceptedItems > 0 && overload.mostQueuedItems <= 4096);
    assert.ok(overload.blockLoaded.p99 > 0 && overload.blockIdle.p99 > 0);
    assert.deepEqual(Object.keys(ablation), ["cost model", "workers", "calling thread"]);
    const items = Object.values(ablation).map((result) => result.items);
    assert.deepEqual(new Set(items).size, 1);
  });

  it("a trace is the same for the same seed, and replays on any back end", async () => {
    assert.deepEqual(burstyTrace("a", 300), burstyTrace("a", 300));
    assert.notDeepEqual(burstyTrace("a", 300), burstyTrace("b", 300));
    const backends = [createReferenceBackend()];
    const verifier = createVerifier({ algorithms: [secp256k1Recover], backends, cacheEntries: 0 });
    const arrivals = [0, 10, 10, 25].map((atMs, i) => ({ atMs, items: i + 1 }));
    const { record } = secp256k1Recover.examples[0];
    const result = await replay(verifier, { algorithm: secp256k1Recover, arrivals }, (items) =>
      Uint8Array.from({ length: items * record.length }, (_, i) => record[i % record.length]),
    );
    assert.equal(result.items, 10);
    assert.ok(result.totalMs >= 25 && result.p50Ms <= result.p99Ms);
    await verifier.close();
  });
});
