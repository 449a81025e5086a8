/**
 * A generated chain of signed ERC-20 transfers as raw blocks: what `bench pipeline` feeds to ours and to its peers.
 *
 * @module
 */
import {
  type BlockHeader,
  type ChainSchedule,
  EMPTY_OMMERS_HASH,
  encodeBlock,
  headerHash,
  nextBaseFee,
  singleForkSchedule,
} from "../chains/ethereum/index.ts";
import { blockBloom, createEvmExecutor, encodeReceipts } from "../executor/index.ts";
import type { BlockInput } from "../pipeline/input.ts";
import { requestsHashOf } from "../pipeline/requests.ts";
import { createStateCommitment } from "../state/commitment.ts";
import { type EncodedDiff, encodeDiff } from "../state/diff.ts";
import { wholeState } from "../state/memory.ts";
import { orderedTrieRootSync } from "../state/ordered-root.ts";
import { createSharedState } from "../state/shared-state.ts";
import { fromHex } from "../workloads/chain-state.ts";
import { generateWorkload, WORKLOAD_CHAIN } from "../workloads/workload.ts";

/** Leaves blocks below their gas target, so that the base fee falls and no sender is priced out. */
const GAS_LIMIT_PER_TRANSACTION = 120_000n;

/** Options of {@link generateTokenChain}. */
export interface TokenChainOptions {
  /** A workload (see `workloads`), `erc20-independent` for senders that all differ. */
  readonly workload: string;
  readonly transactions: number;
  readonly transactionsPerBlock: number;
}

/** A chain as a node hands it over. */
export interface TokenChain {
  readonly schedule: ChainSchedule;
  readonly genesis: BlockHeader;
  readonly genesisHash: Uint8Array;
  /** State before the first block, as the changes that lead there from nothing; bytes, since a large heap slows whatever is measured. */
  readonly genesisState: EncodedDiff;
  /** RLP with complete headers, oldest first. */
  readonly blocks: readonly Uint8Array[];
  readonly headers: readonly BlockHeader[];
  /** By block, 20 bytes a transaction. */
  readonly senders: readonly Uint8Array[];
  readonly transactionCount: number;
}

function genesisHeader(gasLimit: bigint, number: bigint, stateRoot: Uint8Array): BlockHeader {
  const emptyRoot = orderedTrieRootSync([]);
  return {
    parentHash: new Uint8Array(32),
    ommersHash: fromHex(EMPTY_OMMERS_HASH),
    coinbase: new Uint8Array(20),
    stateRoot,
    transactionsRoot: emptyRoot,
    receiptsRoot: emptyRoot,
    logsBloom: new Uint8Array(256),
    difficulty: 0n,
    number,
    gasLimit,
    gasUsed: 0n,
    timestamp: 0n,
    extraData: new Uint8Array(0),
    mixHash: new Uint8Array(32),
    nonce: new Uint8Array(8),
    baseFeePerGas: WORKLOAD_CHAIN.baseFeePerGas,
    withdrawalsRoot: emptyRoot,
    blobGasUsed: 0n,
    excessBlobGas: 0n,
    parentBeaconBlockRoot: new Uint8Array(32),
    requestsHash: requestsHashOf([]),
  };
}

/** Executes a workload once and puts headers around its blocks. */
export async function generateTokenChain(options: TokenChainOptions): Promise<TokenChain> {
  const { workload: name, transactions, transactionsPerBlock } = options;
  const executor = createEvmExecutor();
  try {
    const workload = await generateWorkload({ name, transactions, transactionsPerBlock, executor });
    const commitment = createStateCommitment();
    const state = createSharedState(workload.state);
    const genesisState = encodeDiff(wholeState(workload.state));
    const gasLimit = GAS_LIMIT_PER_TRANSACTION * BigInt(transactionsPerBlock);
    const first = workload.blocks[0].environment.number;
    const root = commitment.apply(genesisState);
    const genesis = genesisHeader(gasLimit, first - 1n, root);
    const headers: BlockHeader[] = [];
    const blocks: Uint8Array[] = [];
    let parent = genesis;
    for (const block of workload.blocks) {
      const parentHash = headerHash(parent);
      state.setBlockHash(parent.number, parentHash);
      const baseFeePerGas = nextBaseFee(parent);
      const environment = { ...block.environment, parentHash, baseFeePerGas, gasLimit };
      const outcome = await executor.execute({ ...block, environment }, state.source);
      if (!outcome.ok) throw new Error(`token chain: ${outcome.invalid.reason}`);
      const { receipts, gasUsed, requests, stateDiff } = outcome.result;
      state.apply(stateDiff);
      const header: BlockHeader = {
        ...parent,
        parentHash,
        coinbase: environment.coinbase,
        stateRoot: commitment.apply(stateDiff),
        transactionsRoot: orderedTrieRootSync(block.transactions),
        receiptsRoot: orderedTrieRootSync(encodeReceipts(receipts)),
        logsBloom: blockBloom(receipts),
        number: environment.number,
        gasUsed,
        timestamp: environment.timestamp,
        mixHash: environment.prevRandao,
        baseFeePerGas,
        requestsHash: requestsHashOf(requests),
      };
      headers.push(header);
      blocks.push(
        encodeBlock({ header, transactions: [...block.transactions], ommers: [], withdrawals: [] }),
      );
      parent = header;
    }
    return {
      schedule: singleForkSchedule(WORKLOAD_CHAIN.fork, BigInt(WORKLOAD_CHAIN.chainId)),
      genesis,
      genesisHash: headerHash(genesis),
      genesisState,
      blocks,
      headers,
      senders: workload.blocks.map((block) => block.senders),
      transactionCount: transactions,
    };
  } finally {
    await executor.close();
  }
}

/** The chain as the pipeline reads it; `withSenders`: from somebody who believes to know the senders. */
export function inputsOf(chain: TokenChain, withSenders = false): BlockInput[] {
  return chain.blocks.map((bytes, index) => ({
    label: `block ${index}`,
    content: { kind: "block-rlp", bytes },
    chain: chain.schedule,
    ...(withSenders ? { senders: chain.senders[index] } : {}),
    follows: index > 0,
  }));
}
