// The inverses mod n of one number of each record, many items an invocation (Montgomery's trick); the stage says which number.
// An item that already has a verdict takes part as 1, so that it cannot spoil the others. 5 inlined multiplications.
#include "lib/secp256k1-scalar.wgsl"
#include "lib/secp256k1-workspace.wgsl"
#include "lib/secp256k1-workspace-scalars.wgsl"
@group(0) @binding(3) var<storage, read_write> verdicts: array<u32>;

// Items of an invocation (kernel.json).
override itemsPerInvocation: u32 = 16u;

// The number where the record may go on (then it is in 1 … n - 1), else 1. Limbs ≤ 8191.
fn factor(item: u32) -> Limbs {
  if (verdicts[item] != VERDICT_VALID) {
    return SC_ONE;
  }
  return scFromWords(recordNumber(item, INVERTED));
}

@compute @workgroup_size(workgroupSize)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
  let first = workgroup.x * workgroupSize * itemsPerInvocation + local.x;
  if (first >= parameters.count) {
    return;
  }
  var product = SC_ONE;
  var items = 0u;
  for (; items < itemsPerInvocation && first + items * workgroupSize < parameters.count; items++) {
    let item = first + items * workgroupSize;
    storeLimbs(PREFIX, item, product);
    product = scMul(product, factor(item));
  }
  var inverse = scInverse(product);
  for (; items > 0u; items--) {
    let item = first + (items - 1u) * workgroupSize;
    storeLimbs(INVERSE, item, scMul(inverse, loadLimbs(PREFIX, item)));
    inverse = scMul(inverse, factor(item));
  }
}
