/**
 * Hash, sender and verdict of decoded transactions, by whatever runs the batches: a verifier, or kernels on the calling thread.
 *
 * @module
 */
import { keccak256, secp256k1Recover } from "../algorithms/index.ts";
import { createInlineKernel, type InlineKernel } from "../backends/wasm/inline.ts";
import {
  fillRecovery,
  fillSigningHashes,
  fillTransactionHashes,
  signingBytes,
  type TransactionList,
  transactionBytes,
} from "../chains/ethereum/index.ts";
import { Batch, Verdict } from "../core/index.ts";
import type { SubmitOptions, Verifier } from "../verifier/index.ts";

/**
 * Fills a batch's verdicts and results.
 *
 * @param claimedSenders as in {@link SubmitOptions}.
 */
export type RunBatch = (batch: Batch, claimedSenders?: Uint8Array) => Promise<void>;

/** What is known of each transaction of a list. */
export interface VerifiedTransactions {
  /** The decoder's verdict where that is not `Valid`, else the signature's. */
  readonly verdicts: Uint32Array;
  /** 32 bytes each. */
  readonly hashes: Uint8Array;
  /** 20 bytes each; zero where the verdict is not `Valid`. */
  readonly senders: Uint8Array;
}

let kernels: Promise<[InlineKernel, InlineKernel]> | undefined;

const { address } = secp256k1Recover.result.fields;

/**
 * Hashes and recovers whole lists, together: two batches, one after the other.
 *
 * @param claimedSenders 20 bytes a transaction, zeros where nobody claims one; makes known senders cheaper, and decides nothing.
 */
export async function verifyTransactions(
  lists: readonly TransactionList[],
  run: RunBatch,
  claimedSenders?: Uint8Array,
): Promise<VerifiedTransactions[]> {
  let count = 0;
  let arenaBytes = 0;
  for (const list of lists) {
    count += list.count;
    arenaBytes += signingBytes(list) + transactionBytes(list);
  }
  const hashing = new Batch(keccak256, 2 * count, arenaBytes);
  for (const list of lists) fillSigningHashes(list, hashing);
  for (const list of lists) fillTransactionHashes(list, hashing);
  await run(hashing);
  const recovering = new Batch(secp256k1Recover, count);
  const digests = hashing.results;
  for (const list of lists) fillRecovery(list, recovering, digests.subarray(32 * recovering.count));
  await run(recovering, claimedSenders);
  let first = 0;
  return lists.map((list) => {
    const verified = read(list, recovering, first);
    const hashes = digests.slice(32 * (count + first), 32 * (count + first + list.count));
    first += list.count;
    return { ...verified, hashes };
  });
}

/** Joins a list's verdicts with those of its signatures, which begin at record `first`. */
function read(
  list: TransactionList,
  recovered: Batch,
  first: number,
): Omit<VerifiedTransactions, "hashes"> {
  const verdicts = list.verdicts.slice(0, list.count);
  const senders = new Uint8Array(20 * list.count);
  for (let i = 0; i < list.count; i++) {
    if (verdicts[i] === Verdict.Valid) verdicts[i] = recovered.verdicts[first + i];
    if (verdicts[i] !== Verdict.Valid) continue;
    const result = recovered.result(first + i);
    senders.set(result.subarray(address.offset, address.offset + address.size), 20 * i);
  }
  return { verdicts, senders };
}

/** Runs batches through a verifier made with `keccak256` and `secp256k1Recover`. */
export function runOnVerifier(verifier: Verifier, options: SubmitOptions = {}): RunBatch {
  return async (batch, claimedSenders) => {
    const records = batch.records.subarray(0, batch.count * batch.algorithm.record.byteLength);
    const arena = batch.arena.subarray(0, batch.arenaLength);
    const settings = { ...options, arena, ...(claimedSenders ? { claimedSenders } : {}) };
    const outcome = await verifier.submit(batch.algorithm, records, settings);
    batch.verdicts.set(outcome.verdicts);
    batch.results.set(outcome.results);
  };
}

/**
 * Runs batches on the calling thread, with kernels that are compiled once a process. They hold no thread and need no closing.
 *
 * @throws LanewiseError `ERR_BACKEND_UNAVAILABLE` where the engine has no WebAssembly SIMD.
 */
export const runInline: RunBatch = async (batch) => {
  kernels ??= Promise.all([createInlineKernel(keccak256), createInlineKernel(secp256k1Recover)]);
  kernels.catch(() => {
    kernels = undefined; // the next call tries again
  });
  const [hash, recover] = await kernels;
  (batch.algorithm === keccak256 ? hash : recover).runBatch(batch);
};
