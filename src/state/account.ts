/**
 * Accounts and storage words as the state tries hold them (Yellow Paper §4.1).
 *
 * @module
 */
import { decodeRlp } from "../chains/ethereum/rlp.ts";
import { LanewiseError } from "../core/index.ts";
import { ACCOUNT_BYTES, writeAccount } from "./diff.ts";
import type { Account } from "./source.ts";
import { UpdateBatch } from "./trie/module.ts";

/** An account together with the root of its storage. */
export interface StoredAccount extends Account {
  readonly storageRoot: Uint8Array;
}

/** First byte of `bytes` from `from` on that is not zero; `end` where all are. */
export function firstNonZero(bytes: Uint8Array, from: number, end: number): number {
  while (from < end && bytes[from] === 0) from++;
  return from;
}

/** Bytes of the RLP of an integer whose shortest form is bytes `first` … `end − 1`. */
function integerBytes(bytes: Uint8Array, first: number, end: number): number {
  return first === end || (end - first === 1 && bytes[first] < 0x80) ? 1 : 1 + end - first;
}

/** Writes the RLP of that integer; returns the offset after it. */
function writeInteger(
  out: Uint8Array,
  at: number,
  bytes: Uint8Array,
  first: number,
  end: number,
): number {
  if (end - first !== 1 || bytes[first] >= 0x80) out[at++] = 0x80 + end - first;
  for (let i = first; i < end; i++) out[at++] = bytes[i];
  return at;
}

/** What a trie holds of an account: two quantities, `0xa0` and a root, `0xa0` and a hash, in a list of 56 to 255 bytes. */
const HASHES_BYTES = 66;

/**
 * Adds the leaf of an account: rlp([nonce, balance, storageRoot, codeHash]).
 *
 * @param keys holds the 32-byte key at `key`.
 * @param bytes holds nonce, balance and code hash at `account` (see `diff.ts`).
 */
export function putAccount(
  batch: UpdateBatch,
  keys: Uint8Array,
  key: number,
  bytes: Uint8Array,
  account: number,
  storageRoot: Uint8Array,
): void {
  const nonce = firstNonZero(bytes, account, account + 8);
  const balance = firstNonZero(bytes, account + 8, account + 40);
  const payload =
    integerBytes(bytes, nonce, account + 8) +
    integerBytes(bytes, balance, account + 40) +
    HASHES_BYTES;
  let at = batch.reserve(32, payload + 2);
  const out = batch.bytes;
  for (let i = 0; i < 32; i++) out[at++] = keys[key + i];
  out[at++] = 0xf8;
  out[at++] = payload;
  at = writeInteger(out, at, bytes, nonce, account + 8);
  at = writeInteger(out, at, bytes, balance, account + 40);
  out[at] = 0xa0;
  out[at + 33] = 0xa0;
  for (let i = 0; i < 32; i++) {
    out[at + 1 + i] = storageRoot[i];
    out[at + 34 + i] = bytes[account + 40 + i];
  }
}

/** Adds a slot's leaf, the RLP of its word's shortest form; a word of zero deletes it. `slot`: place of slot and word in `bytes`. */
export function putStorageWord(batch: UpdateBatch, bytes: Uint8Array, slot: number): void {
  const end = slot + 64;
  const first = firstNonZero(bytes, slot + 32, end);
  const at = batch.reserve(32, first === end ? 0 : integerBytes(bytes, first, end));
  const out = batch.bytes;
  for (let i = 0; i < 32; i++) out[at + i] = bytes[slot + i];
  if (first < end) writeInteger(out, at + 32, bytes, first, end);
}

/**
 * rlp([nonce, balance, storageRoot, codeHash]).
 *
 * @throws RangeError on a nonce of more than 64 bits or a balance of more than 256.
 */
export function encodeAccount(account: Account, storageRoot: Uint8Array): Uint8Array {
  const fields = new Uint8Array(ACCOUNT_BYTES);
  writeAccount(new DataView(fields.buffer), 0, account);
  const batch = new UpdateBatch();
  putAccount(batch, fields, 0, fields, 0, storageRoot);
  return batch.contents().bytes.slice(32);
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
