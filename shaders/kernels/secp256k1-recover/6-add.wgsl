// Stage 6, for each digit of the ladder, highest first: sum += d₁P + d₂λP. Every lane adds, a zero digit adds infinity;
// 12 inlined multiplications.
#include "lib/parameters.wgsl"
#include "generated/secp256k1-field.wgsl"
#include "generated/secp256k1-point.wgsl"
#include "lib/secp256k1-workspace.wgsl"
#include "lib/secp256k1-workspace-field.wgsl"
#include "lib/secp256k1-sum.wgsl"
#include "lib/secp256k1-table.wgsl"
@group(0) @binding(2) var<storage, read> table: array<u32>;

fn loadEntry(at: u32) -> Fe {
  return feFromMemory(FeMemory(
    #repeat FE_WORDS table[at + $u],
  ));
}

@compute @workgroup_size(workgroupSize)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let item = id.x;
  if (item >= parameters.count) {
    return;
  }
  let position = LADDER_DIGITS - 1u - turn;
  var sum = loadSum(item);
  for (var half = 0u; half < 2u; half++) {
    let words = LADDER_WORDS + half * 5u;
    let digit = i32((loadWord(words + (position >> 3u), item) >> ((position & 7u) * 4u)) & 15u) - 8;
    let negative = (digit < 0) != ((loadWord(words + 4u, item) >> 31u) == 1u);
    var term = Point(FE_ZERO, FE_ONE, FE_ZERO);
    if (digit != 0) {
      let at = tableOffset(item, u32(abs(digit)));
      term.x = loadEntry(at + select(TABLE_X, TABLE_BETA_X, half == 1u));
      term.y = loadEntry(at + TABLE_Y);
      term.z = loadEntry(at + TABLE_Z);
      if (negative) {
        term.y = feNormalize(feNeg(term.y));
      }
    }
    sum = geAdd(sum, term);
  }
  storeSum(item, sum);
}
