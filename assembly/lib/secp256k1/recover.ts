// ECDSA public-key recovery (SEC 1 v2 §4.1.6) of a batch: Q = −(z/r)·G + (s/r)·R, where R has x = r (or r + n).
//
// Check and lift each record to R; replace what is invalid by a point of the curve, so that every later step has real
// points; split s/r by the endomorphism and cut all scalars into digits; then one pass over 129 bit positions, everyone
// doubling and some adding. Many items: affine arithmetic under shared inversions. A few: Jacobian.
import { HALF_N, N, P, scMontgomery, scSplit } from "../../generated/secp256k1-scalar";
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
import {
  addDense,
  addList,
  BLIND_X,
  BLIND_Y,
  doubleAll,
  UNBLIND_X,
  UNBLIND_Y,
} from "./affine";
import {
  beginItem,
  clearDigits,
  KIND_G,
  KIND_G_HIGH,
  KIND_LAMBDA_R,
  KIND_R,
  pushDigits,
} from "./digits";
import {
  FE_BYTES,
  FE_GENERATOR_X,
  FE_GENERATOR_Y,
  FE_ONE,
  FE_SEVEN,
  FE_ZERO,
  feAdd,
  feCarry,
  feCopy,
  feCopyLane,
  feGet,
  feIsZero,
  feItem,
  feLane,
  feMul,
  fePut,
  feSqr,
  feSquareRoot,
  feSub,
} from "./field";
import { initializeInverse } from "./inverse";
import {
  accumulatorsToAffine,
  completeLadder,
  jacobianAddList,
  jacobianDoubleAll,
} from "./jacobian";
import { SC_BYTES, scFromWords, scInvertAll, scToWords } from "./scalar";
import {
  accX,
  accY,
  accZ,
  doubtful,
  GENERATOR_WINDOW,
  initializeState,
  inverses,
  LEVELS,
  listAt,
  listLengthAt,
  multipliers,
  multiplesX,
  multiplesY,
  POSITIONS,
  scalars,
  TABLE_WINDOW,
} from "./state";
import { buildTables, buildTablesJacobian, initializeTables } from "./tables";
import {
  wordsAdd,
  wordsAreZero,
  wordsAtLeast,
  wordsCopy,
  wordsFromBytes,
  wordsSet,
  wordsSubtract,
  wordsToBytes,
} from "./words";

/** Layout of src/algorithms/secp256k1-recover.ts. */
export const RECOVER_RECORD_BYTES: usize = 104;
export const RECOVER_RESULT_BYTES: usize = 84;
const Z_AT: usize = 0;
const R_AT: usize = 32;
const S_AT: usize = 64;
const RECOVERY_ID_AT: usize = 96;
const FLAGS_AT: usize = 100;
const ADDRESS_AT: usize = 64;
const REQUIRE_LOW_S: u32 = 1;

/** Up to this many items the Jacobian path is the faster one. */
const FEW: usize = 64;

const W: usize = memory.data(32, 16);
const LIMBS: usize = memory.data(72, 16);
const SPLIT: usize = memory.data(48, 16);
const DIGESTS: usize = memory.data(64, 16);
const ELEMENT_0: usize = memory.data(160, 16);
const ELEMENT_1: usize = memory.data(160, 16);

/** Builds the tables; once. */
export function initializeRecover(): void {
  initializeState();
  initializeInverse();
  initializeTables();
}

/** The first broken rule that the record alone shows, and x of R at W. */
function checkRecord(record: usize): u32 {
  const recoveryId = load<u32>(record, RECOVERY_ID_AT);
  if (recoveryId > 3) return VERDICT_RECOVERY_ID_INVALID;
  wordsFromBytes(W, record + R_AT);
  if (wordsAreZero(W)) return VERDICT_RZERO;
  if (wordsAtLeast(W, N)) return VERDICT_ROUT_OF_RANGE;
  wordsFromBytes(W, record + S_AT);
  if (wordsAreZero(W)) return VERDICT_SZERO;
  if (wordsAtLeast(W, N)) return VERDICT_SOUT_OF_RANGE;
  const low = (load<u32>(record, FLAGS_AT) & REQUIRE_LOW_S) != 0;
  if (low && !wordsAtLeast(HALF_N, W)) return VERDICT_SHIGH;
  wordsFromBytes(W, record + R_AT);
  if (recoveryId & 2) {
    if (wordsAdd(W, W, N) || wordsAtLeast(W, P)) return VERDICT_XOUT_OF_RANGE;
  }
  return VERDICT_VALID;
}

/** Puts a point of the curve where an item has none. */
function replace(item: usize): void {
  feCopyLane(feItem(multiplesX, item), feLane(BLIND_X, item));
  feCopyLane(feItem(multiplesY, item), feLane(BLIND_Y, item));
}

/** Verdicts of the records so far, and R of each in the first array of multiples; slots up to 2·`elements` are filled. */
function lift(records: usize, verdicts: usize, count: usize, elements: usize): void {
  for (let item: usize = 0; item < elements << 1; item++) {
    const lane = feItem(multiplesX, item);
    let verdict = VERDICT_RZERO;
    if (item < count) {
      verdict = checkRecord(records + item * RECOVER_RECORD_BYTES);
      store<u32>(verdicts + (item << 2), verdict);
    }
    // Any number will do for the others: replaced below.
    if (verdict != VERDICT_VALID) wordsSet(W, 1, 0, 0, 0);
    fePut(lane, W);
  }
  for (let i: usize = 0; i < elements; i += 2) {
    const both = i + 1 < elements;
    const vectors: usize = both ? 2 : 1;
    for (let j: usize = 0; j < vectors; j++) {
      const x = multiplesX + (i + j) * FE_BYTES, square = ELEMENT_0 + j * FE_BYTES;
      feCarry(x, x);
      feSqr(square, x);
      feMul(square, square, x);
      feAdd(square, square, FE_SEVEN);
    }
    const y = multiplesY + i * FE_BYTES;
    feSquareRoot(y, ELEMENT_0, y + FE_BYTES, ELEMENT_0 + FE_BYTES, both);
    for (let j: usize = 0; j < vectors; j++) {
      // What is no square gives a root of −(x³ + 7), a point of another curve.
      const root = y + j * FE_BYTES, square = ELEMENT_0 + j * FE_BYTES;
      feSqr(ELEMENT_1, root);
      feSub(square, ELEMENT_1, square);
      feSub(ELEMENT_1, FE_ZERO, root);
      for (let lane: usize = 0; lane < 2; lane++) {
        const item = ((i + j) << 1) + lane;
        if (item >= count) {
          replace(item);
          continue;
        }
        const verdictAt = verdicts + (item << 2);
        if (load<u32>(verdictAt) == VERDICT_VALID && !feIsZero(feLane(square, lane))) {
          store<u32>(verdictAt, VERDICT_XNOT_ON_CURVE);
        }
        if (load<u32>(verdictAt) != VERDICT_VALID) {
          replace(item);
          continue;
        }
        feGet(W, feLane(root, lane));
        const parity = load<u32>(records + item * RECOVER_RECORD_BYTES, RECOVERY_ID_AT) & 1;
        if ((<u32>load<u8>(W) & 1) != parity) {
          feCopyLane(feLane(root, lane), feLane(ELEMENT_1, lane));
        }
      }
    }
  }
}

/** Digits of every valid item's scalars. Others push none and end where they began. */
function cutScalars(records: usize, verdicts: usize, count: usize): void {
  clearDigits();
  for (let item: usize = 0; item < count; item++) {
    if (load<u32>(verdicts + (item << 2)) == VERDICT_VALID) {
      wordsFromBytes(W, records + item * RECOVER_RECORD_BYTES + R_AT);
    } else {
      wordsSet(W, 1, 0, 0, 0);
    }
    scFromWords(scalars + item * SC_BYTES, W);
  }
  scInvertAll(inverses, scalars, count);
  for (let item: usize = 0; item < count; item++) {
    if (load<u32>(verdicts + (item << 2)) != VERDICT_VALID) continue;
    const record = records + item * RECOVER_RECORD_BYTES;
    const inverse = inverses + item * SC_BYTES;
    const u1 = multipliers + (item << 6), u2 = u1 + 32;
    beginItem();
    wordsFromBytes(W, record + S_AT);
    scFromWords(LIMBS, W);
    scMontgomery(LIMBS, LIMBS, inverse);
    scToWords(u2, LIMBS);
    scFromWords(LIMBS, u2);
    scSplit(SPLIT, LIMBS);
    const id = <u32>item;
    pushDigits(load<u64>(SPLIT), load<u64>(SPLIT, 8), TABLE_WINDOW, id, KIND_R, <u32>load<u64>(SPLIT, 16));
    pushDigits(
      load<u64>(SPLIT, 24),
      load<u64>(SPLIT, 32),
      TABLE_WINDOW,
      id,
      KIND_LAMBDA_R,
      <u32>load<u64>(SPLIT, 40),
    );
    // z/r; G's digits are negated.
    wordsFromBytes(W, record + Z_AT);
    scFromWords(LIMBS, W);
    scMontgomery(LIMBS, LIMBS, inverse);
    scToWords(u1, LIMBS);
    pushDigits(load<u64>(u1), load<u64>(u1, 8), GENERATOR_WINDOW, id, KIND_G, 1);
    pushDigits(load<u64>(u1, 16), load<u64>(u1, 24), GENERATOR_WINDOW, id, KIND_G_HIGH, 1);
  }
}

/** Everyone doubles, position by position, and adds the digits there: affine. */
function climbAffine(elements: usize): void {
  for (let position = <isize>POSITIONS - 1; position >= 0; position--) {
    if (position < <isize>POSITIONS - 1) doubleAll(elements);
    for (let level: usize = 0; level < LEVELS; level++) {
      const length = <usize>load<u32>(listLengthAt(<usize>position, level));
      if (length == 0) break;
      addList(listAt(<usize>position, level), length);
    }
  }
}

/** The same in Jacobian coordinates. */
function climbJacobian(elements: usize): void {
  for (let position = <isize>POSITIONS - 1; position >= 0; position--) {
    if (position < <isize>POSITIONS - 1) jacobianDoubleAll(elements);
    for (let level: usize = 0; level < LEVELS; level++) {
      const length = <usize>load<u32>(listLengthAt(<usize>position, level));
      if (length == 0) break;
      jacobianAddList(listAt(<usize>position, level), length);
    }
  }
}

/** Takes the blinding point off again; finds Q at infinity before its zero denominator can do harm. */
function unblind(verdicts: usize, count: usize, elements: usize): void {
  for (let i: usize = 0; i < elements; i++) {
    feSub(ELEMENT_0, UNBLIND_X, accX + i * FE_BYTES);
    feAdd(ELEMENT_1, UNBLIND_Y, accY + i * FE_BYTES);
    for (let lane: usize = 0; lane < 2; lane++) {
      if (!feIsZero(feLane(ELEMENT_0, lane))) continue;
      const item = (i << 1) + lane;
      // The same x: opposite points sum to infinity, equal ones need a doubling. Where no digit was added Q is infinity
      // only in form: the record was invalid.
      const verdictAt = verdicts + (item << 2);
      if (item < count && load<u32>(verdictAt) == VERDICT_VALID) {
        if (feIsZero(feLane(ELEMENT_1, lane))) store<u32>(verdictAt, VERDICT_PUBLIC_KEY_INFINITY);
        else store<u8>(doubtful + item, 1);
      }
      feCopyLane(feItem(accX, item), feLane(BLIND_X, lane));
      feCopyLane(feItem(accY, item), feLane(BLIND_Y, lane));
    }
  }
  if (!addDense(accX, accY, accX, accY, UNBLIND_X, UNBLIND_Y, 0, elements)) unreachable();
}

/** The complete ladder for an item that met an exception; its key replaces the accumulator. */
function decide(item: usize, verdictAt: usize): void {
  // Both lanes hold R.
  for (let lane: usize = 0; lane < 2; lane++) {
    feCopyLane(feLane(ELEMENT_0, lane), feItem(multiplesX, item));
    feCopyLane(feLane(ELEMENT_1, lane), feItem(multiplesY, item));
  }
  const u1 = multipliers + (item << 6);
  wordsCopy(W, u1);
  if (!wordsAreZero(W)) wordsSubtract(W, N, W);
  const x = ELEMENT_0 + FE_BYTES, y = ELEMENT_1 + FE_BYTES;
  if (!completeLadder(x, y, W, FE_GENERATOR_X, FE_GENERATOR_Y, u1 + 32, ELEMENT_0, ELEMENT_1)) {
    store<u32>(verdictAt, VERDICT_PUBLIC_KEY_INFINITY);
    return;
  }
  feCopyLane(feItem(accX, item), x);
  feCopyLane(feItem(accY, item), y);
}

/** Recovers the keys of up to CAPACITY records. */
export function recoverBatch(records: usize, verdicts: usize, results: usize, count: usize): void {
  if (count == 0) return;
  const few = count <= FEW;
  // Shared inversions run over pairs of elements; a few items go through the rest one element at a time.
  const used = (count + 1) >> 1;
  const elements = (used + 1) & ~1;
  memory.fill(doubtful, 0, elements << 1);
  lift(records, verdicts, count, few ? used : elements);
  if (used < elements && few) {
    replace(used << 1);
    replace((used << 1) + 1);
  }
  cutScalars(records, verdicts, count);
  for (let o: usize = 0; o < elements * FE_BYTES; o += FE_BYTES) {
    feCopy(accX + o, BLIND_X);
    feCopy(accY + o, BLIND_Y);
    feCopy(accZ + o, FE_ONE);
  }
  if (few) {
    buildTablesJacobian(elements);
    climbJacobian(used);
    accumulatorsToAffine(elements);
  } else {
    buildTables(elements);
    climbAffine(elements);
  }
  unblind(verdicts, count, elements);
  for (let item: usize = 0; item < count; item++) {
    const verdictAt = verdicts + (item << 2);
    const result = results + item * RECOVER_RESULT_BYTES;
    if (load<u32>(verdictAt) == VERDICT_VALID && load<u8>(doubtful + item)) decide(item, verdictAt);
    if (load<u32>(verdictAt) != VERDICT_VALID) {
      memory.fill(result, 0, RECOVER_RESULT_BYTES);
      continue;
    }
    feGet(W, feItem(accX, item));
    wordsToBytes(result, W);
    feGet(W, feItem(accY, item));
    wordsToBytes(result + 32, W);
  }
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
