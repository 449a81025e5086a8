/**
 * A back end as the verifier sees it: ready or not, how busy, how fast, and whether its answers are taken on trust.
 *
 * @module
 */
import { secp256k1RecoverHinted } from "../algorithms/secp256k1-recover-hinted.ts";
import { type Algorithm, type Backend, type Batch, LanewiseError } from "../core/index.ts";
import { type BatchShelf, messageOf } from "./batches.ts";
import { CostModel } from "./cost-model.ts";
import { answersOf, holds } from "./integrity.ts";
import type { Priority } from "./queue.ts";
import { recoverSenders } from "./recover-senders.ts";

/**
 * `starting`: compiling, or waiting to try again after a failure. `ready`: takes work. `unavailable`: cannot run on this machine.
 * `quarantined`: gave a wrong answer, and is never asked again. `closed`.
 */
export type ColumnState = "starting" | "ready" | "unavailable" | "quarantined" | "closed";

/** Batches that a back end has at a time: one running and one packed behind it, so that it never waits for the host. */
const IN_FLIGHT = 2;

/** Urgent batches do not count those: they go ahead of them where the back end lets them. */
const URGENT_IN_FLIGHT = 2;

/** First wait after a failure; doubles with each further one, up to a minute. */
const BACK_OFF_MS = 250;
const BACK_OFF_MOST_MS = 60_000;

/** Known answers run at start-up, to check the back end and to give the cost model its first line: two sizes. */
const CALIBRATION_COUNTS = [1, 32];

/** A back end that ran this much longer than expected, and at least `STALL_LEAST_MS`, is taken for hung. */
const STALL_FACTOR = 50;
const STALL_LEAST_MS = 10_000;

/** Failures that no waiting mends. */
const FINAL = new Set<string>(["ERR_BACKEND_UNAVAILABLE", "ERR_UNSUPPORTED", "ERR_CLOSED"]);

interface RunningBatch {
  readonly priority: Priority;
  /** When it is expected to be done. */
  readonly endsMs: number;
}

/** One back end in the verifier's care. */
export class Column {
  readonly backend: Backend;
  /** Whether answers are believed unchecked: CPU back ends are, devices are not. */
  readonly trusted: boolean;
  state: ColumnState = "starting";
  /** Why it is in this state, one sentence. */
  reason = "starting";
  readonly #algorithms: readonly Algorithm[];
  readonly #shelf: BatchShelf;
  readonly #onChange: () => void;
  readonly #models = new Map<Algorithm, CostModel>();
  readonly #running = new Map<Batch, RunningBatch>();
  /** When the last batch was started, and when the last one ended. */
  #lastRunMs = performance.now();
  #lastEndMs = 0;
  #failures = 0;
  #wasReady = false;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #started: Promise<void> | undefined;

  /**
   * @param onChange called whenever the column becomes ready, or gives up for good.
   */
  constructor(
    backend: Backend,
    trusted: boolean,
    algorithms: readonly Algorithm[],
    shelf: BatchShelf,
    onChange: () => void,
  ) {
    this.backend = backend;
    this.trusted = trusted;
    this.#algorithms = algorithms.filter((algorithm) => backend.supports(algorithm));
    this.#shelf = shelf;
    this.#onChange = onChange;
  }

  supports(algorithm: Algorithm): boolean {
    return this.#algorithms.includes(algorithm);
  }

  /** Whether a further batch of this priority would start at once, or next. */
  isFree(priority: Priority): boolean {
    if (this.state !== "ready") return false;
    let running = 0;
    for (const batch of this.#running.values()) if (batch.priority === priority) running++;
    return running < (priority === "block" ? URGENT_IN_FLIGHT : IN_FLIGHT);
  }

  get inFlight(): number {
    return this.#running.size;
  }

  /** Whether it may take work, now or later. */
  get hopeful(): boolean {
    return this.state === "ready" || this.state === "starting";
  }

  /** Whether it takes work or did before it failed, and will be tried again. */
  get recovers(): boolean {
    return this.state === "ready" || (this.state === "starting" && this.#wasReady);
  }

  /** Milliseconds since it was last asked for anything. */
  get unusedMs(): number {
    return performance.now() - this.#lastRunMs;
  }

  /** Milliseconds until what it has is expected to be done, or what of it goes before urgent work. */
  backlogMs(priority: Priority): number {
    const now = performance.now();
    let latest = now;
    for (const running of this.#running.values()) {
      if (priority === "block" && running.priority !== "block") continue;
      latest = Math.max(latest, running.endsMs);
    }
    return latest - now;
  }

  model(algorithm: Algorithm): CostModel {
    let model = this.#models.get(algorithm);
    if (model === undefined) {
      model = new CostModel();
      this.#models.set(algorithm, model);
    }
    return model;
  }

  /** Prepares the back end and runs the known answers. Settles when it is ready, given up, or waiting to be tried again. */
  start(): Promise<void> {
    this.#started = this.#start();
    return this.#started;
  }

  async #start(): Promise<void> {
    try {
      await this.backend.prepare(this.#algorithms);
      await this.calibrate();
      if (this.state !== "starting") return;
      this.state = "ready";
      this.#wasReady = true;
      this.reason = "known answers hold";
      this.#onChange();
    } catch (error) {
      this.failed(error);
    }
  }

  /**
   * Runs known answers of every algorithm, checks them and times them anew.
   *
   * @throws LanewiseError what the back end throws. A wrong answer quarantines the column instead.
   */
  async calibrate(): Promise<void> {
    for (const algorithm of this.#algorithms) {
      if (!this.#wasReady) {
        // The first run of a size may build what later ones find: it is checked but not timed.
        for (const count of CALIBRATION_COUNTS) await this.#calibrate(algorithm, count, false);
      }
      this.model(algorithm).fade();
      for (const count of CALIBRATION_COUNTS) await this.#calibrate(algorithm, count, true);
    }
  }

  async #calibrate(algorithm: Algorithm, count: number, isTimed: boolean): Promise<void> {
    const answers = answersOf(algorithm);
    const chosen = Array.from({ length: count }, (_, i) => answers[i % answers.length]);
    const records = chosen.map(({ record, arena }) => ({
      record,
      message: messageOf(algorithm, record, arena)!,
    }));
    const batch = this.#shelf.pack(algorithm, records);
    await this.#run(batch, "gossip", undefined, isTimed);
    const wrong = chosen.findIndex(({ verdict, result }, i) => !holds(batch, i, verdict, result));
    this.#shelf.giveBack(batch);
    if (wrong >= 0) this.quarantine(`${algorithm.id}: a known answer came back wrong`);
  }

  /**
   * Runs a batch and learns from the time it took.
   *
   * @param priority with `block` it goes ahead of other batches, where the back end lets it.
   * @param hints candidate public keys of a `secp256k1-recover` batch, for `recoverSenders`.
   * @throws LanewiseError as `Backend.run`; `ERR_BACKEND_FAILED` where the back end hangs. The batch must not be reused then.
   */
  run(batch: Batch, priority: Priority, hints?: Uint8Array): Promise<void> {
    return this.#run(batch, priority, hints, true);
  }

  async #run(
    batch: Batch,
    priority: Priority,
    hints: Uint8Array | undefined,
    isTimed: boolean,
  ): Promise<void> {
    const isHinted = hints !== undefined && this.backend.supports(secp256k1RecoverHinted);
    // With hints an item costs a quarter: another line, which the choice between back ends does not know.
    const model = this.model(isHinted ? secp256k1RecoverHinted : batch.algorithm);
    const expectedMs = model.predictMs(batch.count) ?? 0;
    const backlogMs = this.backlogMs(priority);
    const startedMs = performance.now();
    this.#lastRunMs = startedMs;
    this.#running.set(batch, { priority, endsMs: startedMs + backlogMs + expectedMs });
    const limitMs = Math.max(
      STALL_LEAST_MS,
      STALL_FACTOR * (this.backlogMs("gossip") + expectedMs),
    );
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stalled = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        const message = `${this.backend.id} back end: no answer in ${Math.round(limitMs)} ms`;
        reject(new LanewiseError("ERR_BACKEND_FAILED", message));
      }, limitMs);
    });
    try {
      const options = { urgent: priority === "block" };
      const work = isHinted
        ? recoverSenders(this.backend, batch, hints, options)
        : this.backend.run(batch, options);
      await Promise.race([work, stalled]);
      // Time spent behind an earlier batch is that batch's.
      const endedMs = performance.now();
      if (isTimed) model.observe(batch.count, endedMs - Math.max(startedMs, this.#lastEndMs));
      this.#lastEndMs = endedMs;
      this.#failures = 0;
    } finally {
      clearTimeout(timer);
      this.#running.delete(batch);
    }
  }

  /** Takes the column out of service after a failure, and starts it again later where that may help. */
  failed(error: unknown): void {
    if (!this.hopeful) return;
    this.reason = error instanceof Error ? error.message : String(error);
    if (error instanceof LanewiseError && FINAL.has(error.code)) {
      this.state = "unavailable";
      this.#onChange();
      return;
    }
    this.state = "starting";
    if (this.#retry !== undefined) return;
    const waitMs = Math.min(BACK_OFF_MS * 2 ** this.#failures++, BACK_OFF_MOST_MS);
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      if (this.state === "starting") void this.start();
    }, waitMs);
  }

  /** Never asks this back end again. */
  quarantine(reason: string): void {
    if (this.state === "closed") return;
    this.state = "quarantined";
    this.reason = reason;
    this.#onChange();
  }

  /** Stops new work. The back end itself is closed by its owner. */
  async close(): Promise<void> {
    this.state = "closed";
    this.reason = "closed";
    clearTimeout(this.#retry);
    await this.#started;
  }
}
