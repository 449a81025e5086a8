// Makes stale references fresh, level by level from the deepest: every node of a level is encoded and hashed before the
// first of the level above, whichever trie it belongs to, so that two nodes of like size share a hash.
//
// job  +0 u32 node  +4 u32 parent  +8 u8 slot, u8 kind  +12 u32 next  +16 u32 trie id  +20 u32 path nibbles  +24 packed path
import {
  digestBuffer,
  digestBufferBytes,
  digestSlot,
  flushDigests,
  messageSlot,
  SLOT_MESSAGE_BYTES,
} from "./digest";
import {
  branchBound,
  encodeBranch,
  encodeExtension,
  encodeLeaf,
  extensionBound,
  leafBound,
} from "./encode";
import { journalEnabled, journalNode } from "./journal";
import { MAX_KEY_BYTES, pack, PATH } from "./load";
import { allocate, release, resetScratch, scratch } from "./memory";
import {
  childOf,
  childrenOf,
  embeddedOf,
  innerReference,
  isLeaf,
  prefixNibbles,
  prefixOf,
  referenceOf,
  setEmbedded,
  setStale,
  staleOf,
} from "./nodes";

/** Kinds of jobs: a leaf, a whole branch, the branch under an extension, that extension. */
const LEAF: u8 = 0;
const BRANCH: u8 = 1;
const INNER: u8 = 2;
const EXTENSION: u8 = 3;
/** Slots beyond the 16 nibbles: the root of a trie, the inner reference of a branch with a prefix. */
const ROOT_SLOT: u8 = 16;
const INNER_SLOT: u8 = 17;

const MAX_LEVELS: u32 = MAX_KEY_BYTES * 2 + 2;
/** Last job of each level. */
const LEVELS: usize = memory.data(MAX_LEVELS * 4, 16);
let deepest: u32 = 0;

/** Puts the stale nodes of a trie on their levels. `root`: where the root's hash goes. */
export function collectTrie(trie: u32, node: usize, root: usize): void {
  collect(trie, node, root, ROOT_SLOT, 0);
}

function collect(trie: u32, node: usize, parent: usize, slot: u8, depth: u32): void {
  if (isLeaf(node)) {
    addJob(trie, node, parent, slot, LEAF, depth);
    return;
  }
  const nibbles = prefixNibbles(node);
  const below = depth + nibbles;
  if (nibbles == 0) addJob(trie, node, parent, slot, BRANCH, depth);
  else {
    addJob(trie, node, parent, slot, EXTENSION, depth);
    memory.copy(PATH + depth, prefixOf(node), nibbles);
    addJob(trie, node, node, INNER_SLOT, INNER, below);
  }
  for (let stale = staleOf(node) & childrenOf(node); stale; stale &= stale - 1) {
    const nibble = ctz(stale);
    store<u8>(PATH + below, <u8>nibble);
    collect(trie, childOf(node, nibble), node, <u8>nibble, below + 1);
  }
  setStale(node, 0);
}

function addJob(trie: u32, node: usize, parent: usize, slot: u8, kind: u8, depth: u32): void {
  const pathBytes: u32 = journalEnabled() ? (depth + 1) >> 1 : 0;
  const job = scratch((24 + pathBytes + 7) & ~7);
  store<u32>(job, <u32>node);
  store<u32>(job, <u32>parent, 4);
  store<u8>(job, slot, 8);
  store<u8>(job, kind, 9);
  const level = LEVELS + (depth << 2);
  store<u32>(job, load<u32>(level), 12);
  store<u32>(job, trie, 16);
  store<u32>(job, depth, 20);
  if (pathBytes) pack(PATH, depth, job + 24);
  store<u32>(level, <u32>job);
  deepest = max(deepest, depth);
}

/** Encodes and hashes every collected node. Returns how many. */
export function runJobs(): u32 {
  let count: u32 = 0;
  for (let level = <i32>deepest; level >= 0; level--) {
    const head = LEVELS + (<u32>level << 2);
    for (let job: usize = load<u32>(head); job; job = load<u32>(job, 12)) {
      runJob(job);
      count++;
    }
    flushDigests();
    store<u32>(head, 0);
  }
  deepest = 0;
  resetScratch();
  return count;
}

function runJob(job: usize): void {
  const node: usize = load<u32>(job);
  const kind = load<u8>(job, 9);
  const bound =
    kind == LEAF ? leafBound(node) : kind == EXTENSION ? extensionBound(node) : branchBound(node);
  if (bound <= SLOT_MESSAGE_BYTES) {
    const rlp = messageSlot();
    const bytes = encode(node, kind, load<u32>(job, 20), rlp);
    const digest = settle(job, rlp, bytes);
    if (digest) digestSlot(bytes, digest);
    return;
  }
  const room = digestBufferBytes(bound);
  const rlp = allocate(room);
  const bytes = encode(node, kind, load<u32>(job, 20), rlp);
  const digest = settle(job, rlp, bytes);
  if (digest) digestBuffer(rlp, bytes, digest);
  release(rlp, room);
}

// @ts-ignore: decorator
@inline
function encode(node: usize, kind: u8, depth: u32, out: usize): u32 {
  if (kind == LEAF) return encodeLeaf(node, depth, out);
  return kind == EXTENSION ? encodeExtension(node, out) : encodeBranch(node, out);
}

/** Where the digest goes, or 0 where the node is short enough to be embedded and was. */
// @ts-ignore: decorator
@inline
function settle(job: usize, rlp: usize, bytes: u32): usize {
  const parent: usize = load<u32>(job, 4);
  const slot = load<u8>(job, 8);
  const embedded = bytes < 32 && slot != ROOT_SLOT;
  if (!embedded && journalEnabled()) {
    journalNode(load<u32>(job, 16), job + 24, load<u32>(job, 20), rlp, bytes);
  }
  if (slot == ROOT_SLOT) return parent;
  let reference: usize;
  if (slot == INNER_SLOT) {
    reference = innerReference(parent);
    store<u32>(reference, <u32>embedded, 32);
  } else {
    reference = referenceOf(parent, slot);
    const bit: u32 = 1 << slot;
    const rest = embeddedOf(parent) & ~bit;
    setEmbedded(parent, embedded ? rest | bit : rest);
  }
  if (!embedded) return reference;
  memory.copy(reference, rlp, bytes);
  return 0;
}
