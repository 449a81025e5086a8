/**
 * A `StateManagerInterface` over a {@link StateSource}: journaled maps in memory, reading the source once per key.
 *
 * Every write pushes the value it replaces onto one undo log; a checkpoint is a position in that log, so that a revert costs
 * what was written since and a commit costs nothing.
 *
 * @module
 */
import type { StateManagerInterface } from "@ethereumjs/common";
import {
  Account,
  type Address,
  bytesToUnprefixedHex,
  equalsBytes,
  KECCAK256_NULL,
  KECCAK256_NULL_S,
  KECCAK256_RLP,
  setLengthLeft,
  unpadBytes,
} from "@ethereumjs/util";
import { keccak_256 } from "@noble/hashes/sha3.js";
import type { AccountChange, StateDiff, StateSource } from "../../state/source.ts";

type AccountFields = Parameters<StateManagerInterface["modifyAccountFields"]>[1];

const EMPTY = new Uint8Array(0);
const ZERO_WORD = new Uint8Array(32);

/** One account in memory: what the source said, what execution made of it, and the slots touched. */
interface Entry {
  readonly address: Uint8Array;
  readonly original: Account | undefined;
  current: Account | undefined;
  /** Storage no longer reads through to the source: the account was destroyed or created anew. */
  cleared: boolean;
  /** slot (unprefixed hex) → value without leading zeros; a mirror of the source until written. */
  slots: Map<string, Uint8Array>;
}

const copyOf = (account: Account): Account =>
  new Account(account.nonce, account.balance, account.storageRoot, account.codeHash);

const asWord = (value: Uint8Array): Uint8Array => setLengthLeft(value, 32);

/** Journaled state of one block. */
export class JournaledState implements StateManagerInterface {
  /** The first error thrown by the source, in a box so that even `undefined` counts. */
  #failure: { readonly error: unknown } | undefined;
  readonly originalStorageCache: StateManagerInterface["originalStorageCache"];

  readonly #source: StateSource;
  readonly #entries = new Map<string, Entry>();
  readonly #code = new Map<string, Uint8Array>();
  readonly #undo: (() => void)[] = [];
  readonly #checkpoints: number[] = [];
  /** Values at the start of the current transaction of slots written since (EIP-2200). */
  readonly #transactionStart = new Map<string, Uint8Array>();

  constructor(source: StateSource) {
    this.#source = source;
    this.originalStorageCache = {
      get: async (address, key) =>
        this.#transactionStart.get(`${address.toString()}${bytesToUnprefixedHex(key)}`) ??
        this.#readStorage(this.#entry(address), key),
      clear: () => this.#transactionStart.clear(),
    };
  }

  /** Runs a read of the source and remembers what it threw. */
  read<Value>(read: () => Value): Value {
    try {
      return read();
    } catch (error) {
      this.#failure ??= { error };
      throw error;
    }
  }

  /** Rethrows the first error of the source: an interpreter may have swallowed it. */
  throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  #entry(address: Address): Entry {
    const key = address.toString();
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      const known = this.read(() => this.#source.account(address.bytes));
      const original =
        known === undefined
          ? undefined
          : new Account(known.nonce, known.balance, KECCAK256_RLP, known.codeHash);
      entry = {
        address: address.bytes,
        original,
        current: original,
        cleared: false,
        slots: new Map(),
      };
      this.#entries.set(key, entry);
    }
    return entry;
  }

  #readStorage(entry: Entry, key: Uint8Array): Uint8Array {
    const slot = bytesToUnprefixedHex(key);
    let value = entry.slots.get(slot);
    if (value === undefined) {
      value =
        entry.cleared || entry.original === undefined
          ? EMPTY
          : unpadBytes(this.read(() => this.#source.storage(entry.address, key)));
      entry.slots.set(slot, value);
    }
    return value;
  }

  #setAccount(entry: Entry, account: Account | undefined): void {
    const before = entry.current;
    this.#undo.push(() => {
      entry.current = before;
    });
    entry.current = account;
  }

  async getAccount(address: Address): Promise<Account | undefined> {
    const { current } = this.#entry(address);
    return current === undefined ? undefined : copyOf(current);
  }

  async putAccount(address: Address, account?: Account): Promise<void> {
    if (account === undefined) return this.deleteAccount(address);
    this.#setAccount(this.#entry(address), copyOf(account));
  }

  async deleteAccount(address: Address): Promise<void> {
    this.#setAccount(this.#entry(address), undefined);
    await this.clearStorage(address);
  }

  async modifyAccountFields(address: Address, fields: AccountFields): Promise<void> {
    const account = (await this.getAccount(address)) ?? new Account();
    await this.putAccount(address, Object.assign(account, fields));
  }

  async putCode(address: Address, code: Uint8Array): Promise<void> {
    const codeHash = code.length === 0 ? KECCAK256_NULL : keccak_256(code);
    if (code.length > 0) this.#code.set(bytesToUnprefixedHex(codeHash), code);
    await this.modifyAccountFields(address, { codeHash });
  }

  async getCode(address: Address): Promise<Uint8Array> {
    const { current } = this.#entry(address);
    return current === undefined ? EMPTY : this.#codeOf(current.codeHash);
  }

  #codeOf(codeHash: Uint8Array): Uint8Array {
    const key = bytesToUnprefixedHex(codeHash);
    if (`0x${key}` === KECCAK256_NULL_S) return EMPTY;
    let code = this.#code.get(key);
    if (code === undefined) {
      code = this.read(() => this.#source.code(codeHash));
      this.#code.set(key, code);
    }
    return code;
  }

  async getCodeSize(address: Address): Promise<number> {
    return (await this.getCode(address)).length;
  }

  async getStorage(address: Address, key: Uint8Array): Promise<Uint8Array> {
    return this.#readStorage(this.#entry(address), key);
  }

  async putStorage(address: Address, key: Uint8Array, value: Uint8Array): Promise<void> {
    const entry = this.#entry(address);
    const slot = bytesToUnprefixedHex(key);
    const { slots } = entry;
    // System calls write slots that nobody has read: what the source holds there does not matter then.
    const before = slots.get(slot);
    const startKey = `${address.toString()}${slot}`;
    if (before !== undefined && !this.#transactionStart.has(startKey)) {
      this.#transactionStart.set(startKey, before);
    }
    this.#undo.push(() => {
      if (before === undefined) slots.delete(slot);
      else slots.set(slot, before);
    });
    slots.set(slot, unpadBytes(value));
  }

  async clearStorage(address: Address): Promise<void> {
    const entry = this.#entry(address);
    const { slots, cleared } = entry;
    this.#undo.push(() => {
      entry.slots = slots;
      entry.cleared = cleared;
    });
    entry.slots = new Map();
    entry.cleared = true;
  }

  async checkpoint(): Promise<void> {
    this.#checkpoints.push(this.#undo.length);
  }

  async commit(): Promise<void> {
    this.#checkpoints.pop();
    if (this.#checkpoints.length === 0) this.#undo.length = 0;
  }

  async revert(): Promise<void> {
    const target = this.#checkpoints.pop() ?? 0;
    while (this.#undo.length > target) this.#undo.pop()?.();
  }

  /** Part of the interface; this state keeps no trie, so a receipt before Byzantium carries no root from here. */
  async getStateRoot(): Promise<Uint8Array> {
    return ZERO_WORD;
  }
  async setStateRoot(): Promise<void> {}
  async hasStateRoot(): Promise<boolean> {
    return false;
  }
  clearCaches(): void {}
  shallowCopy(): StateManagerInterface {
    return new JournaledState(this.#source);
  }

  /** What differs from the source. */
  diff(): StateDiff {
    const changes = new Map<string, AccountChange>();
    for (const [address, entry] of this.#entries) {
      const change = this.#changeOf(entry);
      if (change !== undefined) changes.set(address, change);
    }
    return changes;
  }

  #changeOf(entry: Entry): AccountChange | undefined {
    const { original, current } = entry;
    const storage = new Map<string, Uint8Array>();
    if (current !== undefined) {
      for (const [slot, value] of entry.slots) {
        const word = asWord(value);
        const key = Uint8Array.from(Buffer.from(slot, "hex"));
        const before =
          entry.cleared || original === undefined ? ZERO_WORD : this.#originalWord(entry, key);
        if (before === undefined || !equalsBytes(before, word)) storage.set(`0x${slot}`, word);
      }
    }
    const storageCleared = entry.cleared && original !== undefined;
    const codeChanged =
      current !== undefined && !equalsBytes(current.codeHash, original?.codeHash ?? KECCAK256_NULL);
    const same =
      current === undefined || original === undefined
        ? current === original
        : current.nonce === original.nonce && current.balance === original.balance;
    if (same && !codeChanged && !storageCleared && storage.size === 0) return undefined;
    return {
      account:
        current === undefined
          ? undefined
          : { nonce: current.nonce, balance: current.balance, codeHash: current.codeHash },
      ...(codeChanged ? { code: this.#codeOf(current.codeHash) } : {}),
      storageCleared,
      storage,
    };
  }

  /** The source's word, or `undefined` where it does not hold one: a slot written unseen counts as changed. */
  #originalWord(entry: Entry, key: Uint8Array): Uint8Array | undefined {
    try {
      return this.#source.storage(entry.address, key);
    } catch {
      return undefined;
    }
  }
}
