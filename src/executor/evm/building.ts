/**
 * Blocks built of candidates.
 *
 * @module
 */
import { LanewiseError } from "../../core/index.ts";
import type {
  ExecutableBlock,
  Execution,
  ExecutionResult,
  InvalidTransaction,
} from "../executor.ts";

/** A block that was built, and what became of the candidates. */
export interface BuiltBlock {
  /** The block with the transactions included; executes to `result`. */
  readonly block: ExecutableBlock;
  /** Indices of the candidates included, in order. */
  readonly included: readonly number[];
  /** The others, by index, each with the rule that kept it out. */
  readonly dropped: readonly InvalidTransaction[];
  readonly result: ExecutionResult;
}

/**
 * Puts the block together.
 *
 * @param authorisations how many each candidate has.
 * @throws LanewiseError `ERR_UNSUPPORTED` where what the block does at its end fails.
 */
export function builtBlock(
  candidates: ExecutableBlock,
  execution: Execution,
  dropped: readonly InvalidTransaction[],
  authorisations: readonly number[],
): BuiltBlock {
  if (!execution.ok) {
    throw new LanewiseError("ERR_UNSUPPORTED", `block building: ${execution.invalid.reason}`);
  }
  const out = new Set(dropped.map(({ index }) => index));
  const included = candidates.transactions.map((_, i) => i).filter((i) => !out.has(i));
  const senders = new Uint8Array(20 * included.length);
  const authorities: Uint8Array[] = [];
  const starts: number[] = [];
  let start = 0;
  for (const count of authorisations) {
    starts.push(start);
    start += 20 * count;
  }
  for (const [place, i] of included.entries()) {
    senders.set(candidates.senders.subarray(20 * i, 20 * i + 20), 20 * place);
    const end = starts[i] + 20 * authorisations[i];
    authorities.push(candidates.authorities.subarray(starts[i], end));
  }
  const block = {
    ...candidates,
    transactions: included.map((i) => candidates.transactions[i]),
    senders,
    authorities: Uint8Array.from(Buffer.concat(authorities)),
  };
  return { block, included, dropped, result: execution.result };
}
