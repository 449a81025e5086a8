/**
 * What the block changed, written out for the host: records one after the other in chunks of output, each chunk ended by a zero word
 * or by its end.
 *
 *     account  u32 1 · u32 flags (1 exists, 2 new code, 4 storage dropped) · u32 id · u32 bytes of new code · address (20) at 16 ·
 *              nonce u64 at 40 · balance word at 48 · code hash at 80 · new code at 112, padded to 8 bytes
 *     slot     u32 2 · u32 id of the account · key at 8, value at 40, big-endian
 *
 *     conflict u32 3 · u32 transactions that had to run again because of this location · u32 1 where it is a slot · address (20) at 16 ·
 *              key of the slot at 40, big-endian
 *
 * An account with changed slots has a record even where nothing else of it changed. Records come in no order.
 */
import { codeBytes, codeLength } from "./code";
import {
  ACCOUNT_CHUNKS,
  allocateChunks,
  CHUNK_BYTES,
  CHUNK_HEADER_BYTES,
  outputEnd,
  SLOT_CHUNKS,
} from "./layout";
import {
  ACCOUNT_BYTES,
  accountChanged,
  changedValue,
  codeChanged,
  COLLECTED,
  conflictsAt,
  EXISTS,
  isLocation,
  L_ADDRESS,
  L_BALANCE,
  L_CODE_HASH,
  L_FLAGS,
  L_NONCE,
  locationCode,
  SLOT_BYTES,
  slotKeyOf,
  slotOwner,
  storageDropped,
  writeAddress,
} from "./locations";
import { copy, toBytes } from "./u256";

const ACCOUNT_CHANGE: u32 = 1;
const SLOT_CHANGE: u32 = 2;
const CONFLICT: u32 = 3;
const ACCOUNT_CHANGE_BYTES: usize = 112;
const SLOT_CHANGE_BYTES: usize = 72;
const CONFLICT_BYTES: usize = 72;

let top: usize = 0;
let end: usize = 0;

/** Begins this instance's part. */
export function beginChanges(): void {
  top = 0;
  end = 0;
}

function record(bytes: usize): usize {
  if (top + bytes > end) {
    top = allocateChunks(bytes);
    end = top + ((bytes + CHUNK_BYTES - 1) & ~(CHUNK_BYTES - 1));
  }
  const at = top;
  top += bytes;
  if (top < end) store<u32>(top, 0);
  return at;
}

function writeAccount(account: usize): void {
  const exists = load<u32>(account, L_FLAGS) & EXISTS;
  const code = exists && codeChanged(account) ? locationCode(account) : 0;
  const bytes = code ? <usize>codeLength(code) : 0;
  const out = record(ACCOUNT_CHANGE_BYTES + ((bytes + 7) & ~7));
  store<u32>(out, ACCOUNT_CHANGE);
  store<u32>(out, exists | (code ? 2 : 0) | (storageDropped(account) ? 4 : 0), 4);
  store<u32>(out, <u32>account, 8);
  store<u32>(out, <u32>bytes, 12);
  writeAddress(out + 16, account + L_ADDRESS);
  store<u64>(out, load<u64>(account, L_NONCE), 40);
  copy(out + 48, account + L_BALANCE);
  copy(out + 80, account + L_CODE_HASH);
  if (bytes) memory.copy(out + ACCOUNT_CHANGE_BYTES, codeBytes(code), bytes);
}

/** Writes the account's record unless some instance has. */
// @ts-ignore: decorator
@inline
function collectAccount(account: usize): void {
  if (atomic.load<u32>(account, COLLECTED) || atomic.xchg<u32>(account, 1, COLLECTED)) return;
  writeAccount(account);
}

/** Writes how often the location was conflicted for, if it was; `key`: of a slot, else 0. */
function collectConflicts(location: usize, account: usize, key: usize): void {
  const conflicts = conflictsAt(location);
  if (!conflicts) return;
  const out = record(CONFLICT_BYTES);
  store<u32>(out, CONFLICT);
  store<u32>(out, conflicts, 4);
  store<u32>(out, u32(key != 0), 8);
  writeAddress(out + 16, account + L_ADDRESS);
  if (key) toBytes(out + 40, key);
}

/** Writes the changed accounts of a chunk. */
export function collectAccounts(chunk: usize): void {
  const last = chunk + CHUNK_BYTES - ACCOUNT_BYTES;
  for (let at = chunk + CHUNK_HEADER_BYTES; at <= last && isLocation(at); at += ACCOUNT_BYTES) {
    if (accountChanged(at)) collectAccount(at);
    collectConflicts(at, at, 0);
  }
}

/** Writes the changed slots of a chunk, and their accounts. */
export function collectSlots(chunk: usize): void {
  const last = chunk + CHUNK_BYTES - SLOT_BYTES;
  for (let at = chunk + CHUNK_HEADER_BYTES; at <= last && isLocation(at); at += SLOT_BYTES) {
    collectConflicts(at, slotOwner(at), slotKeyOf(at));
    const value = changedValue(at);
    if (!value) continue;
    const owner = slotOwner(at);
    collectAccount(owner);
    const out = record(SLOT_CHANGE_BYTES);
    store<u32>(out, SLOT_CHANGE);
    store<u32>(out, <u32>owner, 4);
    toBytes(out + 8, slotKeyOf(at));
    toBytes(out + 40, value);
  }
}

/** Writes all changes; answers where their first chunk begins. */
export function collectChanges(): usize {
  const start = outputEnd();
  beginChanges();
  for (let at = <usize>load<u32>(SLOT_CHUNKS); at; at = load<u32>(at)) collectSlots(at);
  for (let at = <usize>load<u32>(ACCOUNT_CHUNKS); at; at = load<u32>(at)) collectAccounts(at);
  return start;
}
