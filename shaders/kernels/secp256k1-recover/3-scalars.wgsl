// Stage 3: u₁ = -z/r and u₂ = s/r mod n (SEC 1 v2 §4.1.6 step 1.6.1), recoded as signed digits; u₂ split in two halves by the
// endomorphism. 2 inlined multiplications mod n. z needs no reduction: any 20 limbs multiply.
#include "lib/parameters.wgsl"
#include "lib/secp256k1-digits.wgsl"
#include "lib/secp256k1-recover-record.wgsl"

@compute @workgroup_size(workgroupSize)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let item = id.x;
  if (item >= parameters.count) {
    return;
  }
  let inverse = loadLimbs(INVERSE, item);
  let z = scFromWords(recordNumber(item, RECORD_Z));
  let u1 = scMul(scNeg(z), inverse);
  let u2 = scMul(scFromWords(recordNumber(item, RECORD_S)), inverse);
  storeDigits(item, scCanonical(u1), scCanonical(u2));
}
