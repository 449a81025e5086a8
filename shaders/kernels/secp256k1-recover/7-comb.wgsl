// Stage 7: sum += u₁G, digit by digit of 8 bits from a constant table: no doublings. 11 inlined multiplications.
#include "lib/parameters.wgsl"
#include "generated/secp256k1-field.wgsl"
#include "generated/secp256k1-point.wgsl"
#include "lib/secp256k1-pairs.wgsl"
#include "lib/secp256k1-workspace.wgsl"
#include "lib/secp256k1-sum.wgsl"
// Entry 128 · i + m - 1 is m · 256ⁱ · G for m = 1 … 128: x and y, 10 words each
// (scripts/generators/secp256k1-generator-table.mjs).
@group(0) @binding(2) var<storage, read> generatorTable: array<u32>;

fn loadEntry(at: u32) -> Limbs {
  return limbsFromPairs(Pairs(
    generatorTable[at], generatorTable[at + 1u], generatorTable[at + 2u], generatorTable[at + 3u],
    generatorTable[at + 4u], generatorTable[at + 5u], generatorTable[at + 6u], generatorTable[at + 7u],
    generatorTable[at + 8u], generatorTable[at + 9u]));
}

@compute @workgroup_size(workgroupSize)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let item = id.x;
  if (item >= parameters.count) {
    return;
  }
  var sum = loadSum(item);
  for (var i = 0u; i < COMB_DIGITS; i++) {
    let digit = i32((loadWord(COMB_WORDS + (i >> 2u), item) >> ((i & 3u) * 8u)) & 255u) - 128;
    // An affine entry cannot be infinity: a zero digit, one in 256, adds nothing.
    if (digit != 0) {
      let at = (i * 128u + u32(abs(digit)) - 1u) * 20u;
      var term = AffinePoint(loadEntry(at), loadEntry(at + 10u));
      if (digit < 0) {
        term.y = feNormalize(feNeg(term.y));
      }
      sum = geAddMixed(sum, term);
    }
  }
  storeSum(item, sum);
}
