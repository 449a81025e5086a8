// The V8 flag that the command sets on Node 20: in processes of their own, since flags are the process's.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, it } from "node:test";

const flagged = process.versions.v8.startsWith("11.");
const url = (path: string): string =>
  JSON.stringify(new URL(`../../src/${path}`, import.meta.url).href);

/** What the kernels of a fresh process can have, before and after; and one recovery on a worker. */
const program = `
  import { Batch, createWasmBackend, secp256k1Recover } from ${url("index.js")};
  import { detectSimd } from ${url("backends/wasm/features.js")};
  import { enableRelaxedSimd } from ${url("cli/relaxed-simd.js")};
  const before = await detectSimd();
  const on = await enableRelaxedSimd(process.env);
  const after = await detectSimd();
  const backend = createWasmBackend({ workers: 1, inline: "never" });
  const batch = new Batch(secp256k1Recover, 200);
  for (let i = 0; i < 200; i++) batch.append(secp256k1Recover.examples[0].record);
  await backend.run(batch);
  const { details } = await backend.probe();
  await backend.close();
  console.log(JSON.stringify({ before, on, after, simd: details.simd, verdict: batch.verdicts[199] }));
`;

function runProgram(environment: Record<string, string>, flags: readonly string[] = []) {
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [...flags, "--input-type=module", "-e", program],
    { encoding: "utf8", env: { ...process.env, ...environment }, timeout: 60_000 },
  );
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout);
}

describe("enableRelaxedSimd", () => {
  it("switches relaxed SIMD on where it is behind a flag, for workers too", () => {
    const found = runProgram({ LANEWISE_RELAXED_SIMD: "" });
    assert.equal(found.verdict, 0);
    assert.equal(found.on, flagged && found.after === "fused");
    assert.equal(found.simd, found.after);
    if (flagged) assert.equal(found.before, "simd");
    else assert.equal(found.after, found.before);
  });

  it("leaves it alone where the user says so", () => {
    const found = runProgram({ LANEWISE_RELAXED_SIMD: "off" });
    assert.deepEqual([found.on, found.after, found.verdict], [false, found.before, 0]);
  });

  it("switches it off again where multiply-add is not fused", {
    skip: !flagged && "relaxed SIMD needs no flag here",
  }, () => {
    const found = runProgram({ LANEWISE_RELAXED_SIMD: "" }, ["--no-enable-fma3"]);
    assert.deepEqual([found.on, found.after, found.verdict], [false, "simd", 0]);
  });
});
