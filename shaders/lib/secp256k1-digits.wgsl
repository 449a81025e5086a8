// Signed digits of the two scalars in the workspace: u₁ for the comb, u₂ in two halves for the ladder.
#include "generated/secp256k1-scalar.wgsl"
#include "lib/secp256k1-workspace.wgsl"
#include "lib/secp256k1-workspace-scalars.wgsl"

// u₁, u₂: canonical.
fn storeDigits(item: u32, u1: Limbs, u2: Limbs) {
  let comb = scComb(u1);
  let ladder = scSplit(u2);
  #repeat 9 storeWord(COMB_WORDS + $u, item, comb[$]);
  #repeat 10 storeWord(LADDER_WORDS + $u, item, ladder[$]);
}
