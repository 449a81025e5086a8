/**
 * The two kernel stages: units → one `keccak256` batch → one `secp256k1-recover` batch → units.
 *
 * The units of a group share both batches, so that many small blocks cost one call. In the hash batch each unit has its signing
 * messages first, of all units in order, then authorisations, then transactions, then headers: the digests that the second
 * batch needs lie in one piece per unit.
 *
 * @module
 */
import { keccak256, secp256k1Recover } from "../algorithms/index.ts";
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

const headerOf = (unit: Unit): Uint8Array => unit.block?.headerRlp ?? new Uint8Array(0);

/** Fills the hash batch of a group. */
export function fillHashes(units: readonly Unit[], pool: BatchPool): HashedGroup {
  let count = 0;
  let arenaBytes = 0;
  for (const unit of units) {
    const { list } = unit;
    count += 2 * list.count + list.authorizationCount + 1;
    arenaBytes += signingBytes(list) + transactionBytes(list) + authorizationBytes(list);
    arenaBytes += headerOf(unit).length;
  }
  const batch = pool.take(keccak256, count, arenaBytes);
  for (const unit of units) {
    const { list } = unit;
    expectAll(fillSigningHashes(list, batch), list.count);
    expectAll(fillAuthorizationHashes(list, batch), list.authorizationCount);
    expectAll(fillTransactionHashes(list, batch), list.count);
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

/** Copies transaction and block hashes into the units and fills the recovery batch; gives the hash batch back. */
export function fillRecoveries(group: HashedGroup, pool: BatchPool): HashedGroup {
  let count = 0;
  for (const { list } of group.units) count += list.count + list.authorizationCount;
  const batch = pool.take(secp256k1Recover, count, 0);
  const digests = group.batch.results;
  expectValid(group.batch);
  let at = 0;
  const digestsOf = (items: number): Uint8Array => {
    const view = digests.subarray(at * DIGEST_BYTES, (at + items) * DIGEST_BYTES);
    at += items;
    return view;
  };
  for (const unit of group.units) {
    const { list } = unit;
    fillRecovery(list, batch, digestsOf(list.count));
    fillAuthorizationRecovery(list, batch, digestsOf(list.authorizationCount));
    unit.transactionHashes.set(digestsOf(list.count));
    const blockHash = digestsOf(1);
    if (unit.block !== undefined) unit.blockHash.set(blockHash);
  }
  pool.give(group.batch);
  return { units: group.units, batch, count };
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

/** Senders that somebody claims, 20 bytes a record of the group's recoveries, zero where nobody does; `undefined` where nobody claims any. */
export function claimedSenders(group: HashedGroup): Uint8Array | undefined {
  let claimed: Uint8Array | undefined;
  let at = 0;
  for (const { block, list } of group.units) {
    const senders = block?.input.senders;
    if (senders?.length === 20 * list.count) {
      claimed ??= new Uint8Array(20 * group.count);
      claimed.set(senders, 20 * at);
    } else {
      for (const [index, { from }] of (block?.claims ?? []).entries()) {
        if (from === undefined) continue;
        claimed ??= new Uint8Array(20 * group.count);
        claimed.set(from, 20 * (at + index));
      }
    }
    at += list.count + list.authorizationCount;
  }
  return claimed;
}

/** Copies senders, authorities and verdicts into the units; gives the batch back. */
export function readRecoveries(group: HashedGroup, pool: BatchPool): void {
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
