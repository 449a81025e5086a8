/**
 * The verifier's books: what was submitted, what of it waits or runs, and who gets which answer.
 *
 * Nothing here is an object, a string or a promise a record: records lie in lots, are told apart by hash and bytes, wait as runs, and
 * their answers go straight into the arrays of the submissions.
 *
 * @module
 */
import { type Algorithm, type Batch, LanewiseError, Verdict } from "../core/index.ts";
import type { Segment } from "./batches.ts";
import type { SubmitOptions } from "./contract.ts";
import { ADDRESS_BYTES, type Job, type Lot } from "./lot.ts";
import type { VerifierMetrics } from "./metrics.ts";
import { FairQueue, type Priority, type Slice } from "./queue.ts";
import { RecordBook, type Submission } from "./record-book.ts";
import { UNKEYED } from "./record-key.ts";
import { type LotRange, Waiters } from "./waiters.ts";

/** Back ends that may fail one record before its callers hear of it. */
const MOST_ATTEMPTS = 5;

/** How the books are kept. */
export interface LedgerOptions {
  readonly algorithms: readonly Algorithm[];
  readonly maxQueuedItems: number;
  readonly cacheEntries: number;
  readonly metrics: VerifierMetrics;
  /** Called when the last job is settled. */
  readonly onEmpty: () => void;
}

/** See the module's description. */
export class Ledger {
  readonly queue: FairQueue<Job, Lot>;
  readonly #book: RecordBook;
  readonly #metrics: VerifierMetrics;
  readonly #onEmpty: () => void;
  readonly #waiters = new Waiters();
  readonly #jobs = new Set<Job>();

  constructor(options: LedgerOptions) {
    this.queue = new FairQueue(options.maxQueuedItems);
    this.#book = new RecordBook(options.algorithms, options.cacheEntries);
    this.#metrics = options.metrics;
    this.#onEmpty = options.onEmpty;
  }

  /** Jobs not settled. */
  get jobs(): number {
    return this.#jobs.size;
  }

  /**
   * Answers what is known, joins what is on its way, queues the rest. The job may be settled when this returns.
   *
   * @param piece places that are worth a batch of their own: where the whole job fits, so many are queued at a time, and `begin` is
   * called when there are more to come, so that back ends need not wait for the whole of a large submission to be looked through.
   */
  accept(
    job: Job,
    algorithm: Algorithm,
    records: Uint8Array,
    options: SubmitOptions,
    piece: number,
    begin: () => void,
  ): void {
    const count = job.verdicts.length;
    const submission = this.#book.copy(algorithm, records, options);
    this.#jobs.add(job);
    this.#listen(job, options);
    const fits = this.queue.size + count <= this.queue.capacity;
    const step = fits ? Math.max(piece, 1) : Math.max(count, 1);
    for (let first = 0; first < count; first += step) {
      const end = Math.min(first + step, count);
      if (!this.#acceptPart(job, submission, first, end)) return;
      if (end < count) begin();
    }
    this.#settleIfDone(job);
  }

  /** Accepts places `first` … `end - 1`; `false` where there is no room for them, and the job is settled. */
  #acceptPart(job: Job, submission: Submission, first: number, end: number): boolean {
    const { priority } = submission;
    const lot = this.#book.open(job, submission, first, end);
    this.#sort(job, lot, end - first);
    // Places joined before anything is shed: a record that somebody waits for survives the job that brought it.
    if (!this.#makeRoom(job, priority, lot.count)) {
      if (!job.settled) {
        this.#metrics.shed += job.missing;
        const { size, capacity } = this.queue;
        const message = `verifier: ${size} of ${capacity} items wait; ${lot.count} more are refused`;
        this.giveUp(job, new LanewiseError("ERR_OVERLOADED", message));
      }
      this.#forgetRecords(lot, 0, lot.count);
      return false;
    }
    if (lot.joined > 0) {
      this.#metrics.joined += lot.joined;
      if (priority === "block") {
        for (const range of this.#waiters.rangesOf(job)) this.#raise(range);
      }
    }
    job.lots.push(lot);
    this.queue.push(lot, 0, lot.count, job, priority);
    if (lot.count === 0) this.#book.close(lot);
    return true;
  }

  /** Rejects a job; records that nobody else waits for leave the queue. */
  giveUp(job: Job, error: LanewiseError): void {
    if (job.settled) return;
    job.settled = true;
    job.stopListening();
    const joined = this.#waiters.rangesOf(job);
    this.#waiters.dismiss(job);
    for (const lot of job.lots) lot.job = undefined;
    for (const lot of job.lots) this.#bequeath(job, { lot, first: 0, end: lot.count });
    for (const range of joined) this.#bequeath(job, range);
    this.#forgetJob(job);
    job.reject(error);
  }

  /** Rejects all jobs. */
  giveUpAll(error: LanewiseError): void {
    for (const job of [...this.#jobs]) this.giveUp(job, error);
  }

  /** Hands the answers of a batch to everyone who waits for them. */
  answer(segments: readonly Segment[], batch: Batch, origin: number): void {
    const { verdicts, sections, buffer } = batch;
    const resultWords = new Uint32Array(buffer, sections.results, batch.results.length >>> 2);
    for (const segment of segments) {
      const { lot, count } = segment;
      if (lot.job !== undefined) this.#deliver(lot.job, lot, segment, batch, resultWords);
      this.#book.keep(segment, verdicts, resultWords, origin);
      if (lot.firstWaiters !== undefined) this.#deliverToWaiters(segment, verdicts, resultWords);
      this.#leave(lot, count);
      if (lot.job !== undefined) this.#settleIfDone(lot.job);
    }
  }

  /** Queues records again that a back end failed on, or gives their callers up after too many tries. */
  again(slices: readonly Slice<Lot>[], failure: LanewiseError): void {
    for (const { lot, first, count, priority, attempts } of [...slices].reverse()) {
      this.#metrics.rerun += count;
      if (attempts + 1 >= MOST_ATTEMPTS) {
        this.#abandon(lot, first, first + count, failure);
        continue;
      }
      this.#eachHeir(lot, first, first + count, (heir, from, to) => {
        if (heir === undefined) this.#forgetRecords(lot, from, to);
        else this.queue.pushFront(lot, from, to, heir, priority, attempts + 1);
      });
    }
  }

  /** Forgets the answers of a back end that is not trusted any more. */
  forget(origin: number): void {
    this.#book.forget(origin);
  }

  /**
   * Looks at every record of a new lot: answered from the cache, joined to one in flight, or kept to be computed. What is kept is moved
   * together.
   */
  #sort(job: Job, lot: Lot, count: number): void {
    const { key, words, arena, hashes, claims, firstPlace } = lot;
    const { recordWords } = key;
    let kept = 0;
    for (let i = 0; i < count; i++) {
      const at = i * recordWords;
      const place = firstPlace + i;
      if (!key.inBounds(words, at, arena.length)) {
        // Such a record must not be packed beside others, whose bytes it might reach.
        this.#write(job, place, Verdict.MessageOutOfBounds, words, 0, 0);
        continue;
      }
      const hash = key.hash(words, at, arena);
      if (hash !== UNKEYED) {
        const known = this.#book.answerTo(lot, at, hash);
        if (known >= 0) {
          this.#metrics.cacheHits++;
          this.#write(job, place, Verdict.Valid, this.#book.answers, known, key.resultWords);
          continue;
        }
        const same = this.#book.inFlight(lot, at, hash);
        if (same !== undefined) {
          this.#waiters.add(same.lot, same.position, job, place);
          lot.joined++;
          continue;
        }
        this.#book.add(lot, kept, hash);
      }
      if (kept !== i) {
        lot.places ??= countUp(firstPlace, count);
        lot.places[kept] = place;
        words.copyWithin(kept * recordWords, at, at + recordWords);
        claims?.copyWithin(kept * ADDRESS_BYTES, i * ADDRESS_BYTES, (i + 1) * ADDRESS_BYTES);
      }
      hashes[kept++] = hash;
    }
    lot.count = kept;
    lot.left = kept;
  }

  /**
   * Sheds by the queue's rule until `count` items fit; `false` where the newcomer has to go. It may be the one that is shed: records it
   * joined become its own when their first owner goes.
   */
  #makeRoom(job: Job, priority: Priority, count: number): boolean {
    while (this.queue.size + count > this.queue.capacity) {
      const victim = this.queue.victim(priority, job.source, count);
      if (victim === undefined) return false;
      this.#metrics.shed += victim.missing;
      this.giveUp(
        victim,
        new LanewiseError("ERR_OVERLOADED", "verifier: shed to make room for other work"),
      );
      if (job.settled) return false;
    }
    return true;
  }

  /** Moves those of the records that wait among the less urgent to the urgent ones. */
  #raise({ lot, first, end }: LotRange): void {
    for (let position = first; position < end; position++) {
      const run = this.queue.runOf(lot, position);
      if (run === undefined || run.priority === "block") continue;
      let to = position + 1;
      while (to < end && lot.tickets[to] === run.ticket) to++;
      this.queue.move(lot, position, to, run.owner, "block");
      position = to - 1;
    }
  }

  /** Watches the caller's signal and the deadline. */
  #listen(job: Job, { signal, deadlineMs }: SubmitOptions): void {
    if (signal === undefined && deadlineMs === undefined) return;
    const onAbort = (): void => {
      this.#metrics.aborted += job.missing;
      this.giveUp(job, abortedError(signal!));
    };
    const onDeadline = (): void => {
      if (!this.#hasWaiting(job)) return; // all of it has been started
      this.#metrics.expired += job.missing;
      const message = `verifier: not started within ${deadlineMs} ms`;
      this.giveUp(job, new LanewiseError("ERR_DEADLINE", message));
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    const timer = deadlineMs === undefined ? undefined : setTimeout(onDeadline, deadlineMs);
    job.stopListening = () => {
      signal?.removeEventListener("abort", onAbort);
      clearTimeout(timer);
    };
  }

  #hasWaiting(job: Job): boolean {
    const own = job.lots.map((lot) => ({ lot, first: 0, end: lot.count }));
    return [...own, ...this.#waiters.rangesOf(job)].some(({ lot, first, end }) =>
      lot.tickets.subarray(first, end).some((ticket) => ticket !== 0),
    );
  }

  /** After a job has gone: of the records it waited for, those in the queue pass to another job that wants them, or leave. */
  #bequeath(job: Job, { lot, first, end }: LotRange): void {
    this.#eachHeir(lot, first, end, (heir, from, to) => {
      for (let position = from; position < to; ) {
        const run = this.queue.runOf(lot, position);
        let next = position + 1;
        while (next < to && lot.tickets[next] === lot.tickets[position]) next++;
        if (run === undefined) {
          // Running: finishes for whoever joins it, or unheard.
        } else if (heir === undefined) {
          this.queue.drop(lot, position, next);
          this.#forgetRecords(lot, position, next);
        } else if (run.owner === job) {
          this.queue.move(lot, position, next, heir, run.priority);
        }
        position = next;
      }
    });
  }

  /** Gives up everyone who waits for the records, which do not wait themselves. */
  #abandon(lot: Lot, first: number, end: number, failure: LanewiseError): void {
    if (lot.job !== undefined) this.giveUp(lot.job, failure);
    for (let position = first; position < end; position++) {
      for (let heir = this.#waiters.heir(lot, position); heir !== undefined; ) {
        this.giveUp(heir, failure);
        heir = this.#waiters.heir(lot, position);
      }
    }
    this.#forgetRecords(lot, first, end);
  }

  /** Calls `visit` with neighbours that are wanted by the same job, or by none. */
  #eachHeir(
    lot: Lot,
    first: number,
    end: number,
    visit: (heir: Job | undefined, from: number, to: number) => void,
  ): void {
    const heirOf = (position: number): Job | undefined =>
      lot.job ?? this.#waiters.heir(lot, position);
    for (let from = first; from < end; ) {
      const heir = heirOf(from);
      let to = lot.job === undefined && lot.firstWaiters !== undefined ? from + 1 : end;
      while (to < end && heirOf(to) === heir) to++;
      visit(heir, from, to);
      from = to;
    }
  }

  /** Lets go of records that will not be answered and that nobody waits for. */
  #forgetRecords(lot: Lot, first: number, end: number): void {
    this.#book.remove(lot, first, end);
    this.#leave(lot, end - first);
  }

  /** Counts records of a lot that are done. */
  #leave(lot: Lot, count: number): void {
    lot.left -= count;
    if (lot.left === 0) this.#book.close(lot);
  }

  #forgetJob(job: Job): void {
    if (this.#jobs.delete(job) && this.#jobs.size === 0) this.#onEmpty();
  }

  /** Copies a segment's answers to the job that brought its records. */
  #deliver(
    job: Job,
    { places, firstPlace, key }: Lot,
    { first, count, at }: Segment,
    { verdicts, results }: Batch,
    resultWords: Uint32Array,
  ): void {
    const step = key.resultWords;
    if (places !== undefined) {
      for (let i = 0; i < count; i++) {
        const resultAt = (at + i) * step;
        this.#write(job, places[first + i], verdicts[at + i], resultWords, resultAt, step);
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

  #deliverToWaiters(
    { lot, first, count, at }: Segment,
    verdicts: Uint32Array,
    resultWords: Uint32Array,
  ): void {
    const step = lot.key.resultWords;
    for (let i = 0; i < count; i++) {
      this.#waiters.release(lot, first + i, (job, place) => {
        this.#write(job, place, verdicts[at + i], resultWords, (at + i) * step, step);
        this.#settleIfDone(job);
      });
    }
  }

  /** Records one answer of a job. */
  #write(
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

  #settleIfDone(job: Job): void {
    if (job.missing > 0 || job.settled) return;
    job.settled = true;
    job.stopListening();
    this.#waiters.dismiss(job);
    this.#metrics.observeWait(performance.now() - job.submittedMs);
    this.#forgetJob(job);
    job.resolve({ verdicts: job.verdicts, results: job.results });
  }
}

/** `first`, `first` + 1 … */
function countUp(first: number, count: number): Int32Array {
  const numbers = new Int32Array(count);
  for (let i = 0; i < count; i++) numbers[i] = first + i;
  return numbers;
}

/** What a caller hears whose signal fired. */
export function abortedError(signal: AbortSignal): LanewiseError {
  return new LanewiseError("ERR_ABORTED", "verifier: the caller's signal fired", {
    cause: signal.reason,
  });
}
