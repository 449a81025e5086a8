// sha256d of each message: the digest is hashed once more, one block of 32 bytes (FIPS 180-4).
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
  answer(item, sha256Compress(SHA256_START, Sha256Block(
    state[0], state[1], state[2], state[3], state[4], state[5], state[6], state[7],
    0x80000000u, 0u, 0u, 0u, 0u, 0u, 0u, 256u)));
}
