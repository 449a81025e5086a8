/**
 * Accounts and slots as they are now, in flat memory of one thread: what execution reads, kept up to date from diffs without an
 * object for anything.
 *
 * Entries are found through an open hash table and never move but as a whole, when it grows. A slot belongs to the entry of its
 * account, which counts how often its storage was dropped: slots written before the last time are void.
 *
 * @module
 */
import {
  ACCOUNT_BYTES,
  DiffCursor,
  type EncodedDiff,
  readAccount,
  SLOT_BYTES,
  writeAccount,
} from "./diff.ts";
import { hashOf, secretSeed } from "./hash.ts";
import { EMPTY_CODE_HASH } from "./memory.ts";
import type { Account } from "./source.ts";

const ADDRESS_BYTES = 20;
const WORD_BYTES = 32;
/** Bytes of an entry: its key in 32 bytes, then the fields of an account or the word of a slot. */
const ENTRY_BYTES = WORD_BYTES + ACCOUNT_BYTES;
const VALUE = WORD_BYTES;

/** Words about an entry: hash, flags of an account or number of the slot's account (see {@link OWNERS}), how often storage was dropped. */
const ENTRY_WORDS = 3;
const FLAGS = 1;
const EPOCH = 2;

/** The entry is an account, and its fields are known. */
const KNOWN = 1;
const EXISTS = 2;
const NO_CODE = 4;
/** Slots that are not here are zero. */
const CLEARED = 8;

/** The second word of a slot is the number of its account from here on, above all flags of accounts. */
const OWNERS = 16;

const LEAST_BUCKETS = 1 << 10;

/** Nothing is known of it here. */
export const UNKNOWN: unique symbol = Symbol("unknown");

/** See the module. Entry numbers begin at 1. */
export class FlatTable {
  readonly #seed = secretSeed();
  #buckets = new Uint32Array(LEAST_BUCKETS);
  #words = new Uint32Array(LEAST_BUCKETS * ENTRY_WORDS);
  #bytes = new Uint8Array(LEAST_BUCKETS * ENTRY_BYTES);
  #view = new DataView(this.#bytes.buffer);
  #count = 0;
  readonly #isComplete: boolean;

  /** `isComplete`: what is not here does not exist, rather than being unknown. */
  constructor(isComplete: boolean) {
    this.#isComplete = isComplete;
  }

  /** Accounts and slots kept. */
  get size(): number {
    return this.#count;
  }

  /** The account; `undefined` where it does not exist. */
  account(address: Uint8Array): Account | undefined | typeof UNKNOWN {
    const entry = this.#find(this.#hashAccount(address, 0), 0, address, 0, ADDRESS_BYTES);
    const flags = this.#words[entry * ENTRY_WORDS + FLAGS];
    if (entry === 0 || !(flags & KNOWN)) return this.#isComplete ? undefined : UNKNOWN;
    if (!(flags & EXISTS)) return undefined;
    const account = readAccount(this.#bytes, entry * ENTRY_BYTES + VALUE);
    if (flags & NO_CODE) return { ...account, codeHash: EMPTY_CODE_HASH };
    return { ...account, codeHash: account.codeHash.slice() };
  }

  /** The word of a slot. */
  storage(address: Uint8Array, slot: Uint8Array): Uint8Array | typeof UNKNOWN {
    const ownerHash = this.#hashAccount(address, 0);
    const owner = this.#find(ownerHash, 0, address, 0, ADDRESS_BYTES);
    if (owner === 0) return this.#isComplete ? new Uint8Array(WORD_BYTES) : UNKNOWN;
    const entry = this.#find(hashOf(slot, 0, WORD_BYTES, ownerHash), owner, slot, 0, WORD_BYTES);
    const words = this.#words;
    if (entry !== 0 && words[entry * ENTRY_WORDS + EPOCH] === words[owner * ENTRY_WORDS + EPOCH]) {
      const at = entry * ENTRY_BYTES + VALUE;
      return this.#bytes.slice(at, at + WORD_BYTES);
    }
    const isZero = this.#isComplete || (words[owner * ENTRY_WORDS + FLAGS] & CLEARED) !== 0;
    return isZero ? new Uint8Array(WORD_BYTES) : UNKNOWN;
  }

  /** Remembers an account that was read elsewhere. */
  setAccount(address: Uint8Array, account: Account | undefined): void {
    const entry = this.#owner(address, 0);
    const flags = entry * ENTRY_WORDS + FLAGS;
    this.#words[flags] = (this.#words[flags] & CLEARED) | KNOWN;
    if (account === undefined) return;
    writeAccount(this.#view, entry * ENTRY_BYTES + VALUE, account);
    this.#words[flags] |= EXISTS | this.#codeFlag(entry);
  }

  /** Remembers a word that was read elsewhere. */
  setStorage(address: Uint8Array, slot: Uint8Array, word: Uint8Array): void {
    const entry = this.#slot(this.#owner(address, 0), slot, 0);
    this.#bytes.set(word, entry * ENTRY_BYTES + VALUE);
  }

  /** Takes a block's changes. */
  apply(diff: EncodedDiff): void {
    const cursor = new DiffCursor(diff);
    while (cursor.next()) {
      const entry = this.#owner(diff, cursor.address);
      const word = entry * ENTRY_WORDS;
      let flags = KNOWN | (this.#words[word + FLAGS] & CLEARED);
      if (cursor.cleared || !cursor.exists) {
        flags |= CLEARED;
        this.#words[word + EPOCH]++;
      }
      if (cursor.exists) {
        this.#copy(entry, diff, cursor.account, ACCOUNT_BYTES);
        flags |= EXISTS | this.#codeFlag(entry);
      }
      this.#words[word + FLAGS] = flags;
      for (let slot = cursor.slots; slot < cursor.end; slot += SLOT_BYTES) {
        this.#copy(this.#slot(entry, diff, slot), diff, slot + WORD_BYTES, WORD_BYTES);
      }
    }
  }

  /** Forgets everything. */
  clear(): void {
    this.#buckets.fill(0);
    this.#words.fill(0, 0, (this.#count + 1) * ENTRY_WORDS);
    this.#count = 0;
  }

  #hashAccount(bytes: Uint8Array, at: number): number {
    return hashOf(bytes, at, ADDRESS_BYTES, this.#seed);
  }

  /** The entry of a key, or 0. `owner`: entry of the slot's account, 0 for an account. */
  #find(hash: number, owner: number, key: Uint8Array, at: number, keyBytes: number): number {
    const buckets = this.#buckets;
    const words = this.#words;
    const mask = buckets.length - 1;
    for (let bucket = hash & mask; ; bucket = (bucket + 1) & mask) {
      const entry = buckets[bucket];
      if (entry === 0) return 0;
      if (words[entry * ENTRY_WORDS] !== hash) continue;
      if (owner !== 0 && words[entry * ENTRY_WORDS + FLAGS] !== owner + OWNERS) continue;
      if (owner === 0 && words[entry * ENTRY_WORDS + FLAGS] >= OWNERS) continue;
      if (this.#hasKey(entry, key, at, keyBytes)) return entry;
    }
  }

  #hasKey(entry: number, key: Uint8Array, at: number, keyBytes: number): boolean {
    const own = entry * ENTRY_BYTES;
    const bytes = this.#bytes;
    for (let i = 0; i < keyBytes; i++) if (bytes[own + i] !== key[at + i]) return false;
    return true;
  }

  /** The entry of an account, made where there is none. */
  #owner(bytes: Uint8Array, address: number): number {
    const hash = this.#hashAccount(bytes, address);
    const entry = this.#find(hash, 0, bytes, address, ADDRESS_BYTES);
    return entry === 0 ? this.#add(hash, 0, bytes, address, ADDRESS_BYTES) : entry;
  }

  /** The entry of a slot, made where there is none, good since its account's storage was last dropped. */
  #slot(owner: number, bytes: Uint8Array, slot: number): number {
    const hash = hashOf(bytes, slot, WORD_BYTES, this.#words[owner * ENTRY_WORDS]);
    let entry = this.#find(hash, owner, bytes, slot, WORD_BYTES);
    if (entry === 0) entry = this.#add(hash, owner + OWNERS, bytes, slot, WORD_BYTES);
    this.#words[entry * ENTRY_WORDS + EPOCH] = this.#words[owner * ENTRY_WORDS + EPOCH];
    return entry;
  }

  #add(hash: number, flags: number, key: Uint8Array, at: number, keyBytes: number): number {
    if ((this.#count + 2) * 2 > this.#buckets.length) this.#grow();
    const entry = ++this.#count;
    const own = entry * ENTRY_BYTES;
    const bytes = this.#bytes;
    for (let i = 0; i < keyBytes; i++) bytes[own + i] = key[at + i];
    this.#words[entry * ENTRY_WORDS] = hash;
    this.#words[entry * ENTRY_WORDS + FLAGS] = flags;
    this.#words[entry * ENTRY_WORDS + EPOCH] = 0;
    this.#place(entry, hash);
    return entry;
  }

  #place(entry: number, hash: number): void {
    const mask = this.#buckets.length - 1;
    let bucket = hash & mask;
    while (this.#buckets[bucket] !== 0) bucket = (bucket + 1) & mask;
    this.#buckets[bucket] = entry;
  }

  #grow(): void {
    const size = this.#buckets.length * 2;
    const entries = size / 2;
    const words = new Uint32Array(entries * ENTRY_WORDS);
    words.set(this.#words.subarray(0, (this.#count + 1) * ENTRY_WORDS));
    const bytes = new Uint8Array(entries * ENTRY_BYTES);
    bytes.set(this.#bytes.subarray(0, (this.#count + 1) * ENTRY_BYTES));
    this.#words = words;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
    this.#buckets = new Uint32Array(size);
    for (let entry = 1; entry <= this.#count; entry++) {
      this.#place(entry, words[entry * ENTRY_WORDS]);
    }
  }

  #copy(entry: number, from: Uint8Array, at: number, length: number): void {
    const own = entry * ENTRY_BYTES + VALUE;
    const bytes = this.#bytes;
    for (let i = 0; i < length; i++) bytes[own + i] = from[at + i];
  }

  #codeFlag(entry: number): number {
    const at = entry * ENTRY_BYTES + VALUE + 40;
    for (let i = 0; i < WORD_BYTES; i++) if (this.#bytes[at + i] !== EMPTY_CODE_HASH[i]) return 0;
    return NO_CODE;
  }
}
