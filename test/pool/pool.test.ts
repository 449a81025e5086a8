// The worker pool under load, faults, aborts and close; the kernel is keccak256 and every digest is checked.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { type Batch, keccak256, LanewiseError, type LanewiseErrorCode } from "../../src/index.ts";
import { createPool, type PoolOptions, type WorkerPool } from "../../src/pool/pool.ts";
import { spawnThread } from "../../src/pool/threads.ts";
import { keccak256Cases } from "../../src/workloads/keccak256.ts";
import { assertConforms, batchOf, cycle, mixedCases } from "../conformance/oracle.ts";
import { FAULT, FAULTS } from "./faults.ts";

const folder = new URL("../../kernels/", import.meta.url);
const module = new WebAssembly.Module(readFileSync(new URL("keccak256.wasm", folder)));
const shape = { recordBytes: 8, resultBytes: 32, message: { offset: 0, length: 4 } };
const cases = mixedCases(keccak256Cases, 200);

interface Faulty {
  readonly pool: WorkerPool;
  /** From now on, `times` chunks meet this fault. */
  inject(kind: keyof typeof FAULTS, times: number): void;
}

async function faultyPool(options: PoolOptions, atStart = 0): Promise<Faulty> {
  const faults = new Int32Array(new SharedArrayBuffer(8));
  const inject = (kind: keyof typeof FAULTS, times: number): void => {
    Atomics.store(faults, FAULT.left, times);
    Atomics.store(faults, FAULT.kind, FAULTS[kind]);
  };
  if (atStart > 0) inject("exitAtStart", atStart);
  const url = new URL("./fault-worker.js", import.meta.url);
  const pool = createPool({
    ...options,
    spawn: (setup, events) =>
      spawnThread({ ...setup, faults: faults.buffer } as typeof setup, events, url),
  });
  return { pool, inject };
}

function runBatch(
  pool: WorkerPool,
  batch: Batch,
  chunkItems = 16,
  { signal, urgent }: { signal?: AbortSignal; urgent?: boolean } = {},
): Promise<void> {
  return pool.run({
    kernel: "keccak256",
    view: { buffer: batch.buffer, ...batch.sections },
    count: batch.count,
    arenaBytes: batch.arenaLength,
    chunkItems,
    ...(signal ? { signal } : {}),
    ...(urgent ? { urgent } : {}),
  });
}

const rejectsWith = (promise: Promise<unknown>, code: LanewiseErrorCode): Promise<void> =>
  assert.rejects(promise, (error) => error instanceof LanewiseError && error.code === code);

async function withPool(
  options: PoolOptions,
  test: (pool: WorkerPool) => Promise<void>,
): Promise<void> {
  const pool = createPool(options);
  try {
    await pool.addKernel("keccak256", module, shape);
    await test(pool);
  } finally {
    await pool.close();
  }
}

describe("WorkerPool", { timeout: 60_000 }, () => {
  for (const workers of [1, 2, 3, 4]) {
    for (const completion of ["wait-async", "message"] as const) {
      it(`answers with ${workers} workers, told by ${completion}`, async () => {
        await withPool({ workers, completion }, async (pool) => {
          const batch = batchOf(keccak256, cycle(cases, 0, 1000));
          for (let turn = 0; turn < 3; turn++) {
            batch.verdicts.fill(99);
            batch.results.fill(0x77);
            await runBatch(pool, batch);
            assertConforms(batch, cycle(cases, 0, 1000));
          }
          assert.equal(pool.stats().chunks, 3 * Math.ceil(1000 / 16));
          assert.equal(pool.stats().inFlight, 0);
        });
      });
    }
  }

  it("goes round a small ring many times, through the wrap of its sequence numbers", async () => {
    const options = { workers: 2, capacity: 4, firstSequence: 2 ** 31 - 500 };
    await withPool(options, async (pool) => {
      const some = cycle(cases, 0, 1500);
      const batch = batchOf(keccak256, some);
      await runBatch(pool, batch, 1);
      assertConforms(batch, some);
      assert.equal(pool.stats().chunks, 1500);
    });
  });

  it("carries 1,000 small batches in flight", async () => {
    await withPool({ workers: 2 }, async (pool) => {
      const batches = Array.from({ length: 1000 }, (_, i) => cycle(cases, i, 1 + (i % 5)));
      await Promise.all(
        batches.map(async (some) => {
          const batch = batchOf(keccak256, some);
          await runBatch(pool, batch, 2);
          assertConforms(batch, some);
        }),
      );
      assert.equal(pool.stats().inFlight, 0);
    });
  });

  it("lets batches take turns: a small one does not wait for a large one", async () => {
    const { pool, inject } = await faultyPool({ workers: 1 });
    await pool.addKernel("keccak256", module, shape);
    inject("slow", 1_000_000);
    const order: string[] = [];
    const large = batchOf(keccak256, cycle(cases, 0, 40));
    const small = batchOf(keccak256, cycle(cases, 0, 2));
    await Promise.all([
      runBatch(pool, large, 2).then(() => order.push("large")),
      runBatch(pool, small, 2).then(() => order.push("small")),
    ]);
    assert.deepEqual(order, ["small", "large"]);
    await pool.close();
  });

  it("runs urgent batches before what waits, in order among themselves", async () => {
    const { pool, inject } = await faultyPool({ workers: 1 });
    await pool.addKernel("keccak256", module, shape);
    inject("slow", 1_000_000);
    const order: string[] = [];
    const run = (name: string, count: number, urgent: boolean): Promise<unknown> =>
      runBatch(pool, batchOf(keccak256, cycle(cases, 0, count)), 2, { urgent }).then(() =>
        order.push(name),
      );
    await Promise.all([
      run("large", 40, false),
      run("small", 2, false),
      run("urgent", 8, true),
      run("urgent too", 8, true),
    ]);
    assert.deepEqual(order, ["urgent", "urgent too", "small", "large"]);
    await pool.close();
  });

  it("has threads for urgent chunks, which wait for no other chunk to end", async () => {
    const options = { workers: 1, urgentWorkers: 1, closeTimeoutMs: 100 };
    const { pool, inject } = await faultyPool(options);
    await pool.addKernel("keccak256", module, shape);
    const some = cycle(cases, 0, 40);
    // Starts the thread; the ordinary one may run these as well.
    await runBatch(pool, batchOf(keccak256, some), 8, { urgent: true });
    inject("hang", 1);
    const stuck = runBatch(pool, batchOf(keccak256, cycle(cases, 0, 4)), 4);
    const isStuck = assert.rejects(stuck);
    await new Promise((resolve) => setTimeout(resolve, 100));
    inject("none", 0);
    const urgent = batchOf(keccak256, some);
    await runBatch(pool, urgent, 8, { urgent: true });
    assertConforms(urgent, some);
    await pool.close();
    await isStuck;
  });

  for (const fault of ["exit", "trap", "uncaught"] as const) {
    it(`runs a chunk again when its worker meets "${fault}"`, async () => {
      const { pool, inject } = await faultyPool({ workers: 2 });
      await pool.addKernel("keccak256", module, shape);
      for (let turn = 0; turn < 3; turn++) {
        inject(fault, 2);
        const some = cycle(cases, turn, 600);
        const batch = batchOf(keccak256, some);
        await runBatch(pool, batch);
        assertConforms(batch, some);
      }
      const { retries, respawns, inFlight } = pool.stats();
      if (fault === "trap") assert.ok(retries >= 6 && respawns === 0, `${retries}, ${respawns}`);
      if (fault === "exit") assert.ok(retries >= 6 && respawns >= 5, `${retries}, ${respawns}`);
      assert.equal(inFlight, 0);
      await pool.close();
    });
  }

  it("gives a batch up whose chunk always fails, and goes on with others", async () => {
    const { pool, inject } = await faultyPool({ workers: 2 });
    await pool.addKernel("keccak256", module, shape);
    inject("trap", 1_000_000);
    const batch = batchOf(keccak256, cycle(cases, 0, 100));
    await rejectsWith(runBatch(pool, batch), "ERR_BACKEND_FAILED");
    inject("none", 0);
    await runBatch(pool, batch);
    assertConforms(batch, cycle(cases, 0, 100));
    await pool.close();
  });

  it("gives up when every worker dies at once, and lives again for the next call", async () => {
    const { pool, inject } = await faultyPool({ workers: 2 }, 1_000_000);
    await rejectsWith(pool.addKernel("keccak256", module, shape), "ERR_BACKEND_UNAVAILABLE");
    inject("none", 0);
    await pool.addKernel("keccak256", module, shape);
    const batch = batchOf(keccak256, cases);
    await runBatch(pool, batch);
    assertConforms(batch, cases);
    await pool.close();
  });

  it("refuses a kernel of another shape", async () => {
    const pool = createPool({ workers: 1 });
    const wrong = { recordBytes: 12, resultBytes: 32 };
    await rejectsWith(pool.addKernel("keccak256", module, wrong), "ERR_BACKEND_UNAVAILABLE");
    await pool.close();
  });

  it("aborts before and during a run, and leaves the other batch alone", async () => {
    const { pool, inject } = await faultyPool({ workers: 2 });
    await pool.addKernel("keccak256", module, shape);
    const batch = batchOf(keccak256, cycle(cases, 0, 400));
    await rejectsWith(runBatch(pool, batch, 16, { signal: AbortSignal.abort() }), "ERR_ABORTED");
    inject("slow", 1_000_000);
    const controller = new AbortController();
    const aborted = runBatch(pool, batch, 2, { signal: controller.signal });
    const other = batchOf(keccak256, cycle(cases, 0, 20));
    const otherDone = runBatch(pool, other, 2);
    setTimeout(() => controller.abort(new Error("enough")), 30);
    await rejectsWith(aborted, "ERR_ABORTED");
    await otherDone;
    assertConforms(other, cycle(cases, 0, 20));
    assert.ok(pool.stats().chunks < 200);
    assert.equal(pool.stats().inFlight, 0);
    await pool.close();
  });

  it("closes after the work in flight, then refuses, and closes twice", async () => {
    const pool = createPool({ workers: 2 });
    await pool.addKernel("keccak256", module, shape);
    const batch = batchOf(keccak256, cycle(cases, 0, 500));
    const done = runBatch(pool, batch);
    await Promise.all([pool.close(), pool.close()]);
    await done;
    assertConforms(batch, cycle(cases, 0, 500));
    await rejectsWith(runBatch(pool, batch), "ERR_CLOSED");
    await rejectsWith(pool.addKernel("other", module, shape), "ERR_CLOSED");
  });

  it("closes although a worker hangs", async () => {
    const { pool, inject } = await faultyPool({ workers: 2, closeTimeoutMs: 200 });
    await pool.addKernel("keccak256", module, shape);
    inject("hang", 1);
    const done = runBatch(pool, batchOf(keccak256, cases));
    const outcome = rejectsWith(done, "ERR_CLOSED");
    await pool.close();
    await outcome;
  });

  it("lets go of batches that nobody holds any more", async () => {
    setFlagsFromString("--expose-gc");
    const gc = runInNewContext("gc") as () => void;
    await withPool({ workers: 2 }, async (pool) => {
      const some = cycle(cases, 0, 8);
      for (let i = 0; i < 200; i++) await runBatch(pool, batchOf(keccak256, some));
      for (let i = 0; i < 50 && pool.stats().attached > 20; i++) {
        gc();
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      const { attached } = pool.stats();
      assert.ok(attached <= 20, `${attached} batches still attached`);
    });
  });

  it("does not keep an idle process alive, and does keep a busy one", async () => {
    const index = new URL("../../src/index.js", import.meta.url).href;
    const script = `
      import { Batch, createWasmBackend, keccak256 } from ${JSON.stringify(index)};
      const backend = createWasmBackend({ workers: 2, inline: "never" });
      const batch = new Batch(keccak256, 100);
      batch.count = 100;
      await backend.run(batch);
      console.log(Buffer.from(batch.result(99)).toString("hex").slice(0, 16));`;
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ["--input-type=module", "-e", script],
      { timeout: 20_000, cwd: fileURLToPath(folder) },
    );
    assert.equal(stdout.trim(), "c5d2460186f7233c"); // the empty message's digest
  });
});
