/**
 * The messages of `proto/lanewise.proto` in the protobuf wire format, written by hand: four kinds of fields, no run-time loader, and
 * record bytes that are views of the message rather than copies.
 *
 * @module
 */

/** `VerifyRequest`; what a message leaves out has proto3's default. */
export interface VerifyRequest {
  readonly id: bigint;
  readonly algorithm: string;
  readonly records: Uint8Array;
  readonly arena: Uint8Array;
  /** The number of the enum value as it came. */
  readonly priority: number;
  readonly source: string;
  readonly deadlineMs: number;
}

/** `VerifyResponse`: an answer, or a status that is not 0. */
export interface VerifyResponse {
  readonly id: bigint;
  readonly verdicts: Uint8Array;
  readonly results: Uint8Array;
  readonly status: number;
  readonly message: string;
  readonly retryAfterMs: number;
}

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

const EMPTY = new Uint8Array(0);

/** Reads fields one after another. Lengths and bounds are checked before any byte is taken. */
class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  #malformed(what: string): Error {
    return new Error(`message: expected ${what} at byte ${this.#at}, got something else`);
  }

  uint64(): bigint {
    return this.varint();
  }

  uint32(): number {
    return Number(BigInt.asUintN(32, this.varint()));
  }

  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      if (this.done) throw this.#malformed("the rest of a varint");
      const byte = this.#bytes[this.#at++];
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw this.#malformed("a varint of at most 10 bytes");
  }

  bytes(): Uint8Array {
    const length = this.varint();
    if (length > BigInt(this.#bytes.length - this.#at)) {
      throw this.#malformed(`${length} bytes`);
    }
    const start = this.#at;
    this.#at += Number(length);
    return this.#bytes.subarray(start, this.#at);
  }

  string(): string {
    const bytes = this.bytes();
    try {
      return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    } catch {
      throw this.#malformed("UTF-8 before this point");
    }
  }

  /** Passes over a field that this version does not know. */
  skip(wireType: number): void {
    if (wireType === VARINT) this.varint();
    else if (wireType === BYTES) this.bytes();
    else if (wireType === FIXED64) this.#pass(8);
    else if (wireType === FIXED32) this.#pass(4);
    else throw this.#malformed("a known wire type");
  }

  #pass(length: number): void {
    if (length > this.#bytes.length - this.#at) throw this.#malformed(`${length} bytes`);
    this.#at += length;
  }
}

/** How a field is written. */
type Kind = "uint64" | "uint32" | "string" | "bytes";

const WIRE_TYPES: Readonly<Record<Kind, number>> = {
  uint64: VARINT,
  uint32: VARINT,
  string: BYTES,
  bytes: BYTES,
};

/** Fields by number, all below 16, so that a tag is one byte. */
type Fields<Message> = readonly (readonly [number: number, name: keyof Message, kind: Kind])[];

const REQUEST: Fields<VerifyRequest> = [
  [1, "id", "uint64"],
  [2, "algorithm", "string"],
  [3, "records", "bytes"],
  [4, "arena", "bytes"],
  [5, "priority", "uint32"],
  [6, "source", "string"],
  [7, "deadlineMs", "uint32"],
];

const RESPONSE: Fields<VerifyResponse> = [
  [1, "id", "uint64"],
  [2, "verdicts", "bytes"],
  [3, "results", "bytes"],
  [4, "status", "uint32"],
  [5, "message", "string"],
  [6, "retryAfterMs", "uint32"],
];

/** A field that comes twice counts the second time; one that is not known, or of another type, is passed over. */
function decode<Message>(bytes: Uint8Array, defaults: Message, fields: Fields<Message>): Message {
  const reader = new Reader(bytes);
  const values: Partial<Record<keyof Message, unknown>> = {};
  while (!reader.done) {
    const tag = reader.varint();
    const wireType = Number(tag & 7n);
    if (tag >> 3n === 0n) throw new Error("message: expected a field number, got 0");
    const field = fields.find(([number]) => BigInt(number) === tag >> 3n);
    if (field === undefined || WIRE_TYPES[field[2]] !== wireType) reader.skip(wireType);
    else values[field[1]] = reader[field[2]]();
  }
  return { ...defaults, ...values };
}

/** Defaults are left out. */
function encode<Message>(message: Message, fields: Fields<Message>): Buffer {
  const parts: Uint8Array[] = [];
  for (const [number, name, kind] of fields) {
    const value = message[name];
    if (WIRE_TYPES[kind] === VARINT) {
      const integer = BigInt(value as bigint | number);
      if (integer !== 0n) parts.push(head(number, VARINT, integer));
      continue;
    }
    const bytes = kind === "string" ? Buffer.from(value as string) : (value as Uint8Array);
    if (bytes.length > 0) parts.push(head(number, BYTES, BigInt(bytes.length)), bytes);
  }
  return Buffer.concat(parts);
}

/** A tag, and the varint behind it. */
function head(number: number, wireType: number, value: bigint): Uint8Array {
  const bytes = [(number << 3) | wireType];
  let rest = value;
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}

const NO_REQUEST: VerifyRequest = {
  id: 0n,
  algorithm: "",
  records: EMPTY,
  arena: EMPTY,
  priority: 0,
  source: "",
  deadlineMs: 0,
};

const NO_RESPONSE: VerifyResponse = {
  id: 0n,
  verdicts: EMPTY,
  results: EMPTY,
  status: 0,
  message: "",
  retryAfterMs: 0,
};

/**
 * Reads a `VerifyRequest`; its bytes are views.
 *
 * @throws Error that says at which byte the message is malformed.
 */
export function decodeVerifyRequest(bytes: Uint8Array): VerifyRequest {
  return decode(bytes, NO_REQUEST, REQUEST);
}

/** Reads a `VerifyResponse`. @throws Error as {@link decodeVerifyRequest}. */
export function decodeVerifyResponse(bytes: Uint8Array): VerifyResponse {
  return decode(bytes, NO_RESPONSE, RESPONSE);
}

/** Writes a `VerifyRequest`. */
export function encodeVerifyRequest(message: VerifyRequest): Buffer {
  return encode(message, REQUEST);
}

/** Writes a `VerifyResponse`. */
export function encodeVerifyResponse(message: VerifyResponse): Buffer {
  return encode(message, RESPONSE);
}
