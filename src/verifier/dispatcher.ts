/**
 * From waiting records to answers: which back end gets how many of them, and what becomes of a batch that fails or is not believed.
 *
 * @module
 */
import { secp256k1Recover } from "../algorithms/secp256k1-recover.ts";
import { type Algorithm, type Batch, LanewiseError, Verdict } from "../core/index.ts";
import { BatchShelf, type LooseRecord, layOut, messageOf, type Segment } from "./batches.ts";
import { Column } from "./column.ts";
import type { VerifierOptions } from "./contract.ts";
import { shareOut } from "./cost-model.ts";
import {
  DEFAULT_INTEGRITY,
  holds,
  type IntegrityOptions,
  type KnownAnswer,
  pickCanaries,
  pickPlaces,
} from "./integrity.ts";
import type { Ledger } from "./ledger.ts";
import { ADDRESS_BYTES, type Lot } from "./lot.ts";
import type { VerifierMetrics } from "./metrics.ts";
import type { Priority, Slice } from "./queue.ts";
import { HINT_BYTES } from "./recover-senders.ts";
import { createSenderKeys, type SenderKeys } from "./sender-keys.ts";

/** With fewer known keys in a batch, hints save nothing. */
const LEAST_HINTS = 64;

/** A share of a batch smaller than this is not worth a device's attention. */
const SMALLEST_SHARE = 32;

/** Items that a batch may have however long they take: with fewer a kernel shares too little work between them. */
const LEAST_BATCH_ITEMS = 128;

/** Longest that work on the calling thread may keep it from everything else, where another back end could do it. */
const MOST_BLOCKING_MS = 1;

/** A back end that got no work for this long is timed again, while there is traffic. */
const RELEARN_MS = 10_000;

/** See the module's description. */
export class Dispatcher {
  readonly columns: readonly Column[];
  readonly #options: VerifierOptions;
  readonly #ledger: Ledger;
  readonly #metrics: VerifierMetrics;
  readonly #maxBatchItems: number;
  readonly #maxBatchMs: number;
  readonly #maxBatchBytes: number;
  readonly #integrity: IntegrityOptions;
  readonly #senderKeys: SenderKeys | undefined;
  readonly #shelf = new BatchShelf();
  #pumping = false;
  #isDraining = false;

  constructor(options: VerifierOptions, ledger: Ledger, metrics: VerifierMetrics) {
    this.#options = options;
    this.#ledger = ledger;
    this.#metrics = metrics;
    this.columns = options.backends.map(
      (backend) =>
        new Column(backend, backend.id !== "webgpu", options.algorithms, this.#shelf, () =>
          this.#onColumnChange(),
        ),
    );
    if (!this.columns.some(({ trusted }) => trusted)) {
      throw new TypeError("createVerifier backends: expected at least one CPU back end, got none");
    }
    this.#maxBatchItems = options.maxBatchItems ?? 4096;
    this.#maxBatchMs = options.maxBatchMs ?? 5;
    this.#maxBatchBytes = options.maxBatchBytes ?? 16 * 2 ** 20;
    this.#integrity = { ...DEFAULT_INTEGRITY, ...options.integrity };
    const { senderKeys = 65_536 } = options;
    if (senderKeys > 0 && options.algorithms.includes(secp256k1Recover)) {
      this.#senderKeys = createSenderKeys(senderKeys);
    }
  }

  /** Why no back end can answer, now or later; `undefined` where one can. */
  hopeless(): LanewiseError | undefined {
    const isUp = (column: Column): boolean => (this.#isDraining ? column.recovers : column.hopeful);
    if (this.columns.some((column) => this.#mayAnswer(column, isUp))) return undefined;
    const reasons = this.columns.map(({ backend, reason }) => `${backend.id}: ${reason}`);
    const message = `verifier: no back end is left (${reasons.join("; ")})`;
    return new LanewiseError("ERR_BACKEND_FAILED", message);
  }

  /** From now on a back end that never was ready is not waited for. */
  drain(): void {
    this.#isDraining = true;
    this.#onColumnChange();
  }

  /** Starts work once the current turn of the event loop has submitted all it will: what comes together is batched together. */
  pumpSoon(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    queueMicrotask(() => {
      this.#pumping = false;
      this.pump();
    });
  }

  /** Gives waiting work to free back ends. */
  pump(): void {
    const { queue } = this.#ledger;
    for (let first = queue.peek(); first !== undefined; first = queue.peek()) {
      const { priority } = first;
      const { algorithm } = first.lot.key;
      const place = this.#place(algorithm, priority);
      if (place === undefined) break;
      let bytes = 0;
      const slices = queue.take(place.items, ({ lot }, from, wanted) => {
        if (lot.key.algorithm !== algorithm) return 0;
        if (!algorithm.usesArena) return wanted;
        const { key, words } = lot;
        for (let i = 0; i < wanted; i++) {
          const more = key.messageBytes(words, (from + i) * key.recordWords);
          if (bytes > 0 && bytes + more > this.#maxBatchBytes) return i;
          bytes += more;
        }
        return wanted;
      });
      void this.#dispatch(place.column, slices, priority);
    }
    this.#relearn();
  }

  /** Times a back end that the cost model has passed over for a while: the machine may have changed since. */
  #relearn(): void {
    for (const column of this.columns) {
      if (column.state !== "ready" || column.inFlight > 0 || column.unusedMs < RELEARN_MS) continue;
      column.calibrate().catch((error: unknown) => column.failed(error));
    }
  }

  /** A back end came or went. */
  #onColumnChange(): void {
    const reason = this.hopeless();
    if (reason !== undefined) this.#ledger.giveUpAll(reason);
    this.pumpSoon();
  }

  /** Whether a column that is up can answer: one whose answers are checked needs another that checks them. */
  #mayAnswer(column: Column, isUp: (column: Column) => boolean): boolean {
    if (!isUp(column)) return false;
    const { confirmRejections, sampleRate } = this.#integrity;
    if (column.trusted || !(confirmRejections || sampleRate > 0)) return true;
    return this.columns.some((other) => other.trusted && isUp(other));
  }

  /** The free back end that waiting work of this algorithm should go to, and how much of it. */
  #place(algorithm: Algorithm, priority: Priority): { column: Column; items: number } | undefined {
    const isReady = (column: Column): boolean =>
      column.state === "ready" && column.supports(algorithm);
    const able = this.columns.filter((column) => this.#mayAnswer(column, isReady));
    const pinned = able.filter(({ backend }) => backend.id === this.#options.pin);
    const allowed = pinned.length > 0 ? pinned : able;
    if (allowed.length === 0) return undefined;
    const waiting = Math.min(
      this.#ledger.queue.sizeOf(priority),
      this.#maxBatchItems * allowed.length,
    );
    const quick = allowed.filter(
      (column) =>
        !column.backend.blocksCaller ||
        (column.model(algorithm).predictMs(waiting) ?? 0) <= MOST_BLOCKING_MS,
    );
    const candidates = quick.length > 0 ? quick : allowed;
    const lanes = candidates.map((column) => ({
      model: column.model(algorithm),
      backlogMs: column.backlogMs(priority),
    }));
    const shares = shareOut(lanes, waiting, SMALLEST_SHARE);
    let best: { column: Column; items: number } | undefined;
    for (const [i, column] of candidates.entries()) {
      if (!column.isFree(priority) || shares[i] === 0) continue;
      if (best === undefined || shares[i] > best.items) best = { column, items: shares[i] };
    }
    if (best === undefined) return undefined;
    // Equal parts rather than full batches and a rest: all of them keep every worker busy to the end.
    const parts = Math.ceil(best.items / this.#mostItems(best.column, algorithm));
    return { column: best.column, items: Math.ceil(best.items / parts) };
  }

  /** How many of `count` records are worth a batch where nothing else waits. */
  pieceOf(algorithm: Algorithm, count: number): number {
    let most = this.#maxBatchItems;
    for (const column of this.columns) {
      // Work on this thread would begin before the caller has its promise.
      if (column.backend.blocksCaller) return count;
      if (column.state !== "ready" || !column.supports(algorithm)) continue;
      most = Math.min(most, this.#mostItems(column, algorithm));
    }
    return Math.ceil(count / Math.max(1, Math.ceil(count / most)));
  }

  /** Items that a batch may have: a turn of a back end that lets urgent work go ahead, else by expected time. */
  #mostItems(column: Column, algorithm: Algorithm): number {
    const turn = column.backend.turnItems?.(algorithm);
    if (turn !== undefined) return Math.min(turn, this.#maxBatchItems);
    const { fixedMs, perItemMs } = column.model(algorithm).line();
    const inTime = Math.floor((this.#maxBatchMs - fixedMs) / Math.max(perItemMs, 1e-9));
    return Math.min(Math.max(inTime, LEAST_BATCH_ITEMS), this.#maxBatchItems);
  }

  /** Runs slices on a column and hands out the answers; whatever goes wrong, every record is answered or queued again. */
  async #dispatch(
    column: Column,
    slices: readonly Slice<Lot>[],
    priority: Priority,
  ): Promise<void> {
    const { id } = column.backend;
    const count = slices.reduce((sum, slice) => sum + slice.count, 0);
    const { algorithm } = slices[0].lot.key;
    this.#metrics.batches++;
    this.#metrics.count(this.#metrics.itemsByBackend, id, count);
    const canaries = column.trusted ? [] : pickCanaries(algorithm, this.#integrity.canaries);
    this.#metrics.canaries += canaries.length;
    const places = pickPlaces(count, canaries.length);
    const segments = layOut(slices, places);
    const batch = this.#shelf.packSegments(
      segments,
      canaries.map(({ record, arena }) => ({
        record,
        message: messageOf(algorithm, record, arena)!,
      })),
    );
    try {
      await column.run(batch, priority, this.#hintsFor(segments, batch, count));
    } catch (error) {
      const failure = asFailure(error, column);
      this.#metrics.count(this.#metrics.failures, `${id} ${failure.code}`);
      column.failed(failure);
      this.#ledger.again(slices, failure);
      return this.pump();
    }
    try {
      const doubt = column.trusted
        ? undefined
        : await this.#doubt(segments, canaries, places, batch, priority);
      if (doubt === undefined) {
        if (segments.some(({ lot }) => lot.claims !== undefined)) this.#senderKeys?.learn(batch);
        const origin = this.columns.indexOf(column);
        this.#ledger.answer(segments, batch, origin, (read) => this.#shelf.giveBack(read));
      } else {
        this.#metrics.mismatches++;
        this.#ledger.forget(this.columns.indexOf(column));
        column.quarantine(doubt);
        const message = `${id} back end: ${doubt}`;
        this.#ledger.again(slices, new LanewiseError("ERR_BACKEND_FAILED", message));
        this.#shelf.giveBack(batch);
      }
    } catch (error) {
      this.#ledger.again(slices, asFailure(error, column));
    }
    this.pump();
  }

  /** Public keys of the claimed senders, where enough of them are known to be worth a hinted run. */
  #hintsFor(segments: readonly Segment[], batch: Batch, count: number): Uint8Array | undefined {
    if (this.#senderKeys === undefined || batch.algorithm !== secp256k1Recover) return undefined;
    if (count < LEAST_HINTS || !segments.some(({ lot }) => lot.claims !== undefined)) {
      return undefined;
    }
    const addresses = new Uint8Array(batch.count * ADDRESS_BYTES);
    for (const { lot, first, count: neighbours, at } of segments) {
      const end = first + neighbours;
      const claims = lot.claims?.subarray(first * ADDRESS_BYTES, end * ADDRESS_BYTES);
      if (claims !== undefined) addresses.set(claims, at * ADDRESS_BYTES);
    }
    const hints = new Uint8Array(batch.count * HINT_BYTES);
    const known = this.#senderKeys.fillHints(addresses, batch.count, hints);
    if (known < LEAST_HINTS) return undefined;
    this.#metrics.hinted += known;
    return hints;
  }

  /** Why the answers of an untrusted batch are not believed; `undefined` where every check holds. */
  async #doubt(
    segments: readonly Segment[],
    canaries: readonly KnownAnswer[],
    canaryPlaces: readonly number[],
    batch: Batch,
    priority: Priority,
  ): Promise<string | undefined> {
    const { algorithm } = batch;
    for (const [i, { verdict, result }] of canaries.entries()) {
      if (!holds(batch, canaryPlaces[i], verdict, result)) {
        return `${algorithm.id}: a known answer came back wrong`;
      }
    }
    const { sampleRate, confirmRejections } = this.#integrity;
    const chosen: number[] = [];
    const records: LooseRecord[] = [];
    for (const { lot, first, count, at } of segments) {
      const size = algorithm.record.byteLength;
      for (let i = 0; i < count; i++) {
        const isRejected = batch.verdicts[at + i] !== Verdict.Valid;
        if (!(isRejected && confirmRejections) && Math.random() >= sampleRate) continue;
        const start = lot.words.byteOffset + (first + i) * size;
        const record = new Uint8Array(lot.words.buffer, start, size);
        chosen.push(at + i);
        records.push({ record, message: messageOf(algorithm, record, lot.arena)! });
      }
    }
    if (chosen.length === 0) return undefined;
    this.#metrics.rechecked += chosen.length;
    const recheck = await this.#runTrusted(algorithm, records, priority);
    const agrees = chosen.every((place, i) =>
      holds(batch, place, recheck.verdicts[i], recheck.result(i)),
    );
    this.#shelf.giveBack(recheck);
    return agrees ? undefined : `${algorithm.id}: an answer differs from a trusted back end's`;
  }

  /** Runs records on trusted back ends until one answers. */
  async #runTrusted(
    algorithm: Algorithm,
    records: readonly LooseRecord[],
    priority: Priority,
  ): Promise<Batch> {
    let last: unknown;
    for (const column of this.columns) {
      if (!column.trusted || column.state !== "ready" || !column.supports(algorithm)) continue;
      try {
        const batch = this.#shelf.pack(algorithm, records);
        await column.run(batch, priority);
        return batch;
      } catch (error) {
        const failure = asFailure(error, column);
        this.#metrics.count(this.#metrics.failures, `${column.backend.id} ${failure.code}`);
        column.failed(failure);
        last = failure;
      }
    }
    throw new LanewiseError("ERR_BACKEND_FAILED", "no trusted back end could confirm the answers", {
      cause: last,
    });
  }
}

function asFailure(error: unknown, { backend }: Column): LanewiseError {
  if (error instanceof LanewiseError) return error;
  return new LanewiseError("ERR_BACKEND_FAILED", `${backend.id} back end: ${String(error)}`, {
    cause: error,
  });
}
