/**
 * What a source hands to the pipeline: blocks and transactions as they came, with the state they run on where it is known.
 *
 * @module
 */
import type { ChainSchedule, PackedTransactions } from "../chains/ethereum/index.ts";
import type { MemoryStateData } from "../state/memory.ts";
import type { StateSource } from "../state/source.ts";

/** The bytes or JSON of one unit. */
export type InputContent =
  /** A block as `eth_getBlockByNumber` with full transactions answers it. */
  | { readonly kind: "block-json"; readonly json: unknown }
  /** A block as the network sends it: rlp([header, transactions, ommers, withdrawals?]). */
  | { readonly kind: "block-rlp"; readonly bytes: Uint8Array }
  /** Signed transactions that stand in no block. */
  | {
      readonly kind: "transactions";
      readonly raws: PackedTransactions;
      /** Index of the first one in its source. */
      readonly first: number;
    };

/** One block, or a run of bare transactions. */
export interface BlockInput {
  /** Names the input in reports: a path, `stdin`, an RPC block. */
  readonly label: string;
  readonly content: InputContent;
  /** The forks of the chain it belongs to; default: the pipeline's. */
  readonly chain?: ChainSchedule;
  /** The state before the block. */
  readonly state?: MemoryStateData;
  /** The state before the block where it is no document: reads that throw `ERR_STATE_MISSING` for what they do not hold. */
  readonly stateSource?: StateSource;
  /** Accounts as they are after the block, to be compared. */
  readonly postState?: MemoryStateData;
  /**
   * Who the caller believes sent each transaction, 20 bytes each: known keys make recovery cheaper, wrong beliefs cost time only. JSON
   * blocks bring theirs as `from`.
   */
  readonly senders?: Uint8Array;
  /** The block follows the one before it in this source: `parentHash` has to agree. */
  readonly follows?: boolean;
}

/** Where inputs come from: pulled one at a time, as the pipeline has room. */
export type BlockSource = AsyncIterable<BlockInput> | Iterable<BlockInput>;

/** Most transactions in one run of bare transactions: the unit of batching and of memory. */
export const TRANSACTIONS_PER_UNIT = 2048;
/** Most bytes in one run of bare transactions, unless one alone is longer. */
export const BYTES_PER_UNIT = 4 * 2 ** 20;
