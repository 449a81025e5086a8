/**
 * Batches of cases whose answers the reference has given, to check what is measured.
 *
 * @module
 */
import { type Algorithm, Batch, LanewiseError } from "../core/index.ts";
import { arenaBytesOf, type Case, type CaseGenerator, fillBatch } from "../workloads/cases.ts";
import { createRandom } from "../workloads/random.ts";

/** Distinct cases of a batch; larger batches repeat them. */
const DISTINCT = 1024;

/** Cases of one algorithm with the reference's answers, each computed once. */
export class KnownCases {
  readonly algorithm: Algorithm;
  readonly #cases: readonly Case[];
  readonly #answers = new Map<Case, { verdict: number; result: Uint8Array }>();

  constructor(generator: CaseGenerator) {
    const random = createRandom(generator.algorithm.id);
    // Where a record points by itself, its answer depends on the batch.
    const crafted = generator
      .crafted()
      .filter(({ message, point }) => (message?.length ?? 0) <= 4096 && point === undefined);
    this.algorithm = generator.algorithm;
    this.#cases = [
      ...crafted.slice(0, DISTINCT / 8),
      ...Array.from({ length: DISTINCT }, () => generator.random(random)),
    ].slice(0, DISTINCT);
  }

  /** So many cases, round and round. */
  batch(items: number): Batch {
    const cases = Array.from({ length: items }, (_, i) => this.#caseOf(i));
    const batch = new Batch(this.algorithm, items, arenaBytesOf(cases));
    fillBatch(batch, cases);
    return batch;
  }

  /** Compares every answer with the reference's. */
  check(batch: Batch): number {
    for (let i = 0; i < batch.count; i++) {
      const { verdict, result } = this.#answerOf(batch, i);
      const found = batch.result(i);
      if (batch.verdicts[i] === verdict && result.every((byte, at) => byte === found[at])) continue;
      throw new LanewiseError(
        "ERR_BACKEND_FAILED",
        `${this.algorithm.id}: wrong answer for item ${i} (${this.#caseOf(i).name}) of ${batch.count}`,
      );
    }
    return batch.count;
  }

  #caseOf(item: number): Case {
    return this.#cases[item % this.#cases.length];
  }

  #answerOf(batch: Batch, item: number): { verdict: number; result: Uint8Array } {
    const known = this.#answers.get(this.#caseOf(item));
    if (known) return known;
    const result = new Uint8Array(this.algorithm.result.byteLength);
    const arena = batch.arena.subarray(0, batch.arenaLength);
    const verdict = this.algorithm.reference(batch.record(item), arena, result);
    this.#answers.set(this.#caseOf(item), { verdict, result });
    return { verdict, result };
  }
}
