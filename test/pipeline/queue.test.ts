import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BoundedQueue } from "../../src/pipeline/queue.ts";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("BoundedQueue", () => {
  it("keeps the order and makes a fast producer wait", async () => {
    const queue = new BoundedQueue<number>(3);
    let pushed = 0;
    const producer = (async () => {
      for (let i = 0; i < 10; i++) {
        await queue.push(i);
        pushed++;
      }
      queue.end();
    })();
    await turn();
    assert.equal(pushed, 3, "the fourth push waits");
    const seen: number[] = [];
    for await (const item of queue) {
      seen.push(item);
      assert.ok(queue.length <= 3);
    }
    await producer;
    assert.deepEqual(seen, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert.ok(queue.ended);
  });

  it("counts weights, lets one item go above its capacity, and tells when there is room", async () => {
    const queue = new BoundedQueue<number>(4, (weight) => weight);
    await queue.push(1.5);
    await queue.push(10);
    let hasRoom: boolean | undefined;
    const waiting = queue.room().then((room) => {
      hasRoom = room;
    });
    assert.equal(await queue.next(), 1.5);
    await turn();
    assert.equal(hasRoom, undefined, "10 weighs more than 4");
    assert.equal(await queue.next(), 10);
    await waiting;
    assert.equal(hasRoom, true);
    await queue.push(5);
    const refused = queue.room();
    queue.close();
    assert.equal(await refused, false);
  });

  it("answers undefined after a time-out, and goes on", async () => {
    const queue = new BoundedQueue<string>(1);
    assert.equal(await queue.next(1), undefined);
    assert.equal(queue.ended, false);
    await queue.push("a");
    assert.equal(await queue.next(1), "a");
  });

  it("throws what fail was given, drops what waited, and refuses producers", async () => {
    const queue = new BoundedQueue<string>(1);
    await queue.push("a");
    const waiting = queue.push("b");
    queue.fail(new Error("broken"));
    assert.equal(await waiting, false);
    await assert.rejects(queue.next(), /broken/);
    assert.equal(await queue.push("c"), false);
  });

  it("close drops what waited without an error", async () => {
    const queue = new BoundedQueue<string>(1);
    await queue.push("a");
    const waiting = queue.push("b");
    queue.close();
    assert.equal(await waiting, false);
    assert.equal(await queue.next(), undefined);
  });

  it("refuses a capacity that is no positive integer", () => {
    for (const capacity of [0, -1, 1.5, Number.NaN]) {
      assert.throws(() => new BoundedQueue(capacity), /capacity/);
    }
  });
});
