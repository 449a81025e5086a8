/** Contracts that try to exhaust the machine: each ends, within bounds, and its neighbours in the block run as if it were not there. @module */
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { createEvmExecutor } from "../../../src/executor/evm/index.ts";
import type { BlockEnvironment, ExecutionResult } from "../../../src/executor/index.ts";
import { createAccounts } from "../../../src/workloads/accounts.ts";
import { createChainState } from "../../../src/workloads/chain-state.ts";
import { createSigner } from "../../../src/workloads/signer.ts";
import { createTransactionSigner } from "../../../src/workloads/transactions.ts";

const [sender, bystander] = createAccounts("hostile", 2);
const signer = createTransactionSigner(createSigner({ seed: "hostile" }));
const HOSTILE = new Uint8Array(20).fill(0xbd);
const GAS = 30_000_000n;
const ETHER = 10n ** 18n;

const hex = (text: string): Uint8Array =>
  Uint8Array.from(Buffer.from(text.replace(/\s/g, ""), "hex"));

/** What each does, as bytecode; `5b … 56` loops forever unless gas ends it. */
const attacks: Readonly<Record<string, { readonly code: Uint8Array; readonly succeeds?: true }>> = {
  "an endless loop": { code: hex("5b 5f 56") },
  // DUP the same word until the stack is full.
  "a stack that overflows": { code: hex("5f 5b 80 6001 56") },
  // GAS is passed on whole; each level calls itself until depth 1024 or gas ends.
  "recursion to the last level": { code: hex("5f 5f 5f 5f 5f 30 5a f1 00"), succeeds: true },
  // Each level first takes 16 KiB of memory.
  "recursion that takes memory at every level": {
    code: hex("5f 613fe0 52 5f 5f 5f 5f 5f 30 5a f1 00"),
    succeeds: true,
  },
  // Memory doubles until it cannot be paid.
  "memory that grows until gas ends": { code: hex("6020 5b 80 80 52 6001 1b 6002 56") },
  "memory at the end of the address space": {
    code: hex("5f 7f ff".concat("ff".repeat(31), " 52")),
  },
  // Calls itself with data: the inner frame returns 1 MiB of zeros, and the outer asks again.
  "huge return data, again and again": {
    code: hex("36 6013 57 5b 5f 5f 6001 5f 5f 30 5a f1 50 6004 56 00 5b 62100000 5f f3"),
  },
  // SLOAD of ever new slots.
  "ever new storage slots": { code: hex("5f 5b 80 54 50 6001 01 6001 56") },
  // TSTORE of ever new slots: the cheapest entry of the transaction's view.
  "ever new transient slots": { code: hex("5f 5b 80 80 5d 6001 01 6001 56") },
  // BALANCE of ever new accounts.
  "ever new accounts": { code: hex("5f 5b 80 31 50 6001 01 6001 56") },
  // SSTORE to one slot, a journal record each.
  "a journal without end": { code: hex("5f 5b 80 5f 55 6001 01 6001 56") },
  // LOG0 of 32 bytes.
  "logs without end": { code: hex("5b 6020 5f a0 5f 56") },
  // CREATE of 48 KiB, half of it JUMPDEST, to be analysed each time.
  "floods of jump destinations": {
    code: hex("5b 61c000 5f 5f 39 61c000 5f 5f f0 50 5f 56".padEnd(24_576 * 2, "5b")),
  },
};

const environment: BlockEnvironment = {
  fork: "prague",
  chainId: 1n,
  number: 10n,
  timestamp: 1000n,
  gasLimit: GAS + 1_000_000n,
  coinbase: new Uint8Array(20).fill(0xc0),
  difficulty: 0n,
  prevRandao: new Uint8Array(32),
  baseFeePerGas: 7n,
  excessBlobGas: 0n,
  parentHash: new Uint8Array(32),
};

describe("hostile contracts", () => {
  const executor = createEvmExecutor();
  after(() => executor.close());

  /** A block of three: a transfer, the attack, a transfer. */
  async function run(code: Uint8Array): Promise<ExecutionResult> {
    const state = createChainState();
    state.fund(sender.address, ETHER);
    state.fund(bystander.address, ETHER);
    state.setCode(HOSTILE, code);
    const fees = { maxFeePerGas: 7, maxPriorityFeePerGas: 0, chainId: 1, type: 2 } as const;
    const to = new Uint8Array(20).fill(0x77);
    const transfer = (nonce: number) =>
      signer.sign({ ...fees, nonce, to, value: 5, gasLimit: 21_000 }, bystander);
    const attack = signer.sign({ ...fees, nonce: 0, to: HOSTILE, gasLimit: GAS }, sender);
    const senders = new Uint8Array(60);
    senders.set(bystander.address, 0);
    senders.set(sender.address, 20);
    senders.set(bystander.address, 40);
    const execution = await executor.execute(
      {
        environment,
        transactions: [transfer(0), attack, transfer(1)],
        senders,
        authorities: new Uint8Array(0),
        withdrawals: [],
        ommers: [],
      },
      state.source,
    );
    assert.ok(execution.ok);
    return execution.result;
  }

  for (const [name, { code, succeeds = false }] of Object.entries(attacks)) {
    it(name, async () => {
      const { receipts, stateDiff } = await run(code);
      assert.deepEqual(
        receipts.map((receipt) => receipt.status),
        [true, succeeds, true],
      );
      if (!succeeds) assert.equal(receipts[1].gasUsed, GAS);
      assert.equal(receipts[0].gasUsed, 21_000n);
      assert.equal(receipts[2].gasUsed, 21_000n);
      const paid = stateDiff.get(`0x${"77".repeat(20)}`);
      assert.equal(paid?.account?.balance, 10n);
    });
  }

  it("all of them stay within 1 GiB of memory in use", () => {
    assert.ok(process.memoryUsage().rss < 2 ** 30, `${process.memoryUsage().rss} bytes`);
  });
});
