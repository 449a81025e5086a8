/**
 * Raw transactions to records: legacy (Yellow Paper §4.2, EIP-155) and typed envelopes (EIP-2718, 2930, 1559, 4844, 7702).
 *
 * Only what the transaction says is judged here; what the state says of it, in `transaction.ts`.
 */
import {
  BERLIN,
  CANCUN,
  ENV_CHAIN_ID,
  fork,
  LONDON,
  PRAGUE,
  SPURIOUS_DRAGON,
  words,
} from "./layout";
import { readAddress } from "./locations";
import { REJECT_CHAIN_ID, REJECT_MALFORMED, REJECT_TYPE } from "./rejections";
import {
  item,
  itemBytes,
  next,
  readBytes,
  readInteger,
  readItem,
  itemIsList,
  readList,
} from "./rlp";
import { copy, eq, isZero, setU64 } from "./u256";

export const T_TYPE: usize = 0;
export const T_REJECTION: usize = 4;
export const T_NONCE: usize = 8;
export const T_GAS_LIMIT: usize = 16;
export const T_DATA: usize = 24;
export const T_DATA_BYTES: usize = 28;
/** Word; only meaningful where T_CREATES is 0. */
export const T_TO: usize = 32;
export const T_VALUE: usize = 64;
/** gasPrice or maxFeePerGas. */
export const T_MAX_FEE: usize = 96;
/** maxPriorityFeePerGas; equal to the gas price before type 2. */
export const T_PRIORITY_FEE: usize = 128;
export const T_MAX_BLOB_FEE: usize = 160;
/** Payload of the access list, and of the authorisation list. */
export const T_ACCESS: usize = 192;
export const T_ACCESS_END: usize = 196;
/** First blob hash item and number of them. */
export const T_BLOBS: usize = 200;
export const T_BLOB_COUNT: usize = 204;
export const T_AUTHORISATIONS: usize = 208;
export const T_AUTHORISATIONS_END: usize = 212;
/** Address of the first of its authorities, 20 bytes each. */
export const T_AUTHORITIES: usize = 216;
export const T_CREATES: usize = 220;
/** Limbs of the sender, 24 bytes. */
export const T_SENDER: usize = 224;
export const T_ACCESS_ADDRESSES: usize = 248;
export const T_ACCESS_KEYS: usize = 252;
export const T_AUTHORISATION_COUNT: usize = 256;
export const T_BYTES: usize = 272;

/** Decodes `bytes` at `raw` into a record; `sender` is 20 bytes. */
export function decodeTransaction(record: usize, raw: usize, bytes: usize, sender: usize): void {
  for (let i: usize = 0; i < T_BYTES; i += 16) v128.store(record + i, i64x2.splat(0));
  readAddress(record + T_SENDER, sender);
  const first = bytes ? load<u8>(raw) : 0;
  store<u32>(record, first >= 0xc0 ? 0 : first);
  let rejection = 0;
  if (first >= 0xc0) {
    if (!legacy(record, raw, raw + bytes)) rejection = REJECT_MALFORMED;
    else if (!sameChain(0)) rejection = REJECT_CHAIN_ID;
  } else if (bytes == 0 || first == 0 || first > 4) rejection = REJECT_MALFORMED;
  else if (fork < (first == 1 ? BERLIN : first == 2 ? LONDON : first == 3 ? CANCUN : PRAGUE))
    rejection = REJECT_TYPE;
  else if (!typed(record, first, raw + 1, raw + bytes)) rejection = REJECT_MALFORMED;
  else if (!sameChain(first)) rejection = REJECT_CHAIN_ID;
  store<u32>(record, rejection, T_REJECTION);
}

/** Chain id of a typed transaction, or v of a legacy one. */
// @ts-ignore: decorator
@inline
function chainWord(): usize {
  return words + 704;
}

function sameChain(type: u32): bool {
  const word = chainWord();
  if (type) return eq(word, ENV_CHAIN_ID);
  const v = load<u64>(word);
  if (v == 27 || v == 28) return true; // not bound to a chain
  const chain = load<u64>(ENV_CHAIN_ID);
  return fork >= SPURIOUS_DRAGON && (v == chain * 2 + 35 || v == chain * 2 + 36);
}

function number64(at: usize, end: usize, out: usize): bool {
  const word = words + 736;
  if (!readInteger(at, end, 8, word)) return false;
  store<u64>(out, load<u64>(word));
  return true;
}

/** gas limit, to, value, data: common to all types, in this order. */
function body(record: usize, at: usize, end: usize): bool {
  if (!number64(at, end, record + T_GAS_LIMIT)) return false;
  if (!readItem(next, end) || itemIsList) return false;
  if (itemBytes == 0) store<u32>(record, 1, T_CREATES);
  else if (itemBytes == 20) readAddress(record + T_TO, item);
  else return false;
  if (!readInteger(next, end, 32, record + T_VALUE)) return false;
  if (!readItem(next, end) || itemIsList) return false;
  store<u32>(record, <u32>item, T_DATA);
  store<u32>(record, <u32>itemBytes, T_DATA_BYTES);
  return true;
}

/** r and s, which end the list. */
function signature(at: usize, end: usize): bool {
  const word = words + 736;
  return readInteger(at, end, 32, word) && readInteger(next, end, 32, word) && next == end;
}

function legacy(record: usize, raw: usize, rawEnd: usize): bool {
  if (!readList(raw, rawEnd) || next != rawEnd) return false;
  if (!number64(item, rawEnd, record + T_NONCE)) return false;
  if (!readInteger(next, rawEnd, 32, record + T_MAX_FEE)) return false;
  copy(record + T_PRIORITY_FEE, record + T_MAX_FEE);
  if (!body(record, next, rawEnd)) return false;
  return readInteger(next, rawEnd, 8, chainWord()) && signature(next, rawEnd);
}

function typed(record: usize, type: u32, raw: usize, rawEnd: usize): bool {
  if (!readList(raw, rawEnd) || next != rawEnd) return false;
  if (!readInteger(item, rawEnd, 32, chainWord())) return false;
  if (!number64(next, rawEnd, record + T_NONCE)) return false;
  if (!readInteger(next, rawEnd, 32, record + T_PRIORITY_FEE)) return false;
  if (type == 1) copy(record + T_MAX_FEE, record + T_PRIORITY_FEE);
  else if (!readInteger(next, rawEnd, 32, record + T_MAX_FEE)) return false;
  if (!body(record, next, rawEnd)) return false;
  if (!readList(next, rawEnd)) return false;
  let after = next;
  store<u32>(record, <u32>item, T_ACCESS);
  store<u32>(record, <u32>next, T_ACCESS_END);
  if (!accessList(record, item, next)) return false;
  if (type == 3) {
    if (!readInteger(after, rawEnd, 32, record + T_MAX_BLOB_FEE) || !readList(next, rawEnd))
      return false;
    after = next;
    store<u32>(record, <u32>item, T_BLOBS);
    let count: u32 = 0;
    for (let at = item; at < after; at = next) {
      if (!readBytes(at, after, 32)) return false;
      count++;
    }
    store<u32>(record, count, T_BLOB_COUNT);
  } else if (type == 4) {
    if (!readList(after, rawEnd)) return false;
    after = next;
    store<u32>(record, <u32>item, T_AUTHORISATIONS);
    store<u32>(record, <u32>after, T_AUTHORISATIONS_END);
    if (!authorisations(record, item, after)) return false;
  }
  const parity = words + 736;
  return readInteger(after, rawEnd, 1, parity) && load<u64>(parity) <= 1 && signature(next, rawEnd);
}

function accessList(record: usize, start: usize, end: usize): bool {
  let addresses: u32 = 0;
  let keys: u32 = 0;
  for (let at = start; at < end; ) {
    if (!readList(at, end)) return false;
    at = next;
    if (!readBytes(item, at, 20) || !readList(next, at) || next != at) return false;
    addresses++;
    for (let key = item; key < at; key = next) {
      if (!readBytes(key, at, 32)) return false;
      keys++;
    }
  }
  store<u32>(record, addresses, T_ACCESS_ADDRESSES);
  store<u32>(record, keys, T_ACCESS_KEYS);
  return true;
}

/** Each [chain id, address, nonce, y parity, r, s]. */
function authorisations(record: usize, start: usize, end: usize): bool {
  const word = words + 736;
  let count: u32 = 0;
  for (let at = start; at < end; ) {
    if (!readList(at, end)) return false;
    at = next;
    if (
      !readInteger(item, at, 32, word) ||
      !readBytes(next, at, 20) ||
      !readInteger(next, at, 8, word)
    )
      return false;
    if (!readInteger(next, at, 1, word) || !signature(next, at)) return false;
    count++;
  }
  store<u32>(record, count, T_AUTHORISATION_COUNT);
  return true;
}

/** Writes the blob hashes of a decoded transaction, 32 bytes each, one after the other. */
export function writeBlobHashes(record: usize, out: usize): void {
  let at = <usize>load<u32>(record, T_BLOBS);
  const count = load<u32>(record, T_BLOB_COUNT);
  // Each item is 33 bytes: its length byte, and the hash.
  for (let i: u32 = 0; i < count; i++) {
    memory.copy(out + ((<usize>i) << 5), at + 1, 32);
    at += 33;
  }
}
