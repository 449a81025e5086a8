/**
 * A state with the changes of some more blocks on top.
 *
 * @module
 */
import {
  codesOf,
  DiffCursor,
  type EncodedDiff,
  encodedDiff,
  readAccount,
  SLOT_BYTES,
} from "./diff.ts";
import { hashOf, secretSeed } from "./hash.ts";
import { hexOf } from "./hex.ts";
import type { Account, StateDiff, StateSource } from "./source.ts";

/** A block whose changes lie on top of a state. */
export interface OverlayBlock {
  readonly number: bigint;
  /** 32 bytes */
  readonly hash: Uint8Array;
  readonly diff: StateDiff | EncodedDiff | IndexedDiff;
}

const ADDRESS_BYTES = 20;
const SLOT_KEY_BYTES = 32;
const EXISTS = 1;
const CLEARED = 2;
const ACCOUNT_ENTRY = 4;
const ENTRY_WORDS = 4;
const SEED = secretSeed();

/** A diff that is read by address and slot, without an object for what it holds. */
export class IndexedDiff {
  readonly #bytes: EncodedDiff;
  /**
   * Heads of buckets, then entries of four: next entry; place of the address or slot; place of the account's fields, or of the slot's
   * address; flags, 0 for a slot.
   */
  readonly #words: Uint32Array;
  readonly #mask: number;
  readonly #codes: ReadonlyMap<string, Uint8Array>;

  constructor(bytes: EncodedDiff) {
    this.#bytes = bytes;
    this.#codes = codesOf(bytes);
    let count = 0;
    for (const cursor = new DiffCursor(bytes); cursor.next(); ) {
      count += 1 + (cursor.end - cursor.slots) / SLOT_BYTES;
    }
    let buckets = 16;
    while (buckets < count * 2) buckets *= 2;
    this.#mask = buckets - 1;
    this.#words = new Uint32Array(buckets + count * ENTRY_WORDS);
    this.#fill(buckets);
  }

  #fill(firstEntry: number): void {
    const bytes = this.#bytes;
    const words = this.#words;
    let entry = firstEntry;
    const cursor = new DiffCursor(bytes);
    while (cursor.next()) {
      const { address } = cursor;
      const owner = hashOf(bytes, address, ADDRESS_BYTES, SEED);
      let head = owner & this.#mask;
      words[entry] = words[head];
      words[entry + 1] = address;
      words[entry + 2] = cursor.account;
      words[entry + 3] =
        ACCOUNT_ENTRY | (cursor.exists ? EXISTS : 0) | (cursor.cleared ? CLEARED : 0);
      words[head] = entry;
      entry += ENTRY_WORDS;
      for (let slot = cursor.slots; slot < cursor.end; slot += SLOT_BYTES) {
        head = hashOf(bytes, slot, SLOT_KEY_BYTES, owner) & this.#mask;
        words[entry] = words[head];
        words[entry + 1] = slot;
        words[entry + 2] = address;
        words[head] = entry;
        entry += ENTRY_WORDS;
      }
    }
  }

  /** The account's entry, or 0. */
  #find(address: Uint8Array, owner: number): number {
    const words = this.#words;
    let entry = words[owner & this.#mask];
    for (; entry !== 0; entry = words[entry]) {
      if (words[entry + 3] & ACCOUNT_ENTRY && this.#same(words[entry + 1], address)) return entry;
    }
    return 0;
  }

  /** The account after the block, `null` where it does not exist any more, `undefined` where the block did not change it. */
  account(address: Uint8Array): Account | null | undefined {
    const entry = this.#find(address, hashOf(address, 0, ADDRESS_BYTES, SEED));
    if (entry === 0) return undefined;
    if (!(this.#words[entry + 3] & EXISTS)) return null;
    return readAccount(this.#bytes, this.#words[entry + 2]);
  }

  /** The word after the block, `undefined` where the block did not change it. */
  storage(address: Uint8Array, slot: Uint8Array): Uint8Array | undefined {
    const words = this.#words;
    const owner = hashOf(address, 0, ADDRESS_BYTES, SEED);
    const account = this.#find(address, owner);
    if (account === 0) return undefined;
    if (words[account + 3] & EXISTS) {
      let entry = words[hashOf(slot, 0, SLOT_KEY_BYTES, owner) & this.#mask];
      for (; entry !== 0; entry = words[entry]) {
        if (words[entry + 3] & ACCOUNT_ENTRY || words[entry + 2] !== words[account + 1]) continue;
        const at = words[entry + 1];
        if (this.#same(at, slot)) return this.#bytes.slice(at + 32, at + SLOT_BYTES);
      }
      if (!(words[account + 3] & CLEARED)) return undefined;
    }
    return new Uint8Array(32);
  }

  /** Code that the block created. */
  code(codeHash: Uint8Array): Uint8Array | undefined {
    return this.#codes.size === 0 ? undefined : this.#codes.get(hexOf(codeHash));
  }

  #same(at: number, key: Uint8Array): boolean {
    const bytes = this.#bytes;
    for (let i = 0; i < key.length; i++) if (bytes[at + i] !== key[i]) return false;
    return true;
  }
}

/** The state of `base` after `blocks`, oldest first. */
export function createOverlayState(
  base: StateSource,
  blocks: readonly OverlayBlock[],
): StateSource {
  const newestFirst = blocks
    .map(({ number, hash, diff }) => ({
      number,
      hash,
      diff: diff instanceof IndexedDiff ? diff : new IndexedDiff(encodedDiff(diff)),
    }))
    .reverse();
  return {
    account(address): Account | undefined {
      for (const { diff } of newestFirst) {
        const account = diff.account(address);
        if (account !== undefined) return account ?? undefined;
      }
      return base.account(address);
    },
    storage(address, slot): Uint8Array {
      for (const { diff } of newestFirst) {
        const word = diff.storage(address, slot);
        if (word !== undefined) return word;
      }
      return base.storage(address, slot);
    },
    code(codeHash): Uint8Array {
      for (const { diff } of newestFirst) {
        const code = diff.code(codeHash);
        if (code !== undefined) return code;
      }
      return base.code(codeHash);
    },
    blockHash: (number) =>
      newestFirst.find((block) => block.number === number)?.hash ?? base.blockHash(number),
  };
}
