// `lanewise bench gpu` and `doctor`: what they report after each step, and that they would see a wrong answer.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { writeResult } from "../../src/cli/result-file.ts";
import {
  createReferenceBackend,
  createWebgpuBackend,
  keccak256,
  LanewiseError,
  sha256,
} from "../../src/index.ts";
import { compileTimes } from "../../src/report/compile-times.ts";
import { benchGpu, type GpuBenchResult } from "../../src/report/gpu-bench.ts";
import { benchVariants, VARIANTS } from "../../src/report/gpu-variants.ts";
import { KnownCases } from "../../src/report/known-cases.ts";
import { keccak256Cases } from "../../src/workloads/keccak256.ts";
import { sha256Cases } from "../../src/workloads/sha256.ts";
import { needsAdapter } from "./adapter.ts";

const folder = mkdtempSync(join(tmpdir(), "lanewise-bench-"));
after(() => rmSync(folder, { recursive: true }));

const quick = {
  maxItems: 256,
  msPerSize: 1,
  allowSoftwareAdapter: true,
  onProgress: () => {},
  onResult: () => {},
};

describe("known cases", () => {
  it("see a wrong verdict and a wrong result", async () => {
    const known = new KnownCases(keccak256Cases);
    const reference = createReferenceBackend();
    for (const spoil of [
      (batch: ReturnType<typeof known.batch>) => batch.result(40).fill(7, 31),
      (batch: ReturnType<typeof known.batch>) => batch.verdicts.fill(1, 40, 41),
    ]) {
      const batch = known.batch(64);
      await reference.run(batch);
      assert.equal(known.check(batch), 64);
      spoil(batch);
      assert.throws(
        () => known.check(batch),
        (error) =>
          error instanceof LanewiseError && error.message.includes("wrong answer for item 40"),
      );
    }
  });
});

describe("the GPU bench", needsAdapter, () => {
  it("reports compile times first, then every size, each with all before it", async () => {
    const file = join(folder, "sweep.json");
    const seen: GpuBenchResult[] = [];
    const result = await benchGpu({
      ...quick,
      generators: [keccak256Cases, sha256Cases],
      onResult(partial) {
        writeResult(file, partial);
        seen.push(JSON.parse(readFileSync(file, "utf8")));
      },
    });
    assert.deepEqual(
      seen.map(({ reports }) => reports.map(({ sizes }) => sizes.length)),
      [[0], [1], [2], [2], [2, 0], [2, 1], [2, 2], [2, 2]],
    );
    assert.ok(seen[0].reports[0].coldCompileMs > 0);
    for (const { sizes, checked } of result.reports) {
      assert.deepEqual(
        sizes.map(({ items }) => items),
        [64, 256],
      );
      assert.equal(
        checked,
        5 * (64 + 256) + 256,
        "each batch and the streamed ones, and the profiled one",
      );
      for (const { rate, streamedRate, cpuRate, legs } of sizes) {
        assert.ok(Math.min(rate, streamedRate, cpuRate, legs.uploadMs, legs.downloadMs) > 0);
      }
    }
    assert.deepEqual(result.notMeasured, []);
  });

  it("names what the time limit left out", async () => {
    const late = { ...quick, generators: [keccak256Cases], timeLimitMs: -1 };
    assert.deepEqual((await benchGpu(late)).notMeasured, ["keccak256"]);
    assert.equal((await benchVariants(late)).notMeasured.length, VARIANTS.length);
  });

  it("doctor's compile times come one by one, cold and again, with each shader's", async () => {
    const [first, second] = [0, 1].map(() => createWebgpuBackend({ allowSoftwareAdapter: true }));
    const steps: number[][] = [];
    const times = await compileTimes(first, second, [keccak256, sha256], (known) => {
      steps.push([known.length, known.filter(({ warmMs }) => warmMs !== undefined).length]);
    });
    await Promise.all([first.close(), second.close()]);
    assert.deepEqual(steps, [
      [1, 0],
      [2, 0],
      [2, 1],
      [2, 2],
    ]);
    assert.deepEqual(
      times.map(({ shaderMs }) => Object.keys(shaderMs)),
      [["keccak256/1-absorb.wgsl"], ["sha256/1-compress.wgsl"]],
    );
    for (const { coldMs, warmMs = 0 } of times) assert.ok(coldMs > 0 && warmMs > 0);
  });
});
