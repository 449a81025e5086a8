/**
 * BLS12-381 precompiled contracts 0x0b … 0x11 (EIP-2537). Points and field elements come and go in 64-byte big-endian coordinates.
 *
 * @module
 */
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { bytesToBigint, writeBigint } from "./bytes.ts";

const { Fp, Fp2 } = bls12_381.fields;
const G1 = bls12_381.G1.Point;
const G2 = bls12_381.G2.Point;
type G1Point = InstanceType<typeof G1>;
type G2Point = InstanceType<typeof G2>;
type Fp2Element = ReturnType<typeof Fp2.fromBytes>;

/** Gas of a multi-scalar multiplication a point, in thousandths of a single one, by number of points. */
// biome-ignore format: a table
const DISCOUNTS_G1 = [
  1000, 949, 848, 797, 764, 750, 738, 728, 719, 712, 705, 698, 692, 687, 682, 677, 673, 669, 665,
  661, 658, 654, 651, 648, 645, 642, 640, 637, 635, 632, 630, 627, 625, 623, 621, 619, 617, 615,
  613, 611, 609, 608, 606, 604, 603, 601, 599, 598, 596, 595, 593, 592, 591, 589, 588, 586, 585,
  584, 582, 581, 580, 579, 577, 576, 575, 574, 573, 572, 570, 569, 568, 567, 566, 565, 564, 563,
  562, 561, 560, 559, 558, 557, 556, 555, 554, 553, 552, 551, 550, 549, 548, 547, 547, 546, 545,
  544, 543, 542, 541, 540, 540, 539, 538, 537, 536, 536, 535, 534, 533, 532, 532, 531, 530, 529,
  528, 528, 527, 526, 525, 525, 524, 523, 522, 522, 521, 520, 520, 519,
];
// biome-ignore format: a table
const DISCOUNTS_G2 = [
  1000, 1000, 923, 884, 855, 832, 812, 796, 782, 770, 759, 749, 740, 732, 724, 717, 711, 704, 699,
  693, 688, 683, 679, 674, 670, 666, 663, 659, 655, 652, 649, 646, 643, 640, 637, 634, 632, 629,
  627, 624, 622, 620, 618, 615, 613, 611, 609, 607, 606, 604, 602, 600, 598, 597, 595, 593, 592,
  590, 589, 587, 586, 584, 583, 582, 580, 579, 578, 576, 575, 574, 573, 571, 570, 569, 568, 567,
  566, 565, 563, 562, 561, 560, 559, 558, 557, 556, 555, 554, 553, 552, 552, 551, 550, 549, 548,
  547, 546, 545, 545, 544, 543, 542, 541, 541, 540, 539, 538, 537, 537, 536, 535, 535, 534, 533,
  532, 532, 531, 530, 530, 529, 528, 528, 527, 526, 526, 525, 524, 524,
];

function msmGas(pairs: number, single: number, discounts: readonly number[]): number {
  if (pairs === 0) return 0;
  return Math.floor((pairs * single * discounts[Math.min(pairs, discounts.length) - 1]) / 1000);
}

const msmGasG1 = (bytes: number): number => msmGas(Math.floor(bytes / 160), 12000, DISCOUNTS_G1);
const msmGasG2 = (bytes: number): number => msmGas(Math.floor(bytes / 288), 22500, DISCOUNTS_G2);

function fail(reason: string): never {
  throw new RangeError(reason);
}

function readFp(bytes: Uint8Array, at: number): bigint {
  const value = bytesToBigint(bytes.subarray(at, at + 64));
  return value < Fp.ORDER ? value : fail("field element: not below the modulus");
}

const readFp2 = (bytes: Uint8Array, at: number): Fp2Element => ({
  c0: readFp(bytes, at),
  c1: readFp(bytes, at + 64),
});

function readG1(bytes: Uint8Array, at: number, inSubgroup: boolean): G1Point {
  const x = readFp(bytes, at);
  const y = readFp(bytes, at + 64);
  if (x === 0n && y === 0n) return G1.ZERO;
  if (Fp.sqr(y) !== Fp.add(Fp.mul(Fp.sqr(x), x), 4n)) fail("G1: not on the curve");
  const point = G1.fromAffine({ x, y });
  return !inSubgroup || point.isTorsionFree() ? point : fail("G1: not in the subgroup");
}

function readG2(bytes: Uint8Array, at: number, inSubgroup: boolean): G2Point {
  const x = readFp2(bytes, at);
  const y = readFp2(bytes, at + 128);
  if (Fp2.is0(x) && Fp2.is0(y)) return G2.ZERO;
  const right = Fp2.add(Fp2.mul(Fp2.sqr(x), x), { c0: 4n, c1: 4n } as Fp2Element);
  if (!Fp2.eql(Fp2.sqr(y), right)) fail("G2: not on the curve");
  const point = G2.fromAffine({ x, y });
  return !inSubgroup || point.isTorsionFree() ? point : fail("G2: not in the subgroup");
}

function writeG1(point: G1Point): Uint8Array {
  const out = new Uint8Array(128);
  if (point.is0()) return out;
  const { x, y } = point.toAffine();
  writeBigint(out, 0, 64, x);
  writeBigint(out, 64, 64, y);
  return out;
}

function writeG2(point: G2Point): Uint8Array {
  const out = new Uint8Array(256);
  if (point.is0()) return out;
  const { x, y } = point.toAffine();
  for (const [i, value] of [x.c0, x.c1, y.c0, y.c1].entries()) writeBigint(out, i * 64, 64, value);
  return out;
}

// The library takes the one coefficient of a prime field as it is, which its types do not say.
const mapToG1 = bls12_381.G1.mapToCurve as unknown as (element: bigint) => G1Point;
const mapToG2 = bls12_381.G2.mapToCurve as unknown as (element: bigint[]) => G2Point;

function exactly(input: Uint8Array, bytes: number): void {
  if (input.length !== bytes) fail(`input: expected ${bytes} bytes, got ${input.length}`);
}

/** How many records of `bytes` the input holds; at least one. */
function records(input: Uint8Array, bytes: number): number {
  if (input.length === 0 || input.length % bytes !== 0)
    fail(`input: not records of ${bytes} bytes`);
  return input.length / bytes;
}

function g1Add(input: Uint8Array): Uint8Array {
  exactly(input, 256);
  return writeG1(readG1(input, 0, false).add(readG1(input, 128, false)));
}

function g2Add(input: Uint8Array): Uint8Array {
  exactly(input, 512);
  return writeG2(readG2(input, 0, false).add(readG2(input, 256, false)));
}

/** A scalar of any size below 2^256, reduced. */
const readScalar = (input: Uint8Array, at: number): bigint =>
  bytesToBigint(input.subarray(at, at + 32)) % bls12_381.fields.Fr.ORDER;

function g1Msm(input: Uint8Array): Uint8Array {
  let sum = G1.ZERO;
  for (let i = records(input, 160) - 1; i >= 0; i--) {
    const point = readG1(input, i * 160, true);
    sum = sum.add(point.multiplyUnsafe(readScalar(input, i * 160 + 128)));
  }
  return writeG1(sum);
}

function g2Msm(input: Uint8Array): Uint8Array {
  let sum = G2.ZERO;
  for (let i = records(input, 288) - 1; i >= 0; i--) {
    const point = readG2(input, i * 288, true);
    sum = sum.add(point.multiplyUnsafe(readScalar(input, i * 288 + 256)));
  }
  return writeG2(sum);
}

function pairing(input: Uint8Array): Uint8Array {
  const pairs: { g1: G1Point; g2: G2Point }[] = [];
  for (let i = 0; i < records(input, 384); i++) {
    const g1 = readG1(input, i * 384, true);
    const g2 = readG2(input, i * 384 + 128, true);
    if (!g1.is0() && !g2.is0()) pairs.push({ g1, g2 });
  }
  const { Fp12 } = bls12_381.fields;
  const out = new Uint8Array(32);
  if (pairs.length === 0 || Fp12.eql(bls12_381.pairingBatch(pairs), Fp12.ONE)) out[31] = 1;
  return out;
}

function mapFpToG1(input: Uint8Array): Uint8Array {
  exactly(input, 64);
  return writeG1(mapToG1(readFp(input, 0)));
}

function mapFp2ToG2(input: Uint8Array): Uint8Array {
  exactly(input, 128);
  const { c0, c1 } = readFp2(input, 0);
  return writeG2(mapToG2([c0, c1]));
}

/** Gas by input length, and the function, by address. The functions throw on invalid input. */
export const bls12381Contracts: ReadonlyMap<
  number,
  { gas(bytes: number): number; run(input: Uint8Array): Uint8Array }
> = new Map([
  [0x0b, { gas: () => 375, run: g1Add }],
  [0x0c, { gas: msmGasG1, run: g1Msm }],
  [0x0d, { gas: () => 600, run: g2Add }],
  [0x0e, { gas: msmGasG2, run: g2Msm }],
  [0x0f, { gas: (bytes) => 37700 + 32600 * Math.floor(bytes / 384), run: pairing }],
  [0x10, { gas: () => 5500, run: mapFpToG1 }],
  [0x11, { gas: () => 23800, run: mapFp2ToG2 }],
]);
