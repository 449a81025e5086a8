/** Kills a writing process again and again: no committed block may be lost, and none half written. @module */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { createStateCommitment } from "../../src/state/commitment.ts";
import { verifyAccountProofs } from "../../src/state/proof.ts";
import { openStateStore } from "../../src/state/store/state-store.ts";
import { blockOfChain } from "./kill-chain.ts";
import { applyToModel, diffOfModel, type Model } from "./model.ts";
import { bytesOf, createRandom, hexOf, SLOW } from "./random.ts";

const WRITER = fileURLToPath(new URL("./kill-writer.js", import.meta.url));

interface Report {
  /** Numbers of the last block reported committed, and of one that a revert under way leads to. */
  readonly committed: bigint;
  readonly reverting: bigint | undefined;
  readonly lines: number;
}

/** Runs the writer until it has reported so many lines and some more time has passed, kills it, and returns what it said. */
async function runAndKill(
  folder: string,
  seed: number,
  lines: number,
  delayMs: number,
): Promise<Report> {
  const child = spawn(process.execPath, [WRITER, folder, String(seed)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  const ended = new Promise<NodeJS.Signals | null>((resolve) => {
    child.once("close", (_code, signal) => resolve(signal));
  });
  await new Promise<void>((resolve) => {
    child.stdout.on("data", (chunk) => {
      text += chunk;
      if (text.split("\n").length > lines) resolve();
    });
    child.once("close", () => resolve());
  });
  await new Promise((resolve) => setTimeout(resolve, delayMs));
  child.kill("SIGKILL");
  assert.equal(await ended, "SIGKILL", "the writer runs until it is killed");
  const said = text
    .split("\n")
    .slice(0, -1)
    .map((line) => line.split(" "));
  let committed = -1n;
  let reverting: bigint | undefined;
  for (const [what, number] of said) {
    reverting = what === "reverting" ? BigInt(number) : undefined;
    if (what !== "reverting") committed = BigInt(number);
  }
  return { committed, reverting, lines: said.length };
}

test("a writer killed at any point leaves the last block committed, whole", async () => {
  const kills = SLOW ? 220 : 20;
  const seed = 11;
  const random = createRandom(2026);
  const folder = mkdtempSync(join(tmpdir(), "lanewise-kill-"));
  /** Model and root of every block so far. */
  const models: Model[] = [];
  const roots: string[] = [];
  const commitment = createStateCommitment();
  const chainTo = (number: bigint) => {
    for (let next = models.length; next <= number; next++) {
      const { diff } = blockOfChain(seed, BigInt(next));
      const model = new Map(models.at(-1) ?? []);
      applyToModel(model, diff);
      models.push(model);
      roots.push(hexOf(commitment.apply(diff)));
    }
  };
  try {
    for (let kill = 0; kill < kills; kill++) {
      const report = await runAndKill(folder, seed, 1 + random(12), random(40));
      const store = await openStateStore(folder, { historyBlocks: 16 });
      try {
        const number = store.head?.number ?? -1n;
        const possible = [report.committed, report.committed + 1n, report.reverting];
        assert.ok(
          possible.includes(number),
          `kill ${kill}: at block ${number}, ${JSON.stringify(possible.map(String))}`,
        );
        if (number < 0n) continue;
        chainTo(number);
        assert.equal(hexOf(store.root), roots[Number(number)], `kill ${kill}: root`);
        // Flat state, word by word; tries, through a root computed anew and through proofs from the nodes kept.
        const model = models[Number(number)];
        const view = store.view();
        for (const [name, account] of model) {
          assert.equal(
            view.account(bytesOf(name))?.balance,
            account.balance,
            `kill ${kill}: ${name}`,
          );
          for (const [slot, word] of account.storage) {
            assert.deepEqual(view.storage(bytesOf(name), bytesOf(slot)), word);
          }
        }
        view.close();
        const anew = createStateCommitment().apply(diffOfModel(model));
        assert.equal(hexOf(anew), hexOf(store.root), `kill ${kill}: root anew`);
        const proofs = await store.prove(
          [...model].map(([name, { storage }]) => ({
            address: bytesOf(name),
            slots: [...storage.keys()].map(bytesOf),
          })),
        );
        for (const outcome of verifyAccountProofs(store.root, proofs)) {
          assert.ok(outcome.valid, `kill ${kill}: ${JSON.stringify(outcome)}`);
        }
      } finally {
        await store.close();
      }
    }
    assert.ok(models.length > kills, "the chain grew");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
