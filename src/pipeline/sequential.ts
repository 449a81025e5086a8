/**
 * The oracle of the pipeline: the same checks one block and one transaction at a time, with the algorithms' reference functions
 * in place of batches and back ends.
 *
 * @module
 */
import { keccak256, secp256k1Recover } from "../algorithms/index.ts";
import {
  type ChainSchedule,
  fillAuthorizationHashes,
  fillAuthorizationRecovery,
  fillRecovery,
  fillSigningHashes,
  fillTransactionHashes,
  keccakOf,
} from "../chains/ethereum/index.ts";
import { type Algorithm, Batch, Verdict } from "../core/index.ts";
import { createExecutor, type Executor } from "../executor/index.ts";
import { createInThreadState } from "../state/in-thread-state.ts";
import { decodeInput } from "./block.ts";
import { checkUnit } from "./check.ts";
import { ExecutionStage } from "./execution.ts";
import type { BlockSource } from "./input.ts";
import { ParentTracker } from "./parents.ts";
import type { BlockReport } from "./report.ts";
import { type Unit, unitReport } from "./unit.ts";

/** Options of {@link validateSequentially}. */
export interface SequentialOptions {
  /** Forks of chains that the input does not name; default: mainnet's, or what a header looks like. */
  readonly chain?: ChainSchedule;
  readonly executor?: Executor;
}

/** Runs one record that `fill` writes through the reference function; the result, or `undefined` where it is not valid. */
function one(
  algorithm: Algorithm,
  arenaBytes: number,
  fill: (batch: Batch) => void,
): { readonly verdict: Verdict; readonly result: Uint8Array } {
  const batch = new Batch(algorithm, 1, arenaBytes);
  fill(batch);
  const arena = Uint8Array.from(batch.arena.subarray(0, batch.arenaLength));
  const result = new Uint8Array(algorithm.result.byteLength);
  return { verdict: algorithm.reference(Uint8Array.from(batch.record(0)), arena, result), result };
}

const ADDRESS = secp256k1Recover.result.fields.address;
const addressOf = (result: Uint8Array): Uint8Array =>
  result.subarray(ADDRESS.offset, ADDRESS.offset + ADDRESS.size);

/** Hashes and recovers everything in a unit. */
function runReference(unit: Unit): void {
  const { list, block } = unit;
  const roomBytes = list.bytes.length + 64;
  for (let i = 0; i < list.count; i++) {
    if (unit.transactionHashes.length > 0) {
      const hash = one(keccak256, roomBytes, (batch) => fillTransactionHashes(list, batch, i));
      unit.transactionHashes.set(hash.result, 32 * i);
    }
    unit.verdicts[i] = list.verdicts[i];
    if (list.verdicts[i] !== Verdict.Valid) continue;
    const digest = one(keccak256, roomBytes, (batch) => fillSigningHashes(list, batch, i)).result;
    const sender = one(secp256k1Recover, 0, (batch) => fillRecovery(list, batch, digest, i));
    unit.verdicts[i] = sender.verdict;
    if (sender.verdict === Verdict.Valid) unit.senders.set(addressOf(sender.result), 20 * i);
  }
  for (let i = 0; i < list.authorizationCount; i++) {
    if (list.authorizationVerdicts[i] !== Verdict.Valid) continue;
    const { result: digest } = one(keccak256, roomBytes, (batch) =>
      fillAuthorizationHashes(list, batch, i),
    );
    const authority = one(secp256k1Recover, 0, (batch) =>
      fillAuthorizationRecovery(list, batch, digest, i),
    );
    if (authority.verdict === Verdict.Valid) {
      unit.authorities.set(addressOf(authority.result), 20 * i);
    }
  }
  if (block !== undefined) unit.blockHash.set(keccakOf(block.headerRlp));
}

/**
 * Validates one input after another.
 *
 * @throws LanewiseError where the source or the executor fails.
 */
export async function* validateSequentially(
  source: BlockSource,
  options: SequentialOptions = {},
): AsyncGenerator<BlockReport> {
  const executor = options.executor ?? createExecutor("oracle");
  const execution = new ExecutionStage(executor, {}, async (data) => createInThreadState(data));
  const parents = new ParentTracker();
  try {
    for await (const input of source) {
      const decoded = decodeInput(input, options.chain);
      if (!decoded.ok) {
        parents.forget();
        yield decoded.report;
        continue;
      }
      const { unit } = decoded;
      runReference(unit);
      checkUnit(unit, parents.parentOf(unit));
      const { final } = await execution.commit(unit, await execution.execute(unit));
      yield unitReport(unit, await final);
    }
  } finally {
    await execution.close();
    if (options.executor === undefined) await executor.close();
  }
}
