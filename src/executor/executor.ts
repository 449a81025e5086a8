/**
 * The seat of the executor: blocks of decoded, signature-checked transactions in; receipts and a state diff out.
 *
 * Every executor gives the result of running the transactions one by one in order. `oracle/` does just that, slowly; the
 * parallel executor takes the same seat.
 *
 * @module
 */
import type { Withdrawal } from "../chains/ethereum/block.ts";
import type { Fork } from "../chains/ethereum/forks.ts";
import type { StateDiff, StateSource } from "../state/source.ts";
import type { BlockAccessList } from "./access-list.ts";

export type { Withdrawal } from "../chains/ethereum/block.ts";
export { FORKS, type Fork } from "../chains/ethereum/forks.ts";

/** The header fields that execution reads. */
export interface BlockEnvironment {
  readonly fork: Fork;
  readonly chainId: bigint;
  readonly number: bigint;
  /** seconds since 1970 */
  readonly timestamp: bigint;
  readonly gasLimit: bigint;
  /** 20 bytes */
  readonly coinbase: Uint8Array;
  /** DIFFICULTY before Paris. */
  readonly difficulty: bigint;
  /** PREVRANDAO from Paris on, 32 bytes. */
  readonly prevRandao: Uint8Array;
  /** wei; `undefined` before London. */
  readonly baseFeePerGas?: bigint;
  /** From Cancun on (EIP-4844). */
  readonly excessBlobGas?: bigint;
  /** From Cancun on (EIP-4788), 32 bytes. */
  readonly parentBeaconBlockRoot?: Uint8Array;
  /** 32 bytes; written to the history contract from Prague on (EIP-2935). */
  readonly parentHash: Uint8Array;
}

/** An ommer that earns a reward (before Paris). */
export interface Ommer {
  readonly number: bigint;
  readonly coinbase: Uint8Array;
}

/** A block ready to execute. */
export interface ExecutableBlock {
  readonly environment: BlockEnvironment;
  /** Raw transactions: the typed envelope, or legacy RLP. */
  readonly transactions: readonly Uint8Array[];
  /** `20 × transactions.length` bytes: the recovered senders. */
  readonly senders: Uint8Array;
  /**
   * `20 × authorisations` bytes over all type-4 transactions in order: the recovered authorities of EIP-7702, all zero where the
   * authorisation's signature is invalid.
   */
  readonly authorities: Uint8Array;
  readonly withdrawals: readonly Withdrawal[];
  readonly ommers: readonly Ommer[];
}

/** One EVM log. */
export interface Log {
  readonly address: Uint8Array;
  readonly topics: readonly Uint8Array[];
  readonly data: Uint8Array;
}

/**
 * Logs in one piece: records of address (20 bytes), u32 number of topics at 24, u32 bytes of data at 28, the topics from 32 on, then the
 * data, padded to 8 bytes; behind the records, the numbers of the Bloom filter's bits, u16 each. Integers are little-endian.
 */
export interface PackedLogs {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Place of the first record. */
  readonly start: number;
  /** Behind the last record: place of the first bit. */
  readonly end: number;
  readonly bitsEnd: number;
}

/** What one transaction left behind. */
export interface Receipt {
  /** EIP-2718 type. */
  readonly type: number;
  /** Success, from Byzantium on; before it, see `stateRoot`. */
  readonly status: boolean;
  /** Intermediate state root before Byzantium (EIP-658), where the executor can know it. */
  readonly stateRoot?: Uint8Array;
  readonly gasUsed: bigint;
  readonly cumulativeGasUsed: bigint;
  /** 256 bytes */
  readonly logsBloom: Uint8Array;
  readonly logs: readonly Log[];
  /** Bloom and logs without an object for each, where the executor has them so. */
  readonly packedLogs?: PackedLogs;
}

/** An account, or a slot of it, whose changes made transactions run again. */
export interface ConflictLocation {
  /** 0x-prefixed, lower case. */
  readonly address: string;
  /** 0x-prefixed 32-byte slot; `undefined`: nonce, balance or code of the account. */
  readonly slot: string | undefined;
  /** Transactions that were executed again because of it. */
  readonly aborts: number;
}

/** Conflicts between the transactions of one block that ran side by side. */
export interface ConflictReport {
  /** Executions of transactions, first and repeated. */
  readonly executions: number;
  /** Executions thrown away, because an earlier transaction changed what they had read. */
  readonly aborts: number;
  /** Executions in their turn: of transactions aborted or deferred. */
  readonly reexecutions: number;
  /** Left to be executed in their turn: they looked at the coinbase, or at state that could not be read ahead. */
  readonly deferred: number;
  /** Kept behind a likely predecessor by a hint. */
  readonly parked: number;
  /**
   * Length of the longest chain of transactions of which each has read what the one before wrote: no number of threads gets below the
   * time of that many.
   */
  readonly criticalPath: number;
  /** Worst first, at most 16. */
  readonly hottest: readonly ConflictLocation[];
}

/** The outcome of a block. */
export interface ExecutionResult {
  readonly receipts: readonly Receipt[];
  readonly gasUsed: bigint;
  /** EIP-7685 requests, each type byte ‖ data; from Prague on. */
  readonly requests: readonly Uint8Array[];
  readonly stateDiff: StateDiff;
  /** Where the block ran on several threads. */
  readonly conflicts?: ConflictReport;
  /** Where the executor was asked for it. */
  readonly accessList?: BlockAccessList;
}

/** Why a block cannot be executed: a transaction that may not be included where it stands. */
export interface InvalidTransaction {
  /** Index in the block. */
  readonly index: number;
  /** One sentence: the rule, expected and got. */
  readonly reason: string;
}

/** Outcome of `execute`: executed, or invalid at a transaction. */
export type Execution =
  | { readonly ok: true; readonly result: ExecutionResult }
  | { readonly ok: false; readonly invalid: InvalidTransaction };

/** Options of `execute`. */
export interface ExecuteOptions {
  readonly signal?: AbortSignal;
  /** A block access list that came with the block: tells which transactions to keep apart. A wrong one costs time only. */
  readonly accessList?: BlockAccessList;
}

/** Runs blocks against a state. */
export interface Executor {
  readonly id: string;
  /**
   * @throws LanewiseError `ERR_STATE_MISSING` where the state does not hold what the block reads; `ERR_UNSUPPORTED` on the block of the
   * DAO fork; `ERR_ABORTED`, `ERR_CLOSED`.
   */
  execute(block: ExecutableBlock, state: StateSource, options?: ExecuteOptions): Promise<Execution>;
  close(): Promise<void>;
}
