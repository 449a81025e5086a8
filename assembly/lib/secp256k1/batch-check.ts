// Whether many recoverable signatures belong to the keys that are claimed for them, by one random linear combination
// (Bellare, Garay, Rabin, "Fast batch verification for modular exponentiation and digital signatures", 1998).
//
// Recovery says s·R = z·G + r·Q, where R is lifted from (r, recovery id). Over s, and with a random c for each signature:
//
//   Σ c·R − (Σ c·z/s)·G − Σ_Q (Σ c·r/s)·Q = 0
//
// The group has prime order, so a set with a wrong key in it passes for one c in 2^128 at most, whatever the others are: c is
// a + b·λ with a and b of 64 random bits each, and all those differ mod n, since no vector of the GLV lattice is that short.
// a and b are the GLV halves of c as they stand, so that R's scalars are short. A key that several signatures share is one point.
//
// The randomness is the host's, fresh for every call, and wiped when it is used: signatures cannot be made to fit it. Where
// the host gives none (a and b both zero) a signature is no candidate. A check only ever confirms. What it does not confirm
// has to be recovered by itself, whatever the reason.
import {
  N,
  SC_LAMBDA,
  SC_R_SQUARED,
  scMontgomery,
  scSplit,
} from "../../generated/secp256k1-scalar";
import { VERDICT_VALID } from "../../generated/verdict";
import { reserve } from "../reserve";
import { FE_BYTES, FE_ZERO, feCarry, feGet, feLane, fePut, feSub } from "./field";
import { sumAdd, sumReset, sumToAffine } from "./jacobian";
import { keyCount, keyIsValid, keyPoints, packPoints } from "./known-keys";
import { invertField, lift, R_AT, S_AT, scaleBytes } from "./recover";
import { SC_BYTES, scFromWords, scToWords } from "./scalar";
import { active, CAPACITY, ENTRY_SHIFT, inverses, multiplesX, multiplesY } from "./state";
import {
  beginSum,
  finishSum,
  pushLongNegated,
  pushShort,
  SUM_FINITE,
  SUM_INFINITE,
  SUM_LONG,
  SUM_SHORT,
  sumCost,
} from "./sum";
import {
  wordsAdd,
  wordsAreZero,
  wordsAtLeast,
  wordsCopy,
  wordsEqual,
  wordsSet,
  wordsSubtract,
} from "./words";

/** Layout of src/algorithms/secp256k1-recover-hinted.ts: a record of secp256k1-recover, then the claimed key. */
export const CLAIM_BYTES: usize = 168;
export const CLAIM_KEY_AT: usize = 104;
const Z_AT: usize = 0;
const SIGNATURE_AT: usize = 32;

/** Fresh random bytes that a call takes for each record. */
export const ENTROPY_BYTES: usize = 16;

/** Fewer candidates than this are not looked at together: they are recovered. */
export const LEAST_CANDIDATES: usize = 64;

/**
 * Additions that looking for wrong keys may take in all, per candidate. Recovery takes some 190 operations on points; the check
 * of everything at most 90, the lifting of R some 25. So nobody can make a batch cost twice its recovery.
 */
const SEARCH_ADDITIONS: usize = 64;

/** Random bytes of each record of the call: the host writes them. */
export let entropy: usize = 0;

/** Candidates of the call: which record (u16), whose key (u16), whether R exists (u8), whether the key is right (u8). */
let candidateItems: usize = 0;
let candidateKeys: usize = 0;
let lifted: usize = 0;
let confirmed: usize = 0;
export let candidateCount: usize = 0;

/** R of each candidate as sums take it; the words c·z/s and c·r/s. */
let points: usize = 0;
let products: usize = 0;
/** Sums of c·r/s by key, and in the generator's place of c·z/s (words). */
let keySums: usize = 0;

/** Records copied side by side for lifting, with their verdicts. */
let gathered: usize = 0;
let gatheredVerdicts: usize = 0;

const COEFFICIENT: usize = memory.data(32, 16);
const LIMBS: usize = memory.data(72, 16);
const SPLIT: usize = memory.data(48, 16);

/** Sums of the sets on the way to a wrong key, one a depth: x and y as words. */
const DEPTHS: usize = 16;
const SUMS: usize = memory.data(1024, 16);
const DIFFERENCE_X: usize = memory.data(80, 16);
const DIFFERENCE_Y: usize = memory.data(80, 16);

/** Additions that the search may still take. */
let allowance: usize = 0;

/** Reserves some 2 MiB. */
export function initializeBatchCheck(): void {
  entropy = reserve(SUM_SHORT * ENTROPY_BYTES);
  candidateItems = reserve(SUM_SHORT << 1);
  candidateKeys = reserve(SUM_SHORT << 1);
  lifted = reserve(SUM_SHORT);
  confirmed = reserve(SUM_SHORT);
  points = reserve((SUM_SHORT + 1) << ENTRY_SHIFT);
  products = reserve(SUM_SHORT << 6);
  keySums = reserve(SUM_LONG << 5);
  gathered = reserve(CAPACITY * CLAIM_KEY_AT);
  gatheredVerdicts = reserve(CAPACITY << 2);
}

export function resetCandidates(): void {
  candidateCount = 0;
}

/** Takes record `item` among the candidates, with the key of that index. */
export function addCandidate(item: usize, key: usize): void {
  const random = entropy + item * ENTROPY_BYTES;
  if ((load<u64>(random) | load<u64>(random, 8)) == 0) return;
  store<u16>(candidateItems + (candidateCount << 1), <u16>item);
  store<u16>(candidateKeys + (candidateCount << 1), <u16>key);
  store<u8>(confirmed + candidateCount, 0);
  candidateCount++;
}

// @ts-ignore: decorator
@inline
export function candidateItem(candidate: usize): usize {
  return <usize>load<u16>(candidateItems + (candidate << 1));
}

// @ts-ignore: decorator
@inline
export function candidateKey(candidate: usize): usize {
  return <usize>load<u16>(candidateKeys + (candidate << 1));
}

// @ts-ignore: decorator
@inline
export function isConfirmed(candidate: usize): bool {
  return load<u8>(confirmed + candidate) != 0;
}

/** Keeps the candidates whose key is a point of the curve. */
function keepValidKeys(): void {
  let kept: usize = 0;
  for (let i: usize = 0; i < candidateCount; i++) {
    const key = candidateKey(i);
    if (!keyIsValid(key)) continue;
    store<u16>(candidateItems + (kept << 1), <u16>candidateItem(i));
    store<u16>(candidateKeys + (kept << 1), <u16>key);
    kept++;
  }
  candidateCount = kept;
}

/** c·z/s and c·r/s of a candidate whose record is at `record` and whose 1/s is at `inverse`. */
function multiplyOut(candidate: usize, record: usize, inverse: usize): void {
  const random = entropy + candidateItem(candidate) * ENTROPY_BYTES;
  // c = a + bλ, below n.
  wordsSet(COEFFICIENT, load<u64>(random, 8), 0, 0, 0);
  scFromWords(LIMBS, COEFFICIENT);
  scMontgomery(LIMBS, LIMBS, SC_LAMBDA);
  scToWords(COEFFICIENT, LIMBS);
  const product = products + (candidate << 6);
  wordsSet(product, load<u64>(random), 0, 0, 0);
  addModulo(COEFFICIENT, product);
  scFromWords(LIMBS, COEFFICIENT);
  scMontgomery(LIMBS, LIMBS, inverse);
  scMontgomery(LIMBS, LIMBS, SC_R_SQUARED);
  memory.copy(inverse, LIMBS, SC_BYTES);
  scaleBytes(product, record + Z_AT, inverse);
  scaleBytes(product + 32, record + SIGNATURE_AT + R_AT, inverse);
}

/** a ← a + b mod n, both below n. */
function addModulo(a: usize, b: usize): void {
  if (wordsAdd(a, a, b) || wordsAtLeast(a, N)) wordsSubtract(a, a, N);
}

/** R and products of the candidates from `from` on, CAPACITY at most. */
function prepare(records: usize, from: usize, count: usize): void {
  for (let i: usize = 0; i < count; i++) {
    const record = records + candidateItem(from + i) * CLAIM_BYTES;
    memory.copy(gathered + i * CLAIM_KEY_AT, record, CLAIM_KEY_AT);
  }
  memory.fill(gatheredVerdicts, <u8>VERDICT_VALID, count << 2);
  const signatures = gathered + SIGNATURE_AT;
  lift(signatures, CLAIM_KEY_AT, gatheredVerdicts, count);
  invertField(signatures, CLAIM_KEY_AT, S_AT, count);
  for (let i: usize = 0; i < count; i += 2) {
    const at = (i >> 1) * FE_BYTES, point = points + ((from + i) << ENTRY_SHIFT);
    packPoints(multiplesX + at, multiplesY + at, point, point + (1 << ENTRY_SHIFT));
  }
  for (let i: usize = 0; i < count; i++) {
    const exists = load<u8>(active + i);
    store<u8>(lifted + from + i, exists);
    if (exists) multiplyOut(from + i, gathered + i * CLAIM_KEY_AT, inverses + i * SC_BYTES);
  }
}

// @ts-ignore: decorator
@inline
function keySum(key: usize): usize {
  return keySums + (key << 5);
}

/** The combination of the candidates from `from` to before `to`: what finishSum says. */
function combine(from: usize, to: usize, x: usize, y: usize): u32 {
  memory.fill(keySums, 0, keyCount << 5);
  for (let i = from; i < to; i++) {
    if (!load<u8>(lifted + i)) continue;
    const product = products + (i << 6);
    addModulo(keySum(0), product);
    addModulo(keySum(candidateKey(i)), product + 32);
  }
  let keys: usize = 0;
  for (let key: usize = 0; key < keyCount; key++) keys += usize(!wordsAreZero(keySum(key)));
  beginSum(to - from, keys);
  for (let i = from; i < to; i++) {
    if (!load<u8>(lifted + i)) continue;
    const random = entropy + candidateItem(i) * ENTROPY_BYTES;
    pushShort(points + (i << ENTRY_SHIFT), load<u64>(random), load<u64>(random, 8));
  }
  for (let key: usize = 0; key < keyCount; key++) {
    const sum = keySum(key);
    if (wordsAreZero(sum)) continue;
    scFromWords(LIMBS, sum);
    scSplit(SPLIT, LIMBS);
    pushLongNegated(keyPoints + (key << ENTRY_SHIFT), SPLIT);
  }
  return finishSum(x, y);
}

function confirm(from: usize, to: usize): void {
  for (let i = from; i < to; i++) store<u8>(confirmed + i, load<u8>(lifted + i));
}

// @ts-ignore: decorator
@inline
function sumAt(depth: usize): usize {
  return SUMS + (depth << 6);
}

/** The point whose words are at `sum` goes to both lanes of DIFFERENCE, and into the sum that grows. */
function addWords(sum: usize, negative: bool): void {
  for (let lane: usize = 0; lane < 2; lane++) {
    fePut(feLane(DIFFERENCE_X, lane), sum);
    fePut(feLane(DIFFERENCE_Y, lane), sum + 32);
  }
  feCarry(DIFFERENCE_X, DIFFERENCE_X);
  feCarry(DIFFERENCE_Y, DIFFERENCE_Y);
  if (negative) feSub(DIFFERENCE_Y, FE_ZERO, DIFFERENCE_Y);
  sumAdd(DIFFERENCE_X, DIFFERENCE_Y);
}

/**
 * Confirms what it can among candidates whose combination is the point at depth `depth`. The left half is combined; what the
 * right half's combination is then follows.
 */
function search(from: usize, to: usize, depth: usize): void {
  const count = to - from;
  if (count < 2 * LEAST_CANDIDATES || depth + 1 == DEPTHS) return;
  const middle = from + (count >> 1), half = middle - from;
  const cost = sumCost(half, min<usize>(half + 1, keyCount));
  if (cost > allowance) return;
  allowance -= cost;
  const sum = sumAt(depth), left = sumAt(depth + 1);
  const found = combine(from, middle, left, left + 32);
  if (found == SUM_INFINITE) {
    confirm(from, middle);
    wordsCopy(left, sum);
    wordsCopy(left + 32, sum + 32);
    search(middle, to, depth + 1);
    return;
  }
  if (found != SUM_FINITE) return;
  if (wordsEqual(left, sum) && wordsEqual(left + 32, sum + 32)) {
    confirm(middle, to);
    search(from, middle, depth + 1);
    return;
  }
  // Both halves have wrong keys. The left one's sum is kept until the right one's is known.
  sumReset();
  addWords(sum, false);
  addWords(left, true);
  if (!sumToAffine(DIFFERENCE_X, DIFFERENCE_Y)) return;
  feGet(sum, DIFFERENCE_X);
  feGet(sum + 32, DIFFERENCE_Y);
  search(from, middle, depth + 1);
  wordsCopy(left, sum);
  wordsCopy(left + 32, sum + 32);
  search(middle, to, depth + 1);
}

/** Looks which candidates' keys are right, as far as that is cheaper than recovery. `count` records: their entropy is spent. */
export function checkCandidates(records: usize, count: usize): void {
  keepValidKeys();
  if (candidateCount >= LEAST_CANDIDATES) {
    for (let from: usize = 0; from < candidateCount; from += CAPACITY) {
      prepare(records, from, min<usize>(CAPACITY, candidateCount - from));
    }
    allowance = SEARCH_ADDITIONS * candidateCount;
    const found = combine(0, candidateCount, SUMS, SUMS + 32);
    if (found == SUM_INFINITE) confirm(0, candidateCount);
    else if (found == SUM_FINITE) search(0, candidateCount, 0);
  }
  memory.fill(entropy, 0, count * ENTROPY_BYTES);
}
