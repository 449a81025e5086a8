// Stage 1: the rules a signature must keep, in the order of src/algorithms/secp256k1-recover.ts, and the point with x = r or
// r + n (SEC 1 v2 §4.1.6 steps 1.1 to 1.4). A verdict that an earlier stage gave stands (eth-sender: MessageOutOfBounds).
// 5 inlined multiplications.
#include "lib/parameters.wgsl"
#include "generated/verdict.wgsl"
#include "lib/secp256k1-field.wgsl"
#include "generated/secp256k1-scalar.wgsl"
#include "lib/secp256k1-workspace.wgsl"
#include "lib/secp256k1-workspace-field.wgsl"
#include "lib/secp256k1-recover-record.wgsl"
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
  let recoveryId = records[item * RECORD_WORDS + RECORD_RECOVERY_ID];
  let flags = records[item * RECORD_WORDS + RECORD_FLAGS];

  // x = r or r + n. Lanes that fail go on with whatever number this is.
  var x = feFromWords(rWords);
  if ((recoveryId & 2u) != 0u) {
    x = feNormalize(feAdd(x, FE_GROUP_ORDER));
  }
  let square = feNormalize(feAdd(feMul(feSqr(x), x), FE_SEVEN));
  let root = feSqrt(square);
  let isSquare = feIsZero(feNormalize(feSub(feSqr(root), square)));
  var y = feCanonical(root);
  if ((y[0] & 1u) != (recoveryId & 1u)) {
    y = feNormalize(feNeg(y));
  }
  storeFe(POINT_X, item, x);
  storeFe(POINT_Y, item, y);

  // The first broken rule decides: later assignments win, so the rules stand in reverse.
  var verdict = VERDICT_VALID;
  if (!isSquare) { verdict = VERDICT_XNOT_ON_CURVE; }
  if ((recoveryId & 2u) != 0u && scExceedsField(r) == 1u) { verdict = VERDICT_XOUT_OF_RANGE; }
  if ((flags & REQUIRE_LOW_S) != 0u && scIsHigh(s) == 1u) { verdict = VERDICT_SHIGH; }
  if (scIsUnreduced(s) == 1u) { verdict = VERDICT_SOUT_OF_RANGE; }
  if (isZero(sWords)) { verdict = VERDICT_SZERO; }
  if (scIsUnreduced(r) == 1u) { verdict = VERDICT_ROUT_OF_RANGE; }
  if (isZero(rWords)) { verdict = VERDICT_RZERO; }
  if (recoveryId > 3u) { verdict = VERDICT_RECOVERY_ID_INVALID; }
  if (verdicts[item] == VERDICT_UNSET) {
    verdicts[item] = verdict;
  }
}
