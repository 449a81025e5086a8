/** A real node: anvil mines a thousand signed transactions, and its blocks are pulled and validated. @module */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { toHex } from "../../src/chains/ethereum/index.ts";
import { runCli } from "../cli/run.ts";
import { type Anvil, signedTransactions, skipWithoutAnvil, startAnvil } from "../support/anvil.ts";

const TRANSACTIONS = 1050;
const PER_BLOCK = 150;

describe("a real node", { skip: skipWithoutAnvil }, () => {
  let anvil: Anvil;
  let url: string;

  before(async () => {
    anvil = await startAnvil();
    url = anvil.httpUrl;
    let pending = 0;
    for (const raw of signedTransactions(TRANSACTIONS)) {
      await anvil.client.call("eth_sendRawTransaction", [toHex(raw)]);
      if (++pending % PER_BLOCK === 0) await anvil.mine();
    }
  });

  after(() => anvil?.stop());

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
