/**
 * Measures the WebGPU column on this machine: compile times, a sweep of batch sizes with and without transfers, the size from
 * which it beats the CPU column; every answer is checked against the reference.
 *
 * @module
 */
import { createWasmBackend, createWebgpuBackend, type WebgpuBackend } from "../backends/index.ts";
import {
  type Algorithm,
  type Backend,
  type BackendStatus,
  Batch,
  LanewiseError,
} from "../core/index.ts";
import { arenaBytesOf, type Case, type CaseGenerator, fillBatch } from "../workloads/cases.ts";
import { createRandom } from "../workloads/random.ts";

/** What to measure. */
export interface GpuBenchOptions {
  readonly generators: readonly CaseGenerator[];
  /** Largest batch of the sweep. */
  readonly maxItems: number;
  /** Least time spent on each size, after one run to warm up. */
  readonly msPerSize: number;
  readonly allowSoftwareAdapter: boolean;
  /** Told what is being done. */
  readonly onProgress: (line: string) => void;
}

/** One batch size; rates in items a second, the best run's. */
export interface SizeReport {
  readonly items: number;
  /** Transfers included. */
  readonly rate: number;
  /** Shaders alone, by the device's timestamps; 0 where it has none. */
  readonly kernelRate: number;
  /** The WebAssembly column; 0 where it does not run. */
  readonly cpuRate: number;
}

/** One algorithm's figures. */
export interface GpuBenchReport {
  readonly algorithm: string;
  /** All shaders, with the driver's cache as it was found; then again by a second device. */
  readonly coldCompileMs: number;
  readonly warmCompileMs: number;
  readonly compileMs: Readonly<Record<string, number>>;
  readonly sizes: readonly SizeReport[];
  /** Smallest measured batch from which the GPU is faster than the CPU column; `undefined`: none. */
  readonly crossoverItems: number | undefined;
  /** Answers compared with the reference's, all equal. */
  readonly checked: number;
}

/** Distinct cases of a batch; larger batches repeat them. */
const DISTINCT = 1024;
const SMALLEST = 64;

/**
 * Runs the measurements.
 *
 * @throws LanewiseError `ERR_BACKEND_UNAVAILABLE` without an adapter; `ERR_BACKEND_FAILED` at the first wrong answer.
 */
export async function benchGpu(
  options: GpuBenchOptions,
): Promise<{ adapter: BackendStatus; reports: GpuBenchReport[] }> {
  const { allowSoftwareAdapter } = options;
  const open = (): WebgpuBackend => createWebgpuBackend({ allowSoftwareAdapter });
  const gpu = open();
  const cpu = createWasmBackend();
  try {
    const adapter = await gpu.probe();
    if (!adapter.available) throw new LanewiseError("ERR_BACKEND_UNAVAILABLE", adapter.reason);
    const reports: GpuBenchReport[] = [];
    for (const generator of options.generators) {
      options.onProgress(`${generator.algorithm.id}: compiling`);
      const coldCompileMs = await prepareMs(gpu, generator.algorithm);
      const second = open();
      const warmCompileMs = await prepareMs(second, generator.algorithm);
      await second.close();
      const swept = await sweep(gpu, cpu, generator, options);
      const compiled = Object.entries(gpu.statistics().compileMs);
      reports.push({
        algorithm: generator.algorithm.id,
        coldCompileMs,
        warmCompileMs,
        compileMs: Object.fromEntries(
          compiled.filter(([shader]) => shader.startsWith(`${generator.algorithm.id}/`)),
        ),
        ...swept,
      });
    }
    return { adapter, reports };
  } finally {
    await gpu.close();
    await cpu.close();
  }
}

/** Whether the adapter that would be measured is a software one. */
export async function adapterIsSoftware(allowSoftwareAdapter: boolean): Promise<boolean> {
  const { details } = await createWebgpuBackend({ allowSoftwareAdapter }).probe();
  return details.software === true;
}

async function prepareMs(backend: Backend, algorithm: Algorithm): Promise<number> {
  const start = performance.now();
  await backend.prepare([algorithm]);
  return performance.now() - start;
}

async function sweep(
  gpu: WebgpuBackend,
  cpu: Backend,
  generator: CaseGenerator,
  { maxItems, msPerSize, onProgress }: GpuBenchOptions,
): Promise<Pick<GpuBenchReport, "sizes" | "crossoverItems" | "checked">> {
  const { algorithm } = generator;
  const random = createRandom(algorithm.id);
  const crafted = generator.crafted().filter((item) => (item.message?.length ?? 0) <= 4096);
  const distinct = [
    ...crafted.slice(0, DISTINCT / 8),
    ...Array.from({ length: DISTINCT }, () => generator.random(random)),
  ].slice(0, DISTINCT);
  const cpuRuns = cpu.supports(algorithm) && (await cpu.probe()).available;
  const sizes: SizeReport[] = [];
  let checked = 0;
  for (let items = SMALLEST; items <= maxItems; items *= 4) {
    onProgress(`${algorithm.id}: ${items} items`);
    const cases = Array.from({ length: items }, (_, i) => distinct[i % distinct.length]);
    const batch = new Batch(algorithm, items, arenaBytesOf(cases));
    fillBatch(batch, cases);
    const measured = await bestOf(gpu, batch, msPerSize, () => gpu.statistics().kernelMs);
    checked += checkAll(batch, cases);
    const cpuMs = cpuRuns ? (await bestOf(cpu, batch, msPerSize / 4)).ms : undefined;
    const rate = (ms: number | undefined): number => (ms ? (items * 1000) / ms : 0);
    sizes.push({
      items,
      rate: rate(measured.ms),
      kernelRate: rate(measured.kernelMs),
      cpuRate: rate(cpuMs),
    });
  }
  const crossover = sizes.find(({ rate, cpuRate }) => rate > cpuRate);
  return { sizes, crossoverItems: crossover?.items, checked };
}

/** The fastest of the runs that fit in the time, after one that warms up. */
async function bestOf(
  backend: Backend,
  batch: Batch,
  forMs: number,
  kernelMs: () => number = () => 0,
): Promise<{ ms: number; kernelMs: number }> {
  await backend.run(batch);
  let best = { ms: Number.POSITIVE_INFINITY, kernelMs: 0 };
  const end = performance.now() + forMs;
  do {
    const kernelBefore = kernelMs();
    const start = performance.now();
    await backend.run(batch);
    const ms = performance.now() - start;
    if (ms < best.ms) best = { ms, kernelMs: kernelMs() - kernelBefore };
  } while (performance.now() < end);
  return best;
}

/** Compares every answer with the reference's; a case that repeats is computed once. */
function checkAll(batch: Batch, cases: readonly Case[]): number {
  const { algorithm } = batch;
  const bytes = algorithm.result.byteLength;
  const arena = batch.arena.subarray(0, batch.arenaLength);
  const known = new Map<Case, { verdict: number; result: Uint8Array }>();
  for (const [i, item] of cases.entries()) {
    let answer = item.point ? undefined : known.get(item);
    if (!answer) {
      const result = new Uint8Array(bytes);
      answer = { verdict: algorithm.reference(batch.record(i), arena, result), result };
      known.set(item, answer);
    }
    const found = batch.result(i);
    const right = answer.result.every((byte, at) => byte === found[at]);
    if (batch.verdicts[i] !== answer.verdict || !right) {
      throw new LanewiseError(
        "ERR_BACKEND_FAILED",
        `${algorithm.id}: wrong answer for item ${i} (${item.name}) of ${cases.length}`,
      );
    }
  }
  return cases.length;
}
