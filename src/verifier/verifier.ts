/**
 * The verifier: loose records from many callers in, a verdict for each out, over whatever back ends the machine has.
 *
 * An idle verifier answers at once; batches form only from what waits while every back end is busy. The queue is bounded and sheds by
 * a stated rule (`queue.ts`). The same record asked for twice is computed once (`ledger.ts`). Work goes where it is expected to be
 * done first (`cost-model.ts`), a failing back end's work is run again elsewhere, and what a device answers is checked
 * (`dispatcher.ts`, `integrity.ts`).
 *
 * @module
 */
import { type Algorithm, type BackendId, LanewiseError } from "../core/index.ts";
import type {
  ColumnStatus,
  OpenSubmission,
  Outcome,
  SubmitOptions,
  Verifier,
  VerifierOptions,
} from "./contract.ts";
import { Dispatcher } from "./dispatcher.ts";
import { abortedError, Ledger } from "./ledger.ts";
import { checkOptions, createJob, type Job } from "./lot.ts";
import { VerifierMetrics } from "./metrics.ts";

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
  readonly #ledger: Ledger;
  readonly #dispatcher: Dispatcher;
  readonly #starts = new Map<BackendId, Promise<void>>();
  #closing: Promise<void> | undefined;
  #drained: (() => void) | undefined;

  constructor(options: VerifierOptions) {
    this.#algorithms = options.algorithms;
    this.#ledger = new Ledger({
      algorithms: options.algorithms,
      maxQueuedItems: options.maxQueuedItems ?? 65_536,
      cacheEntries: options.cacheEntries ?? 65_536,
      metrics: this.metrics,
      onEmpty: () => this.#drained?.(),
    });
    this.#dispatcher = new Dispatcher(options, this.#ledger, this.metrics);
    for (const column of this.#dispatcher.columns) {
      this.#starts.set(column.backend.id, column.start());
    }
  }

  get queuedItems(): number {
    return this.#ledger.queue.size;
  }

  canAcceptWork(items = 1): boolean {
    const { queue } = this.#ledger;
    return this.#closing === undefined && queue.size + items <= queue.capacity;
  }

  status(): ColumnStatus[] {
    return this.#dispatcher.columns.map((column) => ({
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
    const column = this.#dispatcher.columns.find(({ backend }) => backend.id === id);
    if (column?.state === "ready") return;
    const reason = column?.reason ?? "not one of this verifier's back ends";
    throw new LanewiseError("ERR_BACKEND_UNAVAILABLE", `${id} back end: ${reason}`);
  }

  submit(algorithm: Algorithm, records: Uint8Array, options: SubmitOptions = {}): Promise<Outcome> {
    const submission = this.open(algorithm, recordsIn(algorithm, records), options);
    submission.add(records, options.adopt ? () => {} : undefined);
    return submission.outcome;
  }

  partItems(algorithm: Algorithm, count: number): number {
    return this.#dispatcher.pieceOf(algorithm, count);
  }

  open(algorithm: Algorithm, count: number, options: SubmitOptions = {}): OpenSubmission {
    if (!this.#algorithms.includes(algorithm)) {
      throw new TypeError(`submit algorithm: expected one named at creation, got ${algorithm.id}`);
    }
    checkOptions(algorithm, count, options);
    let job!: Job;
    const outcome = new Promise<Outcome>((resolve, reject) => {
      job = createJob(algorithm, count, options, resolve, reject);
    });
    this.metrics.jobs++;
    this.metrics.submitted += count;
    const common = this.#ledger.open(job, algorithm, options);
    const refusal = this.#refusal(job, options);
    if (refusal !== undefined) this.#ledger.giveUp(job, refusal);
    const begin = (): void => this.#dispatcher.pump();
    return {
      outcome,
      add: (records, release) => {
        const more = recordsIn(algorithm, records);
        if (job.added + more > count) {
          throw new RangeError(
            `add records: expected at most ${count - job.added} more, got ${more}`,
          );
        }
        if (job.settled) {
          release?.();
          return;
        }
        const piece = this.#dispatcher.pieceOf(algorithm, more);
        this.#ledger.add(job, common, records, release, piece, begin);
        this.#dispatcher.pumpSoon();
      },
      cancel: () => {
        if (job.settled) return;
        this.metrics.aborted += job.missing;
        this.#ledger.giveUp(job, new LanewiseError("ERR_ABORTED", "verifier: cancelled"));
      },
    };
  }

  /** Why a job cannot be begun. */
  #refusal(job: Job, { signal }: SubmitOptions): LanewiseError | undefined {
    if (this.#closing !== undefined) return new LanewiseError("ERR_CLOSED", "verifier: closed");
    const hopeless = this.#dispatcher.hopeless();
    if (hopeless !== undefined) return hopeless;
    if (!signal?.aborted) return undefined;
    this.metrics.aborted += job.missing;
    return abortedError(signal);
  }

  close(): Promise<void> {
    this.#closing ??= (async () => {
      await Promise.all(this.#starts.values());
      this.#dispatcher.drain();
      if (this.#ledger.jobs > 0) {
        await new Promise<void>((resolve) => {
          this.#drained = resolve;
        });
      }
      this.#ledger.catchUp();
      await Promise.all(
        this.#dispatcher.columns.map(async (column) => {
          await column.close();
          await column.backend.close();
        }),
      );
    })();
    return this.#closing;
  }
}

/** Whole records in these bytes. @throws RangeError. */
function recordsIn({ record }: Algorithm, { length }: Uint8Array): number {
  if (length % record.byteLength === 0) return length / record.byteLength;
  throw new RangeError(
    `submit records: expected a multiple of ${record.byteLength} bytes, got ${length}`,
  );
}
