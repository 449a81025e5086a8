/** The cache of valid answers against a plain model, and what an eviction costs. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PositiveCache } from "../../src/verifier/positive-cache.ts";
import { createRandom } from "../../src/workloads/random.ts";

describe("PositiveCache", () => {
  it("keeps what a least-recently-used list keeps, whatever is asked of it", () => {
    const random = createRandom("positive cache");
    const cache = new PositiveCache(8);
    let model: { key: string; value: number; origin: string }[] = [];
    for (let step = 0; step < 20_000; step++) {
      const key = `k${random.below(14)}`;
      const known = model.find((entry) => entry.key === key);
      const rest = model.filter((entry) => entry !== known);
      switch (random.below(20)) {
        case 0: {
          const origin = random.pick(["a", "b"]);
          cache.forget(origin);
          model = model.filter((entry) => entry.origin !== origin);
          break;
        }
        case 1:
        case 2:
        case 3:
        case 4:
        case 5: {
          const entry = { key, value: step & 255, origin: random.pick(["a", "b"]) };
          cache.set(key, Uint8Array.of(entry.value), entry.origin);
          model = [...rest, entry].slice(-8);
          break;
        }
        default:
          assert.equal(cache.get(key)?.[0], known?.value);
          if (known !== undefined) model = [...rest, known];
      }
      assert.equal(cache.size, model.length);
    }
  });

  it("keeps nothing where it may keep nothing", () => {
    const cache = new PositiveCache(0);
    cache.set("a", Uint8Array.of(1), "x");
    assert.equal(cache.get("a"), undefined);
    assert.equal(cache.size, 0);
  });

  it("evicts in constant time: a full large cache takes about as long as a small one", () => {
    const timeOf = (capacity: number): number => {
      const cache = new PositiveCache(capacity);
      const value = Uint8Array.of(1);
      for (let i = 0; i < capacity; i++) cache.set(`${i}`, value, "x");
      const { user } = process.cpuUsage();
      for (let i = 0; i < 20_000; i++) cache.set(`n${i}`, value, "x");
      return process.cpuUsage().user - user;
    };
    timeOf(64);
    const ratio = timeOf(65_536) / Math.max(timeOf(64), 2000);
    assert.ok(ratio < 15, `${ratio.toFixed(1)} times as long`); // stepping over holes: forty times and more
  });
});
