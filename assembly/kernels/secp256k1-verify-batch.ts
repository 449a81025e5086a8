// secp256k1-verify-batch (src/algorithms/secp256k1-verify-batch.ts): record {z, r, s, recoveryId, flags, publicKey[64]} → verdict
// alone. Integer design; secp256k1-verify-batch.relaxed.ts is the same source with fused multiply-add. ABI: ARCHITECTURE.md.
import {
  VERDICT_PUBLIC_KEY_INFINITY,
  VERDICT_PUBLIC_KEY_INVALID,
  VERDICT_SIGNATURE_MISMATCH,
  VERDICT_VALID,
} from "../generated/verdict";
import { reserveEnd } from "../lib/reserve";
import {
  CLAIM_BYTES,
  CLAIM_KEY_AT,
  entropy as entropyAt,
  ENTROPY_BYTES as ENTROPY,
} from "../lib/secp256k1/batch-check";
import {
  confirmClaims,
  confirmations,
  initializeClaims,
  MOST_CLAIMS,
  recoveries,
  recoverRest,
  restItem,
  restResult,
  restVerdict,
} from "../lib/secp256k1/claims";
import { isKey, sameKey } from "../lib/secp256k1/known-keys";
import { additions } from "../lib/secp256k1/sum";
import { SEED } from "../lib/secp256k1/tables";

export const RECORD_BYTES: i32 = <i32>CLAIM_BYTES;
export const RESULT_BYTES: i32 = 0;
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

/** What a recovery says of the key at `key`. */
function judge(index: usize, key: usize): u32 {
  const verdict = restVerdict(index);
  if (verdict == VERDICT_VALID && sameKey(restResult(index), key)) return VERDICT_VALID;
  if (verdict != VERDICT_VALID && verdict != VERDICT_PUBLIC_KEY_INFINITY) return verdict;
  return isKey(key) ? VERDICT_SIGNATURE_MISMATCH : VERDICT_PUBLIC_KEY_INVALID;
}

export function run(
  records: usize,
  _arena: usize,
  _arenaBytes: u32,
  verdicts: usize,
  _results: usize,
  count: u32,
): void {
  // VALID is zero: filling bytes fills words. What is confirmed stays so.
  memory.fill(verdicts, <u8>VERDICT_VALID, <usize>count << 2);
  confirmClaims(records, count);
  for (let size = recoverRest(records, count); size > 0; size = recoverRest(records, count)) {
    for (let i: usize = 0; i < size; i++) {
      const item = restItem(i);
      store<u32>(verdicts + (item << 2), judge(i, records + item * CLAIM_BYTES + CLAIM_KEY_AT));
    }
  }
}
