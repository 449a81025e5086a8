import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import {
  type Algorithm,
  Batch,
  createReferenceBackend,
  createWebgpuBackend,
  keccak256,
  sha256,
  sha256d,
} from "../../src/index.ts";
import { createRandom } from "../../src/workloads/random.ts";
import { needsAdapter } from "./adapter.ts";

/** A batch whose message i has `lengths[i]` bytes, at offsets of every alignment. */
function messages(algorithm: Algorithm, lengths: readonly number[], seed = 1): Batch {
  const arenaLength = lengths.reduce((sum, length) => sum + length + 3, 16);
  const batch = new Batch(algorithm, lengths.length, arenaLength);
  batch.arena.set(createRandom(seed).bytes(arenaLength));
  batch.arenaLength = arenaLength;
  let offset = 1;
  const view = new DataView(batch.buffer);
  lengths.forEach((length, i) => {
    view.setUint32(i * 8, offset, true);
    view.setUint32(i * 8 + 4, length, true);
    offset += length + (i % 4);
  });
  batch.count = lengths.length;
  return batch;
}

function setRecord(batch: Batch, item: number, offset: number, length: number): void {
  new DataView(batch.buffer).setUint32(item * 8, offset, true);
  new DataView(batch.buffer).setUint32(item * 8 + 4, length, true);
}

for (const algorithm of [keccak256, sha256, sha256d]) {
  describe(`${algorithm.id} × webgpu`, needsAdapter, () => {
    const backend = createWebgpuBackend({ allowSoftwareAdapter: true });
    const small = createWebgpuBackend({ allowSoftwareAdapter: true, maxItems: 64 });
    const reference = createReferenceBackend();
    after(async () => {
      await backend.close();
      await small.close();
    });

    async function agrees(batch: Batch, gpu = backend): Promise<void> {
      await gpu.run(batch);
      const verdicts = batch.verdicts.slice(0, batch.count);
      const results = batch.results.slice(0, batch.count * 32);
      await reference.run(batch);
      assert.deepEqual(verdicts, batch.verdicts.slice(0, batch.count));
      assert.deepEqual(results, batch.results.slice(0, batch.count * 32));
    }

    it("hashes messages of 0 … 700 bytes on every alignment", async () => {
      await agrees(
        messages(
          algorithm,
          Array.from({ length: 701 }, (_, i) => i),
        ),
      );
    });

    it("gives MessageOutOfBounds beside good neighbours", async () => {
      const batch = messages(algorithm, Array(300).fill(77), 3);
      const end = batch.arenaLength;
      const bad: [number, number][] = [
        [end, 1],
        [end + 1, 0],
        [0, end + 1],
        [0xffffffff, 0xffffffff],
        [0xfffffff0, 0x10],
        [1, 0xffffffff],
        [end - 76, 77],
      ];
      for (const [i, [offset, length]] of bad.entries())
        setRecord(batch, 5 + 40 * i, offset, length);
      setRecord(batch, 299, end, 0);
      setRecord(batch, 298, end - 1, 1);
      await agrees(batch);
      await agrees(batch, small);
      assert.equal(batch.verdicts.filter((verdict) => verdict !== 0).length, bad.length);
    });

    it("takes batches of more than one chunk, in any order of messages", async () => {
      const batch = messages(
        algorithm,
        Array.from({ length: 500 }, (_, i) => (i * 37) % 300),
        5,
      );
      const words = new Float64Array(batch.buffer, 0, batch.count);
      words.reverse();
      await agrees(batch, small);
    });

    it("absorbs a long message over several turns", async () => {
      await agrees(
        messages(
          algorithm,
          [
            131_007, 131_008, 131_009, 131_071, 139_263, 139_264, 139_265, 5, 500_000, 0, 262_016,
            278_528,
          ],
          7,
        ),
      );
    });

    it("runs batches beside one another", async () => {
      const batches = Array.from({ length: 12 }, (_, i) =>
        messages(algorithm, Array(97 + i).fill(31 * i), i + 1),
      );
      await Promise.all(batches.map((batch) => small.run(batch)));
      for (const batch of batches) {
        const results = batch.results.slice();
        await reference.run(batch);
        assert.deepEqual(results, batch.results);
      }
    });

    it("times each stage by itself when asked to, over several turns", async () => {
      const profiled = createWebgpuBackend({ allowSoftwareAdapter: true, profile: true });
      try {
        await agrees(messages(algorithm, [5, 300_000, 0]), profiled);
        const { kernelMs, stageMs } = profiled.statistics();
        const times = Object.entries(stageMs);
        const shader = `${algorithm.id}/1-${algorithm === keccak256 ? "absorb" : "compress"}.wgsl`;
        // Software adapters have a clock, some devices have none.
        if (kernelMs > 0) assert.deepEqual(times, [[shader, kernelMs]]);
      } finally {
        await profiled.close();
      }
    });

    it("times the legs of a batch apart", async () => {
      const before = backend.statistics();
      await agrees(messages(algorithm, Array(64).fill(20_000)));
      const now = backend.statistics();
      const { uploadMs, copyInMs, kernelMs, copyOutMs, downloadMs, deviceMs } = now;
      assert.ok(uploadMs > before.uploadMs && downloadMs > before.downloadMs);
      if (kernelMs === 0) return; // no clock on this device
      for (const ms of [copyInMs - before.copyInMs, kernelMs - before.kernelMs]) assert.ok(ms > 0);
      const device = copyInMs + kernelMs + copyOutMs;
      assert.ok(device <= deviceMs, `${device} ms of the ${deviceMs} ms that the device had`);
    });

    it("leaves an empty batch alone", async () => {
      await agrees(messages(algorithm, []));
    });
  });
}
