/** The batched pipeline against the sequential oracle: the same reports, in the same order. @module */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { BlockInput, BlockSource } from "../../src/pipeline/input.ts";
import { createPipeline, GROUP_UNITS, type Pipeline } from "../../src/pipeline/pipeline.ts";
import type { BlockReport } from "../../src/pipeline/report.ts";
import { validateSequentially } from "../../src/pipeline/sequential.ts";
import { corpusSkip } from "../support/corpus.ts";
import {
  bareTransactions,
  corpusInput,
  generatedChain,
  SMALL_BLOCKS,
} from "../support/pipeline-inputs.ts";

async function collect(reports: AsyncIterable<BlockReport>): Promise<BlockReport[]> {
  const list: BlockReport[] = [];
  for await (const report of reports) list.push(report);
  return list;
}

describe("pipeline ≡ sequential", () => {
  let pipeline: Pipeline;
  before(async () => {
    pipeline = await createPipeline();
  });
  after(() => pipeline.close());

  async function compare(inputs: readonly BlockInput[]): Promise<BlockReport[]> {
    const batched = await collect(pipeline.run(inputs));
    const sequential = await collect(validateSequentially(inputs));
    assert.deepEqual(batched, sequential);
    return batched;
  }

  it("on nothing", async () => {
    assert.deepEqual(await compare([]), []);
  });

  it("on a generated chain: executed, state roots compared", async () => {
    const inputs = await generatedChain(3, 25);
    const reports = await compare(inputs);
    assert.deepEqual(
      reports.map(({ ok, depth, note }) => ({ ok, depth, note })),
      inputs.map(() => ({ ok: true, depth: "executed", note: "" })),
    );
  });

  it("on a chain whose middle block is missing or broken", async () => {
    const inputs = await generatedChain(3, 6);
    const gap = await compare([inputs[0], inputs[2]]);
    assert.equal(gap[1].ok, false, "the block after the gap names another parent");
    const [first, { content }, ...rest] = inputs;
    if (content.kind !== "block-rlp") throw new Error("expected RLP");
    const bytes = Uint8Array.from(content.bytes);
    bytes[bytes.length - 3] ^= 1;
    const reports = await compare([
      first,
      { label: "broken", content: { kind: "block-rlp", bytes } },
      ...rest,
    ]);
    assert.deepEqual(
      reports.map(({ depth }) => depth),
      ["executed", "signatures only", "signatures only", "signatures only"],
    );
    assert.equal(reports[1].ok, false);
  });

  it("on bare transactions, one in three broken", async () => {
    const inputs = bareTransactions(300, 3);
    const reports = await compare(inputs);
    const failures = reports.flatMap((report) => report.failures);
    assert.ok(failures.length >= 40 && failures.length <= 100, `${failures.length} failures`);
    assert.ok(failures.every(({ transaction }) => (transaction ?? 1) % 3 === 0));
    assert.ok(new Set(failures.map(({ rule }) => rule)).size >= 4, "several rules broken");
  });

  it("on inputs that are no blocks", async () => {
    const bad: BlockInput[] = [
      { label: "a", content: { kind: "block-rlp", bytes: new Uint8Array(0) } },
      { label: "b", content: { kind: "block-rlp", bytes: Uint8Array.of(0xc3, 0xc2, 1, 2) } },
      { label: "c", content: { kind: "block-json", json: { number: "0x1" } } },
      { label: "d", content: { kind: "block-json", json: null } },
    ];
    for (const report of await compare(bad)) {
      assert.equal(report.ok, false);
      assert.equal(report.failures.length, 1);
      assert.equal(report.failures[0].block, report.label);
    }
  });

  it("on mainnet blocks of many forks", { skip: corpusSkip }, async () => {
    const reports = await compare(SMALL_BLOCKS.map(corpusInput));
    for (const report of reports) assert.deepEqual(report.failures, []);
  });

  it("ends a long stream that a slow reader holds up, with a last group that is not full", async () => {
    const count = 6 * GROUP_UNITS + 7;
    const inputs = Array.from({ length: count }, (_, i): BlockInput => {
      return { label: `${i}`, content: { kind: "block-rlp", bytes: Uint8Array.of(i & 127) } };
    });
    let seen = 0;
    for await (const report of pipeline.run(inputs)) {
      assert.equal(report.label, `${seen++}`);
      if (seen % 64 === 1) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    assert.equal(seen, count);
  });

  it("stops reading the source when the reader stops, and can run again", async () => {
    const inputs = await generatedChain(2, 4);
    let taken = 0;
    async function* endless(): AsyncGenerator<BlockInput> {
      while (true) {
        taken++;
        yield { ...inputs[0], label: `${taken}` };
      }
    }
    const source: BlockSource = endless();
    for await (const report of pipeline.run(source)) {
      assert.ok(report.ok);
      break;
    }
    const takenThen = taken;
    await new Promise((resolve) => setTimeout(resolve, 30));
    assert.equal(taken, takenThen, "nothing is read any more");
    assert.ok(taken < 4 * GROUP_UNITS, `bounded: ${taken} inputs were read ahead`);
    assert.equal((await collect(pipeline.run(inputs))).length, inputs.length);
  });

  it("ends with the source's error, or with an abort, even while the source hangs", async () => {
    async function* failing(): AsyncGenerator<BlockInput> {
      yield* bareTransactions(3, 100);
      throw new Error("source broke");
    }
    await assert.rejects(collect(pipeline.run(failing())), /source broke/);
    async function* hanging(): AsyncGenerator<BlockInput> {
      yield* bareTransactions(3, 100);
      await new Promise(() => {});
    }
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 20);
    await assert.rejects(collect(pipeline.run(hanging(), { signal: abort.signal })), {
      code: "ERR_ABORTED",
    });
  });
});
