/**
 * anvil (revm in native code) as a rival of the executor: the same transactions on the same state, put into its pool, and the time it
 * takes to mine them into one block.
 *
 * @module
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createRpcClient } from "../node/rpc-client.ts";
import { hexOf } from "../state/hex.ts";
import type { MemoryStateData } from "../state/memory.ts";
import { WORKLOAD_CHAIN, type Workload } from "../workloads/workload.ts";

/** The optional package's binary, seen from `dist/src/bench/`. */
const binary = fileURLToPath(
  new URL("../../../node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil", import.meta.url),
);

/** Whether anvil is installed. */
export function hasAnvil(): boolean {
  return existsSync(binary);
}

const START_TIMEOUT_MS = 30_000;
/** Transactions sent at once; its RPC takes some 3 000 a second. */
const IN_FLIGHT = 32;

const quantity = (value: bigint): string => `0x${value.toString(16)}`;

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

/** The state as a genesis file. */
function genesis({ accounts, code }: MemoryStateData, timestamp: bigint, gasLimit: bigint): string {
  const alloc: Record<string, unknown> = {};
  for (const [address, account] of accounts) {
    if (account === undefined) continue;
    const bytes = code.get(hexOf(account.codeHash));
    alloc[address] = {
      balance: quantity(account.balance),
      nonce: quantity(account.nonce),
      ...(bytes ? { code: hexOf(bytes) } : {}),
      storage: Object.fromEntries([...account.storage].map(([slot, word]) => [slot, hexOf(word)])),
    };
  }
  return JSON.stringify({
    config: { chainId: WORKLOAD_CHAIN.chainId },
    timestamp: quantity(timestamp),
    gasLimit: quantity(gasLimit),
    difficulty: "0x0",
    alloc,
  });
}

/**
 * Milliseconds that anvil takes to mine the workload's first block.
 *
 * @throws Error where anvil does not start, or does not include all of the transactions with success.
 */
export async function timeAnvil({ state, blocks }: Workload): Promise<number> {
  const [{ environment, transactions }] = blocks;
  const folder = await mkdtemp(join(tmpdir(), "lanewise-anvil-"));
  const port = await freePort();
  const file = join(folder, "genesis.json");
  const { timestamp, gasLimit } = environment;
  await writeFile(file, genesis(state, timestamp - 12n, gasLimit));
  const options = {
    port,
    init: file,
    "chain-id": WORKLOAD_CHAIN.chainId,
    hardfork: WORKLOAD_CHAIN.fork,
    "gas-limit": gasLimit,
    "block-base-fee-per-gas": environment.baseFeePerGas ?? 0n,
    order: "fifo",
    accounts: 1,
  };
  const words = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const anvil = spawn(binary, [...words, "--no-mining", "--quiet"], { stdio: "ignore" });
  try {
    const client = createRpcClient(`http://127.0.0.1:${port}`, { timeoutMs: 120_000 });
    const deadline = performance.now() + START_TIMEOUT_MS;
    for (;;) {
      const ready = await client.call("eth_chainId", []).then(
        () => true,
        () => false,
      );
      if (ready) break;
      if (anvil.exitCode !== null || performance.now() > deadline) {
        throw new Error(`anvil did not start (exit code ${anvil.exitCode})`);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    for (let i = 0; i < transactions.length; i += IN_FLIGHT) {
      const some = transactions.slice(i, i + IN_FLIGHT);
      await Promise.all(some.map((raw) => client.call("eth_sendRawTransaction", [hexOf(raw)])));
    }
    await client.call("evm_setNextBlockTimestamp", [Number(timestamp)]);
    const started = performance.now();
    await client.call("evm_mine", []);
    const elapsedMs = performance.now() - started;
    const receipts = (await client.call("eth_getBlockReceipts", ["latest"])) as {
      readonly status: string;
    }[];
    const succeeded = receipts.filter(({ status }) => status === "0x1").length;
    if (succeeded !== transactions.length) {
      throw new Error(`anvil: ${succeeded} of ${transactions.length} transactions succeeded`);
    }
    return elapsedMs;
  } finally {
    anvil.kill("SIGKILL");
    await rm(folder, { recursive: true, force: true });
  }
}
