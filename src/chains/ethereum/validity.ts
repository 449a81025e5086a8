/**
 * Judges decoded transactions by the rules of a fork: intrinsic gas, static validity, and what a block's header adds.
 *
 * @module
 */
import { ROW_WORDS, RowWord, TransactionField, TransactionType } from "./fields.ts";
import { isMaxU64, type TransactionList } from "./transaction-list.ts";
import { TransactionVerdict } from "./verdict.ts";

const BASE_GAS = 21_000;
const ZERO_BYTE_GAS = 4;
const ACCESS_LIST_ADDRESS_GAS = 2_400;
const ACCESS_LIST_KEY_GAS = 1_900;
/** `PER_EMPTY_ACCOUNT_COST` (EIP-7702). */
const AUTHORIZATION_GAS = 25_000;
/** Calldata tokens per non-zero byte (EIP-7623). */
const NON_ZERO_BYTE_TOKENS = 4;

/** Gas that a transaction costs before its first instruction (Yellow Paper §6.2 and the EIPs in rules.ts). */
export function intrinsicGas(list: TransactionList, index: number): number {
  return intrinsicGasOf(list, index, countZeroBytes(list, index));
}

/** The least gas limit by calldata alone (EIP-7623); 0 before Prague. */
export function floorGas(list: TransactionList, index: number): number {
  return floorGasOf(list, index, countZeroBytes(list, index));
}

function intrinsicGasOf(list: TransactionList, index: number, zeroBytes: number): number {
  const { rules } = list;
  const dataLength = list.fieldLength(index, TransactionField.Data);
  let gas = BASE_GAS + zeroBytes * ZERO_BYTE_GAS + (dataLength - zeroBytes) * rules.nonZeroByteGas;
  if (list.isCreation(index)) {
    gas += rules.creationGas + rules.initcodeWordGas * Math.ceil(dataLength / 32);
  }
  if (list.types[index] === TransactionType.Legacy) return gas;
  const row = index * ROW_WORDS;
  return (
    gas +
    list.rows[row + RowWord.AccessListAddresses] * ACCESS_LIST_ADDRESS_GAS +
    list.rows[row + RowWord.AccessListKeys] * ACCESS_LIST_KEY_GAS +
    list.rows[row + RowWord.AuthorizationCount] * AUTHORIZATION_GAS
  );
}

function floorGasOf(list: TransactionList, index: number, zeroBytes: number): number {
  const { floorTokenGas } = list.rules;
  if (floorTokenGas === 0) return 0;
  const nonZeroBytes = list.fieldLength(index, TransactionField.Data) - zeroBytes;
  return BASE_GAS + floorTokenGas * (zeroBytes + nonZeroBytes * NON_ZERO_BYTE_TOKENS);
}

function countZeroBytes(list: TransactionList, index: number): number {
  const { bytes } = list;
  const start = list.fieldStart(index, TransactionField.Data);
  const end = start + list.fieldLength(index, TransactionField.Data);
  let zeros = 0;
  for (let i = start; i < end; i++) if (bytes[i] === 0) zeros++;
  return zeros;
}

/** The rules of the list's fork that the transaction's own bytes decide. `decodeTransactions` has applied them. */
export function checkStaticRules(list: TransactionList, index: number): TransactionVerdict {
  const { rules, bytes } = list;
  const type = list.types[index];
  const nonceStart = list.fieldStart(index, TransactionField.Nonce);
  if (isMaxU64(bytes, nonceStart, list.fieldLength(index, TransactionField.Nonce))) {
    return TransactionVerdict.NonceLimit;
  }
  if (gasCostOverflows(list, index)) return TransactionVerdict.GasCostOverflow;
  if (type >= TransactionType.DynamicFee && priorityFeeAboveMaxFee(list, index)) {
    return TransactionVerdict.PriorityFeeAboveMaxFee;
  }
  const creates = list.isCreation(index);
  if (creates && type >= TransactionType.Blob) return TransactionVerdict.CreationNotAllowed;
  if (type === TransactionType.Blob) {
    const verdict = checkBlobHashes(list, index);
    if (verdict !== TransactionVerdict.Valid) return verdict;
  }
  if (type === TransactionType.SetCode && list.authorizationsOf(index) === 0) {
    return TransactionVerdict.AuthorizationListEmpty;
  }
  if (creates && list.fieldLength(index, TransactionField.Data) > rules.maxInitcodeBytes) {
    return TransactionVerdict.InitcodeTooLarge;
  }
  // Rounded above 2^53, where it is far from every number it is compared with.
  const gasLimit = list.fieldNumber(index, TransactionField.GasLimit);
  if (gasLimit > rules.maxGasLimit) return TransactionVerdict.GasLimitAboveCap;
  const zeroBytes = countZeroBytes(list, index);
  if (gasLimit < intrinsicGasOf(list, index, zeroBytes)) return TransactionVerdict.IntrinsicGas;
  if (gasLimit < floorGasOf(list, index, zeroBytes)) return TransactionVerdict.FloorGas;
  return TransactionVerdict.Valid;
}

/** Whether gas limit × fee per gas needs more than 256 bits. */
function gasCostOverflows(list: TransactionList, index: number): boolean {
  const gasBytes = list.fieldLength(index, TransactionField.GasLimit);
  const feeBytes = list.fieldLength(index, TransactionField.MaxFeePerGas);
  // A product of a-byte and b-byte integers has at most a + b bytes.
  if (gasBytes + feeBytes <= 32) return false;
  return list.gasLimit(index) * list.maxFeePerGas(index) >= 1n << 256n;
}

/** Compares the two fees as byte strings: neither has leading zeros. */
function priorityFeeAboveMaxFee(list: TransactionList, index: number): boolean {
  const { bytes } = list;
  const tipLength = list.fieldLength(index, TransactionField.MaxPriorityFeePerGas);
  const feeLength = list.fieldLength(index, TransactionField.MaxFeePerGas);
  if (tipLength !== feeLength) return tipLength > feeLength;
  const tip = list.fieldStart(index, TransactionField.MaxPriorityFeePerGas);
  const fee = list.fieldStart(index, TransactionField.MaxFeePerGas);
  for (let i = 0; i < tipLength; i++) {
    if (bytes[tip + i] !== bytes[fee + i]) return bytes[tip + i] > bytes[fee + i];
  }
  return false;
}

function checkBlobHashes(list: TransactionList, index: number): TransactionVerdict {
  const count = list.blobCount(index);
  if (count === 0) return TransactionVerdict.BlobListEmpty;
  if (count > list.rules.maxBlobs) return TransactionVerdict.BlobCount;
  const first = list.fieldStart(index, TransactionField.BlobVersionedHashes) + 1;
  for (let blob = 0; blob < count; blob++) {
    if (list.bytes[first + 33 * blob] !== 1) return TransactionVerdict.BlobHashVersion;
  }
  return TransactionVerdict.Valid;
}

/** What a block's header says about the transactions in it. */
export interface BlockFees {
  readonly gasLimit: bigint;
  /** wei; `undefined` before London. */
  readonly baseFeePerGas?: bigint | undefined;
  /** wei; `undefined` before Cancun. */
  readonly blobBaseFee?: bigint | undefined;
}

/** Whether a valid transaction may stand in a block with this header, gas used by its neighbours aside. */
export function checkInBlock(
  list: TransactionList,
  index: number,
  block: BlockFees,
): TransactionVerdict {
  if (list.gasLimit(index) > block.gasLimit) return TransactionVerdict.GasLimitAboveBlock;
  if (block.baseFeePerGas !== undefined && list.maxFeePerGas(index) < block.baseFeePerGas) {
    return TransactionVerdict.MaxFeeBelowBaseFee;
  }
  if (
    block.blobBaseFee !== undefined &&
    list.types[index] === TransactionType.Blob &&
    list.maxFeePerBlobGas(index) < block.blobBaseFee
  ) {
    return TransactionVerdict.MaxBlobFeeBelowBaseFee;
  }
  return TransactionVerdict.Valid;
}
