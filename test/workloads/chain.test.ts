/** The generated chain: equal seeds give equal bytes, foreign code agrees with its headers, and every header field is checked. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { createBlockFromRLP } from "@ethereumjs/block";
import { createTxFromRLP } from "@ethereumjs/tx";
import {
  type Block,
  type BlockHeader,
  encodeBlock,
  headerHash,
} from "../../src/chains/ethereum/index.ts";
import { createCommon } from "../../src/executor/oracle/common.ts";
import { readGenesis } from "../../src/node/genesis.ts";
import type { BlockInput } from "../../src/pipeline/input.ts";
import type { BlockReport } from "../../src/pipeline/report.ts";
import { validateSequentially } from "../../src/pipeline/sequential.ts";
import type { MemoryStateData } from "../../src/state/memory.ts";
import { type GeneratedBlock, generateChain } from "../../src/workloads/chain.ts";
import { createChainState } from "../../src/workloads/chain-state.ts";

const options = { seed: "test", blocks: 3, transactionsPerBlock: 60 };
const common = createCommon("prague", 1337n, {} as never);

let chain: Awaited<ReturnType<typeof generateChain>>;
const blocks: GeneratedBlock[] = [];
before(async () => {
  chain = await generateChain(options);
  for await (const block of chain.blocks()) blocks.push(block);
});

test("equal options give equal bytes, another seed others", async () => {
  const again = await generateChain(options);
  assert.deepEqual(again.genesis, chain.genesis);
  let index = 0;
  for await (const { hash } of again.blocks()) {
    assert.deepEqual(hash, blocks[index++].hash);
    if (index === 2) break;
  }
  const other = await generateChain({ ...options, seed: "other" });
  assert.notDeepEqual(headerHash(other.genesisHeader), headerHash(chain.genesisHeader));
});

test("@ethereumjs/block: same hash, valid tries; @ethereumjs/tx: every sender", async () => {
  let parentHash = headerHash(chain.genesisHeader);
  for (const { block, hash, senders } of blocks) {
    const foreign = createBlockFromRLP(encodeBlock(block), { common });
    assert.deepEqual(foreign.hash(), Uint8Array.from(hash));
    assert.deepEqual(foreign.header.parentHash, Uint8Array.from(parentHash));
    assert.ok(await foreign.transactionsTrieIsValid());
    assert.ok(await foreign.withdrawalsTrieIsValid());
    for (const [index, raw] of block.transactions.entries()) {
      const sender = Uint8Array.from(senders.subarray(20 * index, 20 * index + 20));
      assert.deepEqual(createTxFromRLP(raw, { common }).getSenderAddress().bytes, sender);
    }
    parentHash = hash;
  }
});

test("all types, deployments, blobs, delegations, reverts and withdrawals are there", () => {
  assert.deepEqual(
    blocks.map(({ block }) => block.transactions.length),
    [30, 60, 60, 60],
  );
  const receipts = blocks.flatMap(({ result }) => result.receipts);
  assert.deepEqual([...new Set(receipts.map(({ type }) => type))].sort(), [0, 1, 2, 3, 4]);
  assert.ok(blocks[0].result.receipts.every(({ status }) => status));
  const failed = receipts.filter(({ status }) => !status).length;
  assert.ok(failed > 0 && failed < receipts.length / 10, `${failed} failed`);
  assert.ok(blocks.some(({ block }) => (block.header.blobGasUsed ?? 0n) > 0n));
  assert.ok(blocks.every(({ block }) => block.withdrawals?.length === 2));
  const state = createChainState(chain.state);
  for (const { result } of blocks) state.apply(result.stateDiff);
  const codes = [...state.snapshot().code.values()];
  assert.ok(codes.some((code) => code.length === 23 && code[0] === 0xef && code[1] === 1));
});

/** Validates blocks after a state, on the chain that `genesis.json` describes. */
async function validate(state: MemoryStateData, made: readonly Block[]): Promise<BlockReport[]> {
  const inputs = made.map(
    (block, index): BlockInput => ({
      label: `block ${block.header.number}`,
      content: { kind: "block-rlp", bytes: encodeBlock(block) },
      chain: readGenesis(chain.genesis, "genesis.json").chain,
      ...(index === 0 ? { state } : { follows: true }),
    }),
  );
  const reports: BlockReport[] = [];
  for await (const report of validateSequentially(inputs)) reports.push(report);
  return reports;
}

test("the sequential pipeline executes every block and finds nothing wrong", async () => {
  const { state } = readGenesis(JSON.parse(JSON.stringify(chain.genesis)), "genesis.json");
  const reports = await validate(
    state,
    blocks.map(({ block }) => block),
  );
  for (const report of reports) {
    assert.deepEqual(report.failures, []);
    assert.equal(report.depth, "executed");
    assert.equal(report.note, "");
  }
  assert.equal(reports.length, 4);
});

/** The last two blocks of a chain with few transactions, and the state before them. */
async function shortChain(): Promise<{ state: MemoryStateData; made: [Block, Block] }> {
  const short = await generateChain({ seed: "short", blocks: 2, transactionsPerBlock: 5 });
  const state = createChainState(short.state);
  const made: Block[] = [];
  for await (const { block, hash, result } of short.blocks()) {
    state.setBlockHash(block.header.number, hash);
    if (made.length === 0) state.apply(result.stateDiff);
    made.push(block);
  }
  return { state: state.snapshot(), made: [made[1], made[2]] };
}

/** The header with one bit of one field flipped. */
function tamper(header: BlockHeader, field: keyof BlockHeader): BlockHeader {
  const value = header[field];
  if (typeof value === "bigint") return { ...header, [field]: value ^ 1n };
  const changed = Uint8Array.from(value as Uint8Array);
  changed[changed.length - 1] ^= 1;
  return { ...header, [field]: changed };
}

/**
 * Fields that the proposer chooses, and one that follows from a parent not given here: a change shows in the block's hash, hence
 * in the next block's parent hash.
 */
const CHOSEN: readonly (keyof BlockHeader)[] = [
  ...(["extraData", "timestamp", "mixHash", "gasLimit", "excessBlobGas"] as const),
];

test("one bit flipped in any header field is found, there or in the next block's parent hash", async () => {
  const { state, made } = await shortChain();
  const [first, second] = made;
  for (const field of Object.keys(first.header) as (keyof BlockHeader)[]) {
    const header = tamper(first.header, field);
    const reports = await validate(state, [{ ...first, header }, second]);
    if (CHOSEN.includes(field)) assert.equal(reports[1].failures[0]?.field, "parentHash", field);
    else assert.equal(reports[0].ok, false, `${field} is found in its own block`);
  }
});

test("a transaction replaced, dropped or moved is found in its own block", async () => {
  const { state, made } = await shortChain();
  const [first, second] = made;
  const { transactions } = first;
  const variants = [
    transactions.slice(1),
    [transactions[1], transactions[0], ...transactions.slice(2)],
    [...transactions.slice(0, -1), second.transactions[0]],
  ];
  for (const changed of variants) {
    const [report] = await validate(state, [{ ...first, transactions: changed }]);
    assert.equal(report.ok, false);
  }
});
