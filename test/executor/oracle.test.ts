import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fromHex, keccakOf, toHex } from "../../src/chains/ethereum/index.ts";
import {
  createExecutor,
  type ExecutableBlock,
  type Execution,
  type Fork,
} from "../../src/executor/index.ts";
import {
  createMemoryState,
  EMPTY_CODE_HASH,
  type MemoryAccount,
  type MemoryStateData,
} from "../../src/state/memory.ts";
import { createAccounts, type TestAccount } from "../../src/workloads/accounts.ts";
import { createSigner } from "../../src/workloads/signer.ts";
import { createTransactionSigner } from "../../src/workloads/transactions.ts";

const accounts = createAccounts("oracle", 3);
const { sign } = createTransactionSigner(createSigner({ seed: "oracle" }));
const COINBASE = new Uint8Array(20).fill(0xcc);
const CONTRACT = new Uint8Array(20).fill(0xab);
const ETHER = 10n ** 18n;

/** A transfer or call of 1 wei at 10 wei a gas. */
function transfer(from: TestAccount, nonce: number, to: Uint8Array, gasLimit = 100_000) {
  return {
    raw: sign({ type: 0, chainId: 1, nonce, gasPrice: 10, gasLimit, to, value: 1 }, from),
    sender: from.address,
  };
}

function blockOf(
  transactions: readonly ReturnType<typeof transfer>[],
  fork: Fork,
  more: Partial<ExecutableBlock> = {},
): ExecutableBlock {
  return {
    environment: {
      fork,
      chainId: 1n,
      number: 5n,
      timestamp: 1_000n,
      gasLimit: 30_000_000n,
      coinbase: COINBASE,
      difficulty: 0n,
      prevRandao: new Uint8Array(32),
      parentHash: new Uint8Array(32).fill(7),
      baseFeePerGas: 7n,
    },
    transactions: transactions.map(({ raw }) => raw),
    senders: Buffer.concat(transactions.map(({ sender }) => sender)),
    authorities: new Uint8Array(0),
    withdrawals: [],
    ommers: [],
    ...more,
  };
}

const eoa = (balance: bigint, nonce = 0n): MemoryAccount => ({
  nonce,
  balance,
  codeHash: EMPTY_CODE_HASH,
  storage: new Map(),
});

function stateOf(
  entries: readonly (readonly [Uint8Array, MemoryAccount | undefined])[],
  code: readonly Uint8Array[] = [],
  complete = true,
): MemoryStateData {
  return {
    complete,
    accounts: new Map(entries.map(([address, account]) => [toHex(address), account])),
    code: new Map(code.map((bytes) => [toHex(keccakOf(bytes)), bytes])),
  };
}

const contract = (code: Uint8Array): MemoryAccount => ({
  ...eoa(0n, 1n),
  codeHash: keccakOf(code),
});

async function run(block: ExecutableBlock, state: MemoryStateData) {
  const executor = createExecutor("oracle");
  try {
    return await executor.execute(block, createMemoryState(state));
  } finally {
    await executor.close();
  }
}

describe("oracle executor", () => {
  const [alice, bob] = accounts;

  it("moves value, fee and tip, and reports exactly what changed", async () => {
    const block = blockOf([transfer(alice, 0, bob.address, 21_000)], "shanghai");
    const outcome = await run(block, stateOf([[alice.address, eoa(ETHER)]]));
    assert.ok(outcome.ok);
    const { receipts, gasUsed, stateDiff, requests } = outcome.result;
    assert.equal(gasUsed, 21_000n);
    assert.deepEqual([receipts[0].status, receipts[0].cumulativeGasUsed], [true, 21_000n]);
    assert.deepEqual(requests, []);
    assert.deepEqual(
      [...stateDiff.keys()].sort(),
      [alice, bob]
        .map(({ address }) => toHex(address))
        .concat(toHex(COINBASE))
        .sort(),
    );
    assert.equal(stateDiff.get(toHex(alice.address))?.account?.balance, ETHER - 1n - 210_000n);
    assert.equal(stateDiff.get(toHex(bob.address))?.account?.balance, 1n);
    assert.equal(stateDiff.get(toHex(COINBASE))?.account?.balance, 3n * 21_000n);
  });

  it("pays rewards before Paris, with ommers, and withdrawals from Shanghai", async () => {
    const miner = new Uint8Array(20).fill(9);
    const ommers = [{ number: 4n, coinbase: miner }];
    const rewarded = await run(blockOf([], "byzantium", { ommers }), stateOf([]));
    assert.ok(rewarded.ok);
    const balance = (address: Uint8Array, of: Execution = rewarded) =>
      of.ok ? of.result.stateDiff.get(toHex(address))?.account?.balance : undefined;
    assert.equal(balance(COINBASE), 3n * ETHER + (3n * ETHER) / 32n);
    assert.equal(balance(miner), (7n * 3n * ETHER) / 8n);
    const withdrawal = { index: 0n, validatorIndex: 0n, address: miner, amount: 12n };
    const withdrawn = await run(
      blockOf([], "shanghai", { withdrawals: [withdrawal] }),
      stateOf([]),
    );
    assert.equal(balance(miner, withdrawn), 12_000_000_000n);
    assert.equal(balance(COINBASE, withdrawn), undefined);
  });

  it("reverts what a failed call wrote and keeps what the transaction paid", async () => {
    // SSTORE(0, 1), then INVALID: all gas is used and nothing is stored.
    const code = fromHex("0x6001600055fe") as Uint8Array;
    const state = stateOf(
      [
        [alice.address, eoa(ETHER)],
        [CONTRACT, contract(code)],
      ],
      [code],
    );
    const outcome = await run(blockOf([transfer(alice, 0, CONTRACT)], "shanghai"), state);
    assert.ok(outcome.ok);
    assert.equal(outcome.result.receipts[0].status, false);
    assert.equal(outcome.result.gasUsed, 100_000n);
    assert.equal(outcome.result.stateDiff.has(toHex(CONTRACT)), false);
  });

  it("names the transaction that may not stand where it stands", async () => {
    const state = stateOf([
      [alice.address, eoa(ETHER)],
      [bob.address, eoa(1000n)],
    ]);
    const good = transfer(alice, 0, bob.address);
    const cases: [ReturnType<typeof transfer>[], number, RegExp][] = [
      [[good, transfer(alice, 2, bob.address)], 1, /nonce/],
      [[good, good], 1, /nonce/],
      [[transfer(bob, 0, alice.address)], 0, /funds/],
      [[good, transfer(alice, 1, bob.address, 29_990_000)], 1, /gas limit/],
      [[{ raw: Uint8Array.of(5, 1), sender: alice.address }], 0, /./],
    ];
    for (const [transactions, index, reason] of cases) {
      const outcome = await run(blockOf(transactions, "shanghai"), state);
      assert.ok(!outcome.ok);
      assert.equal(outcome.invalid.index, index);
      assert.match(outcome.invalid.reason, reason);
    }
  });

  it("throws ERR_STATE_MISSING for what a partial state does not hold, from inside a call too", async () => {
    const code = fromHex("0x60005450") as Uint8Array; // SLOAD(0), POP
    const known: [Uint8Array, MemoryAccount | undefined][] = [
      [alice.address, eoa(ETHER)],
      [COINBASE, undefined],
      [CONTRACT, contract(code)],
    ];
    const block = blockOf([transfer(alice, 0, CONTRACT)], "shanghai");
    for (const [missing, state] of [
      ["account", stateOf(known.slice(1), [code], false)],
      ["storage", stateOf(known, [code], false)],
      ["code", stateOf(known, [], false)],
    ] as const) {
      await assert.rejects(run(block, state), {
        code: "ERR_STATE_MISSING",
        message: new RegExp(`^${missing} `),
      });
    }
    // BLOCKHASH of a block nobody told it about.
    const asks = fromHex("0x60024050") as Uint8Array;
    const state = stateOf(
      [
        [alice.address, eoa(ETHER)],
        [CONTRACT, contract(asks)],
      ],
      [asks],
    );
    await assert.rejects(run(block, state), { code: "ERR_STATE_MISSING", message: /block 2/ });
  });

  it("stops when told", async () => {
    const executor = createExecutor("oracle");
    const state = createMemoryState(stateOf([[alice.address, eoa(ETHER)]]));
    const signal = AbortSignal.abort();
    const block = blockOf([transfer(alice, 0, bob.address)], "shanghai");
    await assert.rejects(executor.execute(block, state, { signal }), { code: "ERR_ABORTED" });
    await executor.close();
    await assert.rejects(executor.execute(block, state), { code: "ERR_CLOSED" });
    assert.throws(() => createExecutor("no-such"), /expected one of .*oracle/);
  });
});
