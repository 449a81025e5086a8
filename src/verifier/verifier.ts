/**
 * The verifier: loose records from many callers in, a verdict for each out, over whatever back ends the machine has.
 *
 * An idle verifier answers at once; batches form only from what waits while every back end is busy. The queue is bounded and sheds by
 * a stated rule (`queue.ts`). The same record asked for twice is computed once. Work goes where it is expected to be done first
 * (`cost-model.ts`), a failing back end's work is run again elsewhere, and what a device answers is checked (`integrity.ts`).
 *
 * @module
 */
import { secp256k1Recover } from "../algorithms/secp256k1-recover.ts";
import {
  type Algorithm,
  type BackendId,
  type Batch,
  LanewiseError,
  Verdict,
} from "../core/index.ts";
import { BatchShelf, type LooseRecord, messageOf } from "./batches.ts";
import { Column } from "./column.ts";
import type {
  ColumnStatus,
  Outcome,
  SubmitOptions,
  Verifier,
  VerifierOptions,
} from "./contract.ts";
import { shareOut } from "./cost-model.ts";
import {
  DEFAULT_INTEGRITY,
  holds,
  type IntegrityOptions,
  type KnownAnswer,
  pickCanaries,
  pickPlaces,
} from "./integrity.ts";
import { ADDRESS_BYTES, checkClaims, type Item, type Job, keyOf } from "./job.ts";
import { VerifierMetrics } from "./metrics.ts";
import { PositiveCache } from "./positive-cache.ts";
import { FairQueue, type Priority } from "./queue.ts";
import { HINT_BYTES } from "./recover-senders.ts";
import { createSenderKeys, type SenderKeys } from "./sender-keys.ts";

/** A batch with canaries among its items. */
interface Packed {
  readonly batch: Batch;
  /** Where each item and each canary lies. */
  readonly itemPlaces: readonly number[];
  readonly canaryPlaces: readonly number[];
}

/** With fewer known keys in a batch, hints save nothing. */
const LEAST_HINTS = 64;

/** A share of a batch smaller than this is not worth a device's attention. */
const SMALLEST_SHARE = 32;

/** Items that a batch may have however long they take: with fewer a kernel shares too little work between them. */
const LEAST_BATCH_ITEMS = 128;

/** A back end that got no work for this long is timed again, while there is traffic. */
const RELEARN_MS = 10_000;

/** Back ends that may fail one item before its callers hear of it. */
const MOST_ATTEMPTS = 5;

/**
 * Creates a verifier. It takes work at once; back ends join as they become ready.
 *
 * @throws TypeError where no back end is trusted.
 *
 * @example
 * const verifier = createVerifier({ algorithms: [secp256k1Recover], backends: [createWasmBackend()] });
 * const { verdicts, results } = await verifier.submit(secp256k1Recover, records, { priority: "block" });
 */
export function createVerifier(options: VerifierOptions): Verifier {
  return new LaneVerifier(options);
}

class LaneVerifier implements Verifier {
  readonly metrics: VerifierMetrics = new VerifierMetrics();
  readonly #algorithms: readonly Algorithm[];
  readonly #columns: readonly Column[];
  readonly #pin: BackendId | undefined;
  readonly #maxBatchItems: number;
  readonly #maxBatchMs: number;
  readonly #maxBatchBytes: number;
  readonly #integrity: IntegrityOptions;
  readonly #queue: FairQueue<Job, Item>;
  readonly #cache: PositiveCache;
  readonly #senderKeys: SenderKeys | undefined;
  /** Items waiting or running, by key. */
  readonly #inFlight = new Map<string, Item>();
  readonly #jobs = new Set<Job>();
  readonly #shelf = new BatchShelf();
  readonly #starts = new Map<BackendId, Promise<void>>();
  #pumping = false;
  #closing: Promise<void> | undefined;
  #drained: (() => void) | undefined;

  constructor(options: VerifierOptions) {
    this.#algorithms = options.algorithms;
    this.#columns = options.backends.map(
      (backend) =>
        new Column(backend, backend.id !== "webgpu", options.algorithms, this.#shelf, () =>
          this.#onColumnChange(),
        ),
    );
    if (!this.#columns.some(({ trusted }) => trusted)) {
      throw new TypeError("createVerifier backends: expected at least one CPU back end, got none");
    }
    this.#pin = options.pin;
    this.#maxBatchItems = options.maxBatchItems ?? 4096;
    this.#maxBatchMs = options.maxBatchMs ?? 5;
    this.#maxBatchBytes = options.maxBatchBytes ?? 16 * 2 ** 20;
    this.#integrity = { ...DEFAULT_INTEGRITY, ...options.integrity };
    this.#queue = new FairQueue(options.maxQueuedItems ?? 65_536);
    this.#cache = new PositiveCache(options.cacheEntries ?? 65_536);
    const { senderKeys = 65_536 } = options;
    if (senderKeys > 0 && options.algorithms.includes(secp256k1Recover)) {
      this.#senderKeys = createSenderKeys(senderKeys);
    }
    for (const column of this.#columns) this.#starts.set(column.backend.id, column.start());
  }

  get queuedItems(): number {
    return this.#queue.size;
  }

  canAcceptWork(items = 1): boolean {
    return this.#closing === undefined && this.#queue.size + items <= this.#queue.capacity;
  }

  status(): ColumnStatus[] {
    return this.#columns.map((column) => ({
      id: column.backend.id,
      state: column.state,
      reason: column.reason,
      inFlight: column.inFlight,
      costs: Object.fromEntries(
        this.#algorithms
          .filter((algorithm) => column.model(algorithm).observations > 0)
          .map((algorithm) => [algorithm.id, column.model(algorithm).line()]),
      ),
    }));
  }

  async ready(id: BackendId): Promise<void> {
    await this.#starts.get(id);
    const column = this.#columns.find(({ backend }) => backend.id === id);
    if (column?.state === "ready") return;
    const reason = column?.reason ?? "not one of this verifier's back ends";
    throw new LanewiseError("ERR_BACKEND_UNAVAILABLE", `${id} back end: ${reason}`);
  }

  submit(algorithm: Algorithm, records: Uint8Array, options: SubmitOptions = {}): Promise<Outcome> {
    if (!this.#algorithms.includes(algorithm)) {
      throw new TypeError(`submit algorithm: expected one named at creation, got ${algorithm.id}`);
    }
    const size = algorithm.record.byteLength;
    if (records.length % size !== 0) {
      throw new RangeError(
        `submit records: expected a multiple of ${size} bytes, got ${records.length}`,
      );
    }
    const count = records.length / size;
    checkClaims(algorithm, count, options.claimedSenders);
    return new Promise((resolve, reject) => {
      const job: Job = {
        source: options.source ?? "",
        verdicts: new Uint32Array(count).fill(Verdict.Unset),
        results: new Uint8Array(count * algorithm.result.byteLength),
        submittedMs: performance.now(),
        missing: count,
        waitsFor: new Set(),
        settled: false,
        resolve,
        reject,
        stopListening: () => {},
      };
      this.metrics.jobs++;
      this.metrics.submitted += count;
      if (this.#closing !== undefined) return reject(closedError());
      if (!this.#columns.some((column) => this.#mayAnswer(column, column.hopeful))) {
        return reject(this.#hopeless());
      }
      if (options.signal?.aborted) {
        this.metrics.aborted += count;
        return reject(abortedError(options.signal));
      }
      this.#accept(job, algorithm, records.slice(), options);
    });
  }

  close(): Promise<void> {
    this.#closing ??= (async () => {
      await Promise.all(this.#starts.values());
      this.#onColumnChange();
      if (this.#jobs.size > 0) {
        await new Promise<void>((resolve) => {
          this.#drained = resolve;
        });
      }
      await Promise.all(
        this.#columns.map(async (column) => {
          await column.close();
          await column.backend.close();
        }),
      );
    })();
    return this.#closing;
  }

  /** Answers what is known, joins what is on its way, queues the rest. */
  #accept(job: Job, algorithm: Algorithm, records: Uint8Array, options: SubmitOptions): void {
    const arena = options.arena?.slice() ?? new Uint8Array(0);
    const priority = options.priority ?? "gossip";
    const claims = options.claimedSenders?.slice();
    const fresh: Item[] = [];
    const freshByKey = new Map<string, Item>();
    const joins: { item: Item; index: number }[] = [];
    const size = algorithm.record.byteLength;
    for (let index = 0; index < job.verdicts.length; index++) {
      const record = records.subarray(index * size, (index + 1) * size);
      const message = messageOf(algorithm, record, arena);
      if (message === undefined) {
        this.#write(job, index, Verdict.MessageOutOfBounds, undefined);
        continue;
      }
      const key = keyOf(algorithm, record, message);
      const known = key === undefined ? undefined : this.#cache.get(key);
      if (known !== undefined) {
        this.metrics.cacheHits++;
        this.#write(job, index, Verdict.Valid, known);
        continue;
      }
      const same = key === undefined ? undefined : (freshByKey.get(key) ?? this.#inFlight.get(key));
      if (same !== undefined) {
        joins.push({ item: same, index });
        continue;
      }
      const item: Item = {
        owner: job,
        priority,
        ticket: 0,
        algorithm,
        key,
        record,
        message,
        claimedSender: claims?.subarray(ADDRESS_BYTES * index, ADDRESS_BYTES * (index + 1)),
        waiters: [{ job, index }],
        attempts: 0,
      };
      fresh.push(item);
      if (key !== undefined) freshByKey.set(key, item);
    }
    // Joined before anything is shed: an item that somebody waits for survives the job that brought it.
    for (const { item, index } of joins) {
      item.waiters.push({ job, index });
      job.waitsFor.add(item);
    }
    if (!this.#makeRoom(job, priority, fresh.length)) {
      if (job.settled) return;
      this.metrics.shed += job.missing;
      const message = `verifier: ${this.#queue.size} of ${this.#queue.capacity} items wait; ${fresh.length} more are refused`;
      this.#giveUp(job, new LanewiseError("ERR_OVERLOADED", message));
      return;
    }
    this.metrics.joined += joins.length;
    for (const { item } of joins) this.#queue.raise(item, priority);
    for (const item of fresh) {
      job.waitsFor.add(item);
      if (item.key !== undefined) this.#inFlight.set(item.key, item);
    }
    this.#queue.pushAll(fresh);
    this.#jobs.add(job);
    this.#listen(job, options);
    this.#settleIfDone(job);
    this.#pumpSoon();
  }

  /**
   * Sheds by the queue's rule until `count` items fit; `false` where the newcomer has to go. It may be the one that is shed: items it
   * joined become its own when their first owner goes.
   */
  #makeRoom(job: Job, priority: Priority, count: number): boolean {
    while (this.#queue.size + count > this.#queue.capacity) {
      const victim = this.#queue.victim(priority, job.source, count);
      if (victim === undefined) return false;
      this.metrics.shed += victim.missing;
      this.#giveUp(
        victim,
        new LanewiseError("ERR_OVERLOADED", "verifier: shed to make room for other work"),
      );
      if (job.settled) return false;
    }
    return true;
  }

  /** Watches the caller's signal and the deadline. */
  #listen(job: Job, { signal, deadlineMs }: SubmitOptions): void {
    const onAbort = () => {
      this.metrics.aborted += job.missing;
      this.#giveUp(job, abortedError(signal!));
    };
    const onDeadline = () => {
      if (![...job.waitsFor].some(({ ticket }) => ticket !== 0)) return; // all of it has been started
      this.metrics.expired += job.missing;
      const message = `verifier: not started within ${deadlineMs} ms`;
      this.#giveUp(job, new LanewiseError("ERR_DEADLINE", message));
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    const timer = deadlineMs === undefined ? undefined : setTimeout(onDeadline, deadlineMs);
    job.stopListening = () => {
      signal?.removeEventListener("abort", onAbort);
      clearTimeout(timer);
    };
  }

  /** Rejects a job; items that nobody else waits for leave the queue. */
  #giveUp(job: Job, error: LanewiseError): void {
    if (job.settled) return;
    job.settled = true;
    job.stopListening();
    for (const item of job.waitsFor) {
      const others = item.waiters.filter((waiter) => waiter.job !== job);
      item.waiters.splice(0, item.waiters.length, ...others);
      if (others.length > 0) {
        if (item.owner === job) this.#queue.handOver(item, others[0].job);
        continue;
      }
      this.#queue.drop(item);
      // A running item finishes unheard, and may still fill the cache; nobody new joins one that was dropped.
      if (item.key !== undefined && this.#inFlight.get(item.key) === item)
        this.#inFlight.delete(item.key);
    }
    job.waitsFor.clear();
    this.#forget(job);
    job.reject(error);
  }

  #forget(job: Job): void {
    this.#jobs.delete(job);
    if (this.#jobs.size === 0) this.#drained?.();
  }

  /** Records one answer of a job. */
  #write(job: Job, index: number, verdict: number, result: Uint8Array | undefined): void {
    job.verdicts[index] = verdict;
    if (result !== undefined) job.results.set(result, index * result.length);
    job.missing--;
    this.metrics.answered++;
    if (verdict === Verdict.Valid) this.metrics.valid++;
    else this.metrics.invalid++;
  }

  #settleIfDone(job: Job): void {
    if (job.missing > 0 || job.settled) return;
    job.settled = true;
    job.stopListening();
    this.metrics.observeWait(performance.now() - job.submittedMs);
    this.#forget(job);
    job.resolve({ verdicts: job.verdicts, results: job.results });
  }

  /** Hands an item's answer to everyone who waits for it. */
  #answer(item: Item, verdict: number, result: Uint8Array, origin: string): void {
    if (item.key !== undefined) {
      if (this.#inFlight.get(item.key) === item) this.#inFlight.delete(item.key);
      if (verdict === Verdict.Valid) this.#cache.set(item.key, result, origin);
    }
    for (const { job, index } of item.waiters.splice(0)) {
      job.waitsFor.delete(item);
      this.#write(job, index, verdict, verdict === Verdict.Valid ? result : undefined);
      this.#settleIfDone(job);
    }
  }

  /** Starts work once the current turn of the event loop has submitted all it will: what comes together is batched together. */
  #pumpSoon(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    queueMicrotask(() => {
      this.#pumping = false;
      this.#pump();
    });
  }

  /** Gives waiting work to free back ends. */
  #pump(): void {
    for (let first = this.#queue.peek(); first !== undefined; first = this.#queue.peek()) {
      const { algorithm } = first;
      const place = this.#place(algorithm);
      if (place === undefined) break;
      let bytes = 0;
      const items = this.#queue.take(place.items, (item) => {
        const fits = bytes === 0 || bytes + item.message.length <= this.#maxBatchBytes;
        if (item.algorithm !== algorithm || !fits) return false;
        bytes += item.message.length;
        return true;
      });
      void this.#dispatch(place.column, items);
    }
    this.#relearn();
  }

  /** Times a back end that the cost model has passed over for a while: the machine may have changed since. */
  #relearn(): void {
    for (const column of this.#columns) {
      if (!column.free || column.inFlight > 0 || column.unusedMs < RELEARN_MS) continue;
      column.calibrate().catch((error: unknown) => column.failed(error));
    }
  }

  /** A back end came or went. */
  #onColumnChange(): void {
    const isUp = (column: Column): boolean =>
      this.#closing === undefined ? column.hopeful : column.recovers;
    const left = this.#columns.some((column) => this.#mayAnswer(column, isUp(column), isUp));
    if (!left) for (const job of [...this.#jobs]) this.#giveUp(job, this.#hopeless());
    this.#pumpSoon();
  }

  /** Whether a column that is up can answer: one whose answers are checked needs another that checks them. */
  #mayAnswer(
    column: Column,
    isUp: boolean,
    checks: (column: Column) => boolean = ({ hopeful }) => hopeful,
  ): boolean {
    if (!isUp) return false;
    const { confirmRejections, sampleRate } = this.#integrity;
    if (column.trusted || !(confirmRejections || sampleRate > 0)) return true;
    return this.#columns.some((other) => other.trusted && checks(other));
  }

  #hopeless(): LanewiseError {
    const reasons = this.#columns.map(({ backend, reason }) => `${backend.id}: ${reason}`);
    return new LanewiseError(
      "ERR_BACKEND_FAILED",
      `verifier: no back end is left (${reasons.join("; ")})`,
    );
  }

  /** The free back end that waiting work of this algorithm should go to, and how much of it. */
  #place(algorithm: Algorithm): { column: Column; items: number } | undefined {
    const isReady = (column: Column): boolean =>
      column.state === "ready" && column.supports(algorithm);
    const able = this.#columns.filter((column) =>
      this.#mayAnswer(column, isReady(column), isReady),
    );
    const pinned = able.filter(({ backend }) => backend.id === this.#pin);
    const candidates = pinned.length > 0 ? pinned : able;
    if (candidates.length === 0) return undefined;
    const lanes = candidates.map((column) => ({
      model: column.model(algorithm),
      backlogMs: column.backlogMs,
    }));
    const waiting = Math.min(this.#queue.size, this.#maxBatchItems * candidates.length);
    const shares = shareOut(lanes, waiting, SMALLEST_SHARE);
    let best: { column: Column; items: number } | undefined;
    for (const [i, column] of candidates.entries()) {
      if (!column.free || shares[i] === 0) continue;
      if (best === undefined || shares[i] > best.items) best = { column, items: shares[i] };
    }
    return (
      best && {
        column: best.column,
        items: Math.min(best.items, this.#mostItems(best.column, algorithm)),
      }
    );
  }

  /** Items that a batch may have by number and by expected time. */
  #mostItems(column: Column, algorithm: Algorithm): number {
    const { fixedMs, perItemMs } = column.model(algorithm).line();
    const inTime = Math.floor((this.#maxBatchMs - fixedMs) / Math.max(perItemMs, 1e-9));
    return Math.min(Math.max(inTime, LEAST_BATCH_ITEMS), this.#maxBatchItems);
  }

  /** Runs items on a column and hands out the answers; whatever goes wrong, every item is answered or queued again. */
  async #dispatch(column: Column, items: Item[]): Promise<void> {
    const { id } = column.backend;
    this.metrics.batches++;
    this.metrics.count(this.metrics.itemsByBackend, id, items.length);
    const canaries = column.trusted
      ? []
      : pickCanaries(items[0].algorithm, this.#integrity.canaries);
    this.metrics.canaries += canaries.length;
    const packed = this.#pack(items, canaries);
    try {
      await column.run(packed.batch, this.#hintsFor(items, packed));
    } catch (error) {
      const failure = asFailure(error, id);
      this.metrics.count(this.metrics.failures, `${id} ${failure.code}`);
      column.failed(failure);
      this.#again(items, failure);
      return this.#pump();
    }
    try {
      const doubt = column.trusted ? undefined : await this.#doubt(items, canaries, packed);
      if (doubt === undefined) {
        if (items.some(({ claimedSender }) => claimedSender !== undefined)) {
          this.#senderKeys?.learn(packed.batch);
        }
        for (const [i, item] of items.entries()) {
          const place = packed.itemPlaces[i];
          const result = packed.batch.result(place).slice();
          this.#answer(item, packed.batch.verdicts[place], result, id);
        }
      } else {
        this.metrics.mismatches++;
        this.#cache.forget(id);
        column.quarantine(doubt);
        this.#again(items, new LanewiseError("ERR_BACKEND_FAILED", `${id} back end: ${doubt}`));
      }
      this.#shelf.giveBack(packed.batch);
    } catch (error) {
      this.#again(items, asFailure(error, id));
    }
    this.#pump();
  }

  /** Public keys of the claimed senders, where enough of them are known to be worth a hinted run. */
  #hintsFor(items: readonly Item[], { batch, itemPlaces }: Packed): Uint8Array | undefined {
    if (this.#senderKeys === undefined || batch.algorithm !== secp256k1Recover) return undefined;
    if (items.length < LEAST_HINTS) return undefined;
    const addresses = new Uint8Array(batch.count * ADDRESS_BYTES);
    let claimed = 0;
    for (const [i, { claimedSender }] of items.entries()) {
      if (claimedSender === undefined) continue;
      addresses.set(claimedSender, itemPlaces[i] * ADDRESS_BYTES);
      claimed++;
    }
    if (claimed < LEAST_HINTS) return undefined;
    const hints = new Uint8Array(batch.count * HINT_BYTES);
    const known = this.#senderKeys.fillHints(addresses, batch.count, hints);
    if (known < LEAST_HINTS) return undefined;
    this.metrics.hinted += known;
    return hints;
  }

  /** One batch of the items and, at random places among them, the canaries. */
  #pack(items: readonly Item[], canaries: readonly KnownAnswer[]): Packed {
    const { algorithm } = items[0];
    const canaryPlaces = pickPlaces(items.length, canaries.length);
    const itemPlaces: number[] = [];
    const records: LooseRecord[] = [];
    for (let place = 0, next = 0; place < items.length + canaries.length; place++) {
      if (canaryPlaces[next] === place) {
        const { record, arena } = canaries[next++];
        records.push({ record, message: messageOf(algorithm, record, arena)! });
      } else {
        records.push(items[itemPlaces.length]);
        itemPlaces.push(place);
      }
    }
    return { batch: this.#shelf.pack(algorithm, records), itemPlaces, canaryPlaces };
  }

  /** Why the answers of an untrusted batch are not believed; `undefined` where every check holds. */
  async #doubt(
    items: readonly Item[],
    canaries: readonly KnownAnswer[],
    { batch, itemPlaces, canaryPlaces }: Packed,
  ): Promise<string | undefined> {
    const { algorithm } = batch;
    for (const [i, { verdict, result }] of canaries.entries()) {
      if (!holds(batch, canaryPlaces[i], verdict, result)) {
        return `${algorithm.id}: a known answer came back wrong`;
      }
    }
    const { sampleRate, confirmRejections } = this.#integrity;
    const chosen = [...items.keys()].filter((i) => {
      const rejected = batch.verdicts[itemPlaces[i]] !== Verdict.Valid;
      return (rejected && confirmRejections) || Math.random() < sampleRate;
    });
    if (chosen.length === 0) return undefined;
    this.metrics.rechecked += chosen.length;
    const recheck = await this.#runTrusted(
      algorithm,
      chosen.map((i) => items[i]),
    );
    const agrees = chosen.every((i, at) =>
      holds(batch, itemPlaces[i], recheck.verdicts[at], recheck.result(at)),
    );
    this.#shelf.giveBack(recheck);
    return agrees ? undefined : `${algorithm.id}: an answer differs from a trusted back end's`;
  }

  /** Runs records on trusted back ends until one answers. */
  async #runTrusted(algorithm: Algorithm, records: readonly LooseRecord[]): Promise<Batch> {
    let last: unknown;
    for (const column of this.#columns) {
      if (!column.trusted || column.state !== "ready" || !column.supports(algorithm)) continue;
      try {
        const batch = this.#shelf.pack(algorithm, records);
        await column.run(batch);
        return batch;
      } catch (error) {
        const failure = asFailure(error, column.backend.id);
        this.metrics.count(this.metrics.failures, `${column.backend.id} ${failure.code}`);
        column.failed(failure);
        last = failure;
      }
    }
    throw new LanewiseError("ERR_BACKEND_FAILED", "no trusted back end could confirm the answers", {
      cause: last,
    });
  }

  /** Queues items again, or gives their callers up after too many tries. */
  #again(items: readonly Item[], failure: LanewiseError): void {
    this.metrics.rerun += items.length;
    for (const item of items) {
      if (item.waiters.length === 0) {
        if (item.key !== undefined && this.#inFlight.get(item.key) === item)
          this.#inFlight.delete(item.key);
      } else if (++item.attempts < MOST_ATTEMPTS) {
        this.#queue.pushFront(item);
      } else {
        for (const { job } of [...item.waiters]) this.#giveUp(job, failure);
      }
    }
  }
}

function abortedError(signal: AbortSignal): LanewiseError {
  return new LanewiseError("ERR_ABORTED", "verifier: the caller's signal fired", {
    cause: signal.reason,
  });
}

function closedError(): LanewiseError {
  return new LanewiseError("ERR_CLOSED", "verifier: closed");
}

function asFailure(error: unknown, id: BackendId): LanewiseError {
  if (error instanceof LanewiseError) return error;
  return new LanewiseError("ERR_BACKEND_FAILED", `${id} back end: ${String(error)}`, {
    cause: error,
  });
}
