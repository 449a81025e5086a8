/** Block RLP against @ethereumjs/block, and mutated: refused with `ERR_INPUT`, or read so that it encodes to the same bytes. @module */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createBlockFromRLP } from "@ethereumjs/block";
import { Common, Mainnet } from "@ethereumjs/common";
import { RLP } from "@ethereumjs/rlp";
import {
  type Block,
  blockFromJson,
  checkBody,
  checkHeader,
  decodeBlock,
  decodeTransactions,
  encodeBlock,
  encodeHeader,
  headerHash,
  toHex,
  transactionRules,
} from "../../../src/chains/ethereum/index.ts";
import { LanewiseError } from "../../../src/core/index.ts";
import { corpusJson, corpusSkip } from "../../support/corpus.ts";
import { seededRandom } from "../../support/random.ts";
import { envelope, type Item, KEYS, randomFields, signFields } from "../../support/sign.ts";

const MUTATIONS = process.env.LANEWISE_SLOW ? 100_000 : 10_000;

function smallBlock(): Block {
  const { block } = blockFromJson(corpusJson("mainnet-executable/ethereumjs/block24476005.json"));
  const random = seededRandom(9);
  const transactions = Array.from({ length: 10 }, (_, i) =>
    envelope(i % 5, signFields(i % 5, randomFields(random, i % 5), KEYS[0])),
  );
  return { ...block, transactions };
}

test("@ethereumjs/block reads our bytes as the same block", { skip: corpusSkip }, () => {
  const { block } = blockFromJson(corpusJson("mainnet-executable/ethereumjs/block24476005.json"));
  const bytes = encodeBlock(block);
  const common = new Common({ chain: Mainnet, hardfork: "bpo2" });
  const theirs = createBlockFromRLP(bytes, { common });
  assert.equal(toHex(theirs.hash()), toHex(headerHash(block.header)));
  assert.equal(theirs.transactions.length, block.transactions.length);
  assert.deepEqual(theirs.serialize(), bytes);
  assert.deepEqual(decodeBlock(bytes), block);
  for (const [i, transaction] of theirs.transactions.entries()) {
    assert.deepEqual(transaction.serialize(), block.transactions[i]);
  }
});

test("a block with ommers, and none of the later lists", { skip: corpusSkip }, () => {
  const { block } = blockFromJson(corpusJson("mainnet-signed-blocks/116525/block.json"));
  const withOmmers = { ...block, ommers: [block.header, { ...block.header, number: 5n }] };
  assert.deepEqual(decodeBlock(encodeBlock(withOmmers)), withOmmers);
  const rules = transactionRules("frontier", 1n);
  const list = decodeTransactions(block.transactions, rules);
  const faults = checkBody(withOmmers, list, rules);
  assert.deepEqual(
    faults.map(({ field }) => field),
    ["ommersHash"],
  );
  assert.throws(() => encodeBlock({ ...block, ommers: undefined }), RangeError);
});

test("malformed blocks are refused, naming the part", { skip: corpusSkip }, () => {
  const block = smallBlock();
  const header = RLP.decode(encodeHeader(block.header)) as Item[];
  const legacy = block.transactions[0];
  const typed = block.transactions[2];
  const message = (items: Item[] | Item): string => {
    try {
      decodeBlock(RLP.encode(items));
    } catch (error) {
      assert.ok(error instanceof LanewiseError && error.code === "ERR_INPUT", String(error));
      return error.message;
    }
    return "accepted";
  };
  const legacyItems = RLP.decode(legacy) as Item[];
  const withdrawal: Item[] = [
    Uint8Array.of(1),
    Uint8Array.of(2),
    new Uint8Array(20),
    Uint8Array.of(3),
  ];
  const cases: [Item[] | Item, RegExp][] = [
    [[header, [legacyItems, typed], [], [withdrawal]], /^accepted$/],
    [[header, [], []], /^accepted$/],
    [new Uint8Array(3), /^block: expected an RLP list, got a byte string/],
    [[], /^block\.header: expected an RLP list, got RlpTruncated/],
    [[header], /^block\.transactions/],
    [[header, []], /^block\.ommers/],
    [[header, [], [], [], []], /^block: expected 3 or 4 items/],
    [[new Uint8Array(2), [], []], /^block\.header/],
    [[header.slice(0, 14), [], []], /^block\.header: expected 15, 16, 17, 20, 21 fields, got 14/],
    [[header.slice(0, 18), [], []], /^block\.header: .* got 18/],
    [[[...header.slice(0, 20), []], [], []], /^block\.header\.requestsHash: .* got a list/],
    [
      [[header[0].slice(1), ...header.slice(1)] as Item[], [], []],
      /^block\.header\.parentHash: expected 32 bytes/,
    ],
    [
      [header.with(8, Uint8Array.of(0, 1)), [], []],
      /^block\.header\.number: expected no leading zero/,
    ],
    [
      [header.with(8, new Uint8Array(9).fill(1)), [], []],
      /^block\.header\.number: expected at most 8 bytes/,
    ],
    [[header, [legacy], []], /^block\.transactions\[0\]: .* typed envelope/],
    [[header, [typed, new Uint8Array(0)], []], /^block\.transactions\[1\]/],
    [[header, [Uint8Array.of(0x85, 1)], []], /^block\.transactions\[0\]/],
    [[header, [], [new Uint8Array(1)]], /^block\.ommers\[0\]/],
    [[header, [], [header.slice(0, 3)]], /^block\.ommers\[0\]: expected 15/],
    [[header, [], [], new Uint8Array(0)], /^block\.withdrawals/],
    [[header, [], [], [new Uint8Array(0)]], /^block\.withdrawals\[0\]/],
    [[header, [], [], [withdrawal.slice(1)]], /^block\.withdrawals\[0\]/],
    [
      [header, [], [], [withdrawal.with(2, new Uint8Array(19))]],
      /^block\.withdrawals\[0\]\.address/,
    ],
    [[header, [], [], [withdrawal.with(0, [])]], /^block\.withdrawals\[0\]\[0\]/],
    [[header, [], [], [withdrawal.with(3, Uint8Array.of(0))]], /^block\.withdrawals\[0\]\.amount/],
  ];
  for (const [items, expected] of cases) assert.match(message(items), expected);
});

test(`${MUTATIONS} mutated blocks: refused as malformed, or the same bytes again`, {
  skip: corpusSkip,
}, () => {
  const random = seededRandom(1559);
  const bytes = encodeBlock(smallBlock());
  const { header } = smallBlock();
  const rules = transactionRules("bpo2", 1n);
  const counts = { refused: 0, read: 0 };
  for (let round = 0; round < MUTATIONS; round++) {
    let mutated = Uint8Array.from(bytes);
    const at = random.below(mutated.length);
    if (round % 3 === 0) mutated[at] ^= 1 << random.below(8);
    else if (round % 3 === 1) mutated[at] = random.below(256);
    else mutated = mutated.subarray(0, at);
    let block: Block;
    try {
      block = decodeBlock(mutated);
    } catch (error) {
      assert.ok(error instanceof LanewiseError && error.code === "ERR_INPUT", String(error));
      counts.refused++;
      continue;
    }
    counts.read++;
    assert.deepEqual(encodeBlock(block), mutated);
    // Nothing that was read may make a later stage throw.
    const list = decodeTransactions(block.transactions, rules);
    checkHeader(block.header, rules, header);
    checkHeader(header, rules, block.header);
    checkBody(block, list, rules);
  }
  assert.ok(counts.refused > MUTATIONS / 3 && counts.read > MUTATIONS / 10, JSON.stringify(counts));
});
