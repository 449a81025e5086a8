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

/** Fills a batch's verdicts and results. */
export type RunBatch = (batch: Batch) => Promise<void>;

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

/** Hashes and recovers a whole list: two batches, one after the other. */
export async function verifyTransactions(
  list: TransactionList,
  run: RunBatch,
): Promise<VerifiedTransactions> {
  const { count } = list;
  const hashing = new Batch(keccak256, 2 * count, signingBytes(list) + transactionBytes(list));
  fillSigningHashes(list, hashing);
  fillTransactionHashes(list, hashing);
  await run(hashing);
  const recovering = new Batch(secp256k1Recover, count);
  fillRecovery(list, recovering, hashing.results);
  await run(recovering);
  const verdicts = new Uint32Array(count);
  const senders = new Uint8Array(20 * count);
  for (let i = 0; i < count; i++) {
    const verdict = list.verdicts[i] === Verdict.Valid ? recovering.verdicts[i] : list.verdicts[i];
    verdicts[i] = verdict;
    if (verdict !== Verdict.Valid) continue;
    const sender = recovering.result(i).subarray(address.offset, address.offset + address.size);
    senders.set(sender, 20 * i);
  }
  return { verdicts, hashes: hashing.results.slice(32 * count, 64 * count), senders };
}

/** Runs batches through a verifier made with `keccak256` and `secp256k1Recover`. */
export function runOnVerifier(verifier: Verifier, options: SubmitOptions = {}): RunBatch {
  return async (batch) => {
    const records = batch.records.subarray(0, batch.count * batch.algorithm.record.byteLength);
    const arena = batch.arena.subarray(0, batch.arenaLength);
    const outcome = await verifier.submit(batch.algorithm, records, { ...options, arena });
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
