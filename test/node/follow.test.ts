/** `lanewise follow` on a real node under load: nothing missed, everything tampered with caught. @module */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { toHex } from "../../src/chains/ethereum/index.ts";
import { type FollowEvent, type FollowOptions, follow } from "../../src/node/follow/follow.ts";
import { runCli } from "../cli/run.ts";
import { type Anvil, signedTransactions, skipWithoutAnvil, startAnvil } from "../support/anvil.ts";
import { startProxy, type WebSocketProxy } from "./web-socket-proxy.ts";

const TRANSACTIONS = 4_200;
const PER_BLOCK = 120;
const main = fileURLToPath(new URL("../../src/cli/main.js", import.meta.url));

type BlockEvent = Extract<FollowEvent, { kind: "block" }>;
type PendingEvent = Extract<FollowEvent, { kind: "pending" }>;

/** Everything that happened until block `to`, and what `during` did meanwhile. */
async function collect(
  url: string,
  options: FollowOptions,
  during: () => Promise<void> = async () => {},
  onEvent: (event: FollowEvent) => void = () => {},
): Promise<{ all: FollowEvent[]; blocks: BlockEvent[]; pending: PendingEvent[] }> {
  const all: FollowEvent[] = [];
  let work: Promise<void> | undefined;
  const settings = { backend: "wasm", signal: AbortSignal.timeout(60_000), ...options } as const;
  for await (const event of follow(url, settings)) {
    all.push(event);
    onEvent(event);
    if (event.kind === "connected") work ??= during();
  }
  await work;
  return {
    all,
    blocks: all.filter((event) => event.kind === "block"),
    pending: all.filter((event) => event.kind === "pending"),
  };
}

const numbers = (blocks: readonly BlockEvent[]): number[] =>
  blocks.map(({ report }) => Number(report.number));

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);

describe("lanewise follow", { skip: skipWithoutAnvil }, () => {
  let anvil: Anvil;
  let proxy: WebSocketProxy;
  let transactions: Generator<Uint8Array>;

  const send = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      const raw = transactions.next().value as Uint8Array;
      await anvil.client.call("eth_sendRawTransaction", [toHex(raw)]);
    }
  };
  const sendAndMine = async (blocks: number, perBlock: number): Promise<void> => {
    for (let i = 0; i < blocks; i++) {
      await send(perBlock);
      await anvil.mine();
    }
  };
  const height = async (): Promise<bigint> =>
    BigInt((await anvil.client.call("eth_blockNumber", [])) as string);

  before(async () => {
    anvil = await startAnvil();
    proxy = await startProxy(anvil.wsUrl);
    transactions = signedTransactions(TRANSACTIONS + 2000);
  });
  after(async () => {
    await proxy?.close();
    await anvil?.stop();
  });

  it(`${TRANSACTIONS} transactions are followed live, none missed`, async () => {
    const blocks = TRANSACTIONS / PER_BLOCK;
    const parameters = ["follow", anvil.wsUrl, "--json", "--from", "1", "--to", String(blocks)];
    const child = spawn(process.execPath, [main, ...parameters, "--backend", "wasm"], {
      stdio: ["ignore", "pipe", "inherit"],
      timeout: 120_000,
    });
    let text = "";
    const connected = new Promise<void>((resolve) => {
      child.stdout.on("data", (chunk) => {
        text += chunk;
        if (text.includes('"connected"')) resolve();
      });
    });
    const exit = new Promise((resolve) => child.once("close", resolve));
    await Promise.race([connected, exit]);
    await sendAndMine(blocks, PER_BLOCK);
    assert.equal(await exit, 0);
    const lines = text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    const reports = lines.filter(({ kind }) => kind === "block");
    assert.deepEqual(
      reports.map(({ number }) => number),
      range(1, blocks),
    );
    assert.ok(reports.every(({ ok, transactions: n }) => ok && n === PER_BLOCK));
    const summary = lines[lines.length - 1];
    assert.deepEqual(
      [summary.kind, summary.ok, summary.transactions, summary.pending, summary.invalidPending],
      ["summary", true, TRANSACTIONS, TRANSACTIONS, 0],
    );
  });

  it("finds tampered blocks and pending transactions, and nothing else wrong", async () => {
    const first = (await height()) + 1n;
    const tampered = `0x${(first + 1n).toString(16)}`;
    let changed = "";
    proxy.tamper = (message) => {
      const { result, params } = message;
      const pending = params?.result;
      if (result?.number === tampered && result.transactions?.length > 0) {
        result.transactions[2].value = "0x123456789";
      }
      if (typeof pending?.nonce === "string" && changed === "") {
        changed = pending.hash;
        pending.to = `0x${"11".repeat(20)}`;
      }
      return message;
    };
    const options = { from: first, to: first + 2n };
    const { blocks, pending } = await collect(proxy.url, options, () => sendAndMine(3, 5));
    assert.deepEqual(numbers(blocks), range(Number(first), Number(first) + 2));
    assert.deepEqual(
      blocks.map(({ report }) => report.ok),
      [true, false, true],
    );
    const rules = blocks[1].report.failures.map(({ rule }) => rule);
    assert.ok(rules.includes("transaction hash") && rules.includes("root of the transactions"));
    assert.ok(
      blocks[1].report.failures.every(({ transaction }) => [2, undefined].includes(transaction)),
    );
    assert.equal(
      pending.reduce((sum, { invalid }) => sum + invalid, 0),
      1,
    );
    assert.equal(
      pending.reduce((sum, { transactions: n }) => sum + n, 0),
      15,
    );
    const failures = pending.flatMap((event) => event.failures);
    assert.ok(failures.length > 0 && failures.every(({ block }) => block === `pending ${changed}`));
    assert.ok(failures.some(({ rule }) => rule === "transaction hash"));
    proxy.tamper = (message) => message;
  });

  it("--exit-on-invalid stops at the first invalid block, with exit code 1", async () => {
    const first = await height();
    proxy.tamper = (message) => {
      if (message.result?.transactions) message.result.stateRoot = `0x${"22".repeat(32)}`;
      return message;
    };
    const range = ["--from", String(first - 1n), "--exit-on-invalid"];
    const { code, stdout } = await runCli(["follow", proxy.url, ...range, "--backend", "wasm"]);
    proxy.tamper = (message) => message;
    assert.equal(code, 1, stdout);
    assert.match(stdout, new RegExp(`^block ${first - 1n} 0x[0-9a-f]+… INVALID`, "m"));
    assert.match(stdout, /block hash: expected 0x/);
    assert.doesNotMatch(stdout, new RegExp(`^block ${first} `, "m"));
  });

  it("back-fills heads that were never announced, and what a lost connection missed", async () => {
    const first = (await height()) + 1n;
    let announced = 0;
    proxy.tamper = (message) =>
      // Two heads of three are swallowed.
      message.params?.result?.parentHash !== undefined && announced++ % 3 < 2 ? undefined : message;
    const { all, blocks } = await collect(
      proxy.url,
      { from: first, to: first + 11n, pending: false },
      async () => {
        await sendAndMine(6, 2);
        proxy.breakConnections(400);
        await sendAndMine(6, 2);
      },
    );
    proxy.tamper = (message) => message;
    assert.deepEqual(numbers(blocks), range(Number(first), Number(first) + 11));
    assert.ok(blocks.every(({ report }) => report.ok));
    const kinds = all.map(({ kind }) => kind);
    assert.ok(kinds.includes("lost"));
    assert.equal(kinds.filter((kind) => kind === "connected").length, 2);
  });

  it("polls a node over HTTP, pending transactions included", async () => {
    const first = (await height()) + 1n;
    const { blocks, pending } = await collect(
      anvil.httpUrl,
      { from: first, to: first + 3n, pollMs: 50 },
      async () => {
        for (let i = 0; i < 4; i++) {
          await send(6);
          await new Promise((resolve) => setTimeout(resolve, 300));
          await anvil.mine();
        }
      },
    );
    assert.deepEqual(numbers(blocks), range(Number(first), Number(first) + 3));
    assert.ok(blocks.every(({ report }) => report.ok));
    assert.equal(
      pending.reduce((sum, { invalid }) => sum + invalid, 0),
      0,
    );
    assert.equal(
      pending.reduce((sum, { transactions: n }) => sum + n, 0),
      24,
    );
  });

  it("follows a re-organisation from the first block that differs", async () => {
    const first = (await height()) + 1n;
    const seen = new Set<number>();
    const until = async (number: number): Promise<void> => {
      while (!seen.has(number)) await new Promise((resolve) => setTimeout(resolve, 10));
    };
    const start = Number(first);
    const { blocks } = await collect(
      anvil.wsUrl,
      { from: first, to: first + 6n, pending: false },
      async () => {
        const snapshot = [];
        for (let i = 0; i < 5; i++) {
          await send(2);
          snapshot.push(await anvil.client.call("evm_snapshot", []));
          await anvil.mine();
        }
        await until(start + 4);
        // Back to before the third block. The transactions behind it are lost, and leave gaps in the accounts' nonces: this test
        // comes last.
        await anvil.client.call("evm_revert", [snapshot[2]]);
        for (let i = 0; i < 5; i++) {
          await anvil.client.call("evm_increaseTime", [7]);
          await anvil.mine();
        }
      },
      (event) => event.kind === "block" && seen.add(Number(event.report.number)),
    );
    assert.deepEqual(numbers(blocks), [...range(start, start + 4), ...range(start + 2, start + 6)]);
    assert.equal(blocks[5].replaced, 3);
    assert.ok(blocks.every(({ report }) => report.ok));
    const latest = (await anvil.client.call("eth_getBlockByNumber", ["latest", false])) as {
      hash: string;
    };
    assert.equal(toHex(blocks[blocks.length - 1].report.hash as Uint8Array), latest.hash);
  });

  it("a node that is not there is an operating failure", async () => {
    const { code, stderr } = await runCli(["follow", "ws://127.0.0.1:9", "--backend", "wasm"]);
    assert.equal(code, 2);
    assert.match(stderr, /ECONNREFUSED.*ERR_SOURCE/);
    const wrong = await runCli(["follow", "ftp://127.0.0.1"]);
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /expected a ws/);
  });
});
