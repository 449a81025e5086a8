/**
 * A complete state is authenticated by the state root: one flipped bit anywhere in it, read by the block or not, is noticed.
 *
 * @module
 */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { keccakOf, toHex } from "../../src/chains/ethereum/index.ts";
import type { BlockInput } from "../../src/pipeline/input.ts";
import { createPipeline, type Pipeline } from "../../src/pipeline/pipeline.ts";
import type { BlockReport } from "../../src/pipeline/report.ts";
import type { MemoryAccount, MemoryStateData } from "../../src/state/memory.ts";
import { createChooser } from "../support/flip.ts";
import { generatedChain } from "../support/pipeline-inputs.ts";

const TIMES = process.env.LANEWISE_SLOW === "1" ? 200 : 6;

describe("flipped bits in a complete state", () => {
  let pipeline: Pipeline;
  let first: BlockInput;
  let state: MemoryStateData;
  before(async () => {
    pipeline = await createPipeline();
    [first] = await generatedChain(1, 4);
    if (first.state === undefined) throw new Error("expected a state");
    state = first.state;
  });
  after(() => pipeline.close());

  async function validate(changed: MemoryStateData): Promise<BlockReport> {
    for await (const report of pipeline.run([{ ...first, state: changed }])) return report;
    throw new Error("expected a report");
  }

  /** The state with one account changed. */
  function withAccount(address: string, change: Partial<MemoryAccount>): MemoryStateData {
    const account = state.accounts.get(address);
    if (account === undefined) throw new Error("expected an account");
    return { ...state, accounts: new Map(state.accounts).set(address, { ...account, ...change }) };
  }

  function assertRejected(report: BlockReport, what: string): void {
    assert.equal(report.ok, false, what);
    const [{ field, transaction, expected, got }] = report.failures;
    assert.ok(field !== undefined || transaction !== undefined, what);
    assert.notEqual(expected, got, what);
  }

  it("the state as it is is valid", async () => {
    const report = await validate(state);
    assert.deepEqual([report.ok, report.depth, report.note], [true, "executed", ""]);
  });

  it("nonces and balances", async () => {
    const addresses = [...state.accounts.keys()];
    const choose = createChooser(3);
    for (let i = 0; i < TIMES; i++) {
      const address = addresses[choose(addresses.length)];
      const { nonce, balance } = state.accounts.get(address) as MemoryAccount;
      const bit = 1n << BigInt(choose(60));
      const change = i % 2 === 0 ? { nonce: nonce ^ bit } : { balance: balance ^ bit };
      assertRejected(
        await validate(withAccount(address, change)),
        `${Object.keys(change)} ${address}`,
      );
    }
  });

  it("code", async () => {
    const contracts = [...state.accounts].filter(([, account]) =>
      state.code.has(toHex(account?.codeHash ?? new Uint8Array(0))),
    );
    assert.ok(contracts.length > 0);
    const choose = createChooser(4);
    for (let i = 0; i < TIMES; i++) {
      const [address, account] = contracts[choose(contracts.length)];
      const code = Uint8Array.from(state.code.get(toHex(account?.codeHash as Uint8Array)) ?? []);
      code[choose(code.length)] ^= 1 << choose(8);
      const codeHash = keccakOf(code);
      const changed = withAccount(address, { codeHash });
      const report = await validate({
        ...changed,
        code: new Map(state.code).set(toHex(codeHash), code),
      });
      assertRejected(report, `code of ${address}`);
    }
  });

  it("storage", async () => {
    const choose = createChooser(5);
    const addresses = [...state.accounts.keys()];
    for (let i = 0; i < TIMES; i++) {
      const address = addresses[choose(addresses.length)];
      const word = new Uint8Array(32);
      word[choose(32)] = 1 << choose(8);
      const before = state.accounts.get(address)?.storage ?? new Map<string, Uint8Array>();
      const slot = `0x${choose(2 ** 16)
        .toString(16)
        .padStart(64, "0")}`;
      const old = before.get(slot) ?? new Uint8Array(32);
      const flipped = word.map((byte, at) => byte ^ old[at]);
      const storage = new Map(before).set(slot, flipped);
      assertRejected(await validate(withAccount(address, { storage })), `storage of ${address}`);
    }
  });
});
