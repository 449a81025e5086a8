// Reads: lookup, neighbours in key order, the nodes that prove a key.
import { encodeBranch, encodeExtension, encodeLeaf, branchBound, leafBound, extensionBound } from "./encode";
import { loadNode, PATH } from "./load";
import {
  branchValue,
  childOf,
  childrenOf,
  compareLeafKey,
  isLeaf,
  matchPrefix,
  nibbleAt,
  prefixNibbles,
  prefixOf,
  referenceOf,
  releaseBranch,
  releaseLeaf,
  setChild,
} from "./nodes";

/** The child at `nibble` of a branch whose children part at nibble `below` of PATH, loaded if need be. */
function enter(branch: usize, nibble: u32, below: u32): usize {
  store<u8>(PATH + below, <u8>nibble);
  const child = childOf(branch, nibble);
  if (child) return child;
  const loaded = loadNode(below + 1, referenceOf(branch, nibble));
  setChild(branch, nibble, loaded);
  return loaded;
}

/** Puts the branch's prefix on PATH; returns where its children part. */
function pass(branch: usize, depth: u32): u32 {
  const nibbles = prefixNibbles(branch);
  if (nibbles) memory.copy(PATH + depth, prefixOf(branch), nibbles);
  return depth + nibbles;
}

/** The leaf of the key, or 0. */
export function find(root: usize, key: usize, keyBytes: u32): usize {
  let node = root;
  let depth: u32 = 0;
  while (node) {
    if (isLeaf(node)) return compareLeafKey(node, key, keyBytes) == 0 ? node : 0;
    if (matchPrefix(node, key, keyBytes, depth) < prefixNibbles(node)) return 0;
    depth = pass(node, depth);
    if (depth == keyBytes << 1) return branchValue(node);
    const nibble = nibbleAt(key, depth);
    if ((childrenOf(node) & (1 << nibble)) == 0) return 0;
    node = enter(node, nibble, depth);
    depth++;
  }
  return 0;
}

/** The leaf of the smallest key of the subtree. */
function first(node: usize, depth: u32): usize {
  while (!isLeaf(node)) {
    if (branchValue(node)) return branchValue(node);
    const below = pass(node, depth);
    node = enter(node, ctz(childrenOf(node)), below);
    depth = below + 1;
  }
  return node;
}

/** The leaf of the greatest key of the subtree. */
function last(node: usize, depth: u32): usize {
  while (!isLeaf(node)) {
    const below = pass(node, depth);
    node = enter(node, 31 - clz(childrenOf(node)), below);
    depth = below + 1;
  }
  return node;
}

/** −1, 0 or 1 as the branch's prefix comes before, leads or comes after the key; a key that ends inside it comes before. */
function comparePrefix(branch: usize, key: usize, keyBytes: u32, depth: u32): i32 {
  const shared = matchPrefix(branch, key, keyBytes, depth);
  if (shared == prefixNibbles(branch)) return 0;
  if (depth + shared == keyBytes << 1) return 1;
  return load<u8>(prefixOf(branch) + shared) > nibbleAt(key, depth + shared) ? 1 : -1;
}

/** The leaf of the smallest key after `key`, or 0. */
export function next(node: usize, depth: u32, key: usize, keyBytes: u32): usize {
  if (isLeaf(node)) return compareLeafKey(node, key, keyBytes) > 0 ? node : 0;
  const order = comparePrefix(node, key, keyBytes, depth);
  if (order != 0) return order > 0 ? first(node, depth) : 0;
  const below = pass(node, depth);
  let later = childrenOf(node);
  if (below < keyBytes << 1) {
    const nibble = nibbleAt(key, below);
    if (later & (1 << nibble)) {
      const found = next(enter(node, nibble, below), below + 1, key, keyBytes);
      if (found) return found;
    }
    later &= ~((2 << nibble) - 1);
  }
  if (later == 0) return 0;
  pass(node, depth);
  return first(enter(node, ctz(later), below), below + 1);
}

/** The leaf of the greatest key before `key`, or 0. */
export function previous(node: usize, depth: u32, key: usize, keyBytes: u32): usize {
  if (isLeaf(node)) return compareLeafKey(node, key, keyBytes) < 0 ? node : 0;
  const order = comparePrefix(node, key, keyBytes, depth);
  if (order != 0) return order < 0 ? last(node, depth) : 0;
  const below = pass(node, depth);
  if (below == keyBytes << 1) return 0;
  const nibble = nibbleAt(key, below);
  const children = childrenOf(node);
  if (children & (1 << nibble)) {
    const found = previous(enter(node, nibble, below), below + 1, key, keyBytes);
    if (found) return found;
  }
  const earlier = children & ((1 << nibble) - 1);
  if (earlier == 0) return branchValue(node);
  pass(node, depth);
  return last(enter(node, 31 - clz(earlier), below), below + 1);
}

/** Upper bound of what `prove` writes for the key. */
export function proofBound(root: usize, key: usize, keyBytes: u32): u32 {
  return proveInto(root, key, keyBytes, 0);
}

/**
 * Writes the nodes from the root towards the key, each as u32 length ‖ RLP; embedded nodes lie in their parents. References
 * are fresh. Returns the bytes written.
 */
export function prove(root: usize, key: usize, keyBytes: u32, out: usize): u32 {
  return proveInto(root, key, keyBytes, out);
}

function proveInto(root: usize, key: usize, keyBytes: u32, out: usize): u32 {
  let node = root;
  let depth: u32 = 0;
  let used: u32 = 0;
  while (node) {
    if (isLeaf(node)) {
      if (out == 0) return used + 4 + leafBound(node);
      return append(out, used, depth, encodeLeaf(node, depth, out + used + 4));
    }
    if (prefixNibbles(node)) {
      if (out == 0) used += 4 + extensionBound(node);
      else used = append(out, used, depth, encodeExtension(node, out + used + 4));
      if (matchPrefix(node, key, keyBytes, depth) < prefixNibbles(node)) return used;
      depth = pass(node, depth);
    }
    if (out == 0) used += 4 + branchBound(node);
    else used = append(out, used, depth, encodeBranch(node, out + used + 4));
    if (depth == keyBytes << 1) return used;
    const nibble = nibbleAt(key, depth);
    if ((childrenOf(node) & (1 << nibble)) == 0) return used;
    node = enter(node, nibble, depth);
    depth++;
  }
  return used;
}

/** Keeps what was encoded at `out + used + 4` unless it is embedded in its parent. */
function append(out: usize, used: u32, depth: u32, bytes: u32): u32 {
  if (bytes < 32 && depth > 0) return used;
  store<u32>(out + used, bytes);
  return used + 4 + bytes;
}

/** Frees a subtree's loaded nodes. */
export function releaseTree(node: usize): void {
  if (isLeaf(node)) {
    releaseLeaf(node);
    return;
  }
  for (let rest = childrenOf(node); rest; rest &= rest - 1) {
    const child = childOf(node, ctz(rest));
    if (child) releaseTree(child);
  }
  if (branchValue(node)) releaseLeaf(branchValue(node));
  releaseBranch(node);
}
