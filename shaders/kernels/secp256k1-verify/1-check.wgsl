// Stage 1: the rules that a signature and its key must keep, in the order of src/algorithms/secp256k1-verify.ts.
// 3 inlined multiplications.
#include "lib/parameters.wgsl"
#include "generated/verdict.wgsl"
#include "lib/secp256k1-field.wgsl"
#include "generated/secp256k1-scalar.wgsl"
#include "lib/secp256k1-workspace.wgsl"
#include "lib/secp256k1-workspace-field.wgsl"
#include "lib/secp256k1-verify-record.wgsl"
@group(0) @binding(3) var<storage, read_write> verdicts: array<u32>;

@compute @workgroup_size(workgroupSize)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let item = id.x;
  if (item >= parameters.count) {
    return;
  }
  let rWords = recordNumber(item, RECORD_R);
  let sWords = recordNumber(item, RECORD_S);
  let r = scFromWords(rWords);
  let s = scFromWords(sWords);
  let flags = records[item * RECORD_WORDS + RECORD_FLAGS];

  // A key that is refused goes on too: the formulas of points give some numbers for any numbers.
  let x = feFromWords(recordNumber(item, RECORD_X));
  let y = feFromWords(recordNumber(item, RECORD_Y));
  let right = feNormalize(feAdd(feMul(feSqr(x), x), FE_SEVEN));
  let isOnCurve = feIsZero(feNormalize(feSub(feSqr(y), right)));
  storeFe(POINT_X, item, x);
  storeFe(POINT_Y, item, y);

  // The first broken rule decides: later assignments win, so the rules stand in reverse.
  var verdict = VERDICT_VALID;
  if (!isOnCurve || feIsUnreduced(x) == 1u || feIsUnreduced(y) == 1u) { verdict = VERDICT_PUBLIC_KEY_INVALID; }
  if ((flags & REQUIRE_LOW_S) != 0u && scIsHigh(s) == 1u) { verdict = VERDICT_SHIGH; }
  if (scIsUnreduced(s) == 1u) { verdict = VERDICT_SOUT_OF_RANGE; }
  if (isZero(sWords)) { verdict = VERDICT_SZERO; }
  if (scIsUnreduced(r) == 1u) { verdict = VERDICT_ROUT_OF_RANGE; }
  if (isZero(rWords)) { verdict = VERDICT_RZERO; }
  verdicts[item] = verdict;
}
