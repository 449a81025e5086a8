/**
 * Sentences for the reasons that assembly/evm/rejections.ts numbers.
 *
 * @module
 */

type Sentence = (expected: bigint, got: bigint) => string;

const sentences: readonly Sentence[] = [
  () => "valid",
  () => "encoding: expected a canonical transaction of type 0 to 4, got other bytes",
  () => "type: expected one that the fork knows, got a later one",
  () => "chain id: expected this chain's, got another",
  (expected, got) => `gas limit: expected at most the ${expected} left in the block, got ${got}`,
  (expected, got) => `gas limit: expected at least the intrinsic gas ${expected}, got ${got}`,
  (expected, got) => `nonce: expected ${expected}, got ${got}`,
  (expected, got) => `nonce: expected at most ${expected} (EIP-2681), got ${got}`,
  () => "sender: expected an account without code (EIP-3607), got a contract",
  (expected, got) => `max fee per gas: expected at least the base fee ${expected}, got ${got}`,
  (expected, got) => `max priority fee: expected at most the max fee ${expected}, got ${got}`,
  (expected, got) => `sender's balance: expected at least ${expected} wei, got ${got}`,
  (expected, got) => `init code: expected at most ${expected} bytes (EIP-3860), got ${got}`,
  () => "blob transaction: expected a recipient, got a contract creation",
  (expected, got) => `blobs: expected 1 to ${expected}, got ${got}`,
  (expected, got) => `blob hash version: expected ${expected}, got ${got}`,
  (expected, got) => `max fee per blob gas: expected at least ${expected}, got ${got}`,
  (expected, got) => `blobs: expected at most the ${expected} left in the block, got ${got}`,
  () => "authorisation list: expected at least one entry, got none",
  () => "set-code transaction: expected a recipient, got a contract creation",
  (expected, got) => `gas limit: expected at most ${expected} (EIP-7825), got ${got}`,
];

/** The sentence of a rejection. */
export function rejectionReason(code: number, expected: bigint, got: bigint): string {
  return sentences[code](expected, got);
}
