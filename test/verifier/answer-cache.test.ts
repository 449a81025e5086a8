/** The cache of valid answers: against a plain model, under equal hashes, over many laps of its ring, with messages in an arena. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { keccak256, secp256k1Recover, sha256d } from "../../src/index.ts";
import { AnswerCache, type KeyedRecords } from "../../src/verifier/answer-cache.ts";
import { RecordKey, UNKEYED } from "../../src/verifier/record-key.ts";
import { createRandom } from "../../src/workloads/random.ts";

const random = createRandom("answer cache");

/** Records with hashes, and a result for each. */
interface Answers extends KeyedRecords {
  readonly results: Uint32Array;
}

function randomWords(count: number): Uint32Array {
  const bytes = random.bytes(4 * count);
  return new Uint32Array(bytes.slice().buffer);
}

/** `count` random records without messages. */
function answers(key: RecordKey, count: number, hash?: number): Answers {
  const words = randomWords(count * key.recordWords);
  const hashes = Int32Array.from(
    { length: count },
    (_, i) => hash ?? key.hash(words, i * key.recordWords, new Uint8Array(0)),
  );
  const results = randomWords(count * key.resultWords);
  return { key, words, hashes, arena: new Uint8Array(0), results };
}

/** One record with this message at this offset of its arena. */
function withMessage(key: RecordKey, message: Uint8Array, offset: number): Answers {
  const words = new Uint32Array(key.recordWords);
  words[key.offsetWord] = offset;
  words[key.lengthWord] = message.length;
  const arena = random.bytes(offset + message.length + 5);
  arena.set(message, offset);
  const hashes = Int32Array.of(key.hash(words, 0, arena));
  return { key, words, arena, hashes, results: randomWords(key.resultWords) };
}

/** What the cache says of record `i`; `undefined` where it does not know it. */
function lookUp(cache: AnswerCache, { key, words, arena, hashes }: KeyedRecords, i = 0) {
  const at = cache.find(key, hashes[i], words, i * key.recordWords, arena);
  return at < 0 ? undefined : cache.words.slice(at, at + key.resultWords);
}

const resultOf = ({ key, results }: Answers, i = 0) =>
  results.slice(i * key.resultWords, (i + 1) * key.resultWords);

function add(cache: AnswerCache, given: Answers, first = 0, count = 1, origin = 0): void {
  cache.add(given, first, count, given.results, first * given.key.resultWords, origin);
}

describe("AnswerCache", () => {
  it("gives what was put in, and nothing for a record that differs in one bit", () => {
    const cache = new AnswerCache(8192); // no set will get nine of the 300
    const key = new RecordKey(secp256k1Recover, 3);
    const given = answers(key, 300);
    add(cache, given, 0, 300);
    assert.equal(cache.size, 300);
    for (let i = 0; i < 300; i++) {
      assert.deepEqual(lookUp(cache, given, i), resultOf(given, i));
      const other = { ...given, words: given.words.slice() };
      const bit = random.below(32 * key.recordWords);
      other.words[i * key.recordWords + (bit >> 5)] ^= 1 << (bit & 31);
      assert.equal(lookUp(cache, other, i), undefined, "the same hash, another bit");
    }
  });

  it("tells records with one hash apart by their bytes, and keeps a set's newest eight", () => {
    const cache = new AnswerCache(1024);
    const given = answers(new RecordKey(secp256k1Recover, 0), 20, 7);
    for (let i = 0; i < 20; i++) {
      assert.equal(lookUp(cache, given, i), undefined);
      add(cache, given, i);
      for (let j = Math.max(0, i - 7); j <= i; j++) {
        assert.deepEqual(lookUp(cache, given, j), resultOf(given, j));
      }
    }
    assert.equal(lookUp(cache, given, 11), undefined);
    assert.equal(cache.size, 8);
  });

  it("does not mix up algorithms whose records are alike", () => {
    const cache = new AnswerCache(64);
    const [one, two] = [new RecordKey(keccak256, 0), new RecordKey(sha256d, 1)];
    const given = withMessage(one, random.bytes(40), 0);
    add(cache, given);
    assert.equal(lookUp(cache, { ...given, key: two }), undefined);
    assert.deepEqual(lookUp(cache, given), resultOf(given));
  });

  it("compares messages wherever they lie, and only them", () => {
    const cache = new AnswerCache(256);
    const key = new RecordKey(keccak256, 0);
    for (const length of [0, 1, 2, 3, 4, 5, 31, 64, 255, 1023, 1024]) {
      const message = random.bytes(length);
      const given = withMessage(key, message, random.below(9));
      add(cache, given);
      const elsewhere = withMessage(key, message, 10 + random.below(9));
      assert.equal(elsewhere.hashes[0], given.hashes[0], "place is no part of the key");
      assert.deepEqual(lookUp(cache, elsewhere), resultOf(given), `${length} bytes`);
      if (length === 0) continue;
      const other = message.slice();
      other[random.below(length)] ^= 1 << random.below(8);
      const stranger = withMessage(key, other, 3);
      assert.notEqual(stranger.hashes[0], given.hashes[0]);
      assert.equal(lookUp(cache, { ...stranger, hashes: given.hashes }), undefined);
    }
    const long = withMessage(key, random.bytes(1025), 0);
    assert.equal(long.hashes[0], UNKEYED);
    add(cache, long);
    assert.equal(lookUp(cache, long), undefined);
  });

  it("stays bounded and right over many laps, and what is asked for stays", () => {
    const cache = new AnswerCache(64);
    const key = new RecordKey(keccak256, 0);
    const known = new Map<string, Answers>();
    const favourite = withMessage(key, random.bytes(100), 0);
    add(cache, favourite);
    let hits = 0;
    for (let step = 0; step < 5000; step++) {
      const given = withMessage(key, random.bytes(1 + random.below(600)), random.below(4));
      add(cache, given);
      known.set(`${step}`, given);
      if (step % 4 === 0 && lookUp(cache, favourite) !== undefined) {
        assert.deepEqual(lookUp(cache, favourite), resultOf(favourite));
        hits++;
      }
      assert.deepEqual(lookUp(cache, given), resultOf(given), "the newest is there");
      const old = known.get(`${step - random.below(60)}`);
      const found = old && lookUp(cache, old);
      if (found !== undefined) assert.deepEqual(found, resultOf(old as Answers));
      if (step > 200) known.delete(`${step - 200}`);
    }
    assert.ok(cache.size <= 64);
    // Its set of eight may fill up with newer ones; until then it is renewed again and again.
    assert.ok(hits > 5, `${hits} hits of one that the ring alone would have dropped`);
    const stale = withMessage(key, random.bytes(700), 0);
    assert.equal(lookUp(cache, stale), undefined);
  });

  it("takes more records at once than its ring holds", () => {
    const cache = new AnswerCache(64);
    const given = answers(new RecordKey(secp256k1Recover, 0), 1000);
    add(cache, given, 0, 1000);
    let found = 0;
    for (let i = 0; i < 1000; i++) {
      const result = lookUp(cache, given, i);
      if (result === undefined) continue;
      assert.deepEqual(result, resultOf(given, i));
      found++;
    }
    assert.ok(found > 30 && found <= 64, `${found} found`);
  });

  it("forgets the answers of one back end alone", () => {
    const cache = new AnswerCache(8192);
    const key = new RecordKey(secp256k1Recover, 0);
    const [mine, theirs] = [answers(key, 50), answers(key, 50)];
    add(cache, mine, 0, 50, 0);
    add(cache, theirs, 0, 50, 1);
    cache.forget(1);
    assert.equal(cache.size, 50);
    for (let i = 0; i < 50; i++) {
      assert.deepEqual(lookUp(cache, mine, i), resultOf(mine, i));
      assert.equal(lookUp(cache, theirs, i), undefined);
    }
  });

  it("keeps nothing where it may keep nothing", () => {
    const cache = new AnswerCache(0);
    const given = answers(new RecordKey(secp256k1Recover, 0), 1);
    add(cache, given);
    assert.equal(lookUp(cache, given), undefined);
    assert.equal(cache.size, 0);
  });
});
