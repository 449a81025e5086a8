// What a chunk may hold and what is allocated for it, at limits that no software driver has.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { chunksOf } from "../../src/backends/webgpu/chunks.ts";
import { messageLimit, shapeFor } from "../../src/backends/webgpu/slots.ts";
import { type Batch, keccak256 } from "../../src/index.ts";

const MIB = 2 ** 20;
const none = { items: 0, arenaBytes: 0 };

/** A batch as `chunksOf` sees it: records of `offset` and `length`, and an arena that nobody allocates. */
function messagesAt(arenaLength: number, messages: readonly (readonly [number, number])[]): Batch {
  const buffer = new SharedArrayBuffer(messages.length * 8);
  new Uint32Array(buffer).set(messages.flat());
  const sections = { records: 0 };
  return {
    algorithm: keccak256,
    count: messages.length,
    buffer,
    sections,
    arenaLength,
  } as unknown as Batch;
}

describe("limits of a chunk", () => {
  it("keep a message within one binding, half a buffer and the range of an i32", () => {
    const limit = (binding: number, buffer: number): number =>
      messageLimit({ maxStorageBufferBindingSize: binding, maxBufferSize: buffer });
    assert.equal(limit(128 * MIB, 256 * MIB), 128 * MIB - 8);
    assert.equal(limit(1024 * MIB, 1024 * MIB), 512 * MIB - 8);
    assert.equal(limit(2 ** 32 - 4, 2 ** 40), 2 ** 31 - 8);
  });

  it("hold for the longest message on any alignment", () => {
    const messageBytes = messageLimit({
      maxStorageBufferBindingSize: 300 * MIB,
      maxBufferSize: 2 ** 40,
    });
    for (const start of [0, 1, 2, 3]) {
      const limits = { items: 1024, arenaBytes: 64 * MIB, messageBytes };
      const [chunk] = chunksOf(messagesAt(2 ** 31, [[start, messageBytes]]), limits);
      const { arenaBytes } = shapeFor(none, chunk, limits, true);
      assert.ok(arenaBytes >= Math.ceil(chunk.arenaBytes / 4) * 4 + 4, "words are read whole");
      assert.ok(arenaBytes <= 300 * MIB);
    }
  });

  it("never shrink a slot, and give rows without messages no arena", () => {
    const limits = { items: 4096, messageBytes: 64 * MIB };
    assert.deepEqual(shapeFor(none, { count: 65, arenaBytes: 0 }, limits, false), {
      items: 128,
      arenaBytes: 0,
    });
    const has = { items: 2048, arenaBytes: MIB };
    assert.deepEqual(shapeFor(has, { count: 1, arenaBytes: 5 }, limits, true), has);
  });
});

describe("chunks of an arena beyond 2 GiB", () => {
  it("begin where the messages do", () => {
    const far = 2 ** 31 + 5;
    const limits = { items: 2, arenaBytes: 64 * MIB, messageBytes: 64 * MIB };
    const chunks = [
      ...chunksOf(
        messagesAt(2 ** 32 - 1, [
          [far, 100],
          [far + 100, 7],
          [3, 9],
        ]),
        limits,
      ),
    ];
    assert.deepEqual(
      chunks.map(({ first, count, arenaStart, arenaBytes }) => [
        first,
        count,
        arenaStart,
        arenaBytes,
      ]),
      [
        [0, 2, far - 1, 108],
        [2, 1, 0, 12],
      ],
    );
  });
});
