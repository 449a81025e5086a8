/**
 * How answers leave the books: straight from a batch, or from the cache, into the arrays of whoever waits for them.
 *
 * @module
 */
import { type Batch, Verdict } from "../core/index.ts";
import { resultWordsOf, type Segment } from "./batches.ts";
import type { Job } from "./lot.ts";
import type { VerifierMetrics } from "./metrics.ts";
import type { Waiters } from "./waiters.ts";

/** See the module's description. */
export class Delivery {
  readonly #metrics: VerifierMetrics;
  readonly #waiters: Waiters;
  readonly #settleIfDone: (job: Job) => void;

  /** @param settleIfDone called with each job that got answers, after them. */
  constructor(metrics: VerifierMetrics, waiters: Waiters, settleIfDone: (job: Job) => void) {
    this.#metrics = metrics;
    this.#waiters = waiters;
    this.#settleIfDone = settleIfDone;
  }

  /** Hands the answers of a segment to the job that brought its records and to everyone who joined them. */
  deliver(segment: Segment, batch: Batch): void {
    const { job, firstWaiters } = segment.lot;
    if (job !== undefined) this.#deliverTo(job, segment, batch);
    if (firstWaiters !== undefined) this.#deliverToWaiters(segment, batch);
    if (job !== undefined) this.#settleIfDone(job);
  }

  /** Records one answer of a job; its result is the `step` words at `at`. */
  write(
    job: Job,
    place: number,
    verdict: number,
    words: Uint32Array,
    at: number,
    step: number,
  ): void {
    job.verdicts[place] = verdict;
    job.missing--;
    this.#metrics.answered++;
    if (verdict !== Verdict.Valid) {
      this.#metrics.invalid++;
      return;
    }
    this.#metrics.valid++;
    const to = place * step;
    const { resultWords } = job;
    for (let i = 0; i < step; i++) resultWords[to + i] = words[at + i];
  }

  #deliverTo(job: Job, { lot, first, count, at }: Segment, batch: Batch): void {
    const { places, firstPlace, key } = lot;
    const { verdicts, results } = batch;
    const step = key.resultWords;
    if (places !== undefined) {
      const words = resultWordsOf(batch);
      for (let i = 0; i < count; i++) {
        this.write(job, places[first + i], verdicts[at + i], words, (at + i) * step, step);
      }
      return;
    }
    const bytes = 4 * step;
    const start = firstPlace + first;
    job.verdicts.set(verdicts.subarray(at, at + count), start);
    job.results.set(results.subarray(at * bytes, (at + count) * bytes), start * bytes);
    let valid = 0;
    for (let place = start; place < start + count; place++) {
      if (job.verdicts[place] === Verdict.Valid) valid++;
      else job.resultWords.fill(0, place * step, (place + 1) * step);
    }
    job.missing -= count;
    this.#metrics.answered += count;
    this.#metrics.valid += valid;
    this.#metrics.invalid += count - valid;
  }

  #deliverToWaiters({ lot, first, count, at }: Segment, batch: Batch): void {
    const words = resultWordsOf(batch);
    const step = lot.key.resultWords;
    for (let i = 0; i < count; i++) {
      this.#waiters.release(lot, first + i, (job, place) => {
        this.write(job, place, batch.verdicts[at + i], words, (at + i) * step, step);
        this.#settleIfDone(job);
      });
    }
  }
}
