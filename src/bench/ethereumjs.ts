/**
 * `runBlock` of `@ethereumjs/vm` on a block of 500 transfers: as it comes, and with the plug-in, its batches included.
 *
 * @module
 */
import { cpus } from "node:os";
import { type Block, createBlock } from "@ethereumjs/block";
import { Common, type CustomCrypto, Hardfork, Mainnet } from "@ethereumjs/common";
import { createTxFromRLP } from "@ethereumjs/tx";
import { Account, createAddressFromString } from "@ethereumjs/util";
import { createVM, runBlock, type VM } from "@ethereumjs/vm";
import { keccak256, secp256k1Recover } from "../algorithms/index.ts";
import { createWasmBackend } from "../backends/wasm/index.ts";
import { toHex } from "../chains/ethereum/index.ts";
import { createEthereumjsPlugin, type EthereumjsPlugin } from "../node/ethereumjs.ts";
import { createVerifier } from "../verifier/index.ts";
import { createAccounts, type TestAccount } from "../workloads/accounts.ts";
import { createSigner } from "../workloads/signer.ts";
import { createTransactionSigner } from "../workloads/transactions.ts";

/** Transactions of the block measured. */
export const BLOCK_TRANSACTIONS = 500;

/** What `lanewise bench ethereumjs --json` prints. Times in milliseconds, medians of the rounds. */
export interface EthereumjsReport {
  readonly id: "ethereumjs";
  readonly machine: string;
  readonly node: string;
  readonly transactions: number;
  /** `runBlock` with EthereumJS's own cryptography. */
  readonly stockMs: number;
  /** `prefillBlock` and `runBlock` with `customCrypto`. */
  readonly pluginMs: number;
  /** Of which the batch. */
  readonly prefillMs: number;
  /** Stock ÷ plug-in; bar 1.3. */
  readonly ratio: number;
}

/** One transfer from each account. */
function rawTransactions(accounts: readonly TestAccount[]): Uint8Array[] {
  const { sign } = createTransactionSigner(createSigner({ seed: "bench ethereumjs" }));
  const to = new Uint8Array(20).fill(7);
  const fees = { maxFeePerGas: 100, maxPriorityFeePerGas: 1 };
  const common = { to, value: 1n, data: new Uint8Array(0), gasLimit: 21_000, chainId: 1 };
  return accounts.map((account) => sign({ ...common, ...fees, type: 2, nonce: 0 }, account));
}

/** Transactions and who pays for them. */
interface Work {
  readonly accounts: readonly TestAccount[];
  readonly raws: readonly Uint8Array[];
}

/** A machine whose accounts can pay, and the block for it: decoded anew, so that nothing is cached. */
async function setUp(
  { accounts, raws }: Work,
  customCrypto: CustomCrypto,
): Promise<{ vm: VM; block: Block }> {
  const common = new Common({ chain: Mainnet, hardfork: Hardfork.Prague, customCrypto });
  const vm = await createVM({ common });
  for (const { address } of accounts) {
    const name = createAddressFromString(toHex(address) as `0x${string}`);
    await vm.stateManager.putAccount(name, new Account(0n, 10n ** 20n));
  }
  const header = {
    number: 30_000_000n,
    gasLimit: 30_000_000n,
    baseFeePerGas: 7n,
    timestamp: 1_750_000_000n,
  };
  const transactions = raws.map((raw) => createTxFromRLP(raw, { common }));
  const options = { common, skipConsensusFormatValidation: true };
  return { vm, block: createBlock({ header, transactions }, options) };
}

async function timedRun(
  work: Work,
  plugin: EthereumjsPlugin | undefined,
): Promise<{ totalMs: number; prefillMs: number; stateRoot: string }> {
  const { vm, block } = await setUp(work, plugin?.customCrypto ?? {});
  const startMs = performance.now();
  await plugin?.prefillBlock(block);
  const prefillMs = performance.now() - startMs;
  const { stateRoot } = await runBlock(vm, { block, skipBlockValidation: true, generate: true });
  return { totalMs: performance.now() - startMs, prefillMs, stateRoot: toHex(stateRoot) };
}

/** Measures both in turn. */
export async function benchEthereumjs(
  rounds = 5,
  transactions = BLOCK_TRANSACTIONS,
): Promise<EthereumjsReport> {
  const verifier = createVerifier({
    algorithms: [keccak256, secp256k1Recover],
    backends: [createWasmBackend()],
    cacheEntries: 0,
  });
  await verifier.ready("wasm");
  const accounts = createAccounts("bench ethereumjs", transactions);
  const work = { accounts, raws: rawTransactions(accounts) };
  const stock: number[] = [];
  const plugged: number[] = [];
  const prefill: number[] = [];
  for (let round = -1; round < rounds; round++) {
    const plugin = await createEthereumjsPlugin({ verifier });
    const theirs = await timedRun(work, undefined);
    const ours = await timedRun(work, plugin);
    if (ours.stateRoot !== theirs.stateRoot) {
      throw new Error(`bench: expected state root ${theirs.stateRoot}, got ${ours.stateRoot}`);
    }
    if (round < 0) continue;
    stock.push(theirs.totalMs);
    plugged.push(ours.totalMs);
    prefill.push(ours.prefillMs);
  }
  await verifier.close();
  const median = (values: number[]): number =>
    Math.round(values.sort((a, b) => a - b)[values.length >> 1] * 10) / 10;
  const [stockMs, pluginMs, prefillMs] = [median(stock), median(plugged), median(prefill)];
  return {
    id: "ethereumjs",
    machine: `${cpus()[0]?.model ?? process.arch}, ${cpus().length} cores, ${process.platform}`,
    node: process.version,
    transactions,
    stockMs,
    pluginMs,
    prefillMs,
    ratio: Math.round((stockMs / pluginMs) * 100) / 100,
  };
}
