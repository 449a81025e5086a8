/**
 * Receipts as consensus sees them: the EIP-2718 encoding and the 2048-bit logs bloom (Yellow Paper §4.3.1).
 *
 * @module
 */
import { keccak_256 } from "@noble/hashes/sha3.js";
import { RLP_LIST, RLP_STRING, rlpHeaderLength, writeRlpHeader } from "../chains/ethereum/rlp.ts";
import type { Log, PackedLogs, Receipt } from "./executor.ts";

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

// A record of PackedLogs.
const TOPIC_COUNT = 24;
const DATA_BYTES = 28;
const TOPICS = 32;

/** Bytes of the payload of the log at `at`. */
function packedPayloadBytes({ bytes, view }: PackedLogs, at: number): number {
  const topicBytes = 32 * view.getUint32(at + TOPIC_COUNT, true);
  const dataBytes = view.getUint32(at + DATA_BYTES, true);
  const isOneByte = dataBytes === 1 && bytes[at + TOPICS + topicBytes] < 0x80;
  return framed(20) + framed((topicBytes / 32) * 33) + (isOneByte ? 1 : framed(dataBytes));
}

/** Sets the bits of packed logs in the bloom that begins at `at`. */
export function setBloomBits(
  bloom: Uint8Array,
  at: number,
  { view, end, bitsEnd }: PackedLogs,
): void {
  for (let place = end; place < bitsEnd; place += 2) {
    const bit = view.getUint16(place, true);
    bloom[at + BLOOM_BYTES - 1 - (bit >> 3)] |= 1 << (bit & 7);
  }
}

/** Where the log after the one at `at` begins. */
export function nextPackedLog(view: DataView, at: number): number {
  const topicBytes = 32 * view.getUint32(at + TOPIC_COUNT, true);
  return at + ((TOPICS + topicBytes + view.getUint32(at + DATA_BYTES, true) + 7) & ~7);
}

/** Room for a receipt of one log; more is made where it is needed. */
const USUAL_BYTES = 512;

/** Below this many bytes a loop beats `set`. */
const SHORT_COPY_BYTES = 40;

/** Encoded receipts back to back: number i is `bytes[offsets[i] … offsets[i + 1])`. */
export interface EncodedReceipts {
  /** There may be more behind the last receipt. */
  readonly bytes: Uint8Array;
  readonly offsets: Uint32Array;
  /** The union of their blooms: the header's `logsBloom`. */
  readonly logsBloom: Uint8Array;
}

class ReceiptWriter {
  readonly logsBloom = new Uint8Array(BLOOM_BYTES);
  bytes: Uint8Array;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  ensure(room: number): void {
    if (this.at + room <= this.bytes.length) return;
    const larger = new Uint8Array(Math.max(this.at + room, this.bytes.length * 2));
    larger.set(this.bytes.subarray(0, this.at));
    this.bytes = larger;
  }

  #header(base: number, payload: number): void {
    this.at = writeRlpHeader(this.bytes, this.at, base, payload);
  }

  #string(content: Uint8Array, from = 0, end = content.length): void {
    const length = end - from;
    if (length !== 1 || content[from] >= 0x80) this.#header(RLP_STRING, length);
    const { bytes, at } = this;
    if (length > SHORT_COPY_BYTES) bytes.set(content.subarray(from, end), at);
    else for (let i = 0; i < length; i++) bytes[at + i] = content[from + i];
    this.at += length;
  }

  write(receipt: Receipt): void {
    const { stateRoot, type, packedLogs } = receipt;
    const cumulative = integerBytes(receipt.cumulativeGasUsed);
    const status = stateRoot ?? (receipt.status ? SUCCESS : FAILURE);
    let logBytes = 0;
    if (packedLogs === undefined) {
      for (const log of receipt.logs) logBytes += framed(logPayloadBytes(log));
    } else {
      const { view, start, end } = packedLogs;
      for (let log = start; log < end; log = nextPackedLog(view, log)) {
        logBytes += framed(packedPayloadBytes(packedLogs, log));
      }
    }
    const payload =
      stringBytes(status) + stringBytes(cumulative) + framed(BLOOM_BYTES) + framed(logBytes);
    this.ensure(1 + framed(payload));
    if (type !== 0) this.bytes[this.at++] = type;
    this.#header(RLP_LIST, payload);
    this.#string(status);
    this.#string(cumulative);
    this.#header(RLP_STRING, BLOOM_BYTES);
    if (packedLogs === undefined) this.#bloom(receipt.logsBloom);
    else this.#bloomOfBits(packedLogs);
    this.#header(RLP_LIST, logBytes);
    if (packedLogs === undefined) this.#logs(receipt.logs);
    else this.#packedLogs(packedLogs);
  }

  /** Writes a bloom and joins it with those before, in one turn. */
  #bloom(own: Uint8Array): void {
    const { bytes, at, logsBloom } = this;
    for (let i = 0; i < BLOOM_BYTES; i++) {
      bytes[at + i] = own[i];
      logsBloom[i] |= own[i];
    }
    this.at += BLOOM_BYTES;
  }

  #bloomOfBits(logs: PackedLogs): void {
    this.bytes.fill(0, this.at, this.at + BLOOM_BYTES);
    setBloomBits(this.bytes, this.at, logs);
    setBloomBits(this.logsBloom, 0, logs);
    this.at += BLOOM_BYTES;
  }

  #logs(logs: readonly Log[]): void {
    for (const log of logs) {
      this.#header(RLP_LIST, logPayloadBytes(log));
      this.#string(log.address);
      this.#header(RLP_LIST, 33 * log.topics.length);
      for (const topic of log.topics) this.#string(topic);
      this.#string(log.data);
    }
  }

  #packedLogs(logs: PackedLogs): void {
    const { bytes, view, start, end } = logs;
    for (let log = start; log < end; log = nextPackedLog(view, log)) {
      const topicCount = view.getUint32(log + TOPIC_COUNT, true);
      const data = log + TOPICS + 32 * topicCount;
      this.#header(RLP_LIST, packedPayloadBytes(logs, log));
      this.#string(bytes, log, log + 20);
      this.#header(RLP_LIST, 33 * topicCount);
      for (let topic = log + TOPICS; topic < data; topic += 32) {
        this.#string(bytes, topic, topic + 32);
      }
      this.#string(bytes, data, data + view.getUint32(log + DATA_BYTES, true));
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

/**
 * The bytes of receipts in the receipts trie: RLP, behind the type byte for a typed transaction (EIP-2718). Topics are 32 bytes.
 *
 * @param into memory to use where it is large enough: of an encoding that is not needed any more.
 */
export function encodeReceipts(receipts: readonly Receipt[], into?: Uint8Array): EncodedReceipts {
  const room = USUAL_BYTES * receipts.length;
  const writer = new ReceiptWriter(into && into.length >= room ? into : new Uint8Array(room));
  const offsets = new Uint32Array(receipts.length + 1);
  for (let i = 0; i < receipts.length; i++) {
    writer.write(receipts[i]);
    offsets[i + 1] = writer.at;
  }
  const { bytes, logsBloom } = writer;
  return { bytes, offsets, logsBloom };
}

/** The bytes of one receipt in the receipts trie. */
export function encodeReceipt(receipt: Receipt): Uint8Array {
  const { bytes, offsets } = encodeReceipts([receipt]);
  return bytes.subarray(0, offsets[1]);
}
