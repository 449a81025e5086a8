/** The cost model finds a line under noise and follows a change; shares sum up and finish together. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CostModel, shareOut } from "../../src/verifier/cost-model.ts";
import { createRandom } from "../../src/workloads/random.ts";

function trained(fixedMs: number, perItemMs: number): CostModel {
  const model = new CostModel();
  for (const count of [1, 32, 256, 1024]) model.observe(count, fixedMs + perItemMs * count);
  return model;
}

describe("CostModel", () => {
  it("finds the line through exact observations", () => {
    const { fixedMs, perItemMs } = trained(3, 0.02).line();
    assert.ok(Math.abs(fixedMs - 3) < 1e-6 && Math.abs(perItemMs - 0.02) < 1e-9);
  });

  it("stays near it under noise, and moves to a new one", () => {
    const random = createRandom(1);
    const model = new CostModel();
    const feed = (fixedMs: number, perItemMs: number) => {
      for (let i = 0; i < 200; i++) {
        const count = 1 + random.below(4000);
        model.observe(count, (fixedMs + perItemMs * count) * (0.9 + random.below(200) / 1000));
      }
    };
    feed(2, 0.02);
    assert.ok(Math.abs(model.predictMs(2000)! - 42) < 6);
    feed(10, 0.1); // another process took half the machine, say
    assert.ok(Math.abs(model.predictMs(2000)! - 210) < 30);
  });

  it("reads one batch size as proportional and nothing as unknown", () => {
    const model = new CostModel();
    assert.equal(model.predictMs(1), undefined);
    model.observe(100, 5);
    assert.equal(model.predictMs(200), 10);
    model.observe(100, 5);
    assert.equal(model.predictMs(200), 10);
  });

  it("knows sizes one by one where they are not on a line", () => {
    const model = new CostModel();
    // One signature alone takes three times as long as one of many.
    for (let i = 0; i < 50; i++)
      for (const count of [1, 2, 500]) model.observe(count, count < 500 ? 0.06 : 11);
    assert.ok(Math.abs(model.predictMs(1)! - 0.06) < 0.001);
    assert.ok(Math.abs(model.predictMs(500)! - 11) < 0.1);
  });

  it("does not mistake a hiccup for a change, and does not miss a change", () => {
    const model = new CostModel();
    for (let i = 0; i < 30; i++) model.observe(1, 0.06);
    model.observe(1, 100);
    assert.ok(model.predictMs(1)! < 0.08, `${model.predictMs(1)}`);
    for (let i = 0; i < 30; i++) model.observe(1, 0.6);
    assert.ok(model.predictMs(1)! > 0.35, `${model.predictMs(1)}`);
    model.fade();
    model.observe(1, 0.06);
    model.observe(1, 0.06);
    assert.ok(model.predictMs(1)! < 0.35, "after a pause new observations count more");
  });

  it("never predicts a negative cost", () => {
    const model = new CostModel();
    model.observe(1, 50);
    model.observe(1000, 10); // slower for fewer: noise
    assert.ok(model.predictMs(5000)! >= 0);
    assert.ok(model.line().perItemMs >= 0 && model.line().fixedMs >= 0);
  });
});

describe("shareOut", () => {
  const cpu = { model: trained(0, 0.02), backlogMs: 0 };
  const gpu = { model: trained(5, 0.001), backlogMs: 0 };

  it("keeps a small batch on the back end that starts at once, and splits a large one", () => {
    assert.deepEqual(shareOut([gpu, cpu], 10, 16), [0, 10]);
    const [onGpu, onCpu] = shareOut([gpu, cpu], 10_000, 16);
    assert.equal(onGpu + onCpu, 10_000);
    assert.ok(onCpu > 500 && onGpu > 9000);
    const ends = [5 + 0.001 * onGpu, 0.02 * onCpu];
    assert.ok(Math.abs(ends[0] - ends[1]) < 0.5, `they finish together, at ${ends} ms`);
  });

  it("counts what a back end still has to do", () => {
    assert.deepEqual(shareOut([gpu, { ...cpu, backlogMs: 1000 }], 100, 16), [100, 0]);
  });

  it("gives nothing to a lane it knows nothing of, unless there is no other", () => {
    const unknown = { model: new CostModel(), backlogMs: 0 };
    assert.deepEqual(shareOut([unknown, cpu], 50, 16), [0, 50]);
    assert.deepEqual(shareOut([unknown], 50, 16), [50]);
  });

  it("sums up and is never negative, whatever the lanes", () => {
    const random = createRandom(2);
    for (let round = 0; round < 500; round++) {
      const lanes = Array.from({ length: 1 + random.below(4) }, () => ({
        model: trained(random.below(100) / 10, random.below(1000) / 1e5),
        backlogMs: random.below(50),
      }));
      const count = 1 + random.below(10_000);
      const shares = shareOut(lanes, count, 32);
      assert.equal(
        shares.reduce((sum, share) => sum + share, 0),
        count,
      );
      assert.ok(shares.every((share) => share >= 0));
    }
  });
});
