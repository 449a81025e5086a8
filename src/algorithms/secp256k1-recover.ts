/**
 * `secp256k1-recover`: ECDSA public-key recovery (SEC 1 v2 §4.1.6) and the Ethereum address of the key.
 *
 * Rules, in the order that decides the verdict: recovery id, r = 0, r ≥ n, s = 0, s ≥ n, low-s where asked (EIP-2), r + n ≥ p
 * for recovery ids 2 and 3, x³ + 7 not a square, Q at infinity. z is any 256-bit integer and is reduced mod n; z = 0 is valid.
 *
 * @module
 */
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { hexToBytes } from "@noble/hashes/utils.js";
import type { Algorithm, Example, Layout } from "../core/index.ts";
import { layout, Verdict } from "../core/index.ts";
import { SECP256K1 } from "../params/secp256k1.ts";

/** Set in `flags`: a signature with s > n/2 is `SHigh` (EIP-2; Homestead and later). */
export const REQUIRE_LOW_S = 1;

/**
 * What a record says of its signature. `r`, `s`: 32-byte big-endian integers. `recoveryId`: bit 0 is y's parity, bit 1 adds n to
 * r. `flags`: {@link REQUIRE_LOW_S}; other bits are ignored.
 */
export const signatureFields = {
  r: ["be", 32],
  s: ["be", 32],
  recoveryId: ["u32", 4],
  flags: ["u32", 4],
} as const;

/** `z`: a 32-byte big-endian integer; then the signature. */
const record = layout({ z: ["be", 32], ...signatureFields });
/** `publicKey`: x ‖ y, big-endian. `address`: the last 20 bytes of keccak256(publicKey). */
export const recoverResult = layout({ publicKey: ["bytes", 64], address: ["bytes", 20] });

const { Point } = secp256k1;
const { n, p, b } = SECP256K1;

/** The 32-byte integer at `offset`. */
export function readBigEndian(bytes: Uint8Array, offset: number): bigint {
  let value = 0n;
  for (let i = 0; i < 32; i++) value = (value << 8n) | BigInt(bytes[offset + i]);
  return value;
}

const mod = (value: bigint, modulus: bigint): bigint => {
  const rest = value % modulus;
  return rest < 0n ? rest + modulus : rest;
};

const Z = "bdf8d2a89c9d1b9633f3152f8561c45292e711d3e4c86113aa0af4dd43232f35";
const R = "a836776b04bed00004b86f6ba8761971e152a77c0d2c12c40ea1dd13eabf1e05";
const S = "67cd4a49af63bcf13c3177c42af2e311d79fb9a43f52af8a026ce1b1ed71d0e0";
const ZERO = "00".repeat(32);
const FIVE = `${"00".repeat(31)}05`;
const ORDER = n.toString(16);
const HIGH_S = (n - BigInt(`0x${S}`)).toString(16);

/** Signatures that recover, then one record for each way in which most go wrong. 5 is no point's x coordinate. */
const examples: readonly Example[] = (
  [
    [Z, R, S, 0, REQUIRE_LOW_S],
    [Z, R, S, 1, 0],
    [Z, R, HIGH_S, 1, 0],
    [ZERO, R, S, 0, 0],
    [Z, R, HIGH_S, 1, REQUIRE_LOW_S],
    [Z, ZERO, S, 0, 0],
    [Z, R, ORDER, 0, 0],
    [Z, FIVE, S, 0, 0],
    [Z, R, S, 2, 0],
    [Z, R, S, 4, 0],
  ] as const
).map(([z, r, s, recoveryId, flags]) => {
  const bytes = new Uint8Array(record.byteLength);
  bytes.set(hexToBytes(z + r + s));
  const view = new DataView(bytes.buffer);
  view.setUint32(record.fields.recoveryId.offset, recoveryId, true);
  view.setUint32(record.fields.flags.offset, flags, true);
  return { record: bytes, arena: new Uint8Array(0) };
});

/**
 * The rules of this row: from z and the signature in `bytes` to `out`, which has the layout {@link recoverResult}.
 *
 * @param z any 256-bit integer.
 * @param fields where the record `bytes` holds the signature.
 */
export function recoverReference(
  z: bigint,
  bytes: Uint8Array,
  fields: Layout<keyof typeof signatureFields>["fields"],
  out: Uint8Array,
): Verdict {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const recoveryId = view.getUint32(fields.recoveryId.offset, true);
  const flags = view.getUint32(fields.flags.offset, true);
  const r = readBigEndian(bytes, fields.r.offset);
  const s = readBigEndian(bytes, fields.s.offset);
  if (recoveryId > 3) return Verdict.RecoveryIdInvalid;
  if (r === 0n) return Verdict.RZero;
  if (r >= n) return Verdict.ROutOfRange;
  if (s === 0n) return Verdict.SZero;
  if (s >= n) return Verdict.SOutOfRange;
  if (flags & REQUIRE_LOW_S && s > n >> 1n) return Verdict.SHigh;
  const x = recoveryId & 2 ? r + n : r;
  if (x >= p) return Verdict.XOutOfRange;
  const { Fp, Fn } = Point;
  const ySquared = Fp.add(Fp.mul(Fp.sqr(x), x), b);
  let y: bigint;
  try {
    y = Fp.sqrt(ySquared);
  } catch {
    return Verdict.XNotOnCurve;
  }
  if ((y & 1n) !== BigInt(recoveryId & 1)) y = Fp.neg(y);
  const rInverse = Fn.inv(r);
  const u1 = mod(-z * rInverse, n);
  const u2 = mod(s * rInverse, n);
  const q = Point.BASE.multiplyUnsafe(u1).add(Point.fromAffine({ x, y }).multiplyUnsafe(u2));
  if (q.is0()) return Verdict.PublicKeyInfinity;
  const publicKey = q.toBytes(false).subarray(1);
  out.set(publicKey, recoverResult.fields.publicKey.offset);
  out.set(keccak_256(publicKey).subarray(12), recoverResult.fields.address.offset);
  return Verdict.Valid;
}

/** Public key and address behind each signature, or the reason there is none. */
export const secp256k1Recover: Algorithm & {
  record: typeof record;
  result: typeof recoverResult;
} = {
  id: "secp256k1-recover",
  summary: "ECDSA public key and Ethereum address behind each secp256k1 signature",
  record,
  result: recoverResult,
  usesArena: false,
  examples,
  reference(bytes, _arena, out) {
    return recoverReference(
      readBigEndian(bytes, record.fields.z.offset),
      bytes,
      record.fields,
      out,
    );
  },
};
