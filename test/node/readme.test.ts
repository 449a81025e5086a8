/** The README's plug-in sections: the code that a developer would paste is what runs here. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { hasher as noble } from "@chainsafe/persistent-merkle-tree/hasher/noble";
import { secp256k1Recover, Verdict } from "../../src/index.ts";
import { skipWithoutAnvil, startAnvil } from "../support/anvil.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));

/** The first block of TypeScript under a heading that imports this name. */
async function codeOf(heading: string, imports: string): Promise<string> {
  const text = await readFile(join(root, "README.md"), "utf8");
  const section = text.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? "";
  const blocks = [...section.matchAll(/```ts\n(.*?)```/gs)].map(([, code]) => code);
  const code = blocks.find((block) => block.includes(imports));
  assert.ok(code, `README, ${heading}: a block with ${imports}`);
  return code;
}

/** Runs code in a folder inside the package, where it finds `lanewise` by name; what it prints. */
async function run(code: string, files: Record<string, Uint8Array> = {}) {
  const folder = await mkdtemp(join(root, "dist", "readme-"));
  try {
    for (const [name, bytes] of Object.entries(files)) await writeFile(join(folder, name), bytes);
    await writeFile(join(folder, "pasted.mjs"), code);
    const options = { cwd: folder, timeout: 60_000 };
    const { stdout } = await promisify(execFile)(process.execPath, ["pasted.mjs"], options);
    return { stdout, read: await readFile(join(folder, "answers.bin")).catch(() => undefined) };
  } finally {
    await rm(folder, { recursive: true });
  }
}

const SENDER = "0x9d8a62f656a8d1615c1294fd71e9cfb3e4855a4f";

describe("README", () => {
  it("Verifier", async () => {
    await run(await codeOf("Verifier", "createReferenceBackend"));
  });

  it("Verifier, as a node:stream", async () => {
    const { examples, result } = secp256k1Recover;
    const records = Buffer.concat(examples.map(({ record }) => record));
    const code = await codeOf("Verifier", "createVerifyStream");
    const { read } = await run(code, { "records.bin": records });
    assert.equal(read?.length, examples.length * (4 + result.byteLength));
    assert.equal(read?.readUInt32LE(0), Verdict.Valid);
  });

  it("viem and ethers", async () => {
    const { stdout } = await run(await codeOf("viem and ethers", "recoverTransactionSenders"));
    assert.equal(stdout, `${SENDER}\nFieldCount\n`);
  });

  it("EthereumJS", async () => {
    const { stdout } = await run(await codeOf("EthereumJS", "createEthereumjsPlugin"));
    assert.match(stdout, new RegExp(`^${SENDER} \\{ hits: 0, misses: 0 \\}`));
  });

  it("SSZ", async () => {
    const { stdout } = await run(await codeOf("SSZ", "createSszHasher"));
    const chunks = new Uint8Array(128 * 32);
    for (let i = 0; i < 100; i++) chunks.fill(i, i * 32, i * 32 + 32);
    const expected = Buffer.from(noble.digestNLevel(chunks, 7)).toString("hex");
    assert.equal(stdout.trim(), expected);
  });

  it("Follow a node", { skip: skipWithoutAnvil }, async () => {
    const anvil = await startAnvil();
    try {
      for (let i = 0; i < 3; i++) await anvil.mine();
      const code = await codeOf("Follow a node", "follow");
      const { stdout } = await run(code.replace("ws://127.0.0.1:8546", anvil.wsUrl));
      assert.equal(stdout, "1n true 0\n2n true 0\n3n true 0\n");
    } finally {
      await anvil.stop();
    }
  });
});
