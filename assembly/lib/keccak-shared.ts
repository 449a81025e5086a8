/**
 * Keccak-256 as Ethereum uses it (Yellow Paper §3: rate 136, domain byte 0x01), for instances that share a memory: the state lies
 * where the caller says. One permutation takes two messages, one in each 64-bit half of the vectors, or one beside nothing: on x86-64
 * even that is faster than a scalar state, whose 25 lanes do not fit the registers.
 */
import { keccakF1600PairWith } from "../generated/keccak-f1600";

/** Bytes of scratch that the functions below need at `state`, 16-byte aligned: two states and the permutation's own copy. */
export const KECCAK_STATE_BYTES: usize = 800;
const RATE: usize = 136;

function clear(state: usize): void {
  for (let i: usize = 0; i < 400; i += 16) v128.store(state + i, i64x2.splat(0));
}

/** Puts up to 135 bytes and their padding into half 0 or 8 of a cleared state. */
// @ts-ignore: decorator
@inline
function absorbLast(state: usize, message: usize, length: usize): void {
  let i: usize = 0;
  for (; i + 8 <= length; i += 8) {
    const lane = state + (i << 1);
    store<u64>(lane, load<u64>(lane) ^ load<u64>(message + i));
  }
  let tail: u64 = 1;
  for (let left = length; left > i; left--) tail = (tail << 8) | load<u8>(message + left - 1);
  const lane = state + (i << 1);
  store<u64>(lane, load<u64>(lane) ^ tail);
  store<u64>(state, load<u64>(state, 16 * 16) ^ 0x8000000000000000, 16 * 16);
}

// @ts-ignore: decorator
@inline
function squeeze(state: usize, digest: usize): void {
  for (let i: usize = 0; i < 32; i += 8) store<u64>(digest + i, load<u64>(state + (i << 1)));
}

/** Keccak-256 of `length` bytes at `message`; 32 bytes to `digest`. */
export function keccak256(message: usize, length: usize, digest: usize, state: usize): void {
  clear(state);
  for (; length >= RATE; message += RATE, length -= RATE) {
    for (let i: usize = 0; i < RATE; i += 8) {
      const lane = state + (i << 1);
      store<u64>(lane, load<u64>(lane) ^ load<u64>(message + i));
    }
    keccakF1600PairWith(state, state + 400);
  }
  absorbLast(state, message, length);
  keccakF1600PairWith(state, state + 400);
  squeeze(state, digest);
}

/** Keccak-256 of two messages below 136 bytes. */
export function keccak256Two(
  message0: usize,
  length0: usize,
  digest0: usize,
  message1: usize,
  length1: usize,
  digest1: usize,
  state: usize,
): void {
  clear(state);
  absorbLast(state, message0, length0);
  absorbLast(state + 8, message1, length1);
  keccakF1600PairWith(state, state + 400);
  squeeze(state, digest0);
  squeeze(state + 8, digest1);
}
