/** Random contracts in random blocks, every fork: the EVM in WebAssembly against `@ethereumjs/vm`, receipts, logs and state. @module */
import { after, describe, it } from "node:test";
import { createEvmExecutor } from "../../../src/executor/evm/index.ts";
import { createOracleExecutor } from "../../../src/executor/oracle/index.ts";
import { createMemoryState } from "../../../src/state/memory.ts";
import { seededRandom } from "../../support/random.ts";
import { assertSameOutcome } from "./compare.ts";
import { DIFFERENTIAL_FORKS, randomBlock } from "./programs.ts";

/** Blocks a fork, of three transactions each; 15 forks. */
const BLOCKS = process.env.LANEWISE_SLOW === "1" ? 1200 : 12;
const TRANSACTIONS = 3;

describe("random blocks, EVM against the oracle", () => {
  const subject = createEvmExecutor();
  const oracle = createOracleExecutor();
  after(() => Promise.all([subject.close(), oracle.close()]));
  for (const [index, fork] of DIFFERENTIAL_FORKS.entries()) {
    it(fork, async () => {
      for (let i = 0; i < BLOCKS; i++) {
        const seed = index * 1_000_000 + i;
        const { state, block } = randomBlock(seededRandom(seed), fork, TRANSACTIONS);
        await assertSameOutcome(subject, oracle, block, createMemoryState(state), `seed ${seed}`);
      }
    });
  }
});
