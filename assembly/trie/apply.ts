// Applies a sorted batch to a trie in one descent. The structure is exact after it; references on changed ways are stale.
//
// Every function takes the records `lo` … `hi` that share the first `depth` nibbles, returns the node that now stands at that
// place (0 for none) and says in `changed` whether anything differs. Deletions of absent keys change nothing.
import { copyBytes } from "../lib/bytes";
import { freshenChild } from "./commit";
import { journalDeletion } from "./journal";
import { currentTrie, loadNode, pack, PATH } from "./load";
import {
  allocateBranch,
  branchValue,
  childOf,
  childrenOf,
  compareLeafKey,
  divergence,
  insertChild,
  isLeaf,
  joinPrefix,
  leafKey,
  leafKeyBytes,
  leafOfRecord,
  leafValue,
  leafValueBytes,
  matchPrefix,
  nibbleAt,
  prefixNibbles,
  prefixOf,
  referenceOf,
  releaseBranch,
  releaseLeaf,
  removeChild,
  sameValue,
  setBranchValue,
  setChild,
  setLeafValue,
  setPrefixOfKey,
  setStale,
  staleOf,
  trimPrefix,
} from "./nodes";
import {
  isDeletion,
  keyOf,
  lengthOf,
  nibblesOf,
  RECORD,
  recordNibble,
  valueLengthOf,
  valueOf,
} from "./records";
import { EMPTY_ROOT } from "./roots";
import { MOST_TOUCHED, touch } from "./touch";

let changed: bool = false;
/** Whether values are accounts, whose storage root may be left open (`setAccounts`). */
let accounts: bool = false;

/**
 * A subtree that this many records at most change, and its siblings together more, is hashed when it has been changed: some 500 bytes a
 * record are still in the core's cache then. Fewer than the least would leave many hashes without a partner.
 */
const MOST_FRESHENED: usize = MOST_TOUCHED * RECORD;
const LEAST_FRESHENED: usize = 16 * RECORD;

/** Where an account's RLP has its storage root: root, 0xa0, code hash are its last 65 bytes. */
const STORAGE_ROOT_FROM_END: u32 = 65;

/**
 * Whether the values of the next batches are accounts' RLP (Yellow Paper §4.1). Such a value may have a storage root of
 * zeros: the account keeps the root it has, or begins with the empty root.
 */
export function setAccounts(on: bool): void {
  accounts = on;
}

/** Fills a storage root left open; `leaf`: the account as it was, 0 for none. */
function closeStorageRoot(leaf: usize, record: usize): void {
  const root = valueOf(record) + valueLengthOf(record) - STORAGE_ROOT_FROM_END;
  for (let i: usize = 0; i < 32; i += 8) if (load<u64>(root + i)) return;
  const old = leaf ? leafValue(leaf) + leafValueBytes(leaf) - STORAGE_ROOT_FROM_END : EMPTY_ROOT;
  copyBytes(root, old, 32);
}

/** A new leaf of an insertion. */
function insertLeaf(record: usize): usize {
  if (accounts) closeStorageRoot(0, record);
  return leafOfRecord(record);
}

/** Whether the last call of `applyRecords` changed anything. */
export function lastApplyChanged(): bool {
  return changed;
}

/** The trie under `root` (0 for an empty one) with sorted, distinct records applied. */
export function applyRecords(root: usize, lo: usize, hi: usize): usize {
  changed = false;
  if (lo == hi) return root;
  if (root == 0) return build(0, 0, lo, hi);
  if (hi - lo <= MOST_FRESHENED) touch(root, 0, lo, hi);
  return applyNode(root, 0, lo, hi);
}

function applyNode(node: usize, depth: u32, lo: usize, hi: usize): usize {
  if (!isLeaf(node)) return applyBranch(node, depth, lo, hi);
  const record = findRecord(node, lo, hi);
  if (record == 0 || !isDeletion(record)) return build(node, depth, lo, hi);
  journalDeletion(currentTrie, leafKey(node), depth);
  releaseLeaf(node);
  const rest = build(0, depth, lo, hi);
  changed = true;
  return rest;
}

/** The record of the leaf's key, or 0. */
function findRecord(leaf: usize, lo: usize, hi: usize): usize {
  let low: u32 = 0;
  let high = <u32>(hi - lo) / RECORD;
  while (low < high) {
    const middle = (low + high) >> 1;
    const record = lo + middle * RECORD;
    const order = compareLeafKey(leaf, keyOf(record), lengthOf(record));
    if (order == 0) return record;
    if (order < 0) high = middle;
    else low = middle + 1;
  }
  return 0;
}

// @ts-ignore: decorator
@inline
function sharedNibbles(a: usize, aBytes: u32, record: usize, depth: u32): u32 {
  return divergence(a, aBytes, keyOf(record), lengthOf(record), depth);
}

/** The end of the records that, like the first, have `nibble` at `depth`. All are longer than `depth` nibbles. */
// @ts-ignore: decorator
@inline
function groupEnd(lo: usize, hi: usize, depth: u32, nibble: u32): usize {
  let at = lo + RECORD;
  while (at < hi && recordNibble(at, depth) == nibble) at += RECORD;
  return at;
}

/** A subtree of the insertions among the records, and of `leaf` (0 for none), which no deletion among them names. */
function build(leaf: usize, depth: u32, lo: usize, hi: usize): usize {
  while (lo < hi && isDeletion(lo)) lo += RECORD;
  while (lo < hi && isDeletion(hi - RECORD)) hi -= RECORD;
  changed = lo < hi;
  if (lo == hi) return leaf;
  const last = hi - RECORD;
  if (lo == last) {
    if (leaf == 0) return insertLeaf(lo);
    if (compareLeafKey(leaf, keyOf(lo), lengthOf(lo)) == 0) return updateLeaf(leaf, lo);
  }
  // Two distinct keys at least: a branch where they part.
  let split = sharedNibbles(keyOf(last), lengthOf(last), lo, depth);
  if (leaf) split = min(split, sharedNibbles(leafKey(leaf), leafKeyBytes(leaf), lo, depth));
  let branch = allocateBranch(2);
  setPrefixOfKey(branch, keyOf(lo), depth, split);
  if (leaf && leafKeyBytes(leaf) << 1 == split) {
    setBranchValue(branch, leaf);
    leaf = 0;
  }
  if (nibblesOf(lo) == split) {
    const value = branchValue(branch);
    setBranchValue(branch, value ? updateLeaf(value, lo) : insertLeaf(lo));
    lo += RECORD;
  }
  while (lo < hi) {
    const nibble = recordNibble(lo, split);
    const end = groupEnd(lo, hi, split, nibble);
    let beside: usize = 0;
    if (leaf && nibbleAt(leafKey(leaf), split) == nibble) {
      beside = leaf;
      leaf = 0;
    }
    const child = build(beside, split + 1, lo, end);
    if (child) branch = insertChild(branch, nibble, child);
    lo = end;
  }
  if (leaf) branch = insertChild(branch, nibbleAt(leafKey(leaf), split), leaf);
  changed = true;
  return branch;
}

/** Writes an insertion's value into the leaf of its key. */
function updateLeaf(leaf: usize, record: usize): usize {
  if (accounts) closeStorageRoot(leaf, record);
  changed = !sameValue(leaf, record);
  return changed ? setLeafValue(leaf, record) : leaf;
}

function applyBranch(branch: usize, depth: u32, lo: usize, hi: usize): usize {
  const nibbles = prefixNibbles(branch);
  if (nibbles == 0) return applyChildren(branch, depth, depth, lo, hi);
  // Sorted keys: the insertion that leaves the prefix first is the first or the last.
  let first = lo;
  let end = hi;
  while (first < end && isDeletion(first)) first += RECORD;
  while (first < end && isDeletion(end - RECORD)) end -= RECORD;
  let shared = nibbles;
  if (first < end) {
    const last = end - RECORD;
    shared = min(
      matchPrefix(branch, keyOf(first), lengthOf(first), depth),
      matchPrefix(branch, keyOf(last), lengthOf(last), depth),
    );
  }
  let target = branch;
  if (shared < nibbles) {
    target = allocateBranch(2);
    setPrefixOfKey(target, keyOf(first), depth, depth + shared);
    const nibble: u32 = load<u8>(prefixOf(branch) + shared);
    trimPrefix(branch, shared + 1);
    target = insertChild(target, nibble, branch);
  }
  // What does not share the whole prefix now is a deletion of an absent key.
  while (lo < hi && matchPrefix(target, keyOf(lo), lengthOf(lo), depth) < shared) lo += RECORD;
  while (lo < hi && matchPrefix(target, keyOf(hi - RECORD), lengthOf(hi - RECORD), depth) < shared) {
    hi -= RECORD;
  }
  changed = false;
  return lo == hi ? target : applyChildren(target, depth, depth + shared, lo, hi);
}

/** `depth`: where the branch's prefix starts; `below`: where it ends and the children part. */
function applyChildren(branch: usize, depth: u32, below: u32, lo: usize, hi: usize): usize {
  const key = keyOf(lo);
  let any = false;
  if (nibblesOf(lo) == below) {
    const value = branchValue(branch);
    changed = true;
    if (!isDeletion(lo)) {
      setBranchValue(branch, value ? updateLeaf(value, lo) : insertLeaf(lo));
    } else if (value) {
      releaseLeaf(value);
      setBranchValue(branch, 0);
    } else changed = false;
    any = changed;
    lo += RECORD;
  }
  const isLarge = hi - lo > MOST_FRESHENED;
  while (lo < hi) {
    const nibble = recordNibble(lo, below);
    const end = groupEnd(lo, hi, below, nibble);
    const bit: u32 = 1 << nibble;
    if (childrenOf(branch) & bit) {
      const child = loadedChild(branch, nibble, keyOf(lo), below);
      const size = end - lo;
      const isBlock = isLarge && size <= MOST_FRESHENED && size >= LEAST_FRESHENED;
      if (isBlock) touch(child, below + 1, lo, end);
      const next = applyNode(child, below + 1, lo, end);
      if (changed) {
        any = true;
        if (next) {
          setChild(branch, nibble, next);
          setStale(branch, staleOf(branch) | bit);
          if (isBlock) {
            setPath(keyOf(lo), below + 1);
            freshenChild(currentTrie, branch, nibble, below + 1);
          }
        } else removeChild(branch, nibble);
      }
    } else {
      const child = build(0, below + 1, lo, end);
      if (child) {
        branch = insertChild(branch, nibble, child);
        any = true;
      }
    }
    lo = end;
  }
  changed = any;
  return any ? normalise(branch, depth, below, key) : branch;
}

/** Puts the key's first nibbles on PATH. */
function setPath(key: usize, nibbles: u32): void {
  for (let i: u32 = 0; i < nibbles; i++) store<u8>(PATH + i, <u8>nibbleAt(key, i));
}

/** The child at `nibble`, loaded if need be; `key` leads to the branch, which parts at nibble `below`. */
function loadedChild(branch: usize, nibble: u32, key: usize, below: u32): usize {
  const child = childOf(branch, nibble);
  if (child) return child;
  setPath(key, below);
  store<u8>(PATH + below, <u8>nibble);
  const loaded = loadNode(below + 1, referenceOf(branch, nibble));
  setChild(branch, nibble, loaded);
  return loaded;
}

/** A branch with fewer than two children and values is no branch: it becomes what is left, or joins its only child. */
function normalise(branch: usize, depth: u32, below: u32, key: usize): usize {
  const children = childrenOf(branch);
  const value = branchValue(branch);
  if (popcnt(children) + <u32>(value != 0) >= 2) return branch;
  journalDeletion(currentTrie, key, depth);
  if (below != depth) journalDeletion(currentTrie, key, below);
  if (children == 0) {
    releaseBranch(branch);
    return value;
  }
  const nibble = ctz(children);
  const child = loadedChild(branch, nibble, key, below);
  setPath(key, below);
  store<u8>(PATH + below, <u8>nibble);
  journalPathDeletion(below + 1);
  if (!isLeaf(child)) joinPrefix(branch, nibble, child);
  releaseBranch(branch);
  return child;
}

const KEY: usize = memory.data(256, 16);

function journalPathDeletion(nibbles: u32): void {
  pack(PATH, nibbles, KEY);
  journalDeletion(currentTrie, KEY, nibbles);
}
