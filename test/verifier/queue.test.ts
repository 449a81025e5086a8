/** The fair queue against a plain model, and its shedding rule case by case. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FairQueue, PRIORITIES, type Priority, type Slice } from "../../src/verifier/queue.ts";
import { createRandom } from "../../src/workloads/random.ts";

interface Job {
  readonly source: string;
  readonly name: string;
}
interface Lot {
  readonly name: string;
  readonly tickets: Uint32Array;
}

const job = (source: string, name = source): Job => ({ source, name });
const lot = (name: string, count: number): Lot => ({ name, tickets: new Uint32Array(count) });
const everything = (_run: unknown, _first: number, wanted: number): number => wanted;
/** `name first+count` of each. */
const shown = (slices: readonly Slice<Lot>[]): string[] =>
  slices.map(({ lot: { name }, first, count }) => `${name} ${first}+${count}`);

describe("FairQueue", () => {
  it("gives sources equal shares, oldest first within a source", () => {
    const queue = new FairQueue<Job, Lot>(100);
    const [a, b] = [lot("a", 6), lot("b", 2)];
    queue.push(a, 0, 6, job("a"), "gossip");
    queue.push(b, 0, 2, job("b"), "gossip");
    assert.deepEqual(shown(queue.take(4, everything)), ["a 0+2", "b 0+2"]);
    assert.deepEqual(shown(queue.take(3, everything)), ["a 2+1", "a 3+1", "a 4+1"]);
    assert.deepEqual(shown(queue.take(9, everything)), ["a 5+1"]);
    assert.equal(queue.size, 0);
  });

  it("gives a lone source everything in one piece", () => {
    const queue = new FairQueue<Job, Lot>(5000);
    queue.push(lot("a", 4096), 0, 4096, job("a"), "gossip");
    assert.deepEqual(shown(queue.take(1024, everything)), ["a 0+1024"]);
    assert.equal(queue.size, 3072);
  });

  it("keeps classes apart, the urgent one first, wherever records were moved to it", () => {
    const queue = new FairQueue<Job, Lot>(100);
    const [a, chain] = [lot("a", 5), lot("chain", 1)];
    queue.push(a, 0, 5, job("a"), "gossip");
    queue.push(chain, 0, 1, job("chain"), "block");
    queue.move(a, 1, 3, job("a"), "block");
    assert.equal(queue.sizeOf("block"), 3);
    assert.equal(queue.peek()?.lot, chain);
    assert.deepEqual(shown(queue.take(9, everything)), ["chain 0+1", "a 1+2"]);
    assert.deepEqual(shown(queue.take(9, everything)), ["a 0+1", "a 3+2"]);
  });

  it("leaves what is refused first in its lane and takes nothing less urgent past it", () => {
    const queue = new FairQueue<Job, Lot>(100);
    const odd = lot("odd", 4);
    queue.push(odd, 0, 4, job("a"), "block");
    queue.push(lot("b", 1), 0, 1, job("b"), "gossip");
    assert.deepEqual(
      queue.take(9, () => 0),
      [],
    );
    assert.deepEqual(
      shown(queue.take(9, (_run, first, wanted) => Math.min(wanted, 3 - first))),
      ["odd 0+3"],
      "a part of a run may be taken",
    );
    assert.deepEqual(shown(queue.take(9, everything)), ["odd 3+1"]);
    assert.deepEqual(shown(queue.take(9, everything)), ["b 0+1"]);
  });

  it("puts back first what comes back, and counts its tries", () => {
    const queue = new FairQueue<Job, Lot>(4);
    const a = lot("a", 4);
    queue.push(a, 0, 4, job("a"), "gossip");
    const [{ first, count }] = queue.take(2, everything);
    queue.pushFront(a, first, first + count, job("a"), "gossip", 1);
    assert.equal(queue.size, 4);
    const slices = queue.take(9, everything);
    assert.deepEqual(shown(slices), ["a 0+2", "a 2+2"]);
    assert.deepEqual(
      slices.map(({ attempts }) => attempts),
      [1, 0],
    );
  });

  it("moves a record to another source's lane, out of the middle of its run", () => {
    const queue = new FairQueue<Job, Lot>(4);
    const [a, b] = [job("a"), job("b")];
    const shared = lot("x", 4);
    queue.push(shared, 0, 4, a, "gossip");
    queue.move(shared, 1, 2, b, "gossip");
    assert.equal(queue.runOf(shared, 1)?.owner, b);
    assert.equal(queue.runOf(shared, 2)?.owner, a);
    assert.equal(queue.drop(shared, 0, 1), 1);
    assert.equal(queue.drop(shared, 0, 1), 0, "it is gone");
    assert.equal(queue.size, 3);
    assert.deepEqual(shown(queue.take(9, everything)).sort(), ["x 1+1", "x 2+2"]);
    assert.equal(queue.runOf(shared, 1), undefined);
  });

  it("sheds the newest job of the largest source, gossip before block, and refuses a newcomer that holds the most", () => {
    const queue = new FairQueue<Job, Lot>(6);
    const jobs = ["old", "new"].map((name) => job("flood", name));
    for (const owner of jobs) queue.push(lot(owner.name, 2), 0, 2, owner, "gossip");
    queue.push(lot("calm", 1), 0, 1, job("calm"), "gossip");
    queue.push(lot("chain", 1), 0, 1, job("chain"), "block");
    assert.equal(queue.victim("gossip", "late", 1), jobs[1]);
    assert.equal(queue.victim("gossip", "flood", 1), undefined, "its own flood is not displaced");
    assert.equal(
      queue.victim("gossip", "late", 4),
      undefined,
      "it would hold as much as the flood",
    );
    assert.equal(queue.victim("block", "chain", 5), jobs[1], "urgent work displaces gossip");
    assert.equal(
      queue.victim("block", "other", 6),
      undefined,
      "but not urgent work of one who holds less",
    );
    assert.equal(queue.size, 6, "asking changes nothing");
  });

  it("agrees with a plain model over random operations", () => {
    for (let seed = 0; seed < 20; seed++) {
      const random = createRandom(seed);
      const queue = new FairQueue<Job, Lot>(50);
      /** By lot, then by position. */
      const waiting = new Map<Lot, Map<number, { owner: Job; priority: Priority }>>();
      const jobs = ["a", "b", "c", "d"].map((source) => job(source));
      let size = 0;
      const range = (entry: Lot): [number, number] => {
        const first = random.below(entry.tickets.length);
        return [first, first + 1 + random.below(entry.tickets.length - first)];
      };
      for (let step = 0; step < 2000; step++) {
        const lots = [...waiting.keys()].filter((entry) => waiting.get(entry)!.size > 0);
        switch (random.below(5)) {
          case 0:
          case 1: {
            const count = 1 + random.below(12);
            if (size + count > 50) break;
            const entry = lot(`${step}`, count);
            const [owner, priority] = [random.pick(jobs), random.pick(PRIORITIES)];
            queue.push(entry, 0, count, owner, priority);
            const records = Array.from(
              { length: count },
              (_, i) => [i, { owner, priority }] as const,
            );
            waiting.set(entry, new Map(records));
            size += count;
            break;
          }
          case 2: {
            if (lots.length === 0) break;
            const entry = random.pick(lots);
            const records = waiting.get(entry)!;
            const [first, end] = range(entry);
            let wanted = 0;
            for (let i = first; i < end; i++) if (records.delete(i)) wanted++;
            assert.equal(queue.drop(entry, first, end), wanted);
            size -= wanted;
            break;
          }
          case 3: {
            const urgent = queue.sizeOf("block") > 0;
            const most = 1 + random.below(20);
            let left = Math.min(most, queue.sizeOf(urgent ? "block" : "gossip"));
            for (const { lot: entry, first, count, priority } of queue.take(most, everything)) {
              assert.equal(priority, urgent ? "block" : "gossip");
              for (let i = first; i < first + count; i++) {
                assert.equal(waiting.get(entry)!.get(i)?.priority, priority);
                waiting.get(entry)!.delete(i);
              }
              left -= count;
              size -= count;
            }
            assert.equal(left, 0);
            break;
          }
          default: {
            if (lots.length > 0) {
              const entry = random.pick(lots);
              const records = waiting.get(entry)!;
              const [first] = random.pick([...records]);
              let end = first;
              while (records.has(end)) end++;
              const [owner, priority] = [random.pick(jobs), random.pick(PRIORITIES)];
              queue.move(entry, first, end, owner, priority);
              for (let i = first; i < end; i++) records.set(i, { owner, priority });
            }
            const count = 1 + random.below(20);
            const victim = queue.victim("block", "z", count);
            if (size + count > 50 && victim !== undefined) {
              const owners = [...waiting.values()].flatMap((records) => [...records.values()]);
              assert.ok(owners.some(({ owner }) => owner === victim));
            }
          }
        }
        assert.equal(queue.size, size);
        for (const [entry, records] of waiting) {
          for (const [i, { owner, priority }] of records) {
            assert.equal(queue.runOf(entry, i)?.owner, owner);
            assert.equal(queue.runOf(entry, i)?.priority, priority);
          }
        }
      }
    }
  });
});
