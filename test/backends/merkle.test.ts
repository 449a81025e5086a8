// Merkle trees on every back end = the textbook recursion over noble's hashes.
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { sha256 as nobleSha256 } from "@noble/hashes/sha2.js";
import { keccak_256 } from "@noble/hashes/sha3.js";
import {
  type Backend,
  createReferenceBackend,
  createWasmBackend,
  createWebgpuBackend,
  keccak256,
  merkleLevels,
  merkleRoot,
  sha256,
  sha256d,
} from "../../src/index.ts";
import { createRandom } from "../../src/workloads/random.ts";

const hashes = [
  { hash: sha256, plain: nobleSha256 },
  { hash: keccak256, plain: keccak_256 },
  { hash: sha256d, plain: (bytes: Uint8Array) => nobleSha256(nobleSha256(bytes)) },
];

/** All levels above the leaves, every node in its own array. */
function levelsOf(leaves: Uint8Array, depth: number, plain: (bytes: Uint8Array) => Uint8Array) {
  let level = Array.from({ length: leaves.length / 32 }, (_, i) =>
    leaves.subarray(32 * i, 32 * i + 32),
  );
  let empty: Uint8Array = new Uint8Array(32);
  const levels: Uint8Array[][] = [];
  for (let height = 0; height < depth; height++) {
    const children = level;
    const none = empty;
    level = Array.from({ length: Math.ceil(children.length / 2) }, (_, i) =>
      plain(new Uint8Array([...children[2 * i], ...(children[2 * i + 1] ?? none)])),
    );
    empty = plain(new Uint8Array([...none, ...none]));
    levels.push(level);
  }
  return levels.map((nodes) => new Uint8Array(nodes.flatMap((node) => [...node])));
}

const backends: [string, () => Backend][] = [
  ["webgpu", () => createWebgpuBackend({ allowSoftwareAdapter: true })],
  ["wasm", () => createWasmBackend({ workers: 2 })],
  ["reference", () => createReferenceBackend()],
];
/** Leaves and depth: around powers of two and workgroups, and padded far beyond. */
const trees: [number, number | undefined][] = [
  [1, 1],
  [2, undefined],
  [3, undefined],
  [5, 10],
  [127, undefined],
  [128, undefined],
  [129, 40],
  [1000, undefined],
  [1, 64],
];

for (const [name, create] of backends) {
  describe(`Merkle trees on ${name}`, async () => {
    const backend = create();
    const status = await backend.probe();
    const skip = status.available ? false : `${name}: ${status.reason}`;
    const random = createRandom(31);
    after(() => backend.close());

    for (const { hash, plain } of hashes) {
      it(`${hash.id}: levels and root of trees of every shape`, { skip }, async () => {
        for (const [count, asked] of trees) {
          const leaves = random.bytes(32 * count);
          const depth = asked ?? Math.ceil(Math.log2(count));
          const wanted = levelsOf(leaves, depth, plain);
          const options = asked === undefined ? { hash } : { hash, depth: asked };
          const found = await merkleLevels(backend, leaves, options);
          assert.deepEqual(found.map(hex), wanted.map(hex), `${count} leaves, depth ${depth}`);
          const root = await merkleRoot(backend, leaves, options);
          assert.equal(hex(root), hex(wanted[depth - 1]), `root of ${count} leaves`);
        }
      });
    }

    it("takes trees without a level, and refuses what does not fit", { skip }, async () => {
      const leaf = random.bytes(32);
      assert.deepEqual(await merkleRoot(backend, leaf, { hash: sha256 }), leaf);
      assert.deepEqual(
        await merkleRoot(backend, new Uint8Array(0), { hash: sha256, depth: 1 }),
        nobleSha256(new Uint8Array(64)),
      );
      const bad = (leaves: number, depth?: number) =>
        merkleRoot(backend, new Uint8Array(leaves), {
          hash: sha256,
          ...(depth === undefined ? {} : { depth }),
        });
      await assert.rejects(bad(33), /RangeError: leaves: expected a multiple of 32 bytes, got 33/);
      await assert.rejects(
        bad(96, 1),
        /RangeError: depth: expected an integer from 2 to 64, got 1/,
      );
      await assert.rejects(bad(32, 65), RangeError);
    });
  });
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
