/**
 * Cases of `eth-sender`: payloads of every kind under signatures of every kind. Here z is a digest, so what `secp256k1-recover` steers
 * by z is steered by s.
 *
 * @module
 */
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { ethSender } from "../algorithms/eth-sender.ts";
import { REQUIRE_LOW_S, secp256k1Recover } from "../algorithms/secp256k1-recover.ts";
import { SECP256K1 } from "../params/secp256k1.ts";
import type { Case, CaseGenerator } from "./cases.ts";
import { messageLengths, messagePlaces } from "./messages.ts";
import { createRandom, type Random } from "./random.ts";
import {
  createSigner,
  recoverRecord,
  type Signature,
  type Signer,
  secp256k1RecoverCases,
} from "./secp256k1-recover.ts";

const { n, lambda } = SECP256K1;
const { Fn, BASE } = secp256k1.Point;
const { fields } = ethSender.record;
const SIGNATURE_AT = secp256k1Recover.record.fields.r.offset;

const digestOf = (message: Uint8Array): bigint =>
  BigInt(`0x${Buffer.from(keccak_256(message)).toString("hex")}`);

/** The record with the signature of a `secp256k1-recover` record; `fillBatch` says where the payload lies. */
function senderRecord(recover: Uint8Array): Uint8Array {
  const record = new Uint8Array(ethSender.record.byteLength);
  record.set(recover.subarray(SIGNATURE_AT), fields.r.offset);
  return record;
}

/** A payload and its signature, with a part of that replaced where one is given. */
function signed(
  name: string,
  message: Uint8Array,
  { signer, key, nonce }: { signer: Signer; key: number; nonce: number },
  change: Partial<Signature> = {},
  flags = REQUIRE_LOW_S,
): Case {
  const signature = signer.sign(digestOf(message), key, nonce);
  return { name, message, record: senderRecord(recoverRecord({ ...signature, ...change }, flags)) };
}

const KEYS = 16;
const NONCES = 32;
let shared: Signer | undefined;

/** A payload as long as transactions have them, now and then much longer; the signature is its own three times in four. */
function randomCase(random: Random): Case {
  shared ??= createSigner(0xe5e, KEYS, NONCES);
  const by = { signer: shared, key: random.below(KEYS), nonce: random.below(NONCES) };
  const message = random.bytes(random.below(8) === 0 ? random.below(2000) : random.below(200));
  const flags = random.below(2) * REQUIRE_LOW_S;
  const { s, recoveryId } = shared.sign(digestOf(message), by.key, by.nonce);
  const replacements: readonly [string, Partial<Signature>][] = [
    ["random r", { r: random.bigint(n) }],
    ["random s", { s: random.bigint(n) }],
    ["other parity", { recoveryId: recoveryId ^ 1 }],
    ["high s", { s: n - s, recoveryId: recoveryId ^ 1 }],
    ["r beyond n", { recoveryId: recoveryId | 2 }],
    ["random 256 bits", { r: random.bigint(1n << 256n), s: random.bigint(1n << 256n) }],
  ];
  if (random.below(4) !== 0) return signed("signed", message, by, {}, flags);
  const [name, change] = random.pick(replacements);
  return signed(name, message, by, change, flags);
}

function craftedCases(): Case[] {
  const random = createRandom(0xe5e1);
  const by = { signer: createSigner(0xe5e2, 2, 2), key: 0, nonce: 0 };
  const cases: Case[] = [];
  for (const length of messageLengths(136, 1)) {
    const message = random.bytes(length);
    cases.push(signed(`${length} bytes`, message, by));
    cases.push(signed(`${length} bytes, r = 0`, message, by, { r: 0n }));
  }
  // The payload's place decides before any rule of the signature.
  const { record } = signed("", random.bytes(100), by);
  const broken = senderRecord(recoverRecord({ z: 0n, r: 0n, s: n, recoveryId: 9 }, REQUIRE_LOW_S));
  for (const [name, point] of messagePlaces) {
    cases.push({ name, record, point });
    cases.push({ name: `${name}, signature broken too`, record: broken, point });
  }
  // Every signature that recovery is tested with, under a payload of its own.
  for (const { name, record } of secp256k1RecoverCases.crafted()) {
    const message = random.bytes(random.below(300));
    cases.push({ name: `${name}; payload`, record: senderRecord(record), message });
  }
  // R = kG with k known, and s such that Q = r⁻¹(sR − zG) becomes what is wanted.
  for (const [label, k] of [
    ["R", 1n + random.bigint(n - 1n)],
    ["R = G", 1n],
    ["R = -G", n - 1n],
    ["R = 2G", 2n],
    ["R = λG", lambda],
    ["R = -λG", n - lambda],
  ] as const) {
    const { x, y } = BASE.multiply(k).toAffine();
    const r = Fn.create(x);
    const recoveryId = Number(y & 1n) | (x >= n ? 2 : 0);
    const message = random.bytes(110);
    const z = digestOf(message);
    for (const [aim, sTimesK] of [
      ["Q at infinity", z],
      ["both terms of Q equal", -z],
      ["Q = G", z + r],
      ["Q = -G", z - r],
      ["Q = λG", z + r * lambda],
    ] as const) {
      const s = Fn.mul(Fn.create(sTimesK), Fn.inv(k));
      const steered = recoverRecord({ z, r, s, recoveryId }, 0);
      cases.push({ name: `${label}: ${aim}`, record: senderRecord(steered), message });
    }
  }
  return cases;
}

/** Random and crafted records of `eth-sender`. */
export const ethSenderCases: CaseGenerator = {
  algorithm: ethSender,
  random: randomCase,
  crafted: craftedCases,
};
