/** Deposit requests (EIP-6110) out of the logs of main net's deposit contract, on any number of threads. @module */
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { createEvmExecutor } from "../../../src/executor/evm/index.ts";
import { createOracleExecutor } from "../../../src/executor/oracle/index.ts";
import { createAccounts } from "../../../src/workloads/accounts.ts";
import { createSigner } from "../../../src/workloads/signer.ts";
import { createTransactionSigner } from "../../../src/workloads/transactions.ts";
import { seededRandom } from "../../support/random.ts";
import { blockOfCalls, type Call } from "./calls.ts";
import { assertSameOutcome } from "./compare.ts";

const fromHex = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, "hex"));
const CONTRACT = fromHex("00000000219ab540356cbb839cbe05303d7705fa");
/** A neighbour's address: all but the last byte equal. */
const OTHER = fromHex("00000000219ab540356cbb839cbe05303d7705fb");
const TOPIC = "649bbc62d0e31342afea4e5cd82d4049e7e1ee912fc0889aa790803be39038c5";
/** Logs its call data with the topic of deposits, and reverts where it was sent ether. */
const LOGGER = `365f5f377f${TOPIC}365fa134602d57005b5f5ffd`;
const SIZES = [48, 32, 8, 96, 8];

const random = seededRandom(6110);
const accounts = createAccounts("deposits", 20);
const signer = createTransactionSigner(createSigner({ seed: "deposits" }));

/** A deposit's fields, and the ABI encoding of them as five byte strings. */
function deposit(): { fields: Uint8Array; data: Uint8Array } {
  const fields = SIZES.map((size) => random.bytes(size));
  const data = new Uint8Array(576);
  const view = new DataView(data.buffer);
  let at = 160;
  for (const [i, field] of fields.entries()) {
    view.setUint32(32 * i + 28, at);
    view.setUint32(at + 28, field.length);
    data.set(field, at + 32);
    at += 32 + 32 * Math.ceil(field.length / 32);
  }
  assert.equal(at, data.length);
  return { fields: Uint8Array.from(Buffer.concat(fields)), data };
}

const CODES = [CONTRACT, OTHER].map((address) => [address, fromHex(LOGGER)] as const);

const blockOf = (calls: readonly Call[]) =>
  blockOfCalls(calls, {
    fork: "prague",
    blockGasLimit: 30_000_000n,
    gasLimit: 200_000,
    accounts,
    signer,
    codes: CODES,
  });

describe("deposit requests", () => {
  const oracle = createOracleExecutor();
  const executors = [1, 2, 3].map((workers) => createEvmExecutor({ workers, leastParallel: 1 }));
  after(() => Promise.all([oracle, ...executors].map((executor) => executor.close())));

  it("every deposit in order; none of another contract, nor one that was taken back", async () => {
    const deposits = Array.from({ length: 12 }, deposit);
    const calls: Call[] = deposits.map(({ data }) => ({ to: CONTRACT, data }));
    calls.splice(4, 0, { to: OTHER, data: deposit().data });
    calls.splice(8, 0, { to: CONTRACT, data: deposit().data, value: 1 });
    const { block, state } = blockOf(calls);
    const expected = Buffer.concat([Uint8Array.of(0), ...deposits.map(({ fields }) => fields)]);
    for (const executor of executors) {
      const execution = await assertSameOutcome(executor, oracle, block, state, executor.id);
      assert.ok(execution.ok);
      assert.deepEqual(
        execution.result.requests.map((request) => Buffer.from(request)),
        [expected],
      );
    }
  });

  it("a block without any, after one with some", async () => {
    const [some, none] = [CONTRACT, OTHER].map((to) => blockOf([{ to, data: deposit().data }]));
    for (const executor of executors) {
      await assertSameOutcome(executor, oracle, some.block, some.state, "some");
      const execution = await assertSameOutcome(executor, oracle, none.block, none.state, "none");
      assert.ok(execution.ok);
      assert.deepEqual(execution.result.requests, []);
    }
  });

  it("a log that is laid out otherwise makes the block invalid", async () => {
    const { data } = deposit();
    for (const at of [31, 159, 191, 543]) {
      const wrong = Uint8Array.from(data);
      wrong[at] ^= 1;
      const { block, state } = blockOf([
        { to: CONTRACT, data },
        { to: CONTRACT, data: wrong },
      ]);
      for (const executor of executors) {
        const execution = await assertSameOutcome(executor, oracle, block, state, `byte ${at}`);
        assert.equal(execution.ok, false);
      }
    }
  });
});
