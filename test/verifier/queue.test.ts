/** The fair queue against a plain model, and its shedding rule case by case. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FairQueue, PRIORITIES, type Priority } from "../../src/verifier/queue.ts";
import { createRandom } from "../../src/workloads/random.ts";

interface Job {
  readonly source: string;
  readonly name: string;
}
interface Item {
  owner: Job;
  priority: Priority;
  ticket: number;
  readonly id: number;
}

let nextId = 0;
const itemOf = (owner: Job, priority: Priority = "gossip"): Item => ({
  owner,
  priority,
  ticket: 0,
  id: nextId++,
});
const job = (source: string, name = source): Job => ({ source, name });
const everything = () => true;

describe("FairQueue", () => {
  it("takes sources in turn, oldest first within a source", () => {
    const queue = new FairQueue<Job, Item>(100);
    const [a, b] = [job("a"), job("b")];
    const items = [a, a, a, b].map((owner) => itemOf(owner));
    for (const item of items) queue.push(item);
    assert.deepEqual(queue.take(3, everything), [items[0], items[3], items[1]]);
    assert.deepEqual(queue.take(9, everything), [items[2]]);
    assert.equal(queue.size, 0);
  });

  it("takes the urgent class first, wherever an item was raised to it", () => {
    const queue = new FairQueue<Job, Item>(100);
    const gossip = [itemOf(job("a")), itemOf(job("a")), itemOf(job("b"))];
    for (const item of gossip) queue.push(item);
    const urgent = itemOf(job("chain"), "block");
    queue.push(urgent);
    queue.raise(gossip[1], "block");
    queue.raise(urgent, "gossip"); // never down
    assert.equal(queue.sizeOf("block"), 2);
    assert.equal(queue.peek(), urgent);
    assert.deepEqual(queue.take(9, everything), [urgent, gossip[1], gossip[0], gossip[2]]);
  });

  it("leaves what is refused first in its lane and takes nothing less urgent past it", () => {
    const queue = new FairQueue<Job, Item>(100);
    const odd = itemOf(job("a"), "block");
    const gossip = itemOf(job("b"));
    queue.push(odd);
    queue.push(gossip);
    assert.deepEqual(
      queue.take(9, (item) => item !== odd),
      [],
    );
    assert.deepEqual(queue.take(9, everything), [odd, gossip]);
  });

  it("puts back first what comes back", () => {
    const queue = new FairQueue<Job, Item>(2);
    const items = [itemOf(job("a")), itemOf(job("a"))];
    for (const item of items) queue.push(item);
    const [first] = queue.take(1, everything);
    queue.pushFront(first);
    assert.deepEqual(queue.take(9, everything), items);
  });

  it("hands an item over to another source's lane", () => {
    const queue = new FairQueue<Job, Item>(4);
    const [a, b] = [job("a"), job("b")];
    const item = itemOf(a);
    queue.push(item);
    queue.handOver(item, b);
    assert.equal(queue.victim("block", "chain", 4), b);
    assert.deepEqual(queue.take(9, everything), [item]);
    queue.handOver(item, a); // not waiting: only the owner changes
    assert.equal(queue.size, 0);
  });

  it("sheds the newest job of the largest source, gossip before block, and refuses a newcomer that holds the most", () => {
    const queue = new FairQueue<Job, Item>(6);
    const jobs = ["old", "new"].map((name) => job("flood", name));
    for (const owner of [jobs[0], jobs[0], jobs[1], jobs[1], job("calm")])
      queue.push(itemOf(owner));
    queue.push(itemOf(job("chain"), "block"));
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
      const queue = new FairQueue<Job, Item>(50);
      const waiting = new Set<Item>();
      const jobs = ["a", "b", "c", "d"].map((source) => job(source));
      for (let step = 0; step < 2000; step++) {
        const all = [...waiting];
        switch (random.below(5)) {
          case 0:
          case 1: {
            if (waiting.size >= 50) break;
            const item = itemOf(random.pick(jobs), random.pick(PRIORITIES));
            queue.push(item);
            waiting.add(item);
            break;
          }
          case 2: {
            if (all.length === 0) break;
            const item = random.pick(all);
            if (random.below(2) === 0) {
              queue.drop(item);
              waiting.delete(item);
            } else queue.raise(item, "block");
            break;
          }
          case 3: {
            const taken = queue.take(1 + random.below(6), everything);
            const urgent = all.filter(({ priority }) => priority === "block").length;
            const late = taken.findIndex(({ priority }) => priority === "gossip");
            assert.ok(late < 0 || late >= Math.min(urgent, taken.length));
            for (const item of taken) assert.ok(waiting.delete(item));
            break;
          }
          default: {
            if (all.length > 0) queue.handOver(random.pick(all), random.pick(jobs));
            const count = 1 + random.below(20);
            const victim = queue.victim("block", "z", count);
            if (queue.size + count > 50 && victim !== undefined) {
              assert.ok([...waiting].some(({ owner }) => owner === victim));
            }
          }
        }
        assert.equal(queue.size, waiting.size);
        for (const priority of PRIORITIES) {
          const count = [...waiting].filter((item) => item.priority === priority).length;
          assert.equal(queue.sizeOf(priority), count);
        }
      }
      assert.deepEqual(new Set(queue.take(100, everything)), waiting);
    }
  });
});
