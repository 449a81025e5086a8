/**
 * Submissions and the distinct records that they wait for.
 *
 * @module
 */
import { secp256k1Recover } from "../algorithms/secp256k1-recover.ts";
import type { Algorithm, LanewiseError } from "../core/index.ts";
import type { LooseRecord } from "./batches.ts";
import type { Outcome } from "./contract.ts";
import type { QueuedItem } from "./queue.ts";

/** A submission in progress. */
export interface Job {
  readonly source: string;
  readonly verdicts: Uint32Array;
  readonly results: Uint8Array;
  readonly submittedMs: number;
  /** Answers still missing. */
  missing: number;
  readonly waitsFor: Set<Item>;
  settled: boolean;
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: LanewiseError) => void;
  stopListening: () => void;
}

/** One distinct record on its way to a verdict. */
export interface Item extends QueuedItem<Job>, LooseRecord {
  readonly algorithm: Algorithm;
  readonly key: string | undefined;
  /** 20 bytes, where somebody claims it. */
  readonly claimedSender: Uint8Array | undefined;
  /** Every place that wants the answer. */
  readonly waiters: { readonly job: Job; readonly index: number }[];
  attempts: number;
}

/** A message longer than this is not looked for among the duplicates: the key would cost as much as the hash. */
const KEYED_MESSAGE_BYTES = 1024;

/** Bytes of a claimed sender. */
export const ADDRESS_BYTES = secp256k1Recover.result.fields.address.size;

const decoder = new TextDecoder("latin1");

/** One character a byte. Node's own way to do it takes a tenth of the time of its decoder's. */
const latin1: (bytes: Uint8Array) => string =
  typeof Buffer === "undefined"
    ? (bytes) => decoder.decode(bytes)
    : (bytes) => Buffer.prototype.latin1Slice.call(bytes, 0, bytes.length);

/** Whether the claims fit the records. @throws TypeError, RangeError. */
export function checkClaims(
  algorithm: Algorithm,
  count: number,
  claims: Uint8Array | undefined,
): void {
  if (claims === undefined) return;
  if (algorithm !== secp256k1Recover) {
    throw new TypeError(
      `submit claimedSenders: expected ${secp256k1Recover.id} with them, got ${algorithm.id}`,
    );
  }
  if (claims.length === count * ADDRESS_BYTES) return;
  throw new RangeError(
    `submit claimedSenders: expected ${count * ADDRESS_BYTES} bytes, got ${claims.length}`,
  );
}

/** Every byte that decides an answer, as a string; `undefined` where it would be too long. */
export function keyOf(
  algorithm: Algorithm,
  record: Uint8Array,
  message: Uint8Array,
): string | undefined {
  if (!algorithm.usesArena) return `${algorithm.id}:${latin1(record)}`;
  if (message.length > KEYED_MESSAGE_BYTES) return undefined;
  const { offset } = algorithm.record.fields.offset;
  const fields = record.slice();
  fields.fill(0, offset, offset + 4); // where the message lies says nothing about it
  return `${algorithm.id}:${latin1(fields)}${latin1(message)}`;
}
