/**
 * The logs of the running transaction and the bits of their Bloom filter (Yellow Paper §4.3.1).
 *
 * A log record: 20-byte address, u32 number of topics at 24, u32 bytes of data at 28; then the topics, 32 bytes each; then the data,
 * padded to 8 bytes.
 */
import { bloomCache, DEPOSIT_LOGGED, logs, logsEnd, words } from "./layout";
import { keccak, keccakTwo } from "./hash";
import { limitReached } from "./host";
import { writeAddress } from "./locations";
import { toBytes } from "./u256";

export let logsTop: usize = 0;

export function setLogsTop(top: usize): void {
  logsTop = top;
}

export function beginLogs(): void {
  logsTop = logs;
}

/** Main net's deposit contract (EIP-6110): 0x00000000219ab540356cbb839cbe05303d7705fa. */
// @ts-ignore: decorator
@inline
function isDepositContract(address: usize): bool {
  return (
    load<u64>(address) == 0x9cbe05303d7705fa &&
    load<u64>(address, 8) == 0x219ab540356cbb83 &&
    load<u32>(address, 16) == 0
  );
}

/** Whether some log of the block may be a deposit, so that receipts have to be looked through. */
export function depositLogged(): bool {
  return load<u32>(DEPOSIT_LOGGED) != 0;
}

/** Appends a log; `topics` points at the first (topmost) of `count` words that descend in memory. */
export function appendLog(
  address: usize,
  topics: usize,
  count: usize,
  data: usize,
  bytes: usize,
): void {
  const start = logsTop;
  const size: usize = (<usize>32 + (count << 5) + bytes + 7) & ~7;
  if (size > logsEnd - start) limitReached(5);
  if (isDepositContract(address)) store<u32>(DEPOSIT_LOGGED, 1);
  writeAddress(start, address);
  store<u32>(start, 0, 20);
  store<u32>(start, <u32>count, 24);
  store<u32>(start, <u32>bytes, 28);
  for (let i: usize = 0; i < count; i++) toBytes(start + 32 + (i << 5), topics - (i << 5));
  memory.copy(start + 32 + (count << 5), data, bytes);
  logsTop = start + size;
}

/** Bytes of a log record. */
// @ts-ignore: decorator
@inline
export function logBytes(log: usize): usize {
  return (<usize>32 + ((<usize>load<u32>(log, 24)) << 5) + <usize>load<u32>(log, 28) + 7) & ~7;
}

// The Bloom filter of some logs is kept as the bits that it sets: of each value (address or topic) three u16, numbers of bits.
export const BLOOM_VALUE_BYTES: usize = 6;

/** How many values the logs from `start` to `end` put into their filter. */
export function bloomValues(start: usize, end: usize): u32 {
  let count: u32 = 0;
  for (let log = start; log < end; log += logBytes(log)) count += 1 + load<u32>(log, 24);
  return count;
}

/** Writes the bits that the logs from `start` to `end` set, in any order. */
export function writeBloomBits(out: usize, start: usize, end: usize): void {
  pending = 0;
  for (let log = start; log < end; log += logBytes(log)) {
    writeBits(out, log, 20);
    out += BLOOM_VALUE_BYTES;
    const topics = <usize>load<u32>(log, 24);
    for (let i: usize = 0; i < topics; i++) {
      writeBits(out, log + 32 + (i << 5), 32);
      out += BLOOM_VALUE_BYTES;
    }
  }
  if (pending) {
    keccak(pending, pendingLength, digests());
    keepBits(pendingOut, pendingEntry, pending, pendingLength, digests());
  }
}

// Contracts and event signatures recur, so a direct-mapped cache keeps the bits of recent values: entries of 48 bytes, the value
// (zeros behind an address), its length, the bits.
const LENGTH: usize = 32;
const BITS: usize = 36;

/** A value that waits for another to be hashed with, or 0; its length, cache entry and place. */
let pending: usize = 0;
let pendingLength: usize = 0;
let pendingEntry: usize = 0;
let pendingOut: usize = 0;

// @ts-ignore: decorator
@inline
function digests(): usize {
  return words + 512;
}

/** Writes the three bits of a value, at once or with the next that is not in the cache. */
function writeBits(out: usize, value: usize, length: usize): void {
  const v0 = load<u64>(value);
  const v1 = load<u64>(value, 8);
  const v2 = length == 20 ? <u64>load<u32>(value, 16) : load<u64>(value, 16);
  const v3 = length == 20 ? 0 : load<u64>(value, 24);
  const mixed = (v2 ^ rotl<u64>(v3, 29) ^ rotl<u64>(v0, 13)) * 0x9e3779b97f4a7c15;
  const entry = bloomCache + <usize>(mixed >> 52) * 48;
  if (
    load<u64>(entry) == v0 &&
    load<u64>(entry, 8) == v1 &&
    load<u64>(entry, 16) == v2 &&
    load<u64>(entry, 24) == v3 &&
    load<u32>(entry, LENGTH) == <u32>length
  ) {
    store<u32>(out, load<u32>(entry, BITS));
    store<u16>(out, load<u16>(entry, BITS + 4), 4);
    return;
  }
  if (!pending) {
    pending = value;
    pendingLength = length;
    pendingEntry = entry;
    pendingOut = out;
    return;
  }
  keccakTwo(pending, pendingLength, digests(), value, length, digests() + 32);
  keepBits(pendingOut, pendingEntry, pending, pendingLength, digests());
  keepBits(out, entry, value, length, digests() + 32);
  pending = 0;
}

function keepBits(out: usize, entry: usize, value: usize, length: usize, digest: usize): void {
  store<u64>(entry, load<u64>(value));
  store<u64>(entry, load<u64>(value, 8), 8);
  store<u64>(entry, length == 20 ? <u64>load<u32>(value, 16) : load<u64>(value, 16), 16);
  store<u64>(entry, length == 20 ? 0 : load<u64>(value, 24), 24);
  store<u32>(entry, <u32>length, LENGTH);
  for (let i: usize = 0; i < 6; i += 2)
    store<u16>(entry + i, bswap<u16>(load<u16>(digest + i)) & 2047, BITS);
  store<u32>(out, load<u32>(entry, BITS));
  store<u16>(out, load<u16>(entry, BITS + 4), 4);
}
