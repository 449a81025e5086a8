// Stage 8: Z⁻¹, many items an invocation (Montgomery's trick); Z = 0 is the point at infinity. An item with a verdict takes part
// as 1, so that it cannot spoil the others. 5 inlined multiplications.
#include "lib/parameters.wgsl"
#include "generated/verdict.wgsl"
#include "lib/secp256k1-field.wgsl"
#include "lib/secp256k1-workspace.wgsl"
#include "lib/secp256k1-workspace-field.wgsl"
@group(0) @binding(2) var<storage, read_write> verdicts: array<u32>;

// Items of an invocation (kernel.json).
override itemsPerInvocation: u32 = 16u;

@compute @workgroup_size(workgroupSize)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
  let first = workgroup.x * workgroupSize * itemsPerInvocation + local.x;
  if (first >= parameters.count) {
    return;
  }
  var product = FE_ONE;
  var items = 0u;
  for (; items < itemsPerInvocation && first + items * workgroupSize < parameters.count; items++) {
    let item = first + items * workgroupSize;
    storeFe(PREFIX, item, product);
    var z = loadFe(SUM_Z, item);
    if (verdicts[item] == VERDICT_VALID && feIsZero(z)) {
      verdicts[item] = VERDICT_PUBLIC_KEY_INFINITY;
    }
    if (verdicts[item] != VERDICT_VALID) {
      z = FE_ONE;
      storeFe(SUM_Z, item, z);
    }
    product = feMul(product, z);
  }
  var inverse = feInverse(product);
  for (; items > 0u; items--) {
    let item = first + (items - 1u) * workgroupSize;
    storeFe(INVERSE, item, feMul(inverse, loadFe(PREFIX, item)));
    inverse = feMul(inverse, loadFe(SUM_Z, item));
  }
}
