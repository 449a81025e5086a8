// Jacobian point arithmetic, (x, y, z) for (x/z², y/z³): no inversion on the way, so the cheapest for a handful of items,
// and the complete ladder for the items that the fast paths cannot decide.
import {
  FE_BYTES,
  FE_ONE,
  feCarry,
  feCopy,
  feCopyLane,
  feDouble,
  feGather,
  feGatherPacked,
  feGatherSigned,
  feIsZero,
  feItem,
  feLane,
  feMul,
  feMul2,
  feMulSqr2,
  feMulSub,
  feScatter,
  feSqr,
  feSqr2,
  feSqrSub,
  feSub,
  feTriple,
} from "./field";
import { BLIND_X, BLIND_Y, doubt, invertDense, UNBLIND_X, UNBLIND_Y } from "./affine";
import { digitItem, digitSign, digitX, digitY, dummyDigit } from "./digits";
import { accX, accY, accZ, CAPACITY, infinite } from "./state";

const T0: usize = memory.data(80, 16);
const T1: usize = memory.data(80, 16);
const T2: usize = memory.data(80, 16);
const T3: usize = memory.data(80, 16);
const T4: usize = memory.data(80, 16);
const T5: usize = memory.data(80, 16);
const H: usize = memory.data(80, 16);
const R: usize = memory.data(80, 16);

/** (x, y, z) ← 2·(x, y, z): 3M + 4S. */
export function jacobianDouble(x: usize, y: usize, z: usize): void {
  feDouble(T0, y); // 2y
  feSqr2(T1, y, T2, x); // y², x²
  feDouble(T1, T1); // 2y²
  feMul2(z, T0, z, T3, x, T1); // z' = 2yz, 2xy²
  feTriple(T2, T2); // 3x²
  feDouble(T3, T3); // d = 4xy²
  feSqrSub(x, T2, T3, T3); // x' = (3x²)² − 2d
  feSqr(T1, T1);
  feDouble(T1, T1); // 8y⁴
  feSub(T3, T3, x);
  feMulSub(y, T2, T3, T1); // y' = 3x²(d − x') − 8y⁴
}

/**
 * (x, y, z) ← (x, y, z) + (x2, y2), the second affine: 8M + 3S. Leaves h = x2·z² − x in H and r = y2·z³ − y in R; where h is
 * zero the result is wrong and z becomes zero for good.
 */
export function jacobianAdd(x: usize, y: usize, z: usize, x2: usize, y2: usize): void {
  feMulSqr2(T1, y2, z, T0, z);
  feMul2(T2, x2, T0, T3, T1, T0);
  feSub(H, T2, x);
  feSub(R, T3, y);
  feMulSqr2(z, z, H, T0, H); // z' = zh, h²
  feMul2(T1, H, T0, T2, x, T0); // h³, v = xh²
  feDouble(T4, T2);
  feMul(T5, y, T1); // yh³
  feSqrSub(x, R, T1, T4); // x' = r² − h³ − 2v
  feSub(T2, T2, x);
  feMulSub(y, R, T2, T5); // y' = r(v − x') − yh³
}

/** Doubles every accumulator of `count` elements. */
export function jacobianDoubleAll(count: usize): void {
  for (let o: usize = 0; o < count * FE_BYTES; o += FE_BYTES) {
    jacobianDouble(accX + o, accY + o, accZ + o);
  }
}

const X: usize = memory.data(80, 16);
const Y: usize = memory.data(80, 16);
const Z: usize = memory.data(80, 16);
const ADD_X: usize = memory.data(80, 16);
const ADD_Y: usize = memory.data(80, 16);

/** Adds to accumulators what the `length` digits at `list` say; the list has room for one more. */
export function jacobianAddList(list: usize, length: usize): void {
  if (length & 1) {
    store<u64>(list + (length << 3), dummyDigit(CAPACITY + 1, 1));
    const lane = feItem(accX, CAPACITY + 1) - accX;
    feCopyLane(accX + lane, feLane(BLIND_X, 1));
    feCopyLane(accY + lane, feLane(BLIND_Y, 1));
    feCopyLane(accZ + lane, feLane(FE_ONE, 1));
    length++;
  }
  for (let i: usize = 0; i < length; i += 2) {
    const c0 = load<u64>(list + (i << 3)), c1 = load<u64>(list + (i << 3), 8);
    const a0 = feItem(0, digitItem(c0)), a1 = feItem(0, digitItem(c1));
    feGather(X, accX + a0, accX + a1);
    feGather(Y, accY + a0, accY + a1);
    feGather(Z, accZ + a0, accZ + a1);
    feGatherPacked(ADD_X, digitX(c0), digitX(c1));
    feGatherSigned(ADD_Y, digitY(c0), digitY(c1), digitSign(c0), digitSign(c1));
    feCarry(ADD_Y, ADD_Y);
    jacobianAdd(X, Y, Z, ADD_X, ADD_Y);
    feScatter(X, accX + a0, accX + a1);
    feScatter(Y, accY + a0, accY + a1);
    feScatter(Z, accZ + a0, accZ + a1);
  }
}

/**
 * Takes the blinding point off `count` elements of accumulators. Where the sum is infinity `infinite` says so, and the accumulator
 * is at the start again; where only the complete ladder can tell, z is zero.
 */
export function jacobianUnblind(count: usize): void {
  for (let i: usize = 0; i < count; i++) {
    const o = i * FE_BYTES;
    feCopy(Z, accZ + o);
    jacobianAdd(accX + o, accY + o, accZ + o, UNBLIND_X, UNBLIND_Y);
    for (let lane: usize = 0; lane < 2; lane++) {
      // The same x, opposite y, and a point that was one.
      const opposite = feIsZero(feLane(H, lane)) && !feIsZero(feLane(R, lane));
      if (!opposite || feIsZero(feLane(Z, lane))) continue;
      const item = (i << 1) + lane;
      store<u8>(infinite + item, 1);
      feCopyLane(feItem(accX, item), feLane(BLIND_X, lane));
      feCopyLane(feItem(accY, item), feLane(BLIND_Y, lane));
      feCopyLane(feItem(accZ, item), feLane(FE_ONE, lane));
    }
  }
}

/** Accumulators of `count` elements from Jacobian to affine; an item whose z is zero is doubted. */
export function accumulatorsToAffine(count: usize): void {
  for (let item: usize = 0; item < count << 1; item++) {
    const lane = feItem(accZ, item);
    if (!feIsZero(lane)) continue;
    doubt(item);
    feCopyLane(lane, feLane(FE_ONE, item));
  }
  toAffine(accX, accY, accZ, count);
}

/** (x, y) ← (x/z², y/z³) for `count` elements, no z zero; z is spent. Where the count is odd, z has room for one more. */
export function toAffine(x: usize, y: usize, z: usize, count: usize): void {
  invertDense(z, z, count);
  for (let o: usize = 0; o < count * FE_BYTES; o += FE_BYTES) {
    feSqr(T0, z + o);
    feMul2(x + o, x + o, T0, T1, T0, z + o);
    feMul(y + o, y + o, T1);
  }
}

const SUM_X: usize = memory.data(80, 16);
const SUM_Y: usize = memory.data(80, 16);
const SUM_Z: usize = memory.data(160, 16);

/** Whether the complete ladder's sum is infinity so far. */
let sumIsInfinity: bool = true;

/** SUM ← infinity. */
export function sumReset(): void {
  sumIsInfinity = true;
}

/** SUM ← 2·SUM. No point has order two, so a double is infinity only if the sum was. */
export function sumDouble(): void {
  if (!sumIsInfinity) jacobianDouble(SUM_X, SUM_Y, SUM_Z);
}

/** (ox, oy) = SUM, affine; false where it is infinity. */
export function sumToAffine(ox: usize, oy: usize): bool {
  if (sumIsInfinity) return false;
  toAffine(SUM_X, SUM_Y, SUM_Z, 1);
  feCopy(ox, SUM_X);
  feCopy(oy, SUM_Y);
  return true;
}

/** SUM ← SUM + (x, y), any two points. Works on elements: both lanes hold the same value. */
export function sumAdd(x: usize, y: usize): void {
  if (sumIsInfinity) {
    sumIsInfinity = false;
    feCopy(SUM_X, x);
    feCopy(SUM_Y, y);
    feCopy(SUM_Z, FE_ONE);
    return;
  }
  feCopy(X, SUM_X);
  feCopy(Y, SUM_Y);
  feCopy(Z, SUM_Z);
  jacobianAdd(SUM_X, SUM_Y, SUM_Z, x, y);
  if (!feIsZero(H)) return;
  if (feIsZero(R)) {
    feCopy(SUM_X, X);
    feCopy(SUM_Y, Y);
    feCopy(SUM_Z, Z);
    jacobianDouble(SUM_X, SUM_Y, SUM_Z);
  } else {
    sumIsInfinity = true;
  }
}

/**
 * (ox, oy) = a·G + b·(x, y), bit by bit with every exception handled; false where the sum is infinity. Works on elements:
 * both lanes of each hold the same value. a and b are words below 2^256.
 */
export function completeLadder(
  ox: usize,
  oy: usize,
  a: usize,
  gx: usize,
  gy: usize,
  b: usize,
  x: usize,
  y: usize,
): bool {
  sumReset();
  for (let bit: i32 = 255; bit >= 0; bit--) {
    sumDouble();
    const word: usize = (<usize>bit >> 6) << 3;
    const shift = <u64>bit & 63;
    if ((load<u64>(a + word) >> shift) & 1) sumAdd(gx, gy);
    if ((load<u64>(b + word) >> shift) & 1) sumAdd(x, y);
  }
  return sumToAffine(ox, oy);
}
