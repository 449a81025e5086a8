/** The index of what is in flight against a plain model: equal hashes, removals in any order, growth. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { InFlightIndex } from "../../src/verifier/in-flight.ts";
import { createRandom } from "../../src/workloads/random.ts";

function entriesOf(index: InFlightIndex, hash: number): string[] {
  const found: string[] = [];
  for (let entry = index.first(hash); entry >= 0; entry = index.next(hash, entry)) {
    found.push(`${index.lotAt(entry)}:${index.positionAt(entry)}`);
  }
  return found.sort();
}

describe("InFlightIndex", () => {
  it("holds what a map of sets holds", () => {
    for (let seed = 0; seed < 5; seed++) {
      const random = createRandom(seed);
      const index = new InFlightIndex();
      const model = new Map<number, Set<string>>();
      const live: { hash: number; lot: number; position: number }[] = [];
      // Few hashes, and those of one neighbourhood that wraps around the table's end.
      const draw = (): number => 1 + ((1020 + random.below(9) + 1024 * random.below(3)) | 0);
      for (let step = 0; step < 20_000; step++) {
        if (live.length < 500 && random.below(2) === 0) {
          const entry = { hash: draw(), lot: random.below(4), position: step };
          index.add(entry.hash, entry.lot, entry.position);
          live.push(entry);
          const names = model.get(entry.hash) ?? new Set();
          model.set(entry.hash, names.add(`${entry.lot}:${entry.position}`));
        } else if (live.length > 0) {
          const [entry] = live.splice(random.below(live.length), 1);
          index.remove(entry.hash, entry.lot, entry.position);
          index.remove(entry.hash, entry.lot, entry.position); // once more: nothing happens
          model.get(entry.hash)!.delete(`${entry.lot}:${entry.position}`);
        }
        assert.equal(index.size, live.length);
        if (step % 10 > 0) continue;
        const hash = draw();
        assert.deepEqual(entriesOf(index, hash), [...(model.get(hash) ?? [])].sort());
      }
    }
  });

  it("grows, and is found empty after everything has left", () => {
    const index = new InFlightIndex();
    for (let i = 0; i < 50_000; i++) index.add(1 + ((i * 2_654_435) & 0x7ffffff), 1, i);
    for (let i = 0; i < 50_000; i++) {
      const hash = 1 + ((i * 2_654_435) & 0x7ffffff);
      assert.ok(entriesOf(index, hash).includes(`1:${i}`));
      index.remove(hash, 1, i);
    }
    assert.equal(index.size, 0);
    assert.equal(index.first(1), -1);
  });
});
