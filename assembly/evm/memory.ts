/**
 * Operations on a frame's memory: copies, hashes, logs (Yellow Paper, appendix H.2).
 *
 * Each pays and grows memory first, answers the gas left, negative where it did not suffice, and leaves the memory's size in the
 * frame. Operands of copies begin at `sp`: length, offset in the source, offset in memory.
 */
import { returnedBytes } from "./calls";
import {
  extent,
  F_ADDRESS,
  F_CALLER,
  F_INPUT,
  F_INPUT_BYTES,
  F_MEMORY,
  F_STATIC,
  reach,
} from "./frame";
import { COPY_WORD, KECCAK_WORD, LOG_BYTE, wordGas } from "./gas";
import { keccak, keccakOfSlot } from "./hash";
import { returned } from "./layout";
import { appendLog } from "./logs";
import { fits64, fromBytes } from "./u256";

/** Pays for a copy to memory. */
export function payForCopy(frame: usize, sp: usize, gas: i64): i64 {
  gas = reach(frame, extent(sp + 64, sp), gas);
  return gas < 0 ? gas : gas - wordGas(<usize>load<u32>(sp), COPY_WORD);
}

/** Copies what has been paid for; what lies past the source's end reads as zeros. The length is not 0. */
export function copyPadded(frame: usize, sp: usize, source: usize, sourceBytes: usize): void {
  const to = <usize>load<u32>(frame, F_MEMORY) + <usize>load<u32>(sp + 64);
  const length = <usize>load<u32>(sp);
  const offset = sp + 32;
  let available: usize = 0;
  if (fits64(offset) && load<u64>(offset) < <u64>sourceBytes) {
    const from = <usize>load<u64>(offset);
    available = min<usize>(sourceBytes - from, length);
    memory.copy(to, source + from, available);
  }
  memory.fill(to + available, 0, length - available);
}

/** CALLDATACOPY, CODECOPY. */
export function copyToMemory(
  frame: usize,
  sp: usize,
  source: usize,
  sourceBytes: usize,
  gas: i64,
): i64 {
  gas = payForCopy(frame, sp, gas);
  if (gas >= 0 && load<u32>(sp)) copyPadded(frame, sp, source, sourceBytes);
  return gas;
}

/** RETURNDATACOPY: reading past the end is an exceptional halt, not zeros (EIP-211). */
export function copyReturned(frame: usize, sp: usize, gas: i64): i64 {
  const from = load<u64>(sp + 32);
  const length = load<u64>(sp);
  if (!fits64(sp + 32) || !fits64(sp) || from > <u64>returnedBytes) return -1;
  if (length > <u64>returnedBytes - from) return -1;
  gas = payForCopy(frame, sp, gas);
  if (gas < 0 || length == 0) return gas;
  const to = <usize>load<u32>(frame, F_MEMORY) + <usize>load<u32>(sp + 64);
  memory.copy(to, returned + <usize>from, <usize>length);
  return gas;
}

/** MCOPY (EIP-5656). */
export function copyMemory(frame: usize, sp: usize, gas: i64): i64 {
  const target = extent(sp + 64, sp);
  const source = extent(sp + 32, sp);
  if (target < 0 || source < 0) return -1;
  gas = reach(frame, max<i64>(target, source), gas);
  if (gas < 0) return gas;
  const bytes = <usize>load<u32>(sp);
  gas -= wordGas(bytes, COPY_WORD);
  if (gas < 0 || bytes == 0) return gas;
  const base = <usize>load<u32>(frame, F_MEMORY);
  memory.copy(base + <usize>load<u32>(sp + 64), base + <usize>load<u32>(sp + 32), bytes);
  return gas;
}

/** KECCAK256 of the memory that two words span, to the word `out`. */
export function hashMemory(frame: usize, offset: usize, length: usize, out: usize, gas: i64): i64 {
  gas = reach(frame, extent(offset, length), gas);
  if (gas < 0) return gas;
  const bytes = <usize>load<u32>(length);
  gas -= wordGas(bytes, KECCAK_WORD);
  if (gas < 0) return gas;
  const message = <usize>load<u32>(frame, F_MEMORY) + <usize>load<u32>(offset);
  if (bytes == 64) {
    const input = <usize>load<u32>(frame, F_INPUT);
    keccakOfSlot(message, out, frame + F_CALLER, input, <usize>load<u32>(frame, F_INPUT_BYTES));
    return gas;
  }
  keccak(message, bytes, out);
  fromBytes(out, out);
  return gas;
}

/** LOG0 to LOG4; the last operand is at `sp - 32`. */
export function log(frame: usize, sp: usize, topics: usize, gas: i64): i64 {
  if (load<u32>(frame, F_STATIC)) return -1;
  gas = reach(frame, extent(sp - 32, sp - 64), gas);
  if (gas < 0) return gas;
  const bytes = <usize>load<u32>(sp - 64);
  gas -= <i64>bytes * LOG_BYTE;
  if (gas < 0) return gas;
  const data = <usize>load<u32>(frame, F_MEMORY) + (bytes ? <usize>load<u32>(sp - 32) : 0);
  appendLog(frame + F_ADDRESS, sp - 96, topics, data, bytes);
  return gas;
}
