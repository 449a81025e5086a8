/**
 * A state diff as flat bytes: what crosses threads, what tries and stores are brought up to date from, and what undoes a block.
 *
 * ```
 * per account   address 20   flags 1   nonce 8   balance 32   code hash 32   code bytes 4   slots 4   code   slots × (slot 32, word 32)
 * ```
 *
 * All integers are big-endian. Flags: 1 the account exists, 2 all storage was dropped first, 4 there is code. Nonce, balance and
 * code hash are zero where the account does not exist.
 *
 * @module
 */
import { hexOf, readHex } from "./hex.ts";
import type { Account, AccountChange, StateDiff } from "./source.ts";

const EXISTS = 1;
const CLEARED = 2;
const HAS_CODE = 4;
const FLAGS = 20;
const NONCE = 21;
const CODE_HASH = 61;
const CODE_BYTES = 93;
const SLOTS = 97;
/** Bytes of an account's fixed part. */
const FIXED_BYTES = 101;
/** Flags of an account, for who writes diffs himself. */
export const DIFF_FLAGS = { exists: EXISTS, cleared: CLEARED, hasCode: HAS_CODE } as const;
/** Places of an account's parts behind its address, for who writes diffs himself. */
export const DIFF_AT = {
  flags: FLAGS,
  nonce: NONCE,
  codeBytes: CODE_BYTES,
  slotCount: SLOTS,
  code: FIXED_BYTES,
} as const;
/** Bytes of a slot and its word. */
export const SLOT_BYTES = 64;
/** Bytes of nonce, balance and code hash, which lie together. */
export const ACCOUNT_BYTES = 72;

/** See the module's layout. */
export type EncodedDiff = Uint8Array;

/** Gives memory for an encoded diff: as many bytes as asked for, whatever is in them. */
export type DiffRoom = (bytes: number) => Uint8Array;

const newRoom: DiffRoom = (bytes) => new Uint8Array(bytes);

/** A diff that knows a shorter way to its encoded form than its entries; the bytes are not to be changed. */
export interface SelfEncodingDiff extends StateDiff {
  encode(): EncodedDiff;
  /** Encodes into the caller's memory. */
  encodeInto(room: DiffRoom): EncodedDiff;
}

function writeWord(view: DataView, at: number, value: bigint): void {
  for (let i = 24, rest = value; i >= 0; i -= 8) {
    view.setBigUint64(at + i, rest); // takes the low 64 bits
    rest = rest === 0n ? rest : rest >> 64n;
  }
}

function readWord(view: DataView, at: number): bigint {
  const low = view.getBigUint64(at + 24);
  let high = 0n;
  for (let i = 0; i < 3; i++) {
    const limb = view.getBigUint64(at + i * 8);
    if (high !== 0n || limb !== 0n) high = (high << 64n) | limb;
  }
  return high === 0n ? low : (high << 64n) | low;
}

/** Writes nonce, balance and code hash, {@link ACCOUNT_BYTES}. */
export function writeAccount(view: DataView, at: number, account: Account): void {
  const { nonce, balance, codeHash } = account;
  if (nonce < 0n || nonce >> 64n !== 0n) {
    throw new RangeError(`account nonce: expected 0..2^64-1, got ${nonce}`);
  }
  if (balance < 0n || balance >> 256n !== 0n) {
    throw new RangeError(`account balance: expected 0..2^256-1, got ${balance}`);
  }
  view.setBigUint64(at, nonce);
  writeWord(view, at + 8, balance);
  new Uint8Array(view.buffer, view.byteOffset).set(codeHash, at + 40);
}

/** Reads nonce, balance and code hash; the hash is a view of the bytes. */
export function readAccount(bytes: Uint8Array, at: number): Account {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return {
    nonce: view.getBigUint64(at),
    balance: readWord(view, at + 8),
    codeHash: bytes.subarray(at + 40, at + ACCOUNT_BYTES),
  };
}

/** @throws RangeError on a nonce of more than 64 bits or a balance of more than 256. */
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
    bytes[at + FLAGS] =
      (account ? EXISTS : 0) | (storageCleared ? CLEARED : 0) | (code ? HAS_CODE : 0);
    if (account) writeAccount(view, at + NONCE, account);
    view.setUint32(at + CODE_BYTES, code?.length ?? 0);
    view.setUint32(at + SLOTS, storage.size);
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
export function decodeDiff(bytes: EncodedDiff): StateDiff {
  const diff = new Map<string, AccountChange>();
  const cursor = new DiffCursor(bytes);
  while (cursor.next()) {
    const storage = new Map<string, Uint8Array>();
    for (let at = cursor.slots; at < cursor.end; at += SLOT_BYTES) {
      storage.set(hexOf(bytes.subarray(at, at + 32)), bytes.subarray(at + 32, at + SLOT_BYTES));
    }
    const { code } = cursor;
    diff.set(hexOf(bytes.subarray(cursor.address, cursor.address + 20)), {
      account: cursor.exists ? readAccount(bytes, cursor.account) : undefined,
      storageCleared: cursor.cleared,
      storage,
      ...(code && { code }),
    });
  }
  return diff;
}

/** A diff that is encoded, and a map, when it is first looked at as such. */
export class LazyDiff implements SelfEncodingDiff {
  #encode: ((room: DiffRoom) => EncodedDiff) | undefined;
  #bytes: EncodedDiff | undefined;
  #map: StateDiff | undefined;

  /** `encode` writes all of the memory that it asks for. */
  constructor(encode: (room: DiffRoom) => EncodedDiff) {
    this.#encode = encode;
  }

  encode(): EncodedDiff {
    this.#bytes ??= this.#encode!(newRoom);
    this.#encode = undefined;
    return this.#bytes;
  }

  encodeInto(room: DiffRoom): EncodedDiff {
    return this.#encode === undefined ? copyInto(room, this.encode()) : this.#encode(room);
  }

  get #diff(): StateDiff {
    this.#map ??= decodeDiff(this.encode());
    return this.#map;
  }

  get size(): number {
    return this.#diff.size;
  }

  get(address: string): AccountChange | undefined {
    return this.#diff.get(address);
  }

  has(address: string): boolean {
    return this.#diff.has(address);
  }

  forEach(
    visit: (change: AccountChange, address: string, of: StateDiff) => void,
    self?: unknown,
  ): void {
    this.#diff.forEach(visit, self);
  }

  entries(): MapIterator<[string, AccountChange]> {
    return this.#diff.entries();
  }

  keys(): MapIterator<string> {
    return this.#diff.keys();
  }

  values(): MapIterator<AccountChange> {
    return this.#diff.values();
  }

  [Symbol.iterator](): MapIterator<[string, AccountChange]> {
    return this.#diff.entries();
  }
}

/** Code that the diff creates, by 0x-prefixed hash: views of the bytes. */
export function codesOf(diff: EncodedDiff): Map<string, Uint8Array> {
  const codes = new Map<string, Uint8Array>();
  for (const cursor = new DiffCursor(diff); cursor.next(); ) {
    const { code } = cursor;
    if (code !== undefined) codes.set(hexOf(cursor.codeHash), code);
  }
  return codes;
}

/** The diff, encoded unless it is already. */
export function encodedDiff(diff: StateDiff | SelfEncodingDiff | EncodedDiff): EncodedDiff {
  if (diff instanceof Uint8Array) return diff;
  return "encode" in diff ? diff.encode() : encodeDiff(diff);
}

function copyInto(room: DiffRoom, bytes: EncodedDiff): EncodedDiff {
  const copy = room(bytes.length);
  copy.set(bytes);
  return copy;
}

/** The diff, encoded into the caller's memory. */
export function encodedDiffInto(
  room: DiffRoom,
  diff: StateDiff | SelfEncodingDiff | EncodedDiff,
): EncodedDiff {
  if (!(diff instanceof Uint8Array) && "encodeInto" in diff) return diff.encodeInto(room);
  return copyInto(room, encodedDiff(diff));
}

/** Stands at one account of a diff after the other; its fields are places in the bytes. */
export class DiffCursor {
  readonly bytes: EncodedDiff;
  /** Place of the address. */
  address = 0;
  exists = false;
  /** Whether all storage was dropped before the writes. */
  cleared = false;
  /** Place of nonce, balance and code hash. */
  account = 0;
  /** Place of the first slot. */
  slots = 0;
  /** Behind the last slot. */
  end = 0;
  #hasCode = false;

  constructor(bytes: EncodedDiff) {
    this.bytes = bytes;
  }

  /** Moves to the next account; false where there is none. */
  next(): boolean {
    const { bytes, end: at } = this;
    if (at >= bytes.length) return false;
    this.address = at;
    this.exists = (bytes[at + FLAGS] & EXISTS) !== 0;
    this.cleared = (bytes[at + FLAGS] & CLEARED) !== 0;
    this.#hasCode = (bytes[at + FLAGS] & HAS_CODE) !== 0;
    this.account = at + NONCE;
    this.slots = at + FIXED_BYTES + this.#u32(at + CODE_BYTES);
    this.end = this.slots + this.#u32(at + SLOTS) * SLOT_BYTES;
    return true;
  }

  /** A view of the new code, where the code changed. */
  get code(): Uint8Array | undefined {
    return this.#hasCode ? this.bytes.subarray(this.address + FIXED_BYTES, this.slots) : undefined;
  }

  /** A view of the code's hash. */
  get codeHash(): Uint8Array {
    return this.bytes.subarray(this.address + CODE_HASH, this.address + CODE_HASH + 32);
  }

  #u32(at: number): number {
    const { bytes } = this;
    return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
  }
}

/** Builds an encoded diff account by account. */
export class DiffWriter {
  #bytes = new Uint8Array(1 << 12);
  #at = 0;
  #start = 0;
  #slots = 0;

  /** Begins the next account, one that does not exist unless {@link DiffWriter.exists} is called; `address`: its place in `bytes`. */
  begin(bytes: Uint8Array, address: number, cleared: boolean): void {
    this.#close();
    this.#ensure(FIXED_BYTES);
    this.#start = this.#at;
    this.#bytes.fill(0, this.#at, this.#at + FIXED_BYTES);
    for (let i = 0; i < 20; i++) this.#bytes[this.#at + i] = bytes[address + i];
    this.#bytes[this.#at + FLAGS] = cleared ? CLEARED : 0;
    this.#at += FIXED_BYTES;
  }

  /** The account begun exists: room for nonce, balance and code hash, all zero. */
  exists(): { readonly bytes: Uint8Array; readonly at: number } {
    this.#bytes[this.#start + FLAGS] |= EXISTS;
    return { bytes: this.#bytes, at: this.#start + NONCE };
  }

  /** Adds a slot; the word is given in its shortest form. */
  slot(bytes: Uint8Array, slot: number, short: Uint8Array | undefined): void {
    this.#ensure(SLOT_BYTES);
    const at = this.#at;
    const own = this.#bytes;
    for (let i = 0; i < 32; i++) own[at + i] = bytes[slot + i];
    const length = short?.length ?? 0;
    for (let i = 0; i < 32 - length; i++) own[at + 32 + i] = 0;
    for (let i = 0; i < length; i++) own[at + 64 - length + i] = short![i];
    this.#at += SLOT_BYTES;
    this.#slots++;
  }

  /** The diff so far. */
  finish(): Uint8Array<ArrayBuffer> {
    this.#close();
    return this.#bytes.slice(0, this.#at);
  }

  /** Writes the number of slots of the account begun. */
  #close(): void {
    if (this.#slots === 0) return;
    new DataView(this.#bytes.buffer).setUint32(this.#start + SLOTS, this.#slots);
    this.#slots = 0;
  }

  #ensure(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return;
    const larger = new Uint8Array(this.#bytes.length * 2);
    larger.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = larger;
  }
}
