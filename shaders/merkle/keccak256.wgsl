// Levels of a Merkle tree by keccak256 of 64 bytes: one permutation (Yellow Paper §3).
#include "generated/keccak-f1600.wgsl"
#include "lib/merkle.wgsl"

fn hashPair(left: u32, right: u32, result: u32) {
  var state: KeccakState;
  for (var lane = 0u; lane < 4u; lane++) {
    state[lane] = vec2(nodes[left + 2u * lane], nodes[left + 2u * lane + 1u]);
    state[lane + 4u] = vec2(nodes[right + 2u * lane], nodes[right + 2u * lane + 1u]);
  }
  // The domain byte 0x01 after 64 bytes, 0x80 at the end of the rate.
  state[8] = vec2(1u, 0u);
  state[16] = vec2(0u, 0x80000000u);
  state = keccakF1600(state);
  for (var lane = 0u; lane < 4u; lane++) {
    nodes[result + 2u * lane] = state[lane].x;
    nodes[result + 2u * lane + 1u] = state[lane].y;
  }
}
