/**
 * Blocks of real contract traffic, by name, seed and size: the inputs of the executor's tests and benchmarks.
 *
 * The state before the first block comes from running the deployments through an executor; balances and allowances of many
 * accounts are then laid out by storage-layout rules. Every transaction succeeds when the blocks are run in order.
 *
 * @module
 */
import { keccak_256 } from "@noble/hashes/sha3.js";
import {
  type BlockEnvironment,
  createExecutor,
  type ExecutableBlock,
  type Executor,
} from "../executor/index.ts";
import type { MemoryStateData } from "../state/memory.ts";
import { encodeCreation, wordOf } from "./abi.ts";
import { createAccounts, type TestAccount } from "./accounts.ts";
import { type ChainState, createChainState, creationAddress, fromHex } from "./chain-state.ts";
import { createRandom } from "./random.ts";
import type { PlannedTransaction, Scenario, Stage } from "./scenario.ts";
import { amm } from "./scenarios/amm.ts";
import { assets } from "./scenarios/assets.ts";
import { attestations } from "./scenarios/attestations.ts";
import { collectibles } from "./scenarios/collectibles.ts";
import { game } from "./scenarios/game.ts";
import { lending } from "./scenarios/lending.ts";
import { plainTransfers, tokenTransfers } from "./scenarios/transfers.ts";
import { createSigner } from "./signer.ts";
import { SYSTEM_CONTRACTS } from "./system-contracts.ts";
import { createTransactionSigner, type TransactionSigner } from "./transactions.ts";

const named = <Key extends string>(
  prefix: string,
  scenarios: Readonly<Record<Key, Scenario>>,
): [string, Scenario][] =>
  Object.entries<Scenario>(scenarios).map(([name, scenario]) => [`${prefix}-${name}`, scenario]);

/** Every workload by name, in the order that reports print them. */
export const workloads: ReadonlyMap<string, Scenario> = new Map([
  ...named("plain", plainTransfers),
  ...named("erc20", tokenTransfers),
  ...named("amm", amm),
  ...named("lending", lending),
  ...named("nft", collectibles),
  ...named("game", game),
  ...named("asset", assets),
  ...named("attestation", attestations),
]);

/** The chain that workloads run on. */
export const WORKLOAD_CHAIN = {
  fork: "prague",
  chainId: 1337,
  baseFeePerGas: 1_000_000_000n,
} as const;

/** Blocks and the state before the first. */
export interface Workload {
  readonly name: string;
  readonly state: MemoryStateData;
  readonly blocks: readonly ExecutableBlock[];
}

/** What to generate. */
export interface WorkloadOptions {
  /** A key of {@link workloads}. */
  readonly name: string;
  readonly seed?: string | number;
  /** How many over all blocks. */
  readonly transactions: number;
  /** 10 000 unless told. */
  readonly transactionsPerBlock?: number;
  /** Runs the deployments; the serial oracle unless told. The caller closes it. */
  readonly executor?: Executor;
}

const GENESIS_TIMESTAMP = 1_750_000_000;
const SECONDS_PER_BLOCK = 12;
/** Deployments run in this block; the planned transactions follow. */
const SETUP_BLOCK = 1;
const SETUP_GAS = 16_000_000;
const WEI_PER_ETHER = 10n ** 18n;
const PURSE = 1000n * WEI_PER_ETHER;
const OPERATOR_PURSE = 10n ** 9n * WEI_PER_ETHER;
const COINBASE = fromHex("c01ba5ec01ba5ec01ba5ec01ba5ec01ba5ec01ba");
const FEES = { maxFeePerGas: 2_000_000_000, maxPriorityFeePerGas: 100_000_000 } as const;

/** Stands for the hash of a block whose header a workload does not make. */
const hashOfBlock = (number: number): Uint8Array => keccak_256(wordOf(number));

function environmentOf(number: number, gasLimit: bigint): BlockEnvironment {
  return {
    fork: WORKLOAD_CHAIN.fork,
    chainId: BigInt(WORKLOAD_CHAIN.chainId),
    number: BigInt(number),
    timestamp: BigInt(GENESIS_TIMESTAMP + number * SECONDS_PER_BLOCK),
    gasLimit,
    coinbase: COINBASE,
    difficulty: 0n,
    prevRandao: keccak_256(hashOfBlock(number)),
    baseFeePerGas: WORKLOAD_CHAIN.baseFeePerGas,
    excessBlobGas: 0n,
    parentBeaconBlockRoot: new Uint8Array(32),
    parentHash: hashOfBlock(number - 1),
  };
}

/** Gives each transaction its sender's next nonce, and signs it. */
function createMiner(signer: TransactionSigner) {
  const nonces = new Map<TestAccount, number>();
  return {
    sign(planned: Omit<PlannedTransaction, "to"> & { readonly to?: Uint8Array }): Uint8Array {
      const { from, to, value = 0, data = new Uint8Array(0), gasLimit } = planned;
      const nonce = nonces.get(from) ?? 0;
      nonces.set(from, nonce + 1);
      const { chainId } = WORKLOAD_CHAIN;
      return signer.sign({ type: 2, chainId, nonce, to, value, data, gasLimit, ...FEES }, from);
    },
    nonceOf: (account: TestAccount): number => nonces.get(account) ?? 0,
  };
}

type SetupTransaction = { readonly raw: Uint8Array };

async function runSetup(
  transactions: readonly SetupTransaction[],
  operator: TestAccount,
  state: ChainState,
  executor: Executor,
): Promise<void> {
  const senders = new Uint8Array(20 * transactions.length);
  for (let i = 0; i < transactions.length; i++) senders.set(operator.address, 20 * i);
  const execution = await executor.execute(
    {
      environment: environmentOf(SETUP_BLOCK, BigInt(SETUP_GAS) * BigInt(transactions.length + 1)),
      transactions: transactions.map(({ raw }) => raw),
      senders,
      authorities: new Uint8Array(0),
      withdrawals: [],
      ommers: [],
    },
    state.source,
  );
  if (!execution.ok) throw new Error(`workload set-up: ${execution.invalid.reason}`);
  const failed = execution.result.receipts.findIndex((receipt) => !receipt.status);
  if (failed >= 0) throw new Error(`workload set-up: transaction ${failed} reverted`);
  state.apply(execution.result.stateDiff);
}

/**
 * Generates a workload; equal options give equal bytes.
 *
 * @throws RangeError on a name that is not in {@link workloads}, or fewer than one transaction.
 */
export async function generateWorkload(options: WorkloadOptions): Promise<Workload> {
  const { name, seed = 0, transactions: count, transactionsPerBlock = 10_000 } = options;
  const scenario = workloads.get(name);
  if (scenario === undefined)
    throw new RangeError(
      `workload: expected one of ${[...workloads.keys()].join(", ")}, got ${name}`,
    );
  if (!Number.isSafeInteger(count) || count < 1)
    throw new RangeError(`transactions: expected at least 1, got ${count}`);

  const label = `${name} ${seed}`;
  const state = createChainState();
  const signer = createSigner({ seed: label });
  const miner = createMiner(createTransactionSigner(signer));
  for (const { address, code } of SYSTEM_CONTRACTS) state.setCode(fromHex(address), fromHex(code));
  for (let number = 0; number <= SETUP_BLOCK; number++)
    state.setBlockHash(BigInt(number), hashOfBlock(number));

  const [operator] = createAccounts(`${label} operator`, 1);
  state.fund(operator.address, OPERATOR_PURSE);
  const setup: SetupTransaction[] = [];
  const layers: ((state: ChainState) => void)[] = [];
  let groups = 0;
  const stage: Stage = {
    random: createRandom(label),
    chainId: WORKLOAD_CHAIN.chainId,
    timestamp: GENESIS_TIMESTAMP + (SETUP_BLOCK + 1) * SECONDS_PER_BLOCK,
    operator,
    accounts(wanted) {
      const accounts = createAccounts(`${label} ${groups++}`, wanted);
      layers.push((written) => {
        for (const { address } of accounts) written.fund(address, PURSE);
      });
      return accounts;
    },
    deploy(contract, ...values) {
      const address = creationAddress(operator.address, miner.nonceOf(operator));
      const data = encodeCreation(contract, ...values);
      setup.push({ raw: miner.sign({ from: operator, data, gasLimit: SETUP_GAS }) });
      return address;
    },
    call(to, data) {
      setup.push({ raw: miner.sign({ from: operator, to, data, gasLimit: SETUP_GAS }) });
    },
    lay: (change) => layers.push(change),
    sign: signer.sign,
  };

  const planned = scenario(stage, count);
  const executor = options.executor ?? createExecutor("oracle");
  try {
    if (setup.length > 0) await runSetup(setup, operator, state, executor);
  } finally {
    if (options.executor === undefined) await executor.close();
  }
  for (const layer of layers) layer(state);

  const blocks: ExecutableBlock[] = [];
  for (let start = 0; start < planned.length; start += transactionsPerBlock) {
    const part = planned.slice(start, start + transactionsPerBlock);
    const senders = new Uint8Array(20 * part.length);
    for (const [i, { from }] of part.entries()) senders.set(from.address, 20 * i);
    const gasLimit = part.reduce((sum, { gasLimit }) => sum + gasLimit, 0);
    blocks.push({
      environment: environmentOf(SETUP_BLOCK + 1 + blocks.length, BigInt(gasLimit)),
      transactions: part.map((transaction) => miner.sign(transaction)),
      senders,
      authorities: new Uint8Array(0),
      withdrawals: [],
      ommers: [],
    });
  }
  for (const block of blocks) {
    const number = Number(block.environment.number);
    state.setBlockHash(BigInt(number), hashOfBlock(number));
  }
  return { name, state: state.snapshot(), blocks };
}
