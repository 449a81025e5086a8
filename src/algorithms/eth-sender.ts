/**
 * `eth-sender`: the sender of a transaction from the bytes that it signed: keccak256 of the signing payload (EIP-155, EIP-2718),
 * then public-key recovery with that digest as z, then the address of the key.
 *
 * Rules, in the order that decides the verdict: the payload inside the arena, then those of `secp256k1-recover`.
 *
 * @module
 */
import { keccak_256 } from "@noble/hashes/sha3.js";
import { hexToBytes } from "@noble/hashes/utils.js";
import { type Algorithm, type Example, layout, Verdict } from "../core/index.ts";
import { SECP256K1 } from "../params/secp256k1.ts";
import {
  REQUIRE_LOW_S,
  readBigEndian,
  recoverReference,
  recoverResult,
  signatureFields,
} from "./secp256k1-recover.ts";

/** `offset`, `length`: where the signing payload lies in the arena, in bytes; then the signature as in `secp256k1-recover`. */
const record = layout({ offset: ["u32", 4], length: ["u32", 4], ...signatureFields });

/** Payload, r and s of the transaction that EIP-155 gives as its example; its recovery id is 0. */
const PAYLOAD = hexToBytes(
  "ec098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a764000080018080",
);
const R = "28ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276";
const S = "67cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83";
const ZERO = "00".repeat(32);
const FIVE = `${"00".repeat(31)}05`;
const ORDER = SECP256K1.n.toString(16);
const HIGH_S = (SECP256K1.n - BigInt(`0x${S}`)).toString(16);

/** Signatures that recover, then one record for each way in which most go wrong. 5 is no point's x coordinate. */
const examples: readonly Example[] = (
  [
    [PAYLOAD.length, R, S, 0, REQUIRE_LOW_S],
    [PAYLOAD.length, R, S, 1, 0],
    [PAYLOAD.length, R, HIGH_S, 1, 0],
    [0, R, S, 0, 0],
    [PAYLOAD.length, R, HIGH_S, 1, REQUIRE_LOW_S],
    [PAYLOAD.length, ZERO, S, 0, 0],
    [PAYLOAD.length, R, ORDER, 0, 0],
    [PAYLOAD.length, FIVE, S, 0, 0],
    [PAYLOAD.length, R, S, 2, 0],
    [PAYLOAD.length, R, S, 4, 0],
    [0xffff_ffff, R, S, 0, 0],
    [0xffff_ffff, ZERO, S, 4, 0],
  ] as const
).map(([length, r, s, recoveryId, flags]) => {
  const bytes = new Uint8Array(record.byteLength);
  const { fields } = record;
  bytes.set(hexToBytes(r + s), fields.r.offset);
  const view = new DataView(bytes.buffer);
  view.setUint32(fields.length.offset, length, true);
  view.setUint32(fields.recoveryId.offset, recoveryId, true);
  view.setUint32(fields.flags.offset, flags, true);
  return { record: bytes, arena: PAYLOAD };
});

/** Public key and address behind each signed payload, or the reason there is none; results as `secp256k1-recover` gives them. */
export const ethSender: Algorithm & { record: typeof record; result: typeof recoverResult } = {
  id: "eth-sender",
  summary: "Ethereum sender behind each signing payload and its secp256k1 signature",
  record,
  result: recoverResult,
  usesArena: true,
  examples,
  reference(bytes, arena, out) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const offset = view.getUint32(record.fields.offset.offset, true);
    const length = view.getUint32(record.fields.length.offset, true);
    if (offset + length > arena.length) return Verdict.MessageOutOfBounds;
    // A copy: the oracle must not read memory that other threads share.
    const digest = keccak_256(arena.slice(offset, offset + length));
    return recoverReference(readBigEndian(digest, 0), bytes, record.fields, out);
  },
};
