/** Known-bad transactions: each gets its own verdict from the sequential pipeline, and its valid neighbours get none. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { singleForkSchedule, transactionVerdictName } from "../../src/chains/ethereum/index.ts";
import { transactionUnits } from "../../src/node/transaction-stream.ts";
import { validateSequentially } from "../../src/pipeline/sequential.ts";
import { createAccounts } from "../../src/workloads/accounts.ts";
import { INVALID_RULES, invalidate } from "../../src/workloads/invalid.ts";
import { createSigner } from "../../src/workloads/signer.ts";
import {
  createTransactionSigner,
  type TransactionDescription,
} from "../../src/workloads/transactions.ts";

const CHAIN_ID = 1;
const accounts = createAccounts("invalid", 8);
const signer = createTransactionSigner(createSigner({ seed: "invalid" }));
const bytes = (length: number, fill: number): Uint8Array => new Uint8Array(length).fill(fill);

const common = { nonce: 5, to: bytes(20, 7), value: 9, data: bytes(5, 3), gasLimit: 300_000 };
const fees = { maxFeePerGas: 2_000_000_000, maxPriorityFeePerGas: 1_000_000_000 };
const accessList = [{ address: bytes(20, 1), storageKeys: [bytes(32, 2)] }];
const descriptions: TransactionDescription[] = [
  { ...common, type: 0, gasPrice: 1_000_000_000 },
  { ...common, type: 0, gasPrice: 1_000_000_000, chainId: CHAIN_ID },
  { ...common, type: 1, gasPrice: 1_000_000_000, chainId: CHAIN_ID, accessList },
  { ...common, type: 2, chainId: CHAIN_ID, ...fees, accessList },
  {
    ...common,
    type: 3,
    chainId: CHAIN_ID,
    ...fees,
    maxFeePerBlobGas: 1,
    blobVersionedHashes: [bytes(32, 1)],
  },
  {
    ...common,
    type: 4,
    chainId: CHAIN_ID,
    ...fees,
    authorizationList: [
      signer.authorize({ chainId: 1, address: bytes(20, 2), nonce: 0 }, accounts[7]),
    ],
  },
];

/** Rule that each transaction breaks, by the sequential pipeline. */
async function brokenRules(raws: Uint8Array[]): Promise<Map<number, string>> {
  const broken = new Map<number, string>();
  const chain = singleForkSchedule("prague", BigInt(CHAIN_ID));
  for await (const report of validateSequentially(transactionUnits(raws, "test"), { chain })) {
    for (const { transaction = -1, rule } of report.failures) broken.set(transaction, rule);
  }
  return broken;
}

test("every rule breaks every type that it applies to, and no neighbour", async () => {
  const raws: Uint8Array[] = [];
  const expected = new Map<number, string>();
  for (const [index, description] of descriptions.entries()) {
    const valid = signer.sign(description, accounts[index]);
    for (const rule of INVALID_RULES.filter(({ types }) => types.includes(description.type))) {
      // A pre-155 signature names no chain.
      const unprotected = description.type === 0 && description.chainId === undefined;
      if (unprotected && rule.id === "ParityInvalid") continue;
      raws.push(valid, invalidate(valid, rule));
      expected.set(raws.length - 1, transactionVerdictName(rule.verdict));
    }
  }
  assert.ok(raws.length > 400, `${raws.length}`);
  assert.deepEqual(await brokenRules(raws), expected);
});

test("wrong calls are named", () => {
  const raw = signer.sign(descriptions[0], accounts[0]);
  const rule = INVALID_RULES.find(({ id }) => id === "BlobCount");
  assert.ok(rule);
  assert.throws(() => invalidate(raw, rule), /BlobCount: expected a type of 3, got 0/);
  assert.throws(() => invalidate(raw.slice(1), rule));
});
