// The trie module: many Merkle-Patricia tries in one private memory, changed in sorted batches and hashed in lanes.
//
// Not a kernel of an algorithm (ARCHITECTURE.md): it keeps state, and asks its host for nodes that are not in memory. A trap
// or a host error in the middle of a call leaves tries half changed; the host discards the instance then.
//
// trie    +0 u32 root node  +4 u32 stale  +8 u32 id  +16 32-byte root hash
// update  +0 u32 key  +4 u32 key bytes  +8 u32 value  +12 u32 value bytes (0 deletes)
import { copyBytes } from "../lib/bytes";
import { applyRecords, lastApplyChanged, setAccounts } from "./apply";
import { collectTrie, runJobs } from "./commit";
import { digest, flushDigests, resetDigests } from "./digest";
import { resetJournal } from "./journal";
import { loadNode, MAX_KEY_BYTES, resetLoading, selectTrie } from "./load";
import { allocate, release, resetMemory } from "./memory";
import { leafKey, leafKeyBytes, leafValue, leafValueBytes } from "./nodes";
import { RECORD, setRecord, sortedCount, sortRecords } from "./records";
import { EMPTY_ROOT } from "./roots";
import { find, next, previous, proofBound, prove, releaseTree } from "./walk";

export { digestAddresses, updateAccounts, updateSlots } from "./diff";
export { clearJournal, enableJournal, journalBytes, journalStart } from "./journal";
export { reserveNode } from "./load";
export { allocate, memoryInUse, release } from "./memory";
export { MAX_KEY_BYTES };

const TRIE_BYTES: u32 = 48;
const ROOT: usize = 16;
const UPDATE: u32 = 16;
const HASH_BYTES: u32 = 32;

/** Forgets every trie and block; called once before anything else. */
export function reset(): void {
  resetMemory();
  resetDigests();
  resetJournal();
  resetLoading();
}

/** An empty trie. `id` names it to the host. */
export function createTrie(id: u32): usize {
  return openTrie(id, EMPTY_ROOT);
}

/** A trie of which the root's hash is known; its nodes are asked of the host when they are needed. */
export function openTrie(id: u32, rootHash: usize): usize {
  const trie = allocate(TRIE_BYTES);
  store<u32>(trie, 0);
  store<u32>(trie, 0, 4);
  store<u32>(trie, id, 8);
  copyBytes(trie + ROOT, rootHash, HASH_BYTES);
  return trie;
}

/** Frees the trie and its nodes in memory. */
export function closeTrie(trie: usize): void {
  if (load<u32>(trie)) releaseTree(load<u32>(trie));
  release(trie, TRIE_BYTES);
}

/** The root node, loaded if need be; 0 for an empty trie. */
function rootNode(trie: usize): usize {
  selectTrie(load<u32>(trie, 8));
  let node: usize = load<u32>(trie);
  if (node || load<u32>(trie, 4) || memory.compare(trie + ROOT, EMPTY_ROOT, HASH_BYTES) == 0) return node;
  node = loadNode(0, trie + ROOT);
  store<u32>(trie, <u32>node);
  return node;
}

/** Where the root's hash lies; right after `commit`. */
export function rootHash(trie: usize): usize {
  return trie + ROOT;
}

/**
 * Applies updates in any order; of equal keys the last counts. The root is stale until `commit`.
 *
 * @param hashed whether the trie's keys are the digests of the keys given.
 */
export function update(trie: usize, updates: usize, count: u32, hashed: bool): void {
  const records = allocate(count * RECORD);
  const digests = hashed ? allocate(count * HASH_BYTES) : 0;
  if (hashed) {
    for (let i: u32 = 0; i < count; i++) {
      const entry = updates + i * UPDATE;
      digest(load<u32>(entry), load<u32>(entry, 4), digests + i * HASH_BYTES);
    }
    flushDigests();
  }
  for (let i: u32 = 0; i < count; i++) {
    const entry = updates + i * UPDATE;
    const key: usize = hashed ? digests + i * HASH_BYTES : <usize>load<u32>(entry);
    const keyBytes: u32 = hashed ? HASH_BYTES : load<u32>(entry, 4);
    setRecord(records + i * RECORD, key, keyBytes, load<u32>(entry, 8), load<u32>(entry, 12));
  }
  applyUpdates(trie, records, count, false);
  if (hashed) release(digests, count * HASH_BYTES);
  release(records, count * RECORD);
}

/** Applies `count` > 0 records in any order. `accounts`: whether the values are accounts (see `setAccounts`). */
export function applyUpdates(trie: usize, records: usize, count: u32, accounts: bool): void {
  const spare = allocate((count + 1) * RECORD);
  const sorted = sortRecords(records, count, spare);
  const root = rootNode(trie);
  setAccounts(accounts);
  const changedRoot = applyRecords(root, sorted, sorted + sortedCount * RECORD);
  if (lastApplyChanged()) {
    store<u32>(trie, <u32>changedRoot);
    store<u32>(trie, 1, 4);
  }
  release(spare, (count + 1) * RECORD);
}

/**
 * Makes the roots of several tries fresh, their levels hashed together. `tries`: `count` u32 handles.
 *
 * @returns the nodes encoded.
 */
export function commit(tries: usize, count: u32): u32 {
  for (let i: u32 = 0; i < count; i++) {
    const trie: usize = load<u32>(tries + (i << 2));
    if (load<u32>(trie, 4) == 0) continue;
    store<u32>(trie, 0, 4);
    const node: usize = load<u32>(trie);
    if (node) collectTrie(load<u32>(trie, 8), node, trie + ROOT);
    else copyBytes(trie + ROOT, EMPTY_ROOT, HASH_BYTES);
  }
  return runJobs();
}

/** The leaf of a key as it stands in the trie, or 0; good until the next update. */
export function get(trie: usize, key: usize, keyBytes: u32): usize {
  return find(rootNode(trie), key, keyBytes);
}

/** The leaf of the smallest key after `key`, or 0. */
export function nextLeaf(trie: usize, key: usize, keyBytes: u32): usize {
  const root = rootNode(trie);
  return root ? next(root, 0, key, keyBytes) : 0;
}

/** The leaf of the greatest key before `key`, or 0. */
export function previousLeaf(trie: usize, key: usize, keyBytes: u32): usize {
  const root = rootNode(trie);
  return root ? previous(root, 0, key, keyBytes) : 0;
}

export function keyOfLeaf(leaf: usize): usize {
  return leafKey(leaf);
}
export function keyBytesOfLeaf(leaf: usize): u32 {
  return leafKeyBytes(leaf);
}
export function valueOfLeaf(leaf: usize): usize {
  return leafValue(leaf);
}
export function valueBytesOfLeaf(leaf: usize): u32 {
  return leafValueBytes(leaf);
}

/** Upper bound of the bytes that `proof` writes. The trie is committed. */
export function proofRoom(trie: usize, key: usize, keyBytes: u32): u32 {
  return proofBound(rootNode(trie), key, keyBytes);
}

/** Writes the proof of a key (or of its absence): nodes from the root on, each u32 length ‖ RLP. Returns the bytes written. */
export function proof(trie: usize, key: usize, keyBytes: u32, out: usize): u32 {
  return prove(rootNode(trie), key, keyBytes, out);
}

/** Digests `count` messages (u32 offset, u32 length each) to `out`, 32 bytes each. */
export function digestAll(messages: usize, count: u32, out: usize): void {
  for (let i: u32 = 0; i < count; i++) {
    const entry = messages + (i << 3);
    digest(load<u32>(entry), load<u32>(entry, 4), out + i * HASH_BYTES);
  }
  flushDigests();
}
