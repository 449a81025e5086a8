/**
 * Call frames: one record a depth, side by side, so that calls nest without the machine's own stack. Frames share one stretch of
 * EVM memory and one stack, each beginning where its caller's ends: what a frame used is free again the moment it returns.
 */
import { FRAME_BYTES, frames, memories, memoriesEnd, stacks } from "./layout";
import { limitReached } from "./host";
import { memoryGas } from "./gas";
import { fits64 } from "./u256";

export const F_PC: usize = 0;
export const F_SP: usize = 4;
export const F_STACK: usize = 8;
/** First byte of the copy of the code that is run (`fusion.ts`), and the code's length. */
export const F_CODE: usize = 12;
export const F_CODE_BYTES: usize = 16;
/** Bitmap of jump destinations. */
export const F_JUMPS: usize = 20;
export const F_MEMORY: usize = 24;
/** Bytes of memory in use, a multiple of 32. */
export const F_MEMORY_BYTES: usize = 28;
export const F_GAS: usize = 32;
export const F_INPUT: usize = 40;
export const F_INPUT_BYTES: usize = 44;
/** View entry of the account whose storage and balance the frame uses. */
export const F_SELF: usize = 48;
/** 1 where state may not change (EIP-214). */
export const F_STATIC: usize = 52;
/** 1 for contract creation. */
export const F_CREATES: usize = 56;
/** Where in the caller's memory output goes, and how much of it. */
export const F_OUT: usize = 60;
export const F_OUT_BYTES: usize = 64;
/** Journal, logs and refund at the frame's beginning. */
export const F_CHECKPOINT: usize = 68;
export const F_LOGS: usize = 72;
export const F_REFUND: usize = 80;
export const F_CALLER: usize = 96;
export const F_VALUE: usize = 128;
export const F_ADDRESS: usize = 160;
/** First byte of the code as it is. */
export const F_ORIGINAL: usize = 192;

/** The first frame of a transaction, its stack and memory empty. */
export function rootFrame(): usize {
  store<u32>(frames, <u32>stacks, F_SP);
  store<u32>(frames, <u32>memories, F_MEMORY);
  store<u32>(frames, 0, F_MEMORY_BYTES);
  return frames;
}

// @ts-ignore: decorator
@inline
export function depthOf(frame: usize): i32 {
  return <i32>((frame - frames) / FRAME_BYTES);
}

/**
 * End of the bytes that offset and length (words) span: 0 where the length is 0, -1 where it lies past 4 GiB, which costs more gas
 * than any block has.
 */
// @ts-ignore: decorator
@inline
export function extent(offset: usize, length: usize): i64 {
  const bytes = load<u64>(length);
  const start = load<u64>(offset);
  const high = load<u64>(length, 8) | load<u64>(length, 16) | load<u64>(length, 24);
  if ((bytes | high) == 0) return 0;
  if (
    high | load<u64>(offset, 8) | load<u64>(offset, 16) | load<u64>(offset, 24) ||
    bytes > 0xffffffff ||
    start > 0xffffffff
  )
    return -1;
  return <i64>(start + bytes);
}

/** Gas to grow memory from `size` to `end` bytes; negative ends cost more than there is. */
export function growthGas(size: usize, end: i64): i64 {
  if (end < 0) return i64.MAX_VALUE;
  const wanted = (end + 31) & ~31;
  return wanted <= <i64>size ? 0 : memoryGas(wanted) - memoryGas(<i64>size);
}

/** Grows memory, which has been paid for, with zeros; returns the new size. */
export function grow(base: usize, size: usize, end: i64): usize {
  const wanted = (end + 31) & ~31;
  if (wanted <= <i64>size) return size;
  if (<i64>base + wanted > <i64>memoriesEnd) limitReached(1);
  memory.fill(base + size, 0, <usize>wanted - size);
  return <usize>wanted;
}

/** Pays for the frame's memory up to `end` (see `extent`) and grows it; answers the gas left, negative where it does not suffice. */
export function reach(frame: usize, end: i64, gas: i64): i64 {
  const size = <usize>load<u32>(frame, F_MEMORY_BYTES);
  if (end >= 0 && end <= <i64>size) return gas;
  const cost = growthGas(size, end);
  if (cost > gas) return -1;
  store<u32>(frame, <u32>grow(<usize>load<u32>(frame, F_MEMORY), size, end), F_MEMORY_BYTES);
  return gas - cost;
}

/** As `reach`, for so many bytes (not 0) from the offset in a word. */
export function reachBytes(frame: usize, offset: usize, bytes: i64, gas: i64): i64 {
  const start = load<u64>(offset);
  if (start > 0xffffffff || !fits64(offset)) return -1;
  return reach(frame, <i64>start + bytes, gas);
}
