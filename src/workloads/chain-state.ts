/**
 * The state of a generated chain while it is made: a complete state in memory that takes each block's changes.
 *
 * @module
 */
import { RLP } from "@ethereumjs/rlp";
import { keccak_256 } from "@noble/hashes/sha3.js";
import {
  createMemoryState,
  EMPTY_CODE_HASH,
  type MemoryAccount,
  type MemoryStateData,
} from "../state/memory.ts";
import type { StateDiff, StateSource } from "../state/source.ts";

/** 0x-prefixed lower-case hex. */
export const toHex = (bytes: Uint8Array): string => `0x${Buffer.from(bytes).toString("hex")}`;

/** Bytes of hex with or without 0x. */
export const fromHex = (hex: string): Uint8Array =>
  Uint8Array.from(Buffer.from(hex.replace(/^0x/, ""), "hex"));

/** Address of the contract that `sender` creates with the transaction of this nonce (Yellow Paper §7). */
export function creationAddress(sender: Uint8Array, nonce: number): Uint8Array {
  return keccak_256(RLP.encode([sender, nonce])).slice(12);
}

/** A state that is written to, and read by an executor. */
export interface ChainState {
  /** Reads what was written so far. */
  readonly source: StateSource;
  /** Gives an account a balance in wei, and a nonce of zero. */
  fund(address: Uint8Array, balance: bigint): void;
  /** Puts code at an address, with nonce 1. */
  setCode(address: Uint8Array, code: Uint8Array): void;
  /** Writes one storage word of an account that exists. */
  setStorage(address: Uint8Array, slot: Uint8Array, word: Uint8Array): void;
  /** Takes a block's changes. */
  apply(diff: StateDiff): void;
  /** Remembers a block's hash for BLOCKHASH. */
  setBlockHash(number: bigint, hash: Uint8Array): void;
  /** The state as it is now; later writes do not reach it. */
  snapshot(): MemoryStateData;
}

interface MutableAccount extends MemoryAccount {
  readonly storage: Map<string, Uint8Array>;
}

const isZero = (word: Uint8Array): boolean => word.every((byte) => byte === 0);

const copyAccounts = (
  accounts: ReadonlyMap<string, MemoryAccount | undefined>,
): Map<string, MutableAccount | undefined> =>
  new Map(
    [...accounts].map(([address, account]) => [
      address,
      account && { ...account, storage: new Map(account.storage) },
    ]),
  );

/** An empty state, or one that begins as a copy of another. */
export function createChainState(initial?: MemoryStateData): ChainState {
  const accounts = copyAccounts(initial?.accounts ?? new Map());
  const code = new Map(initial?.code);
  const blockHashes = new Map(initial?.blockHashes);
  const source = createMemoryState({ complete: true, accounts, code, blockHashes });
  return {
    source,
    fund(address, balance) {
      const account = { nonce: 0n, balance, codeHash: EMPTY_CODE_HASH, storage: new Map() };
      accounts.set(toHex(address), account);
    },
    setCode(address, bytes) {
      const codeHash = keccak_256(bytes);
      code.set(toHex(codeHash), bytes);
      accounts.set(toHex(address), { nonce: 1n, balance: 0n, codeHash, storage: new Map() });
    },
    setStorage(address, slot, word) {
      const account = accounts.get(toHex(address));
      if (account === undefined) throw new RangeError(`no account at ${toHex(address)}`);
      account.storage.set(toHex(slot), word);
    },
    apply(diff) {
      for (const [address, change] of diff) {
        const before = accounts.get(address);
        if (change.code !== undefined) code.set(toHex(keccak_256(change.code)), change.code);
        if (change.account === undefined) {
          accounts.delete(address);
          continue;
        }
        const storage = change.storageCleared ? new Map() : (before?.storage ?? new Map());
        for (const [slot, word] of change.storage) {
          if (isZero(word)) storage.delete(slot);
          else storage.set(slot, word);
        }
        accounts.set(address, { ...change.account, storage });
      }
    },
    setBlockHash(number, hash) {
      blockHashes.set(number, hash);
    },
    snapshot() {
      return {
        complete: true,
        accounts: copyAccounts(accounts),
        code: new Map(code),
        blockHashes: new Map(blockHashes),
      };
    },
  };
}
