// The WebAssembly back end beyond conformance: lifecycle, errors, the cutting of batches, arenas of every kind.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { chunkItems } from "../../src/backends/wasm/index.ts";
import {
  type Algorithm,
  Batch,
  createWasmBackend,
  keccak256,
  LanewiseError,
  type LanewiseErrorCode,
  secp256k1Recover,
} from "../../src/index.ts";
import { createKernel } from "../../src/pool/kernel.ts";
import { spawnThread } from "../../src/pool/threads.ts";
import { keccak256Cases } from "../../src/workloads/keccak256.ts";
import { createRandom } from "../../src/workloads/random.ts";
import { assertConforms, batchOf, cycle, mixedCases } from "../conformance/oracle.ts";

const cases = mixedCases(keccak256Cases, 100);

const rejectsWith = (promise: Promise<unknown>, code: LanewiseErrorCode): Promise<void> =>
  assert.rejects(promise, (error) => error instanceof LanewiseError && error.code === code);

/** A keccak256 batch of messages at these places of an arena of random bytes. */
function placed(arenaLength: number, places: readonly (readonly [number, number])[]): Batch {
  const batch = new Batch(keccak256, places.length, arenaLength);
  const random = createRandom(arenaLength);
  const words = new Uint32Array(batch.buffer, batch.sections.arena, arenaLength >>> 2);
  for (let i = 0; i < words.length; i++) words[i] = random.u32();
  const view = new DataView(batch.buffer);
  for (const [i, [offset, length]] of places.entries()) {
    view.setUint32(8 * i, offset, true);
    view.setUint32(8 * i + 4, length, true);
  }
  batch.count = places.length;
  batch.arenaLength = arenaLength;
  return batch;
}

function assertReference(batch: Batch): void {
  const digest = new Uint8Array(32);
  const arena = batch.arena.subarray(0, batch.arenaLength);
  for (let i = 0; i < batch.count; i++) {
    const verdict = keccak256.reference(batch.record(i), arena, digest.fill(0));
    assert.equal(batch.verdicts[i], verdict, `verdict ${i}`);
    assert.deepEqual(Buffer.from(batch.result(i)), Buffer.from(digest), `digest ${i}`);
  }
}

describe("wasm back end", { timeout: 60_000 }, () => {
  it("reports what it found, and what it cannot do", async () => {
    const backend = createWasmBackend({ workers: 3 });
    const status = await backend.probe();
    assert.equal(status.available, true);
    assert.equal(status.details.workers, 3);
    assert.match(String(status.details.simd), /^(simd|fused)$/);
    const unknown: Algorithm = { ...keccak256, id: "no-such-row" };
    assert.equal(backend.supports(unknown), false);
    await rejectsWith(backend.prepare([unknown]), "ERR_UNSUPPORTED");
    await rejectsWith(backend.run(new Batch(unknown, 1)), "ERR_UNSUPPORTED");
    assert.throws(() => createWasmBackend({ workers: 0 }), /workers: expected a positive integer/);
    await backend.close();
  });

  it("refuses a batch that claims more than it holds", async () => {
    const backend = createWasmBackend({ workers: 1 });
    const batch = new Batch(keccak256, 2);
    batch.count = 3;
    await assert.rejects(backend.run(batch), RangeError);
    await backend.close();
  });

  it("refuses an algorithm whose layout is not the kernel's", async () => {
    const backend = createWasmBackend({ workers: 1 });
    const forged: Algorithm = { ...secp256k1Recover, id: "keccak256" };
    await rejectsWith(backend.prepare([forged]), "ERR_BACKEND_UNAVAILABLE");
    await backend.close();
  });

  it("runs small batches on the calling thread, and bursts of them on workers", async () => {
    const backend = createWasmBackend({ workers: 2 });
    const some = cycle(cases, 0, 3);
    const batch = batchOf(keccak256, some);
    await backend.run(batch);
    assertConforms(batch, some);
    assert.equal(backend.stats()?.chunks, 0);
    const burst = Array.from({ length: 50 }, () => batchOf(keccak256, some));
    await Promise.all(burst.map((one) => backend.run(one)));
    for (const one of burst) assertConforms(one, some);
    assert.ok(backend.stats()!.chunks >= 49, `${backend.stats()!.chunks} chunks`);
    await backend.close();
  });

  it("survives workers that exit in the middle", async () => {
    const faults = new Int32Array(new SharedArrayBuffer(8));
    const url = new URL("../pool/fault-worker.js", import.meta.url);
    const backend = createWasmBackend({
      workers: 2,
      pool: {
        spawn: (setup, events) =>
          spawnThread({ ...setup, faults: faults.buffer } as typeof setup, events, url),
      },
    });
    await backend.prepare([keccak256]);
    faults.set([1, 3]); // exit, three times
    const some = cycle(cases, 0, 9000);
    const batch = batchOf(keccak256, some);
    await backend.run(batch);
    assertConforms(batch, some);
    assert.ok(backend.stats()!.respawns >= 2);
    await backend.close();
  });

  it("honours the signal, leaves the inputs alone, and closes for good", async () => {
    const backend = createWasmBackend({ workers: 1 });
    const some = cycle(cases, 0, 5000);
    const batch = batchOf(keccak256, some);
    const before = Buffer.from(batch.records.slice());
    await rejectsWith(backend.run(batch, { signal: AbortSignal.abort() }), "ERR_ABORTED");
    await backend.prepare([keccak256]);
    const controller = new AbortController();
    const run = backend.run(batch, { signal: controller.signal });
    await Promise.resolve();
    controller.abort();
    await rejectsWith(run, "ERR_ABORTED");
    await backend.run(batch);
    assertConforms(batch, some);
    assert.deepEqual(Buffer.from(batch.records.slice()), before);
    await backend.close();
    await backend.close();
    await rejectsWith(backend.run(batch), "ERR_CLOSED");
    await rejectsWith(backend.prepare([keccak256]), "ERR_CLOSED");
  });

  it("closes without ever having run", async () => {
    await createWasmBackend().close();
  });
});

describe("arenas", () => {
  const backend = createWasmBackend({ workers: 2, inline: "never" });

  it("takes messages scattered over a large arena", async () => {
    const random = createRandom(5);
    const size = 24 << 20;
    const batch = placed(
      size,
      Array.from({ length: 900 }, () => [random.below(size - 500), random.below(500)] as const),
    );
    await backend.run(batch);
    assertReference(batch);
  });

  it("takes messages that overlap, run backwards, are empty, or lie outside", async () => {
    const size = 100_000;
    const batch = placed(
      size,
      Array.from({ length: 600 }, (_, i): [number, number] => {
        if (i % 7 === 3) return [size - (i % 5), 3]; // some inside, some outside
        if (i % 11 === 5) return [(i * 977) % (size + 1), 0];
        return [size - 150 - i * 100, 20 + (i % 300)];
      }).map(([offset, length]) => [Math.max(0, offset), length] as const),
    );
    await backend.run(batch);
    assertReference(batch);
  });

  it("takes messages far larger than a call copies in, and short ones after", async () => {
    const mebibyte = 1 << 20;
    const batch = placed(70 * mebibyte, [
      [0, 100],
      [5, 3 * mebibyte],
      [17, mebibyte],
      [3, 66 * mebibyte],
      [100, 5],
    ]);
    await backend.run(batch);
    // The oracle would need seconds for the long ones: compare with the kernel's own answer to each on its own.
    const alone = placed(70 * mebibyte, [[3, 66 * mebibyte]]);
    await backend.run(alone);
    assert.deepEqual(Buffer.from(batch.result(3)), Buffer.from(alone.result(0)));
    const short = placed(70 * mebibyte, [
      [0, 100],
      [100, 5],
    ]);
    await backend.run(short);
    assertReference(short);
    assert.deepEqual(Buffer.from(batch.result(4)), Buffer.from(short.result(1)));
    await backend.close();
  });

  it("keeps a worker's memory below 32 MiB", async () => {
    for (const name of ["keccak256", "sha256", "sha256d"]) {
      const file = new URL(`../../kernels/${name}.wasm`, import.meta.url);
      const module = new WebAssembly.Module(readFileSync(file));
      const shape = { recordBytes: 8, resultBytes: 32, message: { offset: 0, length: 4 } };
      const kernel = await createKernel(module, shape);
      const batch = placed(
        4 << 20,
        Array.from({ length: 4000 }, (_, i) => [i * 1000, 1000]),
      );
      const view = { buffer: batch.buffer, ...batch.sections };
      kernel.run(view, batch.arenaLength, 0, batch.count);
      assert.ok(kernel.memoryBytes() <= 32 << 20, `${name}: ${kernel.memoryBytes()} bytes`);
    }
  });
});

describe("chunkItems", () => {
  const limits = { lanes: 4, maxItems: 1000, inlineItems: 8 };
  it("gives every idle worker a share, in whole vectors, none larger than the kernel takes", () => {
    assert.equal(chunkItems(16, 4, limits), 16);
    assert.equal(chunkItems(17, 4, limits), 8);
    assert.equal(chunkItems(400, 4, limits), 100);
    assert.equal(chunkItems(4000, 4, limits), 1000);
    assert.equal(chunkItems(4004, 4, limits), 504);
    assert.equal(chunkItems(900, 1, limits), 900);
    assert.equal(chunkItems(1200, 1, limits), 600);
    for (let count = 1; count < 9000; count += 37) {
      for (const workers of [1, 2, 3, 8]) {
        const items = chunkItems(count, workers, limits);
        assert.ok(items >= 1 && items <= 1000, `${count} items, ${workers} workers: ${items}`);
      }
    }
  });
});
