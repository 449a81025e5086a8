// keccak256 of messages of any length, a turn at a time: the sponge with rate 1088 and domain byte 0x01 (Yellow Paper §3;
// FIPS 202 §4, §5.1). A turn absorbs at most BLOCKS_PER_TURN blocks of a message, so that no message, however long, keeps the
// device from answering; the sponge rests in a buffer between turns. The back end sees to enough turns (kernel.json).
#include "generated/keccak-f1600.wgsl"
#include "lib/arena.wgsl"
// Word-major: lane i of item k is sponge[i * capacity + k].
@group(0) @binding(5) var<storage, read_write> sponge: array<vec2<u32>>;

const RATE_BYTES = 136u;
// 1024 blocks are repeatPerMessageBytes (139 264) bytes.
const BLOCKS_PER_TURN = 1024u;

fn blocksOf(message: Message) -> u32 {
  return message.length / RATE_BYTES + 1u;
}

fn paddedLane(at: u32, left: i32, lane: u32) -> vec2<u32> {
  return vec2(paddedWord(at, left, 2u * lane, 1u), paddedWord(at, left, 2u * lane + 1u, 1u));
}

// The state after the blocks of this turn, `first` … `last` - 1.
fn absorbTurn(item: u32, message: Message, first: u32, last: u32) -> KeccakState {
  var state: KeccakState;
  if (turn > 0u) {
    for (var lane = 0u; lane < 25u; lane++) {
      state[lane] = sponge[lane * parameters.capacity + item];
    }
  }
  // An empty message may lie anywhere, before the chunk's part of the arena too; none of its bytes is read.
  let base = message.offset - parameters.arenaStart;
  for (var block = first; block < last; block++) {
    let at = base + block * RATE_BYTES;
    let left = i32(message.length) - i32(block * RATE_BYTES);
    for (var lane = 0u; lane < 17u; lane++) {
      state[lane] ^= paddedLane(at, left, lane);
    }
    if (left < i32(RATE_BYTES)) {
      state[16].y ^= 0x80000000u;
    }
    state = keccakF1600(state);
  }
  return state;
}

fn storeSponge(item: u32, state: KeccakState) {
  for (var lane = 0u; lane < 25u; lane++) {
    sponge[lane * parameters.capacity + item] = state[lane];
  }
}
