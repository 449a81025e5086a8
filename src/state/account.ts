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
