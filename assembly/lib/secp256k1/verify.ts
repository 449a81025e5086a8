// ECDSA verification with a known key (SEC 1 v2 §4.1.4) of a batch: x of (z/s)·G + (r/s)·Q is r mod n.
import { N, P } from "../../generated/secp256k1-scalar";
import {
  VERDICT_PUBLIC_KEY_INVALID,
  VERDICT_SIGNATURE_MISMATCH,
  VERDICT_VALID,
} from "../../generated/verdict";
import { combineBatch, multipliersOf, replacePoint } from "./combine";
import {
  FE_BYTES,
  FE_SEVEN,
  feAdd,
  feCarry,
  feGet,
  feIsZero,
  feItem,
  feLane,
  feMul,
  fePut,
  feSqr,
  feSub,
  feWorkAlone,
} from "./field";
import { checkSignature, invertField, scaleBytes } from "./recover";
import { SC_BYTES } from "./scalar";
import { accX, active, infinite, inverses, multiplesX, multiplesY } from "./state";
import { wordsAtLeast, wordsEqual, wordsFromBytes, wordsSet, wordsSubtract } from "./words";

/** Layout of src/algorithms/secp256k1-verify.ts. */
export const VERIFY_RECORD_BYTES: usize = 164;
const Z_AT: usize = 0;
const R_AT: usize = 32;
const S_AT: usize = 64;
const X_AT: usize = 96;
const Y_AT: usize = 128;
const FLAGS_AT: usize = 160;

const X: usize = memory.data(32, 16);
const Y: usize = memory.data(32, 16);
const R: usize = memory.data(32, 16);
const CUBE: usize = memory.data(80, 16);
const T: usize = memory.data(80, 16);

/** Verdicts of the records so far, and the key of each in the first array of multiples. */
function readKeys(records: usize, verdicts: usize, count: usize): void {
  const elements = (count + 1) >> 1;
  for (let item: usize = 0; item < elements << 1; item++) {
    wordsSet(X, 1, 0, 0, 0);
    wordsSet(Y, 1, 0, 0, 0);
    if (item < count) {
      const record = records + item * VERIFY_RECORD_BYTES;
      let verdict = checkSignature(record + R_AT, record + S_AT, load<u32>(record, FLAGS_AT));
      if (verdict == VERDICT_VALID) {
        wordsFromBytes(X, record + X_AT);
        wordsFromBytes(Y, record + Y_AT);
        if (wordsAtLeast(X, P) || wordsAtLeast(Y, P)) {
          verdict = VERDICT_PUBLIC_KEY_INVALID;
          wordsSet(X, 1, 0, 0, 0);
          wordsSet(Y, 1, 0, 0, 0);
        }
      }
      store<u32>(verdicts + (item << 2), verdict);
    }
    fePut(feItem(multiplesX, item), X);
    fePut(feItem(multiplesY, item), Y);
  }
  for (let i: usize = 0; i < elements; i++) {
    const x = multiplesX + i * FE_BYTES, y = multiplesY + i * FE_BYTES;
    feCarry(x, x);
    feCarry(y, y);
    feSqr(CUBE, x);
    feMul(CUBE, CUBE, x);
    feAdd(CUBE, CUBE, FE_SEVEN);
    feSqr(T, y);
    feSub(CUBE, CUBE, T);
    for (let lane: usize = 0; lane < 2; lane++) {
      const item = (i << 1) + lane;
      if (item < count) {
        const verdictAt = verdicts + (item << 2);
        if (load<u32>(verdictAt) == VERDICT_VALID && !feIsZero(feLane(CUBE, lane))) {
          store<u32>(verdictAt, VERDICT_PUBLIC_KEY_INVALID);
        }
        const valid = load<u32>(verdictAt) == VERDICT_VALID;
        store<u8>(active + item, u8(valid));
        if (valid) continue;
      }
      replacePoint(item);
    }
  }
}

/** Verifies up to CAPACITY records. */
export function verifyBatch(records: usize, verdicts: usize, count: usize): void {
  if (count == 0) return;
  feWorkAlone(count == 1);
  readKeys(records, verdicts, count);
  invertField(records, VERIFY_RECORD_BYTES, S_AT, count);
  for (let item: usize = 0; item < count; item++) {
    if (!load<u8>(active + item)) continue;
    const record = records + item * VERIFY_RECORD_BYTES;
    const inverse = inverses + item * SC_BYTES;
    const u1 = multipliersOf(item);
    scaleBytes(u1, record + Z_AT, inverse);
    scaleBytes(u1 + 32, record + R_AT, inverse);
  }
  combineBatch(count);
  for (let item: usize = 0; item < count; item++) {
    if (!load<u8>(active + item)) continue;
    // x < p < 2n: one subtraction takes it below n.
    feGet(X, feItem(accX, item));
    if (wordsAtLeast(X, N)) wordsSubtract(X, X, N);
    wordsFromBytes(R, records + item * VERIFY_RECORD_BYTES + R_AT);
    if (load<u8>(infinite + item) || !wordsEqual(X, R)) {
      store<u32>(verdicts + (item << 2), VERDICT_SIGNATURE_MISMATCH);
    }
  }
  feWorkAlone(false);
}
