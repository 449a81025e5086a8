// Signed digits of the two scalars in the workspace: u₁ for the comb, u₂ in two halves for the ladder.
#include "generated/secp256k1-field.wgsl"
#include "generated/secp256k1-scalar.wgsl"
#include "lib/secp256k1-pairs.wgsl"
#include "lib/secp256k1-workspace.wgsl"

// u₁, u₂: canonical.
fn storeDigits(item: u32, u1: Limbs, u2: Limbs) {
  let comb = scComb(u1);
  let ladder = scSplit(u2);
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
