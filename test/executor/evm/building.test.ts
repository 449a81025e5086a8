/** Blocks built of candidates: what is left in and out is what trying one candidate after the other gives, on any number of threads. @module */
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { createEvmExecutor, type EvmExecutor } from "../../../src/executor/evm/index.ts";
import type { ExecutableBlock } from "../../../src/executor/index.ts";
import { createOracleExecutor } from "../../../src/executor/oracle/index.ts";
import { createMemoryState } from "../../../src/state/memory.ts";
import type { StateSource } from "../../../src/state/source.ts";
import { generateWorkload } from "../../../src/workloads/workload.ts";
import { seededRandom } from "../../support/random.ts";
import { plainExecution } from "./compare.ts";
import { randomBlock } from "./programs.ts";

const slow = process.env.LANEWISE_SLOW === "1";
const FORKS = ["london", "cancun", "prague", "osaka"] as const;

/** A pool: a block's transactions without those of set-code type, some twice, some out of order, some that are no transactions. */
function poolOf(block: ExecutableBlock, seed: number): ExecutableBlock {
  const random = seededRandom(seed);
  const order = block.transactions.map((_, i) => i).filter((i) => block.transactions[i][0] !== 4);
  for (let swaps = 0; swaps < 4; swaps++) {
    const [a, b] = [random.below(order.length), random.below(order.length)];
    [order[a], order[b]] = [order[b], order[a]];
  }
  for (let copies = 0; copies < 3; copies++) {
    order.splice(random.below(order.length), 0, random.pick(order));
  }
  const transactions = order.map((i) =>
    random.below(12) === 0 ? block.transactions[i].slice(0, -1) : block.transactions[i],
  );
  const senders = new Uint8Array(20 * order.length);
  for (const [place, i] of order.entries()) {
    senders.set(block.senders.subarray(20 * i, 20 * i + 20), 20 * place);
  }
  const gasLimit = random.below(2) ? block.environment.gasLimit : 900_000n;
  const environment = { ...block.environment, gasLimit };
  return { ...block, environment, transactions, senders, authorities: new Uint8Array(0) };
}

const part = (pool: ExecutableBlock, indices: readonly number[]): ExecutableBlock => {
  const senders = new Uint8Array(20 * indices.length);
  for (const [place, i] of indices.entries()) {
    senders.set(pool.senders.subarray(20 * i, 20 * i + 20), 20 * place);
  }
  return { ...pool, transactions: indices.map((i) => pool.transactions[i]), senders };
};

describe("block building", () => {
  const oracle = createOracleExecutor();
  const serial = createEvmExecutor();
  const builders: readonly EvmExecutor[] = [
    serial,
    createEvmExecutor({ workers: 2, leastParallel: 1 }),
    createEvmExecutor({ workers: 3, leastParallel: 1 }),
  ];
  after(() => Promise.all([oracle.close(), ...builders.map((builder) => builder.close())]));

  /** Tries one candidate after the other. */
  async function fill(pool: ExecutableBlock, state: StateSource): Promise<number[]> {
    const included: number[] = [];
    for (let i = 0; i < pool.transactions.length; i++) {
      const trial = await oracle.execute(part(pool, [...included, i]), state);
      if (trial.ok) included.push(i);
      else assert.equal(trial.invalid.index, included.length);
    }
    return included;
  }

  it("random pools: nonces spent and missing, gas that runs out, bytes cut off", async () => {
    let dropped = 0;
    for (let i = 0; i < (slow ? 200 : 20); i++) {
      const { state, block } = randomBlock(seededRandom(9_000_000 + i), FORKS[i % 4], 6 + (i % 9));
      const pool = poolOf(block, i);
      const source = createMemoryState(state);
      const included = await fill(pool, source);
      const expected = await oracle.execute(part(pool, included), source);
      for (const builder of builders) {
        const built = await builder.build(pool, source);
        assert.deepEqual(built.included, included, `pool ${i}`);
        assert.deepEqual(
          plainExecution({ ok: true, result: built.result }),
          plainExecution(expected),
        );
        assert.deepEqual(built.block, part(pool, included));
        const out = pool.transactions.map((_, at) => at).filter((at) => !included.includes(at));
        assert.deepEqual(
          built.dropped.map(({ index }) => index),
          out,
        );
        assert.ok(built.dropped.every(({ reason }) => reason.includes("expected")));
        dropped += out.length;
      }
    }
    assert.ok(dropped > 0);
  });

  it("the same reasons on any number of threads", async () => {
    for (let i = 0; i < (slow ? 300 : 40); i++) {
      const { state, block } = randomBlock(seededRandom(9_500_000 + i), "prague", 12 + (i % 30));
      const pool = poolOf(block, i);
      const source = createMemoryState(state);
      const [first, ...others] = builders;
      const expected = await first.build(pool, source);
      for (const builder of others) {
        const built = await builder.build(pool, source);
        assert.deepEqual(built.dropped, expected.dropped);
        assert.deepEqual(built.included, expected.included);
        assert.deepEqual(
          plainExecution({ ok: true, result: built.result }),
          plainExecution({ ok: true, result: expected.result }),
        );
      }
    }
  });

  it("set-code transactions keep their authorities, and a nonce gap freezes nobody", async () => {
    const { state, block } = randomBlock(seededRandom(31), "prague", 40);
    const source = createMemoryState(state);
    for (const builder of builders) {
      const built = await builder.build(block, source);
      assert.equal(built.dropped.length, 0);
      assert.deepEqual(built.block.authorities, block.authorities);
    }
    const workload = await generateWorkload({
      name: "erc20-sender-chain",
      transactions: 300,
      executor: serial,
    });
    const [chain] = workload.blocks;
    // Without its third transaction, all that follow have a nonce too high.
    const gap = part(
      chain,
      chain.transactions.map((_, i) => i).filter((i) => i !== 2),
    );
    for (const builder of builders) {
      const built = await builder.build(gap, createMemoryState(workload.state));
      assert.deepEqual(built.included, [0, 1]);
      assert.match(built.dropped[0].reason, /^nonce: expected \d+, got \d+$/);
    }
  });

  it("an empty pool gives an empty block", async () => {
    const { state, block } = randomBlock(seededRandom(1), "prague", 1);
    for (const builder of builders) {
      const built = await builder.build(part(block, []), createMemoryState(state));
      assert.equal(built.result.gasUsed, 0n);
      assert.deepEqual([built.included, built.dropped], [[], []]);
    }
  });
});
