// SHA-256 (FIPS 180-4), four messages at a time, one in each 32-bit lane of a vector.
import { SHA256_IV, sha256Compress, sha256CompressPadding64 } from "../generated/sha256";
import { VERDICT_MESSAGE_OUT_OF_BOUNDS, VERDICT_VALID } from "../generated/verdict";
import { loadTail } from "./bytes";

const BLOCK: u32 = 64;

/** Four interleaved states: word i of all at STATE + 16i. */
const STATE: usize = memory.data(128, 16);

/** Four interleaved blocks, host byte order: word i of all at SCHEDULE + 16i. */
const SCHEDULE: usize = memory.data(256, 16);

/** The padded end of each lane's message: one block or two. */
const ENDS: usize = memory.data(4 * 128, 16);

/** One lane of the vectors: the message it absorbs, or idle. */
@unmanaged
class Lane {
  /** 1 while a message is being absorbed. */
  busy: u32;
  /** Blocks not yet absorbed that lie whole in the message, and where they begin. */
  blocks: u32;
  next: usize;
  /** Blocks of the padded end not yet absorbed, and where they begin. */
  endBlocks: u32;
  end: usize;
  digest: usize;
}

const LANES: usize = memory.data(4 * offsetof<Lane>(), 8);

/** All ones in the lanes whose message begins with the next block. */
const FRESH: usize = memory.data(16, 16);

// @ts-ignore: decorator
@inline
function laneAt(index: usize): Lane {
  return changetype<Lane>(LANES + index * offsetof<Lane>());
}

/** Words between big-endian and host order. */
// @ts-ignore: decorator
@inline
function swapBytes(words: v128): v128 {
  return v128.shuffle<u8>(words, words, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
}

/** Stores the transpose of the 4 × 4 words a, b, c, d. */
// @ts-ignore: decorator
@inline
function storeTransposed(out: usize, a: v128, b: v128, c: v128, d: v128): void {
  const ab0 = v128.shuffle<u32>(a, b, 0, 4, 1, 5);
  const ab1 = v128.shuffle<u32>(a, b, 2, 6, 3, 7);
  const cd0 = v128.shuffle<u32>(c, d, 0, 4, 1, 5);
  const cd1 = v128.shuffle<u32>(c, d, 2, 6, 3, 7);
  v128.store(out, v128.shuffle<u64>(ab0, cd0, 0, 2));
  v128.store(out, v128.shuffle<u64>(ab0, cd0, 1, 3), 16);
  v128.store(out, v128.shuffle<u64>(ab1, cd1, 0, 2), 32);
  v128.store(out, v128.shuffle<u64>(ab1, cd1, 1, 3), 48);
}

/** Interleaves a block of each of four messages into SCHEDULE. */
function loadBlocks(block0: usize, block1: usize, block2: usize, block3: usize): void {
  for (let i: usize = 0; i < 64; i += 16) {
    storeTransposed(
      SCHEDULE + (i << 2),
      swapBytes(v128.load(block0 + i)),
      swapBytes(v128.load(block1 + i)),
      swapBytes(v128.load(block2 + i)),
      swapBytes(v128.load(block3 + i)),
    );
  }
}

/** Every lane's state becomes the initial hash value. */
function resetStates(): void {
  for (let i: usize = 0; i < 8; i++) {
    v128.store(STATE + (i << 4), v128.load_splat<u32>(SHA256_IV + (i << 2)));
  }
}

/** Writes all four digests, `digestBytes` apart. */
function storeDigests(digests: usize, digestBytes: usize): void {
  for (let half: usize = 0; half < 2; half++) {
    const state = STATE + (half << 6);
    storeTransposed(
      SCHEDULE,
      swapBytes(v128.load(state)),
      swapBytes(v128.load(state, 16)),
      swapBytes(v128.load(state, 32)),
      swapBytes(v128.load(state, 48)),
    );
    for (let lane: usize = 0; lane < 4; lane++) {
      v128.store(digests + lane * digestBytes + (half << 4), v128.load(SCHEDULE + (lane << 4)));
    }
  }
}

/**
 * Digests of `count` messages of any length. A record begins with u32 `offset` and `length` in the arena; records lie
 * `recordBytes` apart, digests `digestBytes` apart. A record outside the arena gets its verdict and a zero digest.
 *
 * Each lane takes the next message as soon as it has finished one. Where the next four messages are of 64 bytes (Merkle
 * nodes), they go together, and the second block of each is a table of constants.
 */
export function sha256Messages(
  records: usize,
  recordBytes: usize,
  arena: usize,
  arenaBytes: u32,
  verdicts: usize,
  digests: usize,
  digestBytes: usize,
  count: u32,
): void {
  for (let i: usize = 0; i < 4; i++) laneAt(i).busy = 0;
  let item: u32 = 0;
  let busy: u32 = 0;
  for (;;) {
    for (let i: usize = 0; i < 4 && item < count; i++) {
      const lane = laneAt(i);
      if (lane.busy) continue;
      if (busy === 0) {
        item = nodes(records, recordBytes, arena, arenaBytes, verdicts, digests, digestBytes, count, item);
      }
      for (; item < count && !lane.busy; item++) {
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
        begin(i, arena + offset, length, digest);
        busy++;
      }
    }
    if (busy === 0) return;
    absorb();
    for (let i: usize = 0; i < 4; i++) {
      const lane = laneAt(i);
      if (!lane.busy || lane.blocks + lane.endBlocks > 0) continue;
      for (let word: usize = 0; word < 8; word++) {
        const value = load<u32>(STATE + (word << 4) + (i << 2));
        store<u32>(lane.digest + (word << 2), bswap<u32>(value));
      }
      lane.busy = 0;
      busy--;
    }
  }
}

/** As long as the next four messages are of 64 bytes and inside the arena, digests them; the first item left. */
function nodes(
  records: usize,
  recordBytes: usize,
  arena: usize,
  arenaBytes: u32,
  verdicts: usize,
  digests: usize,
  digestBytes: usize,
  count: u32,
  first: u32,
): u32 {
  let item = first;
  for (; item + 4 <= count; item += 4) {
    const record0 = records + <usize>item * recordBytes;
    const record1 = record0 + recordBytes;
    const record2 = record1 + recordBytes;
    const record3 = record2 + recordBytes;
    const unlike =
      (load<u32>(record0, 4) ^ 64) |
      (load<u32>(record1, 4) ^ 64) |
      (load<u32>(record2, 4) ^ 64) |
      (load<u32>(record3, 4) ^ 64);
    const last: u64 = max(
      max(load<u32>(record0), load<u32>(record1)),
      max(load<u32>(record2), load<u32>(record3)),
    );
    if (unlike !== 0 || last + 64 > <u64>arenaBytes) break;
    loadBlocks(
      arena + load<u32>(record0),
      arena + load<u32>(record1),
      arena + load<u32>(record2),
      arena + load<u32>(record3),
    );
    resetStates();
    sha256Compress(STATE, SCHEDULE);
    sha256CompressPadding64(STATE);
    storeDigests(digests + <usize>item * digestBytes, digestBytes);
    v128.store(verdicts + (item << 2), i32x4.splat(VERDICT_VALID));
  }
  return item;
}

/** Gives the lane a message, its end padded with 0x80, zeros and the length in bits (§5.1.1). */
function begin(index: usize, message: usize, length: u32, digest: usize): void {
  const lane = laneAt(index);
  const end = ENDS + (index << 7);
  const left = length % BLOCK;
  lane.busy = 1;
  lane.blocks = length / BLOCK;
  lane.next = message;
  lane.endBlocks = left < 56 ? 1 : 2;
  lane.end = end;
  lane.digest = digest;
  for (let i: usize = 0; i < 128; i += 16) v128.store(end + i, i64x2.splat(0));
  const source = message + (length - left);
  const whole = left & ~7;
  for (let i: usize = 0; i < whole; i += 8) store<u64>(end + i, load<u64>(source + i));
  const tail = loadTail(source + whole, left & 7) | ((<u64>0x80) << ((left & 7) << 3));
  store<u64>(end + whole, tail);
  store<u64>(end + lane.endBlocks * BLOCK - 8, bswap<u64>(<u64>length << 3));
  store<u32>(FRESH + (index << 2), -1);
}

/** The lane's next block; for an idle lane anything. */
function nextBlock(index: usize): usize {
  const lane = laneAt(index);
  if (lane.blocks > 0) {
    const block = lane.next;
    lane.next += BLOCK;
    lane.blocks--;
    return block;
  }
  if (!lane.busy) return ENDS;
  const block = lane.end;
  lane.end += BLOCK;
  lane.endBlocks--;
  return block;
}

/** Absorbs the next block of every lane; a lane whose message begins here starts from the initial hash value. */
function absorb(): void {
  const fresh = v128.load(FRESH);
  for (let i: usize = 0; i < 8; i++) {
    const initial = v128.load_splat<u32>(SHA256_IV + (i << 2));
    v128.store(STATE + (i << 4), v128.bitselect(initial, v128.load(STATE + (i << 4)), fresh));
  }
  v128.store(FRESH, i64x2.splat(0));
  loadBlocks(nextBlock(0), nextBlock(1), nextBlock(2), nextBlock(3));
  sha256Compress(STATE, SCHEDULE);
}

/** Replaces each of `count` digests by its own digest; entries whose verdict is not valid stay zero. */
export function sha256Again(digests: usize, verdicts: usize, count: u32): void {
  for (let item: u32 = 0; item < count; item += 4) {
    const last = count - 1;
    for (let i: usize = 0; i < 32; i += 16) {
      storeTransposed(
        SCHEDULE + (i << 2),
        swapBytes(v128.load(digests + (<usize>item << 5) + i)),
        swapBytes(v128.load(digests + (<usize>min(item + 1, last) << 5) + i)),
        swapBytes(v128.load(digests + (<usize>min(item + 2, last) << 5) + i)),
        swapBytes(v128.load(digests + (<usize>min(item + 3, last) << 5) + i)),
      );
    }
    // The rest of the block pads 32 bytes: 0x80, zeros, 256 bits.
    v128.store(SCHEDULE, i32x4.splat(0x80000000), 8 * 16);
    for (let i: usize = 9; i < 15; i++) v128.store(SCHEDULE + (i << 4), i32x4.splat(0));
    v128.store(SCHEDULE, i32x4.splat(256), 15 * 16);
    resetStates();
    sha256Compress(STATE, SCHEDULE);
    for (let i: u32 = 0; i < 4 && item + i < count; i++) {
      const digest = digests + (<usize>(item + i) << 5);
      const valid = load<u32>(verdicts + ((item + i) << 2)) === VERDICT_VALID;
      for (let word: usize = 0; word < 8; word++) {
        const value = bswap<u32>(load<u32>(STATE + (word << 4) + (i << 2)));
        store<u32>(digest + (word << 2), valid ? value : 0);
      }
    }
  }
}

/**
 * Digests of `count` blocks of 64 bytes that lie back to back, as binary Merkle trees need them. Works in whole vectors: up to three
 * blocks after the last are read, and as many digests written.
 */
export function sha256Nodes(blocks: usize, digests: usize, count: u32): void {
  for (let item: u32 = 0; item < count; item += 4) {
    const block = blocks + (<usize>item << 6);
    loadBlocks(block, block + 64, block + 128, block + 192);
    resetStates();
    sha256Compress(STATE, SCHEDULE);
    sha256CompressPadding64(STATE);
    storeDigests(digests + (<usize>item << 5), 32);
  }
}
