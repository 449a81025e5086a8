/**
 * Hashes of table keys: multilinear over 32-bit digits with random 64-bit multipliers, of which the top half is taken (Lemire and
 * Kaser, "Strongly universal string hashing is fast", 2014). A sender who does not know the multipliers cannot make keys collide.
 */
import { HASH_SECRETS, keccakState, ROUND_CONSTANTS } from "./layout";
import { keccak256 } from "../lib/keccak-scalar";

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
  keccak256(message, length, digest, keccakState, ROUND_CONSTANTS);
}
