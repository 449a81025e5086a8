/**
 * Mutated block files through reader and pipeline: no crash, no hang, and every answer the sequential oracle's.
 *
 * @module
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { encodeBlock } from "../../src/chains/ethereum/index.ts";
import { LanewiseError } from "../../src/core/index.ts";
import { readStream } from "../../src/node/file-source.ts";
import type { BlockInput } from "../../src/pipeline/input.ts";
import { createPipeline } from "../../src/pipeline/pipeline.ts";
import type { BlockReport } from "../../src/pipeline/report.ts";
import { validateSequentially } from "../../src/pipeline/sequential.ts";
import { generateChain } from "../../src/workloads/chain.ts";
import { blockJson } from "../support/block-json.ts";
import { createChooser } from "../support/flip.ts";

const FILES = process.env.LANEWISE_SLOW === "1" ? 10_000 : 300;

type Choose = (below: number) => number;

/** Values that parsers stumble over. */
const NASTY = [
  "null",
  "-1",
  "1e309",
  "[]",
  "{}",
  '"0x"',
  '"0x00"',
  `"0x${"f".repeat(65)}"`,
  '"0xg"',
  "99999999999999999999999999",
  '"\\u0000"',
  '{"__proto__":{"ok":true}}',
];

function spliceBytes(bytes: Uint8Array, choose: Choose): Uint8Array {
  const at = choose(bytes.length);
  const removed = choose(4);
  const added = Uint8Array.from({ length: choose(4) }, () => choose(256));
  return Buffer.concat([bytes.subarray(0, at), added, bytes.subarray(at + removed)]);
}

/** One file with one to three things wrong. */
function mutate(file: Uint8Array, choose: Choose): Uint8Array {
  let bytes = Uint8Array.from(file);
  for (let times = 1 + choose(3); times > 0; times--) {
    switch (choose(5)) {
      case 0:
        bytes[choose(bytes.length)] ^= 1 << choose(8);
        break;
      case 1:
        bytes = Uint8Array.from(spliceBytes(bytes, choose));
        break;
      case 2:
        bytes = bytes.slice(0, 1 + choose(bytes.length));
        break;
      case 3: {
        // A digit for a digit keeps hex and JSON well formed, so that the change gets past the reader.
        const text = Buffer.from(bytes).toString("latin1");
        const at = choose(text.length);
        const next = /[0-9a-f]/.exec(text.slice(at));
        if (next) bytes[at + next.index] = "0123456789abcdef".charCodeAt(choose(16));
        break;
      }
      default: {
        const text = Buffer.from(bytes).toString("latin1");
        const values = [...text.matchAll(/:("0x[0-9a-f]*"|\[\])/g)];
        const value = values[choose(Math.max(1, values.length))];
        if (value === undefined) break;
        const start = value.index + 1;
        const end = start + value[1].length;
        const nasty = NASTY[choose(NASTY.length)];
        bytes = Uint8Array.from(
          Buffer.from(text.slice(0, start) + nasty + text.slice(end), "latin1"),
        );
      }
    }
    if (bytes.length === 0) return Uint8Array.of(choose(256));
  }
  return bytes;
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** Inputs of a file up to the first that cannot be read, and why it cannot. */
async function readInputs(bytes: Uint8Array, label: string) {
  const inputs: BlockInput[] = [];
  try {
    for await (const input of readStream(once(bytes), label)) inputs.push(input);
  } catch (error) {
    assert.ok(error instanceof LanewiseError, `${label}: ${(error as Error).stack}`);
    assert.equal(error.code, "ERR_INPUT", label);
    assert.ok(error.message.startsWith(label), error.message);
    return { inputs, isRefused: true };
  }
  return { inputs, isRefused: false };
}

async function collect(reports: AsyncIterable<BlockReport>): Promise<BlockReport[]> {
  const list: BlockReport[] = [];
  for await (const report of reports) list.push(report);
  return list;
}

describe("fuzz: mutated block files", () => {
  it(`${FILES} files: the pipeline answers as the sequential oracle does`, async () => {
    const chain = await generateChain({ seed: "fuzz", blocks: 2, transactionsPerBlock: 3 });
    const files: Uint8Array[] = [];
    for await (const { block, hash, senders } of chain.blocks()) {
      if (block.header.number === 1n) continue;
      const rlp = encodeBlock(block);
      files.push(rlp, Buffer.from(Buffer.from(rlp).toString("hex")));
      files.push(Buffer.from(JSON.stringify(blockJson(block, hash, senders))));
    }
    const choose = createChooser(20_251_123);
    const inputs: BlockInput[] = [];
    let refused = 0;
    for (let i = 0; i < FILES; i++) {
      const read = await readInputs(mutate(files[i % files.length], choose), `file ${i}`);
      if (read.isRefused) refused++;
      inputs.push(...read.inputs);
    }
    // What was read as a list of transactions is as good as any other input.
    const pipeline = await createPipeline();
    let invalid = 0;
    try {
      const batched = await collect(pipeline.run(inputs));
      const sequential = await collect(validateSequentially(inputs));
      for (const [index, report] of batched.entries()) {
        assert.deepEqual(report, sequential[index], inputs[index].label);
        if (!report.ok) invalid++;
        for (const { rule, expected, got } of report.failures) {
          assert.ok(rule !== "" && expected !== "" && got !== "", inputs[index].label);
        }
      }
      assert.equal(batched.length, sequential.length);
    } finally {
      await pipeline.close();
    }
    assert.ok(refused > 0 && invalid > FILES / 3, `${refused} refused, ${invalid} invalid`);
  });

  it("unmutated files are valid", async () => {
    const chain = await generateChain({ seed: "fuzz", blocks: 1, transactionsPerBlock: 3 });
    for await (const { block, hash, senders } of chain.blocks()) {
      const text = JSON.stringify(blockJson(block, hash, senders));
      const { inputs } = await readInputs(Buffer.from(text), "file");
      const [report] = await collect(validateSequentially(inputs));
      assert.deepEqual(report.failures, []);
      assert.equal(Buffer.compare(report.hash ?? new Uint8Array(0), hash), 0);
    }
  });
});
