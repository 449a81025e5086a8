/**
 * Decoded transactions → records of `keccak256` and `secp256k1-recover`.
 *
 * Every function appends to a batch, one record per transaction (or authorisation) in order, until the list ends or the batch is
 * full, and returns the index of the first one that is not in; call it again with the next batch from there. A transaction
 * whose verdict is not `Valid` keeps its place: its signing message is empty, its signature is zero, so that record k of a batch
 * filled from `start` is always number `start + k`. Join the verdicts with the list's own before you read one.
 *
 * Signing messages are re-framed, not re-encoded: the signed fields are one range of the raw bytes, and only the list header
 * around them changes.
 *
 * @module
 */
import {
  keccak256,
  REQUIRE_LOW_S,
  secp256k1Recover,
  secp256k1RecoverHinted,
} from "../../algorithms/index.ts";
import type { Algorithm, Batch } from "../../core/index.ts";
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
import { RLP_LIST, rlpHeaderLength, writeRlpHeader } from "./rlp.ts";
import type { TransactionList } from "./transaction-list.ts";
import { TransactionVerdict } from "./verdict.ts";

/** First byte of what an authorisation signs (EIP-7702). */
const AUTHORIZATION_MAGIC = 0x05;

const HASH_BYTES = keccak256.record.byteLength;
/** The records of both begin with these. */
const RECOVER = secp256k1Recover.record.fields;

/** Arena bytes that {@link fillTransactionHashes} takes for transactions `start` … `end − 1`. */
export function transactionBytes(list: TransactionList, start = 0, end = list.count): number {
  let total = 0;
  for (let i = start; i < end; i++) total += hashedLength(list, i);
  return total;
}

/** Arena bytes that {@link fillSigningHashes} takes for transactions `start` … `end − 1`. */
export function signingBytes(list: TransactionList, start = 0, end = list.count): number {
  let total = 0;
  for (let i = start; i < end; i++) total += signingLength(list, i);
  return total;
}

/** Arena bytes that {@link fillAuthorizationHashes} takes for authorisations `start` … `end − 1`. */
export function authorizationBytes(
  list: TransactionList,
  start = 0,
  end = list.authorizationCount,
): number {
  let total = 0;
  for (let i = start; i < end; i++) total += authorizationLength(list, i);
  return total;
}

/** Whether the transaction's hash is that of other bytes than the ones given: a valid network form. */
function isWrapped(list: TransactionList, index: number): boolean {
  return list.verdicts[index] === TransactionVerdict.Valid && list.hasSidecar(index);
}

function hashedLength(list: TransactionList, index: number): number {
  if (!isWrapped(list, index)) return list.offsets[index + 1] - list.offsets[index];
  const row = index * ROW_WORDS;
  return 1 + list.rows[row + RowWord.ListEnd] - list.rows[row + RowWord.ListStart];
}

function signingLength(list: TransactionList, index: number): number {
  if (list.verdicts[index] !== TransactionVerdict.Valid) return 0;
  const row = index * ROW_WORDS;
  let payload = list.rows[row + RowWord.SignedEnd] - list.rows[row + RowWord.PayloadStart];
  if (list.signatureBits[index] & SIGNATURE_REPLAY_PROTECTED) {
    payload += list.rules.replaySuffix.length;
  }
  const typeByte = list.types[index] === TransactionType.Legacy ? 0 : 1;
  return typeByte + rlpHeaderLength(payload) + payload;
}

function authorizationLength(list: TransactionList, index: number): number {
  if (list.authorizationVerdicts[index] !== TransactionVerdict.Valid) return 0;
  const row = index * AUTHORIZATION_WORDS;
  const rows = list.authorizationRows;
  const payload =
    rows[row + AuthorizationWord.SignedEnd] - rows[row + AuthorizationWord.PayloadStart];
  return 1 + rlpHeaderLength(payload) + payload;
}

/**
 * Records whose digest is the transaction hash. An invalid transaction hashes as it was given.
 *
 * @param batch of `keccak256`; `transactionBytes` of arena suffice.
 * @returns the first index that is not in the batch.
 */
export function fillTransactionHashes(list: TransactionList, batch: Batch, start = 0): number {
  const writer = new MessageWriter(batch);
  let index = start;
  for (; index < list.count; index++) {
    if (!writer.open(hashedLength(list, index))) break;
    if (isWrapped(list, index)) {
      const row = index * ROW_WORDS;
      writer.byte(TransactionType.Blob);
      writer.copy(list.bytes, list.rows[row + RowWord.ListStart], list.rows[row + RowWord.ListEnd]);
    } else {
      writer.copy(list.bytes, list.offsets[index], list.offsets[index + 1]);
    }
  }
  return index;
}

/**
 * Records whose digest is what the sender signed (EIP-155, EIP-2718 and the types' own EIPs).
 *
 * @param batch of `keccak256`; `signingBytes` of arena suffice.
 * @returns the first index that is not in the batch.
 */
export function fillSigningHashes(list: TransactionList, batch: Batch, start = 0): number {
  const writer = new MessageWriter(batch);
  const { replaySuffix } = list.rules;
  let index = start;
  for (; index < list.count; index++) {
    if (!writer.open(signingLength(list, index))) break;
    if (list.verdicts[index] !== TransactionVerdict.Valid) continue;
    const row = index * ROW_WORDS;
    const from = list.rows[row + RowWord.PayloadStart];
    const to = list.rows[row + RowWord.SignedEnd];
    const isProtected = (list.signatureBits[index] & SIGNATURE_REPLAY_PROTECTED) !== 0;
    if (list.types[index] !== TransactionType.Legacy) writer.byte(list.types[index]);
    writer.listHeader(to - from + (isProtected ? replaySuffix.length : 0));
    writer.copy(list.bytes, from, to);
    if (isProtected) writer.copy(replaySuffix, 0, replaySuffix.length);
  }
  return index;
}

/**
 * Records that recover the senders. The low-s rule follows the list's fork (EIP-2).
 *
 * @param batch of `secp256k1-recover` or `secp256k1-recover-hinted`, whose hints are left zero.
 * @param digests the signing digests of transactions `start` …, 32 bytes each.
 * @returns the first index that is not in the batch.
 */
export function fillRecovery(
  list: TransactionList,
  batch: Batch,
  digests: Uint8Array,
  start = 0,
): number {
  expectRecovery(batch);
  const recordBytes = batch.algorithm.record.byteLength;
  const end = Math.min(list.count, start + batch.capacity - batch.count);
  expectDigests(digests, end - start);
  const flags = list.rules.requireLowS ? REQUIRE_LOW_S : 0;
  for (let index = start; index < end; index++) {
    const record = recordBytes * batch.count++;
    batch.records.fill(0, record, record + recordBytes);
    if (list.verdicts[index] !== TransactionVerdict.Valid) continue;
    const row = index * ROW_WORDS;
    const r = row + 2 * TransactionField.R;
    const s = row + 2 * TransactionField.S;
    copyBytes(batch.records, record + RECOVER.z.offset, digests, 32 * (index - start), 32);
    copyInteger(batch.records, record + RECOVER.r.offset, list, list.rows[r], list.rows[r + 1]);
    copyInteger(batch.records, record + RECOVER.s.offset, list, list.rows[s], list.rows[s + 1]);
    batch.records[record + RECOVER.recoveryId.offset] = list.signatureBits[index] & SIGNATURE_ODD_Y;
    batch.records[record + RECOVER.flags.offset] = flags;
  }
  return end;
}

/**
 * Records whose digest is what an authority signed: keccak256(0x05 ‖ rlp([chain id, address, nonce])) (EIP-7702).
 *
 * @param batch of `keccak256`; `authorizationBytes` of arena suffice.
 * @param start index over the authorisations of the whole list.
 * @returns the first authorisation that is not in the batch.
 */
export function fillAuthorizationHashes(list: TransactionList, batch: Batch, start = 0): number {
  const writer = new MessageWriter(batch);
  const rows = list.authorizationRows;
  let index = start;
  for (; index < list.authorizationCount; index++) {
    if (!writer.open(authorizationLength(list, index))) break;
    if (list.authorizationVerdicts[index] !== TransactionVerdict.Valid) continue;
    const row = index * AUTHORIZATION_WORDS;
    const from = rows[row + AuthorizationWord.PayloadStart];
    const to = rows[row + AuthorizationWord.SignedEnd];
    writer.byte(AUTHORIZATION_MAGIC);
    writer.listHeader(to - from);
    writer.copy(list.bytes, from, to);
  }
  return index;
}

/**
 * Records that recover the authorities; s has to be low in every fork (EIP-7702).
 *
 * @param batch of `secp256k1-recover` or `secp256k1-recover-hinted`, whose hints are left zero.
 * @param digests the digests of authorisations `start` …, 32 bytes each.
 * @returns the first authorisation that is not in the batch.
 */
export function fillAuthorizationRecovery(
  list: TransactionList,
  batch: Batch,
  digests: Uint8Array,
  start = 0,
): number {
  expectRecovery(batch);
  const recordBytes = batch.algorithm.record.byteLength;
  const end = Math.min(list.authorizationCount, start + batch.capacity - batch.count);
  expectDigests(digests, end - start);
  const rows = list.authorizationRows;
  for (let index = start; index < end; index++) {
    const record = recordBytes * batch.count++;
    batch.records.fill(0, record, record + recordBytes);
    if (list.authorizationVerdicts[index] !== TransactionVerdict.Valid) continue;
    const row = index * AUTHORIZATION_WORDS;
    const r = row + AuthorizationWord.R;
    const s = row + AuthorizationWord.S;
    copyBytes(batch.records, record + RECOVER.z.offset, digests, 32 * (index - start), 32);
    copyInteger(batch.records, record + RECOVER.r.offset, list, rows[r], rows[r + 1]);
    copyInteger(batch.records, record + RECOVER.s.offset, list, rows[s], rows[s + 1]);
    // The y parity is no byte or the byte 1: the verdict is `Valid`.
    batch.records[record + RECOVER.recoveryId.offset] = rows[row + AuthorizationWord.YParity + 1];
    batch.records[record + RECOVER.flags.offset] = REQUIRE_LOW_S;
  }
  return end;
}

function expectAlgorithm(batch: Batch, algorithm: Algorithm): void {
  if (batch.algorithm.id !== algorithm.id) {
    throw new TypeError(`batch: expected one of ${algorithm.id}, got ${batch.algorithm.id}`);
  }
}

function expectRecovery(batch: Batch): void {
  if (batch.algorithm.id !== secp256k1RecoverHinted.id) expectAlgorithm(batch, secp256k1Recover);
}

function expectDigests(digests: Uint8Array, count: number): void {
  if (digests.length < 32 * count) {
    throw new RangeError(`digests: expected ${32 * count} bytes, got ${digests.length}`);
  }
}

/** Appends messages and their records to a batch of `keccak256`. */
class MessageWriter {
  readonly #batch: Batch;
  readonly #arena: Uint8Array;
  readonly #records: DataView;

  constructor(batch: Batch) {
    expectAlgorithm(batch, keccak256);
    this.#batch = batch;
    this.#arena = batch.arena;
    this.#records = new DataView(batch.buffer, batch.sections.records, batch.records.length);
  }

  /** Adds the record of a message of `length` bytes, which the calls that follow write; false where the batch is full. */
  open(length: number): boolean {
    const batch = this.#batch;
    if (batch.count === batch.capacity) return false;
    if (batch.arenaLength + length > this.#arena.length) return false;
    const record = HASH_BYTES * batch.count++;
    const { offset, length: size } = keccak256.record.fields;
    this.#records.setUint32(record + offset.offset, batch.arenaLength, true);
    this.#records.setUint32(record + size.offset, length, true);
    return true;
  }

  byte(value: number): void {
    this.#arena[this.#batch.arenaLength++] = value;
  }

  listHeader(payloadLength: number): void {
    const batch = this.#batch;
    batch.arenaLength = writeRlpHeader(this.#arena, batch.arenaLength, RLP_LIST, payloadLength);
  }

  copy(source: Uint8Array, from: number, to: number): void {
    copyBytes(this.#arena, this.#batch.arenaLength, source, from, to - from);
    this.#batch.arenaLength += to - from;
  }
}

/** Below this many bytes a loop beats making a view for `set`, and clearing it away. */
const SHORT_COPY_BYTES = 256;

function copyBytes(
  target: Uint8Array,
  at: number,
  source: Uint8Array,
  from: number,
  length: number,
): void {
  if (length > SHORT_COPY_BYTES) target.set(source.subarray(from, from + length), at);
  else for (let i = 0; i < length; i++) target[at + i] = source[from + i];
}

/** A big-endian integer of at most 32 bytes, into the low end of 32 zero bytes. */
function copyInteger(
  target: Uint8Array,
  at: number,
  list: TransactionList,
  from: number,
  length: number,
): void {
  copyBytes(target, at + 32 - length, list.bytes, from, length);
}
