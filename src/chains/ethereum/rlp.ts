/**
 * Recursive Length Prefix (Yellow Paper, appendix B): a strict reader over offsets that makes no objects, and a small writer.
 *
 * Strict means that every value has one encoding: lengths in their shortest form, no prefix on a single byte below 0x80, no item
 * past its list, no bytes after the outermost item. Anything else could give one transaction two hashes.
 *
 * @module
 */
import { LanewiseError } from "../../core/index.ts";
import { TransactionVerdict, transactionVerdictName } from "./verdict.ts";

/** First byte of an empty string; short strings add their length. */
export const RLP_STRING = 0x80;
/** First byte of an empty list; short lists add their payload's length. */
export const RLP_LIST = 0xc0;

/**
 * Reads one item header at a time. The reader is its own result: after `read` returned true, `start` … `end` is the payload.
 *
 * @example
 * const reader = new RlpReader(bytes);
 * for (let at = listStart; at < listEnd; at = reader.end) if (!reader.read(at, listEnd)) return reader.error;
 */
export class RlpReader {
  bytes: Uint8Array;
  /** Whether the item is a list; else it is a byte string. */
  isList = false;
  /** First byte of the payload. */
  start = 0;
  /** First byte after the payload, and so after the item. */
  end = 0;
  /** Why the last `read` returned false. */
  error: TransactionVerdict = TransactionVerdict.Valid;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** Reads the header of the item at `at`; the item has to end at or before `limit`, which lies inside `bytes`. */
  read(at: number, limit: number): boolean {
    if (at >= limit) return this.#fail(TransactionVerdict.RlpTruncated);
    const first = this.bytes[at];
    if (first < 0x80) {
      this.isList = false;
      this.start = at;
      this.end = at + 1;
      return true;
    }
    this.isList = first >= RLP_LIST;
    const short = first - (this.isList ? RLP_LIST : RLP_STRING);
    if (short > 55) return this.#readLong(at, limit, short - 55);
    const start = at + 1;
    const end = start + short;
    if (end > limit) return this.#fail(TransactionVerdict.RlpTruncated);
    if (first === 0x81 && this.bytes[start] < 0x80) {
      return this.#fail(TransactionVerdict.RlpNotCanonical);
    }
    this.start = start;
    this.end = end;
    return true;
  }

  /** The forms whose length takes `lengthBytes` bytes of its own. */
  #readLong(at: number, limit: number, lengthBytes: number): boolean {
    const start = at + 1 + lengthBytes;
    if (start > limit) return this.#fail(TransactionVerdict.RlpTruncated);
    if (this.bytes[at + 1] === 0) return this.#fail(TransactionVerdict.RlpNotCanonical);
    // Up to 2^64, so inexact from 2^53 on; by then it is far past any limit.
    let length = 0;
    for (let i = at + 1; i < start; i++) length = length * 256 + this.bytes[i];
    if (length < 56) return this.#fail(TransactionVerdict.RlpNotCanonical);
    if (length > limit - start) return this.#fail(TransactionVerdict.RlpTruncated);
    this.start = start;
    this.end = start + length;
    return true;
  }

  #fail(error: TransactionVerdict): boolean {
    this.error = error;
    return false;
  }
}

/** A decoded item: a view of the bytes, or a list of items. */
export type RlpItem = Uint8Array | readonly RlpItem[];

/** Bounds of {@link decodeRlp}, against inputs made to exhaust memory or the stack. */
export interface RlpLimits {
  /** Names the item in error messages; "RLP" unless given. */
  readonly path?: string;
  /** Most lists inside one another; 64 unless given. */
  readonly maxDepth?: number;
  /** Most items, lists included; 2²⁰ unless given. */
  readonly maxItems?: number;
}

/**
 * Decodes one item and everything in it. For hot paths use {@link RlpReader}.
 *
 * @throws LanewiseError `ERR_INPUT` naming the fault and its byte offset.
 */
export function decodeRlp(bytes: Uint8Array, limits: RlpLimits = {}): RlpItem {
  const { path = "RLP", maxDepth = 64, maxItems = 2 ** 20 } = limits;
  const reader = new RlpReader(bytes);
  let items = 0;
  const decodeAt = (at: number, limit: number, depth: number): RlpItem => {
    if (!reader.read(at, limit)) throw rlpError(path, reader.error, at);
    if (++items > maxItems) throw rlpError(path, TransactionVerdict.RlpTooComplex, at);
    if (!reader.isList) return bytes.subarray(reader.start, reader.end);
    if (depth === maxDepth) throw rlpError(path, TransactionVerdict.RlpTooComplex, at);
    const { end } = reader;
    const list: RlpItem[] = [];
    for (let next = reader.start; next < end; next = reader.end) {
      list.push(decodeAt(next, end, depth + 1));
    }
    reader.end = end;
    return list;
  };
  const item = decodeAt(0, bytes.length, 0);
  if (reader.end !== bytes.length)
    throw rlpError(path, TransactionVerdict.RlpTrailingBytes, reader.end);
  return item;
}

function rlpError(path: string, verdict: TransactionVerdict, offset: number): LanewiseError {
  return new LanewiseError(
    "ERR_INPUT",
    `${path}: ${transactionVerdictName(verdict)} at byte offset ${offset}`,
  );
}

/** What {@link encodeRlp} takes: bytes as they are, non-negative integers in their shortest big-endian form, lists. */
export type RlpInput = Uint8Array | bigint | number | readonly RlpInput[];

/** Bytes that the header of a list, or of a string of other than one byte, takes. */
export function rlpHeaderLength(payloadLength: number): number {
  if (payloadLength < 56) return 1;
  if (payloadLength < 0x100) return 2;
  if (payloadLength < 0x10000) return 3;
  return payloadLength < 0x1000000 ? 4 : 5;
}

/**
 * Writes the header of a list, or of a string of other than one byte.
 *
 * @param base {@link RLP_STRING} or {@link RLP_LIST}.
 * @returns the offset after the header.
 */
export function writeRlpHeader(
  target: Uint8Array,
  at: number,
  base: number,
  payloadLength: number,
): number {
  if (payloadLength < 56) {
    target[at] = base + payloadLength;
    return at + 1;
  }
  const lengthBytes = rlpHeaderLength(payloadLength) - 1;
  target[at] = base + 55 + lengthBytes;
  for (let i = lengthBytes, rest = payloadLength; i > 0; i--, rest >>>= 8) target[at + i] = rest;
  return at + 1 + lengthBytes;
}

/**
 * Encodes an item.
 *
 * @throws RangeError on a negative or fractional integer.
 */
export function encodeRlp(input: RlpInput): Uint8Array {
  const chunks: Uint8Array[] = [];
  const length = collect(input, chunks);
  const out = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    out.set(chunk, at);
    at += chunk.length;
  }
  return out;
}

/** Appends the encoding to `chunks`, in order, and returns its length. */
function collect(input: RlpInput, chunks: Uint8Array[]): number {
  if (typeof input === "bigint" || typeof input === "number") {
    return collect(integerBytes(input), chunks);
  }
  if (input instanceof Uint8Array) {
    if (input.length === 1 && input[0] < 0x80) {
      chunks.push(input);
      return 1;
    }
    const header = rlpHeader(RLP_STRING, input.length);
    chunks.push(header, input);
    return header.length + input.length;
  }
  // The header comes first and is known last.
  const headerIndex = chunks.push(EMPTY) - 1;
  let payloadLength = 0;
  for (const item of input) payloadLength += collect(item, chunks);
  const header = rlpHeader(RLP_LIST, payloadLength);
  chunks[headerIndex] = header;
  return header.length + payloadLength;
}

const EMPTY = new Uint8Array(0);

function rlpHeader(base: number, payloadLength: number): Uint8Array {
  const header = new Uint8Array(rlpHeaderLength(payloadLength));
  writeRlpHeader(header, 0, base, payloadLength);
  return header;
}

/** Shortest big-endian form; zero is no bytes at all. */
export function integerBytes(value: bigint | number): Uint8Array {
  if (value < 0 || (typeof value === "number" && !Number.isSafeInteger(value))) {
    throw new RangeError(`encodeRlp: expected a non-negative integer, got ${value}`);
  }
  let rest = BigInt(value);
  const bytes: number[] = [];
  for (; rest > 0n; rest >>= 8n) bytes.push(Number(rest & 0xffn));
  return Uint8Array.from(bytes.reverse());
}
