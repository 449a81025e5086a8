/** The cache of valid answers against a plain model. */
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
});
