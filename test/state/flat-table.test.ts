/** The flat table against a model: growth, dropped storage, what is known and what is not. @module */
import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeDiff } from "../../src/state/diff.ts";
import { FlatTable, UNKNOWN } from "../../src/state/flat-table.ts";
import { EMPTY_CODE_HASH } from "../../src/state/memory.ts";
import { applyToModel, type Model, randomDiff } from "./model.ts";
import { bytesOf, createRandom, hexOf } from "./random.ts";

test("a complete table is the model after every diff", () => {
  const random = createRandom(3);
  const table = new FlatTable(true);
  const model: Model = new Map();
  const known: Model = new Map();
  for (let block = 0; block < 60; block++) {
    const diff = randomDiff(random, model);
    applyToModel(model, diff);
    applyToModel(known, diff);
    table.apply(encodeDiff(diff));
    for (const [name, { storage }] of known) {
      const account = model.get(name);
      const got = table.account(bytesOf(name));
      assert.ok(got !== UNKNOWN);
      assert.equal(got?.balance, account?.balance);
      assert.equal(got?.nonce, account?.nonce);
      assert.equal(got && hexOf(got.codeHash), account && hexOf(account.codeHash));
      for (const slot of storage.keys()) {
        const word = table.storage(bytesOf(name), bytesOf(slot));
        assert.ok(word !== UNKNOWN);
        assert.equal(hexOf(word), hexOf(account?.storage.get(slot) ?? new Uint8Array(32)));
      }
    }
  }
  assert.equal(table.account(new Uint8Array(20).fill(9)), undefined);
  assert.deepEqual(
    table.storage(new Uint8Array(20).fill(9), new Uint8Array(32)),
    new Uint8Array(32),
  );
});

test("a cache knows what it was told, also after it has grown, and nothing once it is cleared", () => {
  const table = new FlatTable(false);
  const addressOf = (index: number) => bytesOf(`0x${index.toString(16).padStart(40, "0")}`);
  const slotOf = (index: number) => bytesOf(`0x${index.toString(16).padStart(64, "0")}`);
  const account = { nonce: 7n, balance: 2n ** 200n + 1n, codeHash: EMPTY_CODE_HASH };
  for (let i = 0; i < 3000; i++) {
    assert.equal(table.account(addressOf(i)), UNKNOWN);
    if (i % 3 === 0) table.setAccount(addressOf(i), undefined);
    else table.setAccount(addressOf(i), { ...account, nonce: BigInt(i) });
    assert.equal(table.storage(addressOf(i), slotOf(i)), UNKNOWN);
    table.setStorage(addressOf(i), slotOf(i), slotOf(i * 5));
  }
  assert.equal(table.size, 6000);
  for (let i = 0; i < 3000; i++) {
    const got = table.account(addressOf(i));
    if (i % 3 === 0) assert.equal(got, undefined);
    else assert.deepEqual(got, { ...account, nonce: BigInt(i) });
    assert.deepEqual(table.storage(addressOf(i), slotOf(i)), slotOf(i * 5));
    assert.equal(table.storage(addressOf(i), slotOf(i + 1)), UNKNOWN);
  }
  // A smaller balance over a larger one; storage dropped: what is not written after that is zero.
  const storage = new Map([[hexOf(slotOf(9)), slotOf(8)]]);
  const change = { account: { ...account, balance: 3n }, storageCleared: true, storage };
  table.apply(encodeDiff(new Map([[hexOf(addressOf(1)), change]])));
  assert.deepEqual(table.account(addressOf(1)), change.account);
  assert.deepEqual(table.storage(addressOf(1), slotOf(1)), new Uint8Array(32));
  assert.deepEqual(table.storage(addressOf(1), slotOf(9)), slotOf(8));
  table.setAccount(addressOf(2), { ...account, balance: 4n });
  assert.deepEqual(table.account(addressOf(2)), { ...account, balance: 4n });
  table.clear();
  assert.equal(table.account(addressOf(2)), UNKNOWN);
  assert.equal(table.storage(addressOf(1), slotOf(9)), UNKNOWN);
});
