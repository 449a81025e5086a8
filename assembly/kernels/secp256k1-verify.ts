// secp256k1-verify (src/algorithms/secp256k1-verify.ts): record {z, r, s, publicKey, flags} → verdict alone.
// Integer design; secp256k1-verify.relaxed.ts is the same source with fused multiply-add. ABI: ARCHITECTURE.md.
import { reserveEnd } from "../lib/reserve";
import { initializeCombine } from "../lib/secp256k1/combine";
import { CAPACITY } from "../lib/secp256k1/state";
import { SEED } from "../lib/secp256k1/tables";
import { verifyBatch, VERIFY_RECORD_BYTES } from "../lib/secp256k1/verify";

export const RECORD_BYTES: i32 = <i32>VERIFY_RECORD_BYTES;
export const RESULT_BYTES: i32 = 0;
export const LANES: i32 = 2;
export const MAX_ITEMS: i32 = <i32>CAPACITY;
/** A pair takes some 70 µs: worth no thread switch. */
export const INLINE_ITEMS: i32 = 2;

/** Address of 32 bytes of entropy that the host writes before initialize(). */
export function seed(): usize {
  return SEED;
}

export function initialize(): void {
  initializeCombine();
}

export function heapBase(): usize {
  return reserveEnd();
}

export function run(
  records: usize,
  _arena: usize,
  _arenaBytes: u32,
  verdicts: usize,
  _results: usize,
  count: u32,
): void {
  verifyBatch(records, verdicts, count);
}
