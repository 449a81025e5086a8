/** The real `lanewise serve`, and the README's section run as it stands. @module */
import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { secp256k1Recover } from "../../src/index.ts";
import { createClient } from "../../src/sidecar/client.ts";
import { runCli } from "../cli/run.ts";

const main = fileURLToPath(new URL("../../src/cli/main.js", import.meta.url));
const readme = new URL("../../../README.md", import.meta.url);
const folder = mkdtempSync(join(tmpdir(), "lanewise-serve-"));
const socket = (name: string): string => join(folder, name);
const { record } = secp256k1Recover.examples[0];
const run = promisify(execFile);

/** A serving process: its log lines, and how it ends. */
function serve(...parameters: string[]) {
  const child: ChildProcess = spawn(process.execPath, [
    main,
    "serve",
    "--backend",
    "wasm",
    "--workers",
    "1",
    ...parameters,
  ]);
  const lines: Record<string, unknown>[] = [];
  let rest = "";
  let stderr = "";
  child.stderr!.on("data", (chunk) => {
    stderr += chunk;
  });
  child.stdout!.on("data", (chunk) => {
    const parts = (rest + chunk).split("\n");
    rest = parts.pop()!;
    for (const line of parts) lines.push(JSON.parse(line));
  });
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  const logged = async (msg: string): Promise<Record<string, unknown>> => {
    for (let tries = 0; tries < 600; tries++) {
      const line = lines.find((candidate) => candidate.msg === msg);
      if (line !== undefined) return line;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`never logged "${msg}": ${JSON.stringify(lines)} ${stderr}`);
  };
  return { child, ended, logged, lines };
}

describe("lanewise serve", () => {
  after(() => rmSync(folder, { recursive: true, force: true }));

  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    it(`serves until ${signal}, finishes what it has and exits with 0`, async () => {
      const unix = socket(`${signal}.sock`);
      const server = serve("--port", "0", "--unix", unix, "--grpc-port", "0");
      const { url, grpc } = await server.logged("listening");
      await server.logged("ready");
      assert.match(String(url), /^http:\/\/127\.0\.0\.1:[0-9]+$/);
      assert.match(String(grpc), /^127\.0\.0\.1:[0-9]+$/);
      assert.equal(statSync(unix).mode & 0o777, 0o600);
      const client = createClient({ unix });
      const many = Buffer.concat(Array(2000).fill(record));
      for (let i = 0; i < 2000; i++) many.writeUInt32LE(i, i * 104);
      const answers = [0, 1, 2].map(() => client.recover(many));
      while (!(await client.metrics()).includes("lanewise_verifier_jobs_total 3")) {
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      server.child.kill(signal);
      for (const { verdicts } of await Promise.all(answers)) {
        assert.deepEqual(verdicts, new Uint32Array(2000));
      }
      client.close();
      assert.equal(await server.ended, 0);
      await server.logged("closed");
      assert.throws(() => statSync(unix), "the socket is gone");
    });
  }

  it("takes over the socket of a dead process, not that of a living one", async () => {
    const unix = socket("shared.sock");
    const first = serve("--no-port", "--unix", unix, "--unix-mode", "660");
    await first.logged("listening");
    assert.equal(statSync(unix).mode & 0o777, 0o660);
    const second = await runCli(["serve", "--no-port", "--unix", unix, "--backend", "wasm"]);
    assert.equal(second.code, 2);
    assert.match(second.stderr, /another process listens/);
    first.child.kill("SIGKILL");
    await first.ended;
    const third = serve("--no-port", "--unix", unix);
    assert.equal((await third.logged("listening")).url, undefined);
    assert.equal((await createClient({ unix }).recover(record)).verdicts[0], 0);
    third.child.kill();
    assert.equal(await third.ended, 0);
  });

  it("refuses what it cannot do in one line, with exit code 2", async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    const { port } = taken.address() as { port: number };
    writeFileSync(socket("file"), "not a socket");
    for (const [parameters, message] of [
      [["--port", String(port)], /cannot listen.*EADDRINUSE/],
      [["--port", "65536"], /--port: expected 0 to 65535/],
      [["--no-port"], /--no-port: expected another door/],
      [["--no-port", "--unix", socket("file")], /expected no file there/],
      [["--unix-mode", "rw"], /--unix-mode: expected three octal digits/],
      [["--log-level", "loud"], /--log-level/],
      [["--backend", "cuda"], /--backend: expected auto/],
    ] as const) {
      const result = await runCli(["serve", "--backend", "reference", ...parameters]);
      assert.equal(result.code, 2, result.stderr);
      assert.match(result.stderr, message);
      assert.doesNotMatch(result.stderr, /^\s+at /m);
    }
    taken.close();
  });

  it("the README's section works as it stands", async () => {
    const [, section] =
      /^## Sidecar\n([\s\S]*?)(?=^## )/m.exec(`${readFileSync(readme, "utf8")}\n## `) ?? [];
    assert.ok(section);
    const blocks = [...section.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(([, lang, code]) => ({
      lang,
      code,
    }));
    const shell = blocks
      .filter(({ lang }) => lang === "sh")
      .map(({ code }) => code)
      .join("");
    const command = /^npx lanewise serve (.*?)( *#.*)?$/m.exec(shell)?.[1];
    const curl = /^curl [\s\S]*?[^\\]\n/m.exec(shell)?.[0];
    assert.ok(command && curl, "a command and a curl line");
    const unix = socket("readme.sock");
    const own = (text: string): string =>
      text.replaceAll("/run/lanewise.sock", unix).replaceAll("8572", "0");
    const server = serve("--port", "0", ...own(command).trim().split(/\s+/));
    const { url } = await server.logged("listening");
    await server.logged("ready");
    const asked = curl.replace("http://127.0.0.1:8571", String(url));
    assert.notEqual(asked, curl);
    const { stdout } = await run("sh", ["-c", asked.replace(/^curl/, "curl -sS")]);
    const answer = JSON.parse(stdout);
    assert.equal(answer.records[0].verdict, "Valid");
    assert.match(answer.records[0].address, /^0x[0-9a-f]{40}$/);
    const program = blocks.find(({ lang }) => lang === "ts")?.code;
    assert.ok(program);
    // Inside the package, so that it resolves `lanewise/client` by its exports.
    const script = fileURLToPath(new URL("./readme-sidecar.mjs", import.meta.url));
    writeFileSync(script, own(program));
    const { stdout: printed } = await run(process.execPath, [script]);
    assert.equal(printed.trim(), answer.records[0].address);
    server.child.kill();
    assert.equal(await server.ended, 0);
  });
});
