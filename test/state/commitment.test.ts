/** State roots against `@ethereumjs/mpt` and against the post states of the execution-spec tests. @module */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createStateCommitment, type StateNodePlace } from "../../src/state/commitment.ts";
import { EMPTY_TRIE_ROOT } from "../../src/state/trie/module.ts";
import { corpusFiles, corpusJson, corpusSkip } from "../support/corpus.ts";
import {
  applyToModel,
  diffOfModel,
  type Model,
  modelOfJson,
  modelRoot,
  randomDiff,
} from "./model.ts";
import { createRandom, hexOf, SLOW } from "./random.ts";

test("random blocks give the roots of @ethereumjs/mpt", async () => {
  for (let seed = 1; seed <= (SLOW ? 60 : 8); seed++) {
    const random = createRandom(seed);
    const model: Model = new Map();
    const commitment = createStateCommitment();
    for (let block = 0; block < 15; block++) {
      const diff = randomDiff(random, model);
      applyToModel(model, diff);
      const root = commitment.apply(diff);
      assert.equal(hexOf(root), hexOf(await modelRoot(model)), `seed ${seed}, block ${block}`);
      assert.equal(hexOf(commitment.root()), hexOf(root));
    }
  }
});

const placeName = ({ owner, path, nibbles }: StateNodePlace): string =>
  `${owner ? hexOf(owner) : "accounts"}/${nibbles}/${hexOf(path)}`;

test("a commitment opened at a root goes on from the nodes that another journalled", async () => {
  for (let seed = 100; seed < (SLOW ? 140 : 106); seed++) {
    const random = createRandom(seed);
    const model: Model = new Map();
    const store = new Map<string, Uint8Array>();
    let root: Uint8Array = EMPTY_TRIE_ROOT;
    for (let block = 0; block < 12; block++) {
      const commitment = createStateCommitment({
        root,
        journal: true,
        loadNode(place) {
          const rlp = store.get(placeName(place));
          assert.ok(rlp, `${placeName(place)} is in the store`);
          return rlp;
        },
      });
      const diff = randomDiff(random, model);
      applyToModel(model, diff);
      root = commitment.apply(diff);
      assert.equal(hexOf(root), hexOf(await modelRoot(model)), `seed ${seed}, block ${block}`);
      const { dropped, nodes } = commitment.takeNodeChanges();
      for (const owner of dropped) {
        for (const name of store.keys()) if (name.startsWith(hexOf(owner))) store.delete(name);
      }
      for (const { rlp, ...place } of nodes) {
        if (rlp) store.set(placeName(place), rlp.slice());
        else store.delete(placeName(place));
      }
    }
  }
});

test("a diff that is wrong changes nothing", () => {
  const commitment = createStateCommitment();
  const model = modelOfJson({
    "0x0000000000000000000000000000000000000001": {
      nonce: "0x1",
      balance: "0x2",
      code: "0x00",
      storage: { "0x1": "0x2" },
    },
  });
  const root = commitment.apply(diffOfModel(model));
  const [[address, change]] = diffOfModel(model);
  const account = { ...change.account!, nonce: 1n << 64n };
  assert.throws(() => commitment.apply(new Map([[address, { ...change, account }]])), RangeError);
  assert.equal(hexOf(commitment.root()), hexOf(root));
  const gone = { account: undefined, storageCleared: true, storage: new Map() };
  assert.equal(hexOf(commitment.apply(new Map([[address, gone]]))), hexOf(EMPTY_TRIE_ROOT));
});

interface StateTest {
  readonly post: Record<
    string,
    { readonly hash: string; readonly state?: Parameters<typeof modelOfJson>[0] }[]
  >;
}

test("post states of the execution-spec tests have the roots they name", {
  skip: corpusSkip,
}, () => {
  const files = corpusFiles("eest-state-tests").filter((_, index) => SLOW || index % 12 === 0);
  let cases = 0;
  for (const file of files) {
    for (const [name, { post }] of Object.entries(corpusJson(file) as Record<string, StateTest>)) {
      for (const { hash, state } of Object.values(post).flat()) {
        if (state === undefined) continue;
        const root = createStateCommitment().apply(diffOfModel(modelOfJson(state)));
        assert.equal(BigInt(hexOf(root)), BigInt(hash), `${file} ${name}`);
        cases++;
      }
    }
  }
  assert.ok(cases > 0);
});
