// Tables of odd multiples: of G and 2^128·G, once at initialize(), and of each item's point R, in every batch.
import {
  BLIND_X,
  BLIND_Y,
  UNBLIND_X,
  UNBLIND_Y,
  addDense,
  doubleDense,
  invertDense,
} from "./affine";
import {
  FE_BETA,
  FE_BYTES,
  FE_GENERATOR_X,
  FE_GENERATOR_Y,
  FE_ONE,
  FE_ZERO,
  feCopy,
  feCopyLane,
  feLane,
  feMul,
  feMul2,
  feScatterPacked,
  feSqr,
  feSub,
} from "./field";
import { completeLadder, jacobianAdd, jacobianDouble, toAffine } from "./jacobian";
import {
  CAPACITY,
  denominators,
  doubledX,
  doubledY,
  ENTRY_BETA_X,
  ENTRY_SHIFT,
  ENTRY_Y,
  GENERATOR_ENTRIES,
  GENERATOR_ENTRY,
  generatorTable,
  MULTIPLES_STRIDE,
  multiplesX,
  multiplesY,
  TABLE_ENTRIES,
  tables,
} from "./state";
import { wordsAreZero, wordsCopy } from "./words";

/** Entropy that the host may write before initialize(): a little-endian scalar. */
export const SEED: usize = memory.data(32, 16);

const ZERO_WORDS: usize = memory.data(32, 16);
const SCALAR: usize = memory.data(32, 16);

/** Two elements each: what initialization doubles 128 times. */
const BASE_X: usize = memory.data(160, 16);
const BASE_Y: usize = memory.data(160, 16);
const BASE_Z: usize = memory.data(160, 16);
/** The step from one block of multiples to the next, and what it is made of. */
const STEP_X: usize = memory.data(160, 16);
const STEP_Y: usize = memory.data(160, 16);

/**
 * The generator's table and the blinding point b·G. b is the host's seed, so that nobody who makes records knows it; a host
 * without entropy leaves zeros and gets a fixed b, which costs only the protection from slow, never from wrong, batches.
 */
export function initializeTables(): void {
  if (wordsAreZero(SEED)) {
    // The first digits of π.
    store<u64>(SCALAR, 0x243f6a8885a308d3);
    store<u64>(SCALAR, 0x13198a2e03707344, 8);
    store<u64>(SCALAR, 0xa4093822299f31d0, 16);
    store<u64>(SCALAR, 0x082efa98ec4e6c89, 24);
  } else {
    // Odd and below 2^255, so never zero mod n.
    wordsCopy(SCALAR, SEED);
    store<u64>(SCALAR, load<u64>(SCALAR) | 1);
    store<u64>(SCALAR, load<u64>(SCALAR, 24) & 0x7fffffffffffffff, 24);
  }
  completeLadder(
    BLIND_X,
    BLIND_Y,
    SCALAR,
    FE_GENERATOR_X,
    FE_GENERATOR_Y,
    ZERO_WORDS,
    FE_GENERATOR_X,
    FE_GENERATOR_Y,
  );
  // 2^128·G in lane 0 and 2^128·b·G in lane 1.
  feCopy(BASE_X, BLIND_X);
  feCopy(BASE_Y, BLIND_Y);
  feCopyLane(BASE_X, FE_GENERATOR_X);
  feCopyLane(BASE_Y, FE_GENERATOR_Y);
  feCopy(BASE_Z, FE_ONE);
  for (let i = 0; i < 128; i++) jacobianDouble(BASE_X, BASE_Y, BASE_Z);
  feCopy(BASE_X + FE_BYTES, BASE_X);
  feCopy(BASE_Y + FE_BYTES, BASE_Y);
  feCopy(BASE_Z + FE_BYTES, BASE_Z);
  toAffine(BASE_X, BASE_Y, BASE_Z, 2);
  for (let lane: usize = 0; lane < 2; lane++) {
    feCopyLane(feLane(UNBLIND_X, lane), feLane(BASE_X, 1));
    feCopyLane(feLane(UNBLIND_Y, lane), feLane(BASE_Y, 1));
  }
  feSub(UNBLIND_Y, FE_ZERO, UNBLIND_Y);
  // Lane 0 of every element: G, then 2^128·G.
  for (let i: usize = 0; i < 4; i++) {
    const at = (i >> 1) * FE_BYTES + feLane(0, i);
    feCopyLane(STEP_X + at, BASE_X);
    feCopyLane(STEP_Y + at, BASE_Y);
  }
  feCopy(BASE_X, STEP_X);
  feCopy(BASE_Y, STEP_Y);
  for (let i: usize = 0; i < 2; i++) {
    feCopy(STEP_X + i * FE_BYTES, FE_GENERATOR_X);
    feCopy(STEP_Y + i * FE_BYTES, FE_GENERATOR_Y);
  }
  multiplesOf(generatorTable);
  for (let i: usize = 0; i < 2; i++) {
    feCopy(STEP_X + i * FE_BYTES, BASE_X);
    feCopy(STEP_Y + i * FE_BYTES, BASE_Y);
  }
  multiplesOf(generatorTable + GENERATOR_ENTRIES * GENERATOR_ENTRY);
}

/** Elements of one addDense while the table grows: what the shared scratch holds. */
const BLOCK: usize = CAPACITY >> 1;

/**
 * Writes GENERATOR_ENTRIES odd multiples of the point in STEP (both elements, both lanes) to `table`. Four first, then from
 * k multiples the next k by adding 2k times the point. The arrays of per-item multiples serve as scratch.
 */
function multiplesOf(table: usize): void {
  const x = multiplesX, y = multiplesY;
  // Lanes of the first two elements: P, 3P; 5P, 7P, with 2P in the step.
  feCopyLane(x, STEP_X);
  feCopyLane(y, STEP_Y);
  doubleDense(STEP_X, STEP_Y, STEP_X, STEP_Y, 2);
  for (let i: usize = 1; i < 4; i++) {
    for (let j: usize = 0; j < 4; j++) {
      const to = (j >> 1) * FE_BYTES + feLane(0, j);
      const from = ((i - 1) >> 1) * FE_BYTES + feLane(0, i - 1);
      feCopyLane(doubledX + to, x + from);
      feCopyLane(doubledY + to, y + from);
    }
    addDense(doubledX, doubledY, doubledX, doubledY, STEP_X, STEP_Y, FE_BYTES, 2);
    const at = (i >> 1) * FE_BYTES + feLane(0, i);
    feCopyLane(x + at, doubledX);
    feCopyLane(y + at, doubledY);
  }
  doubleDense(STEP_X, STEP_Y, STEP_X, STEP_Y, 2);
  // `filled` elements hold 2·filled multiples; the step is 4·filled times the point.
  for (let filled: usize = 2; filled < GENERATOR_ENTRIES >> 1; filled <<= 1) {
    doubleDense(STEP_X, STEP_Y, STEP_X, STEP_Y, 2);
    for (let from: usize = 0; from < filled; from += BLOCK) {
      const o = from * FE_BYTES, to = (filled + from) * FE_BYTES;
      const count = min<usize>(BLOCK, filled - from);
      addDense(x + to, y + to, x + o, y + o, STEP_X, STEP_Y, 0, count);
    }
  }
  for (let i: usize = 0; i < GENERATOR_ENTRIES >> 1; i++) {
    const at = table + 2 * i * GENERATOR_ENTRY;
    feScatterPacked(x + i * FE_BYTES, at, at + GENERATOR_ENTRY);
    feScatterPacked(y + i * FE_BYTES, at + 40, at + GENERATOR_ENTRY + 40);
  }
}

const BETA_0: usize = memory.data(80, 16);
const BETA_1: usize = memory.data(80, 16);
const X: usize = memory.data(80, 16);
const Y: usize = memory.data(80, 16);
const Z: usize = memory.data(80, 16);
const Z2: usize = memory.data(80, 16);

/** Tables of the points in the first arrays of multiplesX and multiplesY, by shared inversions; `count` elements, even. */
export function buildTables(count: usize): void {
  doubleDense(doubledX, doubledY, multiplesX, multiplesY, count);
  for (let i: usize = 1; i < TABLE_ENTRIES; i++) {
    const o = i * MULTIPLES_STRIDE, before = o - MULTIPLES_STRIDE;
    addDense(
      multiplesX + o,
      multiplesY + o,
      multiplesX + before,
      multiplesY + before,
      doubledX,
      doubledY,
      FE_BYTES,
      count,
    );
  }
  packTables(count);
}

/**
 * The same by Jacobian additions and one inversion, for a few items: 7·`count` elements fit the denominators; any count. On the
 * isomorphic curve where 2R is affine every addition is a mixed one; a multiple's true z is its z there times that of 2R.
 */
export function buildTablesJacobian(count: usize): void {
  const array = count * FE_BYTES;
  const z = denominators;
  for (let o: usize = 0; o < array; o += FE_BYTES) {
    const x2 = doubledX + o, y2 = doubledY + o;
    feCopy(x2, multiplesX + o);
    feCopy(y2, multiplesY + o);
    feCopy(Z2, FE_ONE);
    jacobianDouble(x2, y2, Z2);
    feSqr(BETA_0, Z2);
    feMul2(X, multiplesX + o, BETA_0, BETA_1, BETA_0, Z2);
    feMul(Y, multiplesY + o, BETA_1);
    feCopy(Z, FE_ONE);
    for (let i: usize = 1; i < TABLE_ENTRIES; i++) {
      jacobianAdd(X, Y, Z, x2, y2);
      feCopy(multiplesX + i * MULTIPLES_STRIDE + o, X);
      feCopy(multiplesY + i * MULTIPLES_STRIDE + o, Y);
      feMul(z + (i - 1) * array + o, Z, Z2);
    }
  }
  invertDense(z, z, (TABLE_ENTRIES - 1) * count);
  for (let i: usize = 1; i < TABLE_ENTRIES; i++) {
    for (let o: usize = 0; o < array; o += FE_BYTES) {
      const x = multiplesX + i * MULTIPLES_STRIDE + o, y = multiplesY + i * MULTIPLES_STRIDE + o;
      const inverse = z + (i - 1) * array + o;
      feSqr(BETA_0, inverse);
      feMul2(x, x, BETA_0, BETA_1, BETA_0, inverse);
      feMul(y, y, BETA_1);
    }
  }
  packTables(count);
}

/** Writes the packed tables from the multiples, with βx beside each x. */
export function packTables(count: usize): void {
  const itemBytes: usize = TABLE_ENTRIES << ENTRY_SHIFT;
  for (let entry: usize = 0; entry < TABLE_ENTRIES; entry++) {
    for (let i: usize = 0; i < count; i += 2) {
      const x = multiplesX + entry * MULTIPLES_STRIDE + i * FE_BYTES;
      const y = multiplesY + entry * MULTIPLES_STRIDE + i * FE_BYTES;
      const at = tables + 2 * i * itemBytes + (entry << ENTRY_SHIFT);
      const next = at + 2 * itemBytes;
      if (i + 1 == count) {
        feMul(BETA_0, x, FE_BETA);
        feScatterPacked(x, at, at + itemBytes);
        feScatterPacked(BETA_0, at + ENTRY_BETA_X, at + itemBytes + ENTRY_BETA_X);
        feScatterPacked(y, at + ENTRY_Y, at + itemBytes + ENTRY_Y);
        break;
      }
      feMul2(BETA_0, x, FE_BETA, BETA_1, x + FE_BYTES, FE_BETA);
      feScatterPacked(x, at, at + itemBytes);
      feScatterPacked(x + FE_BYTES, next, next + itemBytes);
      feScatterPacked(BETA_0, at + ENTRY_BETA_X, at + itemBytes + ENTRY_BETA_X);
      feScatterPacked(BETA_1, next + ENTRY_BETA_X, next + itemBytes + ENTRY_BETA_X);
      feScatterPacked(y, at + ENTRY_Y, at + itemBytes + ENTRY_Y);
      feScatterPacked(y + FE_BYTES, next + ENTRY_Y, next + itemBytes + ENTRY_Y);
    }
  }
}
