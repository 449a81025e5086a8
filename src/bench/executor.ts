/**
 * Benchmark of the executor: one block of each workload, serially, on several threads, and by its rivals.
 *
 * A figure is the shortest of many runs, from raw transactions and recovered senders to receipts and state changes; serial and parallel
 * runs take turns, so that a busy moment of the machine hits all alike. The state is in shared memory (`createSharedState`).
 *
 * @module
 */
import { availableParallelism, cpus } from "node:os";
import {
  createEvmExecutor,
  createExecutor,
  type ExecutableBlock,
  type Executor,
} from "../executor/index.ts";
import { createMemoryState } from "../state/memory.ts";
import { createSharedState } from "../state/shared-state.ts";
import type { StateSource } from "../state/source.ts";
import { generateWorkload, type Workload, workloads } from "../workloads/workload.ts";
import { hasAnvil, timeAnvil } from "./anvil.ts";

/** The rivals. */
export const EXECUTOR_PEERS = ["ethereumjs", "anvil"] as const;
export type ExecutorPeer = (typeof EXECUTOR_PEERS)[number];

/** What to measure. */
export interface ExecutorBenchOptions {
  /** Keys of `workloads`; default: all. */
  readonly workloads?: readonly string[];
  /** Transactions of the block; default 2 000, some 100 million gas of token transfers. */
  readonly transactions?: number;
  /** Numbers of threads beside 1; default: powers of two up to the machine's cores. */
  readonly workers?: readonly number[];
  /** Milliseconds for each workload's own runs; default 3 000. */
  readonly workloadMs?: number;
  /** Default: all that are installed. */
  readonly against?: readonly ExecutorPeer[];
  readonly onProgress?: (line: string) => void;
}

/** One figure. */
export interface ExecutorBenchRow {
  readonly workload: string;
  readonly implementation: "lanewise" | ExecutorPeer;
  /** Threads; a peer's are its own. */
  readonly workers: number;
  readonly transactionsPerSecond: number;
  /** Our serial execution being 1. */
  readonly ratioToSerial: number;
  /** Executions thrown away in the shortest run. */
  readonly aborts: number;
}

/** What `lanewise bench executor --json` prints. */
export interface ExecutorBenchReport {
  readonly id: "executor";
  readonly machine: string;
  readonly node: string;
  readonly transactions: number;
  readonly rows: readonly ExecutorBenchRow[];
  /** Peers that were not measured, and why; by workload where it is one alone. */
  readonly absent: Readonly<Record<string, string>>;
}

const DEFAULT_TRANSACTIONS = 2000;
const DEFAULT_WORKLOAD_MS = 3000;
const LEAST_ROUNDS = 3;
/** Runs of one executor before the next has its turn: as blocks follow one another, its threads are awake. */
const RUNS_A_TURN = 4;
/** The first transactions of the block are enough to time an interpreter in JavaScript. */
const ETHEREUMJS_TRANSACTIONS = 200;
const ETHEREUMJS_ROUNDS = 3;

interface Best {
  ms: number;
  aborts: number;
}

async function runOnce(
  executor: Executor,
  block: ExecutableBlock,
  state: StateSource,
): Promise<Best & { readonly gasUsed: bigint }> {
  const started = performance.now();
  const execution = await executor.execute(block, state);
  const ms = performance.now() - started;
  if (!execution.ok) throw new Error(`${executor.id}: ${execution.invalid.reason}`);
  const { conflicts, gasUsed } = execution.result;
  return { ms, gasUsed, aborts: conflicts?.aborts ?? 0 };
}

/** The shortest run of each executor, taken in turns. */
async function takeTurns(
  executors: readonly Executor[],
  block: ExecutableBlock,
  state: StateSource,
  forMs: number,
): Promise<Best[]> {
  const best = executors.map(() => ({ ms: Number.POSITIVE_INFINITY, aborts: 0 }));
  const until = performance.now() + forMs;
  let gasUsed: bigint | undefined;
  for (let round = 0; round < LEAST_ROUNDS || performance.now() < until; round++) {
    for (let turn = 0; turn < RUNS_A_TURN * executors.length; turn++) {
      const i = Math.floor(turn / RUNS_A_TURN);
      const executor = executors[i];
      const run = await runOnce(executor, block, state);
      gasUsed ??= run.gasUsed;
      if (run.gasUsed !== gasUsed) throw new Error(`${executor.id}: another outcome than serially`);
      if (run.ms < best[i].ms) best[i] = run;
    }
  }
  return best;
}

/** Milliseconds a transaction. */
async function timeEthereumjs({ state, blocks }: Workload): Promise<number> {
  const [block] = blocks;
  const count = Math.min(ETHEREUMJS_TRANSACTIONS, block.transactions.length);
  const part = {
    ...block,
    transactions: block.transactions.slice(0, count),
    senders: block.senders.subarray(0, 20 * count),
  };
  const oracle = createExecutor("oracle");
  try {
    let least = Number.POSITIVE_INFINITY;
    for (let round = 0; round < ETHEREUMJS_ROUNDS; round++) {
      least = Math.min(least, (await runOnce(oracle, part, createMemoryState(state))).ms);
    }
    return least / count;
  } finally {
    await oracle.close();
  }
}

const timePeer: Readonly<Record<ExecutorPeer, (workload: Workload) => Promise<number>>> = {
  ethereumjs: timeEthereumjs,
  anvil: async (workload) => (await timeAnvil(workload)) / workload.blocks[0].transactions.length,
};

function powersOfTwo(most: number): number[] {
  const powers: number[] = [];
  for (let workers = 2; workers <= most; workers *= 2) powers.push(workers);
  return powers;
}

/**
 * Measures.
 *
 * @throws RangeError on a workload that does not exist; Error where two executors disagree.
 */
export async function benchExecutor(
  options: ExecutorBenchOptions = {},
): Promise<ExecutorBenchReport> {
  const {
    workloads: names = [...workloads.keys()],
    transactions = DEFAULT_TRANSACTIONS,
    workers = powersOfTwo(availableParallelism()),
    workloadMs = DEFAULT_WORKLOAD_MS,
    against = EXECUTOR_PEERS,
    onProgress = () => {},
  } = options;
  const absent: Record<string, string> = {};
  const measured = against.filter((peer) => peer !== "anvil" || hasAnvil());
  if (against.length > measured.length) absent.anvil = "not installed (optional, Linux x64)";
  const rows: ExecutorBenchRow[] = [];
  const executors = [createEvmExecutor(), ...workers.map((n) => createEvmExecutor({ workers: n }))];
  try {
    for (const name of names) {
      onProgress(name);
      const workload = await generateWorkload({
        name,
        transactions,
        transactionsPerBlock: transactions,
        executor: executors[0],
      });
      const { source } = createSharedState(workload.state);
      const best = await takeTurns(executors, workload.blocks[0], source, workloadMs);
      const serialMs = best[0].ms / transactions;
      const add = (
        implementation: ExecutorBenchRow["implementation"],
        threads: number,
        ms: number,
        aborts: number,
      ): void => {
        rows.push({
          workload: name,
          implementation,
          workers: threads,
          transactionsPerSecond: Math.round(1000 / ms),
          ratioToSerial: Number((serialMs / ms).toPrecision(3)),
          aborts,
        });
      };
      for (const [i, { ms, aborts }] of best.entries()) {
        add("lanewise", i === 0 ? 1 : workers[i - 1], ms / transactions, aborts);
      }
      for (const peer of measured) {
        onProgress(`${name}: ${peer}`);
        try {
          add(peer, 1, await timePeer[peer](workload), 0);
        } catch (error) {
          absent[`${peer}: ${name}`] = error instanceof Error ? error.message : String(error);
        }
      }
    }
  } finally {
    await Promise.all(executors.map((executor) => executor.close()));
  }
  const machine = `${cpus()[0]?.model.trim() ?? "unknown"}, ${availableParallelism()} cores`;
  return { id: "executor", machine, node: process.version, transactions, rows, absent };
}
