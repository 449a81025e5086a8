/**
 * `secp256k1-verify`: ECDSA verification with a known public key (SEC 1 v2 §4.1.4).
 *
 * Rules, in the order that decides the verdict: r = 0, r ≥ n, s = 0, s ≥ n, low-s where asked, the key on the curve with
 * coordinates below p, the equation. z is any 256-bit integer and is reduced mod n.
 *
 * @module
 */
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { hexToBytes } from "@noble/hashes/utils.js";
import type { Algorithm, Example } from "../core/index.ts";
import { layout, Verdict } from "../core/index.ts";
import { SECP256K1 } from "../params/secp256k1.ts";
import { REQUIRE_LOW_S } from "./secp256k1-recover.ts";

/**
 * `z`, `r`, `s`: 32-byte big-endian integers. `publicKey`: x ‖ y, big-endian. `flags`: {@link REQUIRE_LOW_S}; other bits are
 * ignored.
 */
const record = layout({
  z: ["be", 32],
  r: ["be", 32],
  s: ["be", 32],
  publicKey: ["bytes", 64],
  flags: ["u32", 4],
});
/** The verdict is all there is. */
const result = layout({});

const { Point } = secp256k1;
const { Fn } = Point;
const { n, p } = SECP256K1;

function readBigEndian(bytes: Uint8Array, offset: number): bigint {
  let value = 0n;
  for (let i = 0; i < 32; i++) value = (value << 8n) | BigInt(bytes[offset + i]);
  return value;
}

const Z = "000000000000000000000000000000004c616e65776973652076657269667921";
const R = "0fd109be4a9e07d64737926c7e2d8d7afa63ec5991d126b8abe7919d3c62a7be";
const S = "77a8e23b1b0acb05d2f466a4e06408ee1c0d18a3751cfbcfad5c79ed8e6f1dc0";
const HIGH_S = (n - BigInt(`0x${S}`)).toString(16);
const ZERO = "00".repeat(32);
const X = "9377c312145a5afb911bf9e8c067bcf6094c533603687850df502b61290bbf5e";
const Y = "742ba607d6ae1fc82dcccb176e7c8f9bdc7bb61e3ab527cecaf6144b679779fb";

/** Signatures of the key, then one record for each way in which most go wrong. */
const examples: readonly Example[] = (
  [
    [Z, R, S, X, Y, REQUIRE_LOW_S],
    [Z, R, HIGH_S, X, Y, 0],
    [Z, R, HIGH_S, X, Y, REQUIRE_LOW_S],
    [ZERO, R, S, X, Y, 0],
    [Z, ZERO, S, X, Y, 0],
    [Z, R, ZERO, X, Y, 0],
    [Z, R, n.toString(16), X, Y, 0],
    [Z, R, S, Y, X, 0],
    [Z, R, S, X, p.toString(16), 0],
  ] as const
).map(([z, r, s, x, y, flags]) => {
  const bytes = new Uint8Array(record.byteLength);
  bytes.set(hexToBytes(z + r + s + x + y));
  new DataView(bytes.buffer).setUint32(record.fields.flags.offset, flags, true);
  return { record: bytes, arena: new Uint8Array(0) };
});

/** Whether each signature is the key's. */
export const secp256k1Verify: Algorithm & { record: typeof record; result: typeof result } = {
  id: "secp256k1-verify",
  summary: "ECDSA signatures over secp256k1 checked against known public keys",
  record,
  result,
  usesArena: false,
  examples,
  reference(bytes) {
    const { fields } = record;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const flags = view.getUint32(fields.flags.offset, true);
    const z = readBigEndian(bytes, fields.z.offset);
    const r = readBigEndian(bytes, fields.r.offset);
    const s = readBigEndian(bytes, fields.s.offset);
    const x = readBigEndian(bytes, fields.publicKey.offset);
    const y = readBigEndian(bytes, fields.publicKey.offset + 32);
    if (r === 0n) return Verdict.RZero;
    if (r >= n) return Verdict.ROutOfRange;
    if (s === 0n) return Verdict.SZero;
    if (s >= n) return Verdict.SOutOfRange;
    if (flags & REQUIRE_LOW_S && s > n >> 1n) return Verdict.SHigh;
    if (x >= p || y >= p || (y * y - x * x * x - SECP256K1.b) % p !== 0n) {
      return Verdict.PublicKeyInvalid;
    }
    const inverse = Fn.inv(s);
    const u1 = Fn.mul(Fn.create(z), inverse);
    const u2 = Fn.mul(r, inverse);
    const sum = Point.BASE.multiplyUnsafe(u1).add(Point.fromAffine({ x, y }).multiplyUnsafe(u2));
    if (sum.is0() || sum.toAffine().x % n !== r) return Verdict.SignatureMismatch;
    return Verdict.Valid;
  },
};
