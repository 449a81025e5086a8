/**
 * Replays a trace of submissions against a verifier, whatever back ends it has, and says how long they took.
 *
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Algorithm } from "../core/index.ts";
import type { Verifier } from "../verifier/index.ts";

/** Submissions and when they come. */
export interface Trace {
  readonly algorithm: Algorithm;
  /** Ascending in time. */
  readonly arrivals: readonly { readonly atMs: number; readonly items: number }[];
}

/** Times in milliseconds. */
export interface ReplayResult {
  readonly items: number;
  /** Mean latency of a submission, from the moment at which the trace has it. */
  readonly meanMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** From the first arrival to the last answer. */
  readonly totalMs: number;
  /** Processor time of the process. */
  readonly cpuMs: number;
}

/**
 * Replays the trace in real time. A submission that is late, since the thread was busy, counts from when it should have come.
 *
 * @param records makes that many records.
 */
export async function replay(
  verifier: Verifier,
  { algorithm, arrivals }: Trace,
  records: (items: number) => Uint8Array,
): Promise<ReplayResult> {
  const prepared = arrivals.map(({ items }) => records(items));
  const latencies: number[] = [];
  const work: Promise<void>[] = [];
  const cpuBefore = process.cpuUsage();
  const startMs = performance.now();
  for (const [i, { atMs }] of arrivals.entries()) {
    while (performance.now() - startMs < atMs) {
      const leftMs = atMs - (performance.now() - startMs);
      // Timers are a millisecond coarse: the rest is spent letting other work run.
      if (leftMs > 2.5) await sleep(1);
      else await new Promise((resolve) => setImmediate(resolve));
    }
    work.push(
      verifier.submit(algorithm, prepared[i]).then(() => {
        latencies.push(performance.now() - startMs - atMs);
      }),
    );
  }
  await Promise.all(work);
  const totalMs = performance.now() - startMs;
  const { user, system } = process.cpuUsage(cpuBefore);
  latencies.sort((a, b) => a - b);
  const at = (share: number): number => latencies[Math.floor((latencies.length - 1) * share)];
  const round = (value: number): number => Math.round(value * 1000) / 1000;
  return {
    items: arrivals.reduce((sum, { items }) => sum + items, 0),
    meanMs: round(latencies.reduce((sum, ms) => sum + ms, 0) / latencies.length),
    p50Ms: round(at(0.5)),
    p99Ms: round(at(0.99)),
    totalMs: round(totalMs),
    cpuMs: round((user + system) / 1000),
  };
}
