/** The registry of algorithms: one line each. @module */
import type { Algorithm } from "../core/index.ts";
import { ethSender } from "./eth-sender.ts";
import { keccak256 } from "./keccak256.ts";
import { secp256k1Recover } from "./secp256k1-recover.ts";
import { secp256k1RecoverHinted } from "./secp256k1-recover-hinted.ts";
import { secp256k1Verify } from "./secp256k1-verify.ts";
import { secp256k1VerifyBatch } from "./secp256k1-verify-batch.ts";
import { sha256 } from "./sha256.ts";
import { sha256d } from "./sha256d.ts";

export { ethSender } from "./eth-sender.ts";
export { keccak256 } from "./keccak256.ts";
export { REQUIRE_LOW_S, secp256k1Recover } from "./secp256k1-recover.ts";
export { secp256k1RecoverHinted } from "./secp256k1-recover-hinted.ts";
export { secp256k1Verify } from "./secp256k1-verify.ts";
export { secp256k1VerifyBatch } from "./secp256k1-verify-batch.ts";
export { sha256 } from "./sha256.ts";
export { sha256d } from "./sha256d.ts";

/** Every row of the table, in the order that reports print them. */
export const algorithms: readonly Algorithm[] = [
  keccak256,
  sha256,
  sha256d,
  secp256k1Recover,
  secp256k1RecoverHinted,
  secp256k1Verify,
  secp256k1VerifyBatch,
  ethSender,
];

/** The algorithm of this id, or `undefined`. */
export function algorithmById(id: string): Algorithm | undefined {
  return algorithms.find((algorithm) => algorithm.id === id);
}
