/**
 * `sha256d`: SHA-256 of the SHA-256 digest, as Bitcoin hashes transactions, block headers and Merkle nodes.
 *
 * @module
 */
import { sha256 as sha256Of } from "@noble/hashes/sha2.js";
import { type DigestAlgorithm, digestAlgorithm } from "./digest.ts";

/** Double digest of each message. The one invalid verdict is `MessageOutOfBounds`. */
export const sha256d: DigestAlgorithm = digestAlgorithm(
  "sha256d",
  "SHA-256 of the SHA-256 digest of each message",
  (message) => sha256Of(sha256Of(message)),
  [0, 55, 64, 80],
);
