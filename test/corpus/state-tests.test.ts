/**
 * Ethereum's state tests through the EVM executor: every case of the corpus, Frontier to Osaka.
 *
 * A few cases burn billions of gas in a loop; published runners leave them out too. They run where LANEWISE_SLOW=1, as do all those of
 * elliptic curves, of which else a fixed sample runs. Cases run on two threads as well, as a block of one, and those that share a
 * pre-state together in one block, against serial execution: some of them, or all where LANEWISE_SLOW=1. What may not be included, or
 * needs more memory than a thread's region has, ends on one thread by rule, and is counted apart.
 */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { basename } from "node:path";
import { after, describe, it } from "node:test";
import { createEvmExecutor } from "../../src/executor/evm/index.ts";
import type { Execution, Executor } from "../../src/executor/index.ts";
import { plainExecution } from "../executor/evm/compare.ts";
import { corpusPath, corpusSkip } from "../support/corpus.ts";
import {
  gradeStateCase,
  readStateCases,
  runStateCase,
  runStateCasesTogether,
  type StateCase,
  sharedStateKey,
} from "./state-test.ts";

const slow = process.env.LANEWISE_SLOW === "1";

/** Minutes of one loop each, by design. */
const ENDLESS = /vmPerformance\/loop|stTimeConsuming\/(CALLBlake2f|static_Call50000)|Call50000/;
/** Elliptic curves in the host's libraries: seconds a case, with many cases alike. */
const CURVES = /eip2537|stZeroKnowledge|bls12/;
/** A GiB of EVM memory: more than other threads' regions have. */
const HUGE = /static_Call1MB1024Calldepth/;
/** One of how many cases runs on two threads as well. */
const PARALLEL_SAMPLE = slow ? 1 : 23;

/** Most cases in one block. */
const MOST_TOGETHER = 64;

/** Whether the run takes the case. */
function isWanted(subject: StateCase, index: number, name: string): boolean {
  if (slow) return true;
  if (ENDLESS.test(name)) return false;
  return subject.post.expectException !== undefined || !CURVES.test(name) || index % 8 === 0;
}

/** Gathers cases that share pre-state and fork, and can be included. */
class Batches {
  readonly #all = new Map<string, StateCase[]>();

  add(subject: StateCase): void {
    if (subject.post.expectException !== undefined) return;
    const key = sharedStateKey(subject);
    const cases = this.#all.get(key) ?? [];
    this.#all.set(key, cases);
    if (cases.length < MOST_TOGETHER) cases.push(subject);
  }

  *[Symbol.iterator](): Generator<readonly StateCase[]> {
    for (const cases of this.#all.values()) if (cases.length > 1) yield cases;
  }
}

for (const suite of ["eest-state-tests", "ethereum-tests/GeneralStateTests"]) {
  describe(suite, { skip: corpusSkip }, () => {
    if (corpusSkip) return;
    const executor = createEvmExecutor({ transactionsOnly: true });
    const parallel = createEvmExecutor({ transactionsOnly: true, workers: 2, leastParallel: 1 });
    const passedByFork = new Map<string, number>();
    let batched = 0;
    const parallelByFork = new Map<string, number>();
    const counts = { rejected: 0, huge: 0, together: 0, blocks: 0 };
    after(async () => {
      await Promise.all([executor.close(), parallel.close()]);
      console.log(`# ${suite}: ${JSON.stringify(Object.fromEntries(passedByFork))}`);
      const threaded = { ...Object.fromEntries(parallelByFork), ...counts };
      console.log(`# ${suite}, on two threads: ${JSON.stringify(threaded)}`);
    });
    for (const folder of readdirSync(corpusPath(suite)).sort()) {
      it(folder, async () => {
        const failures: string[] = [];
        let index = 0;
        let graded = 0;
        const batches = new Batches();
        for (const subject of readStateCases(corpusPath(suite, folder))) {
          if (!isWanted(subject, index++, `${folder}/${subject.name}`)) continue;
          let wrong = await grade(executor, subject);
          graded++;
          if (graded % PARALLEL_SAMPLE === 0) wrong ??= await grade(parallel, subject);
          const name = `${folder}/${subject.name}`;
          if (!ENDLESS.test(name) && !HUGE.test(name)) batches.add(subject);
          if (wrong !== undefined) failures.push(`${subject.name}: ${wrong}`);
          else {
            const { forkName } = subject;
            passedByFork.set(forkName, (passedByFork.get(forkName) ?? 0) + 1);
          }
        }
        assert.ok(graded > 0, `${basename(folder)}: no cases`);
        for (const cases of batches) {
          if (++batched % PARALLEL_SAMPLE !== 0) continue;
          const [expected, got] = [
            await runStateCasesTogether(executor, cases),
            await runStateCasesTogether(parallel, cases),
          ];
          counts.blocks++;
          counts.together += cases.length;
          assert.deepEqual(plainExecution(got), plainExecution(expected), cases[0].name);
          if (got.ok) assert.ok(got.result.conflicts, `${cases[0].name}: ran on one thread`);
        }
        assert.equal(
          failures.length,
          0,
          `${failures.length} failed\n${failures.slice(0, 20).join("\n")}`,
        );
      });
    }
    function countParallel({ name, forkName }: StateCase, execution: Execution): void {
      if (!execution.ok) counts.rejected++;
      else if (execution.result.conflicts === undefined && HUGE.test(name)) counts.huge++;
      else {
        assert.ok(execution.result.conflicts, `${name}: ran on one thread`);
        parallelByFork.set(forkName, (parallelByFork.get(forkName) ?? 0) + 1);
      }
    }
    async function grade(on: Executor, subject: StateCase): Promise<string | undefined> {
      try {
        const execution = await runStateCase(on, subject);
        if (on === parallel) countParallel(subject, execution);
        return gradeStateCase(subject, execution);
      } catch (error) {
        return `threw: ${error instanceof Error ? error.message : error}`;
      }
    }
  });
}
