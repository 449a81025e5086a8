/**
 * `secp256k1-verify-batch`: whether each recoverable signature is of a known public key, many signatures at a time.
 *
 * Unlike `secp256k1-verify` it uses the recovery id, so that the point R is known and signatures can be checked together by a
 * random linear combination (a wrong one passes with probability 2⁻¹²⁸ at most); a signature with another recovery id is a
 * mismatch. Rules, in the order that decides the verdict: those of `secp256k1-recover` up to x³ + 7 being a square, the key on the
 * curve with coordinates below p, the recovered key equal to it. z is any 256-bit integer and is reduced mod n.
 *
 * @module
 */
import { type Algorithm, type Example, layout, Verdict } from "../core/index.ts";
import { SECP256K1 } from "../params/secp256k1.ts";
import {
  readBigEndian,
  recoverReference,
  recoverResult,
  secp256k1Recover,
  signatureFields,
} from "./secp256k1-recover.ts";

/** The record of `secp256k1-recover`, then `publicKey`: x ‖ y, big-endian. */
const record = layout({ z: ["be", 32], ...signatureFields, publicKey: ["bytes", 64] });
/** The verdict is all there is. */
const result = layout({});

const { p, b } = SECP256K1;

/** The examples of `secp256k1-recover`: each with its key where there is one, with another, and with none. */
const examples: readonly Example[] = secp256k1Recover.examples.flatMap((example) => {
  const recovered = new Uint8Array(recoverResult.byteLength);
  secp256k1Recover.reference(example.record, example.arena, recovered);
  const right = recovered.subarray(0, 64);
  const opposite = right.slice();
  const y = p - readBigEndian(right, 32);
  for (let i = 31, rest = y; i >= 0; i--, rest >>= 8n) opposite[32 + i] = Number(rest & 0xffn);
  return [right, opposite, new Uint8Array(64)].map((publicKey) => {
    const bytes = new Uint8Array(record.byteLength);
    bytes.set(example.record);
    bytes.set(publicKey, record.fields.publicKey.offset);
    return { record: bytes, arena: example.arena };
  });
});

/** Whether each signature is the key's, recovery id included. */
export const secp256k1VerifyBatch: Algorithm & { record: typeof record; result: typeof result } = {
  id: "secp256k1-verify-batch",
  summary: "Recoverable secp256k1 signatures checked together against known public keys",
  record,
  result,
  usesArena: false,
  examples,
  reference(bytes) {
    const { fields } = record;
    const z = readBigEndian(bytes, fields.z.offset);
    const recovered = new Uint8Array(recoverResult.byteLength);
    const verdict = recoverReference(z, bytes, fields, recovered);
    if (verdict !== Verdict.Valid && verdict !== Verdict.PublicKeyInfinity) return verdict;
    const x = readBigEndian(bytes, fields.publicKey.offset);
    const y = readBigEndian(bytes, fields.publicKey.offset + 32);
    if (x >= p || y >= p || (y * y - x * x * x - b) % p !== 0n) return Verdict.PublicKeyInvalid;
    const same = readBigEndian(recovered, 0) === x && readBigEndian(recovered, 32) === y;
    return verdict === Verdict.Valid && same ? Verdict.Valid : Verdict.SignatureMismatch;
  },
};
