/** Runs the reference columns of `keccak256` and `secp256k1-recover` over a decoded list: the tests' oracle path. @module */
import { keccak256, secp256k1Recover } from "../../src/algorithms/index.ts";
import {
  authorizationBytes,
  fillAuthorizationHashes,
  fillAuthorizationRecovery,
  fillRecovery,
  fillSigningHashes,
  fillTransactionHashes,
  signingBytes,
  type TransactionList,
  transactionBytes,
} from "../../src/chains/ethereum/index.ts";
import { Batch } from "../../src/core/index.ts";

export function runReference(batch: Batch): void {
  for (let i = 0; i < batch.count; i++) {
    const result = batch.result(i).fill(0);
    batch.verdicts[i] = batch.algorithm.reference(batch.record(i), batch.arena, result);
  }
}

/** Transaction hashes, senders and authorities by the noble reference. */
export function hashAndRecover(list: TransactionList) {
  const hashes = new Batch(keccak256, list.count, transactionBytes(list));
  fillTransactionHashes(list, hashes);
  runReference(hashes);
  const signing = new Batch(keccak256, list.count, signingBytes(list));
  fillSigningHashes(list, signing);
  runReference(signing);
  const senders = new Batch(secp256k1Recover, list.count);
  fillRecovery(list, senders, signing.results);
  runReference(senders);
  const signed = new Batch(keccak256, list.authorizationCount, authorizationBytes(list));
  fillAuthorizationHashes(list, signed);
  runReference(signed);
  const authorities = new Batch(secp256k1Recover, list.authorizationCount);
  fillAuthorizationRecovery(list, authorities, signed.results);
  runReference(authorities);
  return { hashes, signing, senders, signed, authorities };
}

/** The 20-byte address of result `index` of a `secp256k1-recover` batch. */
export function addressOf(batch: Batch, index: number): Uint8Array {
  return batch.result(index).subarray(64);
}
