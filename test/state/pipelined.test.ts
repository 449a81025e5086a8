/** Commits in a worker while the next block's state is read here. @module */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createStateCommitment } from "../../src/state/commitment.ts";
import { decodeDiff, encodeDiff } from "../../src/state/diff.ts";
import { createOverlayState } from "../../src/state/overlay.ts";
import { verifyAccountProofs } from "../../src/state/proof.ts";
import type { StateSource } from "../../src/state/source.ts";
import { openPipelinedState, type PipelinedState } from "../../src/state/store/pipelined-state.ts";
import { createMemoryStore } from "../../src/state/store/state-store.ts";
import { applyToModel, type Model, randomDiff } from "./model.ts";
import { bytesOf, createRandom, hexOf } from "./random.ts";

const hashOf = (number: bigint) => bytesOf(`0x${number.toString(16).padStart(64, "0")}`);

function assertModel(source: StateSource, model: Model, known: Model, where: string): void {
  for (const [name, { storage }] of known) {
    const account = model.get(name);
    assert.equal(source.account(bytesOf(name))?.balance, account?.balance, `${where}: ${name}`);
    for (const slot of new Set([...storage.keys(), ...(account?.storage.keys() ?? [])])) {
      const word = account?.storage.get(slot) ?? new Uint8Array(32);
      const got = source.storage(bytesOf(name), bytesOf(slot));
      assert.equal(hexOf(got), hexOf(word), `${where}: ${slot} of ${name}`);
    }
  }
}

async function withPipeline(
  kind: string,
  maxPending: number,
  use: (state: PipelinedState, reopen: () => Promise<PipelinedState>) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "lanewise-pipelined-"));
  const options = kind === "disk" ? { location: folder, sync: false } : {};
  let state = await openPipelinedState({ ...options, maxPending, historyBlocks: 8 });
  try {
    await use(state, async () => {
      await state.close();
      state = await openPipelinedState({ ...options, maxPending, historyBlocks: 8 });
      return state;
    });
  } finally {
    await state.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

for (const kind of ["memory", "disk"]) {
  test(`${kind}: what is read is the state after the last block given`, async () => {
    await withPipeline(kind, 3, async (state, reopen) => {
      const random = createRandom(17);
      const model: Model = new Map();
      const known: Model = new Map();
      const oracle = createStateCommitment();
      const outcomes: Promise<void>[] = [];
      let seenPending = 0;
      for (let number = 1n; number <= 40n; number++) {
        const before = state.source();
        const modelBefore: Model = new Map(model);
        const diff = randomDiff(random, model);
        applyToModel(model, diff);
        applyToModel(known, diff);
        const expectedRoot = oracle.apply(diff);
        await state.room();
        assert.ok(state.pending < 3);
        outcomes.push(
          state
            .commit({ number, hash: hashOf(number), diff, expectedRoot })
            .then(({ committed, root }) => {
              assert.equal(committed, true);
              assert.equal(hexOf(root), hexOf(expectedRoot));
            }),
        );
        seenPending = Math.max(seenPending, state.pending);
        const after = state.source();
        assertModel(after, model, known, `after block ${number}`);
        assert.equal(hexOf(after.blockHash(number)), hexOf(hashOf(number)));
        if (number > 9n)
          assert.equal(hexOf(after.blockHash(number - 8n)), hexOf(hashOf(number - 8n)));
        after.close();
        if (number % 3n === 0n) await outcomes.at(-2);
        assertModel(before, modelBefore, known, `before block ${number}`);
        before.close();
        before.close();
      }
      assert.ok(seenPending > 1, "blocks overlap");
      await Promise.all(outcomes);
      assert.equal(state.head?.number, 40n);
      const proofs = await state.prove(
        [...model.keys()].map((name) => ({ address: bytesOf(name) })),
      );
      assert.ok(verifyAccountProofs(oracle.root(), proofs).every(({ valid }) => valid));
      assert.equal((await state.revert(5))?.number, 35n);
      if (kind === "disk") {
        const again = await reopen();
        assert.equal(again.head?.number, 35n);
      }
    });
  });

  test(`${kind}: a wrong root drops the block and those built on it, and no other`, async () => {
    await withPipeline(kind, 3, async (state) => {
      const random = createRandom(5);
      const model: Model = new Map();
      const oracle = createStateCommitment();
      const commit = (number: bigint, expectedRoot?: Uint8Array) => {
        const diff = randomDiff(random, model);
        if (expectedRoot === undefined) {
          applyToModel(model, diff);
          oracle.apply(diff);
        }
        return state.commit({
          number,
          hash: hashOf(number),
          diff,
          ...(expectedRoot && { expectedRoot }),
        });
      };
      assert.equal((await commit(7n)).committed, true);
      const outcomes = [
        commit(8n),
        commit(9n, new Uint8Array(32)),
        commit(10n, new Uint8Array(32)),
      ];
      await assert.rejects(commit(11n, new Uint8Array(32)), RangeError);
      const [first, wrong, built] = await Promise.allSettled(outcomes);
      assert.ok(first.status === "fulfilled" && first.value.committed);
      assert.ok(wrong.status === "fulfilled" && !wrong.value.committed);
      assert.equal(built.status === "rejected" && built.reason.code, "ERR_ABORTED");
      assert.equal(state.head?.number, 8n);
      const source = state.source();
      assertModel(source, model, model, "after the wrong block");
      source.close();
      await assert.rejects(commit(12n, new Uint8Array(32)), RangeError);
      assert.equal(hexOf((await commit(9n)).root), hexOf(oracle.root()));
      await state.close();
      assert.throws(() => state.source(), { code: "ERR_CLOSED" });
      await assert.rejects(state.revert(1), { code: "ERR_CLOSED" });
    });
  });
}

test("a folder that cannot be a database", async () => {
  await assert.rejects(openPipelinedState({ location: "/dev/null/state" }), { code: "ERR_SOURCE" });
  await assert.rejects(openPipelinedState({ maxPending: 0 }), RangeError);
  await assert.rejects(openPipelinedState({ maxPending: 4, historyBlocks: 3 }), RangeError);
});

test("diffs survive their flat form, and lie on states as their definition says", async () => {
  const random = createRandom(50);
  const model: Model = new Map();
  const known: Model = new Map();
  const store = createMemoryStore();
  const blocks = [];
  for (let number = 1n; number <= 12n; number++) {
    const diff = randomDiff(random, model);
    applyToModel(model, diff);
    applyToModel(known, diff);
    assert.deepEqual(
      [...decodeDiff(encodeDiff(diff))].map(([name, change]) => [name, plain(change)]),
      [...diff].map(([name, change]) => [name, plain(change)]),
    );
    if (number <= 6n) await store.commit({ number, hash: hashOf(number), diff });
    else blocks.push({ number, hash: hashOf(number), diff });
  }
  const view = store.view();
  const overlay = createOverlayState(view, blocks);
  assertModel(overlay, model, known, "overlay");
  for (const { diff } of blocks) {
    for (const { account, code } of diff.values()) {
      if (account && code) assert.deepEqual(overlay.code(account.codeHash), code);
    }
  }
  view.close();
  await store.close();
});

/** Arrays as hex, so that views and copies compare alike. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return hexOf(value);
  if (value instanceof Map) return [...value].map(([key, entry]) => [key, plain(entry)]);
  if (typeof value !== "object" || value === null) return value;
  return Object.entries(value)
    .map(([key, entry]) => [key, plain(entry)])
    .sort();
}
