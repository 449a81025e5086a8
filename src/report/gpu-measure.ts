/**
 * What the measurements of the WebGPU column share.
 *
 * @module
 */
import { createWebgpuBackend, type KernelVariant, type WebgpuBackend } from "../backends/index.ts";
import {
  type Algorithm,
  type Backend,
  type BackendStatus,
  type Batch,
  LanewiseError,
} from "../core/index.ts";
import type { CaseGenerator } from "../workloads/cases.ts";

/** What to measure. */
export interface GpuBenchOptions {
  readonly generators: readonly CaseGenerator[];
  /** Largest batch of the sweep. */
  readonly maxItems: number;
  /** Least time spent on each size, after one run to warm up. */
  readonly msPerSize: number;
  readonly allowSoftwareAdapter: boolean;
  /** Longest that the shaders of one algorithm may take to compile; default: the back end's. */
  readonly compileTimeoutMs?: number;
  /** Nothing new is begun after this long; default: no limit. */
  readonly timeLimitMs?: number;
  /** Told what is being done. */
  readonly onProgress: (line: string) => void;
  /** Given all results so far after each step: what is cut short has not been for nothing. */
  readonly onResult: (result: object) => void;
}

/** Where the time of one batch goes, in ms. */
export interface Legs {
  /** Host: records and messages into mapped memory. */
  readonly uploadMs: number;
  /** Device: from mapped memory to its own, the kernels, and back; 0 where it has no clock. */
  readonly copyInMs: number;
  readonly kernelMs: number;
  readonly copyOutMs: number;
  /** Host: verdicts and results out of mapped memory. */
  readonly downloadMs: number;
}

const NO_LEGS: Legs = { uploadMs: 0, copyInMs: 0, kernelMs: 0, copyOutMs: 0, downloadMs: 0 };

function legsOf(backend: Partial<WebgpuBackend>): Legs {
  const { uploadMs, copyInMs, kernelMs, copyOutMs, downloadMs } = backend.statistics?.() ?? NO_LEGS;
  return { uploadMs, copyInMs, kernelMs, copyOutMs, downloadMs };
}

/** A fresh back end. */
export function openBackend(
  { allowSoftwareAdapter, compileTimeoutMs }: GpuBenchOptions,
  variant: KernelVariant = {},
  profile = false,
): WebgpuBackend {
  return createWebgpuBackend({
    allowSoftwareAdapter,
    variant,
    profile,
    ...(compileTimeoutMs === undefined ? {} : { compileTimeoutMs }),
  });
}

/** @throws LanewiseError `ERR_BACKEND_UNAVAILABLE` where there is none. */
export async function adapterOf(options: GpuBenchOptions): Promise<BackendStatus> {
  const adapter = await openBackend(options).probe();
  if (!adapter.available) throw new LanewiseError("ERR_BACKEND_UNAVAILABLE", adapter.reason);
  return adapter;
}

/** Whether the time is up. */
export function limitOf({
  timeLimitMs = Number.POSITIVE_INFINITY,
}: GpuBenchOptions): () => boolean {
  const end = performance.now() + timeLimitMs;
  return () => performance.now() > end;
}

/** Items a second; 0 where nothing was measured. */
export const rateOf = (items: number, ms: number | undefined): number =>
  ms ? (items * 1000) / ms : 0;

/** Time until the algorithm's shaders are compiled. */
export async function prepareMs(backend: Backend, algorithm: Algorithm): Promise<number> {
  const start = performance.now();
  await backend.prepare([algorithm]);
  return performance.now() - start;
}

/** The fastest of the runs that fit in the time, after one that warms up. */
export async function bestOf(
  backend: Backend,
  batch: Batch,
  forMs: number,
): Promise<{ ms: number; legs: Legs }> {
  await backend.run(batch);
  let best = { ms: Number.POSITIVE_INFINITY, legs: NO_LEGS };
  const end = performance.now() + forMs;
  do {
    const before = legsOf(backend);
    const start = performance.now();
    await backend.run(batch);
    const ms = performance.now() - start;
    if (ms >= best.ms) continue;
    const after = legsOf(backend);
    const names = Object.keys(after) as (keyof Legs)[];
    best = {
      ms,
      legs: Object.fromEntries(names.map((name) => [name, after[name] - before[name]])) as never,
    };
  } while (performance.now() < end);
  return best;
}

/** Time that a batch takes when the next ones are always there, on the average of at least two rounds. */
export async function streamMs(
  gpu: Backend,
  batches: readonly Batch[],
  forMs: number,
): Promise<number> {
  await Promise.all(batches.map((batch) => gpu.run(batch)));
  const start = performance.now();
  let runs = 0;
  await Promise.all(
    batches.map(async (batch) => {
      let own = 0;
      do {
        await gpu.run(batch);
        runs++;
      } while (++own < 2 || performance.now() - start < forMs);
    }),
  );
  return (performance.now() - start) / runs;
}
