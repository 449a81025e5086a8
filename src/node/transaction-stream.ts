/**
 * Streams of raw signed transactions, read with bounded memory.
 *
 * Two forms:
 *
 * - *hex lines*: one transaction a line, with or without `0x`; empty lines and lines that start with `#` are skipped;
 * - *length-prefixed*: each transaction as a u32 big-endian length and that many bytes. The stream starts with a zero byte, since
 *   no transaction reaches 16 MiB; no other input that Lanewise reads does.
 *
 * @module
 */
import type { PackedTransactions } from "../chains/ethereum/index.ts";
import { LanewiseError } from "../core/index.ts";
import { type BlockInput, BYTES_PER_UNIT, TRANSACTIONS_PER_UNIT } from "../pipeline/input.ts";

/** Longest transaction accepted, 16 MiB: a hundred times what a block has room for. */
export const MAX_TRANSACTION_BYTES = 2 ** 24 - 1;

/** Bytes as they arrive. */
export type Chunks = AsyncIterable<Uint8Array>;

/** Packs transactions one after another into units. */
class Packer {
  readonly #label: string;
  #bytes = new Uint8Array(64 * 1024);
  #length = 0;
  #ends: number[] = [];
  #taken = 0;

  constructor(label: string) {
    this.#label = label;
  }

  get isFull(): boolean {
    return this.#ends.length >= TRANSACTIONS_PER_UNIT || this.#length >= BYTES_PER_UNIT;
  }

  /** Room for a transaction of `length` bytes, to be written by the caller. */
  add(length: number): Uint8Array {
    const needed = this.#length + length;
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
      larger.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = larger;
    }
    const room = this.#bytes.subarray(this.#length, needed);
    this.#length = needed;
    this.#ends.push(needed);
    return room;
  }

  /** What was packed since the last call; `undefined` where that is nothing. */
  take(): BlockInput | undefined {
    const count = this.#ends.length;
    if (count === 0) return undefined;
    const raws: PackedTransactions = {
      bytes: this.#bytes.slice(0, this.#length),
      offsets: Uint32Array.from([0, ...this.#ends]),
    };
    const first = this.#taken;
    this.#taken += count;
    this.#length = 0;
    this.#ends = [];
    return { label: this.#label, content: { kind: "transactions", raws, first } };
  }
}

/** Units of a list that is in memory already. */
export function* transactionUnits(
  raws: Iterable<Uint8Array>,
  label: string,
): Generator<BlockInput> {
  const packer = new Packer(label);
  for (const raw of raws) {
    packer.add(raw.length).set(raw);
    if (packer.isFull) yield packer.take() as BlockInput;
  }
  const rest = packer.take();
  if (rest !== undefined) yield rest;
}

const NEWLINE = 10;

/** Hex digit → value, 255 for anything else. */
const DIGITS = new Uint8Array(256).fill(255);
for (let i = 0; i < 16; i++) {
  DIGITS["0123456789abcdef".charCodeAt(i)] = i;
  DIGITS["0123456789ABCDEF".charCodeAt(i)] = i;
}

function isBlank(byte: number): boolean {
  return byte === 32 || byte === 9 || byte === 13;
}

/** Adds the transaction of one line. */
function addLine(packer: Packer, line: Uint8Array, where: string): void {
  let start = 0;
  let end = line.length;
  while (start < end && isBlank(line[start])) start++;
  while (end > start && isBlank(line[end - 1])) end--;
  if (start === end || line[start] === 35) return;
  if (line[start] === 48 && (line[start + 1] === 120 || line[start + 1] === 88)) start += 2;
  if ((end - start) % 2 !== 0) {
    throw new LanewiseError("ERR_INPUT", `${where}: expected an even number of hex digits`);
  }
  const room = packer.add((end - start) / 2);
  for (let i = 0; i < room.length; i++) {
    const high = DIGITS[line[start + 2 * i]];
    const low = DIGITS[line[start + 2 * i + 1]];
    if (high > 15 || low > 15) {
      const got = JSON.stringify(String.fromCharCode(line[start + 2 * i + (high > 15 ? 0 : 1)]));
      throw new LanewiseError("ERR_INPUT", `${where}: expected hex digits, got ${got}`);
    }
    room[i] = high * 16 + low;
  }
}

/**
 * Reads hex lines.
 *
 * @throws LanewiseError `ERR_INPUT` naming the line, where one is not hex or too long.
 */
export async function* readHexLines(chunks: Chunks, label: string): AsyncGenerator<BlockInput> {
  const packer = new Packer(label);
  let rest: Uint8Array = new Uint8Array(0);
  let lineNumber = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      const tail = chunk.subarray(start, end);
      addLine(packer, rest.length > 0 ? join(rest, tail) : tail, `${label} line ${++lineNumber}`);
      rest = new Uint8Array(0);
      start = end + 1;
      if (packer.isFull) yield packer.take() as BlockInput;
    }
    rest = join(rest, chunk.subarray(start));
    if (rest.length > 2 * MAX_TRANSACTION_BYTES + 2) {
      throw new LanewiseError(
        "ERR_INPUT",
        `${label} line ${lineNumber + 1}: expected at most ${MAX_TRANSACTION_BYTES} bytes, got more`,
      );
    }
  }
  if (rest.length > 0) addLine(packer, rest, `${label} line ${lineNumber + 1}`);
  const last = packer.take();
  if (last !== undefined) yield last;
}

/**
 * Reads a length-prefixed stream.
 *
 * @throws LanewiseError `ERR_INPUT` naming the transaction, where a length is absurd or the stream ends inside one.
 */
export async function* readLengthPrefixed(
  chunks: Chunks,
  label: string,
): AsyncGenerator<BlockInput> {
  const packer = new Packer(label);
  let index = 0;
  const header = new Uint8Array(4);
  let headerFilled = 0;
  let room: Uint8Array | undefined;
  let roomFilled = 0;
  for await (const chunk of chunks) {
    let at = 0;
    while (at < chunk.length || (room !== undefined && room.length === 0)) {
      if (room === undefined) {
        header[headerFilled++] = chunk[at++];
        if (headerFilled < 4) continue;
        headerFilled = 0;
        const length = new DataView(header.buffer).getUint32(0);
        if (length > MAX_TRANSACTION_BYTES) {
          throw new LanewiseError(
            "ERR_INPUT",
            `${label} transaction ${index}: expected a length of at most ${MAX_TRANSACTION_BYTES}, got ${length}`,
          );
        }
        room = packer.add(length);
        roomFilled = 0;
      }
      const taken = Math.min(room.length - roomFilled, chunk.length - at);
      room.set(chunk.subarray(at, at + taken), roomFilled);
      roomFilled += taken;
      at += taken;
      if (roomFilled < room.length) continue;
      room = undefined;
      index++;
      if (packer.isFull) yield packer.take() as BlockInput;
    }
  }
  if (room !== undefined || headerFilled > 0) {
    throw new LanewiseError(
      "ERR_INPUT",
      `${label} transaction ${index}: expected more bytes, got the end of the stream`,
    );
  }
  const last = packer.take();
  if (last !== undefined) yield last;
}

function join(a: Uint8Array, b: Uint8Array): Uint8Array {
  const joined = new Uint8Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}
