/**
 * `keccak256`: the Keccak-f[1600] sponge, rate 1088, domain byte 0x01, as Ethereum uses it (Yellow Paper §3; not FIPS 202).
 *
 * @module
 */
import { keccak_256 } from "@noble/hashes/sha3.js";
import { type DigestAlgorithm, digestAlgorithm } from "./digest.ts";

/** Digest of each message. The one invalid verdict is `MessageOutOfBounds`. */
export const keccak256: DigestAlgorithm = digestAlgorithm(
  "keccak256",
  "Keccak-256 digest of each message",
  keccak_256,
  [0, 32, 136, 137],
);
