/**
 * Strict RLP reading (Yellow Paper, appendix B): one item at a time, canonical encodings only.
 */
import { setU64 } from "./u256";

/** The item that `readItem` has read: payload, its length, whether it is a list, and where the next item begins. */
export let item: usize = 0;
export let itemBytes: usize = 0;
export let itemIsList: bool = false;
export let next: usize = 0;

/** Reads the item at `at`, which may not reach past `end`. */
export function readItem(at: usize, end: usize): bool {
  if (at >= end) return false;
  const first = <usize>load<u8>(at);
  itemIsList = first >= 0xc0;
  if (first < 0x80) {
    item = at;
    itemBytes = 1;
    next = at + 1;
    return true;
  }
  const short = first - (itemIsList ? 0xc0 : 0x80);
  if (short <= 55) {
    item = at + 1;
    itemBytes = short;
  } else {
    const lengthBytes = short - 55;
    if (lengthBytes > 4 || end - at - 1 < lengthBytes) return false;
    let length: usize = 0;
    for (let i: usize = 1; i <= lengthBytes; i++) length = (length << 8) | <usize>load<u8>(at + i);
    if (load<u8>(at, 1) == 0 || length <= 55) return false;
    item = at + 1 + lengthBytes;
    itemBytes = length;
  }
  if (itemBytes > end - item) return false;
  if (!itemIsList && itemBytes == 1 && load<u8>(item) < 0x80) return false;
  next = item + itemBytes;
  return true;
}

/**
 * Reads an integer of at most `most` (≤ 32) bytes into a word. The 32 bytes in front of the item must be readable: limbs are loaded
 * whole, and what does not belong to the integer is cut off.
 */
export function readInteger(at: usize, end: usize, most: usize, word: usize): bool {
  if (!readItem(at, end) || itemIsList || itemBytes > most) return false;
  if (itemBytes && load<u8>(item) == 0) return false;
  setU64(word, 0);
  if (itemBytes == 0) return true;
  let left = itemBytes;
  let limb = word;
  let from = next - 8;
  for (; left > 8; left -= 8, limb += 8, from -= 8) store<u64>(limb, bswap<u64>(load<u64>(from)));
  store<u64>(limb, bswap<u64>(load<u64>(from)) & (<u64>-1 >> (64 - (left << 3))));
  return true;
}

/** Reads a string of exactly `bytes` bytes; its address is in `item`. */
export function readBytes(at: usize, end: usize, bytes: usize): bool {
  return readItem(at, end) && !itemIsList && itemBytes == bytes;
}

/** Reads a list; its payload is from `item` to `next`. */
export function readList(at: usize, end: usize): bool {
  return readItem(at, end) && itemIsList;
}
