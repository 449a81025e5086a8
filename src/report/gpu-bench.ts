/**
 * Measures the WebGPU column on this machine: compile times, a sweep of batch sizes with and without transfers, the size from
 * which it beats the CPU column; every answer is checked against the reference.
 *
 * @module
 */
import {
  createWasmBackend,
  createWebgpuBackend,
  type KernelVariant,
  type WebgpuBackend,
} from "../backends/index.ts";
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
  /** Longest that the shaders of one algorithm may take to compile; default: the back end's. */
  readonly compileTimeoutMs?: number;
  /** Nothing new is begun after this long; default: no limit. */
  readonly timeLimitMs?: number;
  /** Told what is being done. */
  readonly onProgress: (line: string) => void;
}

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

/** One form of a kernel at one batch size. */
export interface VariantReport {
  readonly algorithm: string;
  readonly variant: KernelVariant;
  readonly items: number;
  /** 0 where it failed. */
  readonly compileMs: number;
  readonly rate: number;
  readonly kernelRate: number;
  /** Answers compared with the reference's, all equal. */
  readonly checked: number;
  /** Why the device did not run it. */
  readonly failure?: string;
}

/** What `benchVariants` compares with what is built, the most telling first: time may run out. */
export const VARIANTS: readonly KernelVariant[] = [
  {},
  { form: "words-8" },
  { form: "karatsuba-2" },
  { form: "looped" },
  { form: "sites-4" },
  { workgroupSize: 128 },
  { form: "comb-12" },
  { inversionItems: 4 },
  { form: "karatsuba-0" },
  { workgroupSize: 256 },
  { form: "sites-8" },
  { form: "words-8-sites-2" },
  { inversionItems: 8 },
];

/** Batches in flight where streaming is measured. */
const STREAMED = 4;

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
  const cpu = createWasmBackend();
  const isLate = limitOf(options);
  try {
    const adapter = await adapterOf(options);
    const reports: GpuBenchReport[] = [];
    for (const generator of options.generators) {
      if (isLate()) break;
      const { id } = generator.algorithm;
      options.onProgress(`${id}: compiling`);
      // A back end of its own, so that no shader of an earlier algorithm is there already.
      const gpu = open(options);
      const profiled = open(options, {}, true);
      try {
        const coldCompileMs = await prepareMs(gpu, generator.algorithm);
        const warmCompileMs = await prepareMs(profiled, generator.algorithm);
        const known = new KnownCases(generator);
        const swept = await sweep(gpu, cpu, known, options);
        const { compileMs } = gpu.statistics();
        await profiled.run(known.batch(swept.sizes.at(-1)?.items ?? SMALLEST));
        const { stageMs } = profiled.statistics();
        reports.push({ algorithm: id, coldCompileMs, warmCompileMs, compileMs, stageMs, ...swept });
      } finally {
        await gpu.close();
        await profiled.close();
      }
    }
    return { adapter, reports };
  } finally {
    await cpu.close();
  }
}

/**
 * Runs every form of the algorithms' kernels at the largest batch of the sweep.
 *
 * @throws LanewiseError `ERR_BACKEND_UNAVAILABLE` without an adapter; `ERR_BACKEND_FAILED` at the first wrong answer.
 */
export async function benchVariants(
  options: GpuBenchOptions,
): Promise<{ adapter: BackendStatus; variants: VariantReport[] }> {
  const adapter = await adapterOf(options);
  const isLate = limitOf(options);
  const variants: VariantReport[] = [];
  for (const generator of options.generators) {
    const known = new KnownCases(generator);
    for (const variant of VARIANTS) {
      if (isLate()) break;
      options.onProgress(`${generator.algorithm.id}: ${variantName(variant)}`);
      variants.push(await measureVariant(known, variant, options));
    }
  }
  return { adapter, variants };
}

/** A short name: `as built`, `workgroupSize 128`. */
export function variantName(variant: KernelVariant): string {
  const changes = Object.entries(variant).map(([name, value]) => `${name} ${value}`);
  return changes.length === 0 ? "as built" : changes.join(", ");
}

async function measureVariant(
  known: KnownCases,
  variant: KernelVariant,
  options: GpuBenchOptions,
): Promise<VariantReport> {
  const { algorithm } = known;
  const items = options.maxItems;
  const common = { algorithm: algorithm.id, variant, items };
  const gpu = open(options, variant);
  try {
    const compileMs = await prepareMs(gpu, algorithm);
    const batch = known.batch(items);
    const { ms, kernelMs } = await bestOf(gpu, batch, options.msPerSize, () => kernelMsOf(gpu));
    const checked = known.check(batch);
    return {
      ...common,
      compileMs,
      rate: rateOf(items, ms),
      kernelRate: rateOf(items, kernelMs),
      checked,
    };
  } catch (error) {
    const unable = error instanceof LanewiseError && error.code !== "ERR_BACKEND_FAILED";
    if (!unable) throw error;
    return { ...common, compileMs: 0, rate: 0, kernelRate: 0, checked: 0, failure: error.message };
  } finally {
    await gpu.close();
  }
}

function open(
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

async function adapterOf(options: GpuBenchOptions): Promise<BackendStatus> {
  const adapter = await open(options).probe();
  if (!adapter.available) throw new LanewiseError("ERR_BACKEND_UNAVAILABLE", adapter.reason);
  return adapter;
}

/** Whether the time is up. */
function limitOf({ timeLimitMs = Number.POSITIVE_INFINITY }: GpuBenchOptions): () => boolean {
  const end = performance.now() + timeLimitMs;
  return () => performance.now() > end;
}

const rateOf = (items: number, ms: number | undefined): number => (ms ? (items * 1000) / ms : 0);

const kernelMsOf = (gpu: WebgpuBackend): number => gpu.statistics().kernelMs;

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
  known: KnownCases,
  { maxItems, msPerSize, onProgress }: GpuBenchOptions,
): Promise<Pick<GpuBenchReport, "sizes" | "crossoverItems" | "checked">> {
  const { algorithm } = known;
  const cpuRuns = cpu.supports(algorithm) && (await cpu.probe()).available;
  const sizes: SizeReport[] = [];
  let checked = 0;
  for (let items = SMALLEST; items <= maxItems; items *= 4) {
    onProgress(`${algorithm.id}: ${items} items`);
    const batch = known.batch(items);
    const measured = await bestOf(gpu, batch, msPerSize, () => kernelMsOf(gpu));
    checked += known.check(batch);
    const streamed = [batch, ...Array.from({ length: STREAMED - 1 }, () => known.batch(items))];
    const streamedMs = await streamMs(gpu, streamed, msPerSize);
    for (const other of streamed) checked += known.check(other);
    const cpuMs = cpuRuns ? (await bestOf(cpu, batch, msPerSize / 4)).ms : undefined;
    sizes.push({
      items,
      rate: rateOf(items, measured.ms),
      streamedRate: rateOf(items, streamedMs),
      kernelRate: rateOf(items, measured.kernelMs),
      cpuRate: rateOf(items, cpuMs),
    });
  }
  const crossover = sizes.find(({ streamedRate, cpuRate }) => streamedRate > cpuRate);
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

/** Time that a batch takes when the next ones are always there, on the average of at least two rounds. */
async function streamMs(gpu: Backend, batches: readonly Batch[], forMs: number): Promise<number> {
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

/** Cases of one algorithm with the reference's answers, each computed once. */
class KnownCases {
  readonly algorithm: Algorithm;
  readonly #cases: readonly Case[];
  readonly #answers = new Map<Case, { verdict: number; result: Uint8Array }>();

  constructor(generator: CaseGenerator) {
    const random = createRandom(generator.algorithm.id);
    // Where a record points by itself, its answer depends on the batch.
    const crafted = generator
      .crafted()
      .filter(({ message, point }) => (message?.length ?? 0) <= 4096 && point === undefined);
    this.algorithm = generator.algorithm;
    this.#cases = [
      ...crafted.slice(0, DISTINCT / 8),
      ...Array.from({ length: DISTINCT }, () => generator.random(random)),
    ].slice(0, DISTINCT);
  }

  /** So many cases, round and round. */
  batch(items: number): Batch {
    const cases = Array.from({ length: items }, (_, i) => this.#caseOf(i));
    const batch = new Batch(this.algorithm, items, arenaBytesOf(cases));
    fillBatch(batch, cases);
    return batch;
  }

  /** Compares every answer with the reference's. */
  check(batch: Batch): number {
    for (let i = 0; i < batch.count; i++) {
      const { verdict, result } = this.#answerOf(batch, i);
      const found = batch.result(i);
      if (batch.verdicts[i] === verdict && result.every((byte, at) => byte === found[at])) continue;
      throw new LanewiseError(
        "ERR_BACKEND_FAILED",
        `${this.algorithm.id}: wrong answer for item ${i} (${this.#caseOf(i).name}) of ${batch.count}`,
      );
    }
    return batch.count;
  }

  #caseOf(item: number): Case {
    return this.#cases[item % this.#cases.length];
  }

  #answerOf(batch: Batch, item: number): { verdict: number; result: Uint8Array } {
    const known = this.#answers.get(this.#caseOf(item));
    if (known) return known;
    const result = new Uint8Array(this.algorithm.result.byteLength);
    const arena = batch.arena.subarray(0, batch.arenaLength);
    const verdict = this.algorithm.reference(batch.record(item), arena, result);
    this.#answers.set(this.#caseOf(item), { verdict, result });
    return { verdict, result };
  }
}
