// RLP of nodes (Yellow Paper, appendices B and D): a branch is 17 items, a leaf or extension a hex-prefixed path and a
// value or reference.
import { copyBytes } from "../lib/bytes";
import {
  branchValue,
  childrenOf,
  embeddedOf,
  firstReference,
  innerReference,
  leafKey,
  leafKeyBytes,
  leafValue,
  leafValueBytes,
  nibbleAt,
  prefixNibbles,
  prefixOf,
} from "./nodes";

/** Bytes of an embedded node: its list header says. */
// @ts-ignore: decorator
@inline
export function embeddedBytes(reference: usize): u32 {
  return <u32>load<u8>(reference) - 0xc0 + 1;
}

// @ts-ignore: decorator
@inline
function lengthBytes(length: u32): u32 {
  return (39 - clz(length)) >> 3;
}

// @ts-ignore: decorator
@inline
function headerBytes(payload: u32): u32 {
  return payload < 56 ? 1 : 1 + lengthBytes(payload);
}

function stringBytes(bytes: usize, length: u32): u32 {
  if (length == 1 && load<u8>(bytes) < 0x80) return 1;
  return headerBytes(length) + length;
}

/** Writes a list's (`base` 0xc0) or string's (0x80) header; returns where its payload begins. */
// @ts-ignore: decorator
@inline
function writeHeader(out: usize, base: u32, payload: u32): usize {
  if (payload < 56) {
    store<u8>(out, <u8>(base + payload));
    return out + 1;
  }
  const size = lengthBytes(payload);
  store<u8>(out, <u8>(base + 55 + size));
  for (let i: u32 = 0; i < size; i++) store<u8>(out + 1 + i, <u8>(payload >> ((size - 1 - i) << 3)));
  return out + 1 + size;
}

/** Writes a byte string's RLP; returns where it ends. */
export function writeString(out: usize, bytes: usize, length: u32): usize {
  if (length == 1 && load<u8>(bytes) < 0x80) {
    store<u8>(out, load<u8>(bytes));
    return out + 1;
  }
  const at = writeHeader(out, 0x80, length);
  copyBytes(at, bytes, length);
  return at + length;
}

// @ts-ignore: decorator
@inline
function writeHash(out: usize, hash: usize): usize {
  store<u8>(out, 0xa0);
  v128.store(out + 1, v128.load(hash));
  v128.store(out + 17, v128.load(hash, 16));
  return out + 33;
}

/** An upper bound of the branch's RLP. */
export function branchBound(branch: usize): u32 {
  const value = branchValue(branch);
  return 3 + 33 * 16 + 6 + (value ? leafValueBytes(value) + 5 : 0);
}

/** The branch without its prefix; its children's references are fresh. Returns the bytes written. */
export function encodeBranch(branch: usize, out: usize): u32 {
  const children = childrenOf(branch);
  const embedded = embeddedOf(branch);
  const value = branchValue(branch);
  let reference = firstReference(branch);
  let payload: u32 = 16 + popcnt(children) * 32;
  if (embedded) {
    let at = reference;
    for (let rest = children; rest; rest &= rest - 1) {
      if (embedded & (rest & -rest)) payload += embeddedBytes(at) - 33;
      at += 32;
    }
  }
  payload += value ? stringBytes(leafValue(value), leafValueBytes(value)) : 1;
  let at = writeHeader(out, 0xc0, payload);
  for (let bit: u32 = 1; bit < 1 << 16; bit <<= 1) {
    if ((children & bit) == 0) {
      store<u8>(at, 0x80);
      at++;
      continue;
    }
    if (embedded & bit) {
      const length = embeddedBytes(reference);
      copyBytes(at, reference, length);
      at += length;
    } else at = writeHash(at, reference);
    reference += 32;
  }
  if (value) at = writeString(at, leafValue(value), leafValueBytes(value));
  else {
    store<u8>(at, 0x80);
    at++;
  }
  return <u32>(at - out);
}

/** An upper bound of the leaf's RLP. */
export function leafBound(leaf: usize): u32 {
  return leafKeyBytes(leaf) + leafValueBytes(leaf) + 16;
}

/** The leaf as it stands `depth` nibbles below the root. Returns the bytes written. */
export function encodeLeaf(leaf: usize, depth: u32, out: usize): u32 {
  const key = leafKey(leaf);
  const keyBytes = leafKeyBytes(leaf);
  const value = leafValue(leaf);
  const valueBytes = leafValueBytes(leaf);
  // Hex prefix: flag 2 for a leaf, 1 for an odd count; an odd first nibble shares the flag's byte.
  const whole = keyBytes - ((depth + 1) >> 1);
  const flag: u32 = depth & 1 ? 0x30 | nibbleAt(key, depth) : 0x20;
  const pathBytes = 1 + whole;
  const payload = (pathBytes == 1 ? 1 : headerBytes(pathBytes) + pathBytes) + stringBytes(value, valueBytes);
  let at = writeHeader(out, 0xc0, payload);
  if (pathBytes > 1) at = writeHeader(at, 0x80, pathBytes);
  store<u8>(at, <u8>flag);
  copyBytes(at + 1, key + (keyBytes - whole), whole);
  at = writeString(at + pathBytes, value, valueBytes);
  return <u32>(at - out);
}

/** An upper bound of the extension's RLP. */
export function extensionBound(branch: usize): u32 {
  return (prefixNibbles(branch) >> 1) + 48;
}

/** The extension made of the branch's prefix and its fresh inner reference. Returns the bytes written. */
export function encodeExtension(branch: usize, out: usize): u32 {
  const nibbles = prefixNibbles(branch);
  const prefix = prefixOf(branch);
  const inner = innerReference(branch);
  const embedded = load<u32>(inner, 32) != 0;
  const pathBytes = 1 + (nibbles >> 1);
  const referenceBytes = embedded ? embeddedBytes(inner) : 33;
  const payload = (pathBytes == 1 ? 1 : headerBytes(pathBytes) + pathBytes) + referenceBytes;
  let at = writeHeader(out, 0xc0, payload);
  if (pathBytes > 1) at = writeHeader(at, 0x80, pathBytes);
  let next: u32 = 0;
  if (nibbles & 1) {
    store<u8>(at, 0x10 | load<u8>(prefix));
    next = 1;
  } else store<u8>(at, 0);
  at++;
  for (; next < nibbles; next += 2) {
    store<u8>(at, (load<u8>(prefix + next) << 4) | load<u8>(prefix + next + 1));
    at++;
  }
  if (!embedded) at = writeHash(at, inner);
  else {
    copyBytes(at, inner, referenceBytes);
    at += referenceBytes;
  }
  return <u32>(at - out);
}
