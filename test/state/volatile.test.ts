/** A state in memory whose worker reads diffs in memory that is used again and again. @module */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createStateCommitment } from "../../src/state/commitment.ts";
import { encodeDiff, LazyDiff } from "../../src/state/diff.ts";
import type { StateDiff } from "../../src/state/source.ts";
import { createVolatileState } from "../../src/state/volatile-state.ts";
import { applyToModel, type Model, randomDiff } from "./model.ts";
import { createRandom, hexOf } from "./random.ts";

const hashOf = (number: bigint) => new Uint8Array(32).fill(Number(number & 255n));

/** The diff in each form that a commit takes. */
const forms: readonly ((diff: StateDiff) => StateDiff | Uint8Array)[] = [
  (diff) => diff,
  encodeDiff,
  (diff) =>
    new LazyDiff((room) => {
      const bytes = encodeDiff(diff);
      const own = room(bytes.length);
      own.set(bytes);
      return own;
    }),
  // One that has been encoded, and looked at, before.
  (diff) => {
    const lazy = new LazyDiff(() => encodeDiff(diff));
    assert.equal(lazy.size, diff.size);
    return lazy;
  },
];

/** More accounts than fit the memory that is kept, all of one balance. */
function largeDiff(): StateDiff {
  const account = { nonce: 1n, balance: 7n, codeHash: new Uint8Array(32).fill(5) };
  const change = { account, storage: new Map<string, Uint8Array>(), storageCleared: false };
  return new Map(
    Array.from({ length: 170_000 }, (_, i) => [
      `0x${(i + 1).toString(16).padStart(40, "0")}`,
      change,
    ]),
  );
}

test("two blocks under way, large and small, in any form, have the roots of their own diffs", async () => {
  const random = createRandom(5);
  const state = createVolatileState();
  const commitment = createStateCommitment();
  const model: Model = new Map();
  const outcomes: Promise<void>[] = [];
  try {
    for (let number = 1n; number <= 40n; number++) {
      const diff =
        number === 20n ? largeDiff() : number === 30n ? new Map() : randomDiff(random, model);
      if (number !== 20n) applyToModel(model, diff);
      const expectedRoot = commitment.apply(diff);
      await state.room();
      const form = forms[random(forms.length)](diff);
      const committed = state.commit({ number, hash: hashOf(number), diff: form, expectedRoot });
      // The caller's bytes are the caller's again.
      if (form instanceof Uint8Array) form.fill(0xa5);
      outcomes.push(
        committed.then((outcome) => {
          assert.ok(outcome.committed, `block ${number}`);
          assert.equal(hexOf(outcome.root), hexOf(expectedRoot));
        }),
      );
    }
    await Promise.all(outcomes);
  } finally {
    await state.close();
  }
});

test("a block with another root ends the state, also for the block under way behind it", async () => {
  const random = createRandom(6);
  const state = createVolatileState();
  try {
    const model: Model = new Map();
    const first = state.commit({
      number: 1n,
      hash: hashOf(1n),
      diff: randomDiff(random, model),
      expectedRoot: new Uint8Array(32),
    });
    const second = state.commit({ number: 2n, hash: hashOf(2n), diff: randomDiff(random, model) });
    assert.equal((await first).committed, false);
    await assert.rejects(second, { code: "ERR_ABORTED" });
    await assert.rejects(state.commit({ number: 3n, hash: hashOf(3n), diff: new Map() }), {
      code: "ERR_ABORTED",
    });
  } finally {
    await state.close();
  }
});
