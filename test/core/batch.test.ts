import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  Batch,
  keccak256,
  layout,
  secp256k1Recover,
  Verdict,
  verdictName,
} from "../../src/index.ts";

describe("Batch", () => {
  it("places sections on 16-byte boundaries without overlap", () => {
    for (const [capacity, arena] of [
      [0, 0],
      [1, 1],
      [3, 17],
      [1000, 99_999],
    ] as const) {
      const { sections, buffer } = new Batch(secp256k1Recover, capacity, arena);
      for (const offset of [sections.arena, sections.verdicts, sections.results])
        assert.equal(offset % 16, 0);
      assert.ok(sections.arena >= capacity * 104);
      assert.ok(sections.verdicts >= sections.arena + arena);
      assert.ok(sections.results >= sections.verdicts + capacity * 4);
      assert.ok(buffer.byteLength >= sections.results + capacity * 84);
    }
  });

  it("reads Unset before a run and after a reset", () => {
    const batch = new Batch(keccak256, 4, 8);
    batch.count = 4;
    assert.deepEqual([...batch.verdicts], Array(4).fill(Verdict.Unset));
    batch.verdicts.fill(Verdict.Valid);
    batch.reset();
    assert.deepEqual([...batch.verdicts], Array(4).fill(Verdict.Unset));
    assert.equal(batch.count, 0);
  });

  it("appends records and the messages that they point to, until it is full", () => {
    const batch = new Batch(keccak256, 3, 8);
    const record = new Uint8Array(keccak256.record.byteLength).fill(0xff);
    const messages = [[1, 2, 3], [], [4, 5]].map((bytes) => Uint8Array.from(bytes));
    assert.deepEqual(
      messages.map((message) => batch.append(record, message)),
      [0, 1, 2],
    );
    const words = new Uint32Array(batch.buffer, 0, 6);
    assert.deepEqual([...words], [0, 3, 3, 0, 3, 2]);
    assert.deepEqual([...batch.arena], [1, 2, 3, 4, 5, 0, 0, 0]);
    assert.throws(() => batch.append(record), /Batch record/);
    batch.reset();
    assert.throws(() => batch.append(record, new Uint8Array(9)), /Batch message/);
    assert.throws(() => batch.append(new Uint8Array(7)), /Batch record/);
    assert.deepEqual([batch.count, batch.arenaLength], [0, 0]);
    const signatures = new Batch(secp256k1Recover, 1);
    signatures.append(secp256k1Recover.examples[0].record);
    assert.deepEqual([...signatures.record(0)], [...secp256k1Recover.examples[0].record]);
  });

  it("refuses absurd sizes by name", () => {
    assert.throws(() => new Batch(keccak256, -1), /capacity/);
    assert.throws(() => new Batch(keccak256, 2 ** 24 + 1), /capacity/);
    assert.throws(() => new Batch(keccak256, 1, 2 ** 31), /arenaCapacity/);
    assert.throws(() => new Batch(keccak256, 1.5), RangeError);
  });
});

describe("layout", () => {
  it("refuses a misplaced u32 and a ragged total", () => {
    assert.throws(() => layout({ a: ["bytes", 2], b: ["u32", 4] }), /u32 b/);
    assert.throws(() => layout({ a: ["bytes", 3] }), /multiple of 4/);
  });
});

describe("verdictName", () => {
  it("names known codes and shows unknown ones", () => {
    assert.equal(verdictName(5), "SHigh");
    assert.equal(verdictName(12345), "Verdict(12345)");
  });
});
