// ECDSA public-key recovery (SEC 1 v2 §4.1.6) of a batch: Q = −(z/r)·G + (s/r)·R, where R has x = r (or r + n).
//
// Check and lift each record to R; put a point of the curve where that fails, so that every later step has real points;
// then one combined multiplication of all items.
import { HALF_N, N, P, scMontgomery } from "../../generated/secp256k1-scalar";
import {
  VERDICT_PUBLIC_KEY_INFINITY,
  VERDICT_RECOVERY_ID_INVALID,
  VERDICT_ROUT_OF_RANGE,
  VERDICT_RZERO,
  VERDICT_SHIGH,
  VERDICT_SOUT_OF_RANGE,
  VERDICT_SZERO,
  VERDICT_VALID,
  VERDICT_XNOT_ON_CURVE,
  VERDICT_XOUT_OF_RANGE,
} from "../../generated/verdict";
import { keccak256Pair64 } from "../keccak";
import { combineBatch, multipliersOf, replacePoint } from "./combine";
import {
  FE_BYTES,
  FE_SEVEN,
  FE_ZERO,
  feAdd,
  feCarry,
  feCopyLane,
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
import { SC_BYTES, scFromWords, scInvertAll, scToWords } from "./scalar";
import { feSquareRoot } from "./square-root";
import { accX, accY, active, infinite, inverses, multiplesX, multiplesY, scalars } from "./state";
import {
  wordsAdd,
  wordsAreZero,
  wordsAtLeast,
  wordsFromBytes,
  wordsSet,
  wordsSubtract,
  wordsToBytes,
} from "./words";

/** Layouts of src/algorithms/secp256k1-recover.ts: of a signature inside a record, and of a result. */
export const R_AT: usize = 0;
export const S_AT: usize = 32;
const RECOVERY_ID_AT: usize = 64;
const FLAGS_AT: usize = 68;
export const SIGNATURE_BYTES: usize = 72;
export const RECOVER_RESULT_BYTES: usize = 84;
export const ADDRESS_AT: usize = 64;
export const REQUIRE_LOW_S: u32 = 1;

const W: usize = memory.data(32, 16);
const LIMBS: usize = memory.data(72, 16);
const DIGESTS: usize = memory.data(64, 16);
const SQUARES: usize = memory.data(160, 16);
const T: usize = memory.data(80, 16);

/** The first rule of r and s that the 32 bytes at `r` and `s` break. */
export function checkSignature(r: usize, s: usize, flags: u32): u32 {
  wordsFromBytes(W, r);
  if (wordsAreZero(W)) return VERDICT_RZERO;
  if (wordsAtLeast(W, N)) return VERDICT_ROUT_OF_RANGE;
  wordsFromBytes(W, s);
  if (wordsAreZero(W)) return VERDICT_SZERO;
  if (wordsAtLeast(W, N)) return VERDICT_SOUT_OF_RANGE;
  if ((flags & REQUIRE_LOW_S) != 0 && !wordsAtLeast(HALF_N, W)) return VERDICT_SHIGH;
  return VERDICT_VALID;
}

/** The first broken rule that the signature alone shows; where none, x of R at W. */
export function checkRecoverable(signature: usize): u32 {
  const recoveryId = load<u32>(signature, RECOVERY_ID_AT);
  if (recoveryId > 3) return VERDICT_RECOVERY_ID_INVALID;
  const flags = load<u32>(signature, FLAGS_AT);
  const verdict = checkSignature(signature + R_AT, signature + S_AT, flags);
  if (verdict != VERDICT_VALID) return verdict;
  wordsFromBytes(W, signature + R_AT);
  if (recoveryId & 2) {
    if (wordsAdd(W, W, N) || wordsAtLeast(W, P)) return VERDICT_XOUT_OF_RANGE;
  }
  return VERDICT_VALID;
}

/** Verdicts of the signatures so far, and R of each in the first array of multiples. */
export function lift(signatures: usize, stride: usize, verdicts: usize, count: usize): void {
  const elements = (count + 1) >> 1;
  for (let item: usize = 0; item < elements << 1; item++) {
    let verdict = VERDICT_RZERO;
    if (item < count) {
      verdict = load<u32>(verdicts + (item << 2));
      if (verdict == VERDICT_VALID) {
        verdict = checkRecoverable(signatures + item * stride);
        store<u32>(verdicts + (item << 2), verdict);
      }
    }
    // Any number will do for the others: replaced below.
    if (verdict != VERDICT_VALID) wordsSet(W, 1, 0, 0, 0);
    fePut(feItem(multiplesX, item), W);
  }
  for (let i: usize = 0; i < elements; i += 2) {
    const both = i + 1 < elements;
    const vectors: usize = both ? 2 : 1;
    for (let j: usize = 0; j < vectors; j++) {
      const x = multiplesX + (i + j) * FE_BYTES, square = SQUARES + j * FE_BYTES;
      feCarry(x, x);
      feSqr(square, x);
      feMul(square, square, x);
      feAdd(square, square, FE_SEVEN);
    }
    const y = multiplesY + i * FE_BYTES;
    feSquareRoot(y, SQUARES, y + FE_BYTES, SQUARES + FE_BYTES, both);
    for (let j: usize = 0; j < vectors; j++) {
      chooseRoots(signatures, stride, verdicts, count, i + j, SQUARES + j * FE_BYTES);
    }
  }
}

/** Keeps the root of the right parity in both lanes of element `index`, or replaces the point where there is no root. */
function chooseRoots(
  signatures: usize,
  stride: usize,
  verdicts: usize,
  count: usize,
  index: usize,
  square: usize,
): void {
  // What is no square gives a root of −(x³ + 7), a point of another curve.
  const root = multiplesY + index * FE_BYTES;
  feSqr(T, root);
  feSub(square, T, square);
  feSub(T, FE_ZERO, root);
  for (let lane: usize = 0; lane < 2; lane++) {
    const item = (index << 1) + lane;
    if (item >= count) {
      replacePoint(item);
      continue;
    }
    const verdictAt = verdicts + (item << 2);
    if (load<u32>(verdictAt) == VERDICT_VALID && !feIsZero(feLane(square, lane))) {
      store<u32>(verdictAt, VERDICT_XNOT_ON_CURVE);
    }
    const valid = load<u32>(verdictAt) == VERDICT_VALID;
    store<u8>(active + item, u8(valid));
    if (!valid) {
      replacePoint(item);
      continue;
    }
    feGet(W, feLane(root, lane));
    const parity = load<u32>(signatures + item * stride, RECOVERY_ID_AT) & 1;
    if ((<u32>load<u8>(W) & 1) != parity) feCopyLane(feLane(root, lane), feLane(T, lane));
  }
}

/** o = a·inverse mod n as words, where the 32 bytes at `a` may exceed n and the inverse is in Montgomery form. */
export function scaleBytes(o: usize, a: usize, inverse: usize): void {
  wordsFromBytes(W, a);
  scFromWords(LIMBS, W);
  scMontgomery(LIMBS, LIMBS, inverse);
  scToWords(o, LIMBS);
}

/** Inverses mod n of the 32 bytes at `at` in every active record, in Montgomery form; of 1 for the others. */
export function invertField(records: usize, stride: usize, at: usize, count: usize): void {
  for (let item: usize = 0; item < count; item++) {
    if (load<u8>(active + item)) wordsFromBytes(W, records + item * stride + at);
    else wordsSet(W, 1, 0, 0, 0);
    scFromWords(scalars + item * SC_BYTES, W);
  }
  scInvertAll(inverses, scalars, count);
}

/**
 * Recovers the keys of up to CAPACITY signatures, `stride` bytes apart, of the 32-byte z, `zStride` apart. What is not VALID in
 * `verdicts` already keeps its verdict, and its z is not read.
 */
export function recoverBatch(
  z: usize,
  zStride: usize,
  signatures: usize,
  stride: usize,
  verdicts: usize,
  results: usize,
  count: usize,
): void {
  if (count == 0) return;
  feWorkAlone(count == 1);
  lift(signatures, stride, verdicts, count);
  invertField(signatures, stride, R_AT, count);
  for (let item: usize = 0; item < count; item++) {
    if (!load<u8>(active + item)) continue;
    const inverse = inverses + item * SC_BYTES;
    const u1 = multipliersOf(item);
    scaleBytes(u1, z + item * zStride, inverse);
    if (!wordsAreZero(u1)) wordsSubtract(u1, N, u1);
    scaleBytes(u1 + 32, signatures + item * stride + S_AT, inverse);
  }
  combineBatch(count);
  for (let item: usize = 0; item < count; item++) {
    const verdictAt = verdicts + (item << 2);
    const result = results + item * RECOVER_RESULT_BYTES;
    if (load<u8>(active + item) && load<u8>(infinite + item)) {
      store<u32>(verdictAt, VERDICT_PUBLIC_KEY_INFINITY);
    }
    if (load<u32>(verdictAt) != VERDICT_VALID) {
      memory.fill(result, 0, RECOVER_RESULT_BYTES);
      continue;
    }
    feGet(W, feItem(accX, item));
    wordsToBytes(result, W);
    feGet(W, feItem(accY, item));
    wordsToBytes(result + 32, W);
  }
  feWorkAlone(false);
  writeAddresses(verdicts, results, count);
}

/** Addresses of the valid items' keys: the last 20 bytes of Keccak-256, two keys at a time. */
function writeAddresses(verdicts: usize, results: usize, count: usize): void {
  for (let item: usize = 0; item < count; item += 2) {
    const other = min<usize>(item + 1, count - 1);
    const first = results + item * RECOVER_RESULT_BYTES;
    const second = results + other * RECOVER_RESULT_BYTES;
    keccak256Pair64(first, second, DIGESTS, DIGESTS + 32);
    if (load<u32>(verdicts + (item << 2)) == VERDICT_VALID) {
      memory.copy(first + ADDRESS_AT, DIGESTS + 12, 20);
    }
    if (load<u32>(verdicts + (other << 2)) == VERDICT_VALID) {
      memory.copy(second + ADDRESS_AT, DIGESTS + 44, 20);
    }
  }
}
