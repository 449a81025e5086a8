/**
 * Benchmark of the sidecar: round trips of one batch over each wire against the kernel called directly, in turns, so that a busy moment
 * of the machine hits all alike. Every answer is compared with the direct one.
 *
 * @module
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { secp256k1Recover } from "../algorithms/index.ts";
import { createWasmBackend } from "../backends/index.ts";
import { Batch, LanewiseError } from "../core/index.ts";
import { createClient } from "../sidecar/client.ts";
import type { SidecarAddresses } from "../sidecar/index.ts";

/** What to measure. */
export interface SidecarBenchOptions {
  /** Signatures of one request. Default 4096. */
  readonly batch?: number;
  /** Threads of the sidecar's kernel and of the direct one. Default: the cores. */
  readonly workers?: number;
  /** Turns that each way gets. Default 15. */
  readonly rounds?: number;
}

/** One way to get a batch answered. */
export interface SidecarBenchRow {
  readonly way: "kernel" | "unix" | "http" | "unix, cached";
  /** Medians over the rounds, in milliseconds. */
  readonly ms: number;
  /** Median of what a round took longer than the kernel in the same round. */
  readonly overMs: number;
}

/** What `lanewise bench sidecar --json` prints. */
export interface SidecarBenchReport {
  readonly machine: string;
  readonly node: string;
  readonly batch: number;
  readonly rounds: number;
  readonly rows: readonly SidecarBenchRow[];
}

/** A server that has run for a second is compiled; each round is four requests. */
const WARM_UP_ROUNDS = 15;

const main = new URL("../cli/main.js", import.meta.url);

/**
 * Starts a sidecar process, measures it, ends it.
 *
 * @throws LanewiseError `ERR_BACKEND_FAILED` at an answer that is not the direct one.
 */
export async function benchSidecar(options: SidecarBenchOptions = {}): Promise<SidecarBenchReport> {
  const { batch: count = 4096, rounds = 15, workers } = options;
  const folder = mkdtempSync(join(tmpdir(), "lanewise-bench-"));
  const backend = createWasmBackend(workers === undefined ? {} : { workers });
  const server = await startServer(join(folder, "http.sock"), workers);
  const overUnix = createClient({ unix: server.addresses.unix! });
  const overHttp = createClient({ url: server.addresses.url! });
  try {
    await backend.prepare([secp256k1Recover]);
    while (!(await overUnix.isReady())) await new Promise((resolve) => setTimeout(resolve, 50));
    const times: Record<SidecarBenchRow["way"], number[]> = {
      kernel: [],
      unix: [],
      http: [],
      "unix, cached": [],
    };
    const batch = new Batch(secp256k1Recover, count);
    const direct = async (records: Uint8Array): Promise<Uint8Array> => {
      batch.reset();
      batch.records.set(records);
      batch.count = count;
      await backend.run(batch);
      return batch.results;
    };
    for (let round = -WARM_UP_ROUNDS; round < rounds; round++) {
      // The rounds below zero warm up. Every request but the cached one brings signatures that nobody has seen.
      const timed = async (
        way: SidecarBenchRow["way"],
        records: Uint8Array,
        run: () => Promise<Uint8Array>,
      ): Promise<void> => {
        const startMs = performance.now();
        const results = await run();
        const ms = performance.now() - startMs;
        if (round >= 0) times[way].push(ms);
        if (way === "kernel" || Buffer.compare(results, await direct(records)) === 0) return;
        throw new LanewiseError("ERR_BACKEND_FAILED", `bench sidecar: ${way} answered wrongly`);
      };
      const fresh = Array.from({ length: 3 }, (_, i) =>
        freshRecords(count, 3 * (round + WARM_UP_ROUNDS) + i),
      );
      await timed("kernel", fresh[0], () => direct(fresh[0]));
      await timed("unix", fresh[1], async () => (await overUnix.recover(fresh[1])).results);
      await timed("http", fresh[2], async () => (await overHttp.recover(fresh[2])).results);
      await timed("unix, cached", fresh[1], async () => (await overUnix.recover(fresh[1])).results);
    }
    const rows = (Object.keys(times) as SidecarBenchRow["way"][]).map((way) => ({
      way,
      ms: median(times[way]),
      overMs: median(times[way].map((ms, i) => ms - times.kernel[i])),
    }));
    return { machine: cpus()[0].model, node: process.version, batch: count, rounds, rows };
  } finally {
    overUnix.close();
    overHttp.close();
    await server.stop();
    await backend.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Any z has a key behind it: records that differ in z are as good as signed ones, and take no time to make. */
function freshRecords(count: number, seed: number): Uint8Array {
  const { record } = secp256k1Recover.examples[0];
  const records = Buffer.alloc(count * record.length);
  for (let i = 0; i < count; i++) {
    records.set(record, i * record.length);
    records.writeUInt32LE(seed, i * record.length);
    records.writeUInt32LE(i, i * record.length + 4);
  }
  return records;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The real command in a process of its own. */
async function startServer(
  unix: string,
  workers: number | undefined,
): Promise<{ addresses: SidecarAddresses; stop(): Promise<void> }> {
  const parameters = ["serve", "--backend", "wasm", "--port", "0", "--unix", unix];
  if (workers !== undefined) parameters.push("--workers", String(workers));
  const child = spawn(process.execPath, [fileURLToPath(main), ...parameters], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  for await (const line of createInterface(child.stdout)) {
    const entry = JSON.parse(line) as SidecarAddresses & { readonly msg: string };
    if (entry.msg !== "listening") continue;
    child.stdout.resume();
    return {
      addresses: entry,
      stop() {
        child.kill();
        return ended;
      },
    };
  }
  throw new LanewiseError("ERR_BACKEND_UNAVAILABLE", "bench sidecar: the sidecar did not start");
}
