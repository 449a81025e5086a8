/** Keys of records: every bit counts, keys are secret, and equal hashes change no answer of the verifier. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  algorithms,
  createReferenceBackend,
  createVerifier,
  ethSender,
  keccak256,
  secp256k1Recover,
} from "../../src/index.ts";
import { RecordKey, UNKEYED } from "../../src/verifier/record-key.ts";
import { createRandom } from "../../src/workloads/random.ts";

const random = createRandom("record key");

describe("RecordKey", () => {
  for (const algorithm of algorithms) {
    it(`${algorithm.id}: any flipped bit gives another hash, and another record`, () => {
      const key = new RecordKey(algorithm, 0);
      const bytes = random.bytes(algorithm.record.byteLength).slice();
      const words = new Uint32Array(bytes.buffer);
      const arena = random.bytes(300);
      if (algorithm.usesArena) {
        words[key.offsetWord] = 10;
        words[key.lengthWord] = 257;
      }
      const hash = key.hash(words, 0, arena);
      assert.ok(hash !== UNKEYED && (hash | 0) === hash);
      for (let bit = 0; bit < 8 * bytes.length; bit++) {
        const word = bit >> 5;
        if (word === key.offsetWord || word === key.lengthWord) continue;
        const other = words.slice();
        other[word] ^= 1 << (bit & 31);
        assert.notEqual(key.hash(other, 0, arena), hash, `bit ${bit}`);
        assert.equal(key.same(words, 0, arena, other, 0, arena), false);
      }
      if (!algorithm.usesArena) return;
      for (let at = 0; at < 300; at++) {
        const other = arena.slice();
        other[at] ^= 1 << random.below(8);
        const isInside = at >= 10 && at < 267;
        assert.equal(key.hash(words, 0, other) === hash, !isInside);
        assert.equal(key.same(words, 0, arena, words, 0, other), !isInside);
      }
      const moved = new Uint8Array(400);
      moved.set(arena.subarray(10, 267), 100);
      const elsewhere = words.slice();
      elsewhere[key.offsetWord] = 100;
      assert.equal(key.hash(elsewhere, 0, moved), hash);
      assert.equal(key.same(words, 0, arena, elsewhere, 0, moved), true);
    });
  }

  it("has keys of its own each time, so that nobody can look for collisions", () => {
    const words = new Uint32Array(26).fill(0xffff_ffff);
    const hashes = new Set<number>();
    for (let i = 0; i < 100; i++) {
      hashes.add(new RecordKey(secp256k1Recover, 0).hash(words, 0, new Uint8Array(0)));
    }
    assert.equal(hashes.size, 100);
  });

  it("spreads records that count up, whatever the keys", () => {
    for (let round = 0; round < 100; round++) {
      const key = new RecordKey(secp256k1Recover, 0);
      const words = new Uint32Array(26);
      const sets = new Uint8Array(8192);
      for (let i = 0; i < 4096; i++) {
        words[1] = i;
        sets[key.hash(words, 0, new Uint8Array(0)) & 8191]++;
      }
      // Half a record a set on average: ten in one of 100 × 8192 sets would happen once in 10⁴ runs of this test.
      assert.ok(Math.max(...sets) < 10, `${Math.max(...sets)} in one set`);
    }
  });
});

describe("verifier with equal hashes", () => {
  it("answers rightly, once for each record, though all of them collide", async (test) => {
    test.mock.method(RecordKey.prototype, "hash", () => 12_345);
    assert.notEqual(12_345, UNKEYED);
    const verifier = createVerifier({
      algorithms: [keccak256, secp256k1Recover, ethSender],
      backends: [createReferenceBackend()],
    });
    for (const algorithm of [keccak256, secp256k1Recover, ethSender]) {
      for (const { record, arena } of algorithm.examples) {
        const result = new Uint8Array(algorithm.result.byteLength);
        const verdict = algorithm.reference(record, arena, result);
        const twice = new Uint8Array([...record, ...record]);
        for (const again of [false, true]) {
          const outcome = await verifier.submit(algorithm, twice, { arena });
          assert.deepEqual([...outcome.verdicts], [verdict, verdict], `${again}`);
          assert.deepEqual(outcome.results, new Uint8Array([...result, ...result]));
        }
      }
    }
    assert.ok(verifier.metrics.joined > 0 && verifier.metrics.cacheHits > 0);
    await verifier.close();
  });
});
