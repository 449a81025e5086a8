// Recoverable signatures with the public keys that are claimed for them: what can be confirmed together is, the rest is recovered.
// A claim decides how long an answer takes and never what it is.
import { VERDICT_VALID } from "../../generated/verdict";
import { reserve } from "../reserve";
import {
  addCandidate,
  candidateCount,
  candidateItem,
  candidateKey,
  checkCandidates,
  CLAIM_BYTES,
  CLAIM_KEY_AT,
  initializeBatchCheck,
  isConfirmed,
  LEAST_CANDIDATES,
  resetCandidates,
} from "./batch-check";
import { initializeCombine } from "./combine";
import { checkKeys, initializeKeys, KEY_BYTES, keyOf, resetKeys } from "./known-keys";
import { checkRecoverable, recoverBatch, RECOVER_RESULT_BYTES, SIGNATURE_BYTES } from "./recover";
import { CAPACITY } from "./state";
import { initializeSum, SUM_SHORT } from "./sum";

/** Most claims of one call. */
export const MOST_CLAIMS: usize = SUM_SHORT;

/** A claim without its key is a record of secp256k1-recover. */
const SIGNATURE_AT: usize = CLAIM_KEY_AT - SIGNATURE_BYTES;

/** By record (u8): 1 where its key was confirmed. */
let answered: usize = 0;

/** Records that are recovered together: which they are (u16), their bytes, verdicts and results. */
let restItems: usize = 0;
let restRecords: usize = 0;
let restVerdicts: usize = 0;
let restResults: usize = 0;
let restFrom: usize = 0;

/** Records confirmed and recovered since the module began: what tests hold the cost against. */
export let confirmations: u32 = 0;
export let recoveries: u32 = 0;

/** Reserves the memory and builds the tables; once. */
export function initializeClaims(): void {
  initializeCombine();
  initializeSum();
  initializeKeys();
  initializeBatchCheck();
  answered = reserve(MOST_CLAIMS);
  restItems = reserve(CAPACITY << 1);
  restRecords = reserve(CAPACITY * CLAIM_KEY_AT);
  restVerdicts = reserve(CAPACITY << 2);
  restResults = reserve(CAPACITY * RECOVER_RESULT_BYTES);
}

function isZero(key: usize): bool {
  let any = v128.load(key);
  for (let i: usize = 16; i < KEY_BYTES; i += 16) any = v128.or(any, v128.load(key + i));
  return !v128.any_true(any);
}

/** Confirms what it can of `count` claims. Those not confirmed are to be recovered: recoverRest. */
export function confirmClaims(records: usize, count: usize): void {
  restFrom = 0;
  memory.fill(answered, 0, count);
  resetCandidates();
  resetKeys();
  if (count >= LEAST_CANDIDATES) {
    for (let item: usize = 0; item < count; item++) {
      const record = records + item * CLAIM_BYTES, key = record + CLAIM_KEY_AT;
      if (isZero(key) || checkRecoverable(record + SIGNATURE_AT) != VERDICT_VALID) continue;
      addCandidate(item, keyOf(key));
    }
    checkKeys();
  }
  checkCandidates(records, count);
  for (let i: usize = 0; i < candidateCount; i++) {
    if (!isConfirmed(i)) continue;
    store<u8>(answered + candidateItem(i), 1);
    confirmations++;
  }
}

/** Index in known-keys.ts of the key that was confirmed for a candidate; 0 where it was not. */
// @ts-ignore: decorator
@inline
export function confirmedKey(candidate: usize): usize {
  return isConfirmed(candidate) ? candidateKey(candidate) : 0;
}

/** Recovers up to CAPACITY of the claims not yet answered; how many those were, 0 when all have been. */
export function recoverRest(records: usize, count: usize): usize {
  let size: usize = 0;
  for (; restFrom < count && size < CAPACITY; restFrom++) {
    if (load<u8>(answered + restFrom)) continue;
    const to = restRecords + size * CLAIM_KEY_AT;
    memory.copy(to, records + restFrom * CLAIM_BYTES, CLAIM_KEY_AT);
    store<u16>(restItems + (size << 1), <u16>restFrom);
    size++;
  }
  if (size == 0) return 0;
  recoveries += <u32>size;
  memory.fill(restVerdicts, <u8>VERDICT_VALID, size << 2);
  const signatures = restRecords + SIGNATURE_AT;
  recoverBatch(
    restRecords,
    CLAIM_KEY_AT,
    signatures,
    CLAIM_KEY_AT,
    restVerdicts,
    restResults,
    size,
  );
  return size;
}

/** Which record number `index` of the last recoverRest is. */
// @ts-ignore: decorator
@inline
export function restItem(index: usize): usize {
  return <usize>load<u16>(restItems + (index << 1));
}

// @ts-ignore: decorator
@inline
export function restVerdict(index: usize): u32 {
  return load<u32>(restVerdicts + (index << 2));
}

/** The result of secp256k1-recover. */
// @ts-ignore: decorator
@inline
export function restResult(index: usize): usize {
  return restResults + index * RECOVER_RESULT_BYTES;
}
