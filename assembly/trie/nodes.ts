// Nodes of a Merkle-Patricia trie (Yellow Paper, appendix D) as flat records in linear memory.
//
// An extension always leads to a branch, so the two are one record here: a branch with a prefix. A leaf keeps its whole key, so
// that it can move up or down without a change. A branch holds its children's references (their hash, or their RLP where
// that is shorter than 32 bytes) beside the pointers: it is encoded without a look at the children.
//
// leaf    +0 kind=1  +1 -  +2 u16 key bytes  +4 u32 value bytes  +8 u32 room  +16 key, value
// branch  +0 kind=2  +1 u8 capacity  +2 u16 children  +4 u16 stale  +6 u16 embedded  +8 u32 value leaf  +12 u32 prefix block
//         +16 u32 prefix nibbles  +24 capacity × u32 pointers, then capacity × 32-byte references, both in order of nibbles
// prefix  +0 32-byte reference of the branch under its extension  +32 u32 embedded  +36 one nibble a byte
//
// `children`, `stale` and `embedded` have one bit a nibble. A child whose pointer is 0 is not loaded: only its reference is known.
import { copyBytes, zeroBytes } from "../lib/bytes";
import { allocate, release, roomOf } from "./memory";
import { keyOf, lengthOf, valueLengthOf, valueOf } from "./records";

const LEAF: u8 = 1;
const BRANCH: u8 = 2;
const LEAF_HEADER: u32 = 16;
const BRANCH_HEADER: u32 = 24;
const PREFIX_HEADER: u32 = 36;
const ENTRY: u32 = 36;

// @ts-ignore: decorator
@inline
export function isLeaf(node: usize): bool {
  return load<u8>(node) == LEAF;
}

/** Nibble `depth` of a key. */
// @ts-ignore: decorator
@inline
export function nibbleAt(key: usize, depth: u32): u32 {
  const byte: u32 = load<u8>(key + (depth >> 1));
  return depth & 1 ? byte & 15 : byte >> 4;
}

/** The first nibble from `depth` on in which two keys differ, or the end of the shorter. Both agree before `depth`. */
export function divergence(a: usize, aBytes: u32, b: usize, bBytes: u32, depth: u32): u32 {
  const most = min(aBytes, bBytes);
  let i = depth >> 1;
  while (i < most && load<u8>(a + i) == load<u8>(b + i)) i++;
  if (i == most) return most << 1;
  const nibbles = i << 1;
  const same = ((load<u8>(a + i) ^ load<u8>(b + i)) & 0xf0) == 0;
  return same ? nibbles + 1 : nibbles;
}

// ---- leaves

// @ts-ignore: decorator
@inline
export function leafKey(leaf: usize): usize {
  return leaf + LEAF_HEADER;
}
// @ts-ignore: decorator
@inline
export function leafKeyBytes(leaf: usize): u32 {
  return load<u16>(leaf, 2);
}
// @ts-ignore: decorator
@inline
export function leafValue(leaf: usize): usize {
  return leaf + LEAF_HEADER + leafKeyBytes(leaf);
}
// @ts-ignore: decorator
@inline
export function leafValueBytes(leaf: usize): u32 {
  return load<u32>(leaf, 4);
}

/** A leaf with room for a value; the key may be completed by the caller. */
export function allocateLeaf(keyBytes: u32, valueBytes: u32): usize {
  const room = roomOf(LEAF_HEADER + keyBytes + valueBytes);
  const leaf = allocate(room);
  store<u8>(leaf, LEAF);
  store<u16>(leaf, <u16>keyBytes, 2);
  store<u32>(leaf, valueBytes, 4);
  store<u32>(leaf, room, 8);
  return leaf;
}

/** A leaf of the record's key and value. */
export function leafOfRecord(record: usize): usize {
  const leaf = allocateLeaf(lengthOf(record), valueLengthOf(record));
  copyBytes(leafKey(leaf), keyOf(record), lengthOf(record));
  copyBytes(leafValue(leaf), valueOf(record), valueLengthOf(record));
  return leaf;
}

/** Whether the leaf has the record's value already. */
export function sameValue(leaf: usize, record: usize): bool {
  const bytes = leafValueBytes(leaf);
  return bytes == valueLengthOf(record) && memory.compare(leafValue(leaf), valueOf(record), bytes) == 0;
}

/** Writes the record's value; returns the leaf, which may have moved. */
export function setLeafValue(leaf: usize, record: usize): usize {
  const bytes = valueLengthOf(record);
  if (LEAF_HEADER + leafKeyBytes(leaf) + bytes > load<u32>(leaf, 8)) {
    releaseLeaf(leaf);
    // The block is on a free list: its first word is gone, its key is not read again.
    return leafOfRecord(record);
  }
  store<u32>(leaf, bytes, 4);
  copyBytes(leafValue(leaf), valueOf(record), bytes);
  return leaf;
}

export function releaseLeaf(leaf: usize): void {
  release(leaf, load<u32>(leaf, 8));
}

/** Negative, zero or positive as the leaf's key comes before, equals or comes after the key. */
export function compareLeafKey(leaf: usize, key: usize, keyBytes: u32): i32 {
  const own = leafKeyBytes(leaf);
  const order = memory.compare(leafKey(leaf), key, min(own, keyBytes));
  return order != 0 ? order : <i32>own - <i32>keyBytes;
}

// ---- branches

// @ts-ignore: decorator
@inline
function capacityOf(branch: usize): u32 {
  return load<u8>(branch, 1);
}
// @ts-ignore: decorator
@inline
export function childrenOf(branch: usize): u32 {
  return load<u16>(branch, 2);
}
// @ts-ignore: decorator
@inline
export function staleOf(branch: usize): u32 {
  return load<u16>(branch, 4);
}
// @ts-ignore: decorator
@inline
export function setStale(branch: usize, mask: u32): void {
  store<u16>(branch, <u16>mask, 4);
}
// @ts-ignore: decorator
@inline
export function embeddedOf(branch: usize): u32 {
  return load<u16>(branch, 6);
}
// @ts-ignore: decorator
@inline
export function setEmbedded(branch: usize, mask: u32): void {
  store<u16>(branch, <u16>mask, 6);
}
// @ts-ignore: decorator
@inline
export function branchValue(branch: usize): usize {
  return load<u32>(branch, 8);
}
// @ts-ignore: decorator
@inline
export function setBranchValue(branch: usize, leaf: usize): void {
  store<u32>(branch, <u32>leaf, 8);
}
// @ts-ignore: decorator
@inline
export function prefixNibbles(branch: usize): u32 {
  return load<u32>(branch, 16);
}
/** One nibble a byte. */
// @ts-ignore: decorator
@inline
export function prefixOf(branch: usize): usize {
  return load<u32>(branch, 12) + PREFIX_HEADER;
}
/** Where the reference of the branch itself lies, where it has a prefix. */
// @ts-ignore: decorator
@inline
export function innerReference(branch: usize): usize {
  return load<u32>(branch, 12);
}
// @ts-ignore: decorator
@inline
function rankOf(branch: usize, nibble: u32): u32 {
  return popcnt(childrenOf(branch) & ((1 << nibble) - 1));
}
// @ts-ignore: decorator
@inline
function pointerAt(branch: usize, rank: u32): usize {
  return branch + BRANCH_HEADER + (rank << 2);
}
// @ts-ignore: decorator
@inline
function referenceAt(branch: usize, rank: u32): usize {
  return branch + BRANCH_HEADER + (capacityOf(branch) << 2) + (rank << 5);
}
/** References lie in order of nibbles, 32 bytes each, from here on. */
// @ts-ignore: decorator
@inline
export function firstReference(branch: usize): usize {
  return referenceAt(branch, 0);
}
/** The child's pointer; 0 where it is not loaded. The child exists. */
// @ts-ignore: decorator
@inline
export function childOf(branch: usize, nibble: u32): usize {
  return load<u32>(pointerAt(branch, rankOf(branch, nibble)));
}
// @ts-ignore: decorator
@inline
export function setChild(branch: usize, nibble: u32, child: usize): void {
  store<u32>(pointerAt(branch, rankOf(branch, nibble)), <u32>child);
}
// @ts-ignore: decorator
@inline
export function referenceOf(branch: usize, nibble: u32): usize {
  return referenceAt(branch, rankOf(branch, nibble));
}

/** A branch without children, value or prefix. */
export function allocateBranch(capacity: u32): usize {
  const branch = allocate(BRANCH_HEADER + capacity * ENTRY);
  zeroBytes(branch, BRANCH_HEADER);
  store<u8>(branch, BRANCH);
  store<u8>(branch, <u8>capacity, 1);
  return branch;
}

/** Frees the branch and its prefix, not its children or value. */
export function releaseBranch(branch: usize): void {
  dropPrefix(branch);
  release(branch, BRANCH_HEADER + capacityOf(branch) * ENTRY);
}

/** Adds a child, whose reference is stale; returns the branch, which may have moved. */
export function insertChild(branch: usize, nibble: u32, child: usize): usize {
  const count = popcnt(childrenOf(branch));
  const capacity = capacityOf(branch);
  const rank = rankOf(branch, nibble);
  let target = branch;
  if (count == capacity) {
    const larger: u32 = capacity < 4 ? capacity + 1 : capacity < 8 ? capacity + 2 : capacity + 4;
    target = allocateBranch(min<u32>(larger, 16));
    copyBytes(target + 2, branch + 2, BRANCH_HEADER - 2);
    copyBytes(pointerAt(target, 0), pointerAt(branch, 0), rank << 2);
    copyBytes(referenceAt(target, 0), referenceAt(branch, 0), rank << 5);
  }
  memory.copy(pointerAt(target, rank + 1), pointerAt(branch, rank), (count - rank) << 2);
  memory.copy(referenceAt(target, rank + 1), referenceAt(branch, rank), (count - rank) << 5);
  if (target != branch) release(branch, BRANCH_HEADER + capacity * ENTRY);
  store<u32>(pointerAt(target, rank), <u32>child);
  const bit: u32 = 1 << nibble;
  store<u16>(target, <u16>(childrenOf(target) | bit), 2);
  setStale(target, staleOf(target) | bit);
  return target;
}

/** Takes a child out; the child itself is the caller's. */
export function removeChild(branch: usize, nibble: u32): void {
  const count = popcnt(childrenOf(branch));
  const rank = rankOf(branch, nibble);
  const after = count - rank - 1;
  memory.copy(pointerAt(branch, rank), pointerAt(branch, rank + 1), after << 2);
  memory.copy(referenceAt(branch, rank), referenceAt(branch, rank + 1), after << 5);
  const rest: u32 = ~(1 << nibble);
  store<u16>(branch, <u16>(childrenOf(branch) & rest), 2);
  setStale(branch, staleOf(branch) & rest);
  setEmbedded(branch, embeddedOf(branch) & rest);
}

/** How many nibbles of the branch's prefix, which starts at `depth`, the key shares. */
export function matchPrefix(branch: usize, key: usize, keyBytes: u32, depth: u32): u32 {
  const prefix = prefixOf(branch);
  const most = min(prefixNibbles(branch), (keyBytes << 1) - depth);
  let i: u32 = 0;
  while (i < most && load<u8>(prefix + i) == nibbleAt(key, depth + i)) i++;
  return i;
}

function dropPrefix(branch: usize): void {
  const nibbles = prefixNibbles(branch);
  if (nibbles) release(innerReference(branch), PREFIX_HEADER + nibbles);
  store<u32>(branch, 0, 12);
  store<u32>(branch, 0, 16);
}

/** Gives a branch without a prefix room for one; the caller fills `prefixOf`. */
export function reservePrefix(branch: usize, nibbles: u32): void {
  if (nibbles == 0) return;
  store<u32>(branch, <u32>allocate(PREFIX_HEADER + nibbles), 12);
  store<u32>(branch, nibbles, 16);
}

/** Prefix := nibbles `from` … `to`-1 of a key. The branch has none yet. */
export function setPrefixOfKey(branch: usize, key: usize, from: u32, to: u32): void {
  reservePrefix(branch, to - from);
  for (let i = from; i < to; i++) {
    store<u8>(prefixOf(branch) + (i - from), <u8>nibbleAt(key, i));
  }
}

/** Drops the first `nibbles` nibbles of the prefix. */
export function trimPrefix(branch: usize, nibbles: u32): void {
  const rest = prefixNibbles(branch) - nibbles;
  const old = innerReference(branch);
  const oldNibbles = prefixNibbles(branch);
  store<u32>(branch, 0, 12);
  store<u32>(branch, 0, 16);
  reservePrefix(branch, rest);
  if (rest) copyBytes(prefixOf(branch), old + PREFIX_HEADER + nibbles, rest);
  release(old, PREFIX_HEADER + oldNibbles);
}

/** Prefix := prefix of `parent` ‖ nibble ‖ prefix. */
export function joinPrefix(parent: usize, nibble: u32, branch: usize): void {
  const above = prefixNibbles(parent);
  const below = prefixNibbles(branch);
  const block = allocate(PREFIX_HEADER + above + 1 + below);
  const joined = block + PREFIX_HEADER;
  if (above) copyBytes(joined, prefixOf(parent), above);
  store<u8>(joined + above, <u8>nibble);
  if (below) copyBytes(joined + above + 1, prefixOf(branch), below);
  dropPrefix(branch);
  store<u32>(branch, <u32>block, 12);
  store<u32>(branch, above + 1 + below, 16);
}
