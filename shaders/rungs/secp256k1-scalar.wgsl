// Test entry: one scalar operation an item, named by the item's first word. Limbs go in and come out as they are.
#include "lib/secp256k1-scalar.wgsl"

@group(0) @binding(0) var<storage, read> input: array<u32>;
@group(0) @binding(1) var<storage, read_write> output: array<u32>;

fn load(at: u32) -> Limbs {
  var x: Limbs;
  for (var i = 0u; i < 20u; i++) {
    x[i] = input[at + i];
  }
  return x;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let at = id.x * 41u;
  if (at >= arrayLength(&input)) {
    return;
  }
  let x = load(at + 1u);
  var result: Limbs;
  switch (input[at]) {
    case 0u: { result = scMul(x, load(at + 21u)); }
    case 1u: { result = scNeg(x); }
    case 2u: { result = scCanonical(x); }
    case 3u: { result = scInverse(x); }
    case 4u: {
      let digits = scSplit(x);
      for (var i = 0u; i < 10u; i++) {
        result[i] = digits[i];
      }
    }
    case 5u: {
      let digits = scComb(x);
      for (var i = 0u; i < 9u; i++) {
        result[i] = digits[i];
      }
    }
    case 6u: {
      result[0] = scIsUnreduced(x);
      result[1] = scIsHigh(x);
      result[2] = scExceedsField(x);
    }
    default: {}
  }
  for (var i = 0u; i < 20u; i++) {
    output[id.x * 20u + i] = result[i];
  }
}
