/**
 * Writes RLP (Yellow Paper, appendix B) into one growing buffer, fast enough to encode transactions by the hundred thousand.
 *
 * @module
 */

/** A non-negative integer; a `number` must be a safe integer, and is the faster of the two. */
export type Quantity = number | bigint;

/** The longest header of a list or string below 2³² bytes. */
export const HEADER_BYTES = 5;

const TWO_32 = 2 ** 32;

/** Bytes of the shortest big-endian form of a safe integer. */
function byteLength(value: number): number {
  if (value < TWO_32) return value === 0 ? 0 : 4 - (Math.clz32(value) >>> 3);
  return 8 - (Math.clz32(value / TWO_32) >>> 3);
}

/** An RLP encoder over a buffer that is used again and again: `reset`, write, `bytes`. */
export class RlpWriter {
  #buffer: Uint8Array;
  #end = 0;

  constructor(capacityBytes = 1024) {
    this.#buffer = new Uint8Array(capacityBytes);
  }

  /** Where the next byte goes. */
  get position(): number {
    return this.#end;
  }

  /** Drops what lies at or after `position`. */
  reset(position = 0): void {
    this.#end = position;
  }

  /** A view of what was written from `start` on; valid until the next write. */
  view(start = 0): Uint8Array {
    return this.#buffer.subarray(start, this.#end);
  }

  /** A copy of what was written from `start` on. */
  bytes(start = 0): Uint8Array {
    return this.#buffer.slice(start, this.#end);
  }

  /** One byte outside RLP, such as the type of an EIP-2718 envelope. */
  byte(value: number): void {
    this.#reserve(1);
    this.#buffer[this.#end++] = value;
  }

  /** A byte string. */
  string(value: Uint8Array): void {
    const { length } = value;
    this.#reserve(length + HEADER_BYTES);
    if (length !== 1 || value[0] >= 0x80) this.#end += this.#header(this.#end, length, 0x80);
    this.#buffer.set(value, this.#end);
    this.#end += length;
  }

  /** An integer as a big-endian string without leading zeros. */
  integer(value: Quantity): void {
    if (typeof value === "bigint") {
      if (value > 0xffff_ffff_ffffn) this.#bigInteger(value);
      else this.integer(Number(value));
      return;
    }
    this.#reserve(HEADER_BYTES + 8);
    if (value > 0 && value < 0x80) {
      this.#buffer[this.#end++] = value;
      return;
    }
    const length = byteLength(value);
    this.#buffer[this.#end++] = 0x80 + length;
    for (let i = this.#end + length - 1; i >= this.#end; i--) {
      this.#buffer[i] = value; // modulo 256
      value = Math.floor(value / 256);
    }
    this.#end += length;
  }

  #bigInteger(value: bigint): void {
    const hex = value.toString(16);
    const length = (hex.length + 1) >> 1;
    this.#reserve(HEADER_BYTES + length);
    this.#end += this.#header(this.#end, length, 0x80);
    for (let i = this.#end + length - 1; i >= this.#end; i--) {
      this.#buffer[i] = Number(value & 0xffn);
      value >>= 8n;
    }
    this.#end += length;
  }

  /** A 32-byte big-endian integer, without its leading zeros. */
  word(value: Uint8Array): void {
    let zeros = 0;
    while (zeros < value.length && value[zeros] === 0) zeros++;
    this.string(zeros === 0 ? value : value.subarray(zeros));
  }

  /** A list of whatever `items` writes. */
  list(items: () => void): void {
    const start = this.#end;
    items();
    this.closeList(start);
  }

  /** Makes a list of what was written since `start`, by moving it up behind a header. */
  closeList(start: number): void {
    const length = this.#end - start;
    this.#reserve(HEADER_BYTES);
    const headerBytes = length < 56 ? 1 : 1 + byteLength(length);
    this.#buffer.copyWithin(start + headerBytes, start, this.#end);
    this.#header(start, length, 0xc0);
    this.#end += headerBytes;
  }

  /**
   * Puts a list header in front of what was written since `start`, into the room that the caller left there (at most
   * {@link HEADER_BYTES}).
   *
   * @returns where the header begins
   */
  prefixList(start: number): number {
    const length = this.#end - start;
    const at = start - (length < 56 ? 1 : 1 + byteLength(length));
    this.#header(at, length, 0xc0);
    return at;
  }

  /** Puts one byte in front of `start`; gives its position. */
  prefixByte(start: number, value: number): number {
    this.#buffer[start - 1] = value;
    return start - 1;
  }

  /** Writes a header at `at` and gives its length. */
  #header(at: number, length: number, base: number): number {
    if (length < 56) {
      this.#buffer[at] = base + length;
      return 1;
    }
    const bytes = byteLength(length);
    this.#buffer[at] = base + 55 + bytes;
    for (let i = bytes; i > 0; i--) {
      this.#buffer[at + i] = length;
      length >>>= 8;
    }
    return 1 + bytes;
  }

  #reserve(bytes: number): void {
    if (this.#end + bytes <= this.#buffer.length) return;
    const larger = new Uint8Array(Math.max(2 * this.#buffer.length, this.#end + bytes));
    larger.set(this.#buffer.subarray(0, this.#end));
    this.#buffer = larger;
  }
}
