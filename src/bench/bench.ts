/**
 * Benchmarks of one algorithm: our WebAssembly column at several batch sizes and worker counts, and its rivals, in one process.
 *
 * Everything is measured in turns: a round gives each contestant a short run, and there are several rounds, so that a busy
 * moment of the machine hits all alike. A figure is the median of the rounds' medians; its spread is the distance between the
 * rounds' quartiles.
 *
 * @module
 */
import { cpus } from "node:os";
import { Bench } from "tinybench";
import { createWasmBackend } from "../backends/wasm/index.ts";
import type { Algorithm, Backend } from "../core/index.ts";
import { type NativePeer, startLibsecp256k1 } from "./native.ts";
import { peers, thirdparty } from "./peers.ts";
import { createWorkload, RATIO_BATCH, type Workload } from "./workload.ts";

/** What to measure. */
export interface BenchOptions {
  /** Peers by name; default: all that are installed. */
  readonly against?: readonly string[];
  /** Bytes of a message, for hashes; default 64. */
  readonly messageBytes?: number;
  /** Batch sizes of the sweep on the calling thread; the one of the ratios is always among them. */
  readonly batches?: readonly number[];
  /** Worker counts beside the calling thread; default: every power of two up to the machine's cores. */
  readonly workers?: readonly number[];
  readonly rounds?: number;
  readonly roundMs?: number;
  /**
   * `wall` (default), or `cpu`: processor time of the process, for a machine that is busy with other work. It does not see
   * waiting, so that it says what an item costs, not how soon it is done.
   */
  readonly clock?: Clock;
}

/** What time is measured. */
export type Clock = "wall" | "cpu";

/** One contestant's figures. */
export interface BenchRow {
  readonly impl: string;
  /** Per core. */
  readonly itemsPerSecond: number;
  /** Per core. */
  readonly nsPerItem: number;
  /** Items of one call. */
  readonly batch: number;
  /** Worker threads; 0: on the calling thread, as peers run. */
  readonly workers: number;
}

/** What `lanewise bench --json` prints. */
export interface BenchReport {
  readonly id: string;
  readonly machine: string;
  readonly node: string;
  readonly rows: readonly BenchRow[];
  /** Our rate on the calling thread divided by the peer's; batches of ours as in {@link BenchResult.ratioBatch}. */
  readonly ratio: Readonly<Record<string, number>>;
}

/** The report and what only the table shows. */
export interface BenchResult {
  readonly report: BenchReport;
  /** Items a batch of ours in the ratios. */
  readonly ratioBatch: number;
  /** Spread of each row, relative to its median. */
  readonly spread: readonly number[];
  /** Peers that were not measured, and why. */
  readonly absent: Readonly<Record<string, string>>;
}

/** Items of a batch per worker, where workers are measured. */
const WORKER_BATCH_PER_WORKER = 4096;

const OURS = "lanewise";

interface Contestant {
  readonly impl: string;
  readonly batch: number;
  readonly workers: number;
  /** Nanoseconds per item of one round. */
  sample(roundMs: number): Promise<number>;
  close(): Promise<void> | void;
}

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

/** Processor time of all threads of this process, in milliseconds. */
function cpuNow(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Runs `run` for a while; the typical time of a call in nanoseconds per item. */
async function timed(
  run: () => unknown,
  items: number,
  roundMs: number,
  clock: Clock,
): Promise<number> {
  const now = clock === "cpu" ? { now: cpuNow } : {};
  const bench = new Bench({ time: roundMs, iterations: 1, warmup: false, ...now });
  bench.add("call", run);
  const [task] = await bench.run();
  if (task.result.state !== "completed") {
    throw new Error(`bench: a contestant failed (${task.result.state})`, {
      cause: "error" in task.result ? task.result.error : undefined,
    });
  }
  // The median of wall times leaves interruptions out. Processor time has none, and its clock is too coarse for one call.
  const { p50, mean } = task.result.latency;
  return ((clock === "cpu" ? mean : p50) * 1e6) / items;
}

function ours(
  backend: Backend,
  workload: Workload,
  size: number,
  workers: number,
  clock: Clock,
  impl = OURS,
): Contestant {
  const batch = workload.batch(size);
  return {
    impl,
    batch: size,
    workers,
    async sample(roundMs) {
      // An async function, so that tinybench sees what it is: else it calls once to find out, and times that call with the first.
      const ns = await timed(async () => backend.run(batch), size, roundMs, clock);
      // Per core: N workers that scale perfectly show the figure of one. Processor time is per core already.
      return clock === "cpu" ? ns : ns * Math.max(1, workers);
    },
    async close() {
      await backend.run(batch);
      const result = batch.result(size - 1);
      if (!same(result, workload.expected((size - 1) % workload.count))) {
        throw new Error(`bench: ${impl} answered wrongly`);
      }
    },
  };
}

/** The part of a result that peers answer too: the digest, or the key's x coordinate. */
function comparable(answer: Uint8Array): Uint8Array {
  return answer.length === 33 || answer.length === 65
    ? answer.subarray(1, 33)
    : answer.subarray(0, 32);
}

async function findPeers(
  workload: Workload,
  wanted: readonly string[] | undefined,
  absent: Record<string, string>,
  clock: Clock,
): Promise<Contestant[]> {
  const found: Contestant[] = [];
  const expected = workload.expected(0).subarray(0, 32);
  const check = (name: string, answer: Uint8Array): boolean => {
    if (same(comparable(answer), expected)) return true;
    absent[name] = "gives another answer than the reference";
    return false;
  };
  const { id } = workload.algorithm;
  for (const { name, runs } of peers) {
    if (!runs[id] || (wanted && !wanted.includes(name))) continue;
    try {
      const run = await runs[id](workload);
      if (!run) {
        absent[name] = "does not take such messages";
        continue;
      }
      if (!check(name, run.first())) continue;
      const sample = (roundMs: number): Promise<number> =>
        timed(run.run, run.items, roundMs, clock);
      found.push({ impl: name, batch: 1, workers: 1, sample, close: () => {} });
    } catch (error) {
      absent[name] = `not installed (npm ci --prefix bench/thirdparty): ${firstLine(error)}`;
    }
  }
  const native = "libsecp256k1";
  if (id === "secp256k1-recover" && (!wanted || wanted.includes(native))) {
    const peer: NativePeer | string = await startLibsecp256k1(
      new URL("libsecp256k1.c", thirdparty),
      workload,
      clock,
    );
    if (typeof peer === "string") absent[native] = peer;
    else if (check(native, peer.first)) found.push({ impl: native, batch: 1, workers: 1, ...peer });
    else peer.close();
  }
  for (const name of wanted ?? []) {
    if (absent[name] === undefined && !found.some(({ impl }) => impl === name)) {
      absent[name] = `no such peer of ${id}`;
    }
  }
  return found;
}

const firstLine = (error: unknown): string => String(error).split("\n", 1)[0];

function quantile(sorted: readonly number[], at: number): number {
  const place = (sorted.length - 1) * at;
  const low = Math.floor(place);
  const high = Math.ceil(place);
  return sorted[low] + (sorted[high] - sorted[low]) * (place - low);
}

/**
 * Measures one algorithm.
 *
 * @throws RangeError when there is no benchmark of it.
 */
export async function bench(
  algorithm: Algorithm,
  options: BenchOptions = {},
): Promise<BenchResult> {
  const { messageBytes = 64, rounds = 7, roundMs = 150, clock = "wall" } = options;
  const workload = createWorkload(algorithm, messageBytes);
  if (!workload)
    throw new RangeError(`bench: expected an algorithm with a workload, got ${algorithm.id}`);
  const cores = cpus().length;
  const powers = [1, 2, 4, 8, 16, 32].filter((n) => n === 1 || n <= cores);
  const workerCounts = [0, ...(options.workers ?? powers)];
  const { longWay, ratioBatch = RATIO_BATCH } = workload;
  const sweep = options.batches ?? [1, 16, 64, 256, 1024, 4096];
  const batches = [...new Set([...sweep, ratioBatch])];
  batches.sort((a, b) => a - b);
  const absent: Record<string, string> = {};
  const backends = workerCounts.map((workers) =>
    createWasmBackend(workers === 0 ? { inline: "always" } : { workers, inline: "never" }),
  );
  const contestants: Contestant[] = [];
  try {
    for (const [i, workers] of workerCounts.entries()) {
      await backends[i].prepare([algorithm]);
      // Workers are measured where each has a share that is worth waking it for.
      const sizes = workers === 0 ? batches : [WORKER_BATCH_PER_WORKER * workers];
      for (const size of sizes) contestants.push(ours(backends[i], workload, size, workers, clock));
    }
    if (longWay) {
      await backends[0].prepare([longWay.algorithm]);
      const name = `${OURS} ${longWay.algorithm.id}`;
      contestants.push(ours(backends[0], longWay, ratioBatch, 0, clock, name));
    }
    contestants.push(...(await findPeers(workload, options.against, absent, clock)));
    const samples = await measure(contestants, rounds, roundMs);
    return { ...evaluate(algorithm, contestants, samples, ratioBatch), ratioBatch, absent };
  } finally {
    for (const contestant of contestants) await contestant.close();
    for (const backend of backends) await backend.close();
  }
}

/** Rounds of everybody in turn, after one that only warms up. */
async function measure(
  contestants: readonly Contestant[],
  rounds: number,
  roundMs: number,
): Promise<number[][]> {
  const samples: number[][] = contestants.map(() => []);
  for (let round = -1; round < rounds; round++) {
    for (const [i, contestant] of contestants.entries()) {
      const sample = await contestant.sample(roundMs);
      if (round >= 0) samples[i].push(sample);
    }
  }
  return samples.map((values) => values.sort((a, b) => a - b));
}

function evaluate(
  algorithm: Algorithm,
  contestants: readonly Contestant[],
  samples: readonly (readonly number[])[],
  ratioBatch: number,
): Omit<BenchResult, "absent" | "ratioBatch"> {
  const medians = samples.map((values) => quantile(values, 0.5));
  const rows = contestants.map(({ impl, batch, workers }, i) => ({
    impl,
    itemsPerSecond: Math.round(1e9 / medians[i]),
    nsPerItem: Math.round(medians[i] * 10) / 10,
    batch,
    workers,
  }));
  const base = contestants.findIndex(
    ({ impl, batch, workers }) => impl === OURS && batch === ratioBatch && workers === 0,
  );
  const ratio: Record<string, number> = {};
  for (const [i, { impl }] of contestants.entries()) {
    if (impl !== OURS && base >= 0)
      ratio[impl] = Math.round((medians[i] / medians[base]) * 100) / 100;
  }
  const report = {
    id: algorithm.id,
    machine: `${cpus()[0]?.model ?? process.arch}, ${cpus().length} cores, ${process.platform}`,
    node: process.version,
    rows,
    ratio,
  };
  const spread = samples.map((s, i) => (quantile(s, 0.75) - quantile(s, 0.25)) / medians[i]);
  return { report, spread };
}
