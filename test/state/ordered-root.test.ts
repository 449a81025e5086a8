/** Ordered tries against `@ethereumjs/mpt` at counts and sizes around their turning points. @module */
import assert from "node:assert/strict";
import { test } from "node:test";
import { MerklePatriciaTrie } from "@ethereumjs/mpt";
import { RLP } from "@ethereumjs/rlp";
import { blockFromJson } from "../../src/chains/ethereum/block-json.ts";
import { encodeRlp } from "../../src/chains/ethereum/rlp.ts";
import { orderedTrieRoot, orderedTrieRootSync } from "../../src/state/ordered-root.ts";
import { corpusFiles, corpusJson, corpusSkip } from "../support/corpus.ts";
import { createRandom, hexOf, randomBytes } from "./random.ts";

async function oracleRoot(items: readonly Uint8Array[]): Promise<Uint8Array> {
  const trie = new MerklePatriciaTrie();
  for (const [index, item] of items.entries()) await trie.put(RLP.encode(index), item);
  return trie.root();
}

for (const count of [0, 1, 2, 3, 16, 17, 127, 128, 129, 256, 257, 1000]) {
  test(`ordered root of ${count} items`, async () => {
    const random = createRandom(count + 1);
    const items = Array.from({ length: count }, () => randomBytes(random, 1 + random(300)));
    assert.equal(hexOf(await orderedTrieRoot(items)), hexOf(await oracleRoot(items)));
  });
}

test("item sizes around an embedded node's", async () => {
  for (let size = 1; size <= 60; size++) {
    for (const count of [1, 2, 5, 130]) {
      const items = Array.from({ length: count }, (_, i) => new Uint8Array(size).fill(i % 200));
      const got = hexOf(orderedTrieRootSync(items));
      assert.equal(got, hexOf(await oracleRoot(items)), `${count} items of ${size} bytes`);
    }
  }
});

test("a large item, then small ones in the same memory", async () => {
  const large = [new Uint8Array(70 * 2 ** 20).fill(5), Uint8Array.of(1)];
  const small = [Uint8Array.of(1), Uint8Array.of(2)];
  const root = hexOf(await oracleRoot(small));
  assert.equal(orderedTrieRootSync(large).length, 32);
  assert.equal(hexOf(orderedTrieRootSync(small)), root);
  assert.equal(hexOf(orderedTrieRootSync(small)), root);
});

test("transactions and withdrawals roots of mainnet blocks", { skip: corpusSkip }, () => {
  const files = corpusFiles("mainnet-signed-blocks").filter((name) => name.endsWith("block.json"));
  assert.ok(files.length > 0);
  for (const file of files) {
    const { header, transactions, withdrawals } = blockFromJson(corpusJson(file)).block;
    const root = hexOf(orderedTrieRootSync(transactions));
    assert.equal(root, hexOf(header.transactionsRoot), `${file}: transactions`);
    if (withdrawals === undefined) continue;
    const items = withdrawals.map(({ index, validatorIndex, address, amount }) =>
      encodeRlp([index, validatorIndex, address, amount]),
    );
    assert.equal(
      hexOf(orderedTrieRootSync(items)),
      hexOf(header.withdrawalsRoot!),
      `${file}: withdrawals`,
    );
  }
});
