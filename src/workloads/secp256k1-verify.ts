/**
 * Cases of `secp256k1-verify`: signatures with their keys, spoilt ones, and sums steered to every exception of the group law.
 *
 * @module
 */
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { REQUIRE_LOW_S } from "../algorithms/secp256k1-recover.ts";
import { secp256k1Verify } from "../algorithms/secp256k1-verify.ts";
import { SECP256K1 } from "../params/secp256k1.ts";
import type { Case, CaseGenerator } from "./cases.ts";
import { createRandom, type Random } from "./random.ts";
import { createSigner, type Signer, writeBigEndian } from "./secp256k1-recover.ts";

const { n, p, lambda } = SECP256K1;
const { Point } = secp256k1;
const { Fn, Fp } = Point;
const { fields } = secp256k1Verify.record;

/** All that a record holds but the flags. */
interface Claim {
  readonly z: bigint;
  readonly r: bigint;
  readonly s: bigint;
  readonly x: bigint;
  readonly y: bigint;
}

/** The record of a signature and the key x ‖ y it is said to be of. */
export function verifyRecord(claim: Claim, flags = REQUIRE_LOW_S): Uint8Array {
  const record = new Uint8Array(secp256k1Verify.record.byteLength);
  writeBigEndian(claim.z, record, fields.z.offset);
  writeBigEndian(claim.r, record, fields.r.offset);
  writeBigEndian(claim.s, record, fields.s.offset);
  writeBigEndian(claim.x, record, fields.publicKey.offset);
  writeBigEndian(claim.y, record, fields.publicKey.offset + 32);
  new DataView(record.buffer).setUint32(fields.flags.offset, flags, true);
  return record;
}

const KEYS = 16;
let shared: { signer: Signer; points: readonly { x: bigint; y: bigint }[] } | undefined;

/** A valid signature three times in four; else one with a field replaced. */
function randomCase(random: Random): Case {
  if (!shared) {
    const signer = createSigner(0x7e51, KEYS, 32);
    shared = { signer, points: signer.keys.map((key) => Point.BASE.multiply(key).toAffine()) };
  }
  const key = random.below(KEYS);
  const { z, r, s } = shared.signer.sign(random.bigint(1n << 256n), key, random.below(32));
  const claim: Claim = { z, r, s, ...shared.points[key] };
  const replacements: [string, Partial<Claim>][] = [
    ["other z", { z: random.bigint(1n << 256n) }],
    ["random r", { r: random.bigint(n) }],
    ["random s", { s: random.bigint(n) }],
    ["high s", { s: n - s }],
    ["other key", shared.points[(key + 1) % KEYS]],
    ["negated key", { y: p - claim.y }],
    ["random y", { y: random.bigint(p) }],
  ];
  const replacement = random.below(4) === 0 ? random.pick(replacements) : undefined;
  return {
    name: replacement?.[0] ?? "signed",
    record: verifyRecord({ ...claim, ...replacement?.[1] }, random.below(2) * REQUIRE_LOW_S),
  };
}

function craftedCases(): Case[] {
  const random = createRandom(0xc4af8);
  const cases: Case[] = [];
  const key = 1n + random.bigint(n - 1n);
  const nonce = 1n + random.bigint(n - 1n);
  const top = (1n << 256n) - 1n;
  const half = n >> 1n;
  const point = (k: bigint): { x: bigint; y: bigint } =>
    Point.BASE.multiply(Fn.create(k)).toAffine();
  const sign = (k: bigint, d: bigint, z: bigint): Claim => {
    const r = Fn.create(point(k).x);
    const s = Fn.mul(Fn.inv(Fn.create(k)), Fn.create(z + r * d));
    return { z, r, s: s > half ? n - s : s, ...point(d) };
  };
  const base = sign(nonce, key, random.bigint(n));
  const add = (name: string, change: Partial<Claim>, flags?: number): void => {
    cases.push({ name, record: verifyRecord({ ...base, ...change }, flags) });
  };

  add("signed", {});
  for (const r of [0n, n, n + 1n, p, top, 1n, n - 1n]) add(`r = ${r}`, { r });
  for (const s of [0n, n, n + 1n, top, 1n, half]) add(`s = ${s}`, { s });
  for (const s of [half + 1n, n - base.s, n - 1n]) {
    add(`s = ${s}, low s asked`, { s }, REQUIRE_LOW_S);
    add(`s = ${s}, low s not asked`, { s }, 0);
  }
  add("other flags set", { s: n - base.s }, 0xffff_fffe);
  add("r + n", { r: base.r + n <= top ? base.r + n : n });
  add("r before s", { r: 0n, s: 0n });
  add("s before the key", { s: 0n, x: p });
  add("z + n is z", base.z + n <= top ? { z: base.z + n } : {});
  for (const z of [0n, 1n, n, top]) add(`z = ${z}, signed`, sign(nonce, key, z));
  for (const [name, x, y] of [
    ["zero", 0n, 0n],
    ["x = p", p, base.y],
    ["y = p", base.x, p],
    ["x + p", base.x + p <= top ? base.x + p : top, base.y],
    ["all ones", top, top],
    ["y off the curve", base.x, base.y ^ 1n],
    ["the other root", base.x, p - base.y],
    ["x and y swapped", base.y, base.x],
    ["x = 0", 0n, 1n],
    ["y = 0", Fp.create(p - 7n), 0n],
  ] as const) {
    add(`key: ${name}`, { x, y });
  }
  // Keys and nonces with small multiples of G and of λG: digits of G and of the key meet.
  for (const d of [1n, n - 1n, 2n, (n + 1n) / 2n, 3n, lambda, n - lambda, lambda * lambda]) {
    for (const k of [1n, 2n, nonce, lambda]) {
      add(`key ${d}·G, nonce ${k}`, sign(k, Fn.create(d), random.bigint(n)));
      add(`key ${d}·G, nonce ${k}, z = 0`, sign(k, Fn.create(d), 0n));
      // z = −r·d: the sum is infinity and no r can match.
      const { r } = sign(k, Fn.create(d), 1n);
      add(`key ${d}·G: infinity`, { r, s: 7n, z: Fn.create(-r * d), ...point(d) });
      // z = r·d: both terms are the same point.
      add(`key ${d}·G: equal terms`, { r, s: 7n, z: Fn.create(r * d), ...point(d) });
    }
  }
  // x of the sum in [n, p): r is x − n. The smallest such x on the curve, and the key that makes it so: Q = (s·R − z·G)/r.
  for (let x = n, found = 0; found < 3; x++) {
    let y: bigint;
    try {
      y = Fp.sqrt(Fp.create(x * x * x + 7n));
    } catch {
      continue;
    }
    found++;
    const r = x - n;
    if (r === 0n) continue;
    const [s, z] = [5n, 11n];
    const sum = Point.fromAffine({ x, y }).multiply(s).subtract(Point.BASE.multiply(z));
    const q = sum.multiply(Fn.inv(r)).toAffine();
    add(`x of the sum is r + n, r = ${r}`, { z, r, s, x: q.x, y: q.y });
    add(`x of the sum is r + n, r = ${r}, off by one`, { z, r: r + 1n, s, x: q.x, y: q.y });
  }
  return cases;
}

/** Random and crafted records of `secp256k1-verify`. */
export const secp256k1VerifyCases: CaseGenerator = {
  algorithm: secp256k1Verify,
  random: randomCase,
  crafted: craftedCases,
};
