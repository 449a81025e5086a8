/**
 * The verifier under random load, cancellations and a fault every second: what it accepts it answers once and rightly, what it does
 * not answer it refuses for a stated reason, and its memory stays flat. Ten seconds by default, ten minutes with LANEWISE_SLOW=1.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import {
  type Algorithm,
  createVerifier,
  createWasmBackend,
  keccak256,
  LanewiseError,
  type SubmitOptions,
  secp256k1Recover,
  type Verifier,
} from "../../src/index.ts";
import { spawnThread } from "../../src/pool/threads.ts";
import { type CaseGenerator, caseGenerators } from "../../src/workloads/cases.ts";
import { createRandom } from "../../src/workloads/random.ts";
import { FAULT, FAULTS } from "../pool/faults.ts";
import { type Fault, FaultyBackend } from "./faulty-backend.ts";

const isSlow = process.env.LANEWISE_SLOW === "1";
const DURATION_MS = isSlow ? 600_000 : 10_000;
/** A device that lied stays out of service, so that a verifier lives for so long; the next one takes over while it drains. */
const GENERATION_MS = isSlow ? 15_000 : 2_500;
const CLIENTS = 12;
const ALGORITHMS = [keccak256, secp256k1Recover];

/** How far the settled size of the process may rise over the run. */
const MOST_GROWTH_BYTES = 48 * 2 ** 20;

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");
const random = createRandom("soak");

/** A record, its message, and what the oracle says. */
interface Known {
  readonly record: Uint8Array;
  readonly message: Uint8Array;
  readonly verdict: number;
  readonly result: Uint8Array;
}

function knownAnswers(algorithm: Algorithm, count: number): Known[] {
  const generator = caseGenerators.find((row) => row.algorithm === algorithm) as CaseGenerator;
  const cases = [
    ...generator.crafted().filter(({ point }) => point === undefined),
    ...Array.from({ length: count }, () => generator.random(random)),
  ];
  return cases.map(({ record: given, message = new Uint8Array(0) }) => {
    const record = given.slice();
    if (algorithm.usesArena) {
      const view = new DataView(record.buffer);
      view.setUint32(algorithm.record.fields.offset.offset, 0, true);
      view.setUint32(algorithm.record.fields.length.offset, message.length, true);
    }
    const result = new Uint8Array(algorithm.result.byteLength);
    return { record, message, result, verdict: algorithm.reference(record, message, result) };
  });
}

const known = new Map(ALGORITHMS.map((algorithm) => [algorithm, knownAnswers(algorithm, 300)]));

/** A verifier over a device that fails and lies, and a CPU whose workers die. */
class Generation {
  readonly device = new FaultyBackend("webgpu", 0, createWasmBackend({ inline: "always" }));
  readonly #workerFaults = new Int32Array(new SharedArrayBuffer(8));
  readonly verifier: Verifier;

  constructor() {
    const url = new URL("../pool/fault-worker.js", import.meta.url);
    const setupOf = <Setup extends object>(setup: Setup): Setup =>
      ({ ...setup, faults: this.#workerFaults.buffer }) as Setup;
    const cpu = createWasmBackend({
      workers: 1,
      pool: { spawn: (setup, events) => spawnThread(setupOf(setup), events, url) },
    });
    this.verifier = createVerifier({
      algorithms: ALGORITHMS,
      backends: [this.device, cpu],
      maxQueuedItems: 300,
      maxBatchItems: 512,
      cacheEntries: 500,
      // A single flipped verdict can turn an invalid answer into a valid one, which only samples find.
      integrity: { sampleRate: 1 },
    });
  }

  /** Something goes wrong for a moment; what, and in how many runs of the device it showed. */
  async injectFault(allowStall: boolean): Promise<{ name: string; met: number }> {
    const kind = random.below(10);
    if (kind < 4) {
      const fault = random.pick(["exit", "trap", "uncaught", "slow"] as const);
      Atomics.store(this.#workerFaults, FAULT.left, 1);
      Atomics.store(this.#workerFaults, FAULT.kind, FAULTS[fault]);
      return { name: `worker ${fault}`, met: 0 };
    }
    const faults: Fault[] = ["lost", "failed", "flip-result", "flip-verdict"];
    const fault = allowStall && kind === 9 ? "stall" : faults[random.below(kind < 8 ? 2 : 4)];
    const before = this.device.faultsMet;
    this.device.fault = fault;
    await sleep(100 + random.below(300));
    // On a busy machine no batch may have come along yet.
    for (let i = 0; i < 80 && this.device.faultsMet === before; i++) await sleep(50);
    this.device.fault = undefined;
    return { name: `device ${fault}`, met: this.device.faultsMet - before };
  }
}

/** What became of the submissions. */
const outcomes = { answered: 0, items: 0, refused: new Map<string, number>() };

/** Submits once, and holds the answer against the oracle's. */
async function submitOnce(verifier: Verifier): Promise<void> {
  const algorithm = random.pick(ALGORITHMS);
  const pool = known.get(algorithm) as Known[];
  const count = random.below(8) === 0 ? random.below(600) : random.below(24);
  const chosen = Array.from({ length: count }, () => random.pick(pool));
  const size = algorithm.record.byteLength;
  const records = new Uint8Array(count * size);
  const arena = new Uint8Array(chosen.reduce((sum, { message }) => sum + message.length, 0));
  let at = 0;
  for (const [i, { record, message }] of chosen.entries()) {
    records.set(record, i * size);
    if (!algorithm.usesArena) continue;
    const view = new DataView(records.buffer);
    view.setUint32(i * size + algorithm.record.fields.offset.offset, at, true);
    arena.set(message, at);
    at += message.length;
  }
  const abort = random.below(5) === 0 ? new AbortController() : undefined;
  const deadlineMs = random.below(8) === 0 ? 1 + random.below(40) : undefined;
  const options: SubmitOptions = {
    arena,
    priority: random.below(6) === 0 ? "block" : "gossip",
    source: `peer ${random.below(5)}`,
    ...(abort === undefined ? {} : { signal: abort.signal }),
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
  };
  const timer = abort && setTimeout(() => abort.abort(), random.below(60));
  try {
    const { verdicts, results } = await verifier.submit(algorithm, records, options);
    outcomes.answered++;
    outcomes.items += count;
    assert.equal(verdicts.length, count);
    for (const [i, { verdict, result }] of chosen.entries()) {
      assert.equal(verdicts[i], verdict, `${algorithm.id}: verdict`);
      const got = results.subarray(i * result.length, (i + 1) * result.length);
      assert.equal(Buffer.compare(got, result), 0, `${algorithm.id}: result`);
    }
  } catch (error) {
    if (!(error instanceof LanewiseError)) throw error;
    const allowed =
      error.code === "ERR_OVERLOADED" ||
      (error.code === "ERR_ABORTED" && abort?.signal.aborted) ||
      (error.code === "ERR_DEADLINE" && deadlineMs !== undefined);
    assert.ok(allowed, `${error.code}: ${error.message}`);
    outcomes.refused.set(error.code, (outcomes.refused.get(error.code) ?? 0) + 1);
  } finally {
    clearTimeout(timer);
  }
}

describe("verifier soak", () => {
  it(`${DURATION_MS / 1000} s of load, cancellations and faults`, async (test) => {
    const endMs = performance.now() + DURATION_MS;
    let submissions = 0;
    let current = new Generation();
    const draining: Promise<void>[] = [];
    const totals = { rerun: 0, mismatches: 0, failures: 0, met: 0 };
    const faults = new Map<string, number>();
    const sizes: number[] = [];

    /** Every item submitted has one fate, and the counters say which. */
    const retire = async ({ verifier }: Generation): Promise<void> => {
      await verifier.close();
      const { submitted, answered, shed, aborted, expired, rerun, mismatches, failures } =
        verifier.metrics;
      assert.equal(answered + shed + aborted + expired, submitted);
      totals.rerun += rerun;
      totals.mismatches += mismatches;
      for (const times of failures.values()) totals.failures += times;
    };
    const client = async (): Promise<void> => {
      while (performance.now() < endMs) {
        // Now and then a burst; nobody waits for the answers before the next.
        const together = random.below(6) === 0 ? 1 + random.below(8) : 1;
        submissions += together;
        await Promise.all(Array.from({ length: together }, () => submitOnce(current.verifier)));
        if (random.below(3) === 0) await sleep(random.below(30));
      }
    };
    const faulter = async (): Promise<void> => {
      let generationEndsMs = performance.now() + GENERATION_MS;
      while (performance.now() < endMs) {
        const startedMs = performance.now();
        const { name, met } = await current.injectFault(isSlow);
        faults.set(name, (faults.get(name) ?? 0) + 1);
        totals.met += met;
        if (performance.now() > generationEndsMs) {
          const old = current;
          current = new Generation();
          draining.push(retire(old));
          generationEndsMs = performance.now() + GENERATION_MS;
          collectGarbage();
          sizes.push(process.memoryUsage().rss);
        }
        await sleep(Math.max(0, 1000 - (performance.now() - startedMs)));
      }
    };
    await Promise.all([faulter(), ...Array.from({ length: CLIENTS }, client)]);
    await Promise.all([...draining, retire(current)]);

    const refused = [...outcomes.refused.values()].reduce((sum, times) => sum + times, 0);
    assert.equal(outcomes.answered + refused, submissions);
    assert.ok(outcomes.answered > DURATION_MS / 1000, `${outcomes.answered} answered`);
    // On a busy machine the device may be the slower one, and get no work while it is at fault.
    const isFelt = totals.failures + totals.mismatches > 0;
    assert.ok(isSlow ? isFelt && totals.rerun > 0 : isFelt || totals.met === 0, "faults were felt");
    for (const code of ["ERR_ABORTED", "ERR_DEADLINE", "ERR_OVERLOADED"])
      assert.ok(outcomes.refused.has(code), code);
    // The first generations warm up: kernels, thread stacks, heap.
    const settled = sizes.slice(Math.ceil(sizes.length / 4));
    const half = settled.length >> 1;
    const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1];
    if (isSlow) {
      const growth = median(settled.slice(half)) - median(settled.slice(0, half));
      assert.ok(growth < MOST_GROWTH_BYTES, `RSS grew by ${growth >> 20} MiB`);
    }
    test.diagnostic(
      `${submissions} submissions, ${outcomes.items} items answered, refused ${JSON.stringify([...outcomes.refused])}; ` +
        `${JSON.stringify(totals)}; faults ${JSON.stringify([...faults])}; ` +
        `RSS MiB ${sizes.map((size) => size >> 20).join(" ")}`,
    );
    if (isSlow) console.log(`soak: RSS MiB ${sizes.map((size) => size >> 20).join(" ")}`);
  });
});
