/**
 * How long a back end's kernels take to compile: on a machine's first start, and again.
 *
 * @module
 */
import type { WebgpuBackend } from "../backends/index.ts";
import { type Algorithm, LanewiseError } from "../core/index.ts";

/** One row's times. A shader that several rows share counts for the first of them. */
export interface CompileTime {
  readonly algorithm: string;
  /** As the driver's cache was found; 0 where it failed. */
  readonly coldMs: number;
  /** Again on a second device; `undefined` where that was not measured. */
  readonly warmMs: number | undefined;
  /** Why it did not compile. */
  readonly failure?: string;
}

/**
 * Prepares every algorithm on `first`, one after another, then on `second`.
 *
 * @param second `undefined` where nothing can be warm: software drivers keep no cache.
 */
export async function compileTimes(
  first: WebgpuBackend,
  second: WebgpuBackend | undefined,
  algorithms: readonly Algorithm[],
): Promise<CompileTime[]> {
  const rows = algorithms.filter((algorithm) => first.supports(algorithm));
  const cold: Timed[] = [];
  for (const algorithm of rows) cold.push(await timed(first, algorithm));
  const warm: Timed[] = [];
  for (const algorithm of rows) if (second) warm.push(await timed(second, algorithm));
  return rows.map(({ id }, i) => {
    const failure = cold[i].failure ?? warm[i]?.failure;
    const times = { algorithm: id, coldMs: cold[i].ms, warmMs: warm[i]?.ms };
    return failure === undefined ? times : { ...times, failure };
  });
}

interface Timed {
  readonly ms: number;
  readonly failure?: string;
}

async function timed(backend: WebgpuBackend, algorithm: Algorithm): Promise<Timed> {
  const start = performance.now();
  try {
    await backend.prepare([algorithm]);
    return { ms: performance.now() - start };
  } catch (error) {
    if (!(error instanceof LanewiseError)) throw error;
    return { ms: 0, failure: error.message };
  }
}
