// Keccak-256 as Ethereum uses it: the sponge over Keccak-f[1600], rate 1088 bits, domain byte 0x01 (Yellow Paper §3),
// two messages at a time, one in each 64-bit half of a vector.
import { keccakF1600Pair } from "../generated/keccak-f1600";
import { VERDICT_MESSAGE_OUT_OF_BOUNDS, VERDICT_VALID } from "../generated/verdict";
import { loadTail } from "./bytes";

/** Bytes that one block absorbs. */
const RATE: u32 = 136;

/** Lanes of the state that absorb; the other 8 are the capacity. */
const RATE_LANES: usize = 17;

/** Two interleaved states: lane i of both at STATE + 16i. */
const STATE: usize = memory.data(400, 16);

/** The padded last block of each half's message; 144 bytes, so that whole vectors clear it. */
const LAST_BLOCK_0: usize = memory.data(144, 16);
const LAST_BLOCK_1: usize = memory.data(144, 16);

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
  for (let i: usize = 0; i < 4; i++) {
    const lane = v128.load(STATE + (i << 4));
    v128.store_lane<u64>(out0 + (i << 3), lane, 0);
    v128.store_lane<u64>(out1 + (i << 3), lane, 1);
  }
}

/** One half of the vectors: the message it absorbs, or idle. */
@unmanaged
class Half {
  /** 1 while a message is being absorbed. */
  busy: u32;
  /** Bytes not yet absorbed, and where they begin. */
  left: u32;
  next: usize;
  /** All ones once the state holds this message's earlier blocks, zero before its first. */
  keep: u64;
  digest: usize;
}

const HALF_0 = changetype<Half>(memory.data(offsetof<Half>(), 8));
const HALF_1 = changetype<Half>(memory.data(offsetof<Half>(), 8));

/**
 * Digests of `count` messages of any length. A record begins with u32 `offset` and `length` in the arena; records lie
 * `recordBytes` apart, digests `digestBytes` apart. A record outside the arena gets its verdict and a zero digest.
 *
 * Each half of the vectors takes the next message as soon as it has finished one, so messages of unlike length waste
 * nothing but the end of the longest.
 */
export function keccak256Messages(
  records: usize,
  recordBytes: usize,
  arena: usize,
  arenaBytes: u32,
  verdicts: usize,
  digests: usize,
  digestBytes: usize,
  count: u32,
): void {
  let item: u32 = 0;
  HALF_0.busy = 0;
  HALF_1.busy = 0;
  for (;;) {
    for (; item < count && !(HALF_0.busy & HALF_1.busy); item++) {
      const record = records + <usize>item * recordBytes;
      const offset = load<u32>(record);
      const length = load<u32>(record, 4);
      const digest = digests + <usize>item * digestBytes;
      if (<u64>offset + <u64>length > <u64>arenaBytes) {
        store<u32>(verdicts + (item << 2), VERDICT_MESSAGE_OUT_OF_BOUNDS);
        v128.store(digest, i64x2.splat(0));
        v128.store(digest, i64x2.splat(0), 16);
        continue;
      }
      store<u32>(verdicts + (item << 2), VERDICT_VALID);
      const half = HALF_0.busy ? HALF_1 : HALF_0;
      half.busy = 1;
      half.left = length;
      half.next = arena + offset;
      half.keep = 0;
      half.digest = digest;
    }
    if (!(HALF_0.busy | HALF_1.busy)) return;

    const last0 = HALF_0.left < RATE;
    const last1 = HALF_1.left < RATE;
    absorb(nextBlock(HALF_0, LAST_BLOCK_0), nextBlock(HALF_1, LAST_BLOCK_1));
    keccakF1600Pair(STATE);
    if (last0 & HALF_0.busy) squeeze(HALF_0, STATE);
    if (last1 & HALF_1.busy) squeeze(HALF_1, STATE + 8);
  }
}

/** Where the half's next 136 bytes lie: in the message itself, or padded in `lastBlock`. */
function nextBlock(half: Half, lastBlock: usize): usize {
  const block = half.next;
  if (half.left >= RATE) {
    half.next = block + RATE;
    half.left -= RATE;
    return block;
  }
  pad(block, half.left, lastBlock);
  return lastBlock;
}

/** Copies the last `left` < 136 bytes of a message and pads them: 0x01, zeros, 0x80 (both in one byte where left = 135). */
function pad(message: usize, left: u32, lastBlock: usize): void {
  for (let i: usize = 0; i < 144; i += 16) v128.store(lastBlock + i, i64x2.splat(0));
  const whole = left & ~7;
  for (let i: usize = 0; i < whole; i += 8) store<u64>(lastBlock + i, load<u64>(message + i));
  const tail = loadTail(message + whole, left & 7) | ((<u64>1) << ((left & 7) << 3));
  store<u64>(lastBlock + whole, tail);
  store<u64>(lastBlock, load<u64>(lastBlock, 128) ^ 0x8000000000000000, 128);
}

/** XORs a block into each half's state; a half whose message begins here drops what its state held. */
function absorb(block0: usize, block1: usize): void {
  const keep = i64x2.replace_lane(i64x2.splat(HALF_0.keep), 1, HALF_1.keep);
  for (let i: usize = 0; i < RATE_LANES; i++) {
    const both = v128.load_lane<u64>(block1 + (i << 3), v128.load64_zero(block0 + (i << 3)), 1);
    v128.store(STATE + (i << 4), v128.xor(both, v128.and(keep, v128.load(STATE + (i << 4)))));
  }
  for (let i: usize = RATE_LANES; i < 25; i++) {
    v128.store(STATE + (i << 4), v128.and(keep, v128.load(STATE + (i << 4))));
  }
  HALF_0.keep = -1;
  HALF_1.keep = -1;
}

/** Writes the digest from the half's state and leaves the half idle. */
function squeeze(half: Half, state: usize): void {
  for (let i: usize = 0; i < 4; i++) store<u64>(half.digest + (i << 3), load<u64>(state + (i << 4)));
  half.busy = 0;
  half.left = 0;
}
