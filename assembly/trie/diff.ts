// State diffs on their way into tries: what src/state/diff.ts encodes, read where it lies.
//
// account  address 20  flags 1  nonce 8  balance 32  code hash 32  code bytes 4  slots 4  code  slots × (slot 32, word 32)
//
// Integers are big-endian. Flags: 1 the account exists.
import { copyBytes } from "../lib/bytes";
import { digest, flushDigests } from "./digest";
import { writeString } from "./encode";
import { allocate, release } from "./memory";
import { RECORD, setRecord } from "./records";
import { EMPTY_ROOT } from "./roots";
import { applyUpdates, rootHash } from "./trie";

const EXISTS: u8 = 1;
const ADDRESS_BYTES: u32 = 20;
const FLAGS: u32 = 20;
const NONCE: u32 = 21;
const BALANCE: u32 = 29;
const CODE_HASH: u32 = 61;
const CODE_BYTES: u32 = 93;
const SLOTS: u32 = 97;
const FIXED_BYTES: u32 = 101;
const SLOT_BYTES: u32 = 64;
const HASH_BYTES: u32 = 32;

/** Most bytes of an account's RLP: list header 2, nonce 9, balance 33, storage root 33, code hash 33. */
const ACCOUNT_ROOM: u32 = 112;
/** Most bytes of a word's RLP, with slack. */
const WORD_ROOM: u32 = 40;

/** What `updateAccounts` is told of an account's storage root, besides the handle of its trie: it keeps it, or it is empty. */
const SAME_ROOT: u32 = 0;
const EMPTY: u32 = 1;

// @ts-ignore: decorator
@inline
function nextAccount(account: usize): usize {
  const code = bswap(load<u32>(account, CODE_BYTES));
  return account + FIXED_BYTES + code + bswap(load<u32>(account, SLOTS)) * SLOT_BYTES;
}

/** Digests of the addresses of the diff from `diff` to `end`, 32 bytes each. Returns how many. */
export function digestAddresses(diff: usize, end: usize, out: usize): u32 {
  let count: u32 = 0;
  for (let account = diff; account < end; account = nextAccount(account)) {
    digest(account, ADDRESS_BYTES, out + count * HASH_BYTES);
    count++;
  }
  flushDigests();
  return count;
}

/** The first byte from `bytes` to `end` that is not zero, or `end`. */
// @ts-ignore: decorator
@inline
function skipZeros(bytes: usize, end: usize): usize {
  while (bytes + 8 <= end && load<u64>(bytes) == 0) bytes += 8;
  while (bytes < end && load<u8>(bytes) == 0) bytes++;
  return bytes;
}

/** Writes the RLP of a big-endian integer of at most 32 bytes; returns where it ends. */
function writeInteger(out: usize, bytes: usize, end: usize): usize {
  const first = skipZeros(bytes, end);
  return writeString(out, first, <u32>(end - first));
}

/** Applies `count` slots with their words to a storage trie; a word of zero deletes its slot. */
export function updateSlots(trie: usize, slots: usize, count: u32): void {
  const digests = allocate(count * HASH_BYTES);
  for (let i: u32 = 0; i < count; i++) digest(slots + i * SLOT_BYTES, 32, digests + i * HASH_BYTES);
  flushDigests();
  const values = allocate(count * WORD_ROOM);
  const records = allocate(count * RECORD);
  for (let i: u32 = 0; i < count; i++) {
    const word = slots + i * SLOT_BYTES + 32;
    const value = values + i * WORD_ROOM;
    const isZero = skipZeros(word, word + 32) == word + 32;
    const bytes = isZero ? 0 : <u32>(writeInteger(value, word, word + 32) - value);
    setRecord(records + i * RECORD, digests + i * HASH_BYTES, HASH_BYTES, value, bytes);
  }
  applyUpdates(trie, records, count, false);
  release(records, count * RECORD);
  release(values, count * WORD_ROOM);
  release(digests, count * HASH_BYTES);
}

/** rlp([nonce, balance, storage root, code hash]) of an account of a diff; returns its bytes. `root`: see `updateAccounts`. */
function writeAccount(out: usize, account: usize, root: u32): u32 {
  let at = writeInteger(out + 2, account + NONCE, account + BALANCE);
  at = writeInteger(at, account + BALANCE, account + CODE_HASH);
  store<u8>(at, 0xa0);
  if (root == SAME_ROOT) {
    // Zeros: the trie fills in the root that the account has.
    v128.store(at + 1, i64x2.splat(0));
    v128.store(at + 17, i64x2.splat(0));
  } else copyBytes(at + 1, root == EMPTY ? EMPTY_ROOT : rootHash(root), HASH_BYTES);
  store<u8>(at + 33, 0xa0);
  copyBytes(at + 34, account + CODE_HASH, HASH_BYTES);
  at += 66;
  // Two hashes and more, at most 108 bytes: always a header of two bytes.
  store<u8>(out, 0xf8);
  store<u8>(out + 1, <u8>(at - out - 2));
  return <u32>(at - out);
}

/**
 * Applies the accounts of a diff to the account trie.
 *
 * @param digests the digests of their addresses.
 * @param roots a u32 each: handle of the storage trie whose root the account has now, or SAME_ROOT, or EMPTY.
 */
export function updateAccounts(trie: usize, diff: usize, count: u32, digests: usize, roots: usize): void {
  const values = allocate(count * ACCOUNT_ROOM);
  const records = allocate(count * RECORD);
  let account = diff;
  for (let i: u32 = 0; i < count; i++) {
    const value = values + i * ACCOUNT_ROOM;
    const exists = load<u8>(account, FLAGS) & EXISTS;
    const bytes = exists ? writeAccount(value, account, load<u32>(roots + (i << 2))) : 0;
    setRecord(records + i * RECORD, digests + i * HASH_BYTES, HASH_BYTES, value, bytes);
    account = nextAccount(account);
  }
  applyUpdates(trie, records, count, true);
  release(records, count * RECORD);
  release(values, count * ACCOUNT_ROOM);
}
