/**
 * The logs of the running transaction and their Bloom filter (Yellow Paper §4.3.1).
 *
 * A log record: 20-byte address, u32 number of topics at 24, u32 bytes of data at 28; then the topics, 32 bytes each; then the data,
 * padded to 8 bytes.
 */
import { BLOOM_CACHE_ENTRIES, bloomCache, logs, logsEnd, words } from "./layout";
import { keccak } from "./hash";
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

/** Adds the logs from `start` to `end` to the 256-byte Bloom filter; returns their number. */
export function bloomOf(bloom: usize, start: usize, end: usize): u32 {
  let count: u32 = 0;
  for (let log = start; log < end; log += logBytes(log)) {
    addToBloom(bloom, log, 20);
    const topics = <usize>load<u32>(log, 24);
    for (let i: usize = 0; i < topics; i++) addToBloom(bloom, log + 32 + (i << 5), 32);
    count++;
  }
  return count;
}

/**
 * Sets the three bits of a value. Contracts and event signatures recur, so a direct-mapped cache keeps the bits of recent values:
 * entries of 48 bytes, the value, its length, the bits as three u16.
 */
function addToBloom(bloom: usize, value: usize, length: usize): void {
  const padded = words + 512;
  store<u64>(padded, load<u64>(value));
  store<u64>(padded, load<u64>(value, 8), 8);
  if (length == 20) {
    store<u64>(padded, load<u32>(value, 16), 16);
    store<u64>(padded, 0, 24);
  } else {
    store<u64>(padded, load<u64>(value, 16), 16);
    store<u64>(padded, load<u64>(value, 24), 24);
  }
  const mixed =
    (load<u64>(padded, 16) ^
      rotl<u64>(load<u64>(padded, 24), 29) ^
      rotl<u64>(load<u64>(padded), 13)) *
    0x9e3779b97f4a7c15;
  const at = bloomCache + <usize>(mixed >> 52) * 48;
  if (
    load<u32>(at, 32) != <u32>length ||
    load<u64>(at) != load<u64>(padded) ||
    load<u64>(at, 8) != load<u64>(padded, 8) ||
    load<u64>(at, 16) != load<u64>(padded, 16) ||
    load<u64>(at, 24) != load<u64>(padded, 24)
  ) {
    const digest = words + 544;
    keccak(value, length, digest);
    memory.copy(at, padded, 32);
    store<u32>(at, <u32>length, 32);
    for (let i: usize = 0; i < 6; i += 2)
      store<u16>(at + i, bswap<u16>(load<u16>(digest + i)) & 2047, 36);
  }
  for (let i: usize = 0; i < 6; i += 2) {
    const bit = <usize>load<u16>(at + i, 36);
    const byte = bloom + 255 - (bit >> 3);
    store<u8>(byte, load<u8>(byte) | ((<u8>1) << (<u8>(bit & 7))));
  }
}
