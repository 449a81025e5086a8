// Stage 3: u₁ = z/s and u₂ = r/s mod n (SEC 1 v2 §4.1.4 step 4), recoded as signed digits; u₂ split in two halves by the
// endomorphism. 2 inlined multiplications mod n. z needs no reduction: any 20 limbs multiply.
#include "lib/parameters.wgsl"
#include "lib/secp256k1-digits.wgsl"
#include "lib/secp256k1-verify-record.wgsl"

@compute @workgroup_size(workgroupSize)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let item = id.x;
  if (item >= parameters.count) {
    return;
  }
  let inverse = loadLimbs(INVERSE, item);
  let z = scFromWords(recordNumber(item, RECORD_Z));
  let u1 = scMul(z, inverse);
  let u2 = scMul(scFromWords(recordNumber(item, RECORD_R)), inverse);
  storeDigits(item, scCanonical(u1), scCanonical(u2));
}
