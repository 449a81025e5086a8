/**
 * Verdicts of Ethereum transactions: why one may not stand in a block, as u32 codes from 0x1000 on.
 *
 * They share the number space of `core/verdict.ts`, so that a transaction's decode verdict and its signature's verdict fit one
 * column. Where a transaction breaks several rules, the verdict is the first in this order: the bytes from left to right, then
 * the rules of the fork in the order of `rules.ts`.
 *
 * @module
 */
import { Verdict, verdictNamer } from "../../core/index.ts";

/** Why a transaction is invalid, or `Valid`. Codes are stable: never renumber, only append. */
export const TransactionVerdict = {
  /** Every rule that needs no state and no signature check holds. */
  Valid: Verdict.Valid,

  /** An RLP item reaches past the bytes or the list that hold it, or there are no bytes at all. */
  RlpTruncated: 0x1001,
  /** An RLP length or single byte is not in its one shortest form. */
  RlpNotCanonical: 0x1002,
  /** Bytes follow the outermost RLP item. */
  RlpTrailingBytes: 0x1003,
  /** RLP lists are nested deeper, or hold more items, than the reader was told to accept. */
  RlpTooComplex: 0x1004,

  /** The first byte names no transaction type (EIP-2718). */
  TypeUnknown: 0x1010,
  /** The transaction type starts with a later fork. */
  TypeNotActive: 0x1011,
  /** The transaction's list has too few or too many items for its type. */
  FieldCount: 0x1012,
  /** A list where a byte string belongs, or the reverse. */
  FieldKind: 0x1013,
  /** An integer starts with a zero byte. */
  IntegerLeadingZero: 0x1014,
  /** An integer does not fit its type: 64 bits for nonce and gas limit, 256 bits for all others. */
  IntegerTooLarge: 0x1015,
  /** `to` has neither 0 nor 20 bytes. */
  AddressLength: 0x1016,
  /** An access list is not a list of [20-byte address, [32-byte key, …]] (EIP-2930). */
  AccessListMalformed: 0x1017,
  /** A blob versioned hash does not have 32 bytes (EIP-4844). */
  BlobHashLength: 0x1018,
  /** An authorisation is not [chain id, 20-byte address, nonce, y parity, r, s] within bounds (EIP-7702). */
  AuthorizationMalformed: 0x1019,
  /** A blob transaction with its sidecar where only the canonical form may stand: a block's body. */
  NetworkFormNotAllowed: 0x101a,
  /** A sidecar's wrapper version is unknown, or its lists do not match the number of blob hashes (EIP-4844, EIP-7594). */
  SidecarMalformed: 0x101b,

  /** The transaction is signed for another chain (EIP-155, EIP-2930). */
  ChainIdMismatch: 0x1020,
  /** v is neither 27 nor 28 nor an EIP-155 value, or the y parity of a typed transaction is neither 0 nor 1. */
  ParityInvalid: 0x1021,
  /** The nonce is 2⁶⁴ − 1 (EIP-2681). */
  NonceLimit: 0x1022,
  /** Gas limit × fee per gas does not fit 256 bits. */
  GasCostOverflow: 0x1023,
  /** maxPriorityFeePerGas > maxFeePerGas (EIP-1559). */
  PriorityFeeAboveMaxFee: 0x1024,
  /** `to` is empty in a type that cannot create a contract (EIP-4844, EIP-7702). */
  CreationNotAllowed: 0x1025,
  /** A blob transaction without blobs (EIP-4844). */
  BlobListEmpty: 0x1026,
  /** More blobs than a transaction may carry (EIP-4844, EIP-7594). */
  BlobCount: 0x1027,
  /** A blob versioned hash does not start with 0x01 (EIP-4844). */
  BlobHashVersion: 0x1028,
  /** A type-4 transaction without authorisations (EIP-7702). */
  AuthorizationListEmpty: 0x1029,
  /** Init code is longer than 49 152 bytes (EIP-3860). */
  InitcodeTooLarge: 0x102a,
  /** The gas limit is above 2²⁴ (EIP-7825). */
  GasLimitAboveCap: 0x102b,
  /** The gas limit is below the intrinsic gas. */
  IntrinsicGas: 0x102c,
  /** The gas limit is below the calldata floor (EIP-7623). */
  FloorGas: 0x102d,

  /** maxFeePerGas, or gasPrice, is below the block's base fee (EIP-1559). */
  MaxFeeBelowBaseFee: 0x1030,
  /** maxFeePerBlobGas is below the block's blob base fee (EIP-4844). */
  MaxBlobFeeBelowBaseFee: 0x1031,
  /** The gas limit is above the block's. */
  GasLimitAboveBlock: 0x1032,

  /** A blob versioned hash is not that of the sidecar's commitment (EIP-4844). */
  BlobHashMismatch: 0x1040,
  /** A KZG proof of the sidecar does not hold (EIP-4844, EIP-7594). */
  BlobProofInvalid: 0x1041,

  /** An authorisation for a chain that is neither this one nor 0; the transaction stays valid (EIP-7702). */
  AuthorizationChainId: 0x1050,
  /** An authorisation with nonce 2⁶⁴ − 1; the transaction stays valid (EIP-7702). */
  AuthorizationNonce: 0x1051,
  /** An authorisation whose y parity is neither 0 nor 1; the transaction stays valid (EIP-7702). */
  AuthorizationParity: 0x1052,
} as const;

/** One of the numbers in {@link TransactionVerdict}. */
export type TransactionVerdict = (typeof TransactionVerdict)[keyof typeof TransactionVerdict];

/** The name of a transaction's or a signature's verdict code, for reports. */
export const transactionVerdictName: (code: number) => string = verdictNamer(
  Verdict,
  TransactionVerdict,
);
