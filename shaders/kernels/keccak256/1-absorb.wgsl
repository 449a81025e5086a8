// keccak256 of each message: the sponge with rate 1088 and domain byte 0x01 (Yellow Paper §3; FIPS 202 §4, §5.1).
//
// A turn absorbs at most BLOCKS_PER_TURN blocks of a message, so that no message, however long, keeps the device from
// answering; the sponge rests in a buffer between turns. The back end sees to enough turns (kernel.json).
#include "lib/parameters.wgsl"
#include "generated/verdict.wgsl"
#include "generated/keccak-f1600.wgsl"
#include "lib/messages.wgsl"

const RATE_BYTES = 136u;
// 1024 blocks are repeatPerMessageBytes (139 264) bytes.
const BLOCKS_PER_TURN = 1024u;

// Word-major: lane i of item k is sponge[i * capacity + k].
@group(0) @binding(5) var<storage, read_write> sponge: array<vec2<u32>>;

fn paddedLane(at: u32, left: i32, lane: u32) -> vec2<u32> {
  return vec2(paddedWord(at, left, 2u * lane, 1u), paddedWord(at, left, 2u * lane + 1u, 1u));
}

@compute @workgroup_size(workgroupSize)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let item = id.x;
  if (item >= parameters.count) {
    return;
  }
  let message = records[item];
  if (isOutOfBounds(message)) {
    refuse(item);
    return;
  }
  let blocks = message.length / RATE_BYTES + 1u;
  let first = turn * BLOCKS_PER_TURN;
  if (first >= blocks) {
    return;
  }
  let last = min(first + BLOCKS_PER_TURN, blocks);
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
  if (last < blocks) {
    for (var lane = 0u; lane < 25u; lane++) {
      sponge[lane * parameters.capacity + item] = state[lane];
    }
    return;
  }
  verdicts[item] = VERDICT_VALID;
  results[item * 8u] = state[0].x;
  results[item * 8u + 1u] = state[0].y;
  results[item * 8u + 2u] = state[1].x;
  results[item * 8u + 3u] = state[1].y;
  results[item * 8u + 4u] = state[2].x;
  results[item * 8u + 5u] = state[2].y;
  results[item * 8u + 6u] = state[3].x;
  results[item * 8u + 7u] = state[3].y;
}
