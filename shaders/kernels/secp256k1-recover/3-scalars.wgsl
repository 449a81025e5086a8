// Stage 3: u₁ = -z/r and u₂ = s/r mod n (SEC 1 v2 §4.1.6 step 1.6.1), recoded as signed digits; u₂ split in two halves by the
// endomorphism. 2 inlined multiplications mod n. z needs no reduction: any 20 limbs multiply.
#include "lib/parameters.wgsl"
#include "generated/secp256k1-field.wgsl"
#include "generated/secp256k1-scalar.wgsl"
#include "lib/secp256k1-pairs.wgsl"
#include "lib/secp256k1-workspace.wgsl"
#include "lib/secp256k1-records.wgsl"

@compute @workgroup_size(workgroupSize)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let item = id.x;
  if (item >= parameters.count) {
    return;
  }
  let inverse = loadLimbs(INVERSE, item);
  let z = limbsFromWords(recordNumber(item, RECORD_Z));
  let s = limbsFromWords(recordNumber(item, RECORD_S));
  let comb = scComb(scCanonical(scMul(scNeg(z), inverse)));
  let ladder = scSplit(scCanonical(scMul(s, inverse)));
  storeWord(COMB_WORDS, item, comb[0]);
  storeWord(COMB_WORDS + 1u, item, comb[1]);
  storeWord(COMB_WORDS + 2u, item, comb[2]);
  storeWord(COMB_WORDS + 3u, item, comb[3]);
  storeWord(COMB_WORDS + 4u, item, comb[4]);
  storeWord(COMB_WORDS + 5u, item, comb[5]);
  storeWord(COMB_WORDS + 6u, item, comb[6]);
  storeWord(COMB_WORDS + 7u, item, comb[7]);
  storeWord(COMB_WORDS + 8u, item, comb[8]);
  storeWord(LADDER_WORDS, item, ladder[0]);
  storeWord(LADDER_WORDS + 1u, item, ladder[1]);
  storeWord(LADDER_WORDS + 2u, item, ladder[2]);
  storeWord(LADDER_WORDS + 3u, item, ladder[3]);
  storeWord(LADDER_WORDS + 4u, item, ladder[4]);
  storeWord(LADDER_WORDS + 5u, item, ladder[5]);
  storeWord(LADDER_WORDS + 6u, item, ladder[6]);
  storeWord(LADDER_WORDS + 7u, item, ladder[7]);
  storeWord(LADDER_WORDS + 8u, item, ladder[8]);
  storeWord(LADDER_WORDS + 9u, item, ladder[9]);
}
