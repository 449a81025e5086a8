import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { encodeBlock, toHex } from "../../src/chains/ethereum/index.ts";
import { generateChain } from "../../src/workloads/chain.ts";
import { generateTransactions } from "../../src/workloads/transaction-stream.ts";
import { blockJson } from "../support/block-json.ts";
import { corpusPath, corpusSkip } from "../support/corpus.ts";
import { flipHex } from "../support/flip.ts";
import { type CliResult, runCli } from "./run.ts";

const STAGES = ["decode", "hash", "recover", "check", "execute", "commit"];
/** Spares the tests the probes of the other back ends. */
const REFERENCE = ["--backend", "reference"];

/** Exit code 2 with one or two lines that say why, and nothing on standard output. */
function assertRefused(result: CliResult, pattern: RegExp): void {
  assert.match(result.stderr, pattern);
  assert.equal(result.code, 2, result.stderr);
  assert.equal(result.stdout, "");
  assert.doesNotMatch(result.stderr, /^\s+at /m, "no stack trace");
  assert.ok(result.stderr.trim().split("\n").length <= 2, result.stderr);
}

function summaryOf(result: CliResult) {
  const summary = JSON.parse(result.stdout);
  assert.equal(result.stdout.trim().split("\n").length, 1, "one line");
  assert.deepEqual(Object.keys(summary), [
    "ok",
    "blocks",
    "transactions",
    "failures",
    "backend",
    "stages",
    "tps",
  ]);
  assert.deepEqual(Object.keys(summary.backend), ["id", "reason"]);
  assert.deepEqual(Object.keys(summary.stages), STAGES);
  for (const stage of STAGES) assert.deepEqual(Object.keys(summary.stages[stage]), ["ms", "count"]);
  assert.equal(typeof summary.tps, "number");
  return summary;
}

describe("lanewise validate", () => {
  let folder: string;
  let json: object;
  let transactions = 0;
  const file = (name: string): string => join(folder, name);

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "lanewise-cli-"));
    mkdirSync(file("chain"));
    const chain = await generateChain({ seed: "cli", blocks: 2, transactionsPerBlock: 5 });
    writeFileSync(file("chain/genesis.json"), JSON.stringify(chain.genesis));
    for await (const { block, hash, senders } of chain.blocks()) {
      const { number } = block.header;
      transactions += block.transactions.length;
      json = blockJson(block, hash, senders);
      if (number === 1n) {
        writeFileSync(file("chain/1.json"), JSON.stringify(json));
      } else if (number === 2n) {
        writeFileSync(file("chain/2.rlp"), encodeBlock(block));
      } else {
        writeFileSync(file("chain/3.hex"), `${toHex(encodeBlock(block))}\n`);
        writeFileSync(file("alone.json"), JSON.stringify({ jsonrpc: "2.0", id: 1, result: json }));
        writeFileSync(
          file("flipped.json"),
          JSON.stringify(flipHex(json, ["transactions", 1, "value"], 0, 1)),
        );
      }
    }
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it("executes a chain in a folder with its genesis: JSON, RLP and hex blocks", async () => {
    const result = await runCli(["validate", file("chain"), "--json", ...REFERENCE]);
    assert.equal(result.code, 0, result.stderr + result.stdout);
    const summary = summaryOf(result);
    assert.equal(summary.ok, true);
    assert.deepEqual(summary.failures, []);
    assert.equal(summary.blocks, 3);
    assert.equal(summary.transactions, transactions);
    assert.equal(summary.stages.execute.count, transactions);
    assert.equal(summary.stages.commit.count, 3);
    assert.equal(summary.backend.id, "reference");
    assert.match(summary.backend.reason, /asked for/);
  });

  it("prints a plain table where there is no terminal", async () => {
    const result = await runCli(["validate", file("chain"), ...REFERENCE]);
    assert.equal(result.code, 0, result.stderr);
    for (const stage of STAGES) assert.match(result.stdout, new RegExp(`^${stage} `, "m"));
    assert.match(result.stdout, /3 executed, 0 signatures only/);
    assert.match(result.stdout, /^✔ valid$/m);
    assert.ok(!result.stdout.includes("\u001b"), "no escape sequences");
    assert.equal(result.stderr, "");
  });

  it("chooses a back end by itself and says which", async () => {
    const result = await runCli(["validate", file("alone.json"), "--json"]);
    assert.equal(result.code, 0, result.stderr + result.stdout);
    const { backend } = summaryOf(result);
    assert.ok(["webgpu", "wasm", "reference"].includes(backend.id));
    assert.match(backend.reason, /^best available: /);
  });

  it("says signatures only where there is no state", async () => {
    const result = await runCli(["validate", file("alone.json"), ...REFERENCE]);
    assert.equal(result.code, 0, result.stderr);
    assert.match(result.stdout, /0 executed, 1 signatures only/);
    assert.match(result.stdout, /no state before the block was given/);
  });

  it("exits 1 and names block, transaction and rule where something is invalid", async () => {
    const asJson = await runCli(["validate", file("flipped.json"), "--json", ...REFERENCE]);
    assert.equal(asJson.code, 1, asJson.stderr);
    const { ok, failures } = summaryOf(asJson);
    assert.equal(ok, false);
    const hash = failures.find((failure: { rule: string }) => failure.rule === "transaction hash");
    assert.equal(hash.block, "3");
    assert.equal(hash.transaction, 1);
    assert.match(hash.expected, /^0x[0-9a-f]{64}$/);
    assert.notEqual(hash.expected, hash.got);
    const asTable = await runCli(["validate", file("flipped.json"), ...REFERENCE]);
    assert.equal(asTable.code, 1);
    assert.match(asTable.stdout, /✖ block 3, transaction 1, hash: transaction hash: expected 0x/);
    assert.match(asTable.stdout, /✖ invalid/);
  });

  it("reads transactions from standard input, in hex and length-prefixed", async () => {
    const raws = [...generateTransactions({ count: 20 })];
    const hex = raws.map((raw) => toHex(raw)).join("\n");
    const prefixed = Buffer.concat(
      raws.map((raw) => Buffer.concat([Buffer.from([0, 0, raw.length >> 8, raw.length]), raw])),
    );
    const list = JSON.stringify(raws.map((raw) => toHex(raw)));
    for (const input of [hex, prefixed, list]) {
      const result = await runCli(["validate", "-", "--json", ...REFERENCE], { input });
      assert.equal(result.code, 0, result.stderr + result.stdout);
      const summary = summaryOf(result);
      assert.deepEqual([summary.blocks, summary.transactions], [0, 20]);
    }
    const broken = hex.replace(/0x02f/, "0x05f");
    const result = await runCli(["validate", "-", "--json", ...REFERENCE], { input: broken });
    assert.equal(result.code, 1);
    const [failure] = summaryOf(result).failures;
    assert.deepEqual([failure.block, failure.rule], ["stdin", "TypeUnknown"]);
    assert.equal(
      failure.transaction,
      raws.findIndex((raw) => raw[0] === 2),
    );
  });

  it("refuses what it cannot read, with exit code 2 and one line", async () => {
    const garbage: [string, string | Uint8Array, RegExp][] = [
      ["empty.json", "", /got nothing/],
      ["prose.txt", "hello\n", /something else/],
      ["half.json", '{"number":"0x1","transactions":[', /expected JSON/],
      ["deep.json", "[".repeat(200_000), /expected JSON/],
      ["bytes.bin", Uint8Array.of(0x7f, 0x45, 0x4c, 0x46), /something else/],
      ["cut.bin", Uint8Array.of(0, 0, 1, 0, 2), /end of the stream/],
      ["length.bin", Uint8Array.of(0, 255, 255, 255, 2), /transaction 0/],
    ];
    for (const [name, content, pattern] of garbage) {
      writeFileSync(file(name), content);
      assertRefused(await runCli(["validate", file(name), ...REFERENCE]), pattern);
    }
    assertRefused(await runCli(["validate", file("nowhere"), ...REFERENCE]), /ENOENT/);
    assertRefused(await runCli(["validate", "-", ...REFERENCE], { input: "" }), /stdin.*nothing/);
  });

  it("answers blocks that cannot be decoded with exit code 1", async () => {
    const hostile: [string, string | Uint8Array][] = [
      ["number.json", '{"number":"0xffffffffffffffffffffffff","transactions":[]}'],
      ["shape.json", '{"transactions":{"length":4294967295}}'],
      ["list.rlp", Uint8Array.of(0xfb, 0xff, 0xff, 0xff, 0xff, 0xc0)],
      ["inner.rlp", Uint8Array.of(0xc3, 0xc2, 0x01, 0x02)],
    ];
    for (const [name, content] of hostile) {
      writeFileSync(file(name), content);
      const result = await runCli(["validate", file(name), "--json", ...REFERENCE]);
      assert.equal(result.stderr, "");
      assert.equal(result.code, 1, `${name}: ${result.stdout}`);
      const { failures } = summaryOf(result);
      assert.equal(failures.length, 1);
      assert.equal(failures[0].rule, "well-formed block");
    }
  });

  it("explains a wrong command line with exit code 2", async () => {
    const wrong: [string[], RegExp][] = [
      [[], /expected a command/],
      [["explode"], /got explode/],
      [["validate"], /expected a path/],
      [["validate", "a", "--rpc", "http://127.0.0.1:1"], /got both/],
      [["validate", "a", "--from", "1"], /expected --rpc/],
      [["validate", "--rpc", "ftp://x"], /expected an http/],
      [["validate", "--rpc", "http://127.0.0.1:1", "--from", "5", "--to", "4"], /from ≤ to/],
      [["validate", "a", "--backend", "quantum"], /--backend: expected auto/],
      [["validate", "a", "--workers", "0"], /--workers/],
      [["validate", "a", "--workers", "many"], /--workers/],
      [["validate", "a", "--fork", "spoon"], /--fork/],
      [["validate", "a", "--executor", "magic"], /executor: expected/],
      [["validate", "a", "--no-such-option"], /[Uu]nknown option/],
    ];
    for (const [parameters, pattern] of wrong) {
      assertRefused(await runCli(parameters), pattern);
    }
  });

  it("reports a node that does not answer", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const url = `http://127.0.0.1:${port}`;
    const result = await runCli(["validate", "--rpc", url, ...REFERENCE]);
    assertRefused(result, /eth_blockNumber at http:\/\/127\.0\.0\.1:\d+: .*ECONNREFUSED/);
  });

  it("leaves quietly when its reader does", async () => {
    const result = await runCli(["validate", file("chain"), ...REFERENCE], { stopReading: true });
    assert.equal(result.stderr, "");
    const help = await runCli(["--help"], { stopReading: true });
    assert.deepEqual([help.code, help.stderr], [0, ""]);
  });

  it("takes blocks of the corpus with partial state beside them", {
    skip: corpusSkip,
  }, async () => {
    const path = corpusPath("mainnet-signed-blocks", "15537393");
    const result = await runCli(["validate", path, "--json", ...REFERENCE]);
    assert.equal(result.code, 0, result.stderr + result.stdout);
    assert.equal(summaryOf(result).transactions, 1);
  });
});

describe("lanewise doctor", () => {
  it("lists every back end with a reason and a self-test", async () => {
    const result = await runCli(["doctor", "--json"]);
    assert.equal(result.code, 0, result.stderr + result.stdout);
    const { ok, machine, backends } = JSON.parse(result.stdout);
    assert.equal(ok, true);
    assert.equal(machine.node, process.version);
    assert.deepEqual(
      backends.map(({ id }: { id: string }) => id),
      ["webgpu", "wasm", "reference"],
    );
    for (const { id, available, reason, selfTest } of backends) {
      assert.ok(reason.length > 0, id);
      assert.equal(selfTest, available ? "passed" : "not run", `${id}: ${selfTest}`);
    }
    const [{ available, compile }] = backends;
    if (available) {
      assert.ok(compile.every(({ coldMs }: { coldMs: number }) => coldMs > 0));
      assert.ok(compile.length >= 6);
    }
    assert.equal(backends.filter(({ chosen }: { chosen: boolean }) => chosen).length, 1);
    const table = await runCli(["doctor", ...REFERENCE]);
    assert.equal(table.code, 0);
    assert.match(table.stdout, /reference +available +passed/);
  });
});
