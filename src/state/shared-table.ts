/**
 * Accounts and slots as they are now, as words in shared memory: one thread writes them between blocks, and every thread of an executor
 * reads them for itself, without an object for anything.
 *
 * ```
 * index    pairs of u32 (record, hash), open addressing with linear probing; record 0: empty
 * records  u32 words:
 *          account  flags · address (5) · nonce (2) · balance, four little-endian limbs (8) · code hash (8) · storage id
 *          slot     storage id · key (8) · value (8)
 * ```
 *
 * Dropping an account's storage gives it a new storage id: slots written before are not found any more.
 *
 * @module
 */
import { randomFillSync } from "node:crypto";
import { ACCOUNT_BYTES, DiffCursor, type EncodedDiff, SLOT_BYTES, writeAccount } from "./diff.ts";
import type { Account, DirectReads, SharedReads } from "./source.ts";

const NONCE = 6;
const BALANCE = 8;
const CODE_HASH = 16;
/** Nonce, balance and code hash lie side by side, as readers take them. */
const ACCOUNT_VALUE_WORDS = 18;
const STORAGE_ID = 24;
const ACCOUNT_WORDS = 25;
const VALUE = 9;
const SLOT_WORDS = 17;

/** First word of an account's record, which has the high bit as no storage id has, and these flags. */
const ACCOUNT = 0x80000000;
const EXISTS = 1;
/** All storage was dropped: slots that are not listed are zero, also where the table is not complete. */
const CLEARED = 2;
const FLAGS = EXISTS | CLEARED;
/** Storage ids leave the flags' bits free. */
const STORAGE_IDS = FLAGS + 1;

const LEAST_INDEX = 1 << 10;
const LEAST_RECORD_WORDS = 1 << 14;

/** What is done about keys that a table does not list: either makes the table list them, or throws. */
export interface Misses {
  account(address: Uint8Array): void;
  /** The account is listed. */
  storage(address: Uint8Array, slot: Uint8Array): void;
}

/** Finds records, in any thread. */
class Table {
  readonly shared: SharedReads;
  readonly index: Uint32Array;
  readonly records: Uint32Array;
  readonly #multipliers: Uint32Array;
  readonly #mask: number;

  constructor(shared: SharedReads) {
    this.shared = shared;
    this.index = new Uint32Array(shared.index);
    this.records = new Uint32Array(shared.records);
    this.#multipliers = new Uint32Array(shared.multipliers);
    this.#mask = this.index.length / 2 - 1;
  }

  /** Multilinear hash with multipliers that nobody outside knows, its high bits folded down. */
  hash(first: number, words: Uint32Array, at: number, count: number): number {
    const multipliers = this.#multipliers;
    let hash = Math.imul(first, multipliers[0]) + multipliers[9];
    for (let i = 0; i < count; i++) {
      hash = (hash + Math.imul(words[at + i], multipliers[i + 1])) | 0;
    }
    return (hash ^ (hash >>> 15)) >>> 0;
  }

  /** Position in the index of the record with this first word and key, or of the place for it. */
  find(first: number, words: Uint32Array, at: number, count: number, hash: number): number {
    const { index, records } = this;
    const mask = this.#mask;
    probe: for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const record = index[2 * slot];
      if (record === 0) return 2 * slot;
      if (index[2 * slot + 1] !== hash) continue;
      if ((records[record] & ~FLAGS) >>> 0 !== first) continue;
      for (let i = 0; i < count; i++) {
        if (records[record + 1 + i] !== words[at + i]) continue probe;
      }
      return 2 * slot;
    }
  }

  /** The account's record, or 0 where it is not listed. */
  account(words: Uint32Array, address: number): number {
    const hash = this.hash(ACCOUNT, words, address, 5);
    return this.index[this.find(ACCOUNT, words, address, 5, hash)];
  }

  slot(storageId: number, words: Uint32Array, key: number): number {
    const hash = this.hash(storageId, words, key, 8);
    return this.index[this.find(storageId, words, key, 8, hash)];
  }
}

const bytesAt = (words: Uint32Array, at: number, bytes: number): Uint8Array =>
  Uint8Array.from(new Uint8Array(words.buffer, words.byteOffset + 4 * at, bytes));

function createReads(table: () => Table, misses: Misses): DirectReads {
  /** 0: no such account in a complete table. */
  const accountRecord = (words: Uint32Array, address: number): number => {
    const record = table().account(words, address);
    if (record !== 0 || table().shared.complete) return record;
    misses.account(bytesAt(words, address, 20));
    return table().account(words, address);
  };
  const slotRecord = (owner: number, words: Uint32Array, slot: number): number =>
    table().slot(table().records[owner + STORAGE_ID], words, slot);
  return {
    readAccount(words, address, out) {
      const record = accountRecord(words, address);
      const { records } = table();
      if (record === 0 || (records[record] & EXISTS) === 0) return false;
      for (let i = 0; i < ACCOUNT_VALUE_WORDS; i++) words[out + i] = records[record + NONCE + i];
      return true;
    },
    readStorage(words, address, slot, out) {
      const owner = accountRecord(words, address);
      let record = owner === 0 ? 0 : slotRecord(owner, words, slot);
      if (record === 0) {
        const { records, shared } = table();
        if (shared.complete || (records[owner] & FLAGS) !== EXISTS) {
          for (let i = 0; i < 8; i++) words[out + i] = 0;
          return;
        }
        misses.storage(bytesAt(words, address, 20), bytesAt(words, slot, 32));
        record = slotRecord(owner, words, slot);
      }
      const { records } = table();
      for (let i = 0; i < 8; i++) words[out + i] = records[record + VALUE + i];
    },
  };
}

/** Reads, in any thread, the table that another one has shared. */
export function openTable(shared: SharedReads, misses: Misses): DirectReads {
  const table = new Table(shared);
  return createReads(() => table, misses);
}

/** The thread that writes. Its tables move to larger ones as they fill: {@link SharedTable.shared} changes then. */
export class SharedTable {
  readonly #complete: boolean;
  #table: Table;
  #records = 0;
  #nextWord = 1;
  #nextStorageId = STORAGE_IDS;
  /** A key on its way into the table. */
  readonly #key = new Uint32Array(8);
  readonly #keyBytes = new Uint8Array(this.#key.buffer);
  /** An account's fields on their way, as a diff has them. */
  readonly #fields = new DataView(new ArrayBuffer(ACCOUNT_BYTES));

  /** `complete`: what is not listed does not exist, rather than being unknown. `records`: how many are expected. */
  constructor(complete: boolean, records = 0) {
    let index = LEAST_INDEX;
    while (index < 2 * records) index *= 2;
    this.#complete = complete;
    const words = Math.max(LEAST_RECORD_WORDS, records * ACCOUNT_WORDS);
    this.#table = createTable(complete, index, words);
  }

  /** What other threads read from; not while something is written. */
  get shared(): SharedReads {
    return this.#table.shared;
  }

  /** Accounts and slots listed. */
  get size(): number {
    return this.#records;
  }

  /** Reads in this thread, always of the table as it is now. */
  reads(misses: Misses): DirectReads {
    return createReads(() => this.#table, misses);
  }

  /** Sets an account, or that there is none. Its storage stays, unless it is gone. */
  setAccount(address: Uint8Array, account: Account | undefined): void {
    this.#keyBytes.set(address);
    const record = this.#account();
    if (account === undefined) {
      this.#drop(record);
      return;
    }
    writeAccount(this.#fields, 0, account);
    this.#setFields(record, this.#fields, 0);
  }

  /** Sets a slot of an account that is listed. */
  setStorage(address: Uint8Array, slot: Uint8Array, word: Uint8Array): void {
    this.#keyBytes.set(address);
    const storageId = this.#table.records[this.#account() + STORAGE_ID];
    this.#keyBytes.set(slot);
    const record = this.#record(storageId, 8, SLOT_WORDS);
    this.#keyBytes.set(word);
    this.#table.records.set(this.#key, record + VALUE);
  }

  /** Takes a block's changes. */
  apply(diff: EncodedDiff): void {
    const view = new DataView(diff.buffer, diff.byteOffset, diff.byteLength);
    const key = this.#key;
    const cursor = new DiffCursor(diff);
    while (cursor.next()) {
      for (let i = 0; i < 5; i++) key[i] = view.getUint32(cursor.address + 4 * i, true);
      const owner = this.#account();
      if (cursor.cleared || !cursor.exists) this.#drop(owner);
      if (!cursor.exists) continue;
      this.#setFields(owner, view, cursor.account);
      const storageId = this.#table.records[owner + STORAGE_ID];
      for (let at = cursor.slots; at < cursor.end; at += SLOT_BYTES) {
        for (let i = 0; i < 8; i++) key[i] = view.getUint32(at + 4 * i, true);
        const record = this.#record(storageId, 8, SLOT_WORDS) + VALUE;
        const { records } = this.#table;
        for (let i = 0; i < 8; i++) records[record + i] = view.getUint32(at + 32 + 4 * i, true);
      }
    }
  }

  /** Forgets everything. */
  clear(): void {
    this.#table = createTable(this.#complete, LEAST_INDEX, LEAST_RECORD_WORDS);
    this.#records = 0;
    this.#nextWord = 1;
  }

  /** Nonce, balance and code hash as a diff has them: big-endian numbers. */
  #setFields(record: number, view: DataView, at: number): void {
    const { records } = this.#table;
    records[record] = (records[record] | EXISTS) >>> 0;
    records[record + NONCE] = view.getUint32(at + 4);
    records[record + NONCE + 1] = view.getUint32(at);
    for (let i = 0; i < 8; i++) records[record + BALANCE + i] = view.getUint32(at + 36 - 4 * i);
    for (let i = 0; i < 8; i++) {
      records[record + CODE_HASH + i] = view.getUint32(at + 40 + 4 * i, true);
    }
  }

  /** Takes an account's storage away, and the account. */
  #drop(record: number): void {
    const { records } = this.#table;
    records[record] = (ACCOUNT | CLEARED) >>> 0;
    records[record + STORAGE_ID] = this.#newStorageId();
  }

  #newStorageId(): number {
    const id = this.#nextStorageId;
    this.#nextStorageId += STORAGE_IDS;
    return id;
  }

  /** The record of the account of this key, made where there is none. */
  #account(): number {
    const record = this.#record(ACCOUNT, 5, ACCOUNT_WORDS);
    const { records } = this.#table;
    if (records[record + STORAGE_ID] === 0) records[record + STORAGE_ID] = this.#newStorageId();
    return record;
  }

  /** The record with this first word and the key's first `count` words, made where there is none. */
  #record(first: number, count: number, words: number): number {
    const key = this.#key;
    let table = this.#table;
    const hash = table.hash(first, key, 0, count);
    let at = table.find(first, key, 0, count, hash);
    if (table.index[at] !== 0) return table.index[at];
    const isFull =
      2 * (this.#records + 1) > table.index.length / 2 ||
      this.#nextWord + words > table.records.length;
    if (isFull) {
      this.#grow();
      table = this.#table;
      at = table.find(first, key, 0, count, hash);
    }
    const { index, records } = table;
    const record = this.#nextWord;
    this.#nextWord += words;
    this.#records++;
    records[record] = first;
    for (let i = 0; i < count; i++) records[record + 1 + i] = key[i];
    index[at + 1] = hash;
    index[at] = record;
    return record;
  }

  /** Moves to tables of twice the size. */
  #grow(): void {
    const { index: oldIndex, records: oldRecords, shared } = this.#table;
    const { multipliers } = shared;
    this.#table = createTable(this.#complete, oldIndex.length, 2 * oldRecords.length, multipliers);
    const { index, records } = this.#table;
    records.set(oldRecords);
    const mask = index.length / 2 - 1;
    for (let i = 0; i < oldIndex.length; i += 2) {
      if (oldIndex[i] === 0) continue;
      let slot = oldIndex[i + 1] & mask;
      while (index[2 * slot] !== 0) slot = (slot + 1) & mask;
      index[2 * slot + 1] = oldIndex[i + 1];
      index[2 * slot] = oldIndex[i];
    }
  }
}

/** Nine multipliers and an offset, from the system's random numbers. */
function randomMultipliers(): SharedArrayBuffer {
  const multipliers = new SharedArrayBuffer(40);
  randomFillSync(new Uint32Array(multipliers));
  return multipliers;
}

function createTable(
  complete: boolean,
  indexPairs: number,
  recordWords: number,
  multipliers = randomMultipliers(),
): Table {
  return new Table({
    complete,
    index: new SharedArrayBuffer(8 * indexPairs),
    records: new SharedArrayBuffer(4 * recordWords),
    multipliers,
  });
}

/** The reads of a {@link DirectReads}, with an object each. */
export function objectReads(direct: DirectReads): {
  account(address: Uint8Array): Account | undefined;
  storage(address: Uint8Array, slot: Uint8Array): Uint8Array;
} {
  // One question at a time in words of our own: address, slot, answer.
  const OUT = 13;
  const scratch = new Uint32Array(OUT + ACCOUNT_VALUE_WORDS);
  const bytes = new Uint8Array(scratch.buffer);
  const view = new DataView(scratch.buffer);
  return {
    account(address) {
      bytes.set(address, 0);
      if (!direct.readAccount(scratch, 0, OUT)) return undefined;
      let balance = 0n;
      for (let i = 3; i >= 0; i--) {
        balance = (balance << 64n) | view.getBigUint64(4 * OUT + 8 + 8 * i, true);
      }
      const codeHash = bytes.slice(4 * OUT + 40, 4 * OUT + 72);
      return { nonce: view.getBigUint64(4 * OUT, true), balance, codeHash };
    },
    storage(address, slot) {
      bytes.set(address, 0);
      bytes.set(slot, 20);
      direct.readStorage(scratch, 0, 5, OUT);
      return bytes.slice(4 * OUT, 4 * OUT + 32);
    },
  };
}
