/**
 * Signatures and cases of `secp256k1-recover`: seeded keys, a pool of nonces whose points are computed once, and records
 * crafted to reach every verdict and every boundary of the curve arithmetic.
 *
 * @module
 */
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { REQUIRE_LOW_S, secp256k1Recover } from "../algorithms/secp256k1-recover.ts";
import { SECP256K1 } from "../params/secp256k1.ts";
import type { Case, CaseGenerator } from "./cases.ts";
import { createRandom, type Random } from "./random.ts";

const { n, p, lambda } = SECP256K1;
const { Point } = secp256k1;
const { Fn, Fp } = Point;
const fields = secp256k1Recover.record.fields;

/** A signature with what recovery needs: all that a record holds but the flags. */
export interface Signature {
  readonly z: bigint;
  readonly r: bigint;
  readonly s: bigint;
  readonly recoveryId: number;
}

/** A nonce and its point, ready to sign with. */
interface Nonce {
  readonly inverse: bigint;
  readonly r: bigint;
  readonly recoveryId: number;
}

/** Signs quickly and repeatably. */
export interface Signer {
  /** Private keys, 1 … n - 1. */
  readonly keys: readonly bigint[];
  /** Public keys, x ‖ y. */
  readonly publicKeys: readonly Uint8Array[];
  /**
   * Signs the digest z with key number `key`; s ≤ n/2. Nonces come from the pool, by number or in turn, and are used again and
   * again: never use this for real keys.
   */
  sign(z: bigint, key: number, nonce?: number): Signature;
}

/** Writes a non-negative integer below 2²⁵⁶ as 32 big-endian bytes. */
export function writeBigEndian(value: bigint, out: Uint8Array, offset: number): void {
  for (let i = 31, rest = value; i >= 0; i--, rest >>= 8n) out[offset + i] = Number(rest & 0xffn);
}

/** The record of a signature. */
export function recoverRecord(signature: Signature, flags = REQUIRE_LOW_S): Uint8Array {
  const record = new Uint8Array(secp256k1Recover.record.byteLength);
  writeBigEndian(signature.z, record, fields.z.offset);
  writeBigEndian(signature.r, record, fields.r.offset);
  writeBigEndian(signature.s, record, fields.s.offset);
  const view = new DataView(record.buffer);
  view.setUint32(fields.recoveryId.offset, signature.recoveryId, true);
  view.setUint32(fields.flags.offset, flags, true);
  return record;
}

/** The nonce k: r = x(kG) mod n, and the recovery id before s is made low. */
function nonceOf(k: bigint): Nonce {
  const { x, y } = Point.BASE.multiply(k).toAffine();
  return { inverse: Fn.inv(k), r: Fn.create(x), recoveryId: Number(y & 1n) | (x >= n ? 2 : 0) };
}

/** Signs with a given nonce, then takes the lower of s and n - s. */
function signWith(nonce: Nonce, z: bigint, key: bigint): Signature {
  const s = Fn.mul(nonce.inverse, Fn.create(z + nonce.r * key));
  const high = s > n >> 1n;
  return {
    z,
    r: nonce.r,
    s: high ? n - s : s,
    recoveryId: nonce.recoveryId ^ Number(high),
  };
}

/** Creates a signer of `keyCount` keys over `nonceCount` nonces (a few ms for each sixteen of either). */
export function createSigner(seed: number, keyCount: number, nonceCount: number): Signer {
  const random = createRandom(seed);
  const scalar = (): bigint => 1n + random.bigint(n - 1n);
  const keys = Array.from({ length: keyCount }, scalar);
  const nonces = Array.from({ length: nonceCount }, () => nonceOf(scalar()));
  let turn = 0;
  return {
    keys,
    publicKeys: keys.map((key) => Point.BASE.multiply(key).toBytes(false).slice(1)),
    sign(z, key, nonce) {
      if (nonce === undefined) turn = (turn + 1) % nonceCount;
      return signWith(nonces[nonce ?? turn], z, keys[key]);
    },
  };
}

let sharedSigner: Signer | undefined;

/** A valid signature three times in four; else one with a field replaced. */
function randomCase(random: Random): Case {
  sharedSigner ??= createSigner(0x51e9, 16, 32);
  const digest = random.bigint(1n << 256n);
  const signature = sharedSigner.sign(digest, random.below(16), random.below(32));
  const replacements: [string, Partial<Signature>][] = [
    ["random r", { r: random.bigint(n) }],
    ["random s", { s: random.bigint(n) }],
    ["other parity", { recoveryId: signature.recoveryId ^ 1 }],
    ["high s", { s: n - signature.s }],
    ["r beyond n", { recoveryId: signature.recoveryId | 2 }],
    ["random 256 bits", { r: random.bigint(1n << 256n), s: random.bigint(1n << 256n) }],
  ];
  const replacement = random.below(4) === 0 ? random.pick(replacements) : undefined;
  return {
    name: replacement?.[0] ?? "signed",
    record: recoverRecord({ ...signature, ...replacement?.[1] }, random.below(2) * REQUIRE_LOW_S),
  };
}

/** Whether x³ + 7 is a square mod p (Euler's criterion). */
function onCurve(x: bigint): boolean {
  const y2 = Fp.add(Fp.mul(Fp.sqr(x), x), 7n);
  return Fp.eql(Fp.pow(y2, (p - 1n) / 2n), Fp.ONE);
}

/** The `count` smallest x from `from` on that are, or are not, coordinates of curve points. */
function smallest(count: number, from: bigint, wanted: boolean): bigint[] {
  const found: bigint[] = [];
  for (let x = from; found.length < count; x++) if (onCurve(x) === wanted) found.push(x);
  return found;
}

function craftedCases(): Case[] {
  const random = createRandom(0xc4af7);
  const cases: Case[] = [];
  const key = 1n + random.bigint(n - 1n);
  const k = 1n + random.bigint(n - 1n);
  const base = signWith(nonceOf(k), random.bigint(n), key);
  const add = (name: string, change: Partial<Signature>, flags?: number): void => {
    cases.push({ name, record: recoverRecord({ ...base, ...change }, flags) });
  };
  const both = (name: string, change: Partial<Signature>): void => {
    for (const recoveryId of [0, 1])
      add(`${name}, parity ${recoveryId}`, { ...change, recoveryId });
  };
  const top = (1n << 256n) - 1n;
  const half = n >> 1n;

  for (const recoveryId of [4, 5, 27, 0x80000000, 0xffffffff]) {
    add(`recovery id ${recoveryId}`, { recoveryId });
  }
  for (const r of [0n, n, n + 1n, p - 1n, p, p + 1n, top]) add(`r = ${r}`, { r });
  for (const s of [0n, n, n + 1n, p, top]) add(`s = ${s}`, { s });
  for (const s of [1n, 2n, half - 1n, half, half + 1n, n - 2n, n - 1n]) {
    add(`s = ${s}, low s asked`, { s }, REQUIRE_LOW_S);
    add(`s = ${s}, low s not asked`, { s }, 0);
    add(`s = ${s}, other flags set`, { s }, 0xffff_fffe);
  }
  add("several rules broken: recovery id first", { recoveryId: 9, r: 0n, s: 0n });
  add("several rules broken: r before s", { r: n, s: n });
  add("several rules broken: s before x", { recoveryId: 2, s: n - 1n });

  // Small x in the field's limbs: 48 once overflowed a limb conversion that 20,000 random inputs did not.
  for (const r of [...smallest(12, 1n, true), 48n, 47n, 49n]) both(`r = ${r}`, { r });
  for (const r of smallest(6, 1n, false)) both(`r = ${r}, not on the curve`, { r });
  for (const x of [n - 1n, n - 2n, n - 3n, half, half + 1n]) both(`r = ${x}`, { r: x });
  for (const bit of [51n, 52n, 102n, 104n, 153n, 204n, 255n]) {
    for (const r of [(1n << bit) - 1n, 1n << bit]) both(`r = ${r}`, { r });
  }
  // x = r + n: the largest r allowed, the first refused (there x would be 0 mod p, on no curve), and small ones.
  for (const r of [
    p - n - 2n,
    p - n - 1n,
    p - n,
    p - n + 1n,
    ...smallest(4, n, true).map((x) => x - n),
  ]) {
    for (const recoveryId of [2, 3]) add(`r = ${r}, recovery id ${recoveryId}`, { r, recoveryId });
  }
  for (const z of [0n, 1n, n - 1n, n, n + 1n, 2n * half, p, top]) both(`z = ${z}`, { z });

  // R = kG with k known, so that Q = r⁻¹(sR - zG) can be steered; recovery id of R itself.
  const steer = (name: string, k: bigint, s: bigint, z: bigint): void => {
    const { r, recoveryId } = nonceOf(Fn.create(k));
    add(name, { r, recoveryId, s: Fn.create(s), z: Fn.create(z) }, 0);
  };
  const t = 1n + random.bigint(n - 1n);
  for (const [label, nonce] of [
    ["R", k],
    ["R = G", 1n],
    ["R = -G", n - 1n],
    ["R = 2G", 2n],
    ["R = G/2", (n + 1n) / 2n],
    ["R = λG", lambda],
    ["R = λ²G", lambda * lambda],
    ["R = -λG", n - lambda],
  ] as const) {
    const { r } = nonceOf(Fn.create(nonce));
    steer(`${label}: Q at infinity`, nonce, t, t * nonce);
    steer(`${label}: Q at infinity, s = 1`, nonce, 1n, nonce);
    steer(`${label}: both terms of Q equal`, nonce, t, -t * nonce);
    steer(`${label}: Q = G`, nonce, t, t * nonce - r);
    steer(`${label}: Q = -G`, nonce, t, t * nonce + r);
    steer(`${label}: u₂ = 1`, nonce, r, t);
    steer(`${label}: u₂ = -1`, nonce, -r, t);
    steer(`${label}: u₁ = 1, u₂ = 1`, nonce, r, -r);
    steer(`${label}: u₂ = λ`, nonce, r * lambda, t);
    steer(`${label}: u₁ = λ`, nonce, t, -r * lambda);
    steer(`${label}: u₁ = 0`, nonce, t, 0n);
    steer(`${label}: u₂ = 2`, nonce, 2n * r, -r * nonce);
  }
  return cases;
}

/** Random and crafted records of `secp256k1-recover`. */
export const secp256k1RecoverCases: CaseGenerator = {
  algorithm: secp256k1Recover,
  random: randomCase,
  crafted: craftedCases,
};
