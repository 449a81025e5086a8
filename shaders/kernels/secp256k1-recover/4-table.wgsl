// Stage 4: P, 2P … 8P for the ladder. The complete addition doubles too, so one call site makes them all; 12 inlined
// multiplications.
#include "lib/parameters.wgsl"
#include "generated/secp256k1-field.wgsl"
#include "generated/secp256k1-point.wgsl"
#include "lib/secp256k1-pairs.wgsl"
#include "lib/secp256k1-workspace.wgsl"
#include "lib/secp256k1-table.wgsl"
@group(0) @binding(2) var<storage, read_write> table: array<u32>;

fn storeEntry(at: u32, x: Limbs) {
  let pairs = pairsFromLimbs(x);
  table[at] = pairs[0];
  table[at + 1u] = pairs[1];
  table[at + 2u] = pairs[2];
  table[at + 3u] = pairs[3];
  table[at + 4u] = pairs[4];
  table[at + 5u] = pairs[5];
  table[at + 6u] = pairs[6];
  table[at + 7u] = pairs[7];
  table[at + 8u] = pairs[8];
  table[at + 9u] = pairs[9];
}

@compute @workgroup_size(workgroupSize)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let item = id.x;
  if (item >= parameters.count) {
    return;
  }
  let p = AffinePoint(loadLimbs(POINT_X, item), loadLimbs(POINT_Y, item));
  var sum = Point(FE_ZERO, FE_ONE, FE_ZERO);
  for (var multiple = 1u; multiple <= TABLE_ENTRIES; multiple++) {
    sum = geAddMixed(sum, p);
    let at = tableOffset(item, multiple);
    storeEntry(at + TABLE_X, sum.x);
    storeEntry(at + TABLE_Y, sum.y);
    storeEntry(at + TABLE_Z, sum.z);
    storeEntry(at + TABLE_BETA_X, feMul(sum.x, FE_BETA));
  }
  storeLimbs(SUM_X, item, FE_ZERO);
  storeLimbs(SUM_Y, item, FE_ONE);
  storeLimbs(SUM_Z, item, FE_ZERO);
}
