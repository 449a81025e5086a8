/**
 * The parallel executor against the serial one, and on two workers against `@ethereumjs/vm` as well: every outcome equal, whatever the
 * conflicts, hints and threads.
 *
 * @module
 */
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { createEvmExecutor } from "../../../src/executor/evm/index.ts";
import type { ConflictReport } from "../../../src/executor/index.ts";
import { createOracleExecutor } from "../../../src/executor/oracle/index.ts";
import { createMemoryState } from "../../../src/state/memory.ts";
import { createSharedState } from "../../../src/state/shared-state.ts";
import { generateWorkload, workloads } from "../../../src/workloads/workload.ts";
import { seededRandom } from "../../support/random.ts";
import { assertSameOutcome } from "./compare.ts";
import { randomBlock } from "./programs.ts";

const slow = process.env.LANEWISE_SLOW === "1";
const FORKS = ["cancun", "prague", "osaka"] as const;

describe("parallel execution equals serial execution", () => {
  const serial = createEvmExecutor();
  const oracle = createOracleExecutor();
  after(() => Promise.all([serial.close(), oracle.close()]));
  for (const workers of slow ? [2, 3, 4] : [2, 3]) {
    describe(`${workers} workers`, () => {
      const reports: ConflictReport[] = [];
      const parallel = createEvmExecutor({ workers, leastParallel: 1 });
      after(() => parallel.close());

      it("random blocks: calls, creations, self-destruction, the coinbase among the accounts", async () => {
        const blocks = slow ? 2000 : 60;
        for (let i = 0; i < blocks; i++) {
          const fork = FORKS[i % FORKS.length];
          const transactions = 1 + ((i * 7) % 40);
          const { state, block } = randomBlock(seededRandom(5_000_000 + i), fork, transactions);
          const source = createMemoryState(state);
          const outcome = await assertSameOutcome(
            parallel,
            workers === 2 && (slow || i % 6 === 0) ? oracle : serial,
            block,
            source,
            `block ${i}, ${fork}`,
          );
          if (outcome.ok && outcome.result.conflicts) reports.push(outcome.result.conflicts);
        }
        assert.ok(
          reports.some(({ aborts }) => aborts > 0),
          "no conflict met",
        );
        assert.ok(
          reports.some(({ deferred }) => deferred > 0),
          "the coinbase was never looked at",
        );
      });

      for (const name of workloads.keys()) {
        it(name, async () => {
          const transactions = slow ? 4000 : 200;
          const workload = await generateWorkload({
            name,
            transactions,
            transactionsPerBlock: transactions / 2,
            executor: serial,
          });
          // A state that every thread reads for itself, and that goes from block to block.
          const shared = createSharedState(workload.state);
          for (const block of workload.blocks) {
            const execution = await assertSameOutcome(parallel, serial, block, shared.source, name);
            assert.ok(execution.ok);
            assert.ok(execution.result.receipts.every((receipt) => receipt.status));
            shared.apply(execution.result.stateDiff);
          }
        });
      }

      it("transactions that all depend on the one before: few run twice, however busy the machine", async () => {
        const transactions = 1000;
        const workload = await generateWorkload({
          name: "amm-high",
          transactions,
          transactionsPerBlock: transactions,
          executor: serial,
        });
        const [block] = workload.blocks;
        const state = createMemoryState(workload.state);
        const execution = await assertSameOutcome(parallel, serial, block, state, "amm-high");
        assert.ok(execution.ok);
        const { conflicts } = execution.result;
        assert.equal(conflicts?.criticalPath, transactions);
        // What runs ahead before the first spans have been judged, and then one thread goes on alone.
        assert.ok(conflicts.aborts < transactions / 4, `${conflicts.aborts} aborts`);
      });

      it("a transaction that may not be included stops the block where serial execution does", async () => {
        const { state, block } = randomBlock(seededRandom(99), "prague", 24);
        const source = createMemoryState(state);
        // The one at 11 is repeated at 17: its nonce is spent by then.
        const transactions = [...block.transactions];
        const senders = Uint8Array.from(block.senders);
        transactions[17] = transactions[11];
        senders.set(senders.subarray(220, 240), 340);
        const broken = { ...block, transactions, senders };
        const execution = await assertSameOutcome(parallel, serial, broken, source, "spent nonce");
        assert.equal(execution.ok, false);
      });

      it("a transaction rejected before it has read anything, after a block that read much", async () => {
        const { state, block } = randomBlock(seededRandom(77), "prague", 24);
        const source = createMemoryState(state);
        await assertSameOutcome(parallel, serial, block, source, "before");
        const broken = {
          ...block,
          transactions: [Uint8Array.of(0xc0)],
          senders: new Uint8Array(20),
        };
        const execution = await assertSameOutcome(parallel, serial, broken, source, "malformed");
        assert.equal(execution.ok, false);
      });

      it("a block whose gas runs out in the middle", async () => {
        const { state, block } = randomBlock(seededRandom(123), "prague", 24);
        const environment = { ...block.environment, gasLimit: 900_000n };
        const source = createMemoryState(state);
        const small = { ...block, environment };
        const execution = await assertSameOutcome(parallel, serial, small, source, "gas limit");
        assert.equal(execution.ok, false);
      });

      it("a state that cannot be read fails with its own error, and the next block runs", async () => {
        const { state, block } = randomBlock(seededRandom(5), "prague", 12);
        const partial = createMemoryState({ ...state, complete: false, accounts: new Map() });
        await assert.rejects(parallel.execute(block, partial), { code: "ERR_STATE_MISSING" });
        await assertSameOutcome(parallel, serial, block, createMemoryState(state), "after failure");
      });
    });
  }

  it("refuses a number of workers out of range", () => {
    for (const workers of [0, 33, 1.5]) {
      assert.throws(() => createEvmExecutor({ workers }), RangeError);
    }
  });
});
