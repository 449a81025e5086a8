/**
 * A state in shared memory: one thread writes it between blocks, and every thread of an executor reads it for itself.
 *
 * ```
 * index    pairs of u32 (record, hash), open addressing with linear probing; record 0: empty
 * records  u32 words:
 *          account  flags · address (5) · nonce (2) · balance, four little-endian limbs (8) · code hash (8) · storage id
 *          slot     storage id · key (8) · value (8)
 * ```
 *
 * Dropping an account's storage gives it a new storage id. Code and block hashes stay with the thread that has the state: they are
 * asked for once a contract, not once a transaction.
 *
 * @module
 */
import { randomFillSync } from "node:crypto";
import { LanewiseError } from "../core/index.ts";
import { bytesOf, hexOf } from "./hex.ts";
import { createMemoryState, type MemoryStateData, type MutableState } from "./memory.ts";
import type { Account, DirectReads, SharedReads, StateDiff, StateSource } from "./source.ts";

const NONCE = 6;
/** Nonce, balance and code hash lie side by side, as readers take them. */
const ACCOUNT_VALUE_WORDS = 18;
const STORAGE_ID = 24;
const ACCOUNT_WORDS = 25;
const VALUE = 9;
const SLOT_WORDS = 17;
const EXISTS = 1;
/** First word of a record; an account's has the high bit, which no storage id has. */
const ACCOUNT = 0x80000000;

const LEAST_INDEX = 1 << 10;
const LEAST_RECORD_WORDS = 1 << 14;

const missing = (what: string): LanewiseError =>
  new LanewiseError("ERR_STATE_MISSING", `${what}: not in the state given`);

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
      if ((records[record] & ~EXISTS) >>> 0 !== first) continue;
      for (let i = 0; i < count; i++) {
        if (records[record + 1 + i] !== words[at + i]) continue probe;
      }
      return 2 * slot;
    }
  }

  /** The account's record, or 0 where the state does not list it. */
  account(words: Uint32Array, address: number): number {
    const hash = this.hash(ACCOUNT, words, address, 5);
    return this.index[this.find(ACCOUNT, words, address, 5, hash)];
  }

  slot(storageId: number, words: Uint32Array, key: number): number {
    const hash = this.hash(storageId, words, key, 8);
    return this.index[this.find(storageId, words, key, 8, hash)];
  }
}

const nameAt = (words: Uint32Array, at: number, bytes: number): string =>
  hexOf(Uint8Array.from(new Uint8Array(words.buffer, words.byteOffset + 4 * at, bytes)));

function createReads(table: () => Table): DirectReads {
  const accountRecord = (of: Table, words: Uint32Array, address: number): number => {
    const record = of.account(words, address);
    if (record === 0 && !of.shared.complete) throw missing(`account ${nameAt(words, address, 20)}`);
    return record;
  };
  return {
    readAccount(words, address, out) {
      const of = table();
      const record = accountRecord(of, words, address);
      const { records } = of;
      if ((records[record] & EXISTS) === 0) return false;
      for (let i = 0; i < ACCOUNT_VALUE_WORDS; i++) words[out + i] = records[record + NONCE + i];
      return true;
    },
    readStorage(words, address, slot, out) {
      const of = table();
      const { records } = of;
      const owner = accountRecord(of, words, address);
      const record = owner === 0 ? 0 : of.slot(records[owner + STORAGE_ID], words, slot);
      if (record !== 0) {
        for (let i = 0; i < 8; i++) words[out + i] = records[record + VALUE + i];
        return;
      }
      if (!of.shared.complete && (records[owner] & EXISTS) !== 0) {
        throw missing(`storage ${nameAt(words, slot, 32)} of ${nameAt(words, address, 20)}`);
      }
      words.fill(0, out, out + 8);
    },
  };
}

/** Reads, in any thread, the state that a {@link StateSource} has shared. */
export function openSharedState(shared: SharedReads): DirectReads {
  const table = new Table(shared);
  return createReads(() => table);
}

/** Writes to the tables, which move to larger ones as they fill. */
class Writer {
  table: Table;
  #records = 0;
  #nextWord = 1;
  #nextStorageId = 2;

  constructor(complete: boolean, records: number) {
    let index = LEAST_INDEX;
    while (index < 2 * records) index *= 2;
    const words = Math.max(LEAST_RECORD_WORDS, records * ACCOUNT_WORDS);
    this.table = createTable(complete, index, words);
  }

  /** The record with this first word and key, made where there is none. */
  #record(first: number, key: Uint32Array, count: number, words: number): number {
    if (2 * (this.#records + 1) > this.table.index.length / 2) this.#grow();
    if (this.#nextWord + words > this.table.records.length) this.#grow();
    const { table } = this;
    const hash = table.hash(first, key, 0, count);
    const at = table.find(first, key, 0, count, hash);
    if (table.index[at] !== 0) return table.index[at];
    const record = this.#nextWord;
    this.#nextWord += words;
    this.#records++;
    table.records[record] = first;
    table.records.set(key, record + 1);
    table.index[at + 1] = hash;
    table.index[at] = record;
    return record;
  }

  #grow(): void {
    const old = this.table;
    const { complete } = old.shared;
    this.table = createTable(complete, old.index.length, 2 * old.records.length);
    const { index, records } = this.table;
    records.set(old.records);
    const mask = index.length / 2 - 1;
    for (let i = 0; i < old.index.length; i += 2) {
      if (old.index[i] === 0) continue;
      const first = (records[old.index[i]] & ~EXISTS) >>> 0;
      const key = records.subarray(
        old.index[i] + 1,
        old.index[i] + 1 + (first === ACCOUNT ? 5 : 8),
      );
      const hash = this.table.hash(first, key, 0, key.length);
      let slot = hash & mask;
      while (index[2 * slot] !== 0) slot = (slot + 1) & mask;
      index[2 * slot + 1] = hash;
      index[2 * slot] = old.index[i];
    }
  }

  /** Sets an account, or that there is none; its record. */
  setAccount(address: Uint8Array, account: Account | undefined): number {
    const record = this.#record(ACCOUNT, wordsOf(address), 5, ACCOUNT_WORDS);
    const { records } = this.table;
    records[record] = (ACCOUNT | (account ? EXISTS : 0)) >>> 0;
    records.fill(0, record + NONCE, record + NONCE + ACCOUNT_VALUE_WORDS);
    if (records[record + STORAGE_ID] === 0 || !account) this.dropStorage(record);
    if (!account) return record;
    const view = new DataView(records.buffer, 4 * (record + NONCE));
    view.setBigUint64(0, account.nonce, true);
    for (let i = 0, rest = account.balance; i < 4; i++, rest >>= 64n) {
      view.setBigUint64(8 + 8 * i, rest, true); // takes the low 64 bits
    }
    records.set(wordsOf(account.codeHash), record + NONCE + 10);
    return record;
  }

  dropStorage(account: number): void {
    this.table.records[account + STORAGE_ID] = this.#nextStorageId;
    this.#nextStorageId += 2; // even: the lowest bit of a record's first word is a flag
  }

  setSlot(account: number, slot: Uint8Array, value: Uint8Array): void {
    const storageId = this.table.records[account + STORAGE_ID];
    const record = this.#record(storageId, wordsOf(slot), 8, SLOT_WORDS);
    this.table.records.set(wordsOf(value), record + VALUE);
  }
}

function createTable(complete: boolean, indexPairs: number, recordWords: number): Table {
  const multipliers = new SharedArrayBuffer(40);
  randomFillSync(new Uint32Array(multipliers));
  return new Table({
    complete,
    index: new SharedArrayBuffer(8 * indexPairs),
    records: new SharedArrayBuffer(4 * recordWords),
    multipliers,
  });
}

/** Bytes as words of the platform, copied. */
function wordsOf(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(Uint8Array.from(bytes).buffer);
}

/**
 * Copies a state into shared memory. Its source answers other threads as well; `apply` must not run while a block executes on it.
 *
 * @throws LanewiseError as {@link createMemoryState}'s reads, for a partial state.
 */
export function createSharedState(data: MemoryStateData): MutableState {
  let count = data.accounts.size;
  for (const account of data.accounts.values()) count += account?.storage.size ?? 0;
  const writer = new Writer(data.complete, count + 64);
  const code = new Map(data.code);
  const blockHashes = new Map(data.blockHashes);
  for (const [address, account] of data.accounts) {
    const record = writer.setAccount(bytesOf(address), account);
    for (const [slot, value] of account?.storage ?? []) {
      writer.setSlot(record, bytesOf(slot), value);
    }
  }
  const rest = createMemoryState({ ...data, accounts: new Map(), code, blockHashes });
  const direct = createReads(() => writer.table);
  // One question at a time in words of our own: address, slot, answer.
  const scratch = new Uint32Array(5 + 8 + ACCOUNT_VALUE_WORDS);
  const bytes = new Uint8Array(scratch.buffer);
  const view = new DataView(scratch.buffer);
  const OUT = 13;
  const source: StateSource = {
    account(address): Account | undefined {
      bytes.set(address, 0);
      if (!direct.readAccount(scratch, 0, OUT)) return undefined;
      let balance = 0n;
      for (let i = 3; i >= 0; i--) {
        balance = (balance << 64n) | view.getBigUint64(4 * OUT + 8 + 8 * i, true);
      }
      const codeHash = bytes.slice(4 * OUT + 40, 4 * OUT + 72);
      return { nonce: view.getBigUint64(4 * OUT, true), balance, codeHash };
    },
    storage(address, slot): Uint8Array {
      bytes.set(address, 0);
      bytes.set(slot, 20);
      direct.readStorage(scratch, 0, 5, OUT);
      return bytes.slice(4 * OUT, 4 * OUT + 32);
    },
    code: (codeHash) => rest.code(codeHash),
    blockHash: (number) => rest.blockHash(number),
    direct,
    share: () => writer.table.shared,
  };
  return {
    source,
    apply(diff: StateDiff) {
      for (const [address, change] of diff) {
        const record = writer.setAccount(bytesOf(address), change.account);
        if (change.account === undefined) continue;
        if (change.code !== undefined) code.set(hexOf(change.account.codeHash), change.code);
        if (change.storageCleared) writer.dropStorage(record);
        for (const [slot, value] of change.storage) writer.setSlot(record, bytesOf(slot), value);
      }
    },
    setBlockHash(number, hash) {
      blockHashes.set(number, hash);
      blockHashes.delete(number - 257n);
    },
  };
}
