/**
 * The EVM in WebAssembly behind the executor's interface: a block's transactions one after another, or side by side on several threads
 * with the same outcome.
 *
 * @module
 */
import { loadAsset } from "../../backends/assets.ts";
import { forkAtLeast } from "../../chains/ethereum/forks.ts";
import { LanewiseError } from "../../core/index.ts";
import { LazyDiff } from "../../state/diff.ts";
import type { StateSource } from "../../state/source.ts";
import type { BlockAccessList } from "../access-list.ts";
import { refuseDaoFork } from "../dao-fork.ts";
import type {
  ConflictReport,
  ExecutableBlock,
  ExecuteOptions,
  Execution,
  Executor,
  InvalidTransaction,
} from "../executor.ts";
import { hintsOf, readAccessList } from "./access-list.ts";
import { type BuiltBlock, builtBlock } from "./building.ts";
import { changeRecords, encodeChanges } from "./changes.ts";
import { readConflicts } from "./conflicts.ts";
import { Inputs, setEnvironment } from "./inputs.ts";
import { HostMachine, type MachineParts } from "./machine.ts";
import { MAX_THREADS } from "./questions.ts";
import { type EvmReceipt, readDropped, readReceipts } from "./receipts.ts";
import { rejectionReason } from "./rejections.ts";
import { Signers } from "./signers.ts";
import {
  type BlockEnd,
  beginBlock,
  endBlock,
  requestsOf,
  type SystemWrite,
} from "./system-operations.ts";
import { DECODED_FIRST, Threads } from "./threads.ts";

/** Options of {@link createEvmExecutor}. */
export interface EvmExecutorOptions {
  /** Threads that execute a block, the caller's among them: 1 (the default) to 32. More than there are cores only does harm. */
  readonly workers?: number;
  /** Fewest transactions of a block for which other threads are woken. */
  readonly leastParallel?: number;
  /** Runs transactions alone, without system calls, withdrawals, rewards and requests, as state tests want it. */
  readonly transactionsOnly?: boolean;
  /** Makes the block access list of every block from Cancun on. */
  readonly accessList?: boolean;
}

/** An executor that builds blocks as well. */
export interface EvmExecutor extends Executor {
  /**
   * Makes a block of candidates, in their order: what may not be included where it stands (nonce, balance, gas or blobs left, fees) is
   * dropped with the reason, and the next is tried. `candidates` is a block as for `execute`, its gas limit and base fee those of
   * the block to be.
   *
   * @throws LanewiseError as `execute`; `ERR_UNSUPPORTED` where what the block does at its end fails.
   */
  build(
    candidates: ExecutableBlock,
    state: StateSource,
    options?: { readonly signal?: AbortSignal },
  ): Promise<BuiltBlock>;
}

/** Transactions run between two looks at the event loop and the abort signal. */
const SLICE = 1024;
/** Below this the threads' start costs more than they save. */
const LEAST_PARALLEL = 16;

/** Part of the first transactions that may stand in one chain of hints; where there are more, threads would only wait for one another. */
const DEPENDENT = 0.75;
/** More than one signer asked for (0x01) in so many transactions, and the next block is run so that they are worked out together. */
const SIGNERS_ASKED = 16;

let compiled: Promise<WebAssembly.Module> | undefined;

/** The module, compiled once a process. */
function loadModule(): Promise<WebAssembly.Module> {
  compiled ??= loadAsset("kernels/evm.wasm").then((bytes) => WebAssembly.compile(bytes));
  return compiled;
}

/**
 * Creates the executor. It holds its memory and threads until it is closed; blocks given to it at once run one after another.
 *
 * Blocks of every fork run side by side. Receipts before Byzantium have no state root here, on one thread or on several: no trie is
 * kept between transactions.
 *
 * @throws RangeError on a number of workers out of range.
 */
export function createEvmExecutor(options: EvmExecutorOptions = {}): EvmExecutor {
  const { workers = 1 } = options;
  if (!Number.isInteger(workers) || workers < 1 || workers > MAX_THREADS + 1) {
    throw new RangeError(`workers: expected 1 to ${MAX_THREADS + 1}, got ${workers}`);
  }
  let engine: Promise<Engine> | undefined;
  let closed = false;
  let turn: Promise<unknown> = Promise.resolve();

  const run = async (
    block: ExecutableBlock,
    state: StateSource,
    { signal, accessList }: ExecuteOptions,
    building: boolean,
  ): Promise<Done> => {
    const check = (): void => {
      if (closed) throw new LanewiseError("ERR_CLOSED", "EVM executor: closed");
      if (signal?.aborted) {
        throw new LanewiseError("ERR_ABORTED", "EVM executor: aborted", { cause: signal.reason });
      }
    };
    check();
    refuseDaoFork(block.environment);
    engine ??= Promise.all([loadModule(), Signers.create()]).then(
      ([module, signers]) => new Engine({ module, signers }, options),
    );
    return (await engine).run({ block, state, check, building, hints: accessList });
  };
  /** Blocks given at once wait for one another. */
  const inTurn = (...parameters: Parameters<typeof run>): Promise<Done> => {
    const mine = turn.then(() => run(...parameters));
    turn = mine.catch(() => undefined);
    return mine;
  };

  return {
    id: workers === 1 ? "evm-serial" : "evm",
    async execute(block, state, execute = {}): Promise<Execution> {
      const { execution } = await inTurn(block, state, execute, false);
      return execution;
    },
    async build(candidates, state, { signal } = {}): Promise<BuiltBlock> {
      const { execution, dropped, authorisations } = await inTurn(
        candidates,
        state,
        signal === undefined ? {} : { signal },
        true,
      );
      return builtBlock(candidates, execution, dropped, authorisations);
    },
    async close(): Promise<void> {
      closed = true;
      await turn;
      await (await engine)?.close();
      engine = undefined;
    },
  };
}

/** What a run came to. */
interface Done {
  readonly execution: Execution;
  /** Where the block was built: the candidates left out, and how many authorisations each candidate has. */
  readonly dropped: readonly InvalidTransaction[];
  readonly authorisations: readonly number[];
}

/** A block whose transactions have run, or the one that may not be included. */
type Ran =
  | {
      readonly ok: true;
      readonly gasUsed: bigint;
      readonly receipts: readonly EvmReceipt[];
      readonly end: BlockEnd;
      /** Records of what the block changed. */
      readonly changes: DataView;
      readonly conflicts?: ConflictReport;
      readonly accessList?: BlockAccessList;
      readonly dropped: readonly InvalidTransaction[];
      readonly authorisations: readonly number[];
    }
  | { readonly ok: false; readonly index: number; readonly reason: string };

/** What an engine is given. */
interface Task {
  readonly block: ExecutableBlock;
  readonly state: StateSource;
  /** Whether the transactions are candidates. */
  readonly building: boolean;
  readonly hints: BlockAccessList | undefined;
  check(): void;
}

/** One block on its way through an engine. */
interface Run extends Task {
  readonly count: number;
  within<T>(work: () => T): T;
}

/** A block that has been set up. */
interface Begun {
  readonly inputs: Inputs;
  readonly results: number;
  readonly writes: readonly SystemWrite[];
}

const NO_REQUESTS = { ok: true, requests: [] } as const;
const NO_END: BlockEnd = { ok: true, outputs: [] };

/** An instance with its memory and threads. */
class Engine {
  readonly #machine: HostMachine;
  readonly #options: EvmExecutorOptions;
  readonly #parts: MachineParts;
  #threads: Threads | undefined;
  /** Whether many of the last block's transactions have asked for signers. */
  #asking = false;

  constructor(parts: MachineParts, options: EvmExecutorOptions) {
    const { workers = 1 } = options;
    this.#options = options;
    this.#parts = parts;
    this.#machine = new HostMachine(parts, workers - 1);
    // Its threads start at once.
    if (workers > 1) this.#threads = new Threads(parts.module, this.#machine);
  }

  async run(task: Task): Promise<Done> {
    const { block, state } = task;
    const machine = this.#machine;
    const within = <T>(work: () => T): T => machine.within(state, work);
    const run: Run = { ...task, count: block.transactions.length, within };
    const ran = (await this.#runParallel(run)) ?? (await this.#runSerial(run, this.#begin(run)));
    this.#asking = machine.signers.asked > run.count / SIGNERS_ASKED;
    if (!ran.ok) return failed(ran.index, ran.reason);
    const { receipts, gasUsed, conflicts, accessList, dropped, authorisations } = ran;
    const requests = this.#options.transactionsOnly
      ? NO_REQUESTS
      : requestsOf(block, ran.end, receipts, machine.evm.depositLogged() !== 0);
    if (!requests.ok) return failed(run.count, requests.reason);
    const result = {
      receipts,
      gasUsed,
      requests: requests.requests,
      stateDiff: new LazyDiff((room) => encodeChanges(ran.changes, room)),
      ...(conflicts === undefined ? {} : { conflicts }),
      ...(accessList === undefined ? {} : { accessList }),
    };
    return { execution: { ok: true, result }, dropped, authorisations };
  }

  /** Sets the block up; none of its transactions is decoded yet. */
  #begin({ block, count, within }: Run): Begun {
    const machine = this.#machine;
    setEnvironment(machine, block);
    const writes = this.#options.transactionsOnly ? [] : within(() => beginBlock(machine, block));
    const inputs = new Inputs(machine, block);
    const results = machine.evm.allocate(Math.max(1, count) * machine.evm.resultBytes());
    return { inputs, results, writes };
  }

  /** What follows the last transaction. */
  #end(block: ExecutableBlock): BlockEnd {
    return this.#options.transactionsOnly ? NO_END : endBlock(this.#machine, block);
  }

  /** What a block has left in memory, but for its state changes. */
  #results({ count, building }: Run, { inputs, results }: Begun, outputEnd: number) {
    const machine = this.#machine;
    const receipts = readReceipts(machine, results, count, outputEnd);
    if (!building) return { receipts, dropped: [], authorisations: [] };
    const dropped = readDropped(machine, results, count);
    const out = new Set(dropped.map(({ index }) => index));
    return {
      receipts: receipts.filter((_, i) => !out.has(i)),
      dropped,
      authorisations: inputs.authorisations(),
    };
  }

  async #runSerial(run: Run, begun: Begun): Promise<Ran> {
    const { block, count, within, building } = run;
    const machine = this.#machine;
    const { evm } = machine;
    const { inputs, results } = begun;
    for (let done = 0; done < count; ) {
      if (done > 0) {
        await new Promise((resolve) => setImmediate(resolve));
        run.check();
      }
      const slice = Math.min(SLICE, count - done);
      if (inputs.done < done + slice) inputs.decode(done + slice);
      const records = inputs.records + done * evm.recordBytes();
      const into = results + done * evm.resultBytes();
      if (building) within(() => evm.build(records, into, slice));
      else {
        const ran = within(() => evm.execute(records, into, slice));
        if (ran < slice) {
          const expected = machine.getWord(evm.rejectionExpected());
          const got = machine.getWord(evm.rejectionGot());
          const reason = rejectionReason(evm.rejection.value, expected, got);
          return { ok: false, index: done + ran, reason };
        }
      }
      done += slice;
    }
    const end = within(() => this.#end(block));
    const changesStart = within(() => evm.collectChanges());
    const read = this.#results(run, begun, changesStart);
    const changes = changeRecords(machine, changesStart, evm.outputEnd());
    return { ok: true, gasUsed: evm.gasUsed(), ...read, end, changes };
  }

  /** `undefined` where the block is to run serially: it is small, or did not come to an end with all transactions included. */
  async #runParallel(run: Run): Promise<Ran | undefined> {
    const { block, count, within, building, hints } = run;
    const { workers = 1, accessList = false, leastParallel = LEAST_PARALLEL } = this.#options;
    const listed = accessList && forkAtLeast(block.environment.fork, "cancun");
    const machine = this.#machine;
    if (count < (listed ? 1 : leastParallel)) return undefined;
    // One thread alone runs ahead of the frontier as well where that lets signers be worked out together.
    const alone = workers === 1 && !listed;
    if (alone && !this.#asking) return undefined;
    this.#threads ??= new Threads(this.#parts.module, machine);
    const threads = this.#threads;
    if (threads.lost) return undefined;
    threads.wake();
    const { evm } = machine;
    const begun = this.#begin(run);
    const { inputs, results } = begun;
    evm.beginParallel(inputs.records, results, count);
    if (building) evm.dropRejected();
    if (hints !== undefined) this.#suggest(hintsOf(hints, count, block.environment.coinbase));
    inputs.decode(Math.min(count, DECODED_FIRST));
    evm.offer(inputs.done);
    // From here on the threads are left where they are: nobody has let them into the block.
    if (!listed && evm.longestHint.value > Math.max(1, DEPENDENT * inputs.done)) {
      return this.#runSerial(run, begun);
    }
    const epilogue = (): { end: BlockEnd; changesStart: number } => {
      const owed = evm.beginEpilogue();
      if (owed !== 0) {
        const coinbase = evm.allocate(32);
        machine.bytes.set(block.environment.coinbase, coinbase);
        evm.credit(coinbase, owed);
      }
      return { end: this.#end(block), changesStart: evm.beginSettling() };
    };
    const ended = await threads.run({ ...run, ...begun }, epilogue);
    if (ended === undefined) return undefined;
    const gasUsed = evm.parallelGasUsed();
    // The other threads have begun to settle the state meanwhile.
    const read = this.#results(run, begun, ended.changesStart);
    if (!(await threads.settle(within))) return undefined;
    const changes = changeRecords(machine, ended.changesStart, evm.outputEnd());
    const done: Ran = {
      ok: true,
      gasUsed,
      ...read,
      end: ended.end,
      changes,
      ...(alone ? {} : { conflicts: readConflicts(machine, changes) }),
    };
    if (!listed || building) return done;
    return { ...done, accessList: readAccessList(machine, block, count, begun.writes) };
  }

  #suggest(pairs: Uint32Array): void {
    const at = this.#machine.evm.allocate(pairs.byteLength);
    this.#machine.words.set(pairs, at >>> 2);
    this.#machine.evm.suggest(at);
  }

  async close(): Promise<void> {
    await this.#threads?.close();
  }
}

function failed(index: number, reason: string): Done {
  return { execution: { ok: false, invalid: { index, reason } }, dropped: [], authorisations: [] };
}
