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
import type { ExecutableBlock, Execution, Executor } from "../executor.ts";
import { prepare, setEnvironment } from "./inputs.ts";
import { HostMachine } from "./machine.ts";
import { readReceipts, readStateDiff } from "./outcome.ts";
import { MAX_THREADS } from "./questions.ts";
import { rejectionReason } from "./rejections.ts";
import { beginBlock, endBlock } from "./system-operations.ts";
import { type ConflictCounts, Threads } from "./threads.ts";

export type { ConflictCounts } from "./threads.ts";

/** Options of {@link createEvmExecutor}. */
export interface EvmExecutorOptions {
  /** Threads that execute a block, the caller's among them: 1 (the default) to 32. More than there are cores only does harm. */
  readonly workers?: number;
  /** Fewest transactions of a block for which other threads are woken. */
  readonly leastParallel?: number;
  /** Runs transactions alone, without system calls, withdrawals, rewards and requests, as state tests want it. */
  readonly transactionsOnly?: boolean;
  /** Told after each block that ran on several threads. */
  readonly onConflicts?: (counts: ConflictCounts) => void;
}

/** Transactions run between two looks at the event loop and the abort signal. */
const SLICE = 1024;
/** Below this the threads' start costs more than they save. */
const LEAST_PARALLEL = 16;

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

/** The transactions of a block, executed: where their results are, or why one may not be included. */
type Ran =
  | { readonly ok: true; readonly results: number; readonly gasUsed: bigint }
  | { readonly ok: false; readonly index: number; readonly reason: string };

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
    const ran =
      (await this.#runParallel(block, within, check)) ??
      (await this.#runSerial(block, within, check));
    if (!ran.ok) return { ok: false, invalid: { index: ran.index, reason: ran.reason } };
    const { gasUsed } = ran;
    const receipts = readReceipts(machine, ran.results, block.transactions.length);
    let requests: readonly Uint8Array[] = [];
    if (!this.#options.transactionsOnly) {
      const end = within(() => endBlock(machine, block, receipts));
      if (!end.ok) {
        return { ok: false, invalid: { index: block.transactions.length, reason: end.reason } };
      }
      requests = end.requests;
    }
    const stateDiff = within(() => readStateDiff(machine));
    return { ok: true, result: { receipts, gasUsed, requests, stateDiff } };
  }

  /** Sets the block up; addresses of its decoded transactions and of room for their results. */
  #begin(
    block: ExecutableBlock,
    within: <T>(work: () => T) => T,
  ): { records: number; results: number } {
    const machine = this.#machine;
    setEnvironment(machine, block);
    if (!this.#options.transactionsOnly) within(() => beginBlock(machine, block));
    const records = prepare(machine, block);
    const room = Math.max(1, block.transactions.length) * machine.evm.resultBytes();
    return { records, results: machine.evm.allocate(room) };
  }

  async #runSerial(
    block: ExecutableBlock,
    within: <T>(work: () => T) => T,
    check: () => void,
  ): Promise<Ran> {
    const { evm } = this.#machine;
    const count = block.transactions.length;
    const { records, results } = this.#begin(block, within);
    for (let done = 0; done < count; done += SLICE) {
      if (done > 0) {
        await new Promise((resolve) => setImmediate(resolve));
        check();
      }
      const slice = Math.min(SLICE, count - done);
      const ran = within(() =>
        evm.execute(records + done * evm.recordBytes(), results + done * evm.resultBytes(), slice),
      );
      if (ran < slice) {
        const expected = this.#machine.getWord(evm.rejectionExpected());
        const got = this.#machine.getWord(evm.rejectionGot());
        const reason = rejectionReason(evm.rejection.value, expected, got);
        return { ok: false, index: done + ran, reason };
      }
    }
    return { ok: true, results, gasUsed: evm.gasUsed() };
  }

  /** `undefined` where the block is to run serially: it is small or old, or did not come to an end with all transactions included. */
  async #runParallel(
    block: ExecutableBlock,
    within: <T>(work: () => T) => T,
    check: () => void,
  ): Promise<Ran | undefined> {
    const least = this.#options.leastParallel ?? LEAST_PARALLEL;
    if (this.#threads === undefined || this.#threads.lost) return undefined;
    if (block.transactions.length < least) return undefined;
    if (!forkAtLeast(block.environment.fork, "cancun")) return undefined;
    const machine = this.#machine;
    const { records, results } = this.#begin(block, within);
    const counts = await this.#threads.run(block, within, records, results, check);
    if (counts === undefined) return undefined;
    const { evm } = machine;
    const gasUsed = evm.parallelGasUsed();
    const address = evm.allocate(20);
    machine.bytes.set(block.environment.coinbase, address);
    within(() => evm.credit(address, evm.endParallel()));
    this.#options.onConflicts?.(counts);
    return { ok: true, results, gasUsed };
  }

  async close(): Promise<void> {
    await this.#threads?.close();
  }
}
