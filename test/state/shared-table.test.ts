/** The shared table against a model: growth, dropped storage, what is known and what is not. @module */
import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeDiff } from "../../src/state/diff.ts";
import { EMPTY_CODE_HASH } from "../../src/state/memory.ts";
import { type Misses, objectReads, openTable, SharedTable } from "../../src/state/shared-table.ts";
import type { AccountChange } from "../../src/state/source.ts";
import { applyToModel, type Model, randomDiff } from "./model.ts";
import { bytesOf, createRandom, hexOf } from "./random.ts";

const UNKNOWN = new Error("unknown");
const UNKNOWN_KEYS: Misses = {
  account() {
    throw UNKNOWN;
  },
  storage() {
    throw UNKNOWN;
  },
};

test("a complete table is the model after every diff", () => {
  const random = createRandom(3);
  const table = new SharedTable(true);
  const here = objectReads(table.reads(UNKNOWN_KEYS));
  const model: Model = new Map();
  const known: Model = new Map();
  for (let block = 0; block < 60; block++) {
    const diff = randomDiff(random, model);
    applyToModel(model, diff);
    applyToModel(known, diff);
    table.apply(encodeDiff(diff));
    // As another thread would: the table may have moved.
    const elsewhere = objectReads(openTable(table.shared, UNKNOWN_KEYS));
    for (const [name, { storage }] of known) {
      const account = model.get(name);
      const got = here.account(bytesOf(name));
      assert.deepEqual(elsewhere.account(bytesOf(name)), got);
      assert.equal(got?.balance, account?.balance);
      assert.equal(got?.nonce, account?.nonce);
      assert.equal(got && hexOf(got.codeHash), account && hexOf(account.codeHash));
      for (const slot of storage.keys()) {
        const word = here.storage(bytesOf(name), bytesOf(slot));
        assert.deepEqual(elsewhere.storage(bytesOf(name), bytesOf(slot)), word);
        assert.equal(hexOf(word), hexOf(account?.storage.get(slot) ?? new Uint8Array(32)));
      }
    }
  }
  assert.equal(here.account(new Uint8Array(20).fill(9)), undefined);
  assert.deepEqual(
    here.storage(new Uint8Array(20).fill(9), new Uint8Array(32)),
    new Uint8Array(32),
  );
});

test("a cache knows what it was told, also after it has grown, and nothing once it is cleared", () => {
  const table = new SharedTable(false);
  const reads = objectReads(table.reads(UNKNOWN_KEYS));
  const addressOf = (index: number) => bytesOf(`0x${index.toString(16).padStart(40, "0")}`);
  const slotOf = (index: number) => bytesOf(`0x${index.toString(16).padStart(64, "0")}`);
  const account = { nonce: 2n ** 63n + 7n, balance: 2n ** 200n + 1n, codeHash: EMPTY_CODE_HASH };
  for (let i = 0; i < 3000; i++) {
    assert.throws(() => reads.account(addressOf(i)), UNKNOWN);
    assert.throws(() => reads.storage(addressOf(i), slotOf(i)), UNKNOWN);
    if (i % 3 === 0) table.setAccount(addressOf(i), undefined);
    else {
      table.setAccount(addressOf(i), { ...account, nonce: account.nonce + BigInt(i) });
      assert.throws(() => reads.storage(addressOf(i), slotOf(i)), UNKNOWN);
      table.setStorage(addressOf(i), slotOf(i), slotOf(i * 5));
    }
  }
  assert.equal(table.size, 5000);
  for (let i = 0; i < 3000; i++) {
    const got = reads.account(addressOf(i));
    if (i % 3 === 0) {
      assert.equal(got, undefined);
      assert.deepEqual(reads.storage(addressOf(i), slotOf(i)), new Uint8Array(32));
      continue;
    }
    assert.deepEqual(got, { ...account, nonce: account.nonce + BigInt(i) });
    assert.deepEqual(reads.storage(addressOf(i), slotOf(i)), slotOf(i * 5));
    assert.throws(() => reads.storage(addressOf(i), slotOf(i + 1)), UNKNOWN);
  }
  // A smaller balance over a larger one; storage dropped: what is not written after that is zero.
  const storage = new Map([[hexOf(slotOf(9)), slotOf(8)]]);
  const change = { account: { ...account, balance: 3n }, storageCleared: true, storage };
  const kept = { account: { ...account, balance: 4n }, storageCleared: false, storage };
  const diff = new Map<string, AccountChange>([
    [hexOf(addressOf(1)), change],
    [hexOf(addressOf(4)), kept],
    [hexOf(addressOf(5)), { account: undefined, storageCleared: false, storage: new Map() }],
    [hexOf(addressOf(9000)), kept],
  ]);
  table.apply(encodeDiff(diff));
  assert.deepEqual(reads.account(addressOf(1)), change.account);
  assert.deepEqual(reads.storage(addressOf(1), slotOf(1)), new Uint8Array(32));
  assert.deepEqual(reads.storage(addressOf(1), slotOf(9)), slotOf(8));
  assert.deepEqual(reads.storage(addressOf(4), slotOf(4)), slotOf(20));
  assert.deepEqual(reads.storage(addressOf(4), slotOf(9)), slotOf(8));
  assert.equal(reads.account(addressOf(5)), undefined);
  assert.deepEqual(reads.storage(addressOf(5), slotOf(5)), new Uint8Array(32));
  assert.deepEqual(reads.account(addressOf(9000)), kept.account);
  assert.throws(() => reads.storage(addressOf(9000), slotOf(1)), UNKNOWN);
  table.setAccount(addressOf(2), { ...account, balance: 4n });
  assert.deepEqual(reads.account(addressOf(2)), { ...account, balance: 4n });
  assert.deepEqual(reads.storage(addressOf(2), slotOf(2)), slotOf(10));
  table.clear();
  assert.throws(() => reads.account(addressOf(2)), UNKNOWN);
  assert.throws(() => reads.storage(addressOf(1), slotOf(9)), UNKNOWN);
});

test("what is missed is asked for once and then known", () => {
  const table = new SharedTable(false);
  const asked: string[] = [];
  const account = { nonce: 1n, balance: 2n, codeHash: EMPTY_CODE_HASH };
  const address = new Uint8Array(20).fill(7);
  const slot = new Uint8Array(32).fill(8);
  const reads = objectReads(
    table.reads({
      account(of) {
        asked.push(hexOf(of));
        table.setAccount(of, of[0] === 7 ? account : undefined);
      },
      storage(of, key) {
        asked.push(hexOf(key));
        table.setStorage(of, key, slot);
      },
    }),
  );
  for (let i = 0; i < 2; i++) {
    assert.deepEqual(reads.storage(address, slot), slot);
    assert.deepEqual(reads.account(address), account);
    assert.equal(reads.account(slot.subarray(0, 20)), undefined);
    assert.deepEqual(reads.storage(slot.subarray(0, 20), slot), new Uint8Array(32));
  }
  assert.deepEqual(asked, [hexOf(address), hexOf(slot), hexOf(slot.subarray(0, 20))]);
});
