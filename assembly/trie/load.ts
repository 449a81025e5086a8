// Nodes that are known by their hash alone are asked of the host by trie and path, checked against the hash and decoded.
import { copyBytes } from "../lib/bytes";
import { digest, flushDigests } from "./digest";
import { allocate, release } from "./memory";
import {
  allocateBranch,
  allocateLeaf,
  embeddedOf,
  innerReference,
  insertChild,
  leafKey,
  leafValue,
  prefixNibbles,
  prefixOf,
  referenceOf,
  reservePrefix,
  setBranchValue,
  setEmbedded,
  setStale,
} from "./nodes";

/** Longest key, in bytes. Recursion is as deep as a key has nibbles. */
export const MAX_KEY_BYTES: u32 = 255;

/**
 * The host writes the node's RLP to `reserveNode(bytes)` and returns its length; it throws where it has none.
 * `path`: packed nibbles; `reference`: the 32-byte hash.
 */
// @ts-ignore: decorator
@external("host", "node")
declare function hostNode(trie: u32, path: usize, nibbles: u32, reference: usize): u32;
/** Throws: what the host gave does not hash to the reference, or is no node. */
// @ts-ignore: decorator
@external("host", "corrupt")
declare function hostCorrupt(trie: u32, path: usize, nibbles: u32): void;

/** One nibble a byte: the way from the root to the node being looked at. */
export const PATH: usize = memory.data(1024, 16);
const PACKED: usize = memory.data(512, 16);
const HASH: usize = memory.data(32, 16);

/** The id that the host gave the trie being worked on. */
export let currentTrie: u32 = 0;
export function selectTrie(id: u32): void {
  currentTrie = id;
}

let nodeBuffer: usize = 0;
let nodeRoom: u32 = 0;

export function resetLoading(): void {
  nodeBuffer = 0;
  nodeRoom = 0;
}

/** Where the host puts `bytes` bytes of a node. */
export function reserveNode(bytes: u32): usize {
  if (bytes > nodeRoom) {
    if (nodeRoom) release(nodeBuffer, nodeRoom);
    nodeBuffer = allocate(bytes);
    nodeRoom = bytes;
  }
  return nodeBuffer;
}

/** Packs nibbles, one a byte, two a byte; an odd last one is followed by zero. */
export function pack(nibbles: usize, count: u32, out: usize): void {
  for (let i: u32 = 0; i + 1 < count; i += 2) {
    store<u8>(out + (i >> 1), (load<u8>(nibbles + i) << 4) | load<u8>(nibbles + i + 1));
  }
  if (count & 1) store<u8>(out + (count >> 1), load<u8>(nibbles + count - 1) << 4);
}

function corrupt(depth: u32): void {
  pack(PATH, depth, PACKED);
  hostCorrupt(currentTrie, PACKED, depth);
  unreachable();
}

/** Loads the node at the first `depth` nibbles of PATH. Nibbles of PATH from `depth` on are overwritten. */
export function loadNode(depth: u32, reference: usize): usize {
  pack(PATH, depth, PACKED);
  const bytes = hostNode(currentTrie, PACKED, depth, reference);
  const rlp = nodeBuffer;
  digest(rlp, bytes, HASH);
  flushDigests();
  if (memory.compare(HASH, reference, 32) != 0) corrupt(depth);
  // The buffer may be used again for a branch under an extension, so decode from a copy.
  const copy = allocate(bytes);
  copyBytes(copy, rlp, bytes);
  const node = decode(copy, copy + bytes, depth);
  release(copy, bytes);
  return node;
}

// ---- RLP

let itemStart: usize = 0;
let itemEnd: usize = 0;
let itemIsList: bool = false;

/** Reads the item at `at`: sets its payload; returns where the next begins. Bounds are checked, minimal forms are not. */
function readItem(at: usize, end: usize, depth: u32): usize {
  if (at >= end) corrupt(depth);
  const first: u32 = load<u8>(at);
  let length: u32 = 1;
  let start = at;
  itemIsList = first >= 0xc0;
  if (first >= 0x80) {
    const short = first & 0x3f;
    if (short < 56) {
      length = short;
      start = at + 1;
    } else {
      const size = short - 55;
      if (size > 4 || at + 1 + size > end) corrupt(depth);
      length = 0;
      for (let i: u32 = 0; i < size; i++) length = (length << 8) | load<u8>(at + 1 + i);
      start = at + 1 + size;
    }
  }
  if (u64(start) + length > u64(end)) corrupt(depth);
  itemStart = start;
  itemEnd = start + length;
  return itemEnd;
}

/** The node whose RLP is `rlp` … `end`, at the first `depth` nibbles of PATH. */
function decode(rlp: usize, end: usize, depth: u32): usize {
  if (readItem(rlp, end, depth) != end || !itemIsList) corrupt(depth);
  let at = itemStart;
  let items: u32 = 0;
  while (at < end) {
    at = readItem(at, end, depth);
    items++;
  }
  readItem(rlp, end, depth);
  if (items == 17) return decodeBranch(itemStart, end, depth, 0);
  if (items != 2) corrupt(depth);
  return decodeShort(itemStart, end, depth);
}

/** A leaf, or an extension together with its branch. */
function decodeShort(at: usize, end: usize, depth: u32): usize {
  const next = readItem(at, end, depth);
  if (itemIsList || itemStart == itemEnd) corrupt(depth);
  const path = itemStart;
  const flag: u32 = load<u8>(path) >> 4;
  const odd = flag & 1;
  const nibbles = ((<u32>(itemEnd - itemStart) - 1) << 1) + odd;
  if (flag > 3 || depth + nibbles > MAX_KEY_BYTES * 2) corrupt(depth);
  for (let i: u32 = 0; i < nibbles; i++) {
    const at = i + 2 - odd;
    const byte: u32 = load<u8>(path + (at >> 1));
    store<u8>(PATH + depth + i, <u8>(at & 1 ? byte & 15 : byte >> 4));
  }
  const below = depth + nibbles;
  readItem(next, end, depth);
  if (flag & 2) {
    if (itemIsList || below & 1) corrupt(depth);
    const bytes = <u32>(itemEnd - itemStart);
    const leaf = allocateLeaf(below >> 1, bytes);
    pack(PATH, below, leafKey(leaf));
    copyBytes(leafValue(leaf), itemStart, bytes);
    return leaf;
  }
  if (nibbles == 0) corrupt(depth);
  const inner = itemStart;
  if (itemIsList) {
    const whole = <u32>(end - next);
    if (whole >= 32) corrupt(depth);
    const branch = decodeInner(next, end, below, nibbles);
    copyBytes(innerReference(branch), next, whole);
    store<u32>(innerReference(branch), 1, 32);
    return branch;
  }
  if (itemEnd - itemStart != 32) corrupt(depth);
  pack(PATH, below, PACKED);
  const bytes = hostNode(currentTrie, PACKED, below, inner);
  digest(nodeBuffer, bytes, HASH);
  flushDigests();
  if (memory.compare(HASH, inner, 32) != 0) corrupt(below);
  const copy = allocate(bytes);
  copyBytes(copy, nodeBuffer, bytes);
  const branch = decodeInner(copy, copy + bytes, below, nibbles);
  release(copy, bytes);
  copyBytes(innerReference(branch), inner, 32);
  store<u32>(innerReference(branch), 0, 32);
  return branch;
}

/** The branch under an extension of `nibbles` nibbles that end at `depth`. */
function decodeInner(rlp: usize, end: usize, depth: u32, nibbles: u32): usize {
  if (readItem(rlp, end, depth) != end || !itemIsList) corrupt(depth);
  return decodeBranch(itemStart, end, depth, nibbles);
}

function decodeBranch(first: usize, end: usize, depth: u32, nibbles: u32): usize {
  let branch = allocateBranch(4);
  reservePrefix(branch, nibbles);
  if (nibbles) copyBytes(prefixOf(branch), PATH + depth - nibbles, nibbles);
  let at = first;
  for (let nibble: u32 = 0; nibble < 16; nibble++) {
    const item = at;
    at = readItem(at, end, depth);
    const bytes = <u32>(itemEnd - itemStart);
    if (itemIsList) {
      const whole = <u32>(at - item);
      if (whole >= 32) corrupt(depth);
      store<u8>(PATH + depth, <u8>nibble);
      const child = decode(item, at, depth + 1);
      branch = insertChild(branch, nibble, child);
      copyBytes(referenceOf(branch, nibble), item, whole);
      setEmbedded(branch, embeddedOf(branch) | (1 << nibble));
    } else if (bytes == 32) {
      branch = insertChild(branch, nibble, 0);
      copyBytes(referenceOf(branch, nibble), itemStart, 32);
    } else if (bytes != 0) corrupt(depth);
  }
  if (readItem(at, end, depth) != end || itemIsList) corrupt(depth);
  const bytes = <u32>(itemEnd - itemStart);
  if (bytes) {
    if (depth & 1) corrupt(depth);
    const value = allocateLeaf(depth >> 1, bytes);
    pack(PATH, depth, leafKey(value));
    copyBytes(leafValue(value), itemStart, bytes);
    setBranchValue(branch, value);
  }
  setStale(branch, 0);
  if (prefixNibbles(branch) != nibbles) corrupt(depth);
  return branch;
}
