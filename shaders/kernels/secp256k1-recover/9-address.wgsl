// Stage 9: the key in affine coordinates, and its address: the last 20 bytes of keccak256(x ‖ y) (Yellow Paper §F).
// 2 inlined multiplications and one permutation.
#include "lib/parameters.wgsl"
#include "generated/verdict.wgsl"
#include "generated/secp256k1-field.wgsl"
#include "generated/keccak-f1600.wgsl"
#include "lib/bytes.wgsl"
#include "lib/secp256k1-workspace.wgsl"
#include "lib/secp256k1-workspace-field.wgsl"
@group(0) @binding(2) var<storage, read_write> verdicts: array<u32>;
@group(0) @binding(3) var<storage, read_write> results: array<u32>;

// Two words of a big-endian number as a lane of the sponge.
fn lane(first: u32, second: u32) -> vec2<u32> {
  return vec2(swapBytes(first), swapBytes(second));
}

fn storeBigEndian(at: u32, w: Words) {
  results[at] = swapBytes(w[7]);
  results[at + 1u] = swapBytes(w[6]);
  results[at + 2u] = swapBytes(w[5]);
  results[at + 3u] = swapBytes(w[4]);
  results[at + 4u] = swapBytes(w[3]);
  results[at + 5u] = swapBytes(w[2]);
  results[at + 6u] = swapBytes(w[1]);
  results[at + 7u] = swapBytes(w[0]);
}

@compute @workgroup_size(workgroupSize)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let item = id.x;
  if (item >= parameters.count) {
    return;
  }
  // 21 words a result: x, y, address.
  let at = item * 21u;
  if (verdicts[item] != VERDICT_VALID) {
    for (var word = 0u; word < 21u; word++) {
      results[at + word] = 0u;
    }
    return;
  }
  let inverse = loadFe(INVERSE, item);
  let x = feToWords(feCanonical(feMul(loadFe(SUM_X, item), inverse)));
  let y = feToWords(feCanonical(feMul(loadFe(SUM_Y, item), inverse)));
  storeBigEndian(at, x);
  storeBigEndian(at + 8u, y);
  let zero = vec2(0u, 0u);
  // 64 bytes, the domain byte 0x01 after them, 0x80 at the end of the rate.
  let state = keccakF1600(KeccakState(
    lane(x[7], x[6]), lane(x[5], x[4]), lane(x[3], x[2]), lane(x[1], x[0]),
    lane(y[7], y[6]), lane(y[5], y[4]), lane(y[3], y[2]), lane(y[1], y[0]),
    vec2(1u, 0u), zero, zero, zero, zero, zero, zero, zero, vec2(0u, 0x80000000u),
    zero, zero, zero, zero, zero, zero, zero, zero));
  // Bytes 12 … 31 of the digest.
  results[at + 16u] = state[1].y;
  results[at + 17u] = state[2].x;
  results[at + 18u] = state[2].y;
  results[at + 19u] = state[3].x;
  results[at + 20u] = state[3].y;
}
