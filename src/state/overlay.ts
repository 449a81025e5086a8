/**
 * A state with the changes of some more blocks on top.
 *
 * @module
 */
import { hexOf, readHex } from "./hex.ts";
import type { Account, StateDiff, StateSource } from "./source.ts";

/** A block whose changes lie on top of a state. */
export interface OverlayBlock {
  readonly number: bigint;
  /** 32 bytes */
  readonly hash: Uint8Array;
  readonly diff: StateDiff;
}

const ZERO_WORD = new Uint8Array(32);

/** The state of `base` after `blocks`, oldest first. */
export function createOverlayState(
  base: StateSource,
  blocks: readonly OverlayBlock[],
): StateSource {
  const newestFirst = blocks.toReversed();
  const codes = new Map<string, Uint8Array>();
  for (const { diff } of blocks) {
    for (const { account, code } of diff.values()) {
      if (account && code) codes.set(hexOf(account.codeHash), code);
    }
  }
  return {
    account(address): Account | undefined {
      const name = hexOf(address);
      for (const { diff } of newestFirst) {
        const change = diff.get(name);
        if (change) return change.account;
      }
      return base.account(address);
    },
    storage(address, slot): Uint8Array {
      const name = hexOf(address);
      for (const { diff } of newestFirst) {
        const change = diff.get(name);
        if (change === undefined) continue;
        const word = change.account && change.storage.get(hexOf(slot));
        if (word) return word;
        if (change.storageCleared || change.account === undefined) return ZERO_WORD.slice();
      }
      return base.storage(address, slot);
    },
    code: (codeHash) => codes.get(hexOf(codeHash)) ?? base.code(codeHash),
    blockHash: (number) =>
      newestFirst.find((block) => block.number === number)?.hash ?? base.blockHash(number),
  };
}

/** Bytes of one account's fixed part, and of one slot, in an encoded diff. */
const FIXED_BYTES = 20 + 1 + 8 + 32 + 32 + 4 + 4;
const SLOT_BYTES = 64;
const EXISTS = 1;
const CLEARED = 2;
const HAS_CODE = 4;

function writeWord(view: DataView, at: number, value: bigint): void {
  for (let i = 0, rest = value; i < 4; i++, rest >>= 64n) {
    view.setBigUint64(at + 24 - i * 8, BigInt.asUintN(64, rest));
  }
}

function readWord(view: DataView, at: number): bigint {
  let value = 0n;
  for (let i = 0; i < 4; i++) value = (value << 64n) | view.getBigUint64(at + i * 8);
  return value;
}

/**
 * A diff as flat bytes, for another thread: per account address, flags, nonce, balance, code hash, code length, slot count,
 * code, then slot and word of each write.
 */
export function encodeDiff(diff: StateDiff): Uint8Array<ArrayBuffer> {
  let size = 0;
  for (const { code, storage } of diff.values()) {
    size += FIXED_BYTES + (code?.length ?? 0) + storage.size * SLOT_BYTES;
  }
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const [name, { account, code, storage, storageCleared }] of diff) {
    readHex(name, bytes, at);
    bytes[at + 20] =
      (account ? EXISTS : 0) | (storageCleared ? CLEARED : 0) | (code ? HAS_CODE : 0);
    if (account) {
      view.setBigUint64(at + 21, account.nonce);
      writeWord(view, at + 29, account.balance);
      bytes.set(account.codeHash, at + 61);
    }
    view.setUint32(at + 93, code?.length ?? 0);
    view.setUint32(at + 97, storage.size);
    at += FIXED_BYTES;
    if (code) bytes.set(code, at);
    at += code?.length ?? 0;
    for (const [slot, word] of storage) {
      readHex(slot, bytes, at);
      bytes.set(word, at + 32);
      at += SLOT_BYTES;
    }
  }
  return bytes;
}

/** Undoes {@link encodeDiff}; hashes, code and words are views of the bytes. */
export function decodeDiff(bytes: Uint8Array): StateDiff {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const diff = new Map();
  for (let at = 0; at < bytes.length; ) {
    const name = hexOf(bytes.subarray(at, at + 20));
    const flags = bytes[at + 20];
    const account: Account | undefined =
      flags & EXISTS
        ? {
            nonce: view.getBigUint64(at + 21),
            balance: readWord(view, at + 29),
            codeHash: bytes.subarray(at + 61, at + 93),
          }
        : undefined;
    const codeBytes = view.getUint32(at + 93);
    const slots = view.getUint32(at + 97);
    at += FIXED_BYTES;
    const code = flags & HAS_CODE ? bytes.subarray(at, at + codeBytes) : undefined;
    at += codeBytes;
    const storage = new Map<string, Uint8Array>();
    for (let i = 0; i < slots; i++, at += SLOT_BYTES) {
      storage.set(hexOf(bytes.subarray(at, at + 32)), bytes.subarray(at + 32, at + SLOT_BYTES));
    }
    const storageCleared = (flags & CLEARED) !== 0;
    diff.set(name, { account, storageCleared, storage, ...(code && { code }) });
  }
  return diff;
}
