/**
 * Cases of `secp256k1-recover-hinted` and `secp256k1-verify-batch`: the records of `secp256k1-recover`, valid and crafted, each with
 * the key behind it, with keys that look like it, and with bytes that are no key.
 *
 * @module
 */
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { secp256k1Recover } from "../algorithms/secp256k1-recover.ts";
import { secp256k1RecoverHinted } from "../algorithms/secp256k1-recover-hinted.ts";
import { secp256k1VerifyBatch } from "../algorithms/secp256k1-verify-batch.ts";
import type { Algorithm } from "../core/index.ts";
import { SECP256K1 } from "../params/secp256k1.ts";
import type { Case, CaseGenerator } from "./cases.ts";
import { createRandom, type Random } from "./random.ts";
import {
  createSigner,
  recoverRecord,
  type Signer,
  secp256k1RecoverCases,
  writeBigEndian,
} from "./secp256k1-recover.ts";

const { p, beta } = SECP256K1;
const { Fp, BASE } = secp256k1.Point;
const KEY_AT = secp256k1RecoverHinted.record.fields.hint.offset;

/** The record of a signature and the key x ‖ y that is claimed for it, as both algorithms take it. */
export function claimRecord(recover: Uint8Array, key: Uint8Array): Uint8Array {
  const record = new Uint8Array(secp256k1RecoverHinted.record.byteLength);
  record.set(recover);
  record.set(key, KEY_AT);
  return record;
}

function keyOf(x: bigint, y: bigint): Uint8Array {
  const key = new Uint8Array(64);
  writeBigEndian(x, key, 0);
  writeBigEndian(y, key, 32);
  return key;
}

const toBigint = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString("hex")}`);

/** Claims that are wrong for the key, most of them near misses. */
function wrongKeys(key: Uint8Array): readonly (readonly [name: string, key: Uint8Array])[] {
  const x = toBigint(key.subarray(0, 32));
  const y = toBigint(key.subarray(32));
  const g = BASE.toAffine();
  return [
    ["no key", new Uint8Array(64)],
    ["the opposite key", keyOf(x, p - y)],
    ["β times the key's x", keyOf(Fp.mul(beta, x), y)],
    ["the generator", keyOf(g.x, g.y)],
    ["a key off the curve", keyOf(x, y ^ 1n)],
    ["a key with x + p", keyOf((x + p) % (1n << 256n), y)],
    ["all ones", new Uint8Array(64).fill(0xff)],
    ["x = p", keyOf(p, y)],
    ["y = p", keyOf(x, p)],
    ["x and y swapped", keyOf(y, x)],
    ["only the last byte", keyOf(0n, 1n)],
  ];
}

const KEYS = 16;
let shared: Signer | undefined;

/** A signature with its key seven times in eight; else with a wrong one. */
function randomClaim(random: Random): Case {
  shared ??= createSigner(0x417e, KEYS, 64);
  const index = random.below(KEYS);
  const record = recoverRecord(shared.sign(random.bigint(1n << 256n), index, random.below(64)));
  const key = shared.publicKeys[index];
  if (random.below(8) !== 0) return { name: "signed", record: claimRecord(record, key) };
  const wrong = random.pick([
    ...wrongKeys(key),
    ["another key", shared.publicKeys[(index + 1) % KEYS]] as const,
  ]);
  return { name: `signed, ${wrong[0]}`, record: claimRecord(record, wrong[1]) };
}

/** Every crafted signature with its key where it has one, and with one wrong key in turn. */
function craftedClaims(): Case[] {
  const random = createRandom(0x417f);
  const cases: Case[] = [];
  const any = keyOf(BASE.toAffine().x, BASE.toAffine().y);
  for (const [i, { name, record }] of secp256k1RecoverCases.crafted().entries()) {
    const result = new Uint8Array(secp256k1Recover.result.byteLength);
    const valid = secp256k1Recover.reference(record, new Uint8Array(0), result) === 0;
    const key = valid ? result.slice(0, 64) : any;
    if (valid) cases.push({ name: `${name}, its key`, record: claimRecord(record, key) });
    const wrong = wrongKeys(key);
    const [what, claimed] = wrong[i % wrong.length];
    cases.push({ name: `${name}, ${what}`, record: claimRecord(record, claimed) });
  }
  // A valid signature with each wrong key, and under the other recovery id with its own.
  const signer = createSigner(0x418, 1, 1);
  const signature = signer.sign(random.bigint(1n << 256n), 0);
  const other = { ...signature, recoveryId: signature.recoveryId ^ 1 };
  const [key] = signer.publicKeys;
  for (const [what, claimed] of wrongKeys(key)) {
    cases.push({ name: what, record: claimRecord(recoverRecord(signature), claimed) });
  }
  cases.push({ name: "the other parity", record: claimRecord(recoverRecord(other), key) });
  return cases;
}

const casesOf = (algorithm: Algorithm): CaseGenerator => ({
  algorithm,
  random: randomClaim,
  crafted: craftedClaims,
});

/** Random and crafted records of `secp256k1-recover-hinted`. */
export const secp256k1RecoverHintedCases: CaseGenerator = casesOf(secp256k1RecoverHinted);

/** Random and crafted records of `secp256k1-verify-batch`. */
export const secp256k1VerifyBatchCases: CaseGenerator = casesOf(secp256k1VerifyBatch);
