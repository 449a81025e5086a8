/**
 * A back end is a column of the table: it runs batches of any algorithm it supports and knows none by name.
 *
 * @module
 */
import type { Algorithm } from "./algorithm.ts";
import type { Batch } from "./batch.ts";

/** Names of the columns. */
export type BackendId = "reference" | "wasm" | "webgpu";

/** What a probe found, for `doctor` and for the choice of a back end. */
export interface BackendStatus {
  readonly id: BackendId;
  readonly available: boolean;
  /** One sentence: what was found, or why the back end cannot run and what would mend it. */
  readonly reason: string;
  /** Facts worth printing: adapter, driver, limits, SIMD level, workers. */
  readonly details: Readonly<Record<string, string | number | boolean>>;
}

/** Options of one run. */
export interface RunOptions {
  /** Aborts the run: the promise rejects with `ERR_ABORTED` and the batch's verdicts are not to be read. */
  readonly signal?: AbortSignal;
  /** Goes ahead of work that came earlier and has not begun, where the back end can do that. Default `false`. */
  readonly urgent?: boolean;
}

/**
 * Runs batches. Lifecycle: `probe` any time → `prepare` → any number of concurrent `run` calls → `close`.
 */
export interface Backend {
  readonly id: BackendId;
  /** Whether batches run on the calling thread, where nothing else happens meanwhile. Default `false`. */
  readonly blocksCaller?: boolean;
  /** Looks whether the back end can run here. Never throws, never takes the process down. */
  probe(): Promise<BackendStatus>;
  /** Whether there is a kernel of this algorithm in this column. */
  supports(algorithm: Algorithm): boolean;
  /**
   * Compiles, starts workers, builds tables; idempotent. `run` does it when the caller did not.
   *
   * @throws LanewiseError `ERR_BACKEND_UNAVAILABLE` or `ERR_UNSUPPORTED`.
   */
  prepare(algorithms: readonly Algorithm[]): Promise<void>;
  /**
   * Fills `batch.verdicts` and `batch.results` for items 0 … count-1. Until it settles the batch belongs to the back end.
   *
   * @throws LanewiseError `ERR_BACKEND_FAILED`, `ERR_DEVICE_LOST`, `ERR_UNSUPPORTED`, `ERR_CLOSED` or `ERR_ABORTED`; the
   * batch's inputs are untouched then, so that another back end can run it.
   */
  run(batch: Batch, options?: RunOptions): Promise<void>;
  /**
   * Items of a batch that keep the whole back end busy once, near its full speed: more in one batch gain little. Only of back ends that
   * let urgent batches go ahead, and once the algorithm is prepared.
   */
  turnItems?(algorithm: Algorithm): number | undefined;
  /**
   * All levels of a Merkle tree above its leaves, lowest first, or the root alone: for back ends that keep the levels on a device.
   * Use `merkleRoot` and `merkleLevels`, which go level by level elsewhere.
   *
   * @param leaves 32 bytes each, at least one.
   * @param depth levels above the leaves, at least 1.
   * @throws LanewiseError as `run`; `ERR_UNSUPPORTED` where the hash or the size is not for this back end.
   */
  reduceTree?(
    hash: Algorithm,
    leaves: Uint8Array,
    depth: number,
    rootOnly: boolean,
  ): Promise<Uint8Array[]>;
  /** Waits for runs in flight, frees everything, and always returns. Idempotent. */
  close(): Promise<void>;
}
