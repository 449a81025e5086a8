/**
 * How a state store writes what it keeps, by the first byte of the key:
 *
 * ```
 * a  address                        rlp([nonce, balance, code hash]); the code hash is empty where there is no code
 * s  address ‖ slot                 the word's shortest big-endian form
 * c  code hash                      code
 * n  0 ‖ nibbles ‖ path             RLP of a node of the account trie
 * n  1 ‖ keccak256(address) ‖ nibbles ‖ path   RLP of a node of a storage trie
 * b  block number                   block hash
 * u  block number                   what undoes the block: rlp([number, hash, root of the block before, changes])
 * h                                 rlp([number, hash, state root]) of the last block committed
 * ```
 *
 * Block numbers are 8 bytes big-endian; `nibbles` is one byte.
 *
 * @module
 */
import { decodeRlp, encodeRlp, type RlpInput, type RlpItem } from "../../chains/ethereum/rlp.ts";
import { LanewiseError } from "../../core/index.ts";
import type { StateNodePlace } from "../commitment.ts";
import { bytesOf, hexOf } from "../hex.ts";
import { EMPTY_CODE_HASH } from "../memory.ts";
import type { Account, AccountChange, StateDiff } from "../source.ts";

/** A block whose state is in the store. */
export interface StoredBlock {
  readonly number: bigint;
  /** 32 bytes */
  readonly hash: Uint8Array;
  /** 32 bytes */
  readonly stateRoot: Uint8Array;
}

/** What undoes a block. */
export interface UndoRecord {
  /** The block before. */
  readonly parent: StoredBlock;
  /** Applied to the state after the block, gives the state before it. Code is not listed: it is never deleted. */
  readonly diff: StateDiff;
}

const NOTHING = new Uint8Array(0);
const [A, S, C, N, B, U, H] = [..."ascnbuh"].map((letter) => letter.charCodeAt(0));

function keyOf(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  let length = 1;
  for (const part of parts) length += part.length;
  const key = new Uint8Array(length);
  key[0] = tag;
  let at = 1;
  for (const part of parts) {
    key.set(part, at);
    at += part.length;
  }
  return key;
}

function numberBytes(number: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, number);
  return bytes;
}

export const HEAD_KEY: Uint8Array = keyOf(H);
/** Bytes of {@link storagePrefix}: what all slots of an account have in common. */
export const STORAGE_PREFIX_BYTES = 21;
export const accountKey = (address: Uint8Array): Uint8Array => keyOf(A, address);
export const storagePrefix = (address: Uint8Array): Uint8Array => keyOf(S, address);
export const storageKey = (address: Uint8Array, slot: Uint8Array): Uint8Array =>
  keyOf(S, address, slot);
export const codeKey = (codeHash: Uint8Array): Uint8Array => keyOf(C, codeHash);
export const blockHashKey = (number: bigint): Uint8Array => keyOf(B, numberBytes(number));
export const undoKey = (number: bigint): Uint8Array => keyOf(U, numberBytes(number));
/** What all nodes of an account's storage trie have in common. */
export const nodePrefix = (owner: Uint8Array): Uint8Array => keyOf(N, Uint8Array.of(1), owner);
export const nodeKey = ({ owner, nibbles, path }: StateNodePlace): Uint8Array =>
  owner
    ? keyOf(N, Uint8Array.of(1), owner, Uint8Array.of(nibbles), path)
    : keyOf(N, Uint8Array.of(0, nibbles), path);
/** The slot of a {@link storageKey}. */
export const slotOfKey = (key: Uint8Array): Uint8Array => key.subarray(STORAGE_PREFIX_BYTES);

export const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

function damaged(what: string): LanewiseError {
  return new LanewiseError("ERR_SOURCE", `state store: the ${what} is damaged`);
}

function asBytes(item: RlpItem | undefined, what: string): Uint8Array {
  if (!(item instanceof Uint8Array)) throw damaged(what);
  return item;
}

function asList(item: RlpItem | undefined, what: string): readonly RlpItem[] {
  if (item === undefined || item instanceof Uint8Array) throw damaged(what);
  return item;
}

const asInteger = (item: RlpItem | undefined, what: string): bigint =>
  BigInt(`0x0${Buffer.from(asBytes(item, what)).toString("hex")}`);

const accountItems = ({ nonce, balance, codeHash }: Account): RlpInput => [
  nonce,
  balance,
  sameBytes(codeHash, EMPTY_CODE_HASH) ? NOTHING : codeHash,
];

function accountOf(items: readonly RlpItem[]): Account {
  const codeHash = asBytes(items[2], "account");
  return {
    nonce: asInteger(items[0], "account"),
    balance: asInteger(items[1], "account"),
    codeHash: codeHash.length === 0 ? EMPTY_CODE_HASH : codeHash,
  };
}

export const encodeAccountRecord = (account: Account): Uint8Array =>
  encodeRlp(accountItems(account));
export const decodeAccountRecord = (record: Uint8Array): Account =>
  accountOf(asList(decodeRlp(record), "account"));

/** The shortest form of a 32-byte word; empty for zero. */
export function shortWord(word: Uint8Array): Uint8Array {
  let first = 0;
  while (first < word.length && word[first] === 0) first++;
  return word.subarray(first);
}

/** The 32-byte word of its shortest form. */
export function fullWord(short: Uint8Array | undefined): Uint8Array {
  const word = new Uint8Array(32);
  if (short) word.set(short, 32 - short.length);
  return word;
}

export const encodeBlock = ({ number, hash, stateRoot }: StoredBlock): Uint8Array =>
  encodeRlp([number, hash, stateRoot]);

function blockOf(items: readonly RlpItem[]): StoredBlock {
  return {
    number: asInteger(items[0], "block"),
    hash: asBytes(items[1], "block").slice(),
    stateRoot: asBytes(items[2], "block").slice(),
  };
}
export const decodeBlock = (record: Uint8Array): StoredBlock =>
  blockOf(asList(decodeRlp(record), "block"));

/** rlp([number, hash, root, [[address, account or "", cleared, [[slot, word], …]], …]]) */
export function encodeUndo({ parent, diff }: UndoRecord): Uint8Array {
  const changes = [...diff].map(([address, { account, storageCleared, storage }]) => [
    bytesOf(address),
    account ? accountItems(account) : NOTHING,
    storageCleared ? 1 : 0,
    [...storage].map(([slot, word]) => [bytesOf(slot), shortWord(word)]),
  ]);
  return encodeRlp([parent.number, parent.hash, parent.stateRoot, changes]);
}

/** @throws LanewiseError `ERR_SOURCE` where the record is damaged. */
export function decodeUndo(record: Uint8Array): UndoRecord {
  const items = asList(decodeRlp(record, { maxItems: 2 ** 28 }), "undo record");
  const diff = new Map<string, AccountChange>();
  for (const change of asList(items[3], "undo record")) {
    const [address, account, cleared, words] = asList(change, "undo record");
    const storage = new Map<string, Uint8Array>();
    for (const entry of asList(words, "undo record")) {
      const [slot, word] = asList(entry, "undo record");
      storage.set(hexOf(asBytes(slot, "slot")), fullWord(asBytes(word, "word")));
    }
    diff.set(hexOf(asBytes(address, "undo record")), {
      account: account instanceof Uint8Array ? undefined : accountOf(asList(account, "account")),
      storageCleared: asInteger(cleared, "undo record") === 1n,
      storage,
    });
  }
  return { parent: blockOf(items), diff };
}
