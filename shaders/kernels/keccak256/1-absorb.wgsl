// keccak256 of each message.
#include "lib/parameters.wgsl"
#include "generated/verdict.wgsl"
#include "lib/messages.wgsl"
#include "lib/keccak-sponge.wgsl"

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
