// Stage 4: P, 2P … 8P for the ladder. The complete addition doubles too, so one call site makes them all; 12 inlined
// multiplications.
#include "lib/parameters.wgsl"
#include "generated/secp256k1-field.wgsl"
#include "generated/secp256k1-point.wgsl"
#include "lib/secp256k1-workspace.wgsl"
#include "lib/secp256k1-workspace-field.wgsl"
#include "lib/secp256k1-table.wgsl"
@group(0) @binding(2) var<storage, read_write> table: array<u32>;

fn storeEntry(at: u32, x: Fe) {
  let words = feToMemory(x);
  #repeat FE_WORDS table[at + $u] = words[$];
}

@compute @workgroup_size(workgroupSize)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let item = id.x;
  if (item >= parameters.count) {
    return;
  }
  let p = AffinePoint(loadFe(POINT_X, item), loadFe(POINT_Y, item));
  var sum = Point(FE_ZERO, FE_ONE, FE_ZERO);
  for (var multiple = 1u; multiple <= TABLE_ENTRIES; multiple++) {
    sum = geAddMixed(sum, p);
    let at = tableOffset(item, multiple);
    storeEntry(at + TABLE_X, sum.x);
    storeEntry(at + TABLE_Y, sum.y);
    storeEntry(at + TABLE_Z, sum.z);
    storeEntry(at + TABLE_BETA_X, feMul(sum.x, FE_BETA));
  }
  storeFe(SUM_X, item, FE_ZERO);
  storeFe(SUM_Y, item, FE_ONE);
  storeFe(SUM_Z, item, FE_ZERO);
}
