// Stage 1: keccak256 of each payload, and a record of secp256k1-recover with that digest as z: the stages of that row go on from
// there. Only MessageOutOfBounds is decided here.
#include "lib/parameters.wgsl"
#include "generated/verdict.wgsl"
#include "lib/keccak-sponge.wgsl"
// Records: offset, length, r, s, recoveryId, flags.
@group(0) @binding(1) var<storage, read> records: array<u32>;
@group(0) @binding(3) var<storage, read_write> verdicts: array<u32>;
// Records of secp256k1-recover: z, r, s, recoveryId, flags.
@group(0) @binding(4) var<storage, read_write> signatures: array<u32>;

const RECORD_WORDS = 20u;
const SIGNATURE_WORDS = 26u;
// r, s, recoveryId and flags lie together in both.
const SHARED_WORDS = 18u;

@compute @workgroup_size(workgroupSize)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let item = id.x;
  if (item >= parameters.count) {
    return;
  }
  let record = item * RECORD_WORDS;
  let signature = item * SIGNATURE_WORDS;
  if (turn == 0u) {
    for (var word = 0u; word < SHARED_WORDS; word++) {
      signatures[signature + 8u + word] = records[record + 2u + word];
    }
  }
  let message = Message(records[record], records[record + 1u]);
  if (isOutOfBounds(message)) {
    verdicts[item] = VERDICT_MESSAGE_OUT_OF_BOUNDS;
    return;
  }
  let blocks = blocksOf(message);
  let first = turn * BLOCKS_PER_TURN;
  if (first >= blocks) {
    return;
  }
  let last = min(first + BLOCKS_PER_TURN, blocks);
  let state = absorbTurn(item, message, first, last);
  if (last < blocks) {
    storeSponge(item, state);
    return;
  }
  signatures[signature] = state[0].x;
  signatures[signature + 1u] = state[0].y;
  signatures[signature + 2u] = state[1].x;
  signatures[signature + 3u] = state[1].y;
  signatures[signature + 4u] = state[2].x;
  signatures[signature + 5u] = state[2].y;
  signatures[signature + 6u] = state[3].x;
  signatures[signature + 7u] = state[3].y;
}
