/**
 * Block headers of every era: RLP in, RLP out, and the hash (Yellow Paper §4.4.3 and the EIPs that appended fields).
 *
 * @module
 */
import { keccak256 } from "../../algorithms/index.ts";
import { LanewiseError } from "../../core/index.ts";
import { decodeRlp, encodeRlp, type RlpInput, type RlpItem } from "./rlp.ts";
import { readInteger } from "./transaction-list.ts";

/** A block header. Fields that an era has not got are absent; each present one needs all before it. */
export interface BlockHeader {
  /** 32 bytes, as are all hashes and roots. */
  readonly parentHash: Uint8Array;
  readonly ommersHash: Uint8Array;
  /** 20 bytes */
  readonly coinbase: Uint8Array;
  readonly stateRoot: Uint8Array;
  readonly transactionsRoot: Uint8Array;
  readonly receiptsRoot: Uint8Array;
  /** 256 bytes */
  readonly logsBloom: Uint8Array;
  /** 0 from Paris on (EIP-3675). */
  readonly difficulty: bigint;
  readonly number: bigint;
  readonly gasLimit: bigint;
  readonly gasUsed: bigint;
  /** seconds since 1970 */
  readonly timestamp: bigint;
  /** at most 32 bytes in a valid header */
  readonly extraData: Uint8Array;
  /** PREVRANDAO from Paris on (EIP-4399). */
  readonly mixHash: Uint8Array;
  /** 8 bytes */
  readonly nonce: Uint8Array;
  /** wei; London (EIP-1559) */
  readonly baseFeePerGas?: bigint;
  /** Shanghai (EIP-4895) */
  readonly withdrawalsRoot?: Uint8Array;
  /** Cancun (EIP-4844) */
  readonly blobGasUsed?: bigint;
  /** Cancun (EIP-4844) */
  readonly excessBlobGas?: bigint;
  /** Cancun (EIP-4788) */
  readonly parentBeaconBlockRoot?: Uint8Array;
  /** Prague (EIP-7685) */
  readonly requestsHash?: Uint8Array;
}

/** How one header field lies on the wire. */
export interface HeaderField {
  readonly name: keyof BlockHeader;
  /** `bytes`: exactly `size` bytes, or any number where `size` is 0; `integer`: at most `size` bytes. */
  readonly kind: "bytes" | "integer";
  readonly size: number;
}

const bytes = (name: keyof BlockHeader, size: number): HeaderField => ({
  name,
  kind: "bytes",
  size,
});
const integer = (name: keyof BlockHeader, size: number): HeaderField => ({
  name,
  kind: "integer",
  size,
});

/** All fields in wire order. */
export const HEADER_FIELDS: readonly HeaderField[] = [
  bytes("parentHash", 32),
  bytes("ommersHash", 32),
  bytes("coinbase", 20),
  bytes("stateRoot", 32),
  bytes("transactionsRoot", 32),
  bytes("receiptsRoot", 32),
  bytes("logsBloom", 256),
  integer("difficulty", 32),
  integer("number", 8),
  integer("gasLimit", 8),
  integer("gasUsed", 8),
  integer("timestamp", 8),
  bytes("extraData", 0),
  bytes("mixHash", 32),
  bytes("nonce", 8),
  integer("baseFeePerGas", 32),
  bytes("withdrawalsRoot", 32),
  integer("blobGasUsed", 8),
  integer("excessBlobGas", 8),
  bytes("parentBeaconBlockRoot", 32),
  bytes("requestsHash", 32),
];

/** Fields that every era has; London, Shanghai, Cancun and Prague appended to them. */
export const REQUIRED_HEADER_FIELDS = 15;
const FIELD_COUNTS: readonly number[] = [REQUIRED_HEADER_FIELDS, 16, 17, 20, 21];

/**
 * Decodes a header.
 *
 * @param path names the header in error messages.
 * @throws LanewiseError `ERR_INPUT` naming the field.
 */
export function decodeHeader(rlp: Uint8Array, path = "header"): BlockHeader {
  return headerFromItem(decodeRlp(rlp, { path, maxDepth: 2, maxItems: 64 }), path);
}

/** A header out of its decoded list. */
export function headerFromItem(item: RlpItem, path: string): BlockHeader {
  if (item instanceof Uint8Array) throw malformed(path, "a list", "a byte string");
  if (!FIELD_COUNTS.includes(item.length)) {
    throw malformed(path, `${FIELD_COUNTS.join(", ")} fields`, `${item.length}`);
  }
  const header: Record<string, Uint8Array | bigint> = {};
  for (let i = 0; i < item.length; i++) {
    const { name, kind, size } = HEADER_FIELDS[i];
    const value = item[i];
    const where = `${path}.${name}`;
    if (!(value instanceof Uint8Array)) throw malformed(where, "a byte string", "a list");
    header[name] = kind === "integer" ? integerOf(value, size, where) : bytesOf(value, size, where);
  }
  return header as unknown as BlockHeader;
}

function bytesOf(value: Uint8Array, size: number, path: string): Uint8Array {
  if (size > 0 && value.length !== size) throw malformed(path, `${size} bytes`, `${value.length}`);
  return value;
}

/** An integer of at most `size` bytes without leading zeros. */
export function integerOf(value: Uint8Array, size: number, path: string): bigint {
  if (value.length > size) throw malformed(path, `at most ${size} bytes`, `${value.length}`);
  if (value[0] === 0) throw malformed(path, "no leading zero byte", "one");
  return readInteger(value, 0, value.length);
}

export function malformed(path: string, expected: string, got: string): LanewiseError {
  return new LanewiseError("ERR_INPUT", `${path}: expected ${expected}, got ${got}`);
}

/** The header's fields in wire order, up to the last that its era has. */
export function headerInput(header: BlockHeader): RlpInput[] {
  const list: RlpInput[] = [];
  for (const { name } of HEADER_FIELDS) {
    const value = header[name];
    if (value === undefined) break;
    list.push(value);
  }
  return list;
}

export function encodeHeader(header: BlockHeader): Uint8Array {
  return encodeRlp(headerInput(header));
}

/** The block hash: keccak256 of the encoded header, on the reference column. */
export function headerHash(header: BlockHeader): Uint8Array {
  return keccakOf(encodeHeader(header));
}

/** One digest where a batch is not worth it. */
export function keccakOf(message: Uint8Array): Uint8Array {
  const record = new Uint8Array(keccak256.record.byteLength);
  new DataView(record.buffer).setUint32(
    keccak256.record.fields.length.offset,
    message.length,
    true,
  );
  const digest = new Uint8Array(keccak256.result.byteLength);
  keccak256.reference(record, message, digest);
  return digest;
}

/** keccak256 of an empty list: `ommersHash` of a block without ommers, and so of all from Paris on. */
export const EMPTY_OMMERS_HASH =
  "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347";
