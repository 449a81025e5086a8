/** Real mainnet blocks, Frontier to BPO 2: header hash, transaction hashes, senders and the round trip through RLP. @module */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { keccak256 } from "../../../src/algorithms/index.ts";
import {
  blockFromJson,
  decodeBlock,
  decodeHeader,
  decodeTransactions,
  encodeBlock,
  encodeHeader,
  fillTransactionHashes,
  forkAt,
  headerHash,
  type JsonBlock,
  MAINNET,
  toHex,
  transactionBytes,
  transactionRules,
  transactionVerdictName,
} from "../../../src/chains/ethereum/index.ts";
import { Batch } from "../../../src/core/index.ts";
import { corpusJson, corpusPath, corpusSkip } from "../../support/corpus.ts";
import { addressOf, hashAndRecover, runReference } from "../../support/hash.ts";

/** The reference recovers some 500 senders a second: the default run does a few of each block. */
const SENDERS_A_BLOCK = process.env.LANEWISE_SLOW ? Number.POSITIVE_INFINITY : 4;

const signedBlocks = (): string[] =>
  readdirSync(corpusPath("mainnet-signed-blocks"))
    .filter((name) => /^\d+$/.test(name))
    .map((name) => `mainnet-signed-blocks/${name}/block.json`);

const executableBlocks = (): string[] =>
  readdirSync(corpusPath("mainnet-executable/ethereumjs"))
    .filter((name) => /^block\d+\.json$/.test(name))
    .map((name) => `mainnet-executable/ethereumjs/${name}`);

/** Everything the JSON claims about the block, recomputed. */
function checkBlock(parsed: JsonBlock, file: string): number {
  const { block, claims, hash } = parsed;
  assert.deepEqual(parsed.inconsistencies, [], file);
  assert.equal(toHex(headerHash(block.header)), toHex(hash!), file);
  assert.deepEqual(decodeHeader(encodeHeader(block.header)), block.header, file);
  if (block.ommers) assert.deepEqual(decodeBlock(encodeBlock(block)), block, file);

  const rules = transactionRules(forkAt(MAINNET, block.header), 1n);
  const list = decodeTransactions(block.transactions, rules);
  for (let i = 0; i < list.count; i++) {
    assert.equal(list.verdicts[i], 0, `${file} ${i}: ${transactionVerdictName(list.verdicts[i])}`);
  }
  const hashes = new Batch(keccak256, list.count, transactionBytes(list));
  assert.equal(fillTransactionHashes(list, hashes), list.count);
  runReference(hashes);
  for (let i = 0; i < list.count; i++) {
    assert.equal(toHex(hashes.result(i)), toHex(claims[i].hash!), `${file} ${i}`);
  }
  const some = decodeTransactions(block.transactions.slice(0, SENDERS_A_BLOCK), rules);
  const { senders } = hashAndRecover(some);
  for (let i = 0; i < some.count; i++) {
    assert.equal(toHex(addressOf(senders, i)), toHex(claims[i].from!), `${file} ${i}`);
  }
  return list.count;
}

test("mainnet-signed-blocks", { skip: corpusSkip }, () => {
  let transactions = 0;
  for (const file of signedBlocks()) {
    transactions += checkBlock(blockFromJson(corpusJson(file)), file);
  }
  assert.ok(transactions > 10_000, `${transactions} transactions`);
});

test("mainnet-executable blocks", { skip: corpusSkip }, () => {
  const files = executableBlocks();
  assert.ok(files.length >= 6);
  for (const file of files) checkBlock(blockFromJson(corpusJson(file)), file);
});
