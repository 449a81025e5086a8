// What a commit changed, for a store that keeps nodes by trie and path: deletions first, then every node hashed again.
//
// entry  +0 u32 trie id  +4 u32 path nibbles  +8 u32 RLP bytes, 0 for a deletion  +12 packed path, RLP, zeros to a multiple of 4
import { copyBytes } from "../lib/bytes";
import { allocate, release } from "./memory";
import { nibbleAt } from "./nodes";

const HEADER: u32 = 12;

let enabled: bool = false;
let buffer: usize = 0;
let room: u32 = 0;
let used: u32 = 0;

export function journalEnabled(): bool {
  return enabled;
}
export function enableJournal(on: bool): void {
  enabled = on;
}
export function journalStart(): usize {
  return buffer;
}
export function journalBytes(): u32 {
  return used;
}
export function clearJournal(): void {
  used = 0;
}

/** Forgets the buffer, after all memory was reset. */
export function resetJournal(): void {
  buffer = 0;
  room = used = 0;
}

function append(bytes: u32): usize {
  if (used + bytes > room) {
    const larger = max<u32>(max<u32>(room << 1, used + bytes), 4096);
    const target = allocate(larger);
    if (room) {
      memory.copy(target, buffer, used);
      release(buffer, room);
    }
    buffer = target;
    room = larger;
  }
  const entry = buffer + used;
  used += bytes;
  return entry;
}

function appendEntry(trie: u32, nibbles: u32, rlpBytes: u32): usize {
  const bytes = (HEADER + ((nibbles + 1) >> 1) + rlpBytes + 3) & ~3;
  const entry = append(bytes);
  store<u32>(entry + bytes - 4, 0);
  store<u32>(entry, trie);
  store<u32>(entry, nibbles, 4);
  store<u32>(entry, rlpBytes, 8);
  return entry + HEADER;
}

/** The node at the first `nibbles` nibbles of a key is gone, unless a later entry puts one there again. */
export function journalDeletion(trie: u32, key: usize, nibbles: u32): void {
  if (!enabled) return;
  const path = appendEntry(trie, nibbles, 0);
  copyBytes(path, key, nibbles >> 1);
  if (nibbles & 1) store<u8>(path + (nibbles >> 1), <u8>(nibbleAt(key, nibbles - 1) << 4));
}

/** A node at a packed path. */
export function journalNode(trie: u32, path: usize, nibbles: u32, rlp: usize, rlpBytes: u32): void {
  const at = appendEntry(trie, nibbles, rlpBytes);
  const pathBytes = (nibbles + 1) >> 1;
  copyBytes(at, path, pathBytes);
  copyBytes(at + pathBytes, rlp, rlpBytes);
}
