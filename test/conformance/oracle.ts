// The reference's answers to cases, each computed once a process, and the comparison of a batch with them.
import assert from "node:assert/strict";
import { type Algorithm, Batch, verdictName } from "../../src/index.ts";
import {
  arenaBytesOf,
  type Case,
  type CaseGenerator,
  fillBatch,
} from "../../src/workloads/cases.ts";
import { createRandom } from "../../src/workloads/random.ts";

interface Answer {
  readonly verdict: number;
  readonly result: Uint8Array;
}

const answers = new WeakMap<Case, Answer>();

function referenceAnswer(algorithm: Algorithm, batch: Batch, index: number): Answer {
  const result = new Uint8Array(algorithm.result.byteLength);
  const arena = batch.arena.subarray(0, batch.arenaLength);
  const verdict = algorithm.reference(batch.record(index), arena, result);
  return { verdict, result };
}

/** Every crafted case and `randomCount` random ones, the crafted spread among the random. */
export function mixedCases(generator: CaseGenerator, randomCount: number, seed = 1): Case[] {
  const random = createRandom(seed);
  const cases = Array.from({ length: randomCount }, () => generator.random(random));
  for (const crafted of generator.crafted()) {
    cases.splice(random.below(cases.length + 1), 0, crafted);
  }
  return cases;
}

/** `count` cases, beginning with number `from`, round and round. */
export function cycle(cases: readonly Case[], from: number, count: number): Case[] {
  return Array.from({ length: count }, (_, i) => cases[(from + i) % cases.length]);
}

/** A batch of these cases, verdicts and results filled with what no back end writes. */
export function batchOf(algorithm: Algorithm, cases: readonly Case[]): Batch {
  const batch = new Batch(algorithm, cases.length, arenaBytesOf(cases));
  fillBatch(batch, cases);
  batch.results.fill(0xa5);
  return batch;
}

/** Fails with the case's name where the batch's answers are not the reference's. */
export function assertConforms(batch: Batch, cases: readonly Case[]): void {
  const { algorithm } = batch;
  for (const [index, item] of cases.entries()) {
    let answer = answers.get(item);
    if (!answer) {
      answer = referenceAnswer(algorithm, batch, index);
      // Where a record points depends on the batch it is in; every other answer holds for good.
      if (!item.point) answers.set(item, answer);
    }
    const found = `${verdictName(batch.verdicts[index])} ${Buffer.from(batch.result(index)).toString("hex")}`;
    const wanted = `${verdictName(answer.verdict)} ${Buffer.from(answer.result).toString("hex")}`;
    if (found !== wanted) {
      assert.fail(
        `item ${index} of ${cases.length} (${item.name}, record ` +
          `${Buffer.from(batch.record(index)).toString("hex")}): expected ${wanted}, got ${found}`,
      );
    }
  }
}
