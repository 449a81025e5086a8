/**
 * The WebAssembly back end: kernels of `assembly/`, run by a pool of worker threads, or on the calling thread where a batch is
 * so small that waking a worker would cost more than the work.
 *
 * @module
 */
import {
  type Algorithm,
  type Backend,
  type BackendStatus,
  type Batch,
  LanewiseError,
  type RunOptions,
} from "../../core/index.ts";
import {
  type BatchView,
  createKernel,
  type Kernel,
  type KernelLimits,
  type KernelShape,
  readLimits,
} from "../../pool/kernel.ts";
import { createPool, type PoolOptions, type PoolStats, type WorkerPool } from "../../pool/pool.ts";
import { availableCores } from "../../pool/threads.ts";
import type { BackendOptions } from "../index.ts";
import { detectSimd, type SimdLevel } from "./features.ts";
import { kernels } from "./generated/kernels.ts";
import { compileKernel, failure, shapeOf } from "./load.ts";

/** Options of {@link createWasmBackend}; those beyond {@link BackendOptions} serve tests and benchmarks. */
export interface WasmBackendOptions extends BackendOptions {
  /** `baseline`: never take a relaxed-SIMD design. */
  readonly simd?: "auto" | "baseline";
  /** Run the kernels built with assertions. */
  readonly debug?: boolean;
  /** Which batches run on the calling thread; default `small`. With `always` there are no workers at all. */
  readonly inline?: "small" | "always" | "never";
  readonly pool?: Omit<PoolOptions, "workers">;
}

/** The back end, and what its pool has counted so far. */
export interface WasmBackend extends Backend {
  stats(): PoolStats | undefined;
}

/** Most arena bytes of a batch that runs on the calling thread: some 50 µs of Keccak. */
const INLINE_ARENA_BYTES = 32 * 1024;

/** One is enough to begin urgent work at once; the others join when they have ended their chunks. */
const URGENT_WORKERS = 1;

/** A kernel in use. */
interface Cell {
  readonly shape: KernelShape;
  readonly module: WebAssembly.Module;
  readonly limits: KernelLimits;
  /** The calling thread's own instance, made when first needed. */
  inline: Promise<Kernel> | undefined;
}

/**
 * Items of a chunk: every worker that is not busy with other batches gets an equal share, in as few chunks as the kernel allows, and what
 * would run on one thread anyway is not split. Urgent work does not wait for chunks: it has a thread of its own.
 */
export function chunkItems(
  count: number,
  idleWorkers: number,
  { lanes, inlineItems, maxItems }: KernelLimits,
): number {
  if (count <= 2 * inlineItems) return Math.min(count, maxItems);
  const turns = Math.ceil(count / maxItems / idleWorkers);
  const share = Math.ceil(count / (turns * idleWorkers) / lanes) * lanes;
  return Math.min(share, maxItems);
}

/** Creates the WebAssembly back end; threads start with `prepare` or the first `run`. */
export function createWasmBackend(options: WasmBackendOptions = {}): WasmBackend {
  const workers = options.workers ?? availableCores();
  if (!Number.isInteger(workers) || workers < 1) {
    throw new RangeError(`workers: expected a positive integer, got ${workers}`);
  }
  const cells = new Map<string, Promise<Cell>>();
  /** Those of them that are there. */
  const loaded = new Map<string, Cell>();
  let pool: WorkerPool | undefined;
  let level: Promise<SimdLevel> | undefined;
  let running = 0;
  let closed = false;

  const detect = async (): Promise<SimdLevel> => {
    level ??= detectSimd();
    const found = await level;
    return found === "fused" && options.simd === "baseline" ? "simd" : found;
  };

  async function load(algorithm: Algorithm): Promise<Cell> {
    const { id } = algorithm;
    const { module, design } = await compileKernel(algorithm, await detect(), options.debug);
    try {
      const shape = shapeOf(algorithm);
      const limits = await readLimits(module);
      if (closed) throw failure("ERR_CLOSED", "closed");
      if (options.inline !== "always") {
        pool ??= createPool({
          urgentWorkers: URGENT_WORKERS,
          background: options.background === true,
          ...options.pool,
          workers,
        });
        await pool.addKernel(id, module, shape);
      }
      const cell: Cell = { shape, module, limits, inline: undefined };
      loaded.set(id, cell);
      return cell;
    } catch (error) {
      if (error instanceof LanewiseError) throw error;
      throw failure("ERR_BACKEND_UNAVAILABLE", `kernel ${design} cannot be loaded`, error);
    }
  }

  function cellOf(algorithm: Algorithm): Promise<Cell> {
    let cell = cells.get(algorithm.id);
    if (!cell) {
      cell = load(algorithm);
      cells.set(algorithm.id, cell);
      cell.catch(() => cells.delete(algorithm.id)); // the next call tries again
    }
    return cell;
  }

  /** Runs the batch here and now; false when the kernel failed, which the pool then reports or survives. */
  async function runInline(cell: Cell, batch: Batch, view: BatchView): Promise<boolean> {
    try {
      cell.inline ??= createKernel(cell.module, cell.shape);
      (await cell.inline).run(view, batch.arenaLength, 0, batch.count);
      return true;
    } catch (error) {
      cell.inline = undefined;
      if (pool) return false;
      throw failure("ERR_BACKEND_FAILED", `kernel ${batch.algorithm.id} failed`, error);
    }
  }

  /** Only where nothing else is in flight: a burst of small batches is work for all cores. */
  function fitsInline({ count, arenaLength }: Batch, { inlineItems }: KernelLimits): boolean {
    if (options.inline !== undefined && options.inline !== "small") return !pool;
    return running === 1 && count <= inlineItems && arenaLength <= INLINE_ARENA_BYTES;
  }

  async function dispatch(batch: Batch, { signal, urgent = false }: RunOptions): Promise<void> {
    const { algorithm, count } = batch;
    // Without a turn of the microtask queue where nothing has to be waited for: workers begin while the caller goes on.
    const cell = loaded.get(algorithm.id) ?? (await cellOf(algorithm));
    const throwIfOver = (): void => {
      if (closed) throw failure("ERR_CLOSED", "closed");
      if (signal?.aborted) throw failure("ERR_ABORTED", "aborted", signal.reason);
    };
    throwIfOver();
    const { records, arena, verdicts, results } = batch.sections;
    const view: BatchView = { buffer: batch.buffer, records, arena, verdicts, results };
    if (fitsInline(batch, cell.limits) && (await runInline(cell, batch, view))) return;
    throwIfOver();
    // Urgent chunks run wherever a worker comes free first.
    const idle = urgent ? workers : Math.max(1, Math.floor(workers / (pool!.stats().inFlight + 1)));
    await pool!.run({
      kernel: algorithm.id,
      view,
      count,
      arenaBytes: batch.arenaLength,
      chunkItems: chunkItems(count, idle, cell.limits),
      urgent,
      ...(signal ? { signal } : {}),
    });
  }

  return {
    id: "wasm",
    blocksCaller: options.inline === "always",
    stats: () => pool?.stats(),
    async probe(): Promise<BackendStatus> {
      const base = { id: "wasm" as const, details: {} };
      try {
        const simd = await detect();
        if (simd === "none") {
          const reason = "this engine has no WebAssembly SIMD (Node 16.4 and later have it)";
          return { ...base, available: false, reason };
        }
        if (typeof SharedArrayBuffer === "undefined") {
          const reason = "SharedArrayBuffer is missing: a page must be cross-origin isolated";
          return { ...base, available: false, reason };
        }
        return {
          ...base,
          available: true,
          reason:
            simd === "fused"
              ? "WebAssembly SIMD with fused multiply-add"
              : "WebAssembly SIMD; relaxed SIMD is off or not fused, so the integer designs run",
          details: { simd, workers, kernels: Object.keys(kernels).join(", ") },
        };
      } catch (error) {
        return { ...base, available: false, reason: `probing failed: ${String(error)}` };
      }
    },
    supports: (algorithm) => Object.hasOwn(kernels, algorithm.id),
    turnItems({ id }) {
      const cell = loaded.get(id);
      return pool && cell ? workers * cell.limits.maxItems : undefined;
    },
    async prepare(algorithms) {
      if (closed) throw failure("ERR_CLOSED", "closed");
      await Promise.all(algorithms.map(cellOf));
    },
    async run(batch: Batch, run: RunOptions = {}): Promise<void> {
      if (batch.count > batch.capacity || batch.arenaLength > batch.arena.length) {
        throw new RangeError(
          `batch: expected count ≤ ${batch.capacity} and arenaLength ≤ ${batch.arena.length}, ` +
            `got ${batch.count} and ${batch.arenaLength}`,
        );
      }
      if (closed) throw failure("ERR_CLOSED", "closed");
      if (run.signal?.aborted) throw failure("ERR_ABORTED", "aborted", run.signal.reason);
      running++;
      try {
        await dispatch(batch, run);
      } finally {
        running--;
      }
    },
    async close() {
      closed = true;
      await pool?.close();
    },
  };
}
