/** The SSZ hasher in ChainSafe's tree: the roots that its own hashers give, and the same contract call by call. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  BranchNode,
  getHashComputations,
  HashComputationGroup,
  type Hasher,
  LeafNode,
  type Node,
  setHasher,
  subtreeFillToContents,
  Tree,
  uint8ArrayToHashObject,
  zeroNode,
} from "@chainsafe/persistent-merkle-tree";
import { hasher as asSha256 } from "@chainsafe/persistent-merkle-tree/hasher/as-sha256";
import { hasher as hashtree } from "@chainsafe/persistent-merkle-tree/hasher/hashtree";
import { hasher as noble } from "@chainsafe/persistent-merkle-tree/hasher/noble";
import { createSszHasher } from "../../src/node/ssz.ts";
import { seededRandom } from "../support/random.ts";

const random = seededRandom(0x55a2);
const ours: Hasher = await createSszHasher();
const peers: readonly Hasher[] = [noble, asSha256, hashtree];

/** A tree of random shape: leaves at every depth, and parts that several branches share. */
function randomTree(depth: number, shared: Node[]): Node {
  const kind = random.below(10);
  if (depth === 0 || kind === 0) return LeafNode.fromRoot(random.bytes(32));
  if (kind === 1) return zeroNode(depth);
  if (kind === 2 && shared.length > 0) return random.pick(shared);
  const node = new BranchNode(randomTree(depth - 1, shared), randomTree(depth - 1, shared));
  shared.push(node);
  return node;
}

/** The same tree without any computed root. */
function copy(node: Node): Node {
  if (node.isLeaf()) return LeafNode.fromRoot(node.root);
  return new BranchNode(copy(node.left), copy(node.right));
}

/** Root by batches, level by level, as SSZ's view commits compute it. */
function rootByLevels(node: Node, hasher: Hasher): Uint8Array {
  const group = new HashComputationGroup();
  group.reset();
  getHashComputations(node, 0, group.byLevel);
  hasher.executeHashComputations(group.byLevel);
  group.clean();
  return node.root;
}

describe("ssz hasher", () => {
  it("gives the roots of as-sha256, hashtree and noble on random trees", () => {
    for (let run = 0; run < 40; run++) {
      const tree = randomTree(4 + random.below(8), []);
      setHasher(noble);
      const expected = copy(tree).root;
      assert.deepEqual(rootByLevels(copy(tree), ours), expected);
      for (const peer of peers) assert.deepEqual(rootByLevels(copy(tree), peer), expected);
      setHasher(ours);
      assert.deepEqual(copy(tree).root, expected);
      setHasher(noble);
    }
  });

  it("hashes levels of more nodes than one call takes", () => {
    const leaves = Array.from({ length: 5001 }, () => LeafNode.fromRoot(random.bytes(32)));
    const build = (): Node => subtreeFillToContents([...leaves], 13);
    const expected = rootByLevels(build(), noble);
    assert.deepEqual(rootByLevels(build(), ours), expected);
    const tree = new Tree(build());
    setHasher(ours);
    assert.deepEqual(tree.root, expected);
    setHasher(noble);
  });

  it("hashInto agrees at every count around its buffers' size, and in place", () => {
    for (const count of [0, 1, 2, 3, 4, 5, 7, 8, 31, 1023, 1024, 1025, 2048, 2053]) {
      const input = random.bytes(64 * count);
      const expected = new Uint8Array(32 * count);
      noble.hashInto(input, expected);
      const output = new Uint8Array(32 * count);
      ours.hashInto(input, output);
      assert.deepEqual(output, expected);
      const inPlace = input.slice();
      ours.hashInto(inPlace, inPlace.subarray(0, 32 * count));
      assert.deepEqual(inPlace.subarray(0, 32 * count), expected);
    }
    assert.throws(() => ours.hashInto(new Uint8Array(65), new Uint8Array(32)), RangeError);
    assert.throws(() => ours.hashInto(new Uint8Array(64), new Uint8Array(31)), RangeError);
  });

  it("digest64 in all its forms", () => {
    for (let i = 0; i < 50; i++) {
      const left = random.bytes(32);
      const right = random.bytes(32);
      const expected = noble.digest64(left, right);
      assert.deepEqual(ours.digest64(left, right), expected);
      const output = new Uint8Array(32);
      ours.digest64Into(left, right, output);
      assert.deepEqual(output, expected);
      const parent = uint8ArrayToHashObject(new Uint8Array(32));
      ours.digest64HashObjects(uint8ArrayToHashObject(left), uint8ArrayToHashObject(right), parent);
      assert.deepEqual(parent, uint8ArrayToHashObject(expected));
      // A node may be replaced by its own parent.
      const self = uint8ArrayToHashObject(left);
      ours.digest64HashObjects(self, uint8ArrayToHashObject(right), self);
      assert.deepEqual(self, uint8ArrayToHashObject(expected));
    }
    assert.throws(() => ours.digest64(new Uint8Array(31), new Uint8Array(32)), RangeError);
  });

  it("merkleizes blocks, padded to any size", () => {
    for (const count of [0, 1, 2, 3, 4, 5, 8, 9, 15, 16, 17, 100]) {
      for (const padFor of [2 * count, 2 * count + 1, 2 ** 5, 2 ** 10, 2 ** 40]) {
        if (padFor < Math.max(2, 2 * count)) continue;
        const blocks = Array.from({ length: count + 2 }, () => random.bytes(64));
        const bytes = Buffer.concat(blocks.slice(0, count));
        const expected = new Uint8Array(40);
        noble.merkleizeBlocksBytes(Uint8Array.from(bytes), padFor, expected, 5);
        const output = new Uint8Array(40);
        ours.merkleizeBlocksBytes(Uint8Array.from(bytes), padFor, output, 5);
        assert.deepEqual(output, expected, `${count} blocks padded for ${padFor}`);
        const fromArray = new Uint8Array(40);
        const copies = blocks.map((block) => block.slice());
        ours.merkleizeBlockArray(copies, count, padFor, fromArray, 5);
        assert.deepEqual(fromArray, expected);
      }
    }
    const single = random.bytes(32);
    const output = new Uint8Array(32);
    ours.merkleizeBlocksBytes(single.slice(), 1, output, 0);
    assert.deepEqual(output, single);
    assert.throws(() => ours.merkleizeBlocksBytes(new Uint8Array(64), 0, output, 0), RangeError);
    assert.throws(() => ours.merkleizeBlocksBytes(new Uint8Array(96), 4, output, 0), RangeError);
    assert.throws(() => ours.merkleizeBlockArray([], 1, 4, output, 0), RangeError);
    assert.throws(
      () => ours.merkleizeBlockArray([new Uint8Array(63)], 1, 4, output, 0),
      RangeError,
    );
  });

  it("digests several levels at once", () => {
    for (const nLevel of [1, 2, 3, 5]) {
      for (const count of [1, 2, 3, 100]) {
        const data = random.bytes(count * 32 * 2 ** nLevel);
        const expected = noble.digestNLevel(data.slice(), nLevel).slice();
        assert.deepEqual(ours.digestNLevel(data, nLevel).slice(), expected);
      }
    }
    assert.throws(() => ours.digestNLevel(new Uint8Array(64), 0), RangeError);
    assert.throws(() => ours.digestNLevel(new Uint8Array(96), 1), RangeError);
  });
});
