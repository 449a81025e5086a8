/**
 * What callers of the worker pool see.
 *
 * @module
 */
import type { BatchView, KernelShape } from "./kernel.ts";
import type { SpawnThread } from "./threads.ts";

/** How a pool is built. All but the numbers of workers is for tests. */
export interface PoolOptions {
  /** Threads, at least 1. */
  readonly workers: number;
  /**
   * Threads beside them that take urgent chunks alone; they start when the first comes. Default 0. An urgent chunk waits for no chunk
   * that runs then: the system shares the cores out.
   */
  readonly urgentWorkers?: number;
  /** Threads, but for urgent ones, let the process's other threads go first (Linux). Default false. */
  readonly background?: boolean;
  /** Entries of the ring, a power of two. */
  readonly capacity?: number;
  /** First sequence number of the ring. */
  readonly firstSequence?: number;
  readonly spawn?: SpawnThread;
  /** How the host learns of finished chunks; default: `wait-async` where `Atomics.waitAsync` exists. */
  readonly completion?: "wait-async" | "message";
  /** How long `close` waits for work in flight without seeing any finished, before it ends the threads. */
  readonly closeTimeoutMs?: number;
}

/** A batch to be run in chunks. */
export interface PoolTask {
  /** A kernel given to `addKernel` before. */
  readonly kernel: string;
  readonly view: BatchView;
  readonly count: number;
  /** Bytes of the batch's arena in use. */
  readonly arenaBytes: number;
  /** Items of a chunk. */
  readonly chunkItems: number;
  readonly signal?: AbortSignal;
  /** Goes before what no worker has begun. */
  readonly urgent?: boolean;
}

/** Counters for reports and tests. */
export interface PoolStats {
  readonly workers: number;
  /** Chunks finished. */
  readonly chunks: number;
  /** Chunks run again because a worker died or trapped. */
  readonly retries: number;
  /** Threads started in place of dead ones. */
  readonly respawns: number;
  /** Batches whose memory some worker holds. */
  readonly attached: number;
  /** Batches in flight. */
  readonly inFlight: number;
}

/** A running pool. */
export interface WorkerPool {
  /**
   * Makes a kernel known and waits until every worker has it ready. Idempotent.
   *
   * @throws LanewiseError `ERR_BACKEND_UNAVAILABLE` when it cannot be instantiated, `ERR_CLOSED`.
   */
  addKernel(id: string, module: WebAssembly.Module, shape: KernelShape): Promise<void>;
  /** Runs a batch. @throws LanewiseError `ERR_BACKEND_FAILED`, `ERR_ABORTED` or `ERR_CLOSED`. */
  run(task: PoolTask): Promise<void>;
  stats(): PoolStats;
  /** Waits for work in flight, then ends the threads; always returns. Idempotent. */
  close(): Promise<void>;
}
