/**
 * Transaction types and the table that a {@link TransactionList} keeps of them: one row of u32 words per transaction, a (start,
 * length) pair per field, then what the signing payload and the rules need.
 *
 * @module
 */

/** Transaction types (EIP-2718). Legacy transactions have no type byte. */
export const TransactionType = {
  Legacy: 0,
  /** EIP-2930 */
  AccessList: 1,
  /** EIP-1559 */
  DynamicFee: 2,
  /** EIP-4844 */
  Blob: 3,
  /** EIP-7702 */
  SetCode: 4,
} as const;
export type TransactionType = (typeof TransactionType)[keyof typeof TransactionType];

/** Fields by number: field f has its start at word 2f of a row and its length at word 2f + 1. */
export const TransactionField = {
  ChainId: 0,
  Nonce: 1,
  MaxPriorityFeePerGas: 2,
  /** `gasPrice` of types 0 and 1. */
  MaxFeePerGas: 3,
  GasLimit: 4,
  To: 5,
  Value: 6,
  Data: 7,
  /** The list's payload, as for all lists here. */
  AccessList: 8,
  MaxFeePerBlobGas: 9,
  BlobVersionedHashes: 10,
  AuthorizationList: 11,
  /** v of type 0, y parity of all others. */
  V: 12,
  R: 13,
  S: 14,
  /** Network form: what follows the signed transaction in its wrapper. */
  Sidecar: 15,
} as const;
export type TransactionField = (typeof TransactionField)[keyof typeof TransactionField];

/** Words of a row after the fields. */
export const RowWord = {
  /** The transaction's RLP list, header included: what the type byte and the list hash to is the transaction hash. */
  ListStart: 32,
  ListEnd: 33,
  /** First byte of the first field. */
  PayloadStart: 34,
  /** First byte after the last signed field. */
  SignedEnd: 35,
  AccessListAddresses: 36,
  AccessListKeys: 37,
  /** Index of the transaction's first authorisation, over the whole list. */
  AuthorizationFirst: 38,
  AuthorizationCount: 39,
} as const;

/** u32 words of a transaction's row. */
export const ROW_WORDS = 40;

/** Words of an authorisation's row (EIP-7702): (start, length) pairs, then the range that is signed. */
export const AuthorizationWord = {
  ChainId: 0,
  Address: 2,
  Nonce: 4,
  YParity: 6,
  R: 8,
  S: 10,
  PayloadStart: 12,
  SignedEnd: 13,
  /** Index of the transaction that carries it. */
  Transaction: 14,
} as const;

/** u32 words of an authorisation's row. */
export const AUTHORIZATION_WORDS = 16;

/** Bits of `TransactionList.signatureBits`. */
export const SIGNATURE_ODD_Y = 1;
/** The signing payload ends with the chain id (EIP-155). */
export const SIGNATURE_REPLAY_PROTECTED = 2;
