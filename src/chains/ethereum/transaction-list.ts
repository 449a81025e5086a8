/**
 * Decoded transactions as columns over their raw bytes: no object per transaction, none per field.
 *
 * `decodeTransactions` (decode.ts) builds one. Integers stay big-endian bytes until somebody asks; a getter that returns bytes
 * returns a view. Getters answer for transactions whose verdict is `Valid`; of others they may see a part.
 *
 * @module
 */
import {
  AUTHORIZATION_WORDS,
  AuthorizationWord,
  ROW_WORDS,
  RowWord,
  SIGNATURE_ODD_Y,
  SIGNATURE_REPLAY_PROTECTED,
  TransactionField,
  TransactionType,
} from "./fields.ts";
import { RlpReader } from "./rlp.ts";
import type { TransactionRules } from "./rules.ts";

/** One address of an access list (EIP-2930): 20 bytes, and its 32-byte storage keys. */
export interface AccessListEntry {
  readonly address: Uint8Array;
  readonly storageKeys: readonly Uint8Array[];
}

/** One authorisation (EIP-7702), as values. */
export interface Authorization {
  readonly chainId: bigint;
  /** 20 bytes: the code that the authority points to; all zero to clear it. */
  readonly address: Uint8Array;
  readonly nonce: bigint;
  readonly yParity: number;
  readonly r: bigint;
  readonly s: bigint;
}

/** The sidecar of a blob transaction in network form (EIP-4844; version 1: EIP-7594). */
export interface BlobSidecar {
  /** 0: one proof a blob; 1: 128 cell proofs a blob. */
  readonly version: 0 | 1;
  /** 131 072 bytes each. */
  readonly blobs: readonly Uint8Array[];
  /** 48 bytes each, one a blob. */
  readonly commitments: readonly Uint8Array[];
  /** 48 bytes each. */
  readonly proofs: readonly Uint8Array[];
}

/** A batch of decoded transactions: raw bytes, rows of offsets, verdicts. */
export class TransactionList {
  readonly count: number;
  readonly rules: TransactionRules;
  /** The raw transactions, back to back. */
  readonly bytes: Uint8Array;
  /** `count + 1` byte offsets: transaction i is `bytes[offsets[i] … offsets[i + 1])`. */
  readonly offsets: Uint32Array;
  /** `count × ROW_WORDS`; see fields.ts. */
  readonly rows: Uint32Array;
  readonly types: Uint8Array;
  /** `SIGNATURE_ODD_Y` and `SIGNATURE_REPLAY_PROTECTED`. */
  readonly signatureBits: Uint8Array;
  /** One `TransactionVerdict` per transaction. */
  readonly verdicts: Uint32Array;
  /** Authorisations of all valid type-4 transactions, in order. */
  authorizationCount = 0;
  /** At least `authorizationCount × AUTHORIZATION_WORDS`. */
  authorizationRows = new Uint32Array(0);
  /** One `TransactionVerdict` per authorisation, signatures aside. A bad one leaves its transaction valid. */
  authorizationVerdicts = new Uint32Array(0);

  constructor(bytes: Uint8Array, offsets: Uint32Array, rules: TransactionRules) {
    this.count = offsets.length - 1;
    this.rules = rules;
    this.bytes = bytes;
    this.offsets = offsets;
    this.rows = new Uint32Array(this.count * ROW_WORDS);
    this.types = new Uint8Array(this.count);
    this.signatureBits = new Uint8Array(this.count);
    this.verdicts = new Uint32Array(this.count);
  }

  /** Byte offset of a field's payload in `bytes`. */
  fieldStart(index: number, field: TransactionField): number {
    return this.rows[index * ROW_WORDS + 2 * field];
  }

  /** Length of a field's payload in bytes; 0 where the type has no such field. */
  fieldLength(index: number, field: TransactionField): number {
    return this.rows[index * ROW_WORDS + 2 * field + 1];
  }

  /** A field's payload (a view). */
  fieldBytes(index: number, field: TransactionField): Uint8Array {
    const start = this.fieldStart(index, field);
    return this.bytes.subarray(start, start + this.fieldLength(index, field));
  }

  /** A field's payload as a big-endian integer. */
  fieldInteger(index: number, field: TransactionField): bigint {
    return readInteger(this.bytes, this.fieldStart(index, field), this.fieldLength(index, field));
  }

  /** A field's payload as a number: exact below 2⁵³, and never on the wrong side of a safe integer. */
  fieldNumber(index: number, field: TransactionField): number {
    return readNumber(this.bytes, this.fieldStart(index, field), this.fieldLength(index, field));
  }

  /** The transaction as it was given (a view): network form where it came so. */
  raw(index: number): Uint8Array {
    return this.bytes.subarray(this.offsets[index], this.offsets[index + 1]);
  }

  /** The transaction as a block carries it: a view, or a copy without the sidecar of a network form. */
  canonical(index: number): Uint8Array {
    if (!this.hasSidecar(index)) return this.raw(index);
    const row = index * ROW_WORDS;
    const list = this.bytes.subarray(
      this.rows[row + RowWord.ListStart],
      this.rows[row + RowWord.ListEnd],
    );
    const out = new Uint8Array(1 + list.length);
    out[0] = TransactionType.Blob;
    out.set(list, 1);
    return out;
  }

  type(index: number): TransactionType {
    return this.types[index] as TransactionType;
  }

  /** The chain that the signature names; `undefined` for a legacy transaction without replay protection. */
  chainId(index: number): bigint | undefined {
    if (this.types[index] !== TransactionType.Legacy) {
      return this.fieldInteger(index, TransactionField.ChainId);
    }
    return this.signatureBits[index] & SIGNATURE_REPLAY_PROTECTED ? this.rules.chainId : undefined;
  }

  nonce(index: number): bigint {
    return this.fieldInteger(index, TransactionField.Nonce);
  }

  gasLimit(index: number): bigint {
    return this.fieldInteger(index, TransactionField.GasLimit);
  }

  /** Highest fee per gas in wei: `gasPrice` of types 0 and 1. */
  maxFeePerGas(index: number): bigint {
    return this.fieldInteger(index, TransactionField.MaxFeePerGas);
  }

  /** Highest tip per gas in wei: `gasPrice` of types 0 and 1. */
  maxPriorityFeePerGas(index: number): bigint {
    const field =
      this.types[index] < TransactionType.DynamicFee
        ? TransactionField.MaxFeePerGas
        : TransactionField.MaxPriorityFeePerGas;
    return this.fieldInteger(index, field);
  }

  /** What the sender pays per gas in a block of this base fee, in wei (EIP-1559). */
  effectiveGasPrice(index: number, baseFeePerGas: bigint): bigint {
    const maxFee = this.maxFeePerGas(index);
    if (this.types[index] < TransactionType.DynamicFee) return maxFee;
    const withTip = baseFeePerGas + this.maxPriorityFeePerGas(index);
    return withTip < maxFee ? withTip : maxFee;
  }

  /** The 20-byte recipient (a view); `undefined` where the transaction creates a contract. */
  to(index: number): Uint8Array | undefined {
    return this.isCreation(index) ? undefined : this.fieldBytes(index, TransactionField.To);
  }

  isCreation(index: number): boolean {
    return this.fieldLength(index, TransactionField.To) === 0;
  }

  /** wei */
  value(index: number): bigint {
    return this.fieldInteger(index, TransactionField.Value);
  }

  /** Calldata, or init code (a view). */
  data(index: number): Uint8Array {
    return this.fieldBytes(index, TransactionField.Data);
  }

  accessListAddressCount(index: number): number {
    return this.rows[index * ROW_WORDS + RowWord.AccessListAddresses];
  }

  accessListKeyCount(index: number): number {
    return this.rows[index * ROW_WORDS + RowWord.AccessListKeys];
  }

  /**
   * Walks the access list without making objects.
   *
   * @param visit gets offsets into `bytes`: the 20-byte address, and the first 32-byte key; keys lie 33 bytes apart.
   */
  visitAccessList(
    index: number,
    visit: (addressStart: number, firstKeyStart: number, keyCount: number) => void,
  ): void {
    const reader = new RlpReader(this.bytes);
    const start = this.fieldStart(index, TransactionField.AccessList);
    const end = start + this.fieldLength(index, TransactionField.AccessList);
    for (let at = start; at < end; ) {
      reader.read(at, end);
      at = reader.end;
      // An entry is the address behind its one-byte header, then the list of keys.
      const addressStart = reader.start + 1;
      reader.read(addressStart + 20, at);
      visit(addressStart, reader.start + 1, (reader.end - reader.start) / 33);
    }
  }

  accessList(index: number): AccessListEntry[] {
    const entries: AccessListEntry[] = [];
    this.visitAccessList(index, (address, firstKey, keyCount) => {
      entries.push({
        address: this.bytes.subarray(address, address + 20),
        storageKeys: Array.from({ length: keyCount }, (_, key) =>
          this.bytes.subarray(firstKey + 33 * key, firstKey + 33 * key + 32),
        ),
      });
    });
    return entries;
  }

  /** wei */
  maxFeePerBlobGas(index: number): bigint {
    return this.fieldInteger(index, TransactionField.MaxFeePerBlobGas);
  }

  blobCount(index: number): number {
    return this.fieldLength(index, TransactionField.BlobVersionedHashes) / 33;
  }

  /** A 32-byte versioned hash (a view). */
  blobVersionedHash(index: number, blob: number): Uint8Array {
    const start = this.fieldStart(index, TransactionField.BlobVersionedHashes) + 33 * blob + 1;
    return this.bytes.subarray(start, start + 32);
  }

  /** Whether the transaction came in network form. */
  hasSidecar(index: number): boolean {
    return this.fieldLength(index, TransactionField.Sidecar) > 0;
  }

  /** Views of the sidecar's parts; `undefined` for a transaction in canonical form. */
  sidecar(index: number): BlobSidecar | undefined {
    if (!this.hasSidecar(index)) return undefined;
    const reader = new RlpReader(this.bytes);
    const start = this.fieldStart(index, TransactionField.Sidecar);
    const end = start + this.fieldLength(index, TransactionField.Sidecar);
    let at = start;
    const strings = (): Uint8Array[] => {
      reader.read(at, end);
      at = reader.end;
      const list: Uint8Array[] = [];
      for (let next = reader.start; next < at; next = reader.end) {
        reader.read(next, at);
        list.push(this.bytes.subarray(reader.start, reader.end));
      }
      return list;
    };
    const version = this.bytes[start] === 1 ? 1 : 0;
    if (version === 1) at++;
    return { version, blobs: strings(), commitments: strings(), proofs: strings() };
  }

  /** 0 or 1: the parity of the y coordinate of the signature's point R. */
  yParity(index: number): number {
    return this.signatureBits[index] & SIGNATURE_ODD_Y;
  }

  /** v as it stands on the wire; the y parity for typed transactions. */
  v(index: number): bigint {
    return this.fieldInteger(index, TransactionField.V);
  }

  r(index: number): bigint {
    return this.fieldInteger(index, TransactionField.R);
  }

  s(index: number): bigint {
    return this.fieldInteger(index, TransactionField.S);
  }

  /** Index of the transaction's first authorisation among all of the list. */
  firstAuthorization(index: number): number {
    return this.rows[index * ROW_WORDS + RowWord.AuthorizationFirst];
  }

  authorizationsOf(index: number): number {
    return this.rows[index * ROW_WORDS + RowWord.AuthorizationCount];
  }

  /** The transaction that carries authorisation `authorization`, counted over the whole list. */
  transactionOfAuthorization(authorization: number): number {
    return this.authorizationRows[
      authorization * AUTHORIZATION_WORDS + AuthorizationWord.Transaction
    ];
  }

  /** Authorisation number `authorization` of the whole list, as values. */
  authorization(authorization: number): Authorization {
    const row = authorization * AUTHORIZATION_WORDS;
    const integer = (word: number): bigint =>
      readInteger(
        this.bytes,
        this.authorizationRows[row + word],
        this.authorizationRows[row + word + 1],
      );
    const address = this.authorizationRows[row + AuthorizationWord.Address];
    return {
      chainId: integer(AuthorizationWord.ChainId),
      address: this.bytes.subarray(address, address + 20),
      nonce: integer(AuthorizationWord.Nonce),
      yParity: Number(integer(AuthorizationWord.YParity)),
      r: integer(AuthorizationWord.R),
      s: integer(AuthorizationWord.S),
    };
  }
}

/** A big-endian integer. */
export function readInteger(bytes: Uint8Array, start: number, length: number): bigint {
  if (length <= 6) return BigInt(readNumber(bytes, start, length));
  let value = 0n;
  let at = start;
  const end = start + length;
  // Six bytes at a time stay exact as a number; the odd bytes come first.
  const odd = length % 6;
  if (odd > 0) {
    value = BigInt(readNumber(bytes, at, odd));
    at += odd;
  }
  for (; at < end; at += 6) value = (value << 48n) | BigInt(readNumber(bytes, at, 6));
  return value;
}

/** A big-endian integer as a number: exact below 2⁵³, rounded above. */
export function readNumber(bytes: Uint8Array, start: number, length: number): number {
  let value = 0;
  for (let i = start; i < start + length; i++) value = value * 256 + bytes[i];
  return value;
}

/** Whether a big-endian integer without leading zeros is 2⁶⁴ − 1. */
export function isMaxU64(bytes: Uint8Array, start: number, length: number): boolean {
  if (length !== 8) return false;
  for (let i = 0; i < 8; i++) if (bytes[start + i] !== 0xff) return false;
  return true;
}
