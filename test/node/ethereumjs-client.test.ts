/** The EthereumJS plug-in in a real node: raw transactions through `eth_sendRawTransaction` into the pool of `@ethereumjs/client`. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import {
  createVerifier,
  createWasmBackend,
  ethereum,
  keccak256,
  secp256k1Recover,
  type Verifier,
} from "../../src/index.ts";
import { createEthereumjsPlugin, type EthereumjsPlugin } from "../../src/node/ethereumjs.ts";
import { createAccounts } from "../../src/workloads/accounts.ts";
import { createSigner } from "../../src/workloads/signer.ts";
import { createTransactionSigner } from "../../src/workloads/transactions.ts";

/** The client and what it depends on, installed apart: 110 MB, and older versions of the packages that we use. */
const folder = new URL("../../../test/ethereumjs-client/node_modules/", import.meta.url);
const client = "@ethereumjs/client/dist/esm/src/";
const skip = existsSync(new URL(client, folder))
  ? false
  : "@ethereumjs/client not installed: npm ci --ignore-scripts --prefix test/ethereumjs-client";

// biome-ignore lint/suspicious/noExplicitAny: a package that may be absent has no types here
const load = (path: string): Promise<any> => import(new URL(path, folder).href);

const CHAIN_ID = 1337;
const accounts = createAccounts("ethereumjs client", 30);
const { sign } = createTransactionSigner(createSigner({ seed: "ethereumjs client" }));

/** Types 0, 1 and 2, three from each account. */
const raws: readonly Uint8Array[] = accounts.flatMap((account) => {
  const to = new Uint8Array(20).fill(9);
  const common = { to, value: 1n, data: new Uint8Array(0), gasLimit: 50_000, chainId: CHAIN_ID };
  const gasPrice = 10n ** 10n;
  return [
    sign({ ...common, type: 0, nonce: 0, gasPrice }, account),
    sign({ ...common, type: 1, nonce: 1, gasPrice, accessList: [] }, account),
    sign(
      { ...common, type: 2, nonce: 2, maxFeePerGas: gasPrice, maxPriorityFeePerGas: gasPrice },
      account,
    ),
  ];
});

const genesis = {
  config: {
    chainId: CHAIN_ID,
    ...Object.fromEntries(
      [
        "homestead",
        "eip150",
        "eip155",
        "eip158",
        "byzantium",
        "constantinople",
        "petersburg",
        "istanbul",
        "berlin",
        "london",
      ].map((fork) => [`${fork}Block`, 0]),
    ),
    terminalTotalDifficulty: 0,
    terminalTotalDifficultyPassed: true,
    shanghaiTime: 0,
  },
  difficulty: "0x0",
  gasLimit: "0x1c9c380",
  nonce: "0x0",
  timestamp: "0x0",
  extraData: "0x",
  baseFeePerGas: "0x7",
  alloc: {},
};

describe("ethereumjs client", { skip }, () => {
  let verifier: Verifier;
  let plugin: EthereumjsPlugin;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  let node: any;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  let rpc: any;

  before(async () => {
    verifier = createVerifier({
      algorithms: [keccak256, secp256k1Recover],
      backends: [createWasmBackend({ workers: 1 })],
    });
    plugin = await createEthereumjsPlugin({ verifier });
    const { EthereumClient, Config } = await load(`${client}index.js`);
    const { RPCManager } = await load(`${client}rpc/index.js`);
    const { createCommonFromGethGenesis } = await load("@ethereumjs/common/dist/esm/index.js");
    const { MemoryLevel } = await load("memory-level/index.js");
    const { customCrypto } = plugin;
    const common = createCommonFromGethGenesis(genesis, { chain: "lanewise", customCrypto });
    const config = new Config({ common, isSingleNode: true, enableSnapSync: false });
    config.synchronized = true;
    const balances = accounts.map(({ address }) => [ethereum.toHex(address), "0xde0b6b3a7640000"]);
    node = await EthereumClient.create({
      config,
      genesisState: Object.fromEntries(balances),
      chainDB: new MemoryLevel(),
      stateDB: new MemoryLevel(),
      metaDB: new MemoryLevel(),
    });
    await node.open();
    node.service.txPool.start();
    rpc = new RPCManager(node, config).getMethods();
  });
  after(async () => {
    node?.service.txPool.stop();
    await node?.service.close();
    await verifier?.close();
  });

  it("admits transactions to its pool without recovering one of their keys", async () => {
    const { createTxFromRLP } = await load("@ethereumjs/tx/dist/esm/index.js");
    const common = node.config.chainCommon.copy();
    const arriving = raws.map((raw) => createTxFromRLP(raw, { common }));
    assert.equal(await plugin.prefill(arriving), raws.length);
    const hitsBefore = plugin.stats.hits;
    // The node decodes the raw bytes into transactions of its own.
    for (const raw of raws) await rpc.eth_sendRawTransaction([ethereum.toHex(raw)]);
    assert.ok(plugin.stats.hits - hitsBefore >= raws.length);
    assert.equal(plugin.stats.misses, 0);
    const { pool, txsInPool } = node.service.txPool;
    assert.equal(txsInPool, raws.length);
    for (const { address } of accounts) {
      const entries = pool.get(Buffer.from(address).toString("hex"));
      assert.deepEqual(
        // biome-ignore lint/suspicious/noExplicitAny: as above
        entries.map(({ tx }: any) => Number(tx.nonce)),
        [0, 1, 2],
      );
    }
  });

  it("refuses an invalid signature in the client's own words", async () => {
    const raw = raws[2].slice();
    raw[raw.length - 34] ^= 0xff;
    const { createTxFromRLP } = await load("@ethereumjs/tx/dist/esm/index.js");
    const common = node.config.chainCommon.copy();
    const tx = createTxFromRLP(raw, { common });
    const filled = await plugin.prefill([tx]);
    // Another r is no point, or another sender, who has no money.
    const expected = filled === 0 ? /Invalid Signature/ : /insufficient balance/;
    await assert.rejects(
      async () => rpc.eth_sendRawTransaction([ethereum.toHex(raw)]),
      (error: { message: string }) => expected.test(error.message),
    );
  });
});
