/** The RPC state source against a node made of a state commitment, honest and lying. @module */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import type { BlockHeader } from "../../src/chains/ethereum/header.ts";
import { openRpcState } from "../../src/node/rpc-state-source.ts";
import { createStateCommitment } from "../../src/state/commitment.ts";
import { EMPTY_CODE_HASH } from "../../src/state/memory.ts";
import { diffOfModel, modelOfJson } from "../state/model.ts";
import { bytesOf, hexOf } from "../state/random.ts";

const ALLOC = {
  "0x1000000000000000000000000000000000000001": {
    nonce: "0x7",
    balance: "0x123456789abcdef0123456789",
    code: "0x60016002",
    storage: { "0x0": "0x1", "0x5": "0xffffffffffffffffffffffffffffffffffffffffff" },
  },
  "0x1000000000000000000000000000000000000002": {
    nonce: "0x0",
    balance: "0x0",
    code: "0x",
    storage: {},
  },
  "0x1000000000000000000000000000000000000003": {
    nonce: "0x1",
    balance: "0x64",
    code: "0x",
    storage: {},
  },
};
const model = modelOfJson(ALLOC);
const stateRoot = createStateCommitment().apply(diffOfModel(model));
const [CONTRACT, EMPTY, PLAIN] = Object.keys(ALLOC).map(bytesOf);
const ABSENT = bytesOf("0x2000000000000000000000000000000000000000");
const word = (value: bigint) => bytesOf(`0x${value.toString(16).padStart(64, "0")}`);

/** Starts the node in a worker, since reads block this thread. */
async function startNode(lie?: string): Promise<{ url: string; stop: () => Promise<unknown> }> {
  const worker = new Worker(new URL("./state-node.js", import.meta.url), {
    workerData: { alloc: ALLOC, lie },
  });
  const url = await new Promise<string>((resolve, reject) => {
    worker.once("message", resolve).once("error", reject);
  });
  return { url, stop: () => worker.terminate() };
}

async function withState(
  lie: string | undefined,
  use: (state: Awaited<ReturnType<typeof openRpcState>>) => void,
  header?: BlockHeader,
): Promise<void> {
  const node = await startNode(lie);
  try {
    const state = await openRpcState(node.url, { timeoutMs: 5_000, ...(header && { header }) });
    try {
      use(state);
    } finally {
      await state.close();
    }
    assert.throws(() => state.account(bytesOf(`0x${"77".repeat(20)}`)), { code: "ERR_CLOSED" });
  } finally {
    await node.stop();
  }
}

test("reads accounts, words, code and ancestors, each once", async () => {
  await withState(undefined, (state) => {
    assert.equal(hexOf(state.header.stateRoot), hexOf(stateRoot));
    const account = state.account(CONTRACT)!;
    assert.equal(account.balance, 0x123456789abcdef0123456789n);
    assert.equal(account.nonce, 7n);
    assert.equal(hexOf(state.code(account.codeHash)), "0x60016002");
    assert.deepEqual(state.code(EMPTY_CODE_HASH), new Uint8Array(0));
    assert.deepEqual(state.storage(CONTRACT, word(0n)), word(1n));
    assert.deepEqual(state.storage(CONTRACT, word(5n)), word((1n << 168n) - 1n));
    assert.deepEqual(state.storage(CONTRACT, word(6n)), word(0n));
    assert.equal(state.account(ABSENT), undefined);
    assert.equal(state.account(EMPTY)?.balance, 0n);
    assert.deepEqual(state.storage(ABSENT, word(1n)), word(0n));
    const { reads } = state;
    state.prefetch([
      { address: CONTRACT, slots: [word(0n), word(5n), word(6n)] },
      { address: ABSENT },
    ]);
    assert.equal(state.reads, reads, "nothing is asked for twice");
    state.prefetch([
      { address: PLAIN, slots: [word(1n)] },
      { address: CONTRACT, slots: [word(9n)] },
    ]);
    assert.ok(state.reads > reads);
    assert.equal(state.account(PLAIN)?.balance, 100n);
    for (const number of [299n, 290n, 45n, 290n, 300n]) {
      assert.equal(state.blockHash(number).length, 32);
    }
    assert.equal(hexOf(state.blockHash(299n)), hexOf(state.header.parentHash));
    assert.throws(() => state.blockHash(44n), { code: "ERR_STATE_MISSING" });
    assert.throws(() => state.blockHash(301n), { code: "ERR_STATE_MISSING" });
    assert.throws(() => state.code(word(3n)), { code: "ERR_STATE_MISSING" });
  });
});

test("every lie of a node is caught", async () => {
  const read = {
    balance: (state) => state.account(CONTRACT),
    absent: (state) => state.account(CONTRACT),
    word: (state) => state.storage(CONTRACT, word(5n)),
    "wrong address": (state) => state.account(CONTRACT),
    "no slots": (state) => state.storage(CONTRACT, word(5n)),
    code: (state) => state.code(state.account(CONTRACT)!.codeHash),
    ancestor: (state) => state.blockHash(280n),
    error: (state) => state.account(CONTRACT),
  } satisfies Record<string, (state: Awaited<ReturnType<typeof openRpcState>>) => unknown>;
  for (const [lie, use] of Object.entries(read)) {
    await withState(lie, (state) => {
      assert.throws(() => use(state), { code: "ERR_SOURCE" }, lie);
      assert.equal(state.account(PLAIN)?.balance, 100n, `${lie}: later reads are answered`);
    });
  }
});

test("a header that is trusted is what counts", async () => {
  let header: BlockHeader | undefined;
  await withState(undefined, (state) => {
    header = state.header;
  });
  await withState(undefined, (state) => assert.equal(state.account(PLAIN)?.balance, 100n), header);
  await withState(
    undefined,
    (state) => assert.throws(() => state.account(PLAIN), { code: "ERR_SOURCE" }),
    { ...header!, stateRoot: new Uint8Array(32).fill(1) },
  );
});

test("a node that does not have the block", async () => {
  const node = await startNode();
  try {
    await assert.rejects(openRpcState(node.url, { number: 4_000n }), { code: "ERR_SOURCE" });
    await assert.rejects(openRpcState("ftp://node"), TypeError);
  } finally {
    await node.stop();
  }
  await assert.rejects(openRpcState(node.url, { timeoutMs: 2_000 }), { code: "ERR_SOURCE" });
});
