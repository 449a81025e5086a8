/**
 * What callers of a verifier see: options, submissions and answers.
 *
 * @module
 */
import type { Algorithm, Backend, BackendId } from "../core/index.ts";
import type { Column } from "./column.ts";
import type { IntegrityOptions } from "./integrity.ts";
import type { VerifierMetrics } from "./metrics.ts";
import type { Priority } from "./queue.ts";

/** How a verifier is set up. */
export interface VerifierOptions {
  /** Algorithms it will be asked for. */
  readonly algorithms: readonly Algorithm[];
  /** At least one trusted (CPU) back end; the verifier closes them all. */
  readonly backends: readonly Backend[];
  /** Sends everything to one back end while that is ready. */
  readonly pin?: BackendId;
  /** Most items waiting. Default 65 536: about half a second of one core's recoveries. */
  readonly maxQueuedItems?: number;
  /** Most items of one batch. Default 4096: past it throughput gains nothing and the last caller waits longer. */
  readonly maxBatchItems?: number;
  /**
   * Longest that a batch is expected to take, by the cost model, on a back end where urgent work cannot go ahead and waits for two of
   * them at most. Default 5. A batch may have 128 items whatever they take: fewer would waste the kernels. Elsewhere batches are one
   * turn of all workers, and urgent work waits for none of them.
   */
  readonly maxBatchMs?: number;
  /** Most message bytes of one batch. Default 16 MiB. */
  readonly maxBatchBytes?: number;
  /** Valid answers kept, the oldest first out unless asked for; 0 keeps none. Default 65 536 (17 MiB, whatever they are of). */
  readonly cacheEntries?: number;
  /** Public keys kept by address, for submissions that claim their senders; 0 keeps none. Default 65 536 (5 MiB). */
  readonly senderKeys?: number;
  readonly integrity?: Partial<IntegrityOptions>;
}

/** How one submission is treated. */
export interface SubmitOptions {
  /** Bytes that the records point into. */
  readonly arena?: Uint8Array;
  /**
   * With `secp256k1-recover`: who is said to have signed each record, 20 bytes each, zeros where nobody says. Changes no answer: a
   * sender that was seen before and is the one claimed costs a quarter of a recovery, where 64 such records come together.
   */
  readonly claimedSenders?: Uint8Array;
  /**
   * The memory of the records is the verifier's from now on: where it lies on a 4-byte boundary it is used and overwritten instead of
   * copied. Default `false`.
   */
  readonly adopt?: boolean;
  /**
   * Memory that verdicts and results are written to, from its beginning, as long as the outcome is not settled: at least
   * `4 + algorithm.result.byteLength` bytes a record. Default: new memory, which is the caller's to keep.
   */
  readonly into?: ArrayBuffer;
  /** Default `gossip`. */
  readonly priority?: Priority;
  /** Who asked, for fair shares and fair shedding: a peer, a connection. Default `""`. */
  readonly source?: string;
  readonly signal?: AbortSignal;
  /** Give up what has not been started after this many milliseconds. */
  readonly deadlineMs?: number;
}

/** Answers in the order of the records. */
export interface Outcome {
  /** One {@link Verdict} a record. */
  readonly verdicts: Uint32Array;
  /** `algorithm.result.byteLength` bytes a record; zero where the verdict is not `Valid`. */
  readonly results: Uint8Array;
}

/** A submission whose records come in parts. */
export interface OpenSubmission {
  /** As of `submit`; it settles after the last record was added, or when it is refused, aborted or cancelled before. */
  readonly outcome: Promise<Outcome>;
  /**
   * The next records. They are copied before the call returns unless `release` is given: then their memory is used and overwritten (on a
   * 4-byte boundary) until that is called, once, also where the submission has failed meanwhile.
   *
   * @throws RangeError where the length is not a whole number of records, or there are more than were announced.
   */
  add(records: Uint8Array, release?: () => void): void;
  /** Gives up, with `ERR_ABORTED`: the rest of the records will not come. Nothing happens once the outcome is settled. */
  cancel(): void;
}

/** What a back end is doing, for status pages. */
export interface ColumnStatus {
  readonly id: BackendId;
  readonly state: Column["state"];
  readonly reason: string;
  readonly inFlight: number;
  /** Learnt cost per algorithm id. */
  readonly costs: Readonly<
    Record<string, { readonly fixedMs: number; readonly perItemMs: number }>
  >;
}

/** A pool of verification work. */
export interface Verifier {
  /**
   * Verdicts for `records.length / algorithm.record.byteLength` records. The bytes are copied before the call returns, unless
   * the verifier is to adopt them.
   *
   * @throws RangeError where the length is not a whole number of records, not as many senders are claimed, or the memory for the answer
   * is too small; TypeError for an algorithm not named at creation, and for claims with an algorithm that recovers nothing.
   * @throws LanewiseError `ERR_OVERLOADED`, `ERR_ABORTED`, `ERR_DEADLINE`, `ERR_CLOSED`; `ERR_BACKEND_FAILED` where every back end failed.
   */
  submit(algorithm: Algorithm, records: Uint8Array, options?: SubmitOptions): Promise<Outcome>;
  /**
   * How many of `count` records are worth a part of their own: back ends begin with each part as it comes, and larger ones are no faster.
   */
  partItems(algorithm: Algorithm, count: number): number;
  /**
   * Begins a submission of `count` records that come in parts. Each part takes its place in the queue as it comes: work that comes
   * meanwhile can take the room of later ones, and the submission is then refused as a whole.
   *
   * @throws as `submit`, for what is known by then.
   */
  open(algorithm: Algorithm, count: number, options?: Omit<SubmitOptions, "adopt">): OpenSubmission;
  /** Whether `items` more of this priority would be queued without shedding anything. */
  canAcceptWork(items?: number): boolean;
  readonly metrics: VerifierMetrics;
  /** Items waiting. */
  readonly queuedItems: number;
  status(): ColumnStatus[];
  /** Resolves when the back end is ready for work; rejects where it never will be. */
  ready(id: BackendId): Promise<void>;
  /** Answers what was accepted, refuses what comes after, closes the back ends. Idempotent. */
  close(): Promise<void>;
}
