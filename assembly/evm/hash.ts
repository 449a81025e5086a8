/**
 * Keccak-256 as instances call it, and hashes of table keys.
 *
 * Table keys: multilinear over 32-bit digits with random 64-bit multipliers, of which the top half is taken (Lemire and
 * Kaser, "Strongly universal string hashing is fast", 2014). A sender who does not know the multipliers cannot make keys collide.
 */
import { keccak256, keccak256Two } from "../lib/keccak-shared";
import { HASH_SECRETS, keccakState, SLOT_HASH_ENTRIES, slotHashes, words } from "./layout";
import { copy, eq, fromBytes, toBytes } from "./u256";

// @ts-ignore: decorator
@inline
function term(value: u64, index: usize): u64 {
  return (
    (value & 0xffffffff) * load<u64>(HASH_SECRETS + (index << 4)) +
    (value >> 32) * load<u64>(HASH_SECRETS + (index << 4), 8)
  );
}

/** Hash of an address in three limbs. */
// @ts-ignore: decorator
@inline
export function hashAddress(a0: u64, a1: u64, a2: u64): u32 {
  return <u32>((term(a0, 0) + term(a1, 1) + term(a2, 2) + load<u64>(HASH_SECRETS, 112)) >> 32);
}

/** Hash of a storage key and of what identifies its account. */
// @ts-ignore: decorator
@inline
export function hashSlot(owner: usize, key: usize): u32 {
  return <u32>(
    ((term(load<u64>(key), 0) +
      term(load<u64>(key, 8), 1) +
      term(load<u64>(key, 16), 2) +
      term(load<u64>(key, 24), 3) +
      term(owner, 4) +
      load<u64>(HASH_SECRETS, 120)) >>
      32)
  );
}

/** Keccak-256 with this instance's scratch. */
// @ts-ignore: decorator
@inline
export function keccak(message: usize, length: usize, digest: usize): void {
  keccak256(message, length, digest, keccakState);
}

/** Keccak-256 of two messages below 136 bytes, for little more than the price of one. */
// @ts-ignore: decorator
@inline
export function keccakTwo(
  message0: usize,
  length0: usize,
  digest0: usize,
  message1: usize,
  length1: usize,
  digest1: usize,
): void {
  keccak256Two(message0, length0, digest0, message1, length1, digest1, keccakState);
}

// ---- slots of mappings: Keccak-256 of 64 bytes, a key and the mapping's slot ----

// An entry of the cache: the message, and its digest as a word; one whose digest begins with a zero limb counts as empty.
const DIGEST: usize = 64;
const ENTRY_BYTES: usize = 96;

/** Where the cache has, or would have, this message. */
function slotHashEntry(message: usize): usize {
  const mixed =
    (load<u64>(message, 24) ^ rotl<u64>(load<u64>(message, 16), 32) ^ load<u64>(message)) *
      0x9e3779b97f4a7c15 +
    (load<u64>(message, 56) ^ load<u64>(message, 32)) * 0xc2b2ae3d27d4eb4f;
  return slotHashes + ((<usize>(mixed >> 32)) & (SLOT_HASH_ENTRIES - 1)) * ENTRY_BYTES;
}

// @ts-ignore: decorator
@inline
function hasEntry(entry: usize, message: usize): bool {
  return load<u64>(entry, DIGEST) != 0 && eq(entry, message) && eq(entry + 32, message + 32);
}

/** Whether 32 big-endian bytes may be an address. */
// @ts-ignore: decorator
@inline
function likeAddress(bytes: usize): bool {
  return (load<u64>(bytes) | <u64>load<u32>(bytes, 8)) == 0 && load<u64>(bytes, 24) != 0;
}

/** A likely next key of the same mapping: `bytes`, if it looks like an address and is not known yet. Entry where to put it, or 0. */
function likelyNext(message: usize, bytes: usize, guess: usize): usize {
  if (!likeAddress(bytes) || eq(bytes, message)) return 0;
  copy(guess, bytes);
  const entry = slotHashEntry(guess);
  return hasEntry(entry, guess) ? 0 : entry;
}

/**
 * Keccak-256 of the 64 bytes at `message` as a word to `out`. Contracts hash the same keys over and over, so recent digests are kept.
 * A permutation has room for a second message: that is spent on what the frame is likely to ask for next, the caller or the addresses
 * it was given under the same slot (a token's balances of sender and receiver).
 */
export function keccakOfSlot(
  message: usize,
  out: usize,
  caller: usize,
  input: usize,
  inputBytes: usize,
): void {
  const entry = slotHashEntry(message);
  if (hasEntry(entry, message)) return copy(out, entry + DIGEST);
  const guess = words + 1664; // 64 bytes, and the digests behind them
  const digest = guess + 64;
  let other: usize = 0;
  if (likeAddress(message)) {
    copy(guess + 32, message + 32);
    if (inputBytes >= 36) other = likelyNext(message, input + 4, guess);
    if (!other && inputBytes >= 68) other = likelyNext(message, input + 36, guess);
    if (!other) {
      toBytes(digest, caller);
      other = likelyNext(message, digest, guess);
    }
  }
  if (other) {
    keccakTwo(message, 64, digest, guess, 64, digest + 32);
    keep(other, guess, digest + 32);
  } else keccak(message, 64, digest);
  keep(entry, message, digest);
  copy(out, entry + DIGEST);
}

function keep(entry: usize, message: usize, digest: usize): void {
  copy(entry, message);
  copy(entry + 32, message + 32);
  fromBytes(entry + DIGEST, digest);
}
