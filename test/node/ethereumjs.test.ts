/** The EthereumJS plug-in in the real `@ethereumjs/vm`: nothing left to recover inside `runBlock`, and the same block result. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { createBlock } from "@ethereumjs/block";
import { Common, type CustomCrypto, Hardfork, Mainnet } from "@ethereumjs/common";
import { createTxFromRLP, type TypedTransaction } from "@ethereumjs/tx";
import { Account, createAddressFromString, ecrecover, toBytes } from "@ethereumjs/util";
import { createVM, runBlock } from "@ethereumjs/vm";
import { keccak_256 } from "@noble/hashes/sha3.js";
import {
  createReferenceBackend,
  createVerifier,
  keccak256,
  secp256k1Recover,
  type Verifier,
} from "../../src/index.ts";
import { createEthereumjsPlugin, type EthereumjsPlugin } from "../../src/node/ethereumjs.ts";
import { createAccounts } from "../../src/workloads/accounts.ts";
import { createSigner } from "../../src/workloads/signer.ts";
import { createTransactionSigner } from "../../src/workloads/transactions.ts";

const accounts = createAccounts("ethereumjs", 12);
const authorities = createAccounts("ethereumjs authorities", 12);
const { sign, authorize } = createTransactionSigner(createSigner({ seed: "ethereumjs" }));
const to = new Uint8Array(20).fill(7);

/** Signed transfers of the types that need no blob, one of each per account in nonce order. */
function rawTransactions(): Uint8Array[] {
  const fees = { maxFeePerGas: 100, maxPriorityFeePerGas: 1 };
  const common = { to, value: 1n, data: new Uint8Array(0), gasLimit: 100_000 };
  return accounts.flatMap((account, i) => {
    const authorizationList = [authorize({ chainId: 1, address: to, nonce: 0 }, authorities[i])];
    return [
      sign({ ...common, type: 0, nonce: 0, gasPrice: 100 }, account),
      sign({ ...common, type: 0, nonce: 1, gasPrice: 100, chainId: 1 }, account),
      sign({ ...common, type: 1, nonce: 2, gasPrice: 100, chainId: 1, accessList: [] }, account),
      sign({ ...common, type: 2, nonce: 3, chainId: 1, ...fees }, account),
      sign({ ...common, type: 4, nonce: 4, chainId: 1, ...fees, authorizationList }, account),
    ];
  });
}

const raws = rawTransactions();

/** A VM whose accounts can pay, and a block of the transactions for it. */
async function setUp(customCrypto: CustomCrypto) {
  const common = new Common({ chain: Mainnet, hardfork: Hardfork.Prague, customCrypto });
  const vm = await createVM({ common });
  for (const { address } of accounts) {
    const hex = `0x${Buffer.from(address).toString("hex")}` as const;
    await vm.stateManager.putAccount(createAddressFromString(hex), new Account(0n, 10n ** 20n));
  }
  const transactions = raws.map((raw) => createTxFromRLP(raw, { common }));
  const header = {
    number: 30_000_000n,
    gasLimit: 30_000_000n,
    baseFeePerGas: 7n,
    timestamp: 1_750_000_000n,
  };
  const block = createBlock(
    { header, transactions },
    { common, skipConsensusFormatValidation: true },
  );
  return { vm, block, common };
}

const run = async ({ vm, block }: Awaited<ReturnType<typeof setUp>>) =>
  runBlock(vm, { block, skipBlockValidation: true, generate: true });

describe("ethereumjs plug-in", () => {
  let verifier: Verifier;
  let plugin: EthereumjsPlugin;
  before(async () => {
    verifier = createVerifier({
      algorithms: [keccak256, secp256k1Recover],
      backends: [createReferenceBackend()],
    });
    plugin = await createEthereumjsPlugin({ verifier });
  });
  after(() => verifier.close());

  it("leaves nothing to recover in runBlock and changes nothing of its result", async () => {
    let recoveries = 0;
    const counted = await setUp({
      ...plugin.customCrypto,
      ecrecover(...args) {
        recoveries++;
        return plugin.customCrypto.ecrecover(...args);
      },
    });
    const filled = await plugin.prefillBlock(counted.block);
    assert.equal(filled, counted.block.transactions.length);
    const ours = await run(counted);
    // Authorisations of type 4 are recovered by EthereumJS itself, not through customCrypto.
    assert.equal(recoveries, 0);
    const theirs = await run(await setUp({}));
    assert.equal(ours.gasUsed, theirs.gasUsed);
    assert.deepEqual(ours.receiptsRoot, theirs.receiptsRoot);
    assert.deepEqual(ours.stateRoot, theirs.stateRoot);
    assert.deepEqual(ours.logsBloom, theirs.logsBloom);
  });

  it("gives the senders that EthereumJS would, and serves copies from the cache", async () => {
    const { block, common } = await setUp(plugin.customCrypto);
    await plugin.prefillBlock(block);
    const plain = new Common({ chain: Mainnet, hardfork: Hardfork.Prague });
    const hitsBefore = plugin.stats.hits;
    const missesBefore = plugin.stats.misses;
    for (const [i, raw] of raws.entries()) {
      const expected = createTxFromRLP(raw, { common: plain }).getSenderAddress().toString();
      assert.equal(block.transactions[i].getSenderAddress().toString(), expected);
      const copy: TypedTransaction = createTxFromRLP(raw, { common });
      assert.equal(copy.getSenderAddress().toString(), expected);
    }
    assert.equal(plugin.stats.hits - hitsBefore, block.transactions.length);
    assert.equal(plugin.stats.misses, missesBefore);
    assert.equal(await plugin.prefill(block.transactions), 0, "what is cached is not asked again");
  });

  it("leaves an invalid signature for EthereumJS to refuse", async () => {
    const { common } = await setUp(plugin.customCrypto);
    const plain = new Common({ chain: Mainnet, hardfork: Hardfork.Prague });
    let refused = 0;
    for (let byte = 0; byte < 16; byte++) {
      // Another r: for about half of them no point has this x coordinate.
      const raw = raws[3].slice();
      raw[raw.length - 34] = byte;
      const tx = createTxFromRLP(raw, { common });
      const filled = await plugin.prefill([tx]);
      if (filled === 1) {
        const expected = createTxFromRLP(raw, { common: plain }).getSenderAddress().toString();
        assert.equal(tx.getSenderAddress().toString(), expected);
      } else {
        assert.throws(
          () => createTxFromRLP(raw, { common: plain }).getSenderPublicKey(),
          /Signature/,
        );
        assert.throws(() => tx.getSenderPublicKey(), /Invalid Signature/);
        refused++;
      }
    }
    assert.ok(refused > 0 && refused < 16);
  });

  it("computes misses as EthereumJS does, errors included", () => {
    const z = keccak_256(toBytes("0x01"));
    const r = toBytes("0xa836776b04bed00004b86f6ba8761971e152a77c0d2c12c40ea1dd13eabf1e05");
    const s = toBytes("0x67cd4a49af63bcf13c3177c42af2e311d79fb9a43f52af8a026ce1b1ed71d0e0");
    for (const [v, chainId] of [
      [0n, undefined],
      [1n, undefined],
      [27n, undefined],
      [28n, undefined],
      [37n, 1n],
      [38n, 1n],
    ] as const) {
      assert.deepEqual(
        plugin.customCrypto.ecrecover(z, v, r, s, chainId),
        ecrecover(z, v, r, s, chainId),
      );
    }
    for (const [v, chainId] of [
      [29n, undefined],
      [26n, undefined],
      [27n, 1n],
      [39n, 1n],
    ] as const) {
      assert.throws(() => ecrecover(z, v, r, s, chainId));
      assert.throws(() => plugin.customCrypto.ecrecover(z, v, r, s, chainId));
    }
    for (const bad of [new Uint8Array(32), new Uint8Array(32).fill(0xff), new Uint8Array(0)]) {
      assert.throws(() => plugin.customCrypto.ecrecover(z, 27n, bad, s));
      assert.throws(() => plugin.customCrypto.ecrecover(z, 27n, r, bad));
    }
    for (const length of [0, 1, 135, 136, 137, 5000, 20_000]) {
      const message = new Uint8Array(length).fill(length);
      assert.deepEqual(plugin.customCrypto.keccak256(message), keccak_256(message));
    }
  });
});
