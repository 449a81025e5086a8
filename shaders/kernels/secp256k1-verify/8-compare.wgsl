// Stage 8: whether the sum's x coordinate is r modulo n (SEC 1 v2 §4.1.4 steps 6 to 8): X = r·Z, or X = (r + n)·Z where r + n is
// below p, so that nobody divides. 2 inlined multiplications.
#include "lib/parameters.wgsl"
#include "generated/verdict.wgsl"
#include "lib/secp256k1-field.wgsl"
#include "generated/secp256k1-scalar.wgsl"
#include "lib/secp256k1-workspace.wgsl"
#include "lib/secp256k1-workspace-field.wgsl"
#include "lib/secp256k1-verify-record.wgsl"
@group(0) @binding(3) var<storage, read_write> verdicts: array<u32>;

// Whether X is candidate · Z. candidate: a sum of two canonical numbers at most.
fn isX(x: Fe, candidate: Fe, z: Fe) -> bool {
  return feIsZero(feNormalize(feSub(feMul(candidate, z), x)));
}

@compute @workgroup_size(workgroupSize)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let item = id.x;
  if (item >= parameters.count || verdicts[item] != VERDICT_VALID) {
    return;
  }
  let x = loadFe(SUM_X, item);
  let z = loadFe(SUM_Z, item);
  let rWords = recordNumber(item, RECORD_R);
  let r = feFromWords(rWords);
  var matches = isX(x, r, z);
  if (scExceedsField(scFromWords(rWords)) == 0u) {
    matches = matches || isX(x, feAdd(r, FE_GROUP_ORDER), z);
  }
  // Infinity is (0 : 1 : 0), whose X is any number times its Z.
  if (!matches || feIsZero(z)) {
    verdicts[item] = VERDICT_SIGNATURE_MISMATCH;
  }
}
