/**
 * Ethereum's state tests through the EVM executor: every case of the corpus, Frontier to Osaka.
 *
 * A few cases burn billions of gas in a loop; published runners leave them out too. They run where LANEWISE_SLOW=1, as does every case
 * of `eest-state-tests` and `GeneralStateTests`; else a fixed sample of each file runs.
 */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { basename } from "node:path";
import { after, describe, it } from "node:test";
import { createEvmExecutor } from "../../src/executor/evm/index.ts";
import { corpusPath, corpusSkip } from "../support/corpus.ts";
import { gradeStateCase, readStateCases, runStateCase, type StateCase } from "./state-test.ts";

const slow = process.env.LANEWISE_SLOW === "1";

/** Minutes of one loop each, by design. */
const ENDLESS = /vmPerformance\/loop|stTimeConsuming\/(CALLBlake2f|static_Call50000)|Call50000/;
/** Elliptic curves in the host's libraries: seconds a case, with many cases alike. */
const CURVES = /eip2537|stZeroKnowledge|bls12/;

/** Cases a file that the default run takes, spread over the file; all of them in a slow run. */
function isWanted(subject: StateCase, index: number, name: string): boolean {
  if (slow) return true;
  if (ENDLESS.test(name)) return false;
  const sample = CURVES.test(name) ? 16 : SAMPLE;
  return subject.post.expectException !== undefined || index % sample === 0;
}
const SAMPLE = 1;

for (const suite of ["eest-state-tests", "ethereum-tests/GeneralStateTests"]) {
  describe(suite, { skip: corpusSkip }, () => {
    if (corpusSkip) return;
    const executor = createEvmExecutor({ transactionsOnly: true });
    const passedByFork = new Map<string, number>();
    after(async () => {
      await executor.close();
      console.log(`# ${suite}: ${JSON.stringify(Object.fromEntries(passedByFork))}`);
    });
    for (const folder of readdirSync(corpusPath(suite)).sort()) {
      it(folder, async () => {
        const failures: string[] = [];
        let index = 0;
        let graded = 0;
        for (const subject of readStateCases(corpusPath(suite, folder))) {
          if (!isWanted(subject, index++, `${folder}/${subject.name}`)) continue;
          const wrong = await grade(subject);
          graded++;
          if (wrong !== undefined) failures.push(`${subject.name}: ${wrong}`);
          else {
            const { forkName } = subject;
            passedByFork.set(forkName, (passedByFork.get(forkName) ?? 0) + 1);
          }
        }
        assert.ok(graded > 0, `${basename(folder)}: no cases`);
        assert.equal(
          failures.length,
          0,
          `${failures.length} failed\n${failures.slice(0, 20).join("\n")}`,
        );
      });
    }
    async function grade(subject: StateCase): Promise<string | undefined> {
      try {
        return gradeStateCase(subject, await runStateCase(executor, subject));
      } catch (error) {
        return `threw: ${error instanceof Error ? error.message : error}`;
      }
    }
  });
}
