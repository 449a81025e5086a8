/**
 * How a state store writes what it keeps, by the first byte of the key:
 *
 * ```
 * a  address                        bytes of the nonce, bytes of the balance (a byte each), both without leading zeros, code hash;
 *                                   no code hash where there is no code
 * s  address ‖ slot                 the word's shortest big-endian form
 * c  code hash                      code
 * n  0 ‖ nibbles ‖ path             RLP of a node of the account trie
 * n  1 ‖ keccak256(address) ‖ nibbles ‖ path   RLP of a node of a storage trie
 * b  block number                   block hash
 * u  block number                   what undoes the block: rlp([number, hash, state root]) of the block before, diff (see `diff.ts`)
 * h                                 rlp([number, hash, state root]) of the last block committed
 * v                                 number of this format, one byte
 * ```
 *
 * Block numbers are 8 bytes big-endian; `nibbles` is one byte.
 *
 * @module
 */
import { decodeRlp, encodeRlp, type RlpItem, RlpReader } from "../../chains/ethereum/rlp.ts";
import { LanewiseError } from "../../core/index.ts";
import type { StateNodePlace } from "../commitment.ts";
import { ACCOUNT_BYTES, type EncodedDiff, readAccount } from "../diff.ts";
import { EMPTY_CODE_HASH } from "../memory.ts";
import type { Account } from "../source.ts";
import { DELETED, type WriteBatch } from "./key-value.ts";

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
  readonly diff: EncodedDiff;
}

const [A, S, C, N, B, U, H, V] = [..."ascnbuhv"].map((letter) => letter.charCodeAt(0));

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

const ADDRESS_BYTES = 20;
export const ACCOUNT_KEY_BYTES = 21;
/** Bytes of {@link storagePrefix}: what all slots of an account have in common. */
export const STORAGE_PREFIX_BYTES = 21;
export const STORAGE_KEY_BYTES = 53;
/** Below this many bytes a loop beats making a view for `set`. */
const SHORT_COPY_BYTES = 48;

export const HEAD_KEY: Uint8Array = keyOf(H);
export const FORMAT_KEY: Uint8Array = keyOf(V);
/** To be raised with every change of the table above that an older or newer release would misread. */
export const FORMAT = 1;
export const storagePrefix = (address: Uint8Array): Uint8Array => keyOf(S, address);
export const codeKey = (codeHash: Uint8Array): Uint8Array => keyOf(C, codeHash);
export const blockHashKey = (number: bigint): Uint8Array => keyOf(B, numberBytes(number));
export const undoKey = (number: bigint): Uint8Array => keyOf(U, numberBytes(number));
/** What all nodes of an account's storage trie have in common. */
export const nodePrefix = (owner: Uint8Array): Uint8Array => keyOf(N, Uint8Array.of(1), owner);
export const nodeKey = ({ owner, nibbles, path }: StateNodePlace): Uint8Array =>
  owner
    ? keyOf(N, Uint8Array.of(1), owner, Uint8Array.of(nibbles), path)
    : keyOf(N, Uint8Array.of(0, nibbles), path);
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

/** First byte of `bytes` from `from` on that is not zero; `end` where all are. */
function firstNonZero(bytes: Uint8Array, from: number, end: number): number {
  while (from < end && bytes[from] === 0) from++;
  return from;
}

/** Adds an account's record; `account`: place of nonce, balance and code hash in `bytes` (see `diff.ts`). */
export function putAccountRecord(
  batch: WriteBatch,
  bytes: Uint8Array,
  address: number,
  account: number,
): void {
  const nonce = firstNonZero(bytes, account, account + 8);
  const balance = firstNonZero(bytes, account + 8, account + 40);
  const nonceBytes = account + 8 - nonce;
  const balanceBytes = account + 40 - balance;
  const codeBytes = hasCode(bytes, account + 40) ? 32 : 0;
  let at = batch.reserve(ACCOUNT_KEY_BYTES, 2 + nonceBytes + balanceBytes + codeBytes);
  const out = batch.bytes;
  at = writeKey(out, at, A, bytes, address, ADDRESS_BYTES);
  out[at++] = nonceBytes;
  out[at++] = balanceBytes;
  for (let i = nonce; i < account + 8; i++) out[at++] = bytes[i];
  for (let i = balance; i < account + 40; i++) out[at++] = bytes[i];
  for (let i = 0; i < codeBytes; i++) out[at++] = bytes[account + 40 + i];
}

/**
 * Writes nonce, balance and code hash of a record to `out` (see `diff.ts`), which is zero there.
 *
 * @throws LanewiseError `ERR_SOURCE` where the record is damaged.
 */
export function readAccountRecord(record: Uint8Array, out: Uint8Array, at: number): void {
  const [nonceBytes, balanceBytes] = record;
  const codeBytes = record.length - 2 - nonceBytes - balanceBytes;
  // Of a record that is too short the lengths are undefined or the rest is negative.
  if (!(nonceBytes <= 8 && balanceBytes <= 32 && (codeBytes === 0 || codeBytes === 32))) {
    throw damaged("account");
  }
  for (let i = 0; i < nonceBytes; i++) out[at + 8 - nonceBytes + i] = record[2 + i];
  const balance = 2 + nonceBytes;
  for (let i = 0; i < balanceBytes; i++) out[at + 40 - balanceBytes + i] = record[balance + i];
  const code = codeBytes === 0 ? EMPTY_CODE_HASH : record.subarray(balance + balanceBytes);
  for (let i = 0; i < 32; i++) out[at + 40 + i] = code[i];
}

/** @throws LanewiseError `ERR_SOURCE` where the record is damaged. */
export function decodeAccountRecord(record: Uint8Array): Account {
  const fields = new Uint8Array(ACCOUNT_BYTES);
  readAccountRecord(record, fields, 0);
  return readAccount(fields, 0);
}

/** Adds the record of a slot, a deletion where its word is zero; `slot`: place of slot and word in `bytes` (see `diff.ts`). */
export function putStorageRecord(
  batch: WriteBatch,
  bytes: Uint8Array,
  address: number,
  slot: number,
): void {
  const end = slot + 64;
  const first = firstNonZero(bytes, slot + 32, end);
  let at = batch.reserve(STORAGE_KEY_BYTES, first === end ? DELETED : end - first);
  const out = batch.bytes;
  at = writeStorageKey(out, at, bytes, address, bytes, slot);
  for (let i = first; i < end; i++) out[at++] = bytes[i];
}

/** Adds the deletion of an account's record; `address`: its place in `bytes`. */
export function deleteAccountRecord(batch: WriteBatch, bytes: Uint8Array, address: number): void {
  const at = batch.reserve(ACCOUNT_KEY_BYTES, DELETED);
  writeKey(batch.bytes, at, A, bytes, address, ADDRESS_BYTES);
}

/** Adds the deletion of a slot's record. */
export function deleteStorageRecord(
  batch: WriteBatch,
  bytes: Uint8Array,
  address: number,
  slot: number,
): void {
  const at = batch.reserve(STORAGE_KEY_BYTES, DELETED);
  writeStorageKey(batch.bytes, at, bytes, address, bytes, slot);
}

/** Adds a trie node's record, a deletion where `rlpBytes` is 0; `path` and `rlp` are places in `bytes`. */
export function putNodeRecord(
  batch: WriteBatch,
  owner: Uint8Array | undefined,
  nibbles: number,
  bytes: Uint8Array,
  path: number,
  rlp: number,
  rlpBytes: number,
): void {
  const pathBytes = (nibbles + 1) >> 1;
  const keyBytes = 3 + (owner ? 32 : 0) + pathBytes;
  let at = batch.reserve(keyBytes, rlpBytes === 0 ? DELETED : rlpBytes);
  const out = batch.bytes;
  out[at++] = N;
  out[at++] = owner ? 1 : 0;
  if (owner) for (let i = 0; i < 32; i++) out[at++] = owner[i];
  out[at++] = nibbles;
  for (let i = 0; i < pathBytes; i++) out[at++] = bytes[path + i];
  if (rlpBytes > SHORT_COPY_BYTES) out.set(bytes.subarray(rlp, rlp + rlpBytes), at);
  else for (let i = 0; i < rlpBytes; i++) out[at + i] = bytes[rlp + i];
}

function writeKey(
  out: Uint8Array,
  at: number,
  tag: number,
  bytes: Uint8Array,
  from: number,
  length: number,
): number {
  out[at] = tag;
  for (let i = 0; i < length; i++) out[at + 1 + i] = bytes[from + i];
  return at + 1 + length;
}

/** Writes the key of a slot; returns the offset after it. */
export function writeStorageKey(
  out: Uint8Array,
  at: number,
  addresses: Uint8Array,
  address: number,
  slots: Uint8Array,
  slot: number,
): number {
  const next = writeKey(out, at, S, addresses, address, ADDRESS_BYTES);
  for (let i = 0; i < 32; i++) out[next + i] = slots[slot + i];
  return next + 32;
}

/** Writes the key of an account. */
export function writeAccountKey(out: Uint8Array, at: number, bytes: Uint8Array, address: number) {
  return writeKey(out, at, A, bytes, address, ADDRESS_BYTES);
}

function hasCode(bytes: Uint8Array, hash: number): boolean {
  for (let i = 0; i < 32; i++) if (bytes[hash + i] !== EMPTY_CODE_HASH[i]) return true;
  return false;
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

/** rlp([number, hash, root]) of the block before, then the diff. */
export function encodeUndo({ parent, diff }: UndoRecord): Uint8Array {
  const block = encodeBlock(parent);
  const record = new Uint8Array(block.length + diff.length);
  record.set(block);
  record.set(diff, block.length);
  return record;
}

/** The diff is a view of the record. @throws LanewiseError `ERR_SOURCE` where the record is damaged. */
export function decodeUndo(record: Uint8Array): UndoRecord {
  const reader = new RlpReader(record);
  if (!reader.read(0, record.length)) throw damaged("undo record");
  const { end } = reader;
  return { parent: decodeBlock(record.subarray(0, end)), diff: record.subarray(end) };
}
