// Test entry: one permutation an item, 50 words in and out.
#include "generated/keccak-f1600.wgsl"

@group(0) @binding(0) var<storage, read> input: array<vec2<u32>>;
@group(0) @binding(1) var<storage, read_write> output: array<vec2<u32>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let at = id.x * 25u;
  if (at >= arrayLength(&input)) {
    return;
  }
  var state: KeccakState;
  for (var i = 0u; i < 25u; i++) {
    state[i] = input[at + i];
  }
  state = keccakF1600(state);
  for (var i = 0u; i < 25u; i++) {
    output[at + i] = state[i];
  }
}
