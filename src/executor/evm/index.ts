/**
 * The EVM in WebAssembly behind the executor's interface: a block's transactions one after another.
 *
 * @module
 */
import { loadAsset } from "../../backends/assets.ts";
import { LanewiseError } from "../../core/index.ts";
import type { StateSource } from "../../state/source.ts";
import type { ExecutableBlock, Execution, Executor } from "../executor.ts";
import { prepare, setEnvironment } from "./inputs.ts";
import { Machine } from "./machine.ts";
import { readReceipts, readStateDiff } from "./outcome.ts";
import { createPrecompiles } from "./precompiles.ts";
import { rejectionReason } from "./rejections.ts";
import { beginBlock, endBlock } from "./system-operations.ts";

/** Options of {@link createEvmExecutor}. */
export interface EvmExecutorOptions {
  /** Runs transactions alone, without system calls, withdrawals, rewards and requests, as state tests want it. */
  readonly transactionsOnly?: boolean;
}

/** Transactions run between two looks at the event loop and the abort signal. */
const SLICE = 1024;
let compiled: Promise<WebAssembly.Module> | undefined;

/** The module, compiled once a process. */
function loadModule(): Promise<WebAssembly.Module> {
  compiled ??= loadAsset("kernels/evm.wasm").then((bytes) => WebAssembly.compile(bytes));
  return compiled;
}

/** Creates the serial executor. It holds its memory until it is closed; blocks given to it at once run one after another. */
export function createEvmExecutor(options: EvmExecutorOptions = {}): Executor {
  let machine: Machine | undefined;
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
    machine ??= new Machine(await loadModule());
    const runPrecompile = createPrecompiles(block.environment.fork);
    const context = { state, runPrecompile };
    return runBlock(machine, context, block, options, check);
  };

  return {
    id: "evm-serial",
    execute(block, state, { signal } = {}): Promise<Execution> {
      const mine = turn.then(() => run(block, state, signal));
      turn = mine.catch(() => undefined);
      return mine;
    },
    async close(): Promise<void> {
      closed = true;
      await turn;
      machine = undefined;
    },
  };
}

async function runBlock(
  machine: Machine,
  context: Parameters<Machine["within"]>[0],
  block: ExecutableBlock,
  options: EvmExecutorOptions,
  check: () => void,
): Promise<Execution> {
  const { evm } = machine;
  const count = block.transactions.length;
  setEnvironment(machine, block);
  if (!options.transactionsOnly) machine.within(context, () => beginBlock(machine, block));
  const records = prepare(machine, block);
  const resultBytes = evm.resultBytes();
  const results = evm.allocate(Math.max(1, count) * resultBytes);
  for (let done = 0; done < count; done += SLICE) {
    if (done > 0) {
      await new Promise((resolve) => setImmediate(resolve));
      check();
    }
    const slice = Math.min(SLICE, count - done);
    const ran = machine.within(context, () =>
      evm.execute(records + done * evm.recordBytes(), results + done * resultBytes, slice),
    );
    if (ran < slice) {
      const expected = machine.getWord(evm.rejectionExpected());
      const got = machine.getWord(evm.rejectionGot());
      const reason = rejectionReason(evm.rejection.value, expected, got);
      return { ok: false, invalid: { index: done + ran, reason } };
    }
  }
  const gasUsed = evm.gasUsed();
  const receipts = readReceipts(machine, results, count);
  let requests: readonly Uint8Array[] = [];
  if (!options.transactionsOnly) {
    const end = machine.within(context, () => endBlock(machine, block, receipts));
    if (!end.ok) return { ok: false, invalid: { index: count, reason: end.reason } };
    requests = end.requests;
  }
  const stateDiff = machine.within(context, () => readStateDiff(machine));
  return { ok: true, result: { receipts, gasUsed, requests, stateDiff } };
}
