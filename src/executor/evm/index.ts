/**
 * The EVM in WebAssembly behind the executor's interface: a block's transactions one after another, or side by side on several threads
 * with the same outcome.
 *
 * @module
 */
import { loadAsset } from "../../backends/assets.ts";
import { forkAtLeast } from "../../chains/ethereum/forks.ts";
import { LanewiseError } from "../../core/index.ts";
import type { StateSource } from "../../state/source.ts";
import type { ConflictReport, ExecutableBlock, Execution, Executor } from "../executor.ts";
import { readConflicts } from "./conflicts.ts";
import { Inputs, setEnvironment } from "./inputs.ts";
import { HostMachine } from "./machine.ts";
import { Changes, type EvmReceipt, LazyStateDiff, readReceipts } from "./outcome.ts";
import { MAX_THREADS } from "./questions.ts";
import { rejectionReason } from "./rejections.ts";
import { type BlockEnd, beginBlock, endBlock, requestsOf } from "./system-operations.ts";
import { DECODED_FIRST, Threads } from "./threads.ts";

/** Options of {@link createEvmExecutor}. */
export interface EvmExecutorOptions {
  /** Threads that execute a block, the caller's among them: 1 (the default) to 32. More than there are cores only does harm. */
  readonly workers?: number;
  /** Fewest transactions of a block for which other threads are woken. */
  readonly leastParallel?: number;
  /** Runs transactions alone, without system calls, withdrawals, rewards and requests, as state tests want it. */
  readonly transactionsOnly?: boolean;
}

/** Transactions run between two looks at the event loop and the abort signal. */
const SLICE = 1024;
/** Below this the threads' start costs more than they save. */
const LEAST_PARALLEL = 16;

/** Part of the first transactions that may stand in one chain of hints; where there are more, threads would only wait for one another. */
const DEPENDENT = 0.75;

let compiled: Promise<WebAssembly.Module> | undefined;

/** The module, compiled once a process. */
function loadModule(): Promise<WebAssembly.Module> {
  compiled ??= loadAsset("kernels/evm.wasm").then((bytes) => WebAssembly.compile(bytes));
  return compiled;
}

/**
 * Creates the executor. It holds its memory and threads until it is closed; blocks given to it at once run one after another.
 *
 * Blocks before Cancun run serially: until EIP-6780 any contract could remove itself with all of its storage.
 *
 * @throws RangeError on a number of workers out of range.
 */
export function createEvmExecutor(options: EvmExecutorOptions = {}): Executor {
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
    signal: AbortSignal | undefined,
  ): Promise<Execution> => {
    const check = (): void => {
      if (closed) throw new LanewiseError("ERR_CLOSED", "EVM executor: closed");
      if (signal?.aborted) {
        throw new LanewiseError("ERR_ABORTED", "EVM executor: aborted", { cause: signal.reason });
      }
    };
    check();
    engine ??= loadModule().then((module) => new Engine(module, options));
    return (await engine).execute(block, state, check);
  };

  return {
    id: workers === 1 ? "evm-serial" : "evm",
    execute(block, state, { signal } = {}): Promise<Execution> {
      const mine = turn.then(() => run(block, state, signal));
      turn = mine.catch(() => undefined);
      return mine;
    },
    async close(): Promise<void> {
      closed = true;
      await turn;
      await (await engine)?.close();
      engine = undefined;
    },
  };
}

/** A block whose transactions have run, or the one that may not be included. */
type Ran =
  | {
      readonly ok: true;
      readonly gasUsed: bigint;
      readonly receipts: readonly EvmReceipt[];
      readonly end: BlockEnd;
      readonly changes: Changes;
      readonly conflicts?: ConflictReport;
    }
  | { readonly ok: false; readonly index: number; readonly reason: string };

/** One block on its way through an engine. */
interface Run {
  readonly block: ExecutableBlock;
  readonly state: StateSource;
  readonly count: number;
  within<T>(work: () => T): T;
  check(): void;
}

/** A block that has been set up. */
interface Begun {
  readonly inputs: Inputs;
  readonly results: number;
}

const NO_REQUESTS = { ok: true, requests: [] } as const;
const NO_END: BlockEnd = { ok: true, outputs: [] };

/** An instance with its memory and threads. */
class Engine {
  readonly #machine: HostMachine;
  readonly #threads: Threads | undefined;
  readonly #options: EvmExecutorOptions;

  constructor(module: WebAssembly.Module, options: EvmExecutorOptions) {
    const threads = (options.workers ?? 1) - 1;
    this.#options = options;
    this.#machine = new HostMachine(module, threads);
    if (threads > 0) this.#threads = new Threads(module, this.#machine);
  }

  async execute(block: ExecutableBlock, state: StateSource, check: () => void): Promise<Execution> {
    const machine = this.#machine;
    const within = <T>(work: () => T): T => machine.within(state, work);
    const run: Run = { block, state, count: block.transactions.length, within, check };
    const ran = (await this.#runParallel(run)) ?? (await this.#runSerial(run, this.#begin(run)));
    if (!ran.ok) return { ok: false, invalid: { index: ran.index, reason: ran.reason } };
    const { receipts, gasUsed, conflicts } = ran;
    const requests = this.#options.transactionsOnly
      ? NO_REQUESTS
      : requestsOf(block, ran.end, receipts);
    if (!requests.ok) {
      return { ok: false, invalid: { index: run.count, reason: requests.reason } };
    }
    const stateDiff = new LazyStateDiff(ran.changes);
    const result = { receipts, gasUsed, requests: requests.requests, stateDiff };
    return { ok: true, result: conflicts === undefined ? result : { ...result, conflicts } };
  }

  /** Sets the block up; none of its transactions is decoded yet. */
  #begin({ block, count, within }: Run): Begun {
    const machine = this.#machine;
    setEnvironment(machine, block);
    if (!this.#options.transactionsOnly) within(() => beginBlock(machine, block));
    const inputs = new Inputs(machine, block);
    return {
      inputs,
      results: machine.evm.allocate(Math.max(1, count) * machine.evm.resultBytes()),
    };
  }

  /** What follows the last transaction. */
  #end(block: ExecutableBlock): BlockEnd {
    return this.#options.transactionsOnly ? NO_END : endBlock(this.#machine, block);
  }

  async #runSerial({ block, count, within, check }: Run, begun: Begun): Promise<Ran> {
    const machine = this.#machine;
    const { evm } = machine;
    const { inputs, results } = begun;
    for (let done = 0; done < count; ) {
      if (done > 0) {
        await new Promise((resolve) => setImmediate(resolve));
        check();
      }
      const slice = Math.min(SLICE, count - done);
      if (inputs.done < done + slice) inputs.decode(done + slice);
      const records = inputs.records + done * evm.recordBytes();
      const ran = within(() => evm.execute(records, results + done * evm.resultBytes(), slice));
      if (ran < slice) {
        const expected = machine.getWord(evm.rejectionExpected());
        const got = machine.getWord(evm.rejectionGot());
        const reason = rejectionReason(evm.rejection.value, expected, got);
        return { ok: false, index: done + ran, reason };
      }
      done += slice;
    }
    const end = within(() => this.#end(block));
    const changesStart = within(() => evm.collectChanges());
    const receipts = readReceipts(machine, results, count, changesStart);
    const changes = new Changes(machine, changesStart, evm.outputEnd());
    return { ok: true, gasUsed: evm.gasUsed(), receipts, end, changes };
  }

  /** `undefined` where the block is to run serially: it is small or old, or did not come to an end with all transactions included. */
  async #runParallel(run: Run): Promise<Ran | undefined> {
    const { block, count, within } = run;
    const least = this.#options.leastParallel ?? LEAST_PARALLEL;
    const threads = this.#threads;
    if (threads === undefined || threads.lost || count < least) return undefined;
    if (!forkAtLeast(block.environment.fork, "cancun")) return undefined;
    threads.wake();
    const machine = this.#machine;
    const { evm } = machine;
    const begun = this.#begin(run);
    const { inputs, results } = begun;
    evm.beginParallel(inputs.records, results, count);
    inputs.decode(Math.min(count, DECODED_FIRST));
    evm.offer(inputs.done);
    if (evm.longestHint.value > DEPENDENT * inputs.done) return this.#runSerial(run, begun);
    const epilogue = (): { end: BlockEnd; changesStart: number } => {
      const owed = evm.beginEpilogue();
      const coinbase = evm.allocate(32);
      machine.bytes.set(block.environment.coinbase, coinbase);
      evm.credit(coinbase, owed);
      return { end: this.#end(block), changesStart: evm.beginSettling() };
    };
    const ended = await threads.run({ ...run, ...begun }, epilogue);
    if (ended === undefined) return undefined;
    const gasUsed = evm.parallelGasUsed();
    // The other threads have begun to settle the state meanwhile.
    const receipts = readReceipts(machine, results, count, ended.changesStart);
    if (!(await threads.settle(within))) return undefined;
    const changes = new Changes(machine, ended.changesStart, evm.outputEnd());
    const conflicts = readConflicts(machine, changes);
    return { ok: true, gasUsed, receipts, end: ended.end, changes, conflicts };
  }

  async close(): Promise<void> {
    await this.#threads?.close();
  }
}
