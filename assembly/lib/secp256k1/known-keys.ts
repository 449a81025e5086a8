// The distinct public keys of a batch: found by a hash table, checked against the curve, and kept as points that sums take.
import { P } from "../../generated/secp256k1-scalar";
import { keccak256Pair64 } from "../keccak";
import { reserve } from "../reserve";
import { BLIND_X, BLIND_Y } from "./affine";
import {
  FE_BETA,
  FE_GENERATOR_X,
  FE_GENERATOR_Y,
  FE_SEVEN,
  feAdd,
  feCarry,
  feCopyLane,
  feGet,
  feIsZero,
  feLane,
  feMul,
  feMul2,
  fePut,
  feScatterPacked,
  feSub,
} from "./field";
import { ENTRY_BETA_X, ENTRY_SHIFT, ENTRY_Y } from "./state";
import { SUM_LONG } from "./sum";
import { wordsAtLeast, wordsFromBytes, wordsSet } from "./words";

export const KEY_BYTES: usize = 64;

/** Entry 0 is the generator, which no hint needs to name; keys follow. */
export const FIRST_KEY: usize = 1;

const SLOT_BITS: usize = 13;
/** A key that meets so many others on its way to a slot is not merged with its like: slower, and never wrong. */
const MOST_PROBES: usize = 32;

const DIGEST_BYTES: usize = 32;

/** Eight random words: the hash function, out of the blinding point, which nobody knows. */
const HASH: usize = memory.data(64, 16);
const X: usize = memory.data(80, 16);
const Y: usize = memory.data(80, 16);
const T: usize = memory.data(80, 16);
const SQUARE: usize = memory.data(80, 16);
const W: usize = memory.data(32, 16);

/** x, βx, y of every key, packed: what sums take. */
export let keyPoints: usize = 0;
/** Where the bytes of each key lie (u32), whether it is a point of the curve (u8), and its digest once it is known. */
let sources: usize = 0;
let valid: usize = 0;
let digests: usize = 0;
/** Open addressing: index of a key (u16), 0 where a slot is free. */
let slots: usize = 0;

/** Keys so far, the generator among them. */
export let keyCount: usize = FIRST_KEY;

/** Reserves some 1 MiB; after the blinding point is made. */
export function initializeKeys(): void {
  const capacity = SUM_LONG + 1;
  keyPoints = reserve(capacity << ENTRY_SHIFT);
  sources = reserve(capacity << 2);
  valid = reserve(capacity);
  digests = reserve(capacity * DIGEST_BYTES);
  slots = reserve((<usize>1 << SLOT_BITS) << 1);
  feGet(HASH, BLIND_X);
  feGet(HASH + 32, BLIND_Y);
  for (let lane: usize = 0; lane < 2; lane++) {
    feCopyLane(feLane(X, lane), FE_GENERATOR_X);
    feCopyLane(feLane(Y, lane), FE_GENERATOR_Y);
  }
  storePoints(0, 0, X, Y);
}

/** Writes both lanes of (x, y) as the points that sums take. */
export function packPoints(x: usize, y: usize, point0: usize, point1: usize): void {
  feMul(T, x, FE_BETA);
  feScatterPacked(x, point0, point1);
  feScatterPacked(T, point0 + ENTRY_BETA_X, point1 + ENTRY_BETA_X);
  feScatterPacked(y, point0 + ENTRY_Y, point1 + ENTRY_Y);
}

function storePoints(key0: usize, key1: usize, x: usize, y: usize): void {
  packPoints(x, y, keyPoints + (key0 << ENTRY_SHIFT), keyPoints + (key1 << ENTRY_SHIFT));
}

/** Forgets the keys of the last batch. */
export function resetKeys(): void {
  memory.fill(slots, 0, (<usize>1 << SLOT_BITS) << 1);
  keyCount = FIRST_KEY;
}

/** Multiply-shift over 32-bit words (Dietzfelbinger 1996): nobody who does not know HASH can make many keys meet. */
function slotOf(bytes: usize): usize {
  let sum: u64 = 0;
  // The y coordinate adds little that x does not say.
  for (let i: usize = 0; i < 32; i += 4) {
    sum += <u64>load<u32>(bytes + i) * load<u64>(HASH + (i << 1));
  }
  return <usize>(sum >> <u64>(64 - SLOT_BITS));
}

/** Whether two keys are the same 64 bytes. */
export function sameKey(a: usize, b: usize): bool {
  let difference = v128.xor(v128.load(a), v128.load(b));
  for (let i: usize = 16; i < KEY_BYTES; i += 16) {
    difference = v128.or(difference, v128.xor(v128.load(a + i), v128.load(b + i)));
  }
  return !v128.any_true(difference);
}

/** Index of the key whose 64 bytes are at `bytes`, which stay there until the next reset. */
export function keyOf(bytes: usize): usize {
  const mask = (<usize>1 << SLOT_BITS) - 1;
  let slot = slotOf(bytes);
  for (let probe: usize = 0; probe < MOST_PROBES; probe++) {
    const key = <usize>load<u16>(slots + (slot << 1));
    if (key == 0) {
      store<u16>(slots + (slot << 1), <u16>keyCount);
      break;
    }
    if (sameKey(keySource(key), bytes)) return key;
    slot = (slot + 1) & mask;
  }
  store<u32>(sources + (keyCount << 2), <u32>bytes);
  return keyCount++;
}

/** Where the key's bytes lie. */
// @ts-ignore: decorator
@inline
export function keySource(key: usize): usize {
  return <usize>load<u32>(sources + (key << 2));
}

// @ts-ignore: decorator
@inline
export function keyIsValid(key: usize): bool {
  return load<u8>(valid + key) != 0;
}

/** Puts the key at `bytes` into lane `lane` of X and Y; false, with some other number there, where a coordinate is p or more. */
function readKey(bytes: usize, lane: usize): bool {
  let below = true;
  for (let half: usize = 0; half < 2; half++) {
    wordsFromBytes(W, bytes + (half << 5));
    if (wordsAtLeast(W, P)) {
      below = false;
      wordsSet(W, 1, 0, 0, 0);
    }
    fePut(feLane(half ? Y : X, lane), W);
  }
  return below;
}

/** SQUARE = y² − x³ − 7 of the keys in X and Y. */
function checkCurve(): void {
  feCarry(X, X);
  feCarry(Y, Y);
  feMul2(SQUARE, Y, Y, T, X, X);
  feMul(T, T, X);
  feAdd(T, T, FE_SEVEN);
  feSub(SQUARE, SQUARE, T);
}

/** Looks which of the batch's keys are points of the curve. */
export function checkKeys(): void {
  for (let key = FIRST_KEY; key < keyCount; key += 2) {
    // An odd one out goes with itself; there is room for one more point.
    const other = min<usize>(key + 1, keyCount - 1);
    const below0 = readKey(keySource(key), 0);
    const below1 = readKey(keySource(other), 1);
    checkCurve();
    store<u8>(valid + key, u8(below0 && feIsZero(feLane(SQUARE, 0))));
    store<u8>(valid + other, u8(below1 && feIsZero(feLane(SQUARE, 1))));
    storePoints(key, other, X, Y);
  }
}

/** Whether the 64 bytes at `bytes` are x ‖ y of a point of the curve. */
export function isKey(bytes: usize): bool {
  const below = readKey(bytes, 0) && readKey(bytes, 1);
  checkCurve();
  return below && feIsZero(SQUARE);
}

/** Keccak-256 of every key. */
export function digestKeys(): void {
  for (let key = FIRST_KEY; key < keyCount; key += 2) {
    const other = min<usize>(key + 1, keyCount - 1);
    keccak256Pair64(keySource(key), keySource(other), keyDigest(key), keyDigest(other));
  }
}

// @ts-ignore: decorator
@inline
export function keyDigest(key: usize): usize {
  return digests + key * DIGEST_BYTES;
}
