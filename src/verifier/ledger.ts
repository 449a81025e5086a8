/**
 * The verifier's books: what was submitted, what of it waits or runs, and who gets which answer.
 *
 * Nothing here is an object, a string or a promise a record: records lie in lots, are told apart by hash and bytes, wait as runs, and
 * their answers go straight into the arrays of the submissions.
 *
 * @module
 */
import { type Algorithm, type Batch, LanewiseError } from "../core/index.ts";
import type { Segment } from "./batches.ts";
import type { SubmitOptions } from "./contract.ts";
import { Delivery } from "./delivery.ts";
import { Intake } from "./intake.ts";
import type { Job, Lot, Part } from "./lot.ts";
import type { VerifierMetrics } from "./metrics.ts";
import { FairQueue, type Priority, type Slice } from "./queue.ts";
import { letGo, partOf, RecordBook, type Submission } from "./record-book.ts";
import { type LotRange, Waiters } from "./waiters.ts";

/** Back ends that may fail one record before its callers hear of it. */
const MOST_ATTEMPTS = 5;

/** Batches whose answers are out and not yet in the cache, at most: each holds its memory. */
const MOST_UNKEPT = 4;

/** After the last answer, what is left to do for the cache waits so long: the callers' own work goes first. */
const CATCH_UP_MS = 2;

/** Answers that are out and not yet in the cache; their records are still in flight. */
interface Unkept {
  readonly segments: readonly Segment[];
  readonly batch: Batch;
  readonly origin: number;
  /** Takes the batch back. */
  readonly done: (batch: Batch) => void;
}

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
  readonly #intake: Intake;
  readonly #delivery: Delivery;
  readonly #metrics: VerifierMetrics;
  readonly #onEmpty: () => void;
  readonly #waiters = new Waiters();
  readonly #jobs = new Set<Job>();
  #unkept: Unkept[] = [];
  #catchUpTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: LedgerOptions) {
    this.queue = new FairQueue(options.maxQueuedItems);
    this.#book = new RecordBook(options.algorithms, options.cacheEntries);
    this.#metrics = options.metrics;
    this.#delivery = new Delivery(options.metrics, this.#waiters, (job) => this.#settleIfDone(job));
    this.#intake = new Intake(this.#book, this.#waiters, this.#delivery, options.metrics);
    this.#onEmpty = options.onEmpty;
  }

  /** Jobs not settled. */
  get jobs(): number {
    return this.#jobs.size;
  }

  /** Takes a job in; its records follow. */
  open(job: Job, algorithm: Algorithm, options: SubmitOptions): Submission {
    this.#jobs.add(job);
    this.#listen(job, options);
    this.#settleIfDone(job);
    return this.#book.copy(algorithm, options);
  }

  /**
   * The next records of a job: answers what is known, joins what is on its way, queues the rest. The job may be settled before or after.
   *
   * @param release called when the memory of the records is read no more; `undefined` where it is not to be used.
   * @param piece records that are worth a batch of their own: where all fit, so many are queued at a time, and `begin` is called when
   * there are more to come, so that back ends need not wait for the whole of a large submission to be looked through.
   */
  add(
    job: Job,
    submission: Submission,
    records: Uint8Array,
    release: (() => void) | undefined,
    piece: number,
    begin: () => void,
  ): void {
    this.catchUp();
    const { recordWords } = submission.key;
    const part = partOf(records, release);
    const count = part.words.length / recordWords;
    const fits = this.queue.size + count <= this.queue.capacity;
    const step = fits ? Math.max(piece, 1) : Math.max(count, 1);
    for (let at = 0; at < count && !job.settled; at += step) {
      const wanted = Math.min(step, count - at);
      this.#addPiece(job, submission, part, at * recordWords, wanted);
      if (at + wanted < count) begin();
    }
    letGo(part);
    this.#settleIfDone(job);
  }

  /** The next `count` places of a job, their records at word `at` of a part. Where there is no room for them the job is given up. */
  #addPiece(job: Job, submission: Submission, part: Part, at: number, count: number): void {
    const { priority } = submission;
    const lot = this.#book.open(job, submission, part, at, job.added, count);
    job.added += count;
    this.#intake.sort(job, lot, count);
    // Places joined before anything is shed: a record that somebody waits for survives the job that brought it.
    if (!this.#makeRoom(job, priority, lot.count)) {
      if (!job.settled) {
        this.#metrics.shed += job.missing;
        const { size, capacity } = this.queue;
        const message = `verifier: ${size} of ${capacity} items wait; ${lot.count} more are refused`;
        this.giveUp(job, new LanewiseError("ERR_OVERLOADED", message));
      }
      this.#forgetRecords(lot, 0, lot.count);
      return;
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

  /**
   * Hands the answers of a batch to everyone who waits for them, and calls `done` once the batch is read no more. What the cache wants of
   * them is done when the callers have theirs, and before anything else is looked for.
   *
   * @param origin number of the back end that gave them.
   */
  answer(
    segments: readonly Segment[],
    batch: Batch,
    origin: number,
    done: (batch: Batch) => void,
  ): void {
    for (const segment of segments) this.#delivery.deliver(segment, batch);
    this.#unkept.push({ segments, batch, origin, done });
    if (this.#unkept.length >= MOST_UNKEPT) this.catchUp();
    else if (this.#jobs.size === 0) this.#catchUpSoon();
  }

  /** Puts into the cache what is answered and not yet there. */
  catchUp(): void {
    const unkept = this.#unkept;
    if (unkept.length === 0) return;
    this.#unkept = [];
    for (const { segments, batch, origin, done } of unkept) {
      for (const segment of segments) {
        this.#book.keep(segment, batch, origin);
        this.#leave(segment.lot, segment.count);
      }
      done(batch);
    }
  }

  #catchUpSoon(): void {
    if (this.#catchUpTimer !== undefined) return;
    this.#catchUpTimer = setTimeout(() => {
      this.#catchUpTimer = undefined;
      this.catchUp();
    }, CATCH_UP_MS);
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
    this.catchUp();
    this.#book.forget(origin);
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
      const isComplete = job.added === job.verdicts.length;
      if (isComplete && !this.#hasWaiting(job)) return; // all of it has been started
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
    if (!this.#jobs.delete(job) || this.#jobs.size > 0) return;
    if (this.#unkept.length > 0) this.#catchUpSoon();
    this.#onEmpty();
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

/** What a caller hears whose signal fired. */
export function abortedError(signal: AbortSignal): LanewiseError {
  return new LanewiseError("ERR_ABORTED", "verifier: the caller's signal fired", {
    cause: signal.reason,
  });
}
