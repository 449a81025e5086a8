/** JSON-RPC objects: strictness with the path of the fault, contradictions, and the way back to bytes. @module */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Common, Mainnet } from "@ethereumjs/common";
import { createTxFromRLP } from "@ethereumjs/tx";
import type { KZG } from "@ethereumjs/util";
import {
  blockFromJson,
  encodeTransactionJson,
  fromHex,
  headerHash,
  type JsonInconsistency,
  toHex,
} from "../../../src/chains/ethereum/index.ts";
import { LanewiseError } from "../../../src/core/index.ts";
import { corpusJson, corpusSkip } from "../../support/corpus.ts";
import { seededRandom } from "../../support/random.ts";
import { envelope, KEYS, randomFields, signFields } from "../../support/sign.ts";

type Json = Record<string, unknown>;

/** Transactions of every type as @ethereumjs/tx writes them for JSON-RPC. */
function jsonTransactions(): { json: Json; raw: Uint8Array }[] {
  const random = seededRandom(77);
  const customCrypto = { kzg: {} as KZG };
  const common = new Common({ chain: Mainnet, hardfork: "prague", customCrypto });
  return Array.from({ length: 60 }, (_, i) => {
    const type = i % 5;
    const fields = signFields(type, randomFields(random, type), KEYS[i % 4], i % 2 === 0);
    const raw = envelope(type, fields);
    const { data, gasLimit, ...rest } = createTxFromRLP(raw, { common }).toJSON() as Json;
    const json: Json = { ...rest, type: `0x${type}`, input: data, gas: gasLimit };
    if (type === 4) json.authorizationList = (json.authorizationList as Json[]).map(strict);
    return { json, raw };
  });
}

/** The library writes an authorisation's integers as padded bytes; JSON-RPC has quantities. */
function strict(authorization: Json): Json {
  const entries = Object.entries(authorization as Record<string, string>);
  const quantity = (hex: string): string => `0x${BigInt(hex === "0x" ? 0 : hex).toString(16)}`;
  return Object.fromEntries(
    entries.map(([name, value]) => [name, name === "address" ? value : quantity(value)]),
  );
}

function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof LanewiseError && error.code === "ERR_INPUT", String(error));
    return error.message;
  }
  return assert.fail("expected ERR_INPUT");
}

test("transactions of every type come back to their own bytes", () => {
  for (const { json, raw } of jsonTransactions()) {
    const inconsistencies: JsonInconsistency[] = [];
    assert.equal(toHex(encodeTransactionJson(json, "tx", inconsistencies)), toHex(raw));
    assert.deepEqual(inconsistencies, []);
  }
});

test("values that are not strict hex are refused with their path", () => {
  const transactions = jsonTransactions();
  const [legacy, , , blob, setCode] = transactions.slice(0, 5).map(({ json }) => json);
  const withList = transactions.find(
    ({ json }) => (json.accessList as Json[] | undefined)?.[0] !== undefined,
  )!.json;
  const cases: [Json, Json, RegExp][] = [
    [legacy, { nonce: "0x00" }, /^tx\.nonce: expected a quantity/],
    [legacy, { nonce: "0x" }, /^tx\.nonce/],
    [legacy, { nonce: "12" }, /^tx\.nonce/],
    [legacy, { nonce: 12 }, /^tx\.nonce: .* got 12$/],
    [legacy, { nonce: 12n }, /^tx\.nonce: .* got 12$/],
    [legacy, { nonce: undefined }, /^tx\.nonce: .* got nothing$/],
    [legacy, { nonce: null }, /^tx\.nonce: .* got null$/],
    [legacy, { value: `0x1${"0".repeat(64)}` }, /^tx\.value/],
    [legacy, { value: "-0x1" }, /^tx\.value/],
    [legacy, { r: "0xzz" }, /^tx\.r/],
    [legacy, { input: "0x123" }, /^tx\.input: expected data/],
    [legacy, { input: "0x1g" }, /^tx\.input/],
    [legacy, { input: "0x\u0130\u0130" }, /^tx\.input/],
    [legacy, { input: "1234" }, /^tx\.input/],
    [legacy, { to: "0x1234" }, /^tx\.to: expected 20 bytes/],
    [legacy, { to: 5 }, /^tx\.to/],
    [legacy, { type: "0x5" }, /^tx\.type/],
    [legacy, { type: "0x7f" }, /^tx\.type/],
    [withList, { accessList: {} }, /^tx\.accessList: expected an array, got an object/],
    [withList, { accessList: [5] }, /^tx\.accessList\[0\]: expected an object/],
    [withList, { accessList: [{ address: "0x" }] }, /^tx\.accessList\[0\]\.storageKeys/],
    [
      withList,
      { accessList: [{ address: `0x${"11".repeat(20)}`, storageKeys: ["0x01"] }] },
      /^tx\.accessList\[0\]\.storageKeys\[0\]: expected 32 bytes/,
    ],
    [blob, { blobVersionedHashes: undefined }, /^tx\.blobVersionedHashes/],
    [blob, { blobVersionedHashes: ["0x01"] }, /^tx\.blobVersionedHashes\[0\]/],
    [setCode, { authorizationList: [{}] }, /^tx\.authorizationList\[0\]\.chainId/],
  ];
  for (const [json, change, message] of cases) {
    const got = refusal(() => encodeTransactionJson({ ...json, ...change }, "tx"));
    assert.match(got, message);
  }
  assert.match(
    refusal(() => encodeTransactionJson(null, "tx")),
    /^tx: expected an object, got null/,
  );
  assert.match(
    refusal(() => encodeTransactionJson([], "tx")),
    /^tx: .* got an array/,
  );
});

test("hex text", () => {
  assert.deepEqual(fromHex("0xAbCdeF"), Uint8Array.of(0xab, 0xcd, 0xef));
  assert.deepEqual(fromHex("0x"), new Uint8Array(0));
  for (const text of ["", "0", "x0", "0x0", "0xg0", "0x0g", "00", "0X00", "0x0\u0660"]) {
    assert.equal(fromHex(text), undefined, text);
  }
  assert.equal(toHex(Uint8Array.of(0, 1, 0xff)), "0x0001ff");
});

test("a block that contradicts itself says where", { skip: corpusSkip }, () => {
  const load = (): Json & { transactions: Json[] } =>
    corpusJson("mainnet-executable/ethereumjs/block24476005.json") as never;
  const paths = (change: (block: ReturnType<typeof load>) => void): string[] => {
    const block = load();
    change(block);
    return blockFromJson(block).inconsistencies.map(({ path }) => path);
  };
  assert.deepEqual(
    paths(() => {}),
    [],
  );
  assert.deepEqual(
    paths((block) => {
      block.transactions[1].transactionIndex = "0x0";
      block.transactions[2].blockNumber = "0x1";
      block.transactions[3].gasPrice = "0x1";
      block.transactions[4].blockHash = `0x${"00".repeat(32)}`;
      block.transactions[5].v = "0x5";
    }),
    [
      "block.transactions[1].transactionIndex",
      "block.transactions[2].blockNumber",
      "block.transactions[3].gasPrice",
      "block.transactions[4].blockHash",
      "block.transactions[5].v",
    ],
  );
  assert.deepEqual(
    paths((block) => {
      block.uncles = [`0x${"00".repeat(32)}`];
    }),
    ["block.uncles"],
  );
  const legacy = load().transactions.findIndex(({ type }) => type === "0x0");
  assert.deepEqual(
    paths((block) => {
      block.transactions[legacy].chainId = "0x5";
    }),
    [`block.transactions[${legacy}].chainId`],
  );
});

test("a block that is malformed is refused with the path", { skip: corpusSkip }, () => {
  const load = (): Json & { transactions: unknown[]; withdrawals: Json[] } =>
    corpusJson("mainnet-executable/ethereumjs/block24476005.json") as never;
  const message = (change: (block: ReturnType<typeof load>) => void): string => {
    const block = load();
    change(block);
    return refusal(() => blockFromJson(block));
  };
  assert.match(
    message((block) => {
      block.transactions[7] = `0x${"00".repeat(32)}`;
    }),
    /^block\.transactions\[7\]: expected a full transaction object, got a hash/,
  );
  assert.match(
    message((block) => {
      (block.transactions[3] as Json).nonce = "0x01";
    }),
    /^block\.transactions\[3\]\.nonce/,
  );
  assert.match(
    message((block) => {
      block.baseFeePerGas = undefined;
    }),
    /^block\.baseFeePerGas: expected a value, since there is withdrawalsRoot/,
  );
  assert.match(
    message((block) => {
      block.stateRoot = "0x00";
    }),
    /^block\.stateRoot: expected 32 bytes/,
  );
  assert.match(
    message((block) => {
      block.gasUsed = `0x1${"0".repeat(16)}`;
    }),
    /^block\.gasUsed: expected at most 64 bits/,
  );
  assert.match(
    message((block) => {
      block.withdrawals[0].address = "0x";
    }),
    /^block\.withdrawals\[0\]\.address/,
  );
  assert.match(
    message((block) => {
      block.withdrawals[1].amount = `0x1${"0".repeat(16)}`;
    }),
    /^block\.withdrawals\[1\]\.amount: expected at most 64 bits/,
  );
  assert.match(
    message((block) => {
      block.transactions = undefined as never;
    }),
    /^block\.transactions: expected an array, got nothing/,
  );
});

const flipped = (bytes: Uint8Array): Uint8Array =>
  Uint8Array.from(bytes, (byte, i) => (i === 0 ? byte ^ 1 : byte));

test("every field of a header counts", { skip: corpusSkip }, () => {
  const json = corpusJson("mainnet-executable/ethereumjs/block24476005.json") as Json;
  const { block, hash } = blockFromJson(json);
  assert.equal(toHex(headerHash(block.header)), toHex(hash!));
  for (const [name, value] of Object.entries<bigint | Uint8Array>({ ...block.header })) {
    const changed = typeof value === "bigint" ? value ^ 1n : flipped(value);
    const header = { ...block.header, [name]: changed };
    assert.notEqual(toHex(headerHash(header)), toHex(hash!), name);
  }
});
