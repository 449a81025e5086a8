/**
 * bn254 (alt_bn128) precompiled contracts: addition, multiplication (EIP-196) and pairing check (EIP-197).
 *
 * @module
 */
import { bn254 } from "@noble/curves/bn254.js";
import { bytesToBigint, writeBigint } from "./bytes.ts";

const { Fp, Fp2, Fp12, Fr } = bn254.fields;
const G1 = bn254.G1.Point;
const G2 = bn254.G2.Point;
type G1Point = InstanceType<typeof G1>;
type G2Point = InstanceType<typeof G2>;

function readFp(bytes: Uint8Array, at: number): bigint {
  const value = bytesToBigint(bytes.subarray(at, at + 32));
  if (value >= Fp.ORDER) throw new RangeError("field element: not below the modulus");
  return value;
}

function readG1(bytes: Uint8Array, at: number): G1Point {
  const x = readFp(bytes, at);
  const y = readFp(bytes, at + 32);
  if (x === 0n && y === 0n) return G1.ZERO;
  if (Fp.sqr(y) !== Fp.add(Fp.mul(Fp.sqr(x), x), 3n)) throw new RangeError("G1: not on the curve");
  return G1.fromAffine({ x, y });
}

/** A G2 point; EIP-197 writes the imaginary coefficient first, and asks for the subgroup of order r. */
function readG2(bytes: Uint8Array, at: number): G2Point {
  const x = { c0: readFp(bytes, at + 32), c1: readFp(bytes, at) };
  const y = { c0: readFp(bytes, at + 96), c1: readFp(bytes, at + 64) };
  if (Fp2.is0(x) && Fp2.is0(y)) return G2.ZERO;
  const point = G2.fromAffine({ x, y });
  point.assertValidity();
  return point;
}

function writeG1(point: G1Point): Uint8Array {
  const out = new Uint8Array(64);
  if (point.is0()) return out;
  const { x, y } = point.toAffine();
  writeBigint(out, 0, 32, x);
  writeBigint(out, 32, 32, y);
  return out;
}

/** The first `bytes` of the input, zeros past its end. */
function padded(input: Uint8Array, bytes: number): Uint8Array {
  const out = new Uint8Array(bytes);
  out.set(input.subarray(0, bytes));
  return out;
}

/** 0x06. @throws on invalid points. */
export function bn254Add(input: Uint8Array): Uint8Array {
  const bytes = padded(input, 128);
  return writeG1(readG1(bytes, 0).add(readG1(bytes, 64)));
}

/** 0x07. @throws on an invalid point. */
export function bn254Multiply(input: Uint8Array): Uint8Array {
  const bytes = padded(input, 96);
  const scalar = bytesToBigint(bytes.subarray(64)) % Fr.ORDER;
  return writeG1(readG1(bytes, 0).multiplyUnsafe(scalar));
}

/** 0x08. @throws on invalid points or input that is not whole pairs. */
export function bn254Pairing(input: Uint8Array): Uint8Array {
  if (input.length % 192 !== 0) throw new RangeError("input: not pairs of 192 bytes");
  const pairs: { g1: G1Point; g2: G2Point }[] = [];
  for (let at = 0; at < input.length; at += 192) {
    const g1 = readG1(input, at);
    const g2 = readG2(input, at + 64);
    if (!g1.is0() && !g2.is0()) pairs.push({ g1, g2 });
  }
  const out = new Uint8Array(32);
  if (pairs.length === 0 || Fp12.eql(bn254.pairingBatch(pairs), Fp12.ONE)) out[31] = 1;
  return out;
}
