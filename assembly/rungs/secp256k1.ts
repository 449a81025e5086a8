// Test-only: every primitive under secp256k1-recover, exported one by one. test/rungs/ compares them with bigint.
import { DIVSTEP_N, DIVSTEP_P, scMontgomery, scSplit } from "../generated/secp256k1-scalar";
import { reserve } from "../lib/reserve";
import { addDense, doubleDense } from "../lib/secp256k1/affine";
import {
  beginItem,
  clearDigits,
  digitSign,
  digitX,
  digitY,
  pushDigits as push,
} from "../lib/secp256k1/digits";
import * as fe from "../lib/secp256k1/field";
import { initializeInverse, invertWords } from "../lib/secp256k1/inverse";
import { completeLadder, jacobianAdd, jacobianDouble, toAffine } from "../lib/secp256k1/jacobian";
import { scFromWords, scInvert, scInvertAll, scToWords } from "../lib/secp256k1/scalar";
import { feSquareRoot as squareRoot } from "../lib/secp256k1/square-root";
import {
  generatorTable,
  initializeState,
  LEVELS,
  listAt,
  listLengthAt,
} from "../lib/secp256k1/state";
import { initializeTables } from "../lib/secp256k1/tables";
import {
  wordsAdd,
  wordsAtLeast,
  wordsFromBytes,
  wordsSubtract,
  wordsToBytes,
} from "../lib/secp256k1/words";

export {
  addDense,
  beginItem,
  clearDigits,
  completeLadder,
  digitSign,
  digitX,
  digitY,
  doubleDense,
  jacobianAdd,
  jacobianDouble,
  scFromWords,
  scInvert,
  scInvertAll,
  scMontgomery,
  scSplit,
  scToWords,
  toAffine,
  wordsAdd,
  wordsAtLeast,
  wordsFromBytes,
  wordsSubtract,
  wordsToBytes,
};

let scratchAt: usize = 0;

export function initialize(): void {
  initializeState();
  initializeInverse();
  initializeTables();
  scratchAt = reserve(65536);
}

/** 64 KiB for the test's own values. */
export function scratch(): usize {
  return scratchAt;
}

/** Limbs of the design: 5 as f64, or 9 as u32. */
export function limbCount(): i32 {
  return ASC_FEATURE_RELAXED_SIMD ? 5 : 9;
}

/** Largest magnitude of each limb, as u64. */
export function limbBounds(): usize {
  return fe.FE_LIMB_BOUNDS;
}

export function feMul(o: usize, a: usize, b: usize): void {
  fe.feMul(o, a, b);
}

export function feMul2(o: usize, a: usize, b: usize, p: usize, c: usize, d: usize): void {
  fe.feMul2(o, a, b, p, c, d);
}

export function feMulSqr2(o: usize, a: usize, b: usize, p: usize, c: usize): void {
  fe.feMulSqr2(o, a, b, p, c);
}

export function feWorkAlone(on: bool): void {
  fe.feWorkAlone(on);
}

export function feSqr(o: usize, a: usize): void {
  fe.feSqr(o, a);
}

export function feSqr2(o: usize, a: usize, p: usize, c: usize): void {
  fe.feSqr2(o, a, p, c);
}

export function feMulSub(o: usize, a: usize, b: usize, c: usize): void {
  fe.feMulSub(o, a, b, c);
}

export function feMulSub2(
  o: usize,
  a: usize,
  b: usize,
  c: usize,
  p: usize,
  d: usize,
  e: usize,
  f: usize,
): void {
  fe.feMulSub2(o, a, b, c, p, d, e, f);
}

export function feSqrSub(o: usize, a: usize, c: usize, d: usize): void {
  fe.feSqrSub(o, a, c, d);
}

export function feSqrSub2(
  o: usize,
  a: usize,
  c: usize,
  d: usize,
  p: usize,
  b: usize,
  e: usize,
  f: usize,
): void {
  fe.feSqrSub2(o, a, c, d, p, b, e, f);
}

export function feSqrSubTwice(o: usize, a: usize, c: usize, d: usize): void {
  fe.feSqrSubTwice(o, a, c, d);
}

export function feSqrSubTwice2(
  o: usize,
  a: usize,
  c: usize,
  d: usize,
  p: usize,
  b: usize,
  e: usize,
  f: usize,
): void {
  fe.feSqrSubTwice2(o, a, c, d, p, b, e, f);
}

export function feAdd(o: usize, a: usize, b: usize): void {
  fe.feAdd(o, a, b);
}

export function feSub(o: usize, a: usize, b: usize): void {
  fe.feSub(o, a, b);
}

export function feDouble(o: usize, a: usize): void {
  fe.feDouble(o, a);
}

export function feTriple(o: usize, a: usize): void {
  fe.feTriple(o, a);
}

export function feCarry(o: usize, a: usize): void {
  fe.feCarry(o, a);
}

export function fePut(lane: usize, words: usize): void {
  fe.fePut(lane, words);
}

export function feGet(words: usize, lane: usize): void {
  fe.feGet(words, lane);
}

export function feLane(element: usize, lane: usize): usize {
  return fe.feLane(element, lane);
}

export function feItem(array: usize, index: usize): usize {
  return fe.feItem(array, index);
}

export function feIsZero(lane: usize): bool {
  return fe.feIsZero(lane);
}

export function feSwapLanes(o: usize, a: usize): void {
  fe.feSwapLanes(o, a);
}

export function feGather(o: usize, p: usize, q: usize): void {
  fe.feGather(o, p, q);
}

export function feScatter(a: usize, p: usize, q: usize): void {
  fe.feScatter(a, p, q);
}

export function feGatherPacked(o: usize, p: usize, q: usize): void {
  fe.feGatherPacked(o, p, q);
}

export function feGatherSigned(o: usize, p: usize, q: usize, signP: u32, signQ: u32): void {
  fe.feGatherSigned(o, p, q, signP, signQ);
}

export function feScatterPacked(a: usize, p: usize, q: usize): void {
  fe.feScatterPacked(a, p, q);
}

export function feSquareRoot(o: usize, a: usize, p: usize, b: usize, both: bool): void {
  squareRoot(o, a, p, b, both);
}

export function invertModP(words: usize): void {
  invertWords(words, DIVSTEP_P);
}

export function invertModN(words: usize): void {
  invertWords(words, DIVSTEP_N);
}

export function pushDigits(lo: u64, hi: u64, width: u64, item: u32, kind: u32, neg: u32): void {
  push(lo, hi, width, item, kind, neg);
}

/** Digits listed at a position and level. */
export function listLength(position: usize, level: usize): u32 {
  return load<u32>(listLengthAt(position, level));
}

/** Where that list begins. */
export function listStart(position: usize, level: usize): usize {
  return listAt(position, level);
}

export function levels(): u32 {
  return <u32>LEVELS;
}

/** Packed x and y, 80 bytes each entry: (2i + 1)·G, then (2i + 1)·2^128·G. */
export function generatorEntries(): usize {
  return generatorTable;
}
