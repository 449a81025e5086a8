/**
 * Where execution reads state from, and the shape in which it hands changes back.
 *
 * @module
 */

/** An account as the state trie knows it (Yellow Paper §4.1), without its storage. */
export interface Account {
  readonly nonce: bigint;
  /** wei */
  readonly balance: bigint;
  /** keccak256 of the code; {@link EMPTY_CODE_HASH} where there is none. */
  readonly codeHash: Uint8Array;
}

/**
 * Synchronous reads of the state before a block.
 *
 * A source that does not hold the whole state throws `LanewiseError` `ERR_STATE_MISSING`, naming the key, instead of answering
 * "does not exist" for something it cannot know.
 */
export interface StateSource {
  /** The account, or `undefined` where none exists. `address`: 20 bytes. */
  account(address: Uint8Array): Account | undefined;
  /** The 32-byte storage word at a 32-byte slot; zero where none is set. */
  storage(address: Uint8Array, slot: Uint8Array): Uint8Array;
  /** Code by its hash. */
  code(codeHash: Uint8Array): Uint8Array;
  /**
   * Whether the account has any storage. Asked where a contract is created at an account without nonce and code (EIP-7610), which
   * no account of mainnet with storage is; a source that cannot tell leaves it out.
   */
  hasStorage?(address: Uint8Array): boolean;
  /** Hash of one of the 256 blocks before the one executed (BLOCKHASH). */
  blockHash(number: bigint): Uint8Array;
  /** The same accounts and storage without an object per read, where the source can. */
  readonly direct?: DirectReads | undefined;
  /** What other threads read the same accounts and storage from (`openSharedState`), where the source is in shared memory. */
  share?(): SharedReads;
}

/** Reads that copy words of the reader's memory, as an executor wants them; throw as {@link StateSource} does. */
export interface DirectReads {
  /**
   * The account of the 20-byte address at word `address` of `words`: nonce u64, balance as four little-endian limbs and 32-byte code
   * hash to word `out`. False where none exists.
   */
  readAccount(words: Uint32Array, address: number, out: number): boolean;
  /** The 32-byte value of the slot at word `slot` to word `out`. */
  readStorage(words: Uint32Array, address: number, slot: number, out: number): void;
}

/** Buffers of a state in shared memory (`shared-state.ts`); can be posted to other threads. */
export interface SharedReads {
  /** Whether what is not listed does not exist. */
  readonly complete: boolean;
  readonly index: SharedArrayBuffer;
  readonly records: SharedArrayBuffer;
  readonly multipliers: SharedArrayBuffer;
}

/** What a block did to one account. */
export interface AccountChange {
  /** The account after the block; `undefined` where it no longer exists. */
  readonly account: Account | undefined;
  /** New code, where it changed. */
  readonly code?: Uint8Array;
  /** Whether all storage was dropped before the writes below (self-destruct, re-creation). */
  readonly storageCleared: boolean;
  /** Slots written, as 0x-prefixed 32-byte hex → value; a zero value deletes the slot. Unchanged slots are left out. */
  readonly storage: ReadonlyMap<string, Uint8Array>;
}

/** Everything a block changed: 0x-prefixed lower-case address → change. */
export type StateDiff = ReadonlyMap<string, AccountChange>;
