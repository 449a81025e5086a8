// secp256k1-recover-hinted (src/algorithms/secp256k1-recover-hinted.ts): record {z, r, s, recoveryId, flags, hint[64]} → key[64],
// address[20], the same bytes as secp256k1-recover's whatever the hint.
// Integer design; secp256k1-recover-hinted.relaxed.ts is the same source with fused multiply-add. ABI: ARCHITECTURE.md.
import { VERDICT_VALID } from "../generated/verdict";
import { reserveEnd } from "../lib/reserve";
import {
  candidateCount,
  candidateItem,
  CLAIM_BYTES,
  CLAIM_KEY_AT,
  entropy as entropyAt,
  ENTROPY_BYTES as ENTROPY,
} from "../lib/secp256k1/batch-check";
import {
  confirmClaims,
  confirmations,
  confirmedKey,
  initializeClaims,
  MOST_CLAIMS,
  recoveries,
  recoverRest,
  restItem,
  restResult,
  restVerdict,
} from "../lib/secp256k1/claims";
import { digestKeys, KEY_BYTES, keyDigest } from "../lib/secp256k1/known-keys";
import { ADDRESS_AT, RECOVER_RESULT_BYTES } from "../lib/secp256k1/recover";
import { additions } from "../lib/secp256k1/sum";
import { SEED } from "../lib/secp256k1/tables";

export const RECORD_BYTES: i32 = <i32>CLAIM_BYTES;
export const RESULT_BYTES: i32 = <i32>RECOVER_RESULT_BYTES;
export const LANES: i32 = 2;
export const MAX_ITEMS: i32 = <i32>MOST_CLAIMS;
/** A pair takes some 70 µs: worth no thread switch. */
export const INLINE_ITEMS: i32 = 2;
export const ENTROPY_BYTES: i32 = <i32>ENTROPY;

/** Address of 32 bytes of entropy that the host writes before initialize(). */
export function seed(): usize {
  return SEED;
}

/** Address of ENTROPY_BYTES for each record, which the host fills anew before every run(). */
export function entropy(): usize {
  return entropyAt;
}

export function initialize(): void {
  initializeClaims();
}

export function heapBase(): usize {
  return reserveEnd();
}

/** What the work since initialize() was: 0 additions of checks, 1 records confirmed, 2 records recovered. For tests. */
export function counter(index: u32): u32 {
  if (index == 0) return additions;
  return index == 1 ? confirmations : recoveries;
}

export function run(
  records: usize,
  _arena: usize,
  _arenaBytes: u32,
  verdicts: usize,
  results: usize,
  count: u32,
): void {
  confirmClaims(records, count);
  digestKeys();
  for (let i: usize = 0; i < candidateCount; i++) {
    const key = confirmedKey(i);
    if (key == 0) continue;
    const item = candidateItem(i), result = results + item * RECOVER_RESULT_BYTES;
    store<u32>(verdicts + (item << 2), VERDICT_VALID);
    memory.copy(result, records + item * CLAIM_BYTES + CLAIM_KEY_AT, KEY_BYTES);
    memory.copy(result + ADDRESS_AT, keyDigest(key) + 12, 20);
  }
  for (let size = recoverRest(records, count); size > 0; size = recoverRest(records, count)) {
    for (let i: usize = 0; i < size; i++) {
      const item = restItem(i);
      store<u32>(verdicts + (item << 2), restVerdict(i));
      memory.copy(results + item * RECOVER_RESULT_BYTES, restResult(i), RECOVER_RESULT_BYTES);
    }
  }
}
