/** `lanewise validate --db`: state that outlives the process, and what it refuses. @module */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { ClassicLevel } from "classic-level";
import { type Block, encodeBlock } from "../../src/chains/ethereum/index.ts";
import { decodeBlock, encodeBlock as encodeHead } from "../../src/state/store/records.ts";
import { openStateStore } from "../../src/state/store/state-store.ts";
import { generateChain } from "../../src/workloads/chain.ts";
import { createRandom } from "../../src/workloads/random.ts";
import { type CliResult, runCli } from "./run.ts";

const main = fileURLToPath(new URL("../../src/cli/main.js", import.meta.url));
const BLOCKS = 24;
const KILLS = 12;

describe("lanewise validate --db", () => {
  let folder: string;
  const blocks: Block[] = [];
  const file = (name: string): string => join(folder, name);

  /** A folder of blocks `from` … `to`, with or without the genesis. */
  function chainOf(name: string, chain: readonly Block[], genesis: boolean): string {
    mkdirSync(file(name), { recursive: true });
    if (genesis) cpSync(file("genesis.json"), file(`${name}/genesis.json`));
    for (const block of chain) {
      writeFileSync(file(`${name}/${block.header.number}.rlp`), encodeBlock(block));
    }
    return file(name);
  }

  const run = (chain: string, db: string, ...more: string[]): Promise<CliResult> =>
    runCli(["validate", chain, "--db", db, "--backend", "wasm", ...more]);

  async function headOf(db: string) {
    const store = await openStateStore(db);
    const { head } = store;
    await store.close();
    return head;
  }

  async function expectHead(db: string, block: Block): Promise<void> {
    const head = await headOf(db);
    assert.equal(head?.number, block.header.number);
    assert.deepEqual(Buffer.from(head.stateRoot), Buffer.from(block.header.stateRoot));
  }

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "lanewise-db-"));
    const chain = await generateChain({ seed: "db", blocks: BLOCKS - 1, transactionsPerBlock: 12 });
    writeFileSync(file("genesis.json"), JSON.stringify(chain.genesis));
    for await (const { block } of chain.blocks()) blocks.push(block);
    chainOf("whole", blocks, true);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it("commits every block, passes over them the next time, and goes on from there", async () => {
    const db = file("state");
    const first = await run(chainOf("half", blocks.slice(0, 10), true), db);
    assert.equal(first.code, 0, first.stderr + first.stdout);
    assert.match(first.stdout, /10 executed, 0 signatures only/);
    assert.doesNotMatch(first.stdout, /^note/m);
    await expectHead(db, blocks[9]);

    const second = await run(file("whole"), db);
    assert.equal(second.code, 0, second.stderr + second.stdout);
    assert.match(second.stdout, /14 executed, 0 signatures only, 10 committed before/);
    await expectHead(db, blocks[BLOCKS - 1]);

    const third = await run(file("whole"), db, "--json");
    assert.equal(third.code, 0, third.stderr + third.stdout);
    const { ok, blocks: count, stages } = JSON.parse(third.stdout);
    assert.deepEqual([ok, count, stages.recover.count, stages.commit.count], [true, BLOCKS, 0, 0]);
  });

  it("goes on with blocks alone: the state is in the folder", async () => {
    const db = file("alone");
    assert.equal((await run(chainOf("start", blocks.slice(0, 5), true), db)).code, 0);
    const rest = await run(chainOf("rest", blocks.slice(5, 9), false), db);
    assert.equal(rest.code, 0, rest.stderr + rest.stdout);
    assert.match(rest.stdout, /4 executed/);
    await expectHead(db, blocks[8]);
  });

  it("survives being killed at any point", async () => {
    const db = file("killed");
    const random = createRandom("kills");
    let last = -1n;
    for (let kill = 0; kill < KILLS; kill++) {
      const child = spawn(process.execPath, [main, "validate", file("whole"), "--db", db]);
      const gone = new Promise((resolve) => child.once("exit", resolve));
      const timer = setTimeout(() => child.kill("SIGKILL"), 250 + random.below(900));
      await gone;
      clearTimeout(timer);
      const head = await headOf(db);
      const number = head?.number ?? -1n;
      assert.ok(number >= last, `from block ${last} back to ${number}`);
      if (head !== undefined && number > 0n) await expectHead(db, blocks[Number(number) - 1]);
      last = number;
    }
    const final = await run(file("whole"), db);
    assert.equal(final.code, 0, final.stderr + final.stdout);
    await expectHead(db, blocks[BLOCKS - 1]);
  });

  it("a block with a wrong state root is not committed, nor what follows it", async () => {
    const db = file("wrong");
    const stateRoot = blocks[4].header.stateRoot.slice();
    stateRoot[7] ^= 1;
    const broken = { ...blocks[4], header: { ...blocks[4].header, stateRoot } };
    const chain = [...blocks.slice(0, 4), broken, ...blocks.slice(5, 8)];
    const result = await run(chainOf("broken", chain, true), db, "--json");
    assert.equal(result.code, 1, result.stderr);
    const { failures } = JSON.parse(result.stdout);
    const wrong = failures.find(({ field }: { field: string }) => field === "stateRoot");
    assert.deepEqual([wrong.block, wrong.rule], ["5", "state root of the execution"]);
    await expectHead(db, blocks[3]);
    const repaired = await run(file("whole"), db);
    assert.equal(repaired.code, 0, repaired.stderr + repaired.stdout);
    await expectHead(db, blocks[BLOCKS - 1]);
  });

  it("refuses what does not fit, with exit code 2 and one line", async () => {
    const db = file("refusals");
    assert.equal((await run(chainOf("three", blocks.slice(0, 3), true), db)).code, 0);
    const expectRefusal = async (result: Promise<CliResult>, pattern: RegExp): Promise<void> => {
      const { code, stderr } = await result;
      assert.match(stderr, pattern);
      assert.equal(code, 2);
      assert.equal(stderr.trim().split("\n").length, 1, stderr);
    };
    const gap = chainOf("gap", blocks.slice(5, 6), false);
    await expectRefusal(run(gap, db), /block 6 .*at block 3: expected block 4 next/);
    const parentHash = new Uint8Array(32).fill(7);
    const other = { ...blocks[3], header: { ...blocks[3].header, parentHash } };
    const fork = chainOf("fork", [other], false);
    await expectRefusal(run(fork, db), /block 4 .*: expected parent 0x[0-9a-f]{64}, got 0x0707/);
    const another = { ...blocks[2], header: { ...blocks[2].header, extraData: new Uint8Array(3) } };
    await expectRefusal(run(chainOf("two", [another], false), db), /block 3: expected 0x.*holds/);
    const empty = run(chainOf("bare", blocks.slice(0, 1), false), file("empty"));
    await expectRefusal(empty, /empty: expected a genesis.json/);
    await expectRefusal(run(file("whole"), "/dev/null/state"), /cannot be opened/);
    await expectHead(db, blocks[2]);

    const store = await openStateStore(db);
    await expectRefusal(run(file("whole"), db), /state database .*cannot be opened/);
    await store.close();
  });

  it("notices a state root that somebody changed", async () => {
    const db = file("tampered");
    assert.equal((await run(chainOf("three", blocks.slice(0, 3), true), db)).code, 0);
    const database = new ClassicLevel<string, Uint8Array>(db, { valueEncoding: "view" });
    const head = decodeBlock((await database.get("h"))!);
    const stateRoot = head.stateRoot.slice();
    stateRoot[0] ^= 1;
    await database.put("h", encodeHead({ ...head, stateRoot }));
    await database.close();
    const result = await run(file("whole"), db);
    assert.equal(result.code, 2, result.stdout);
    assert.match(
      result.stderr,
      /damaged: block 3 has state root 0x[0-9a-f]{64}, but the trie's is/,
    );
  });

  it("explains a wrong command line", async () => {
    const both = await run(file("whole"), file("x"), "--fork", "http://127.0.0.1:1");
    assert.match(both.stderr, /--db and --fork URL: expected one of them/);
    assert.equal(both.code, 2);
    const scheme = await runCli(["validate", file("whole"), "--fork", "ftp://x"]);
    assert.match(scheme.stderr, /--fork: expected an http/);
  });
});
