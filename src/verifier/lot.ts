/**
 * What is submitted (jobs), the distinct records of it that have to be computed (lots), and who else waits for those.
 *
 * @module
 */
import { secp256k1Recover } from "../algorithms/secp256k1-recover.ts";
import { type Algorithm, type LanewiseError, Verdict } from "../core/index.ts";
import type { Outcome, SubmitOptions } from "./contract.ts";
import type { QueuedLot } from "./queue.ts";
import type { RecordKey } from "./record-key.ts";

/** Bytes of a claimed sender. */
export const ADDRESS_BYTES: number = secp256k1Recover.result.fields.address.size;

/** A submission in progress. */
export interface Job {
  readonly source: string;
  /** Verdicts and results lie back to back in one buffer. */
  readonly verdicts: Uint32Array;
  readonly results: Uint8Array;
  /** The results as words. */
  readonly resultWords: Uint32Array;
  readonly submittedMs: number;
  /** Places whose records have come. */
  added: number;
  /** Answers still missing. */
  missing: number;
  /** Its own records that had to be computed, once they are accepted. */
  readonly lots: Lot[];
  /** First of its places at records of lots, its own or others' ({@link Waiters}); 0 for none. */
  firstWaiter: number;
  settled: boolean;
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: LanewiseError) => void;
  stopListening: () => void;
}

/** Records of a job that came together. */
export interface Part {
  /** Back to back. */
  readonly words: Uint32Array;
  /** Lots that use them, and the ledger while it looks through them. */
  users: number;
  /** Called when nobody uses them any more. */
  readonly release: () => void;
}

/** Distinct records on their way to verdicts, in flat memory. Each waits in the queue, runs, or is done. */
export interface Lot extends QueuedLot {
  /** Its number in the in-flight index. */
  readonly slot: number;
  readonly key: RecordKey;
  /** Whose words these are. */
  readonly part: Part;
  /** The records back to back. */
  readonly words: Uint32Array;
  /** What they point into. */
  readonly arena: Uint8Array;
  /** One a record, `UNKEYED` where it is not in the index. */
  readonly hashes: Int32Array;
  /** 20 bytes a record, where senders are claimed. */
  readonly claims: Uint8Array | undefined;
  count: number;
  /** Places that wait for a record of this lot or of others instead of having one here. */
  joined: number;
  /** Who brought them; `undefined` once that job is gone. */
  job: Job | undefined;
  /** Where in the job each record's answer goes: `firstPlace` on, in order, or as `places` says. */
  readonly firstPlace: number;
  places: Int32Array | undefined;
  /** First of the other places that wait for each record, once there are any; 0 for none. */
  firstWaiters: Int32Array | undefined;
  /** Records that wait or run. */
  left: number;
}

/** Bytes of the answer to `count` records. */
export function answerBytes({ result }: Algorithm, count: number): number {
  return count * (4 + result.byteLength);
}

/** A job of `count` records, none of them there yet. */
export function createJob(
  algorithm: Algorithm,
  count: number,
  { source = "", into }: SubmitOptions,
  resolve: (outcome: Outcome) => void,
  reject: (error: LanewiseError) => void,
): Job {
  const answer = into ?? new ArrayBuffer(answerBytes(algorithm, count));
  const resultBytes = count * algorithm.result.byteLength;
  const results = new Uint8Array(answer, 4 * count, resultBytes);
  if (into !== undefined) results.fill(0);
  return {
    source,
    verdicts: new Uint32Array(answer, 0, count).fill(Verdict.Unset),
    results,
    resultWords: new Uint32Array(answer, 4 * count, resultBytes / 4),
    submittedMs: performance.now(),
    added: 0,
    missing: count,
    lots: [],
    firstWaiter: 0,
    settled: false,
    resolve,
    reject,
    stopListening: () => {},
  };
}

/** Whether claims and memory for the answer fit the records. @throws TypeError, RangeError. */
export function checkOptions(
  algorithm: Algorithm,
  count: number,
  { claimedSenders: claims, into }: SubmitOptions,
): void {
  const bytes = answerBytes(algorithm, count);
  if (into !== undefined && into.byteLength < bytes) {
    throw new RangeError(`submit into: expected at least ${bytes} bytes, got ${into.byteLength}`);
  }
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
