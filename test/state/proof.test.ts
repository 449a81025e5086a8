/** Proofs: the vectors of the execution APIs, random states, and damage of every kind. @module */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { createMerkleProof, MerklePatriciaTrie, verifyMPTWithMerkleProof } from "@ethereumjs/mpt";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { decodeRlp, encodeRlp } from "../../src/chains/ethereum/rlp.ts";
import { type AccountProof, createStateCommitment } from "../../src/state/commitment.ts";
import {
  accountProofToJson,
  readAccountProof,
  verifyAccountProofs,
  verifyTrieProofs,
} from "../../src/state/proof.ts";
import { EMPTY_TRIE_ROOT } from "../../src/state/trie/module.ts";
import { createTrie } from "../../src/state/trie/trie.ts";
import { corpusPath, corpusSkip } from "../support/corpus.ts";
import { applyToModel, type Model, randomDiff } from "./model.ts";
import { bytesOf, createRandom, hexOf, randomBytes } from "./random.ts";

const reasonOf = (outcome: { valid: boolean; reason?: string }) =>
  outcome.valid ? "valid" : outcome.reason;

/** State roots of the test chain by block hash, and of its last block. */
function chainRoots(): { byHash: Map<string, Uint8Array>; latest: Uint8Array } {
  const bytes = readFileSync(corpusPath("vectors", "eth-getproof", "tests", "chain.rlp"));
  const byHash = new Map<string, Uint8Array>();
  let latest: Uint8Array = EMPTY_TRIE_ROOT;
  for (let at = 0; at < bytes.length; ) {
    const size = bytes[at] - 0xf7;
    const end = at + 1 + size + bytes.readUIntBE(at + 1, size);
    const [header] = decodeRlp(bytes.subarray(at, end)) as [Uint8Array[]];
    latest = header[3];
    byHash.set(hexOf(keccak_256(encodeRlp(header))), latest);
    at = end;
  }
  return { byHash, latest };
}

test("eth_getProof vectors verify against the chain's state roots", { skip: corpusSkip }, () => {
  const folder = corpusPath("vectors", "eth-getproof", "tests", "eth_getProof");
  const { byHash, latest } = chainRoots();
  const files = readdirSync(folder).filter((name) => name.endsWith(".io"));
  assert.ok(files.length > 0);
  for (const name of files) {
    const lines = readFileSync(`${folder}/${name}`, "utf8").split("\n");
    const json = (mark: string) =>
      JSON.parse(lines.find((line) => line.startsWith(mark))!.slice(3));
    const [, , block] = json(">>").params as [string, string[], string?];
    const { result } = json("<<");
    const proof = readAccountProof(result);
    const root = byHash.get(block ?? "") ?? latest;
    assert.deepEqual(verifyAccountProofs(root, [proof]).map(reasonOf), ["valid"], name);
    assert.deepEqual(readAccountProof(accountProofToJson(proof)), proof);
    for (const damaged of damages(proof)) {
      assert.notEqual(reasonOf(verifyAccountProofs(root, [damaged])[0]), "valid", name);
    }
  }
});

/** The proof with one thing wrong, in every place where one can be. */
function* damages(proof: AccountProof): Generator<AccountProof> {
  yield { ...proof, nonce: proof.nonce + 1n };
  yield { ...proof, balance: proof.balance + 1n };
  yield { ...proof, codeHash: new Uint8Array(32).fill(3) };
  yield { ...proof, storageHash: new Uint8Array(32).fill(3) };
  yield { ...proof, address: Uint8Array.from(proof.address, (byte) => byte ^ 1) };
  const withNodes = (accountProof: Uint8Array[]) => ({ ...proof, accountProof });
  const nodes = [...proof.accountProof];
  yield withNodes(nodes.slice(1));
  yield withNodes(nodes.slice(0, -1));
  yield withNodes([...nodes, nodes[0]]);
  yield withNodes([]);
  for (const [index, node] of nodes.entries()) {
    for (const at of [0, 1, node.length >> 1, node.length - 1]) {
      const flipped = node.slice();
      flipped[at] ^= 1;
      yield withNodes(nodes.with(index, flipped));
    }
  }
  for (const [index, slot] of proof.storageProof.entries()) {
    const withSlot = (changed: typeof slot) => ({
      ...proof,
      storageProof: proof.storageProof.with(index, changed),
    });
    yield withSlot({ ...slot, value: slot.value + 1n });
    if (slot.proof.length > 0) yield withSlot({ ...slot, proof: slot.proof.slice(1) });
  }
}

test("what a commitment proves, verifies; many at a time, with bad ones among them", () => {
  const random = createRandom(77);
  const model: Model = new Map();
  const commitment = createStateCommitment();
  for (let block = 0; block < 12; block++) {
    const diff = randomDiff(random, model);
    applyToModel(model, diff);
    commitment.apply(diff);
  }
  const proofs = Array.from({ length: 300 }, (_, index) => {
    const known = [...model.keys()];
    const address =
      index % 3 === 0 ? randomBytes(random, 20) : bytesOf(known[random(known.length)]);
    const slots = [...(model.get(hexOf(address))?.storage.keys() ?? [])].slice(0, 3).map(bytesOf);
    const proof = commitment.prove(address, [...slots, randomBytes(random, 32)]);
    const account = model.get(hexOf(address));
    assert.equal(proof.balance, account?.balance ?? 0n);
    for (const { key, value } of proof.storageProof) {
      assert.equal(value, BigInt(hexOf(account?.storage.get(hexOf(key)) ?? new Uint8Array(1))));
    }
    return proof;
  });
  const root = commitment.root();
  assert.deepEqual([...new Set(verifyAccountProofs(root, proofs).map(reasonOf))], ["valid"]);
  const mixed = proofs.slice(0, 20).flatMap((proof) => [proof, ...damages(proof), proof]);
  const outcomes = verifyAccountProofs(root, mixed);
  for (const [index, proof] of mixed.entries()) {
    assert.equal(outcomes[index].valid, proofs.includes(proof), `proof ${index}`);
  }
});

test("trie proofs are those of @ethereumjs/mpt, and each side verifies the other's", async () => {
  const random = createRandom(5);
  const oracle = new MerklePatriciaTrie({ useKeyHashing: true });
  const trie = createTrie({ secure: true });
  const keys = Array.from({ length: 200 }, () => randomBytes(random, 1 + random(40)));
  for (const key of keys) {
    const value = randomBytes(random, 1 + random(90));
    trie.update([[key, value]]);
    await oracle.put(key, value);
  }
  const root = trie.root();
  assert.equal(hexOf(root), hexOf(oracle.root()));
  const probes = [
    ...keys.slice(0, 60),
    ...Array.from({ length: 60 }, () => randomBytes(random, 9)),
  ];
  for (const [index, nodes] of trie.prove(probes).entries()) {
    const key = probes[index];
    const theirs = await createMerkleProof(oracle, key);
    assert.deepEqual(nodes.map(hexOf), theirs.map(hexOf));
    const value = await verifyMPTWithMerkleProof(oracle, root, key, nodes);
    const [outcome] = verifyTrieProofs([{ root, key: keccak_256(key), nodes: theirs }]);
    assert.deepEqual(outcome, { valid: true, value: value ?? undefined });
  }
});

test("embedded nodes may be listed or left out", async () => {
  const oracle = new MerklePatriciaTrie();
  const keys = [0, 1, 16, 17, 255].map((byte) => Uint8Array.of(byte, byte, 7));
  for (const key of keys) await oracle.put(key, Uint8Array.of(9));
  for (const key of keys) {
    const listed = await createMerkleProof(oracle, key);
    const short = listed.filter((node, index) => index === 0 || node.length >= 32);
    assert.ok(short.length < listed.length);
    for (const nodes of [listed, short]) {
      const [outcome] = verifyTrieProofs([{ root: oracle.root(), key, nodes }]);
      assert.deepEqual(outcome, { valid: true, value: Uint8Array.of(9) });
    }
  }
});

test("empty tries prove absence with no nodes, or with the empty node", () => {
  const key = new Uint8Array(32);
  const [none, empty, other] = verifyTrieProofs([
    { root: EMPTY_TRIE_ROOT, key, nodes: [] },
    { root: EMPTY_TRIE_ROOT, key, nodes: [Uint8Array.of(0x80)] },
    { root: new Uint8Array(32), key, nodes: [] },
  ]);
  assert.deepEqual(none, { valid: true, value: undefined });
  assert.deepEqual(empty, { valid: true, value: undefined });
  assert.equal(other.valid, false);
});
