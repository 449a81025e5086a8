/**
 * The rivals of `bench pipeline`, on fewer transactions of the same kind, which favours them: smaller tries.
 *
 * @module
 */
import { createBlockFromRLP } from "@ethereumjs/block";
import { MerkleStateManager } from "@ethereumjs/statemanager";
import { createAccount, createAddressFromString } from "@ethereumjs/util";
import { createVM, runBlock } from "@ethereumjs/vm";
import { createCommon } from "../executor/oracle/common.ts";
import { createLazyKzg } from "../executor/oracle/lazy-kzg.ts";
import { decodeDiff } from "../state/diff.ts";
import { bytesOf } from "../state/hex.ts";
import { generateWorkload, WORKLOAD_CHAIN } from "../workloads/workload.ts";
import { hasAnvil, timeAnvil } from "./anvil.ts";
import { generateTokenChain } from "./token-chain.ts";

/** Names of the rivals. */
export const PIPELINE_PEERS = ["@ethereumjs/vm", "anvil"] as const;
export type PipelinePeer = (typeof PIPELINE_PEERS)[number];

/** What a rival came to. */
export interface PeerTime {
  /** Of one transaction, wall time. */
  readonly micros: number;
  readonly note: string;
}

const ETHEREUMJS_TRANSACTIONS = 150;
const ETHEREUMJS_PER_BLOCK = 50;
const ANVIL_TRANSACTIONS = 2_000;

/** Raw blocks → decoded, senders recovered, executed, state root compared, by `runBlock` on its own Merkle state. */
async function timeEthereumjs(): Promise<PeerTime> {
  const chain = await generateTokenChain({
    workload: "erc20-independent",
    transactions: ETHEREUMJS_TRANSACTIONS,
    transactionsPerBlock: ETHEREUMJS_PER_BLOCK,
  });
  const { fork, chainId } = WORKLOAD_CHAIN;
  const common = createCommon(fork, BigInt(chainId), createLazyKzg().functions);
  const stateManager = new MerkleStateManager({ common });
  const vm = await createVM({ common, stateManager });
  for (const [name, { account, code, storage }] of decodeDiff(chain.genesisState)) {
    if (account === undefined) continue;
    const address = createAddressFromString(name);
    const { nonce, balance } = account;
    await stateManager.putAccount(address, createAccount({ nonce, balance }));
    if (code !== undefined) await stateManager.putCode(address, code);
    for (const [slot, word] of storage) {
      await stateManager.putStorage(address, bytesOf(slot), word);
    }
  }
  await stateManager.flush();
  let least = Number.POSITIVE_INFINITY;
  for (const [index, raw] of chain.blocks.entries()) {
    const start = performance.now();
    const block = createBlockFromRLP(raw, { common, skipConsensusFormatValidation: true });
    const options = { skipHeaderValidation: true, skipHardForkValidation: true };
    const result = await runBlock(vm, { block, ...options });
    const micros = ((performance.now() - start) * 1000) / ETHEREUMJS_PER_BLOCK;
    if (Buffer.compare(result.stateRoot, chain.headers[index].stateRoot) !== 0) {
      throw new Error(`block ${index}: another state root`);
    }
    least = Math.min(least, micros);
  }
  return { micros: least, note: `${ETHEREUMJS_PER_BLOCK} transactions a block, best of 3 blocks` };
}

async function timeAnvilMining(): Promise<PeerTime> {
  const workload = await generateWorkload({
    name: "erc20-independent",
    transactions: ANVIL_TRANSACTIONS,
    transactionsPerBlock: ANVIL_TRANSACTIONS,
  });
  const micros = ((await timeAnvil(workload)) * 1000) / ANVIL_TRANSACTIONS;
  const note = "mining a block alone: decoded and recovered before, as they came in over RPC";
  return { micros, note };
}

/** Times a rival; the reason where it cannot be. */
export async function timePeer(peer: PipelinePeer): Promise<PeerTime | string> {
  if (peer === "anvil" && !hasAnvil()) return "not installed (optional, Linux x64)";
  try {
    return await (peer === "anvil" ? timeAnvilMining() : timeEthereumjs());
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
