// Stage 2: r⁻¹ mod n, 16 items an invocation (Montgomery's trick). An item that already has a verdict takes part as 1, so that
// it cannot spoil the others. 5 inlined multiplications.
#include "lib/parameters.wgsl"
#include "generated/verdict.wgsl"
#include "lib/secp256k1-scalar.wgsl"
#include "lib/secp256k1-pairs.wgsl"
#include "lib/secp256k1-workspace.wgsl"
#include "lib/secp256k1-records.wgsl"
@group(0) @binding(3) var<storage, read_write> verdicts: array<u32>;

const ITEMS = 16u;

// r where the record may go on (then 1 ≤ r < n), else 1. Limbs ≤ 8191.
fn factor(item: u32) -> Limbs {
  if (verdicts[item] != VERDICT_VALID) {
    return SC_ONE;
  }
  return limbsFromWords(recordNumber(item, RECORD_R));
}

@compute @workgroup_size(workgroupSize)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
  let first = workgroup.x * workgroupSize * ITEMS + local.x;
  if (first >= parameters.count) {
    return;
  }
  var product = SC_ONE;
  var items = 0u;
  for (; items < ITEMS && first + items * workgroupSize < parameters.count; items++) {
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
