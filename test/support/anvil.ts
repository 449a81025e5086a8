/** Starts anvil, a real node, where the optional workspace brought it. @module */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { toHex } from "../../src/chains/ethereum/index.ts";
import { createRpcClient, type RpcClient } from "../../src/node/rpc-client.ts";
import { createAccounts } from "../../src/workloads/accounts.ts";
import { createSigner } from "../../src/workloads/signer.ts";
import {
  createTransactionSigner,
  type TransactionDescription,
} from "../../src/workloads/transactions.ts";

const binary = fileURLToPath(
  new URL("../../../node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil", import.meta.url),
);

/** Why tests with anvil are skipped here, or false. */
export const skipWithoutAnvil: string | false = existsSync(binary)
  ? false
  : "anvil not installed (optional, Linux x64 only)";

const CHAIN_ID = 31_337;

/** A node that mines only when told. */
export interface Anvil {
  readonly client: RpcClient;
  readonly httpUrl: string;
  readonly wsUrl: string;
  /** Mines a block, 12 s after the last: left alone, anvil gives blocks of one second the same timestamp. */
  mine(): Promise<void>;
  stop(): Promise<void>;
}

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

/** Starts a node on which the accounts of {@link signedTransactions} can pay. */
export async function startAnvil(): Promise<Anvil> {
  const port = await freePort();
  const options = ["--port", String(port), "--no-mining", "--silent", "--accounts", "1"];
  const anvil: ChildProcess = spawn(binary, options, { stdio: "ignore" });
  const httpUrl = `http://127.0.0.1:${port}`;
  const client = createRpcClient(httpUrl, { timeoutMs: 60_000 });
  for (let tries = 0; ; tries++) {
    try {
      await client.call("eth_chainId", []);
      break;
    } catch (error) {
      if (tries > 200 || anvil.exitCode !== null) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  for (const { address } of createAccounts("anvil", 10)) {
    await client.call("anvil_setBalance", [toHex(address), "0x21e19e0c9bab2400000"]);
  }
  return {
    client,
    httpUrl,
    wsUrl: `ws://127.0.0.1:${port}`,
    async mine() {
      await client.call("evm_increaseTime", [12]);
      await client.call("evm_mine", []);
    },
    async stop() {
      if (anvil.exitCode !== null) return;
      const gone = new Promise((resolve) => anvil.once("exit", resolve));
      anvil.kill("SIGKILL");
      await gone;
    },
  };
}

/** `count` transactions of types 0, 1 and 2 in turn, from ten accounts. */
export function* signedTransactions(count: number): Generator<Uint8Array> {
  const accounts = createAccounts("anvil", 10);
  const { sign } = createTransactionSigner(createSigner({ seed: "anvil" }));
  for (let i = 0; i < count; i++) {
    const sender = accounts[i % accounts.length];
    const common = {
      chainId: CHAIN_ID,
      nonce: Math.floor(i / accounts.length),
      gasLimit: 40_000,
      to: accounts[(i * 7 + 3) % accounts.length].address,
      value: 1 + i,
      data: i % 5 === 0 ? Uint8Array.of(1, 2, 3, 0, i & 255) : new Uint8Array(0),
    };
    const accessList = [{ address: common.to, storageKeys: [new Uint8Array(32).fill(i & 255)] }];
    const fees = { maxFeePerGas: 20_000_000_000, maxPriorityFeePerGas: 1_000_000_000 + i };
    const kinds: TransactionDescription[] = [
      { ...common, type: 0, gasPrice: 20_000_000_000 },
      { ...common, type: 1, gasPrice: 20_000_000_000, accessList },
      { ...common, ...fees, type: 2, accessList: i % 2 === 0 ? accessList : [] },
    ];
    yield sign(kinds[i % kinds.length], sender);
  }
}
