/**
 * Receipts as consensus sees them: the EIP-2718 encoding and the 2048-bit logs bloom (Yellow Paper §4.3.1).
 *
 * @module
 */
import { keccak_256 } from "@noble/hashes/sha3.js";
import { RLP_LIST, RLP_STRING, rlpHeaderLength, writeRlpHeader } from "../chains/ethereum/rlp.ts";
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
  for (const { logsBloom: own } of receipts) {
    for (let i = 0; i < BLOOM_BYTES; i++) bloom[i] |= own[i];
  }
  return bloom;
}

/** Bytes of an RLP item of a payload of this length that is more than one byte, or a byte of 0x80 and more. */
const framed = (payload: number): number => rlpHeaderLength(payload) + payload;

/** Bytes of a byte string's RLP. */
const stringBytes = (bytes: Uint8Array): number =>
  bytes.length === 1 && bytes[0] < 0x80 ? 1 : framed(bytes.length);

function logPayloadBytes({ address, topics, data }: Log): number {
  return framed(address.length) + framed(33 * topics.length) + stringBytes(data);
}

/** Below this many bytes a loop beats `set`. */
const SHORT_COPY_BYTES = 40;

/** Encoded receipts back to back: number i is `bytes[offsets[i] … offsets[i + 1])`. */
export interface EncodedReceipts {
  readonly bytes: Uint8Array;
  readonly offsets: Uint32Array;
}

class ReceiptWriter {
  bytes = new Uint8Array(1 << 16);
  at = 0;

  ensure(room: number): void {
    if (this.at + room <= this.bytes.length) return;
    const larger = new Uint8Array(Math.max(this.at + room, this.bytes.length * 2));
    larger.set(this.bytes.subarray(0, this.at));
    this.bytes = larger;
  }

  #header(base: number, payload: number): void {
    this.at = writeRlpHeader(this.bytes, this.at, base, payload);
  }

  #string(content: Uint8Array): void {
    const { length } = content;
    if (length !== 1 || content[0] >= 0x80) this.#header(RLP_STRING, length);
    if (length > SHORT_COPY_BYTES) this.bytes.set(content, this.at);
    else for (let i = 0; i < length; i++) this.bytes[this.at + i] = content[i];
    this.at += length;
  }

  write(receipt: Receipt): void {
    const { logs, stateRoot, type } = receipt;
    const cumulative = integerBytes(receipt.cumulativeGasUsed);
    const status = stateRoot ?? (receipt.status ? SUCCESS : FAILURE);
    let logBytes = 0;
    for (const log of logs) logBytes += framed(logPayloadBytes(log));
    const payload =
      stringBytes(status) + stringBytes(cumulative) + framed(BLOOM_BYTES) + framed(logBytes);
    this.ensure(1 + framed(payload));
    if (type !== 0) this.bytes[this.at++] = type;
    this.#header(RLP_LIST, payload);
    this.#string(status);
    this.#string(cumulative);
    this.#string(receipt.logsBloom);
    this.#header(RLP_LIST, logBytes);
    for (const log of logs) {
      this.#header(RLP_LIST, logPayloadBytes(log));
      this.#string(log.address);
      this.#header(RLP_LIST, 33 * log.topics.length);
      for (const topic of log.topics) this.#string(topic);
      this.#string(log.data);
    }
  }
}

const SUCCESS = Uint8Array.of(1);
const FAILURE = new Uint8Array(0);

/** The shortest big-endian form. */
function integerBytes(value: bigint): Uint8Array {
  if (value >= 2n ** 32n) {
    const hex = value.toString(16);
    return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, "hex");
  }
  const number = Number(value);
  if (number === 0) return FAILURE;
  const bytes = new Uint8Array((39 - Math.clz32(number)) >> 3);
  for (let i = bytes.length - 1, rest = number; i >= 0; i--, rest >>>= 8) bytes[i] = rest;
  return bytes;
}

/** The bytes of receipts in the receipts trie: RLP, behind the type byte for a typed transaction (EIP-2718). Topics are 32 bytes. */
export function encodeReceipts(receipts: readonly Receipt[]): EncodedReceipts {
  const writer = new ReceiptWriter();
  const offsets = new Uint32Array(receipts.length + 1);
  for (let i = 0; i < receipts.length; i++) {
    writer.write(receipts[i]);
    offsets[i + 1] = writer.at;
  }
  return { bytes: writer.bytes.subarray(0, writer.at), offsets };
}

/** The bytes of one receipt in the receipts trie. */
export function encodeReceipt(receipt: Receipt): Uint8Array {
  return encodeReceipts([receipt]).bytes;
}
