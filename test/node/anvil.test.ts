/** A real node: anvil mines a thousand signed transactions, and its blocks are pulled and validated. @module */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { toHex } from "../../src/chains/ethereum/index.ts";
import { createRpcClient, type RpcClient } from "../../src/node/rpc-client.ts";
import { createAccounts } from "../../src/workloads/accounts.ts";
import { createSigner } from "../../src/workloads/signer.ts";
import {
  createTransactionSigner,
  type TransactionDescription,
} from "../../src/workloads/transactions.ts";
import { runCli } from "../cli/run.ts";

const binary = fileURLToPath(
  new URL("../../../node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil", import.meta.url),
);
const skip = existsSync(binary) ? false : "anvil not installed (optional, Linux x64 only)";

const TRANSACTIONS = 1050;
const PER_BLOCK = 150;
const CHAIN_ID = 31_337;

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

/** Transactions of types 0, 1 and 2 in turn, from ten accounts. */
function* signedTransactions(): Generator<Uint8Array> {
  const accounts = createAccounts("anvil", 10);
  const { sign } = createTransactionSigner(createSigner({ seed: "anvil" }));
  for (let i = 0; i < TRANSACTIONS; i++) {
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

describe("a real node", { skip }, () => {
  let anvil: ChildProcess;
  let client: RpcClient;
  let url: string;

  before(async () => {
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    const options = ["--port", String(port), "--no-mining", "--silent", "--accounts", "1"];
    anvil = spawn(binary, options, { stdio: "ignore" });
    client = createRpcClient(url, { timeoutMs: 60_000 });
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
    let pending = 0;
    const mine = async (): Promise<void> => {
      // Left alone, anvil gives blocks of one second the same timestamp, which no chain allows.
      await client.call("evm_increaseTime", [12]);
      await client.call("evm_mine", []);
      pending = 0;
    };
    for (const raw of signedTransactions()) {
      await client.call("eth_sendRawTransaction", [toHex(raw)]);
      if (++pending === PER_BLOCK) await mine();
    }
    if (pending > 0) await mine();
  });

  after(async () => {
    if (anvil === undefined || anvil.exitCode !== null) return;
    const gone = new Promise((resolve) => anvil.once("exit", resolve));
    anvil.kill("SIGKILL");
    await gone;
  });

  it(`${TRANSACTIONS} transactions of types 0 to 2 are pulled and valid`, async () => {
    // Block 1 is pulled without its parent: anvil takes its base fee from the command line, not from the genesis block.
    const parameters = ["validate", "--rpc", url, "--from", "1", "--backend", "wasm", "--json"];
    const { code, stdout, stderr } = await runCli(parameters);
    assert.equal(code, 0, stderr + stdout.slice(0, 2000));
    const summary = JSON.parse(stdout);
    assert.deepEqual([summary.ok, summary.failures], [true, []]);
    assert.equal(summary.transactions, TRANSACTIONS);
    assert.equal(summary.blocks, TRANSACTIONS / PER_BLOCK);
  });

  it("--fork URL: blocks run on the node's own state, with proofs", async () => {
    const parameters = ["validate", "--rpc", url, "--from", "2", "--fork", url, "--json"];
    const { code, stdout, stderr } = await runCli([...parameters, "--backend", "wasm"]);
    assert.equal(code, 0, stderr + stdout.slice(0, 2000));
    const { ok, stages } = JSON.parse(stdout);
    assert.equal(ok, true);
    assert.equal(stages.execute.count, TRANSACTIONS - PER_BLOCK);
    const asTable = await runCli(["validate", "--rpc", url, "--fork", url, "--backend", "wasm"]);
    assert.match(asTable.stdout, /1 executed, 0 signatures only/);
    assert.match(asTable.stdout, /state root not compared/);
  });

  it("a wrong chain id is noticed in every transaction", async () => {
    const parameters = ["validate", "--rpc", url, "--chain-id", "31338", "--json"];
    const { code, stdout } = await runCli([...parameters, "--backend", "wasm"]);
    assert.equal(code, 1);
    const { failures } = JSON.parse(stdout);
    assert.equal(failures[0].rule, "ChainIdMismatch");
  });

  it("a block that the node does not have is an operating failure", async () => {
    const range = ["--from", "100000", "--to", "100000"];
    const result = await runCli(["validate", "--rpc", url, ...range, "--backend", "wasm"]);
    assert.equal(result.code, 2);
    assert.match(result.stderr, /block 100000: the node does not have it/);
  });
});
