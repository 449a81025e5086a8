// Test entry: one field operation an item, named by the item's first word. Elements go in and come out limb by limb.
#include "lib/secp256k1-field.wgsl"

@group(0) @binding(0) var<storage, read> input: array<u32>;
@group(0) @binding(1) var<storage, read_write> output: array<u32>;

fn load(at: u32) -> Fe {
  var x: Fe;
  for (var i = 0u; i < FE_LIMBS; i++) {
    x[i] = input[at + i];
  }
  return x;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let at = id.x * (1u + 2u * FE_LIMBS);
  if (at >= arrayLength(&input)) {
    return;
  }
  let operation = input[at];
  let x = load(at + 1u);
  let y = load(at + 1u + FE_LIMBS);
  var result = FE_ZERO;
  switch (operation) {
    case 0u: { result = feMul(x, y); }
    case 1u: { result = feSqr(x); }
    case 2u: { result = feAdd(x, y); }
    case 3u: { result = feSub(x, y); }
    case 4u: { result = feSubLoose(x, y); }
    case 5u: { result = feNeg(x); }
    case 6u: { result = feNormalize(x); }
    case 7u: { result = feCanonical(x); }
    case 8u, 9u: { result = fePower(x, operation == 9u); }
    case 10u: { result[0] = u32(feIsZero(x)); }
    case 11u: { result[0] = feIsUnreduced(x); }
    default: {}
  }
  for (var i = 0u; i < FE_LIMBS; i++) {
    output[id.x * FE_LIMBS + i] = result[i];
  }
}
