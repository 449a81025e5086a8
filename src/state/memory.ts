/**
 * State in memory, and the JSON forms it is read from.
 *
 * A state is *complete* (a genesis allocation: what is not listed does not exist) or *partial* (the part that a block
 * touched: what is not listed is unknown, and a read of it throws `ERR_STATE_MISSING`). Inside a partial state, `null` for an
 * account says that it does not exist.
 *
 * Three JSON forms are read, told apart by their shape:
 *
 * - accounts by address, `{balance, nonce, code_hash?, code?, storage?}` (pevm's `pre_state.json`, genesis `alloc`);
 * - `{accounts, code, storage}`, each by address (the EthereumJS client's *recording*: all that one block read);
 * - either of these inside `{alloc: …}` for a complete state.
 *
 * @module
 */
import { keccak_256 } from "@noble/hashes/sha3.js";
import { LanewiseError } from "../core/index.ts";
import type { Account, AccountChange, StateDiff, StateSource } from "./source.ts";

/** keccak256 of no code. */
export const EMPTY_CODE_HASH: Uint8Array = keccak_256(new Uint8Array(0));

/** One account of a {@link MemoryState}. */
export interface MemoryAccount {
  readonly nonce: bigint;
  readonly balance: bigint;
  readonly codeHash: Uint8Array;
  /** 0x-prefixed 32-byte slot → 32-byte word. */
  readonly storage: ReadonlyMap<string, Uint8Array>;
  /** Whether slots that are not listed are zero, also in a partial state: its storage was dropped since. */
  readonly isStorageWhole?: boolean;
}

/** Contents of a state. */
export interface MemoryStateData {
  /** Whether what is not listed does not exist (true) or is unknown (false). */
  readonly complete: boolean;
  /** Whether a partial state claims to hold all that its block reads, so that a read outside it is a contradiction. */
  readonly recording?: boolean;
  /** 0x-prefixed lower-case address → account; `undefined` as a value: known not to exist. */
  readonly accounts: ReadonlyMap<string, MemoryAccount | undefined>;
  /** 0x-prefixed code hash → code. */
  readonly code: ReadonlyMap<string, Uint8Array>;
  /** Block number → hash, for BLOCKHASH. */
  readonly blockHashes?: ReadonlyMap<bigint, Uint8Array>;
}

const toHex = (bytes: Uint8Array): string => `0x${Buffer.from(bytes).toString("hex")}`;
const EMPTY_CODE_KEY = toHex(EMPTY_CODE_HASH);

function missing(what: string): LanewiseError {
  return new LanewiseError("ERR_STATE_MISSING", `${what}: not in the state given`);
}

/** A {@link StateSource} over maps. */
export function createMemoryState(data: MemoryStateData): StateSource {
  const find = (address: Uint8Array): MemoryAccount | undefined => {
    const key = toHex(address);
    const account = data.accounts.get(key);
    if (account === undefined && !data.complete && !data.accounts.has(key)) {
      throw missing(`account ${key}`);
    }
    return account;
  };
  return {
    account(address): Account | undefined {
      return find(address);
    },
    storage(address, slot): Uint8Array {
      const account = find(address);
      const key = toHex(slot);
      const word = account?.storage.get(key);
      if (word !== undefined) return word;
      if (account !== undefined && !data.complete && !account.isStorageWhole) {
        throw missing(`storage ${key} of ${toHex(address)}`);
      }
      return new Uint8Array(32);
    },
    code(codeHash): Uint8Array {
      const key = toHex(codeHash);
      if (key === EMPTY_CODE_KEY) return new Uint8Array(0);
      const code = data.code.get(key);
      if (code === undefined) throw missing(`code ${key}`);
      return code;
    },
    blockHash(number): Uint8Array {
      const hash = data.blockHashes?.get(number);
      if (hash === undefined) throw missing(`hash of block ${number}`);
      return hash;
    },
  };
}

/** A state in memory that takes the changes of one block after another. */
export interface MutableState {
  /** Reads the state as it is now. */
  readonly source: StateSource;
  apply(diff: StateDiff): void;
  /** Remembers a block's hash for BLOCKHASH. */
  setBlockHash(number: bigint, hash: Uint8Array): void;
}

/** Copies a state so that it can change. */
export function createMutableState(data: MemoryStateData): MutableState {
  const accounts = new Map(data.accounts);
  const code = new Map(data.code);
  const blockHashes = new Map(data.blockHashes);
  /** Storage maps that belong to this state and not to `data`. */
  const owned = new Map<string, Map<string, Uint8Array>>();
  const ownStorage = (address: string): Map<string, Uint8Array> =>
    owned.get(address) ?? new Map(accounts.get(address)?.storage);
  return {
    source: createMemoryState({ complete: data.complete, accounts, code, blockHashes }),
    apply(diff) {
      for (const [address, change] of diff) {
        if (change.account === undefined) {
          accounts.set(address, undefined);
          owned.delete(address);
          continue;
        }
        const { codeHash } = change.account;
        if (change.code !== undefined) code.set(toHex(codeHash), change.code);
        const isStorageWhole =
          change.storageCleared ||
          accounts.get(address)?.isStorageWhole ||
          (accounts.has(address) && accounts.get(address) === undefined);
        const storage = change.storageCleared ? new Map<string, Uint8Array>() : ownStorage(address);
        for (const [slot, word] of change.storage) {
          if (data.complete && word.every((byte) => byte === 0)) storage.delete(slot);
          else storage.set(slot, word);
        }
        owned.set(address, storage);
        accounts.set(address, { ...change.account, storage, isStorageWhole });
      }
    },
    setBlockHash(number, hash) {
      blockHashes.set(number, hash);
      blockHashes.delete(number - 257n);
    },
  };
}

/** Everything that a complete state holds, as the changes that lead there from nothing. */
export function wholeState(data: MemoryStateData): StateDiff {
  const diff = new Map<string, AccountChange>();
  for (const [address, account] of data.accounts) {
    if (account === undefined) continue;
    const code = data.code.get(toHex(account.codeHash));
    const { storage } = account;
    diff.set(address, { account, storageCleared: false, storage, ...(code && { code }) });
  }
  return diff;
}

function malformed(where: string, expected: string, got: unknown): LanewiseError {
  const shown = typeof got === "string" ? got.slice(0, 80) : typeof got;
  return new LanewiseError("ERR_INPUT", `${where}: expected ${expected}, got ${shown}`);
}

type Json = Record<string, unknown>;

function asObject(value: unknown, where: string): Json {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw malformed(where, "an object", value);
  }
  return value as Json;
}

function asHex(value: unknown, where: string, bytes?: number): Uint8Array {
  if (typeof value !== "string" || !/^0x([0-9a-fA-F]{2})*$/.test(value)) {
    throw malformed(where, "0x-prefixed hex", value);
  }
  if (bytes !== undefined && value.length !== 2 + 2 * bytes) {
    throw malformed(where, `${bytes} bytes`, value);
  }
  return Uint8Array.from(Buffer.from(value.slice(2), "hex"));
}

/** A quantity as hex or a JSON number; refuses more than 256 bits. */
function asQuantity(value: unknown, where: string): bigint {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return BigInt(value);
  if (typeof value !== "string" || !/^(0x[0-9a-fA-F]{1,64}|[0-9]{1,77})$/.test(value)) {
    throw malformed(where, "a quantity of at most 256 bits", value);
  }
  const quantity = BigInt(value);
  if (quantity >> 256n !== 0n) throw malformed(where, "a quantity of at most 256 bits", value);
  return quantity;
}

function asAddress(key: string, where: string): string {
  if (!/^0x[0-9a-fA-F]{40}$/.test(key)) throw malformed(where, "a 20-byte address", key);
  return key.toLowerCase();
}

/** Storage words; slots and values may be written short. */
function asStorage(value: unknown, where: string): Map<string, Uint8Array> {
  const words = new Map<string, Uint8Array>();
  if (value === undefined || value === null) return words;
  for (const [slot, word] of Object.entries(asObject(value, where))) {
    const key = asQuantity(slot, `${where} slot`).toString(16).padStart(64, "0");
    const quantity = word === "0x" ? 0n : asQuantity(word, `${where}[${slot}]`);
    const bytes = Buffer.from(quantity.toString(16).padStart(64, "0"), "hex");
    words.set(`0x${key}`, Uint8Array.from(bytes));
  }
  return words;
}

/** Reads accounts by address. */
function readAccounts(json: Json, where: string): Omit<MemoryStateData, "complete"> {
  const accounts = new Map<string, MemoryAccount | undefined>();
  const code = new Map<string, Uint8Array>();
  for (const [key, value] of Object.entries(json)) {
    const address = asAddress(key, where);
    const at = `${where}.${address}`;
    if (value === null) {
      accounts.set(address, undefined);
      continue;
    }
    const fields = asObject(value, at);
    const claimed = fields.code_hash ?? fields.codeHash;
    let codeHash =
      claimed === undefined || claimed === null
        ? EMPTY_CODE_HASH
        : asHex(claimed, `${at}.code_hash`, 32);
    if (fields.code !== undefined && fields.code !== null) {
      const bytes = asHex(fields.code, `${at}.code`);
      const computed = keccak_256(bytes);
      if (claimed !== undefined && claimed !== null && toHex(computed) !== toHex(codeHash)) {
        throw malformed(`${at}.code`, `code with hash ${toHex(codeHash)}`, toHex(computed));
      }
      codeHash = computed;
      code.set(toHex(computed), bytes);
    }
    accounts.set(address, {
      nonce: asQuantity(fields.nonce ?? 0, `${at}.nonce`),
      balance: asQuantity(fields.balance ?? 0, `${at}.balance`),
      codeHash,
      storage: asStorage(fields.storage, `${at}.storage`),
    });
  }
  return { accounts, code };
}

/**
 * Reads `{accounts, code, storage}`. An account without an entry under `code` has none. Code of an address that is not under
 * `accounts` was called without its account being read (system contracts): nonce 1 (EIP-161) and no balance stand for it.
 */
function readRecorded(json: Json, where: string): Omit<MemoryStateData, "complete"> {
  const listed = asObject(json.accounts, `${where}.accounts`);
  const codes = asObject(json.code ?? {}, `${where}.code`);
  const storages = asObject(json.storage ?? {}, `${where}.storage`);
  const joined: Json = {};
  for (const [address, account] of Object.entries(listed)) {
    joined[asAddress(address, `${where}.accounts`)] = account;
  }
  for (const [address, code] of Object.entries(codes)) {
    const key = asAddress(address, `${where}.code`);
    if (!(key in joined) && code !== "0x") joined[key] = { nonce: 1, balance: 0 };
  }
  const part = (of: Json, name: string): Map<string, unknown> =>
    new Map(Object.entries(of).map(([key, value]) => [asAddress(key, `${where}.${name}`), value]));
  const codeOf = part(codes, "code");
  const storageOf = part(storages, "storage");
  for (const [address, account] of Object.entries(joined)) {
    if (account === null) continue;
    joined[address] = {
      ...asObject(account, `${where}.accounts.${address}`),
      ...(codeOf.has(address) ? { code: codeOf.get(address) } : {}),
      storage: storageOf.get(address) ?? {},
    };
  }
  return readAccounts(joined, where);
}

/**
 * Reads a state from parsed JSON in one of the forms above.
 *
 * @param where names the document in messages.
 * @throws LanewiseError `ERR_INPUT`, naming the field, what was expected and what was there.
 */
export function readMemoryState(json: unknown, where = "state"): MemoryStateData {
  const root = asObject(json, where);
  if (root.alloc !== undefined) {
    return { ...readMemoryState(root.alloc, `${where}.alloc`), complete: true };
  }
  if (root.accounts === undefined) return { complete: false, ...readAccounts(root, where) };
  return { complete: false, recording: true, ...readRecorded(root, where) };
}
