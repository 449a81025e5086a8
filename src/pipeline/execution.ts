/**
 * The execute and commit stages: runs a block where its state is known, and compares the outcome with what the header commits to. A
 * block is committed while the next one executes; what executed on a block that turns out wrong does not count.
 *
 * @module
 */
import { keccakOf, toHex } from "../chains/ethereum/index.ts";
import { LanewiseError } from "../core/index.ts";
import {
  type BlockEnvironment,
  type ExecutableBlock,
  type ExecutionResult,
  type Executor,
  encodeReceipts,
} from "../executor/index.ts";
import type { ChainState, ExecutionState, LastingState } from "../state/chain-state.ts";
import { createMemoryState, type MemoryStateData, wholeState } from "../state/memory.ts";
import type { StateSource } from "../state/source.ts";
import type { StoredBlock } from "../state/store/records.ts";
import type { CommitOutcome } from "../state/store/state-store.ts";
import { createVolatileState } from "../state/volatile-state.ts";
import type { DecodedBlock } from "./block.ts";
import { comparePostState, compareStateRoot, compareWithHeader } from "./compare.ts";
import type { BlockReport, Depth, Failure } from "./report.ts";
import { type Unit, unitName, unitReport } from "./unit.ts";

/** Where states come from that the input does not bring. */
export interface StateOptions {
  /**
   * A state that blocks build on and are committed to (see `openPipelinedState`); the caller opens and closes it. Blocks that it holds already are passed
   * over, those that do not follow its head are refused.
   */
  readonly state?: LastingState;
  /** The state before a block that brings none, nor follows one that did. */
  readonly remoteState?: RemoteState;
}

/** Opens states of a chain that somebody else keeps. */
export interface RemoteState {
  /** The state before the unit's block. Senders and transactions say what execution will ask for first. */
  before(unit: Unit): Promise<ExecutionState>;
}

/** What execution came to. */
export interface Executed {
  readonly depth: Depth;
  readonly note: string;
  /** What execution found wrong; counted once it is known that the state it ran on was right. */
  readonly failures: readonly Failure[];
  /** For the commit; `undefined` where the block did not execute. */
  readonly result: ExecutionResult | undefined;
  /** The state that it ran on. */
  readonly before: ExecutionState | undefined;
  /** Where that state is one that follows the chain. */
  readonly carried: CarriedState | undefined;
}

/** What the report says of execution. */
export type Outcome = Pick<Executed, "depth" | "note">;

/** Memory of receipts beyond this is not kept. */
const MOST_RECEIPT_BYTES_KEPT = 16 * 2 ** 20;

const NO_STATE = "no state before the block was given";
const INVALID = "the block is invalid before execution";

/** A block that others build on. */
interface Tip {
  readonly number: bigint;
  /** 32 bytes */
  readonly hash: Uint8Array;
}

/** A complete state that follows the blocks. */
interface CarriedState {
  readonly state: ChainState;
  /** The last block given to it. */
  tip: Tip;
  /** A block had another state root: what was built on it has nothing to stand on. */
  isBroken: boolean;
  /** Settles when all blocks given are committed or refused. */
  settled: Promise<void>;
}

/** Executes blocks one after another and carries a complete state from each to the next, committing beside execution. */
export class ExecutionStage {
  readonly #executor: Executor;
  readonly #options: StateOptions;
  readonly #open: typeof openMemoryState;
  /** Where the state given stood when the run began. */
  readonly #resumed: StoredBlock | undefined;
  readonly #opened: ChainState[] = [];
  #carried: CarriedState | undefined;
  /** Set once a block of this run could not be carried on from: what follows it has no state. */
  #isCut = false;
  /** Memory of the last block's encoded receipts, for those of the next. */
  #receiptBytes: Uint8Array | undefined;

  /** `open`: makes the state of a chain that brings its genesis and is given no place. */
  constructor(executor: Executor, options: StateOptions = {}, open = openMemoryState) {
    this.#executor = executor;
    this.#options = options;
    this.#open = open;
    const { state } = options;
    this.#resumed = state?.head;
    if (state?.head !== undefined) this.#carried = carry(state, state.head);
  }

  /** The report on a block that the state holds already; `undefined` for any other. */
  passOver(unit: Unit): BlockReport | undefined {
    const { state } = this.#options;
    const { block } = unit;
    const head = this.#resumed;
    if (state === undefined || head === undefined || block === undefined) return undefined;
    const { number, stateRoot } = block.header;
    if (number > head.number) return undefined;
    const source = state.source();
    const known = knownHash(source, number);
    source.close();
    unit.blockHash.set(keccakOf(block.headerRlp));
    if (known === undefined) return unitReport(unit, { depth: "committed before", note: TOO_OLD });
    if (Buffer.compare(known, unit.blockHash) !== 0) {
      throw new LanewiseError(
        "ERR_SOURCE",
        `block ${number}: expected ${toHex(known)}, which the state database holds, got ${toHex(unit.blockHash)}`,
      );
    }
    if (number === head.number && Buffer.compare(head.stateRoot, stateRoot) !== 0) {
      throw new LanewiseError(
        "ERR_SOURCE",
        `state database: expected state root ${toHex(stateRoot)}, that of block ${number}, got ${toHex(head.stateRoot)}`,
      );
    }
    return unitReport(unit, { depth: "committed before", note: "" });
  }

  /** Runs the unit's block. */
  async execute(unit: Unit, signal?: AbortSignal): Promise<Executed> {
    const { block } = unit;
    if (block === undefined) return notExecuted("no block around the transactions");
    if (unit.failures.length > 0) return { ...notExecuted(INVALID), carried: this.#carried };
    const { state, carried } = await this.#stateFor(unit, block);
    const stop = (note: string, failures: readonly Failure[] = []): Executed => {
      state?.close();
      return { ...notExecuted(note), carried, failures };
    };
    if (state === undefined) return stop(NO_STATE);
    if (block.ommers === undefined) return stop("the headers of the ommers were not given");
    try {
      const outcome = await this.#executor.execute(
        executable(unit, block),
        withParentHash(state, block),
        signal === undefined ? {} : { signal },
      );
      if (outcome.ok) {
        const { result } = outcome;
        return { depth: "executed", note: "", failures: [], result, before: state, carried };
      }
      const failure: Failure = {
        block: unitName(unit),
        ...(outcome.invalid.index < unit.list.count
          ? { transaction: outcome.invalid.index }
          : { field: "requestsHash" }),
        rule: "execution",
        expected: "a transaction that may stand here",
        got: outcome.invalid.reason,
      };
      return stop("a transaction cannot be executed", [failure]);
    } catch (error) {
      state.close();
      if (!(error instanceof LanewiseError) || error.code !== "ERR_STATE_MISSING") throw error;
      if (block.input.state?.recording !== true) return { ...notExecuted(error.message), carried };
      const failure: Failure = {
        block: unitName(unit),
        field: "state",
        rule: "the state recorded beside a block holds all that the block reads",
        expected: "a recording of this block's reads",
        got: error.message,
      };
      return { ...notExecuted(error.message), carried, failures: [failure] };
    }
  }

  /**
   * Compares an execution with the header and begins to commit it. The next block may execute at once; `final` says what became of
   * this one, and adds to the unit's failures what is wrong with it.
   */
  async commit(unit: Unit, executed: Executed): Promise<{ readonly final: Promise<Outcome> }> {
    const { block } = unit;
    const { result, before, carried } = executed;
    const failures: Failure[] = [...executed.failures];
    let outcome: Outcome = executed;
    let committed: Promise<CommitOutcome> | undefined;
    if (block !== undefined && result !== undefined && before !== undefined) {
      const receipts = encodeReceipts(result.receipts, this.#receiptBytes);
      const notes = compareWithHeader(unit, block, result, receipts, failures);
      this.#receiptBytes =
        receipts.bytes.length <= MOST_RECEIPT_BYTES_KEPT ? receipts.bytes : undefined;
      const { postState } = block.input;
      if (postState !== undefined) comparePostState(unit, postState, before, result, failures);
      before.close();
      if (carried === undefined) {
        notes.unshift("state root not compared: the state given is not complete");
      } else if (!carried.isBroken) {
        committed = this.#give(unit, block, carried, result, failures.length > 0);
      }
      outcome = { depth: "executed", note: notes.join("; ") };
    }
    if (block !== undefined && (committed === undefined || failures.length > 0)) this.#cut();
    const earlier = carried?.settled;
    const finish = async (): Promise<Outcome> => {
      const computed = await committed?.catch((error: unknown) => {
        if (carried?.isBroken || isAbort(error)) return undefined;
        throw error;
      });
      await earlier;
      if (computed === undefined && (committed !== undefined || carried?.isBroken)) {
        return notExecuted(unit.failures.length > 0 ? INVALID : NO_STATE);
      }
      if (computed !== undefined && block !== undefined && carried !== undefined) {
        compareStateRoot(unit, block, computed.root, failures);
        carried.isBroken ||= !computed.committed;
        if (carried.isBroken && this.#carried === carried) this.#cut();
      }
      unit.failures.push(...failures);
      return outcome;
    };
    const final = finish();
    if (carried !== undefined) carried.settled = final.then(nothing, nothing);
    return { final };
  }

  /** Waits for what is being committed, and closes the states that the stage opened. */
  async close(): Promise<void> {
    await this.#carried?.settled;
    await Promise.all(this.#opened.map((state) => state.close()));
  }

  /** Hands a block to the state; `dryRun` where it has failed already and only its root is asked for. */
  #give(
    unit: Unit,
    block: DecodedBlock,
    carried: CarriedState,
    result: ExecutionResult,
    dryRun: boolean,
  ): Promise<CommitOutcome> {
    const { number, stateRoot } = block.header;
    const hash = unit.blockHash;
    if (!dryRun) carried.tip = { number, hash };
    return carried.state.commit({
      number,
      hash,
      diff: result.stateDiff,
      expectedRoot: stateRoot,
      dryRun,
    });
  }

  #cut(): void {
    this.#carried = undefined;
    this.#isCut = true;
  }

  /** The unit has no failures. */
  async #stateFor(
    unit: Unit,
    block: DecodedBlock,
  ): Promise<{ state: ExecutionState | undefined; carried: CarriedState | undefined }> {
    const { stateSource } = block.input;
    const { state: chain, remoteState } = this.#options;
    const complete = block.input.state?.complete ? block.input.state : undefined;
    if (chain === undefined) {
      const given = stateSource ?? (block.input.state && createMemoryState(block.input.state));
      if (given !== undefined) this.#carried = undefined;
      if (complete !== undefined && stateSource === undefined) {
        this.#carried = await this.#begin(block, complete);
      } else if (given !== undefined) {
        return { state: { ...lasting(given), close() {} }, carried: undefined };
      }
    } else if (chain.head === undefined && this.#carried === undefined && complete !== undefined) {
      this.#carried = await this.#begin(block, complete);
    }
    const carried = this.#carried;
    if (carried !== undefined && follows(block, carried.tip)) {
      await carried.state.room();
      // What was given may have been refused while the worker was busy.
      return { state: carried.isBroken ? undefined : carried.state.source(), carried };
    }
    if (chain !== undefined && !this.#isCut) throw doesNotFollow(block, carried?.tip);
    this.#carried = undefined;
    if (remoteState === undefined) return { state: undefined, carried: undefined };
    return { state: await remoteState.before(unit), carried: undefined };
  }

  /** A state that begins with a complete one, as the block before this. */
  async #begin(block: DecodedBlock, data: MemoryStateData): Promise<CarriedState> {
    const tip: Tip = { number: block.header.number - 1n, hash: block.header.parentHash };
    const { state } = this.#options;
    if (state !== undefined) {
      await state.commit({ ...tip, diff: wholeState(data) });
      return carry(state, tip);
    }
    const own = await this.#open(data, tip);
    this.#opened.push(own);
    return carry(own, tip);
  }
}

/** A state in memory that begins with `data` as block `tip`. */
async function openMemoryState(data: MemoryStateData, tip: Tip): Promise<ChainState> {
  const state = createVolatileState();
  await state.commit({ ...tip, diff: wholeState(data) });
  return state;
}

const nothing = (): void => {};

const TOO_OLD = "older than the block hashes that the state keeps: not compared";

const notExecuted = (note: string): Executed => ({
  depth: "signatures only",
  note,
  failures: [],
  result: undefined,
  before: undefined,
  carried: undefined,
});

const carry = (state: ChainState, tip: Tip): CarriedState => ({
  state,
  tip,
  isBroken: false,
  settled: Promise.resolve(),
});

const isAbort = (error: unknown): boolean =>
  error instanceof LanewiseError && error.code === "ERR_ABORTED";

const follows = ({ header }: DecodedBlock, tip: Tip): boolean =>
  Buffer.compare(tip.hash, header.parentHash) === 0 && header.number === tip.number + 1n;

function doesNotFollow({ header }: DecodedBlock, tip: Tip | undefined): LanewiseError {
  const { number, parentHash } = header;
  if (tip === undefined) {
    const message = `block ${number}: the state database is empty: expected a genesis.json with the first block`;
    return new LanewiseError("ERR_SOURCE", message);
  }
  const place = `block ${number} does not follow the state database`;
  const message =
    number === tip.number + 1n
      ? `${place}: expected parent ${toHex(tip.hash)}, got ${toHex(parentHash)}`
      : `${place}, which is at block ${tip.number}: expected block ${tip.number + 1n} next`;
  return new LanewiseError("ERR_SOURCE", message);
}

function knownHash(state: StateSource, number: bigint): Uint8Array | undefined {
  try {
    return state.blockHash(number);
  } catch (error) {
    if (error instanceof LanewiseError && error.code === "ERR_STATE_MISSING") return undefined;
    throw error;
  }
}

/** The reads of a state, whatever else it is. */
const lasting = (state: StateSource): StateSource => ({
  account: (address) => state.account(address),
  storage: (address, slot) => state.storage(address, slot),
  code: (codeHash) => state.code(codeHash),
  blockHash: (number) => state.blockHash(number),
  ...(state.hasStorage && { hasStorage: (address) => state.hasStorage!(address) }),
});

/** A block knows its parent's hash, whatever the state knows. */
function withParentHash(state: StateSource, block: DecodedBlock): StateSource {
  const { number, parentHash } = block.header;
  return {
    account: (address) => state.account(address),
    storage: (address, slot) => state.storage(address, slot),
    code: (codeHash) => state.code(codeHash),
    blockHash: (of) => (of === number - 1n ? parentHash : state.blockHash(of)),
    get direct() {
      return state.direct;
    },
    ...(state.share && { share: () => state.share!() }),
    ...(state.hasStorage && { hasStorage: (address) => state.hasStorage!(address) }),
  };
}

function executable(unit: Unit, block: DecodedBlock): ExecutableBlock {
  const { header } = block;
  const environment: BlockEnvironment = {
    fork: block.fork,
    chainId: block.chainId,
    number: header.number,
    timestamp: header.timestamp,
    gasLimit: header.gasLimit,
    coinbase: header.coinbase,
    difficulty: header.difficulty,
    prevRandao: header.mixHash,
    parentHash: header.parentHash,
    ...(header.baseFeePerGas === undefined ? {} : { baseFeePerGas: header.baseFeePerGas }),
    ...(header.excessBlobGas === undefined ? {} : { excessBlobGas: header.excessBlobGas }),
    ...(header.parentBeaconBlockRoot === undefined
      ? {}
      : { parentBeaconBlockRoot: header.parentBeaconBlockRoot }),
  };
  return {
    environment,
    transactions: block.transactions,
    senders: unit.senders,
    authorities: unit.authorities,
    withdrawals: block.withdrawals ?? [],
    ommers: block.ommers ?? [],
  };
}
