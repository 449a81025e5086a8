/** A whole mainnet block with its pre-state: executes, and every change to it is noticed. @module */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { BlockInput } from "../../src/pipeline/input.ts";
import { createPipeline, type Pipeline } from "../../src/pipeline/pipeline.ts";
import type { BlockReport } from "../../src/pipeline/report.ts";
import { type MemoryStateData, readMemoryState } from "../../src/state/memory.ts";
import { corpusJson, corpusSkip } from "../support/corpus.ts";
import { createChooser, flipHex, hexLeaves, valueAt } from "../support/flip.ts";

const slow = process.env.LANEWISE_SLOW === "1";

interface StateJson {
  readonly accounts: Readonly<Record<string, { nonce: string } | null>>;
  readonly code: Readonly<Record<string, string>>;
  readonly storage: Readonly<Record<string, Record<string, string>>>;
}

describe("mainnet block 24476005", { skip: corpusSkip }, () => {
  let pipeline: Pipeline;
  let block: Record<string, unknown> & { transactions: Record<string, string>[] };
  let state: StateJson;

  before(async () => {
    const folder = ["mainnet-executable", "ethereumjs"];
    block = corpusJson(...folder, "block24476005.json") as typeof block;
    state = corpusJson(...folder, "block24476005State.json") as StateJson;
    pipeline = await createPipeline();
  });
  after(() => pipeline.close());

  async function validate(json: unknown, pre?: MemoryStateData): Promise<BlockReport> {
    const input: BlockInput = {
      label: "24476005",
      content: { kind: "block-json", json },
      ...(pre === undefined ? {} : { state: pre }),
    };
    const reports: BlockReport[] = [];
    for await (const report of pipeline.run([input])) reports.push(report);
    assert.equal(reports.length, 1);
    return reports[0];
  }

  it("executes: gas, receipts root, bloom and requests agree", async () => {
    const report = await validate(block, readMemoryState(state));
    assert.deepEqual(report.failures, []);
    assert.equal(report.depth, "executed");
    assert.equal(BigInt(block.gasUsed as string), 8_091_915n);
    assert.equal(report.transactions, 109);
  });

  it("says signatures only without the state, and never more", async () => {
    const report = await validate(block);
    assert.ok(report.ok);
    assert.equal(report.depth, "signatures only");
    assert.match(report.note, /no state/);
  });

  it("rejects a recording that lacks what the block reads, and claims signatures only", async () => {
    const senders = new Set(block.transactions.map((transaction) => transaction.from));
    const [sender] = senders;
    const { [sender]: _account, ...accounts } = state.accounts;
    const report = await validate(block, readMemoryState({ ...state, accounts }));
    assert.deepEqual([report.ok, report.depth], [false, "signatures only"]);
    assert.equal(report.failures[0].field, "state");
    assert.match(report.failures[0].got, new RegExp(`account ${sender}: not in the state given`));
    // The same state without the claim to be a recording: nothing contradicts the block.
    const partial = { ...readMemoryState({ ...state, accounts }), recording: false };
    const other = await validate(block, partial);
    assert.deepEqual([other.ok, other.depth], [true, "signatures only"]);
  });

  it("rejects one flipped bit in any header field, transaction field or withdrawal", async () => {
    // What follows from nothing else in the document, so that nobody can tell.
    const unknowable = /^(size|totalDifficulty)$/;
    const leaves = hexLeaves(block).filter((path) => !unknowable.test(String(path.at(-1))));
    const header = leaves.filter(([field]) => field !== "transactions" && field !== "withdrawals");
    const choose = createChooser(24_476_005);
    const pick = (from: (string | number)[][], count: number): (string | number)[][] =>
      Array.from({ length: count }, () => from[choose(from.length)]);
    const body = leaves.filter(([field]) => field === "transactions");
    const withdrawals = leaves.filter(([field]) => field === "withdrawals");
    const paths = [
      ...header,
      ...pick(body, slow ? 600 : 12),
      ...pick(withdrawals, slow ? 60 : 2),
    ].slice(0, slow ? undefined : 40);
    for (const path of paths) {
      const text = valueAt(block, path) as string;
      const flipped = flipHex(block, path, choose(text.length - 2), choose(4));
      const report = await validate(flipped);
      const where = path.join(".");
      assert.equal(report.ok, false, `a flipped bit in ${where} went unnoticed`);
      const [failure] = report.failures;
      assert.ok(failure.rule.length > 0 && failure.expected !== failure.got, where);
      if (path[0] === "transactions") {
        assert.ok(
          report.failures.some(
            ({ transaction, field }) =>
              transaction === path[1] || field?.includes(`transactions[${path[1]}]`),
          ),
          `${where}: ${JSON.stringify(report.failures.slice(0, 3))}`,
        );
      }
    }
  });

  it("rejects one flipped bit in the nonce of any sender, naming a transaction", async () => {
    const senders = [...new Set(block.transactions.map((transaction) => transaction.from))];
    const choose = createChooser(7);
    for (const sender of slow ? senders : senders.slice(0, 3)) {
      const nonce = BigInt(state.accounts[sender]?.nonce ?? "0x0") ^ (1n << BigInt(choose(20)));
      const account = { ...state.accounts[sender], nonce: `0x${nonce.toString(16)}` };
      const changed = { ...state, accounts: { ...state.accounts, [sender]: account } };
      const report = await validate(block, readMemoryState(changed));
      assert.equal(report.ok, false, sender);
      const [failure] = report.failures;
      assert.equal(block.transactions[failure.transaction ?? -1]?.from, sender);
      assert.match(failure.got, /nonce/);
    }
  });

  it("rejects a changed opcode at the entry of a contract that the block calls", async () => {
    const called = block.transactions
      .map((transaction) => transaction.to)
      .filter((to) => (state.code[to] ?? "0x").length > 200);
    for (const address of [...new Set(called)].slice(0, slow ? 40 : 3)) {
      const code = state.code[address];
      // 0x60 (PUSH1) … becomes 0xe0 …: an opcode that does not exist.
      const flipped = `0x${(Number.parseInt(code.slice(2, 4), 16) ^ 0x80).toString(16).padStart(2, "0")}${code.slice(4)}`;
      const changed = { ...state, code: { ...state.code, [address]: flipped } };
      const report = await validate(block, readMemoryState(changed));
      assert.equal(report.ok, false, address);
      assert.ok(
        report.failures.some(({ field }) => field === "gasUsed" || field === "receiptsRoot"),
        JSON.stringify(report.failures),
      );
    }
  });

  it("rejects storage words with their high bits flipped, where the outcome depends on them", async () => {
    // Balances of a token before a transfer: with the word at zero the transfer reverts.
    const words = Object.entries(state.storage)
      .filter(([address]) => state.accounts[address] !== null)
      .flatMap(([address, slots]) => Object.keys(slots).map((slot) => [address, slot] as const));
    const choose = createChooser(11);
    let rejected = 0;
    const tried = slow ? 200 : 4;
    for (let i = 0; i < tried; i++) {
      const [address, slot] = words[choose(words.length)];
      const word = state.storage[address][slot];
      const value = word === "0x" ? 0n : BigInt(word);
      const flipped = value ^ (1n << 255n);
      const storage = {
        ...state.storage,
        [address]: { ...state.storage[address], [slot]: `0x${flipped.toString(16)}` },
      };
      const report = await validate(block, readMemoryState({ ...state, storage }));
      if (!report.ok) {
        rejected++;
        assert.ok(
          report.failures.every(({ field, transaction }) => field ?? transaction !== undefined),
        );
      } else {
        // Neither gas nor receipts show this word: the report must not claim more than it knows.
        assert.match(report.note, /state root not compared/);
      }
    }
    assert.ok(rejected > 0, `none of ${tried} flips changed the outcome`);
  });
});
