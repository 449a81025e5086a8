// Levels of a Merkle tree by SHA-256 of 64 bytes (FIPS 180-4): two blocks, the second all padding.
#include "lib/bytes.wgsl"
#include "generated/sha256.wgsl"
#include "lib/merkle.wgsl"

fn hashPair(left: u32, right: u32, result: u32) {
  var block: Sha256Block;
  for (var word = 0u; word < 8u; word++) {
    block[word] = swapBytes(nodes[left + word]);
    block[word + 8u] = swapBytes(nodes[right + word]);
  }
  var state = SHA256_START;
  for (var turn = 0u; turn < 2u; turn++) {
    state = sha256Compress(state, block);
    block = Sha256Block(0x80000000u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 512u);
  }
  for (var word = 0u; word < 8u; word++) {
    nodes[result + word] = swapBytes(state[word]);
  }
}
