/**
 * A seeded chain from its genesis on: real keys, signed transactions of all types, and complete valid headers.
 *
 * Each block is executed, and its header commits to the outcome: gas, receipts, bloom, requests, withdrawals, state root. The chain
 * has Prague's rules from the start.
 *
 * @module
 */
import { utf8ToBytes } from "@noble/hashes/utils.js";
import { GAS_PER_BLOB } from "../chains/ethereum/fee-market.ts";
import {
  type Block,
  type BlockHeader,
  blobParametersOf,
  EMPTY_OMMERS_HASH,
  encodeWithdrawal,
  headerHash,
  nextBaseFee,
  nextExcessBlobGas,
  toHex,
  type Withdrawal,
} from "../chains/ethereum/index.ts";
import { LanewiseError } from "../core/index.ts";
import {
  blockBloom,
  createExecutor,
  type ExecutionResult,
  type Executor,
  encodeReceipt,
} from "../executor/index.ts";
import { requestsHashOf } from "../pipeline/requests.ts";
import { createStateCommitment } from "../state/commitment.ts";
import { type MemoryStateData, wholeState } from "../state/memory.ts";
import { orderedTrieRoot } from "../state/ordered-root.ts";
import { type ChainState, createChainState, fromHex } from "./chain-state.ts";
import { createTraffic, type SignedTransaction } from "./chain-traffic.ts";
import { createRandom } from "./random.ts";
import { SYSTEM_CONTRACTS } from "./system-contracts.ts";

const FORK = "prague";
const CHAIN_ID = 1337;
const GENESIS_TIMESTAMP = 1_750_000_000n;
const SECONDS_PER_BLOCK = 12n;
/** Room for the deployments of block 1. */
const LEAST_GAS_LIMIT = 45_000_000n;
/** The mix uses half of this a transaction, which keeps a full block near its target. */
const GAS_LIMIT_PER_TRANSACTION = 120_000n;
const WEI_PER_ETHER = 10n ** 18n;
const PURSE = 1_000_000n * WEI_PER_ETHER;
const WITHDRAWALS_PER_BLOCK = 2;
const COINBASE = fromHex("c01ba5ec01ba5ec01ba5ec01ba5ec01ba5ec01ba");
const EXTRA_DATA = utf8ToBytes("lanewise generated chain");

/** What to generate. */
export interface ChainOptions {
  readonly seed?: string | number;
  /** Blocks after the first, which deploys the contracts. */
  readonly blocks: number;
  readonly transactionsPerBlock: number;
  /** Executes the blocks; the serial oracle unless told. The caller closes it. */
  readonly executor?: Executor;
}

/** A block and what its execution left behind. */
export interface GeneratedBlock {
  readonly block: Block;
  /** 32 bytes */
  readonly hash: Uint8Array;
  /** `20 × transactions` bytes. */
  readonly senders: Uint8Array;
  readonly result: ExecutionResult;
}

/** A chain that is made as it is read. */
export interface GeneratedChain {
  /** `genesis.json` as execution clients read it. */
  readonly genesis: object;
  readonly genesisHeader: BlockHeader;
  /** State before block 1. */
  readonly state: MemoryStateData;
  /** Makes the blocks, once, in order. */
  blocks(): AsyncGenerator<GeneratedBlock>;
}

const hexQuantity = (value: bigint | number): string => `0x${value.toString(16)}`;

function genesisJson(header: BlockHeader, state: MemoryStateData): object {
  const alloc: Record<string, object> = {};
  for (const [address, account] of state.accounts) {
    if (account === undefined) continue;
    const code = state.code.get(toHex(account.codeHash));
    alloc[address] = {
      balance: hexQuantity(account.balance),
      nonce: hexQuantity(account.nonce),
      ...(code === undefined ? {} : { code: toHex(code) }),
    };
  }
  const blocks = ["homestead", "eip150", "eip155", "eip158", "byzantium", "constantinople"];
  blocks.push("petersburg", "istanbul", "berlin", "london", "mergeNetsplit");
  return {
    config: {
      chainId: CHAIN_ID,
      ...Object.fromEntries(blocks.map((name) => [`${name}Block`, 0])),
      terminalTotalDifficulty: 0,
      shanghaiTime: 0,
      cancunTime: 0,
      pragueTime: 0,
    },
    nonce: "0x0",
    timestamp: hexQuantity(header.timestamp),
    extraData: toHex(header.extraData),
    gasLimit: hexQuantity(header.gasLimit),
    difficulty: "0x0",
    mixHash: toHex(header.mixHash),
    coinbase: toHex(header.coinbase),
    baseFeePerGas: hexQuantity(header.baseFeePerGas ?? 0n),
    alloc,
  };
}

async function createGenesisHeader(gasLimit: bigint, stateRoot: Uint8Array): Promise<BlockHeader> {
  const emptyRoot = await orderedTrieRoot([]);
  return {
    parentHash: new Uint8Array(32),
    ommersHash: fromHex(EMPTY_OMMERS_HASH),
    coinbase: new Uint8Array(20),
    stateRoot,
    transactionsRoot: emptyRoot,
    receiptsRoot: emptyRoot,
    logsBloom: new Uint8Array(256),
    difficulty: 0n,
    number: 0n,
    gasLimit,
    gasUsed: 0n,
    timestamp: GENESIS_TIMESTAMP,
    extraData: EXTRA_DATA,
    mixHash: new Uint8Array(32),
    nonce: new Uint8Array(8),
    baseFeePerGas: 1_000_000_000n,
    withdrawalsRoot: emptyRoot,
    blobGasUsed: 0n,
    excessBlobGas: 0n,
    parentBeaconBlockRoot: new Uint8Array(32),
    requestsHash: requestsHashOf([]),
  };
}

/** The header of the next block before it is executed: outcome fields hold the parent's. */
function openHeader(parent: BlockHeader, parentHash: Uint8Array, randomWord: () => Uint8Array) {
  const blobs = blobParametersOf(FORK);
  if (blobs === undefined) throw new RangeError(`${FORK}: no blob parameters`);
  return {
    ...parent,
    parentHash,
    coinbase: COINBASE,
    number: parent.number + 1n,
    timestamp: parent.timestamp + SECONDS_PER_BLOCK,
    mixHash: randomWord(),
    baseFeePerGas: nextBaseFee(parent),
    excessBlobGas: nextExcessBlobGas(parent, FORK, blobs),
    parentBeaconBlockRoot: randomWord(),
  };
}

async function execute(
  executor: Executor,
  header: BlockHeader,
  transactions: readonly SignedTransaction[],
  withdrawals: readonly Withdrawal[],
  state: ChainState,
): Promise<ExecutionResult> {
  const execution = await executor.execute(
    {
      environment: {
        fork: FORK,
        chainId: BigInt(CHAIN_ID),
        number: header.number,
        timestamp: header.timestamp,
        gasLimit: header.gasLimit,
        coinbase: header.coinbase,
        difficulty: header.difficulty,
        prevRandao: header.mixHash,
        parentHash: header.parentHash,
        baseFeePerGas: header.baseFeePerGas ?? 0n,
        excessBlobGas: header.excessBlobGas ?? 0n,
        parentBeaconBlockRoot: header.parentBeaconBlockRoot ?? new Uint8Array(32),
      },
      transactions: transactions.map(({ raw }) => raw),
      senders: Buffer.concat(transactions.map(({ sender }) => sender)),
      authorities: Buffer.concat(transactions.flatMap(({ authorities }) => authorities)),
      withdrawals,
      ommers: [],
    },
    state.source,
  );
  if (execution.ok) return execution.result;
  const { index, reason } = execution.invalid;
  throw new LanewiseError(
    "ERR_INPUT",
    `generated block ${header.number}, transaction ${index}: ${reason}`,
  );
}

/**
 * Generates a chain; equal options give equal bytes.
 *
 * @throws RangeError on sizes that are not positive integers.
 */
export async function generateChain(options: ChainOptions): Promise<GeneratedChain> {
  const { seed = 0, blocks, transactionsPerBlock } = options;
  for (const [name, value] of Object.entries({ blocks, transactionsPerBlock })) {
    if (!Number.isSafeInteger(value) || value < 1)
      throw new RangeError(`${name}: expected at least 1, got ${value}`);
  }
  const traffic = createTraffic(seed, CHAIN_ID);
  const random = createRandom(`headers ${seed}`);
  const state = createChainState();
  for (const { address, code } of SYSTEM_CONTRACTS) state.setCode(fromHex(address), fromHex(code));
  for (const address of traffic.funded) state.fund(address, PURSE);
  const validators = Array.from({ length: 4 }, () => random.bytes(20));
  const commitment = createStateCommitment();
  const initial = state.snapshot();
  const wanted = GAS_LIMIT_PER_TRANSACTION * BigInt(transactionsPerBlock);
  const gasLimit = wanted > LEAST_GAS_LIMIT ? wanted : LEAST_GAS_LIMIT;
  const genesisHeader = await createGenesisHeader(gasLimit, commitment.apply(wholeState(initial)));

  async function makeBlock(
    executor: Executor,
    parent: BlockHeader,
    parentHash: Uint8Array,
  ): Promise<GeneratedBlock> {
    const opened = openHeader(parent, parentHash, () => random.bytes(32));
    const { number, baseFeePerGas } = opened;
    const transactions =
      number === 1n
        ? traffic.deployments(baseFeePerGas)
        : traffic.next(transactionsPerBlock, baseFeePerGas);
    const withdrawals = Array.from({ length: WITHDRAWALS_PER_BLOCK }, (_, i): Withdrawal => {
      const index = (number - 1n) * BigInt(WITHDRAWALS_PER_BLOCK) + BigInt(i);
      const validatorIndex = index % BigInt(validators.length);
      const amount = BigInt(1 + random.below(20_000_000));
      return { index, validatorIndex, address: validators[Number(validatorIndex)], amount };
    });
    const result = await execute(executor, opened, transactions, withdrawals, state);
    state.apply(result.stateDiff);
    const raws = transactions.map(({ raw }) => raw);
    const blobs = transactions.reduce((sum, transaction) => sum + transaction.blobs, 0);
    const header: BlockHeader = {
      ...opened,
      stateRoot: commitment.apply(result.stateDiff),
      transactionsRoot: await orderedTrieRoot(raws),
      receiptsRoot: await orderedTrieRoot(result.receipts.map(encodeReceipt)),
      logsBloom: blockBloom(result.receipts),
      gasUsed: result.gasUsed,
      withdrawalsRoot: await orderedTrieRoot(withdrawals.map(encodeWithdrawal)),
      blobGasUsed: BigInt(blobs) * GAS_PER_BLOB,
      requestsHash: requestsHashOf(result.requests),
    };
    const hash = headerHash(header);
    state.setBlockHash(number, hash);
    const senders = Buffer.concat(transactions.map(({ sender }) => sender));
    return {
      block: { header, transactions: raws, ommers: [], withdrawals },
      hash,
      senders,
      result,
    };
  }

  async function* makeBlocks(): AsyncGenerator<GeneratedBlock> {
    const executor = options.executor ?? createExecutor("oracle");
    let parent = genesisHeader;
    let parentHash = headerHash(genesisHeader);
    state.setBlockHash(0n, parentHash);
    try {
      for (let made = 0; made <= blocks; made++) {
        const generated = await makeBlock(executor, parent, parentHash);
        yield generated;
        parent = generated.block.header;
        parentHash = generated.hash;
      }
    } finally {
      if (options.executor === undefined) await executor.close();
    }
  }

  return {
    genesis: genesisJson(genesisHeader, initial),
    genesisHeader,
    state: initial,
    blocks: makeBlocks,
  };
}
