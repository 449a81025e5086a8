/**
 * `bench pipeline`: raw blocks in, verified state roots out: how many signed ERC-20 transfers a second, and what each stage costs.
 *
 * The rate is wall time of the whole pipeline on two threads of kernels, one that executes and one that commits; state, kernels and
 * threads are ready before the clock starts. Core-microseconds are processor time of the whole process, each stage measured alone,
 * since overlapping stages cannot be told apart.
 *
 * @module
 */
import { keccak256, secp256k1Recover } from "../algorithms/index.ts";
import { selectBackend } from "../backends/select.ts";
import { createEvmExecutor } from "../executor/index.ts";
import { BatchPool } from "../pipeline/batch-pool.ts";
import { decodeInput } from "../pipeline/block.ts";
import { checkUnit } from "../pipeline/check.ts";
import { createDispatcher } from "../pipeline/dispatcher.ts";
import { ExecutionStage } from "../pipeline/execution.ts";
import type { BlockInput } from "../pipeline/input.ts";
import { fillHashes, fillRecoveries, readRecoveries } from "../pipeline/lanes.ts";
import { createPipeline, hintsFor } from "../pipeline/pipeline.ts";
import type { Unit } from "../pipeline/unit.ts";
import type { LastingState } from "../state/chain-state.ts";
import type { MemoryStateData } from "../state/memory.ts";
import { createSharedState } from "../state/shared-state.ts";
import type { StoredBlock } from "../state/store/records.ts";
import { createVolatileState } from "../state/volatile-state.ts";
import { createSenderKeys, type SenderKeys } from "../verifier/sender-keys.ts";
import { PIPELINE_PEERS, type PipelinePeer, timePeer } from "./pipeline-peers.ts";
import { generateTokenChain, inputsOf, type TokenChain } from "./token-chain.ts";

/** Kernel threads: the bench is about two cores. */
const WORKERS = 2;
/** Least transactions and blocks at the head of the chain that warm everything up and are not measured. */
const WARM_UP_TRANSACTIONS = 10_000;
const WARM_UP_BLOCKS = 2;

/** A block every tenth of a second at 100 000 transactions a second, and one as large as the largest of mainnet. */
const BLOCK_SIZES = [10_000, 1_000] as const;

/** Options of {@link benchPipeline}. */
export interface PipelineBenchOptions {
  /** Measured transactions, default 120 000. */
  readonly transactions?: number;
  /** Sizes of blocks, each a set of rows; default {@link BLOCK_SIZES}. */
  readonly blockSizes?: readonly number[];
  /** Runs of which the best counts, default 3. */
  readonly rounds?: number;
  /** Rivals, default all. */
  readonly against?: readonly PipelinePeer[];
}

/** What the stages cost, in microseconds of one core a transaction. */
export interface StageCosts {
  readonly decode: number;
  readonly hash: number;
  readonly recover: number;
  readonly check: number;
  readonly execute: number;
  readonly commit: number;
}

/** One measurement. */
export interface PipelineBenchRow {
  /**
   * `…-cold`: every sender unknown; `…-warm`: their public keys known, as a node knows them that has seen the transactions before. Sizes
   * of blocks after the first are named: `erc20-cold-1000`.
   */
  readonly workload: string;
  readonly implementation: "lanewise" | PipelinePeer;
  /** Of wall time. */
  readonly transactionsPerSecond: number;
  /** Ours. */
  readonly coreMicrosPerTx?: StageCosts;
  /** Ours: processor time of the whole pipelined run. */
  readonly totalCoreMicrosPerTx?: number;
  /** Ours: the rate as a multiple of the same without state roots. */
  readonly ratioToRootless?: number;
  readonly note: string;
}

/** What was measured, and why a rival was not. */
export interface PipelineBenchReport {
  readonly rows: readonly PipelineBenchRow[];
  readonly absent: Readonly<Record<string, string>>;
}

const NOTHING: MemoryStateData = { complete: true, accounts: new Map(), code: new Map() };

/** A state without tries: every root is believed. */
function createRootlessState(chain: TokenChain): LastingState {
  const state = createSharedState(NOTHING);
  state.apply(chain.genesisState);
  let head: StoredBlock = headOf(chain);
  return {
    get head() {
      return head;
    },
    source: () => ({ ...state.source, close() {} }),
    async room() {},
    async commit({ number, hash, diff, expectedRoot }) {
      if (expectedRoot === undefined) throw new TypeError("rootless");
      state.apply(diff);
      state.setBlockHash(number, hash);
      head = { number, hash, stateRoot: expectedRoot };
      return { committed: true, root: expectedRoot };
    },
    async close() {},
  };
}

const headOf = ({ genesis, genesisHash }: TokenChain): StoredBlock => ({
  number: genesis.number,
  hash: genesisHash,
  stateRoot: genesis.stateRoot,
});

/** The state that `validate` makes of a genesis, kept beyond one run. */
async function openState(chain: TokenChain): Promise<LastingState> {
  const state = createVolatileState();
  let head = headOf(chain);
  const { number, hash, stateRoot } = head;
  await state.commit({ number, hash, diff: chain.genesisState, expectedRoot: stateRoot });
  return {
    get head() {
      return head;
    },
    source: () => state.source(),
    room: () => state.room(),
    async commit(block) {
      const outcome = await state.commit(block);
      if (outcome.committed) head = { ...block, stateRoot: outcome.root };
      return outcome;
    },
    close: () => state.close(),
  };
}

/** Wall and processor time of one run behind the warm-up, in microseconds a transaction. */
async function timeRun(
  chain: TokenChain,
  warmUpBlocks: number,
  state: LastingState,
  senderKeys?: SenderKeys,
): Promise<{ wall: number; core: number }> {
  const inputs = inputsOf(chain, senderKeys !== undefined);
  const warmUp = inputs.slice(0, warmUpBlocks);
  const measured = inputs.slice(warmUpBlocks);
  const pipeline = await createPipeline({
    backend: "wasm",
    backendOptions: { workers: WORKERS },
    executor: "evm-serial",
    state,
    ...(senderKeys && { senderKeys }),
  });
  try {
    await expectValid(pipeline.run(warmUp));
    const before = process.cpuUsage();
    const start = performance.now();
    const transactions = await expectValid(pipeline.run(measured));
    const wallMs = performance.now() - start;
    const { user, system } = process.cpuUsage(before);
    return { wall: (wallMs * 1000) / transactions, core: (user + system) / transactions };
  } finally {
    await pipeline.close();
  }
}

type Reports = ReturnType<Awaited<ReturnType<typeof createPipeline>>["run"]>;

async function expectValid(reports: Reports): Promise<number> {
  let transactions = 0;
  for await (const report of reports) {
    transactions += report.transactions;
    if (report.ok && report.depth === "executed" && report.note === "") continue;
    throw new Error(`bench: block ${report.number}: ${report.failures[0]?.rule ?? report.note}`);
  }
  return transactions;
}

/** Processor time of each stage run alone over the whole chain. */
async function timeStages(
  chain: TokenChain,
  warmUpBlocks: number,
  state: LastingState,
  senderKeys: SenderKeys | undefined,
): Promise<StageCosts> {
  const costs = { decode: 0, hash: 0, recover: 0, check: 0, execute: 0, commit: 0 };
  let isMeasured = false;
  const timed = async <T>(stage: keyof StageCosts, work: () => T | Promise<T>): Promise<T> => {
    const before = process.cpuUsage();
    const result = await work();
    const { user, system } = process.cpuUsage(before);
    if (isMeasured) costs[stage] += user + system;
    return result;
  };
  const kernels = [keccak256, secp256k1Recover];
  const selection = await selectBackend("wasm", kernels, { workers: WORKERS });
  const dispatcher = createDispatcher(selection);
  const executor = createEvmExecutor();
  const execution = new ExecutionStage(executor, { state });
  const pool = new BatchPool();
  const keys = senderKeys ?? createSenderKeys();
  let parent = chain.genesis;
  let transactions = 0;

  async function runBlock(input: BlockInput): Promise<void> {
    const unit = await timed("decode", (): Unit => {
      const decoded = decodeInput(input, undefined);
      if (!decoded.ok) throw new Error("bench: undecodable block");
      return decoded.unit;
    });
    const hashed = await timed("hash", async () => {
      const group = fillHashes([unit], pool);
      await dispatcher.run(group.batch);
      return group;
    });
    await timed("recover", async () => {
      const group = fillRecoveries(hashed, pool, hintsFor(dispatcher, keys));
      await dispatcher.run(group.batch);
      if (group.isClaimed) keys.learn(group.batch);
      readRecoveries(group, pool);
    });
    await timed("check", () => checkUnit(unit, parent));
    const executed = await timed("execute", () => execution.execute(unit));
    await timed("commit", async () => (await execution.commit(unit, executed)).final);
    if (unit.failures.length > 0) throw new Error(`bench: ${unit.failures[0].rule}`);
    if (unit.block !== undefined) parent = unit.block.header;
    if (isMeasured) transactions += unit.list.count;
  }

  try {
    for (const [index, input] of inputsOf(chain, senderKeys !== undefined).entries()) {
      isMeasured = index >= warmUpBlocks;
      await runBlock(input);
    }
  } finally {
    await execution.close();
    await executor.close();
    await dispatcher.close();
  }
  for (const stage of Object.keys(costs) as (keyof StageCosts)[]) costs[stage] /= transactions;
  return costs;
}

/** Measures every workload, and the rivals. */
export async function benchPipeline(
  options: PipelineBenchOptions = {},
): Promise<PipelineBenchReport> {
  const { transactions = 120_000, blockSizes = BLOCK_SIZES, rounds = 3 } = options;
  const { against = PIPELINE_PEERS } = options;
  const rows: PipelineBenchRow[] = [];
  for (const [index, size] of blockSizes.entries()) {
    rows.push(...(await benchOurs(transactions, size, rounds, index === 0 ? "" : `-${size}`)));
  }
  const absent: Record<string, string> = {};
  for (const peer of against) {
    const time = await timePeer(peer);
    if (typeof time === "string") absent[peer] = time;
    else {
      const transactionsPerSecond = Math.round(1e6 / time.micros);
      const { note } = time;
      rows.push({ workload: "erc20-cold", implementation: peer, transactionsPerSecond, note });
    }
  }
  return { rows, absent };
}

/** Rows of one size of blocks. */
async function benchOurs(
  transactions: number,
  transactionsPerBlock: number,
  rounds: number,
  suffix: string,
): Promise<PipelineBenchRow[]> {
  const least = Math.min(WARM_UP_TRANSACTIONS, transactions);
  const warmUp = Math.max(WARM_UP_BLOCKS, Math.ceil(least / transactionsPerBlock));
  const chain = await generateTokenChain({
    workload: "erc20-independent",
    transactions: transactions + warmUp * transactionsPerBlock,
    transactionsPerBlock,
  });
  const withState = async <T>(use: (state: LastingState) => Promise<T>): Promise<T> => {
    const state = await openState(chain);
    try {
      return await use(state);
    } finally {
      await state.close();
    }
  };
  const rows: PipelineBenchRow[] = [];
  const rootless: { wall: number; core: number }[] = [];
  const warmKeys = await learnSenders(chain);
  for (const [workload, senderKeys] of [
    ["erc20-cold", undefined],
    ["erc20-warm", warmKeys],
  ] as const) {
    const runs: { wall: number; core: number }[] = [];
    for (let round = 0; round < rounds; round++) {
      runs.push(await withState((state) => timeRun(chain, warmUp, state, senderKeys)));
      rootless.push(await timeRun(chain, warmUp, createRootlessState(chain), senderKeys));
    }
    const wall = Math.min(...runs.map((run) => run.wall));
    rows.push({
      workload: `${workload}${suffix}`,
      implementation: "lanewise",
      transactionsPerSecond: Math.round(1e6 / wall),
      coreMicrosPerTx: await withState((state) => timeStages(chain, warmUp, state, senderKeys)),
      totalCoreMicrosPerTx: Math.min(...runs.map((run) => run.core)),
      ratioToRootless: Math.min(...rootless.splice(0).map((run) => run.wall)) / wall,
      note: `${transactions} transactions, ${transactionsPerBlock} a block, best of ${rounds} runs`,
    });
  }
  return rows;
}

/** The keys of all senders of the chain, as a node knows them that has seen the transactions before the blocks. */
async function learnSenders(chain: TokenChain): Promise<SenderKeys> {
  const senderKeys = createSenderKeys(2 * chain.transactionCount);
  const pipeline = await createPipeline({ backend: "wasm", senderKeys });
  try {
    const inputs = inputsOf(chain, true);
    for await (const report of pipeline.run(inputs)) {
      if (!report.ok) throw new Error(`bench: block ${report.number} is not valid`);
    }
    return senderKeys;
  } finally {
    await pipeline.close();
  }
}
