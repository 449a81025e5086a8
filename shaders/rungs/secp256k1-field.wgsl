// Test entry: one field operation an item, named by the item's first word. Limbs go in and come out as they are.
#include "lib/secp256k1-field.wgsl"

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
  let operation = input[at];
  let x = load(at + 1u);
  let y = load(at + 21u);
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
  for (var i = 0u; i < 20u; i++) {
    output[id.x * 20u + i] = result[i];
  }
}
