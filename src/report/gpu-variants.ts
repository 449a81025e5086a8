/**
 * Compares the forms of the WebGPU kernels on this machine; every answer is checked against the reference.
 *
 * @module
 */
import type { KernelVariant } from "../backends/index.ts";
import { type BackendStatus, LanewiseError } from "../core/index.ts";
import {
  adapterOf,
  bestOf,
  type GpuBenchOptions,
  limitOf,
  openBackend,
  prepareMs,
  rateOf,
} from "./gpu-measure.ts";
import { KnownCases } from "./known-cases.ts";

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

/** All measurements, and what the time limit left out. */
export interface VariantsResult {
  readonly adapter: BackendStatus;
  readonly variants: readonly VariantReport[];
  readonly notMeasured: readonly string[];
}

/** A short name: `as built`, `workgroupSize 128`. */
export function variantName(variant: KernelVariant): string {
  const changes = Object.entries(variant).map(([name, value]) => `${name} ${value}`);
  return changes.length === 0 ? "as built" : changes.join(", ");
}

/**
 * Runs every form of the algorithms' kernels at the largest batch of the sweep.
 *
 * @throws LanewiseError `ERR_BACKEND_UNAVAILABLE` without an adapter; `ERR_BACKEND_FAILED` at the first wrong answer.
 */
export async function benchVariants(options: GpuBenchOptions): Promise<VariantsResult> {
  const adapter = await adapterOf(options);
  const isLate = limitOf(options);
  const variants: VariantReport[] = [];
  const notMeasured: string[] = [];
  for (const generator of options.generators) {
    const known = new KnownCases(generator);
    for (const variant of VARIANTS) {
      const name = `${generator.algorithm.id}: ${variantName(variant)}`;
      if (isLate()) {
        notMeasured.push(name);
        continue;
      }
      options.onProgress(name);
      variants.push(await measureVariant(known, variant, options));
      options.onResult({ adapter, variants, notMeasured });
    }
  }
  return { adapter, variants, notMeasured };
}

async function measureVariant(
  known: KnownCases,
  variant: KernelVariant,
  options: GpuBenchOptions,
): Promise<VariantReport> {
  const { algorithm } = known;
  const items = options.maxItems;
  const common = { algorithm: algorithm.id, variant, items };
  const gpu = openBackend(options, variant);
  try {
    const compileMs = await prepareMs(gpu, algorithm);
    const batch = known.batch(items);
    const { ms, legs } = await bestOf(gpu, batch, options.msPerSize);
    const checked = known.check(batch);
    const kernelRate = rateOf(items, legs.kernelMs);
    return { ...common, compileMs, rate: rateOf(items, ms), kernelRate, checked };
  } catch (error) {
    const unable = error instanceof LanewiseError && error.code !== "ERR_BACKEND_FAILED";
    if (!unable) throw error;
    return { ...common, compileMs: 0, rate: 0, kernelRate: 0, checked: 0, failure: error.message };
  } finally {
    await gpu.close();
  }
}
