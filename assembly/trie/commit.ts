// Makes stale references fresh. Leaves are encoded and hashed as they are met on the way down; then come the other nodes, level by
// level from the deepest: every node of a level is encoded and hashed before the first of the level above, whichever trie it
// belongs to, so that two nodes of like size share a hash. Of a large batch, subtrees come as they are changed, while they are
// in the core's cache, and `commit` finds only what is above them.
//
// job  +0 u32 node  +4 u32 parent  +8 u8 slot, u8 kind  +12 u32 next  +16 u32 trie id  +20 u32 path nibbles  +24 packed path
import { copyBytes } from "../lib/bytes";
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

/** Kinds of nodes: a leaf, a whole branch, the branch under an extension, that extension. */
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
/** Nodes encoded since the last `runJobs`. */
let encoded: u32 = 0;
/** Packed path of a leaf, for the journal. */
const LEAF_PATH: usize = memory.data(MAX_KEY_BYTES + 1, 8);

/** Puts the stale nodes of a trie on their levels. `root`: where the root's hash goes. */
export function collectTrie(trie: u32, node: usize, root: usize): void {
  collect(trie, node, root, ROOT_SLOT, 0);
}

function collect(trie: u32, node: usize, parent: usize, slot: u8, depth: u32): void {
  if (isLeaf(node)) {
    if (journalEnabled()) pack(PATH, depth, LEAF_PATH);
    freshen(trie, node, LEAF, parent, slot, depth, LEAF_PATH);
    return;
  }
  const nibbles = prefixNibbles(node);
  const below = depth + nibbles;
  if (nibbles == 0) addJob(trie, node, parent, slot, BRANCH, depth);
  else {
    addJob(trie, node, parent, slot, EXTENSION, depth);
    copyBytes(PATH + depth, prefixOf(node), nibbles);
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

/** Makes the reference of a branch's child fresh, and all below it. `depth`: that of the child; the nibbles before are on PATH. */
export function freshenChild(trie: u32, branch: usize, nibble: u32, depth: u32): void {
  collect(trie, childOf(branch, nibble), branch, <u8>nibble, depth);
  runLevels();
  setStale(branch, staleOf(branch) & ~(1 << nibble));
}

/** Encodes and hashes what `collectTrie` left to do. Returns how many nodes were encoded since the last call. */
export function runJobs(): u32 {
  runLevels();
  const count = encoded;
  encoded = 0;
  return count;
}

function runLevels(): void {
  flushDigests();
  for (let level = <i32>deepest; level >= 0; level--) {
    const head = LEVELS + (<u32>level << 2);
    for (let job: usize = load<u32>(head); job; job = load<u32>(job, 12)) {
      freshen(
        load<u32>(job, 16),
        load<u32>(job),
        load<u8>(job, 9),
        load<u32>(job, 4),
        load<u8>(job, 8),
        load<u32>(job, 20),
        job + 24,
      );
    }
    flushDigests();
    store<u32>(head, 0);
  }
  deepest = 0;
  resetScratch();
}

/** Encodes a node, and puts it or its hash where its parent refers to it: the hash at the latest with the next `flushDigests`. */
function freshen(
  trie: u32,
  node: usize,
  kind: u8,
  parent: usize,
  slot: u8,
  depth: u32,
  path: usize,
): void {
  encoded++;
  const bound =
    kind == LEAF ? leafBound(node) : kind == EXTENSION ? extensionBound(node) : branchBound(node);
  if (bound <= SLOT_MESSAGE_BYTES) {
    const rlp = messageSlot();
    const bytes = encode(node, kind, depth, rlp);
    const digest = settle(trie, parent, slot, depth, path, rlp, bytes);
    if (digest) digestSlot(bytes, digest);
    return;
  }
  const room = digestBufferBytes(bound);
  const rlp = allocate(room);
  const bytes = encode(node, kind, depth, rlp);
  const digest = settle(trie, parent, slot, depth, path, rlp, bytes);
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
function settle(
  trie: u32,
  parent: usize,
  slot: u8,
  depth: u32,
  path: usize,
  rlp: usize,
  bytes: u32,
): usize {
  const embedded = bytes < 32 && slot != ROOT_SLOT;
  if (!embedded && journalEnabled()) journalNode(trie, path, depth, rlp, bytes);
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
  copyBytes(reference, rlp, bytes);
  return 0;
}
