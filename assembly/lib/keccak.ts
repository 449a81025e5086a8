// Keccak-256 as Ethereum uses it: the sponge over Keccak-f[1600], rate 1088 bits, domain byte 0x01 (Yellow Paper §3),
// two messages at a time, one in each 64-bit half of a vector.
import { keccakF1600Pair } from "../generated/keccak-f1600";

/** Bytes that one block absorbs. */
export const KECCAK256_RATE: u32 = 136;

/** Two interleaved states: lane i of both at STATE + 16i. */
const STATE: usize = memory.data(400, 16);

/** Digests of two 64-byte messages: `in0` → `out0`, `in1` → `out1`; inputs and outputs may overlap. */
export function keccak256Pair64(in0: usize, in1: usize, out0: usize, out1: usize): void {
  for (let i: usize = 0; i < 8; i++) {
    const both = v128.load_lane<u64>(in1 + (i << 3), v128.load64_zero(in0 + (i << 3)), 1);
    v128.store(STATE + (i << 4), both);
  }
  const zero = i64x2.splat(0);
  for (let i: usize = 8; i < 25; i++) v128.store(STATE + (i << 4), zero);
  v128.store(STATE, i64x2.splat(0x01), 8 * 16);
  v128.store(STATE, i64x2.splat(0x8000000000000000), 16 * 16);
  keccakF1600Pair(STATE);
  squeezePair(out0, out1);
}

/** The first 32 bytes of each state. */
// @ts-ignore: decorator
@inline
function squeezePair(out0: usize, out1: usize): void {
  for (let i: usize = 0; i < 4; i++) {
    const lane = v128.load(STATE + (i << 4));
    v128.store_lane<u64>(out0 + (i << 3), lane, 0);
    v128.store_lane<u64>(out1 + (i << 3), lane, 1);
  }
}
