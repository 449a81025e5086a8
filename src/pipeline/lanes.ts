/**
 * The two kernel stages: units → one `keccak256` batch → one `secp256k1-recover` batch → units.
 *
 * The units of a group share both batches, so that many small blocks cost one call. In the hash batch each unit has its signing
 * messages first, then authorisations, then transactions where somebody claims their hashes, then its header: the digests that the
 * second batch needs lie in one piece per unit. That batch is one of `secp256k1-recover-hinted` where enough of the senders that
 * the units claim have known keys.
 *
 * @module
 */
import { keccak256, secp256k1Recover, secp256k1RecoverHinted } from "../algorithms/index.ts";
import {
  authorizationBytes,
  fillAuthorizationHashes,
  fillAuthorizationRecovery,
  fillRecovery,
  fillSigningHashes,
  fillTransactionHashes,
  signingBytes,
  transactionBytes,
} from "../chains/ethereum/index.ts";
import { type Batch, LanewiseError, Verdict } from "../core/index.ts";
import type { SenderKeys } from "../verifier/sender-keys.ts";
import type { BatchPool } from "./batch-pool.ts";
import type { Unit } from "./unit.ts";

const DIGEST_BYTES = keccak256.result.byteLength;
const ADDRESS = secp256k1Recover.result.fields.address;
const RESULT_BYTES = secp256k1Recover.result.byteLength;

/** A record to be pointed at its message. */
const MESSAGE_RECORD = new Uint8Array(keccak256.record.byteLength);

/** A hash batch and where each unit's parts start in it. */
export interface HashedGroup {
  readonly units: readonly Unit[];
  readonly batch: Batch;
  /** Messages hashed. */
  readonly count: number;
}

/** Fewer hints in a group are worth nothing. */
const LEAST_HINTS = 64;

const hashesOf = ({ transactionHashes }: Unit): number => transactionHashes.length / DIGEST_BYTES;
const headerOf = (unit: Unit): Uint8Array => unit.block?.headerRlp ?? new Uint8Array(0);

/** Fills the hash batch of a group. */
export function fillHashes(units: readonly Unit[], pool: BatchPool): HashedGroup {
  let count = 0;
  let arenaBytes = 0;
  for (const unit of units) {
    const { list } = unit;
    const hashes = hashesOf(unit);
    count += list.count + list.authorizationCount + hashes + 1;
    arenaBytes += signingBytes(list) + authorizationBytes(list) + headerOf(unit).length;
    if (hashes > 0) arenaBytes += transactionBytes(list);
  }
  const batch = pool.take(keccak256, count, arenaBytes);
  for (const unit of units) {
    const { list } = unit;
    expectAll(fillSigningHashes(list, batch), list.count);
    expectAll(fillAuthorizationHashes(list, batch), list.authorizationCount);
    if (hashesOf(unit) > 0) expectAll(fillTransactionHashes(list, batch), list.count);
    batch.append(MESSAGE_RECORD, headerOf(unit));
  }
  return { units, batch, count };
}

function expectAll(filled: number, count: number): void {
  if (filled !== count) {
    throw new LanewiseError(
      "ERR_INPUT",
      `batch: expected room for ${count} records, got ${filled}`,
    );
  }
}

/** A recovery batch. */
export interface RecoveryGroup {
  readonly units: readonly Unit[];
  readonly batch: Batch;
  /** Signatures in it. */
  readonly count: number;
  /** Whether somebody claims to know senders. */
  readonly isClaimed: boolean;
}

/**
 * Copies transaction and block hashes into the units and fills the recovery batch, with hints where `keys` has those of enough claimed
 * senders; gives the hash batch back.
 *
 * @param keys `undefined` where the back end has no kernel for hints.
 */
export function fillRecoveries(
  group: HashedGroup,
  pool: BatchPool,
  keys?: SenderKeys,
): RecoveryGroup {
  const { units } = group;
  expectValid(group.batch);
  const digests = digestsOf(group);
  let count = 0;
  for (const { list } of units) count += list.count + list.authorizationCount;
  const fill = (algorithm: typeof secp256k1Recover | typeof secp256k1RecoverHinted): Batch => {
    const batch = pool.take(algorithm, count, 0);
    for (const [index, { list }] of units.entries()) {
      const { signing, authorizations } = digests[index];
      fillRecovery(list, batch, signing);
      fillAuthorizationRecovery(list, batch, authorizations);
    }
    return batch;
  };
  const claimed = claimedSenders(units, count);
  let batch: Batch | undefined;
  if (keys !== undefined && claimed !== undefined) {
    batch = fill(secp256k1RecoverHinted);
    if (keys.hint(batch, claimed) < LEAST_HINTS) {
      pool.give(batch);
      batch = undefined;
    }
  }
  batch ??= fill(secp256k1Recover);
  for (const [index, unit] of units.entries()) {
    const { transactions, header } = digests[index];
    unit.transactionHashes.set(transactions);
    if (unit.block !== undefined) unit.blockHash.set(header);
  }
  pool.give(group.batch);
  return { units, batch, count, isClaimed: claimed !== undefined };
}

/** Views of a group's digests, by unit. */
function digestsOf({ units, batch: { results } }: HashedGroup) {
  let at = 0;
  const next = (items: number): Uint8Array => {
    const view = results.subarray(at * DIGEST_BYTES, (at + items) * DIGEST_BYTES);
    at += items;
    return view;
  };
  return units.map((unit) => ({
    signing: next(unit.list.count),
    authorizations: next(unit.list.authorizationCount),
    transactions: next(hashesOf(unit)),
    header: next(1),
  }));
}

/** Every message of ours lies in the arena: another verdict is the back end's fault. */
function expectValid(batch: Batch): void {
  for (let i = 0; i < batch.count; i++) {
    if (batch.verdicts[i] !== Verdict.Valid) {
      throw new LanewiseError(
        "ERR_BACKEND_FAILED",
        `keccak256 record ${i}: expected a digest, got verdict ${batch.verdicts[i]}`,
      );
    }
  }
}

/** Senders that somebody claims, 20 bytes each of `count` signatures, zero where nobody does; `undefined` where nobody claims any. */
function claimedSenders(units: readonly Unit[], count: number): Uint8Array | undefined {
  let claimed: Uint8Array | undefined;
  let at = 0;
  for (const { block, list } of units) {
    const senders = block?.input.senders;
    if (senders?.length === 20 * list.count) {
      claimed ??= new Uint8Array(20 * count);
      claimed.set(senders, 20 * at);
    } else {
      for (const [index, { from }] of (block?.claims ?? []).entries()) {
        if (from === undefined) continue;
        claimed ??= new Uint8Array(20 * count);
        claimed.set(from, 20 * (at + index));
      }
    }
    at += list.count + list.authorizationCount;
  }
  return claimed;
}

/** Copies senders, authorities and verdicts into the units; gives the batch back. */
export function readRecoveries(group: RecoveryGroup, pool: BatchPool): void {
  const { batch } = group;
  let at = 0;
  for (const unit of group.units) {
    const { list } = unit;
    for (let i = 0; i < list.count; i++, at++) {
      const verdict = list.verdicts[i] === Verdict.Valid ? batch.verdicts[at] : list.verdicts[i];
      unit.verdicts[i] = verdict;
      if (verdict === Verdict.Valid) copyAddress(batch, at, unit.senders, i);
    }
    for (let i = 0; i < list.authorizationCount; i++, at++) {
      const valid =
        list.authorizationVerdicts[i] === Verdict.Valid && batch.verdicts[at] === Verdict.Valid;
      if (valid) copyAddress(batch, at, unit.authorities, i);
    }
  }
  pool.give(batch);
}

function copyAddress(batch: Batch, record: number, target: Uint8Array, index: number): void {
  const { results } = batch;
  const from = record * RESULT_BYTES + ADDRESS.offset;
  const to = index * ADDRESS.size;
  for (let i = 0; i < ADDRESS.size; i++) target[to + i] = results[from + i];
}
