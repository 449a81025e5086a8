// eth-sender (src/algorithms/eth-sender.ts): record {offset u32, length u32, r, s, recoveryId, flags} → key[64], address[20].
// Integer design; eth-sender.relaxed.ts is the same source with fused multiply-add. ABI: ARCHITECTURE.md.
import { keccak256Messages } from "../lib/keccak";
import { reserve, reserveEnd } from "../lib/reserve";
import { initializeCombine } from "../lib/secp256k1/combine";
import { recoverBatch, RECOVER_RESULT_BYTES, SIGNATURE_BYTES } from "../lib/secp256k1/recover";
import { CAPACITY } from "../lib/secp256k1/state";
import { SEED } from "../lib/secp256k1/tables";

/** Where the payload lies, then the signature. */
const SIGNATURE_AT: usize = 8;
const STRIDE: usize = SIGNATURE_AT + SIGNATURE_BYTES;
const DIGEST_BYTES: usize = 32;

export const RECORD_BYTES: i32 = <i32>STRIDE;
export const RESULT_BYTES: i32 = <i32>RECOVER_RESULT_BYTES;
export const LANES: i32 = 2;
export const MAX_ITEMS: i32 = <i32>CAPACITY;
/** A pair takes some 70 µs: worth no thread switch. */
export const INLINE_ITEMS: i32 = 2;

/** Digests of one call's payloads: the z of its signatures. */
let digests: usize = 0;

/** Address of 32 bytes of entropy that the host writes before initialize(). */
export function seed(): usize {
  return SEED;
}

export function initialize(): void {
  initializeCombine();
  digests = reserve(CAPACITY * DIGEST_BYTES);
}

export function heapBase(): usize {
  return reserveEnd();
}

export function run(
  records: usize,
  arena: usize,
  arenaBytes: u32,
  verdicts: usize,
  results: usize,
  count: u32,
): void {
  keccak256Messages(records, STRIDE, arena, arenaBytes, verdicts, digests, DIGEST_BYTES, count);
  // A record outside the arena has its verdict now, and recovery leaves it alone.
  const signatures = records + SIGNATURE_AT;
  recoverBatch(digests, DIGEST_BYTES, signatures, STRIDE, verdicts, results, count);
}
