/**
 * The verifier measured: what it adds to one signature when idle, what becomes of urgent work under 120 % load, and whether its
 * choice between back ends beats each fixed choice on a bursty trace.
 *
 * @module
 */
import { cpus } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { secp256k1Recover } from "../algorithms/index.ts";
import { createWasmBackend } from "../backends/wasm/index.ts";
import { createInlineKernel } from "../backends/wasm/inline.ts";
import { type Backend, type BackendId, LanewiseError, Verdict } from "../core/index.ts";
import { createVerifier, type Verifier, type VerifierOptions } from "../verifier/index.ts";
import { createRandom } from "../workloads/random.ts";
import { createSigner, recoverRecord } from "../workloads/secp256k1-recover.ts";
import { type ReplayResult, replay, type Trace } from "./trace.ts";

const RECORD_BYTES = secp256k1Recover.record.byteLength;

/** Latencies in milliseconds. */
export interface Latency {
  readonly p50: number;
  readonly p99: number;
}

/** What `lanewise bench verifier --json` prints. Times in milliseconds. */
export interface VerifierReport {
  readonly id: "verifier";
  readonly machine: string;
  readonly node: string;
  readonly idle: {
    /** One recovery, straight from the kernel on the calling thread. */
    readonly kernel: Latency;
    /** The same submitted to an idle verifier. */
    readonly verifier: Latency;
    /** Of the medians; bar 1.5. */
    readonly ratio: number;
  };
  readonly overload: {
    readonly capacityPerSecond: number;
    readonly offeredPerSecond: number;
    readonly acceptedItems: number;
    /** Told `ERR_OVERLOADED`. */
    readonly shedItems: number;
    readonly mostQueuedItems: number;
    readonly rssGrowthMiB: number;
    /** Submissions of {@link BLOCK_ITEMS} with priority `block`, on an idle verifier and under the load. */
    readonly blockIdle: Latency;
    readonly blockLoaded: Latency;
    /** Of the 99th percentiles; bar 5. */
    readonly ratio: number;
  };
  /** By choice: `cost model`, and each back end pinned. */
  readonly ablation: Readonly<Record<string, ReplayResult>>;
}

/** Records of an urgent submission: a block's worth. */
export const BLOCK_ITEMS = 128;

/** Records of a submission under load: what a peer sends at a time. */
const GOSSIP_ITEMS = 32;
const SOURCES = 8;

/** Distinct valid signatures, so that neither cache nor deduplication answers. */
class Supply {
  readonly #records: Uint8Array;
  #next = 0;

  constructor(count: number) {
    const random = createRandom("bench verifier");
    const signer = createSigner(5, 64, 64);
    this.#records = new Uint8Array(count * RECORD_BYTES);
    for (let i = 0; i < count; i++) {
      const signature = signer.sign(random.bigint(1n << 256n), i % 64, random.below(64));
      this.#records.set(recoverRecord(signature), i * RECORD_BYTES);
    }
  }

  /** `count` records; each is different from all before, through another digest to the same signature. */
  take(count: number): Uint8Array {
    const records = new Uint8Array(count * RECORD_BYTES);
    const view = new DataView(records.buffer);
    for (let i = 0; i < count; i++) {
      const from = (this.#next % (this.#records.length / RECORD_BYTES)) * RECORD_BYTES;
      records.set(this.#records.subarray(from, from + RECORD_BYTES), i * RECORD_BYTES);
      // Any digest recovers to some key: the work is the same.
      view.setUint32(i * RECORD_BYTES + secp256k1Recover.record.fields.z.offset + 8, this.#next++);
    }
    return records;
  }
}

function verifierOn(
  backends: readonly Backend[],
  options: Partial<VerifierOptions> = {},
): Verifier {
  return createVerifier({ algorithms: [secp256k1Recover], backends, cacheEntries: 0, ...options });
}

function latencyOf(samples: readonly number[]): Latency {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (share: number): number => round(sorted[Math.floor((sorted.length - 1) * share)]);
  return { p50: at(0.5), p99: at(0.99) };
}

const round = (value: number): number => Math.round(value * 1000) / 1000;

async function timedSubmit(
  verifier: Verifier,
  records: Uint8Array,
  priority: "block" | "gossip",
): Promise<number> {
  const startMs = performance.now();
  const { verdicts } = await verifier.submit(secp256k1Recover, records, { priority });
  const ms = performance.now() - startMs;
  if (verdicts.some((verdict) => verdict !== Verdict.Valid)) {
    throw new LanewiseError("ERR_BACKEND_FAILED", "bench: a valid signature was refused");
  }
  return ms;
}

/** One signature at a time, kernel and verifier in turn. */
async function measureIdle(supply: Supply, rounds: number): Promise<VerifierReport["idle"]> {
  const kernel = await createInlineKernel(secp256k1Recover);
  const verifier = verifierOn([createWasmBackend()]);
  await verifier.ready("wasm");
  const direct: number[] = [];
  const submitted: number[] = [];
  for (let i = -200; i < rounds; i++) {
    const record = supply.take(1);
    const startMs = performance.now();
    kernel.run(record);
    const kernelMs = performance.now() - startMs;
    const verifierMs = await timedSubmit(verifier, supply.take(1), "gossip");
    if (i >= 0) {
      direct.push(kernelMs);
      submitted.push(verifierMs);
    }
    if (i % 50 === 0) await sleep(1);
  }
  await verifier.close();
  const [kernelLatency, verifierLatency] = [latencyOf(direct), latencyOf(submitted)];
  const ratio = round(verifierLatency.p50 / kernelLatency.p50);
  return { kernel: kernelLatency, verifier: verifierLatency, ratio };
}

/** Submissions one behind the other for a while, several at a time: what the machine can do. */
async function measureCapacity(verifier: Verifier, supply: Supply, ms: number): Promise<number> {
  const startMs = performance.now();
  let items = 0;
  const client = async (): Promise<void> => {
    while (performance.now() - startMs < ms) {
      await verifier.submit(secp256k1Recover, supply.take(GOSSIP_ITEMS));
      items += GOSSIP_ITEMS;
    }
  };
  await Promise.all(Array.from({ length: 32 }, client));
  return (items * 1000) / (performance.now() - startMs);
}

/** 120 % of the capacity from {@link SOURCES} peers, and a block now and then. */
async function measureOverload(supply: Supply, ms: number): Promise<VerifierReport["overload"]> {
  const verifier = verifierOn([createWasmBackend()], { maxQueuedItems: 4096 });
  await verifier.ready("wasm");
  const idle: number[] = [];
  for (let i = -5; i < 60; i++) {
    const took = await timedSubmit(verifier, supply.take(BLOCK_ITEMS), "block");
    if (i >= 0) idle.push(took);
    await sleep(2);
  }
  const capacity = await measureCapacity(verifier, supply, ms / 3);
  const offered = 1.2 * capacity;
  const loaded: number[] = [];
  const work: Promise<unknown>[] = [];
  const rssBefore = process.memoryUsage().rss;
  let rssMost = rssBefore;
  let mostQueuedItems = 0;
  let acceptedItems = 0;
  let shedItems = 0;
  let sent = 0;
  const startMs = performance.now();
  let nextBlockMs = 50;
  for (let elapsedMs = 0; elapsedMs < ms; elapsedMs = performance.now() - startMs) {
    for (; sent < (offered * elapsedMs) / 1000; sent += GOSSIP_ITEMS) {
      const source = `peer ${(sent / GOSSIP_ITEMS) % SOURCES}`;
      const submission = verifier.submit(secp256k1Recover, supply.take(GOSSIP_ITEMS), { source });
      work.push(
        submission.then(
          () => {
            acceptedItems += GOSSIP_ITEMS;
          },
          (error: unknown) => {
            if (!(error instanceof LanewiseError) || error.code !== "ERR_OVERLOADED") throw error;
            shedItems += GOSSIP_ITEMS;
          },
        ),
      );
    }
    if (elapsedMs > nextBlockMs) {
      nextBlockMs = elapsedMs + 50;
      const records = supply.take(BLOCK_ITEMS);
      work.push(timedSubmit(verifier, records, "block").then((took) => loaded.push(took)));
    }
    mostQueuedItems = Math.max(mostQueuedItems, verifier.queuedItems);
    rssMost = Math.max(rssMost, process.memoryUsage().rss);
    await sleep(1);
  }
  await Promise.all(work);
  await verifier.close();
  const [blockIdle, blockLoaded] = [latencyOf(idle), latencyOf(loaded)];
  return {
    capacityPerSecond: Math.round(capacity),
    offeredPerSecond: Math.round((sent * 1000) / ms),
    acceptedItems,
    shedItems,
    mostQueuedItems,
    rssGrowthMiB: Math.round((rssMost - rssBefore) / 2 ** 20),
    blockIdle,
    blockLoaded,
    ratio: round(blockLoaded.p99 / blockIdle.p99),
  };
}

/** Lone signatures without a pause and bursts among them, in a seeded order: gossip, and the transactions of a block. */
export function burstyTrace(seed: string, ms: number): Trace {
  const random = createRandom(seed);
  const arrivals: { atMs: number; items: number }[] = [];
  for (let atMs = 0; atMs < ms; atMs += 1 + random.below(4)) arrivals.push({ atMs, items: 1 });
  for (let atMs = 20; atMs < ms; atMs += 30 + random.below(40)) {
    arrivals.push({ atMs: atMs + 0.5, items: 300 + random.below(700) });
  }
  arrivals.sort((a, b) => a.atMs - b.atMs);
  return { algorithm: secp256k1Recover, arrivals };
}

/** The two ways to run on a CPU, as two columns: on the calling thread, and on workers whatever the batch. */
function cpuColumns(): { readonly name: string; readonly backend: Backend }[] {
  return [
    { name: "workers", backend: createWasmBackend({ inline: "never" }) },
    // A verifier tells columns apart by their id; that of the oracle, which takes no part, is free.
    {
      name: "calling thread",
      backend: { ...createWasmBackend({ inline: "always" }), id: "reference" },
    },
  ];
}

/** Every choice replays the same trace, in turn; the best of the rounds, since noise only adds. */
async function measureAblation(
  supply: Supply,
  ms: number,
  rounds: number,
): Promise<Record<string, ReplayResult>> {
  const trace = burstyTrace("ablation", ms);
  const results: Record<string, ReplayResult> = {};
  const choices: (BackendId | undefined)[] = [undefined, "wasm", "reference"];
  for (let round = 0; round < rounds; round++) {
    for (const pin of choices) {
      const columns = cpuColumns();
      const verifier = verifierOn(
        columns.map(({ backend }) => backend),
        pin === undefined ? {} : { pin },
      );
      const name = columns.find(({ backend }) => backend.id === pin)?.name ?? "cost model";
      for (const { backend } of columns) await verifier.ready(backend.id);
      const result = await replay(verifier, trace, (items) => supply.take(items));
      await verifier.close();
      const best = results[name];
      if (best === undefined || result.meanMs < best.meanMs) results[name] = result;
    }
  }
  return results;
}

/** Measures everything; some 20 s. */
export async function benchVerifier({
  idleRounds = 2000,
  overloadMs = 5000,
  traceMs = 1500,
  rounds = 3,
}: {
  readonly idleRounds?: number;
  readonly overloadMs?: number;
  readonly traceMs?: number;
  readonly rounds?: number;
} = {}): Promise<VerifierReport> {
  const supply = new Supply(512);
  return {
    id: "verifier",
    machine: `${cpus()[0]?.model ?? process.arch}, ${cpus().length} cores, ${process.platform}`,
    node: process.version,
    idle: await measureIdle(supply, idleRounds),
    overload: await measureOverload(supply, overloadMs),
    ablation: await measureAblation(supply, traceMs, rounds),
  };
}
