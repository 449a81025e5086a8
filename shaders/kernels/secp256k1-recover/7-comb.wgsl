// Stage 7: sum += u₁G, digit by digit from a constant table: no doublings. 11 inlined multiplications.
#include "lib/parameters.wgsl"
#include "generated/secp256k1-field.wgsl"
#include "generated/secp256k1-point.wgsl"
#include "lib/secp256k1-workspace.wgsl"
#include "lib/secp256k1-workspace-field.wgsl"
#include "lib/secp256k1-sum.wgsl"
// With b bits a digit, entry 2ᵇ⁻¹ · i + m - 1 is m · 2ᵇⁱ · G for m = 1 … 2ᵇ⁻¹: x and y
// (scripts/generators/secp256k1-generator-table.mjs).
@group(0) @binding(2) var<storage, read> generatorTable: array<u32>;

const COMB_HALF = 1u << (COMB_BITS - 1u);

fn loadEntry(at: u32) -> Fe {
  return feFromMemory(FeMemory(
    #repeat FE_WORDS generatorTable[at + $u],
  ));
}

// Digit i, signed. Digits of 8 bits never lie across two words.
fn combDigit(item: u32, i: u32) -> i32 {
  let bit = i * COMB_BITS;
  let shift = bit & 31u;
  var digit = loadWord(COMB_WORDS + (bit >> 5u), item) >> shift;
  if (shift + COMB_BITS > 32u) {
    digit |= loadWord(COMB_WORDS + (bit >> 5u) + 1u, item) << (32u - shift);
  }
  return i32(digit & (2u * COMB_HALF - 1u)) - i32(COMB_HALF);
}

@compute @workgroup_size(workgroupSize)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let item = id.x;
  if (item >= parameters.count) {
    return;
  }
  var sum = loadSum(item);
  for (var i = 0u; i < COMB_DIGITS; i++) {
    let digit = combDigit(item, i);
    // An affine entry cannot be infinity: a zero digit, rare as it is, adds nothing.
    if (digit != 0) {
      let at = (i * COMB_HALF + u32(abs(digit)) - 1u) * 2u * FE_WORDS;
      var term = AffinePoint(loadEntry(at), loadEntry(at + FE_WORDS));
      if (digit < 0) {
        term.y = feNormalize(feNeg(term.y));
      }
      sum = geAddMixed(sum, term);
    }
  }
  storeSum(item, sum);
}
