// sha256 of each message (FIPS 180-4).
#include "lib/parameters.wgsl"
#include "generated/verdict.wgsl"
#include "lib/sha256.wgsl"

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
  let state = sha256Turn(item, message, first, last, blocks);
  if (last < blocks) {
    storeState(item, state);
    return;
  }
  answer(item, state);
}
