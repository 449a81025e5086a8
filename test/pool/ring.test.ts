import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { openRing, type Ring, ringBytes, seedRing } from "../../src/pool/ring.ts";

function ringAt(sequence: number, capacity = 4): Ring {
  const buffer = new SharedArrayBuffer(ringBytes(2, capacity));
  seedRing(buffer, sequence);
  return openRing(buffer, 2, capacity);
}

const chunk = (first: number, urgent = false) => ({
  batch: 1,
  first,
  count: 10,
  arenaBytes: 5,
  urgent,
});

describe("Ring", () => {
  for (const start of [0, 2 ** 31 - 3, -2]) {
    it(`hands every chunk to one worker, in order, starting at sequence number ${start}`, () => {
      const ring = ringAt(start);
      const seen: number[] = [];
      for (let i = 0; i < 50; i++) {
        while (ring.space() > 0) ring.push(chunk(seen.length + 4 - ring.space()));
        assert.equal(ring.space(), 0);
        const claim = ring.claim(i % 2)!;
        seen.push(claim.first);
        assert.deepEqual([claim.batch, claim.count, claim.arenaBytes], [1, 10, 5]);
        ring.finish(claim.position);
        const retired: number[] = [];
        ring.collect((position) => retired.push(position));
        assert.deepEqual(retired, [claim.position]);
      }
      assert.deepEqual(seen, [...Array(50).keys()]);
    });
  }

  it("frees in any order, and gives space back only from the oldest entry on", () => {
    const ring = ringAt(7);
    for (let i = 0; i < 4; i++) ring.push(chunk(i));
    const claims = [0, 1, 2].map(() => ring.claim(0)!);
    ring.finish(claims[1].position);
    ring.collect(() => {});
    assert.equal(ring.space(), 0);
    ring.finish(claims[0].position);
    ring.collect(() => {});
    assert.equal(ring.space(), 2);
  });

  it("takes back what nobody has claimed, and nothing else", () => {
    const ring = ringAt(0);
    const positions = [ring.push(chunk(0)), ring.push(chunk(1))];
    const claim = ring.claim(1)!;
    assert.equal(claim.position, positions[0]);
    assert.equal(ring.cancel(positions[0]), false);
    assert.equal(ring.cancel(positions[1]), true);
    assert.equal(ring.claim(1), undefined);
  });

  it("gives urgent chunks first, and to some workers nothing else", () => {
    const ring = ringAt(0);
    for (const [first, urgent] of [false, true, false, true].entries()) {
      ring.push(chunk(first, urgent));
    }
    assert.equal(ring.claim(0)!.first, 1);
    assert.equal(ring.claim(1, true)!.first, 3);
    assert.equal(ring.claim(1, true), undefined);
    assert.equal(ring.claim(0)!.first, 0);
    assert.equal(ring.claim(0)!.first, 2);
  });

  it("knows what a dead worker held", () => {
    const ring = ringAt(0);
    for (let i = 0; i < 4; i++) ring.push(chunk(i));
    const mine = ring.claim(0)!;
    const theirs = ring.claim(1)!;
    const finished = ring.claim(1)!;
    ring.finish(finished.position);
    assert.deepEqual(ring.reclaim(1), [theirs.position]);
    assert.deepEqual(ring.reclaim(1), []);
    assert.deepEqual(ring.reclaim(0), [mine.position]);
  });
});
