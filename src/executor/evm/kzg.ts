/**
 * Verification of a KZG proof (EIP-4844, verify_kzg_proof of the consensus specification's polynomial-commitments.md).
 *
 * One equation over BLS12-381 that needs no more of the trusted setup than [τ]G2: e(C - [y]G1, G2) = e(proof, [τ]G2 - [z]G2).
 *
 * @module
 */
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { bytesToBigint } from "./bytes.ts";

const { Fp12, Fr } = bls12_381.fields;
const G1 = bls12_381.G1.Point;
const G2 = bls12_381.G2.Point;

/** [τ]G2 of the KZG ceremony: the second of the setup's `g2_monomial` points, compressed. */
const TAU_G2 = G2.fromHex(
  "b5bfd7dd8cdeb128843bc287230af38926187075cbfbefa81009a2ce615ac53d2914e5870cb452d2afaaab24f3499f72" +
    "185cbfee53492714734429b7b38608e23926c911cceceac9a36851477ba4c60b087041de621000edc98edada20c1def2",
);

function readScalar(bytes: Uint8Array): bigint {
  const value = bytesToBigint(bytes);
  if (value >= Fr.ORDER) throw new RangeError("scalar: not below the modulus");
  return value;
}

/** A compressed point of the subgroup, infinity included. */
function readPoint(bytes: Uint8Array): InstanceType<typeof G1> {
  const point = G1.fromBytes(bytes);
  if (!point.is0()) point.assertValidity();
  return point;
}

/**
 * Whether the polynomial behind `commitment` takes the value `y` at `z`; 48-byte points, 32-byte scalars.
 *
 * @throws on points that are not in the subgroup and scalars that are not below its order.
 */
export function verifyKzgProof(
  commitment: Uint8Array,
  z: Uint8Array,
  y: Uint8Array,
  proof: Uint8Array,
): boolean {
  const value = G1.BASE.multiplyUnsafe(readScalar(y));
  const difference = readPoint(commitment).subtract(value);
  const divisor = TAU_G2.subtract(G2.BASE.multiplyUnsafe(readScalar(z)));
  const quotient = readPoint(proof);
  const pairs: { g1: InstanceType<typeof G1>; g2: InstanceType<typeof G2> }[] = [];
  if (!difference.is0()) pairs.push({ g1: difference, g2: G2.BASE.negate() });
  if (!quotient.is0() && !divisor.is0()) pairs.push({ g1: quotient, g2: divisor });
  return pairs.length === 0 || Fp12.eql(bls12_381.pairingBatch(pairs), Fp12.ONE);
}
