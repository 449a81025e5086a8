/** The head tracker against a model chain that re-organises at random and answers with gaps and failures. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { HeadTracker, type TrackedBlock } from "../../src/node/follow/head-tracker.ts";
import { seededRandom } from "../support/random.ts";

interface ModelBlock {
  readonly number: string;
  readonly hash: string;
  readonly parentHash: string;
}

class ModelNode {
  readonly known = new Map<string, ModelBlock>();
  chain: ModelBlock[] = [{ number: "0x0", hash: "genesis", parentHash: "none" }];
  #salt = 0;

  grow(count: number): void {
    for (let i = 0; i < count; i++) {
      const parentHash = this.chain[this.chain.length - 1].hash;
      const number = `0x${this.chain.length.toString(16)}`;
      const block = { number, hash: `${number}-${this.#salt++}`, parentHash };
      this.chain.push(block);
      this.known.set(block.hash, block);
    }
  }

  get head(): { number: bigint; hash: string } {
    const { number, hash } = this.chain[this.chain.length - 1];
    return { number: BigInt(number), hash };
  }
}

/** Applies what the tracker said to a chain of one's own, as a follower would. */
function apply(view: Map<bigint, string>, block: TrackedBlock): void {
  const { hash, parentHash } = block.json as ModelBlock;
  let replaced = 0;
  for (let above = block.number; view.delete(above); above++) replaced++;
  assert.equal(block.replaced, replaced);
  const before = view.get(block.number - 1n);
  if (before !== undefined) assert.equal(parentHash, before);
  if (block.follows) assert.equal(parentHash, before);
  view.set(block.number, hash);
}

describe("head tracker", () => {
  it("ends up with the node's chain, whatever happened in between", async () => {
    const random = seededRandom(7);
    for (let run = 0; run < 60; run++) {
      const node = new ModelNode();
      let isQuiet = false;
      const fail = (): void => {
        if (random.below(12) === 0) throw new Error("the node does not answer");
      };
      node.grow(1 + random.below(5));
      const tracker = new HeadTracker(
        {
          async byNumber(number) {
            fail();
            return node.chain[Number(number)] ?? null;
          },
          async byHash(hash) {
            fail();
            return node.known.get(hash) ?? null;
          },
        },
        1n,
      );
      const view = new Map<bigint, string>();
      const catchUp = async (): Promise<void> => {
        try {
          for await (const block of tracker.advance(node.head)) {
            assert.ok(block.linked);
            apply(view, block);
            // The chain may change while it is being read.
            if (!isQuiet && random.below(20) === 0) mutate();
          }
        } catch (error) {
          assert.match((error as Error).message, /does not answer/);
        }
      };
      const mutate = (): void => {
        if (random.below(3) === 0)
          node.chain.length -= random.below(Math.min(node.chain.length, 9));
        node.grow(random.below(12));
      };
      for (let step = 0; step < 25; step++) {
        mutate();
        await catchUp();
      }
      isQuiet = true;
      node.grow(1);
      while (view.get(node.head.number) !== node.head.hash) await catchUp();
      const expected = node.chain.slice(1).map(({ hash }) => hash);
      const got = [...view].sort(([a], [b]) => Number(a - b)).map(([, hash]) => hash);
      assert.deepEqual(got, expected);
    }
  });

  it("tells a block that leads nowhere", async () => {
    const node = new ModelNode();
    node.grow(3);
    const tracker = new HeadTracker(
      {
        byNumber: async (number) => node.chain[Number(number)] ?? null,
        byHash: async (hash) => node.known.get(hash) ?? null,
      },
      1n,
    );
    const read = async (): Promise<TrackedBlock[]> => {
      const blocks: TrackedBlock[] = [];
      for await (const block of tracker.advance(node.head)) blocks.push(block);
      return blocks;
    };
    assert.deepEqual(
      (await read()).map(({ number, linked }) => [number, linked]),
      [1n, 2n, 3n].map((number) => [number, true]),
    );
    node.grow(1);
    node.chain[4] = { ...node.chain[4], parentHash: "nobody" };
    node.grow(1);
    assert.deepEqual(
      (await read()).map(({ number, linked, follows }) => [number, linked, follows]),
      [
        [4n, false, false],
        [5n, true, true],
      ],
    );
    node.grow(1);
    node.chain[6] = { ...node.chain[6], number: "0x99" };
    assert.deepEqual(
      (await read()).map(({ number, linked }) => [number, linked]),
      [[6n, false]],
    );
  });
});
