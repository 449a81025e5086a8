// a·G + b·P for a batch of items with their own a, b and P: what recovery and verification share.
//
// All scalars become digits by bit position; then one pass over 129 positions, everyone doubling and some adding. Many items
// take affine arithmetic under shared inversions, a few Jacobian. Accumulators start at the blinding point and what an
// exception of the addition law still reaches is decided afterwards by the complete ladder, so no item can harm another.
import { scSplit } from "../../generated/secp256k1-scalar";
import { addDense, addList, BLIND_X, BLIND_Y, doubleAll, UNBLIND_X, UNBLIND_Y } from "./affine";
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
  feAdd,
  feCopy,
  feCopyLane,
  feIsZero,
  feItem,
  feLane,
  feSub,
} from "./field";
import { initializeInverse } from "./inverse";
import {
  accumulatorsToAffine,
  completeLadder,
  jacobianAddList,
  jacobianDoubleAll,
  jacobianUnblind,
} from "./jacobian";
import { scFromWords } from "./scalar";
import {
  accX,
  accY,
  accZ,
  active,
  CAPACITY,
  doubtful,
  GENERATOR_WINDOW,
  infinite,
  initializeState,
  LEVELS,
  listAt,
  listLengthAt,
  multipliers,
  multiplesX,
  multiplesY,
  POSITIONS,
  TABLE_WINDOW,
} from "./state";
import { buildTables, buildTablesJacobian, initializeTables } from "./tables";

/** Up to this many items the Jacobian path is the faster one. */
const FEW: usize = 128;

const LIMBS: usize = memory.data(72, 16);
const SPLIT: usize = memory.data(48, 16);
const ELEMENT_0: usize = memory.data(160, 16);
const ELEMENT_1: usize = memory.data(160, 16);

/** Reserves the memory and builds the tables; once. */
export function initializeCombine(): void {
  initializeState();
  initializeInverse();
  initializeTables();
}

/** Puts a point of the curve where an item has none. */
export function replacePoint(item: usize): void {
  feCopyLane(feItem(multiplesX, item), feLane(BLIND_X, item));
  feCopyLane(feItem(multiplesY, item), feLane(BLIND_Y, item));
}

/** Where the words of an item's a lie; those of b follow 32 bytes on. Both below n. */
// @ts-ignore: decorator
@inline
export function multipliersOf(item: usize): usize {
  return multipliers + (item << 6);
}

/** Digits of every active item's scalars. Others push none and end where they began. */
function cutScalars(count: usize): void {
  clearDigits();
  for (let item: usize = 0; item < count; item++) {
    if (!load<u8>(active + item)) continue;
    const a = multipliersOf(item), b = a + 32;
    const id = <u32>item;
    beginItem();
    scFromWords(LIMBS, b);
    scSplit(SPLIT, LIMBS);
    const low0 = load<u64>(SPLIT), low1 = load<u64>(SPLIT, 8);
    pushDigits(low0, low1, TABLE_WINDOW, id, KIND_R, <u32>load<u64>(SPLIT, 16));
    const high0 = load<u64>(SPLIT, 24), high1 = load<u64>(SPLIT, 32);
    pushDigits(high0, high1, TABLE_WINDOW, id, KIND_LAMBDA_R, <u32>load<u64>(SPLIT, 40));
    pushDigits(load<u64>(a), load<u64>(a, 8), GENERATOR_WINDOW, id, KIND_G, 0);
    pushDigits(load<u64>(a, 16), load<u64>(a, 24), GENERATOR_WINDOW, id, KIND_G_HIGH, 0);
  }
}

/** Everyone doubles, position by position, and adds the digits there: affine. */
function climbAffine(elements: usize): void {
  for (let position = <isize>POSITIONS - 1; position >= 0; position--) {
    if (position < <isize>POSITIONS - 1) doubleAll(elements);
    for (let level: usize = 0; level < LEVELS; level++) {
      const length = <usize>load<u32>(listLengthAt(<usize>position, level));
      if (length == 0) break;
      addList(listAt(<usize>position, level), length, accX, accY, doubtful, CAPACITY);
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

/** Takes the blinding point off again; finds sums at infinity before their zero denominators can do harm. */
function unblind(count: usize, elements: usize): void {
  for (let i: usize = 0; i < elements; i++) {
    feSub(ELEMENT_0, UNBLIND_X, accX + i * FE_BYTES);
    feAdd(ELEMENT_1, UNBLIND_Y, accY + i * FE_BYTES);
    for (let lane: usize = 0; lane < 2; lane++) {
      if (!feIsZero(feLane(ELEMENT_0, lane))) continue;
      const item = (i << 1) + lane;
      // The same x: opposite points sum to infinity, equal ones need a doubling. Inactive items end here by design.
      if (item < count) {
        if (feIsZero(feLane(ELEMENT_1, lane))) store<u8>(infinite + item, 1);
        else store<u8>(doubtful + item, 1);
      }
      feCopyLane(feItem(accX, item), feLane(BLIND_X, lane));
      feCopyLane(feItem(accY, item), feLane(BLIND_Y, lane));
    }
  }
  if (!addDense(accX, accY, accX, accY, UNBLIND_X, UNBLIND_Y, 0, elements)) unreachable();
}

/** The complete ladder for an item that met an exception; its sum replaces the accumulator. */
function decide(item: usize): void {
  // Both lanes hold P.
  for (let lane: usize = 0; lane < 2; lane++) {
    feCopyLane(feLane(ELEMENT_0, lane), feItem(multiplesX, item));
    feCopyLane(feLane(ELEMENT_1, lane), feItem(multiplesY, item));
  }
  const a = multipliersOf(item), x = ELEMENT_0 + FE_BYTES, y = ELEMENT_1 + FE_BYTES;
  const finite = completeLadder(
    x,
    y,
    a,
    FE_GENERATOR_X,
    FE_GENERATOR_Y,
    a + 32,
    ELEMENT_0,
    ELEMENT_1,
  );
  store<u8>(infinite + item, u8(!finite));
  if (!finite) return;
  feCopyLane(feItem(accX, item), x);
  feCopyLane(feItem(accY, item), y);
}

/**
 * Sums of up to CAPACITY items: P in the first arrays of multiples, a and b at multipliersOf, `active` 1 where they count
 * (inactive items still need a point: replacePoint). The sums end in accX and accY, affine, or `infinite` is 1.
 */
export function combineBatch(count: usize): void {
  // Shared inversions run over pairs of elements; a few items go through the rest one element at a time.
  const used = (count + 1) >> 1;
  const elements = (used + 1) & ~1;
  const few = count <= FEW;
  memory.fill(doubtful, 0, elements << 1);
  memory.fill(infinite, 0, elements << 1);
  for (let item = count; item < elements << 1; item++) replacePoint(item);
  cutScalars(count);
  for (let o: usize = 0; o < elements * FE_BYTES; o += FE_BYTES) {
    feCopy(accX + o, BLIND_X);
    feCopy(accY + o, BLIND_Y);
    feCopy(accZ + o, FE_ONE);
  }
  if (few) {
    buildTablesJacobian(used);
    climbJacobian(used);
    jacobianUnblind(used);
    accumulatorsToAffine(used);
  } else {
    buildTables(elements);
    climbAffine(elements);
    unblind(count, elements);
  }
  for (let item: usize = 0; item < count; item++) {
    if (load<u8>(active + item) && load<u8>(doubtful + item)) decide(item);
  }
}
