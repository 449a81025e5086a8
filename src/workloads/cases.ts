/**
 * Cases: records made to test a column against the reference, random ones and crafted ones.
 *
 * @module
 */
import type { Algorithm, Batch } from "../core/index.ts";
import { ethSenderCases } from "./eth-sender.ts";
import { keccak256Cases } from "./keccak256.ts";
import type { Random } from "./random.ts";
import { secp256k1RecoverHintedCases, secp256k1VerifyBatchCases } from "./secp256k1-claims.ts";
import { secp256k1RecoverCases } from "./secp256k1-recover.ts";
import { secp256k1VerifyCases } from "./secp256k1-verify.ts";
import { sha256Cases } from "./sha256.ts";
import { sha256dCases } from "./sha256d.ts";

/** One record, with its message where the algorithm takes one. */
export interface Case {
  /** What is special about it. */
  readonly name: string;
  readonly record: Uint8Array;
  /** Put into the arena; the record's `offset` and `length` are set to point at it. */
  readonly message?: Uint8Array;
  /** Instead of a message: where the record points, given the bytes of arena in use. */
  readonly point?: (arenaLength: number) => { offset: number; length: number };
}

/** Makes cases of one algorithm. */
export interface CaseGenerator {
  readonly algorithm: Algorithm;
  /** A case as traffic would bring it, now and then an invalid one. */
  random(random: Random): Case;
  /** Boundaries, and every verdict that the algorithm can give. */
  crafted(): readonly Case[];
}

/** Every algorithm's generator: one line each. */
export const caseGenerators: readonly CaseGenerator[] = [
  keccak256Cases,
  sha256Cases,
  sha256dCases,
  secp256k1RecoverCases,
  secp256k1RecoverHintedCases,
  secp256k1VerifyCases,
  secp256k1VerifyBatchCases,
  ethSenderCases,
];

/** Arena bytes that {@link fillBatch} needs for these cases. */
export function arenaBytesOf(cases: readonly Case[]): number {
  return cases.reduce((bytes, { message }) => bytes + (message?.length ?? 0), 0);
}

/** Empties the batch and puts these cases in. */
export function fillBatch(batch: Batch, cases: readonly Case[]): void {
  batch.reset();
  batch.arenaLength = arenaBytesOf(cases);
  const { offset, length } = batch.algorithm.record.fields;
  let next = 0;
  for (const { record, message, point } of cases) {
    const bytes = batch.record(batch.count++);
    bytes.set(record);
    if (!message && !point) continue;
    const place = point?.(batch.arenaLength) ?? { offset: next, length: message!.length };
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    view.setUint32(offset.offset, place.offset, true);
    view.setUint32(length.offset, place.length, true);
    if (!message) continue;
    batch.arena.set(message, next);
    next += message.length;
  }
}
