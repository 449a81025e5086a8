// secp256k1-recover (src/algorithms/secp256k1-recover.ts): record {z, r, s, recoveryId, flags} → key[64], address[20].
// Integer design; secp256k1-recover.relaxed.ts is the same source with fused multiply-add. ABI: ARCHITECTURE.md.
import { VERDICT_VALID } from "../generated/verdict";
import { reserveEnd } from "../lib/reserve";
import { initializeCombine } from "../lib/secp256k1/combine";
import { recoverBatch, RECOVER_RESULT_BYTES, SIGNATURE_BYTES } from "../lib/secp256k1/recover";
import { CAPACITY } from "../lib/secp256k1/state";
import { SEED } from "../lib/secp256k1/tables";

/** z, then the signature. */
const SIGNATURE_AT: usize = 32;
const STRIDE: usize = SIGNATURE_AT + SIGNATURE_BYTES;

export const RECORD_BYTES: i32 = <i32>STRIDE;
export const RESULT_BYTES: i32 = <i32>RECOVER_RESULT_BYTES;
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
  results: usize,
  count: u32,
): void {
  // VALID is zero: filling bytes fills words.
  memory.fill(verdicts, <u8>VERDICT_VALID, <usize>count << 2);
  recoverBatch(records, STRIDE, records + SIGNATURE_AT, STRIDE, verdicts, results, count);
}
