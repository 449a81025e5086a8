// Stage 5, before each digit of the ladder but the first: sum = 16 · sum. 8 inlined multiplications.
#include "lib/parameters.wgsl"
#include "generated/secp256k1-field.wgsl"
#include "generated/secp256k1-point.wgsl"
#include "lib/secp256k1-workspace.wgsl"
#include "lib/secp256k1-workspace-field.wgsl"
#include "lib/secp256k1-sum.wgsl"

@compute @workgroup_size(workgroupSize)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let item = id.x;
  if (item >= parameters.count || turn == 0u) {
    return;
  }
  var sum = loadSum(item);
  for (var i = 0u; i < 4u; i++) {
    sum = geDouble(sum);
  }
  storeSum(item, sum);
}
