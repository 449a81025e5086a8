/**
 * `sha256`: SHA-256 (FIPS 180-4) of messages of any length; nodes of binary Merkle trees are messages of 64 bytes.
 *
 * @module
 */
import { sha256 as sha256Of } from "@noble/hashes/sha2.js";
import { type DigestAlgorithm, digestAlgorithm } from "./digest.ts";

/** Digest of each message. The one invalid verdict is `MessageOutOfBounds`. */
export const sha256: DigestAlgorithm = digestAlgorithm(
  "sha256",
  "SHA-256 digest of each message",
  sha256Of,
  [0, 55, 56, 64, 65],
);
