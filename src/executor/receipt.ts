/**
 * Receipts as consensus sees them: the EIP-2718 encoding and the 2048-bit logs bloom (Yellow Paper §4.3.1).
 *
 * @module
 */
import { RLP } from "@ethereumjs/rlp";
import { keccak_256 } from "@noble/hashes/sha3.js";
import type { Log, Receipt } from "./executor.ts";

/** Bytes of a logs bloom. */
export const BLOOM_BYTES = 256;

/** Sets the three bits of one address or topic. */
function addToBloom(bloom: Uint8Array, item: Uint8Array): void {
  const digest = keccak_256(item);
  for (let i = 0; i < 6; i += 2) {
    const bit = ((digest[i] << 8) | digest[i + 1]) & 2047;
    bloom[BLOOM_BYTES - 1 - (bit >> 3)] |= 1 << (bit & 7);
  }
}

/** The 256-byte bloom of these logs' addresses and topics. */
export function logsBloom(logs: readonly Log[]): Uint8Array {
  const bloom = new Uint8Array(BLOOM_BYTES);
  for (const log of logs) {
    addToBloom(bloom, log.address);
    for (const topic of log.topics) addToBloom(bloom, topic);
  }
  return bloom;
}

/** The union of the receipts' blooms: the header's `logsBloom`. */
export function blockBloom(receipts: readonly Receipt[]): Uint8Array {
  const bloom = new Uint8Array(BLOOM_BYTES);
  for (const receipt of receipts) {
    for (let i = 0; i < BLOOM_BYTES; i++) bloom[i] |= receipt.logsBloom[i];
  }
  return bloom;
}

function minimalBytes(value: bigint): Uint8Array {
  if (value === 0n) return new Uint8Array(0);
  const hex = value.toString(16);
  return Uint8Array.from(Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, "hex"));
}

/** The bytes of a receipt in the receipts trie: RLP, behind the type byte for a typed transaction (EIP-2718). */
export function encodeReceipt(receipt: Receipt): Uint8Array {
  const body = RLP.encode([
    receipt.stateRoot ?? (receipt.status ? Uint8Array.of(1) : new Uint8Array(0)),
    minimalBytes(receipt.cumulativeGasUsed),
    receipt.logsBloom,
    receipt.logs.map((log) => [log.address, [...log.topics], log.data]),
  ]);
  if (receipt.type === 0) return body;
  const bytes = new Uint8Array(body.length + 1);
  bytes[0] = receipt.type;
  bytes.set(body, 1);
  return bytes;
}
