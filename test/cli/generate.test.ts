/** `lanewise generate` and `npm start`: streams that honour back-pressure, chains that validate. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { type GenerateOptions, generate } from "../../src/cli/generate.ts";
import { UsageError } from "../../src/cli/usage.ts";
import { generateTransactions } from "../../src/workloads/transaction-stream.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const cli = join(root, "dist/src/cli/main.js");
const defaults: GenerateOptions = {
  transactions: 1000,
  seed: 0,
  kind: "transactions",
  format: "hex",
  chainId: 1,
  blockTransactions: 20,
};

/** An output that keeps what it is given, one chunk at a time. */
function collector(delayMs = 0) {
  const chunks: Uint8Array[] = [];
  const output = new Writable({
    highWaterMark: 1,
    write(chunk, _encoding, done) {
      chunks.push(chunk);
      setTimeout(done, delayMs);
    },
  });
  return { chunks, output, bytes: () => Buffer.concat(chunks) };
}

test("hex and binary streams hold the same transactions; a longer one begins with the shorter", async () => {
  const expected = [...generateTransactions({ count: 1000 })];
  const hex = collector();
  await generate(defaults, hex.output);
  const lines = hex.bytes().toString("latin1").trimEnd().split("\n");
  assert.deepEqual(
    lines,
    expected.map((raw) => `0x${Buffer.from(raw).toString("hex")}`),
  );
  const binary = collector();
  await generate({ ...defaults, transactions: 10, format: "binary" }, binary.output);
  const bytes = binary.bytes();
  let at = 0;
  for (const raw of expected.slice(0, 10)) {
    assert.equal(bytes.readUInt32BE(at), raw.length);
    assert.deepEqual(Uint8Array.from(bytes.subarray(at + 4, at + 4 + raw.length)), raw);
    at += 4 + raw.length;
  }
  assert.equal(at, bytes.length);
});

test("a stream waits for its reader, and ends in peace when the reader leaves", async () => {
  const child = spawn(process.execPath, [cli, "generate", "--transactions", "100000000"], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let errors = "";
  child.stderr.on("data", (text) => {
    errors += text;
  });
  const exit = new Promise<number | null>((resolve) => child.on("exit", resolve));
  const first = await new Promise<Buffer>((resolve) => child.stdout.once("data", resolve));
  assert.match(first.toString("latin1", 0, 4), /^0x[0-9a-f]{2}$/);
  child.stdout.destroy();
  assert.equal(await exit, 0, errors);
  assert.equal(errors, "");
});

test("wrong options are usage errors", async () => {
  const { output } = collector();
  const wrong: Partial<Record<keyof GenerateOptions, unknown>>[] = [
    { transactions: 0 },
    { transactions: "many" },
    { kind: "blocks" },
    { format: "json" },
    { chainId: -1 },
    { kind: "chain" },
  ];
  for (const change of wrong)
    await assert.rejects(
      generate({ ...defaults, ...change } as GenerateOptions, output),
      UsageError,
    );
});

/** Runs a script of the repository; gives its exit code and output. */
function run(...parameters: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, parameters, { encoding: "utf8" });
  return { status, text: stdout + stderr };
}

test("a chain in a folder validates through npm start", () => {
  const folder = mkdtempSync(join(tmpdir(), "lanewise-test-"));
  try {
    const options = ["--kind", "chain", "--transactions", "20", "--block-transactions", "10"];
    const generated = run(cli, "generate", ...options, "--out", folder);
    assert.equal(generated.status, 0, generated.text);
    assert.match(generated.text, /3 blocks, 50 transactions/);
    assert.deepEqual(readdirSync(folder).sort(), ["chain.rlp", "genesis.json"]);
    const started = run(join(root, "scripts/start.mjs"), folder, "--json");
    assert.equal(started.status, 0, started.text);
    const summary = JSON.parse(started.text);
    assert.equal(summary.ok, true);
    assert.equal(summary.transactions, 50);
    const missing = run(join(root, "scripts/start.mjs"), join(folder, "missing"));
    assert.equal(missing.status, 2, missing.text);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("npm start alone generates a chain and finds it valid", () => {
  const { status, text } = run(join(root, "scripts/start.mjs"));
  assert.equal(status, 0, text);
  assert.match(text, /8 blocks, 1080 transactions/);
  assert.match(text, /8 executed/);
});
