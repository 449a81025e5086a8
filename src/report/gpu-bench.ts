/**
 * Measures the WebGPU column on this machine: compile times, a sweep of batch sizes with and without transfers, the size from
 * which it beats the CPU column; every answer is checked against the reference.
 *
 * @module
 */
import { createWasmBackend, type WebgpuBackend } from "../backends/index.ts";
import { type Backend, type BackendStatus, LanewiseError } from "../core/index.ts";
import {
  adapterOf,
  bestOf,
  type GpuBenchOptions,
  type Legs,
  limitOf,
  openBackend,
  prepareMs,
  rateOf,
  streamMs,
} from "./gpu-measure.ts";
import { KnownCases } from "./known-cases.ts";

/** One batch size; rates in items a second, the best run's. */
export interface SizeReport {
  readonly items: number;
  /** One batch at a time, transfers included. */
  readonly rate: number;
  /** Several batches in flight, transfers included: one is on its way while another computes. */
  readonly streamedRate: number;
  /** Shaders alone, by the device's timestamps; 0 where it has none. */
  readonly kernelRate: number;
  /** The WebAssembly column; 0 where it does not run. */
  readonly cpuRate: number;
  /** Where the time of one batch at a time goes. */
  readonly legs: Legs;
}

/** One algorithm's figures. */
export interface GpuBenchReport {
  readonly algorithm: string;
  /** All shaders, with the driver's cache as it was found; then again by a second device. */
  readonly coldCompileMs: number;
  readonly warmCompileMs: number;
  readonly compileMs: Readonly<Record<string, number>>;
  readonly sizes: readonly SizeReport[];
  /** Device time of each shader for one batch of the largest size, when stages do not overlap; empty where it has no clock. */
  readonly stageMs: Readonly<Record<string, number>>;
  /** Smallest measured batch from which the GPU is faster than the CPU column; `undefined`: none. */
  readonly crossoverItems: number | undefined;
  /** Answers compared with the reference's, all equal. */
  readonly checked: number;
}

/** All measurements, and what the time limit left out or the device did not run. */
export interface GpuBenchResult {
  readonly adapter: BackendStatus;
  readonly reports: readonly GpuBenchReport[];
  readonly notMeasured: readonly string[];
}

/** Batches in flight where streaming is measured. */
const STREAMED = 4;

const SMALLEST = 64;

/**
 * Runs the measurements.
 *
 * @throws LanewiseError `ERR_BACKEND_UNAVAILABLE` without an adapter; `ERR_BACKEND_FAILED` at the first wrong answer.
 */
export async function benchGpu(options: GpuBenchOptions): Promise<GpuBenchResult> {
  const cpu = createWasmBackend();
  const isLate = limitOf(options);
  const notMeasured: string[] = [];
  const reports: GpuBenchReport[] = [];
  try {
    const adapter = await adapterOf(options);
    for (const generator of options.generators) {
      const { id } = generator.algorithm;
      if (isLate()) {
        notMeasured.push(id);
        continue;
      }
      options.onProgress(`${id}: compiling`);
      // A back end of its own, so that no shader of an earlier algorithm is there already.
      const gpu = openBackend(options);
      const profiled = openBackend(options, {}, true);
      const at = reports.length;
      const publish = (report: GpuBenchReport): void => {
        reports[at] = report;
        options.onResult({ adapter, reports, notMeasured });
      };
      try {
        const coldCompileMs = await prepareMs(gpu, generator.algorithm);
        const warmCompileMs = await prepareMs(profiled, generator.algorithm);
        const report: GpuBenchReport = {
          algorithm: id,
          coldCompileMs,
          warmCompileMs,
          compileMs: gpu.statistics().compileMs,
          sizes: [],
          stageMs: {},
          crossoverItems: undefined,
          checked: 0,
        };
        publish(report);
        const known = new KnownCases(generator);
        for await (const swept of sweep(gpu, cpu, known, options, isLate)) {
          publish({ ...report, ...swept });
        }
        const batch = known.batch(reports[at].sizes.at(-1)?.items ?? SMALLEST);
        await profiled.run(batch);
        const checked = reports[at].checked + known.check(batch);
        publish({ ...reports[at], checked, stageMs: profiled.statistics().stageMs });
      } catch (error) {
        const unable = error instanceof LanewiseError && error.code !== "ERR_BACKEND_FAILED";
        if (!unable) throw error;
        notMeasured.push(`${id}: ${error.message}`);
        options.onResult({ adapter, reports, notMeasured });
      } finally {
        await gpu.close();
        await profiled.close();
      }
    }
    return { adapter, reports, notMeasured };
  } finally {
    await cpu.close();
  }
}

/** What is known after each size. */
async function* sweep(
  gpu: WebgpuBackend,
  cpu: Backend,
  known: KnownCases,
  { maxItems, msPerSize, onProgress }: GpuBenchOptions,
  isLate: () => boolean,
): AsyncGenerator<Pick<GpuBenchReport, "sizes" | "crossoverItems" | "checked">> {
  const { algorithm } = known;
  const cpuRuns = cpu.supports(algorithm) && (await cpu.probe()).available;
  const sizes: SizeReport[] = [];
  let checked = 0;
  for (let items = SMALLEST; items <= maxItems && !isLate(); items *= 4) {
    onProgress(`${algorithm.id}: ${items} items`);
    const batch = known.batch(items);
    const { ms, legs } = await bestOf(gpu, batch, msPerSize);
    checked += known.check(batch);
    const streamed = [batch, ...Array.from({ length: STREAMED - 1 }, () => known.batch(items))];
    const streamedMs = await streamMs(gpu, streamed, msPerSize);
    for (const other of streamed) checked += known.check(other);
    const cpuMs = cpuRuns ? (await bestOf(cpu, batch, msPerSize / 4)).ms : undefined;
    sizes.push({
      items,
      rate: rateOf(items, ms),
      streamedRate: rateOf(items, streamedMs),
      kernelRate: rateOf(items, legs.kernelMs),
      cpuRate: rateOf(items, cpuMs),
      legs,
    });
    const crossover = sizes.find(({ streamedRate, cpuRate }) => streamedRate > cpuRate);
    yield { sizes: [...sizes], crossoverItems: crossover?.items, checked };
  }
}
