/**
 * What a benchmark computes: valid records of one algorithm, as a batch for our back ends and as plain bytes for peers.
 *
 * @module
 */

import { secp256k1Recover } from "../algorithms/secp256k1-recover.ts";
import { secp256k1RecoverHinted } from "../algorithms/secp256k1-recover-hinted.ts";
import { secp256k1Verify } from "../algorithms/secp256k1-verify.ts";
import { secp256k1VerifyBatch } from "../algorithms/secp256k1-verify-batch.ts";
import { type Algorithm, Batch } from "../core/index.ts";
import {
  arenaBytesOf,
  type Case,
  type CaseGenerator,
  caseGenerators,
  fillBatch,
} from "../workloads/cases.ts";
import { createRandom } from "../workloads/random.ts";
import { claimRecord } from "../workloads/secp256k1-claims.ts";
import { createSigner, recoverRecord } from "../workloads/secp256k1-recover.ts";

/** A signature as peers' functions take it. */
export interface SignatureInput {
  /** 32 bytes. */
  readonly digest: Uint8Array;
  /** r ‖ s, 64 bytes. */
  readonly signature: Uint8Array;
  readonly recoveryId: number;
}

/** Inputs of `count` items; one of the two lists is filled. */
export interface Workload {
  readonly algorithm: Algorithm;
  readonly count: number;
  readonly messages: readonly Uint8Array[];
  readonly signatures: readonly SignatureInput[];
  /** A batch of the first `size` items; `size` may exceed `count`, items repeat then. */
  batch(size: number): Batch;
  /** The reference's result of item `index`. */
  expected(index: number): Uint8Array;
  /** Items a batch at which ours is compared with others; {@link RATIO_BATCH} where it is not said. */
  readonly ratioBatch?: number;
  /** The same work by another row of ours, for rows that are a short cut. */
  readonly longWay?: Workload;
}

/** Batch size at which ours is compared with peers. */
export const RATIO_BATCH = 1024;

/** Items that differ; larger batches repeat them. */
const DISTINCT_ITEMS = 512;

/** Valid, seeded inputs of this algorithm, or `undefined` where there is no benchmark of it. */
export function createWorkload(algorithm: Algorithm, messageBytes: number): Workload | undefined {
  const isHash = Object.keys(algorithm.record.fields).join() === "offset,length";
  if (algorithm.usesArena && isHash) return messageWorkload(algorithm, messageBytes);
  if (algorithm.id === "secp256k1-recover") return recoverWorkload(algorithm);
  if (algorithm === secp256k1RecoverHinted) return claimWorkload(algorithm, secp256k1Recover);
  if (algorithm === secp256k1VerifyBatch) return claimWorkload(algorithm, secp256k1Verify);
  const generator = caseGenerators.find((each) => each.algorithm.id === algorithm.id);
  return generator && caseWorkload(generator);
}

/** Any other row: the valid ones among its generator's random cases. There are no peers to feed. */
function caseWorkload({ algorithm, random: draw }: CaseGenerator): Workload {
  const random = createRandom(4);
  const cases: Case[] = [];
  for (let tries = 0; cases.length < 64 && tries < 1000; tries++) {
    const one = draw(random);
    const alone = new Batch(algorithm, 1, one.message?.length ?? 0);
    fillBatch(alone, [one]);
    const result = new Uint8Array(algorithm.result.byteLength);
    if (algorithm.reference(alone.record(0), alone.arena, result) === 0) cases.push(one);
  }
  function batch(size: number): Batch {
    const some = Array.from({ length: size }, (_, i) => cases[i % cases.length]);
    const filled = new Batch(algorithm, size, arenaBytesOf(some));
    fillBatch(filled, some);
    return filled;
  }
  return {
    algorithm,
    count: cases.length,
    messages: [],
    signatures: [],
    batch,
    expected: (index) => referenceResult(batch(index + 1), index),
  };
}

function messageWorkload(algorithm: Algorithm, messageBytes: number): Workload {
  const random = createRandom(1);
  const messages = Array.from({ length: DISTINCT_ITEMS }, () => random.bytes(messageBytes));
  const { offset, length } = algorithm.record.fields;
  function batch(size: number): Batch {
    const filled = new Batch(algorithm, size, size * messageBytes);
    const view = new DataView(filled.buffer);
    for (let i = 0; i < size; i++) {
      const record = i * algorithm.record.byteLength;
      view.setUint32(record + offset.offset, i * messageBytes, true);
      view.setUint32(record + length.offset, messageBytes, true);
      filled.arena.set(messages[i % DISTINCT_ITEMS], i * messageBytes);
    }
    filled.count = size;
    filled.arenaLength = size * messageBytes;
    return filled;
  }
  return {
    algorithm,
    count: DISTINCT_ITEMS,
    messages,
    signatures: [],
    batch,
    expected: (index) => referenceResult(batch(index + 1), index),
  };
}

function recoverWorkload(algorithm: Algorithm): Workload {
  const random = createRandom(2);
  const signer = createSigner(3, 64, 64);
  const records = Array.from({ length: DISTINCT_ITEMS }, (_, i) =>
    recoverRecord(signer.sign(random.bigint(1n << 256n), i % 64, random.below(64))),
  );
  const { z, r, recoveryId } = algorithm.record.fields;
  function batch(size: number): Batch {
    const filled = new Batch(algorithm, size);
    for (let i = 0; i < size; i++) filled.record(i).set(records[i % DISTINCT_ITEMS]);
    filled.count = size;
    return filled;
  }
  return {
    algorithm,
    count: DISTINCT_ITEMS,
    messages: [],
    signatures: records.map((record) => ({
      digest: record.slice(z.offset, z.offset + 32),
      signature: record.slice(r.offset, r.offset + 64),
      recoveryId: record[recoveryId.offset],
    })),
    batch,
    expected: (index) => referenceResult(batch(index + 1), index),
  };
}

/** Distinct keys, and signatures of them. */
const CLAIM_KEYS = 1024;
const CLAIMS = 4096;

/** Signatures with the right keys; `longWay` is the row that does without the keys, or without each other. */
function claimWorkload(algorithm: Algorithm, longWay: Algorithm): Workload {
  const random = createRandom(5);
  const signer = createSigner(6, CLAIM_KEYS, 256);
  const claims = Array.from({ length: CLAIMS }, (_, i) => {
    const key = i % CLAIM_KEYS;
    const signed = recoverRecord(signer.sign(random.bigint(1n << 256n), key));
    return claimRecord(signed, signer.publicKeys[key]);
  });
  const workload = (row: Algorithm, others: Partial<Workload>): Workload => {
    function batch(size: number): Batch {
      const filled = new Batch(row, size);
      for (let i = 0; i < size; i++) filled.append(claimAs(row, claims[i % CLAIMS]));
      return filled;
    }
    return {
      algorithm: row,
      count: CLAIMS,
      messages: [],
      signatures: [],
      batch,
      expected: (index) => referenceResult(batch(index + 1), index),
      ratioBatch: CLAIMS,
      ...others,
    };
  };
  return workload(algorithm, { longWay: workload(longWay, {}) });
}

/** The fields of a claim that a row's record has: they go by the same names, but for the key. */
function claimAs(row: Algorithm, claim: Uint8Array): Uint8Array {
  const record = new Uint8Array(row.record.byteLength);
  const { hint, ...fields } = secp256k1RecoverHinted.record.fields;
  for (const [name, { offset, size }] of Object.entries({ ...fields, hint, publicKey: hint })) {
    const field = row.record.fields[name];
    if (field) record.set(claim.subarray(offset, offset + size), field.offset);
  }
  return record;
}

function referenceResult(batch: Batch, index: number): Uint8Array {
  const result = new Uint8Array(batch.algorithm.result.byteLength);
  const verdict = batch.algorithm.reference(batch.record(index), batch.arena, result);
  if (verdict !== 0) throw new Error(`bench: item ${index} is not valid (verdict ${verdict})`);
  return result;
}
