// Keccak-256 of many messages, two at a time. Messages of equally many blocks wait for a partner; `flushDigests` ends the wait.
import { copyBytes, zeroBytes } from "../lib/bytes";
import { keccakF1600Pair } from "../generated/keccak-f1600";
import { allocate, release } from "./memory";

const RATE: u32 = 136;
/** Messages of up to this many blocks are paired; a branch of 16 hashes has 4. */
const PAIRED_BLOCKS: u32 = 5;
const SLOT_BYTES: u32 = PAIRED_BLOCKS * RATE;
/** The longest message that fits a slot: its last byte is padding. */
export const SLOT_MESSAGE_BYTES: u32 = SLOT_BYTES - 1;

/** One waiting message a block count, and the one being written. */
const SLOTS: usize = memory.data((PAIRED_BLOCKS + 1) * SLOT_BYTES, 16);
/** By block count: the waiting message's slot, 0 for none, and where its digest goes. */
const WAITING: usize = memory.data((PAIRED_BLOCKS + 1) * 8, 8);
const STATE: usize = memory.data(400, 16);

let freeSlots: u32 = 0;

// @ts-ignore: decorator
@inline
function slotAt(index: u32): usize {
  return SLOTS + index * SLOT_BYTES;
}

// @ts-ignore: decorator
@inline
function slotIndex(message: usize): u32 {
  return <u32>(message - SLOTS) / SLOT_BYTES;
}

/** Forgets waiting messages. */
export function resetDigests(): void {
  freeSlots = (1 << (PAIRED_BLOCKS + 1)) - 1;
  memory.fill(WAITING, 0, (PAIRED_BLOCKS + 1) * 8);
}

/** Where the next message is to be written: `SLOT_MESSAGE_BYTES` long at most. */
// @ts-ignore: decorator
@inline
export function messageSlot(): usize {
  return slotAt(ctz(freeSlots));
}

/** Pads the message in place (multi-rate padding, domain byte 0x01); returns its blocks. */
// @ts-ignore: decorator
@inline
function pad(message: usize, length: u32): u32 {
  const blocks = length / RATE + 1;
  const end = blocks * RATE;
  zeroBytes(message + length, end - length);
  store<u8>(message + length, 1);
  store<u8>(message + end - 1, load<u8>(message + end - 1) | 0x80);
  return blocks;
}

/** Digests the message written at `messageSlot()` to `out`, now or at the latest in `flushDigests`. */
export function digestSlot(length: u32, out: usize): void {
  const index = ctz(freeSlots);
  const message = slotAt(index);
  const blocks = pad(message, length);
  const entry = WAITING + (blocks << 3);
  const partner = load<u32>(entry);
  if (partner == 0) {
    store<u32>(entry, <u32>message);
    store<u32>(entry, <u32>out, 4);
    freeSlots &= ~(1 << index);
    return;
  }
  digestPair(partner, message, blocks, load<u32>(entry, 4), out);
  store<u32>(entry, 0);
  freeSlots |= 1 << slotIndex(partner);
}

/** Digests every message that still waits. */
export function flushDigests(): void {
  for (let blocks: u32 = 1; blocks <= PAIRED_BLOCKS; blocks++) {
    const entry = WAITING + (blocks << 3);
    const message = load<u32>(entry);
    if (message == 0) continue;
    const out = load<u32>(entry, 4);
    digestPair(message, message, blocks, out, out);
    store<u32>(entry, 0);
    freeSlots |= 1 << slotIndex(message);
  }
}

/** Bytes of a buffer for `digestBuffer`. */
export function digestBufferBytes(length: u32): u32 {
  return (length / RATE + 1) * RATE;
}

/** Digests a message of any length at once; it lies in a buffer of `digestBufferBytes(length)` bytes, which is padded. */
export function digestBuffer(message: usize, length: u32, out: usize): void {
  digestPair(message, message, pad(message, length), out, out);
}

/** Digests a message of any length that lies anywhere, to `out`, now or in `flushDigests`. */
export function digest(message: usize, length: u32, out: usize): void {
  if (length <= SLOT_MESSAGE_BYTES) {
    copyBytes(messageSlot(), message, length);
    digestSlot(length, out);
    return;
  }
  const bytes = digestBufferBytes(length);
  const buffer = allocate(bytes);
  memory.copy(buffer, message, length);
  digestBuffer(buffer, length, out);
  release(buffer, bytes);
}

// @ts-ignore: decorator
@inline
function both(a: usize, b: usize, i: usize): v128 {
  return v128.load_lane<u64>(b + (i << 3), v128.load64_zero(a + (i << 3)), 1);
}

/** Two padded messages of equally many blocks. */
function digestPair(a: usize, b: usize, blocks: u32, outA: usize, outB: usize): void {
  for (let i: usize = 0; i < 17; i++) v128.store(STATE + (i << 4), both(a, b, i));
  for (let i: usize = 17; i < 25; i++) v128.store(STATE + (i << 4), i64x2.splat(0));
  keccakF1600Pair(STATE);
  for (let block: u32 = 1; block < blocks; block++) {
    a += RATE;
    b += RATE;
    for (let i: usize = 0; i < 17; i++) {
      const lane = STATE + (i << 4);
      v128.store(lane, v128.xor(v128.load(lane), both(a, b, i)));
    }
    keccakF1600Pair(STATE);
  }
  for (let i: usize = 0; i < 4; i++) {
    const lane = v128.load(STATE + (i << 4));
    v128.store_lane<u64>(outA + (i << 3), lane, 0);
    v128.store_lane<u64>(outB + (i << 3), lane, 1);
  }
}
