/**
 * Accounts and storage words as the state tries hold them (Yellow Paper §4.1).
 *
 * @module
 */
import { decodeRlp } from "../chains/ethereum/rlp.ts";
import { LanewiseError } from "../core/index.ts";
import type { Account } from "./source.ts";

/** An account together with the root of its storage. */
export interface StoredAccount extends Account {
  readonly storageRoot: Uint8Array;
}

/** Writes the shortest big-endian form of `value` as an RLP string; returns the offset after it. */
function writeQuantity(out: Uint8Array, at: number, value: bigint): number {
  if (value < 0x80n) {
    out[at] = value === 0n ? 0x80 : Number(value);
    return at + 1;
  }
  let bytes = 0;
  if (value <= 0xffff_ffff_ffff_ffffn) {
    let high = Number(value >> 32n);
    let low = Number(value & 0xffff_ffffn);
    bytes = high === 0 ? (39 - Math.clz32(low)) >> 3 : 4 + ((39 - Math.clz32(high)) >> 3);
    for (let i = bytes; i > 0; i--) {
      out[at + i] = low;
      low = (low >>> 8) | (high << 24);
      high >>>= 8;
    }
  } else {
    const hex = value.toString(16);
    bytes = (hex.length + 1) >> 1;
    out.set(Buffer.from(hex.padStart(bytes * 2, "0"), "hex"), at + 1);
  }
  out[at] = 0x80 + bytes;
  return at + 1 + bytes;
}

const scratch = new Uint8Array(160);

/**
 * rlp([nonce, balance, storageRoot, codeHash]).
 *
 * @throws RangeError on a nonce of more than 64 bits or a balance of more than 256.
 */
export function encodeAccount(account: Account, storageRoot: Uint8Array): Uint8Array {
  const { nonce, balance, codeHash } = account;
  if (nonce < 0n || nonce >> 64n !== 0n) {
    throw new RangeError(`account nonce: expected 0..2^64-1, got ${nonce}`);
  }
  if (balance < 0n || balance >> 256n !== 0n) {
    throw new RangeError(`account balance: expected 0..2^256-1, got ${balance}`);
  }
  // 66 bytes of hashes and two quantities: always more than 55 and fewer than 256 bytes, so a header of two.
  let at = writeQuantity(scratch, 2, nonce);
  at = writeQuantity(scratch, at, balance);
  scratch[at] = 0xa0;
  scratch.set(storageRoot, at + 1);
  scratch[at + 33] = 0xa0;
  scratch.set(codeHash, at + 34);
  at += 66;
  scratch[0] = 0xf8;
  scratch[1] = at - 2;
  return scratch.slice(0, at);
}

const quantity = (bytes: Uint8Array): bigint =>
  bytes.length === 0 ? 0n : BigInt(`0x${Buffer.from(bytes).toString("hex")}`);

/**
 * Reads rlp([nonce, balance, storageRoot, codeHash]).
 *
 * @throws LanewiseError `ERR_INPUT` where the bytes are not an account.
 */
export function decodeAccount(rlp: Uint8Array): StoredAccount {
  const items = decodeRlp(rlp);
  if (Array.isArray(items) && items.length === 4) {
    const [nonce, balance, storageRoot, codeHash] = items;
    if (
      nonce instanceof Uint8Array &&
      balance instanceof Uint8Array &&
      storageRoot instanceof Uint8Array &&
      codeHash instanceof Uint8Array &&
      nonce.length <= 8 &&
      balance.length <= 32 &&
      nonce[0] !== 0 &&
      balance[0] !== 0 &&
      storageRoot.length === 32 &&
      codeHash.length === 32
    ) {
      return { nonce: quantity(nonce), balance: quantity(balance), storageRoot, codeHash };
    }
  }
  throw new LanewiseError("ERR_INPUT", "account: expected rlp([nonce, balance, root, code hash])");
}

/** The storage trie's value of a word: rlp of its shortest form; empty for zero, which is not stored. */
export function encodeStorageWord(word: Uint8Array): Uint8Array {
  let first = 0;
  while (first < word.length && word[first] === 0) first++;
  const length = word.length - first;
  if (length === 0) return word.subarray(0, 0);
  if (length === 1 && word[first] < 0x80) return word.subarray(first);
  const rlp = new Uint8Array(length + 1);
  rlp[0] = 0x80 + length;
  rlp.set(word.subarray(first), 1);
  return rlp;
}

/**
 * The 32-byte word of a storage trie's value.
 *
 * @throws LanewiseError `ERR_INPUT` where the bytes are not an RLP string of at most 32 bytes without leading zeros.
 */
export function decodeStorageWord(rlp: Uint8Array): Uint8Array {
  const bytes = decodeRlp(rlp);
  if (!(bytes instanceof Uint8Array) || bytes.length > 32 || bytes[0] === 0) {
    throw new LanewiseError("ERR_INPUT", "storage value: expected an RLP integer of 32 bytes");
  }
  const word = new Uint8Array(32);
  word.set(bytes, 32 - bytes.length);
  return word;
}
