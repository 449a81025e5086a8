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
  /** Each shader of the first device, from the row's call until it was done, beside the others; shared ones are in a row before. */
  readonly shaderMs: Readonly<Record<string, number>>;
  /** Why it did not compile. */
  readonly failure?: string;
}

/**
 * Prepares every algorithm on `first`, one after another, then on `second`.
 *
 * @param second `undefined` where nothing can be warm: software drivers keep no cache.
 * @param onTimes given all times so far after each of them.
 */
export async function compileTimes(
  first: WebgpuBackend,
  second: WebgpuBackend | undefined,
  algorithms: readonly Algorithm[],
  onTimes: (times: readonly CompileTime[]) => void = () => {},
): Promise<CompileTime[]> {
  const rows = algorithms.filter((algorithm) => first.supports(algorithm));
  const cold: Timed[] = [];
  const warm: Timed[] = [];
  const known = (): CompileTime[] =>
    cold.map(({ ms, shaderMs, failure: coldFailure }, i) => {
      const failure = coldFailure ?? warm[i]?.failure;
      const times = { algorithm: rows[i].id, coldMs: ms, warmMs: warm[i]?.ms, shaderMs };
      return failure === undefined ? times : { ...times, failure };
    });
  for (const [backend, times] of [
    [first, cold],
    [second, warm],
  ] as const) {
    for (const algorithm of rows) {
      if (!backend) break;
      times.push(await timed(backend, algorithm));
      onTimes(known());
    }
  }
  return known();
}

interface Timed {
  readonly ms: number;
  readonly shaderMs: Readonly<Record<string, number>>;
  readonly failure?: string;
}

async function timed(backend: WebgpuBackend, algorithm: Algorithm): Promise<Timed> {
  const start = performance.now();
  const before = backend.statistics().compileMs;
  try {
    await backend.prepare([algorithm]);
    const ms = performance.now() - start;
    const compiled = Object.entries(backend.statistics().compileMs);
    return { ms, shaderMs: Object.fromEntries(compiled.filter(([name]) => !(name in before))) };
  } catch (error) {
    if (!(error instanceof LanewiseError)) throw error;
    return { ms: 0, shaderMs: {}, failure: error.message };
  }
}
