/**
 * `secp256k1-recover-hinted`: `secp256k1-recover` for callers who think that they know the signer's public key.
 *
 * The answer is the one of `secp256k1-recover`, byte for byte, whatever the hint: a right one only makes it cheaper. Columns may
 * confirm many hints together by a random linear combination, in which a wrong hint passes with probability 2⁻¹²⁸ at most
 * (cofactor 1, coefficients of 128 bits drawn for every call from the platform's CSPRNG); the rest are recovered.
 *
 * @module
 */
import { type Algorithm, type Example, layout } from "../core/index.ts";
import {
  readBigEndian,
  recoverReference,
  recoverResult,
  secp256k1Recover,
  signatureFields,
} from "./secp256k1-recover.ts";

/** The record of `secp256k1-recover`, then `hint`: x ‖ y of the key, big-endian; all zero where there is none. */
const record = layout({ z: ["be", 32], ...signatureFields, hint: ["bytes", 64] });

/** The examples of `secp256k1-recover`: each with no hint, with the right one where there is a key, and with a wrong one. */
const examples: readonly Example[] = secp256k1Recover.examples.flatMap((example) => {
  const result = new Uint8Array(recoverResult.byteLength);
  secp256k1Recover.reference(example.record, example.arena, result);
  const right = result.subarray(0, 64);
  const wrong = right.slice();
  wrong[63] ^= 1;
  return [new Uint8Array(64), right, wrong].map((hint) => {
    const bytes = new Uint8Array(record.byteLength);
    bytes.set(example.record);
    bytes.set(hint, record.fields.hint.offset);
    return { record: bytes, arena: example.arena };
  });
});

/** Public key and address behind each signature, or the reason there is none; hints change only the time it takes. */
export const secp256k1RecoverHinted: Algorithm & {
  record: typeof record;
  result: typeof recoverResult;
} = {
  id: "secp256k1-recover-hinted",
  summary: "secp256k1-recover, faster where the public key is guessed rightly",
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
