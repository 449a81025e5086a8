/** The trie against the TrieTests suite and, batch by random batch, against `@ethereumjs/mpt`. @module */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createMerkleProof, MerklePatriciaTrie } from "@ethereumjs/mpt";
import { EMPTY_TRIE_ROOT, TrieModule } from "../../src/state/trie/module.ts";
import { createTrie } from "../../src/state/trie/trie.ts";
import { UpdateBatch } from "../../src/state/trie/update-batch.ts";
import { corpusJson, corpusSkip } from "../support/corpus.ts";
import { createRandom, hexOf, randomBytes, SLOW } from "./random.ts";

type Entry = readonly [key: string, value: string | null];

const textBytes = (text: string): Uint8Array =>
  text.startsWith("0x") ? Buffer.from(text.slice(2), "hex") : Buffer.from(text);

for (const name of [
  "trieanyorder",
  "trieanyorder_secureTrie",
  "trietest",
  "trietest_secureTrie",
] as const) {
  test(`TrieTests ${name}`, { skip: corpusSkip }, () => {
    const cases = corpusJson("ethereum-tests", "TrieTests", `${name}.json`) as Record<
      string,
      { in: Entry[] | Record<string, string>; root: string }
    >;
    assert.ok(Object.keys(cases).length > 0);
    for (const [title, { in: input, root }] of Object.entries(cases)) {
      const entries = (Array.isArray(input) ? input : Object.entries(input)).map(
        ([key, value]) => [textBytes(key), value === null ? null : textBytes(value)] as const,
      );
      const secure = name.endsWith("secureTrie");
      const batch = createTrie({ secure });
      batch.update(entries);
      assert.equal(hexOf(batch.root()), root, `${title} in one batch`);
      const single = createTrie({ secure });
      for (const entry of entries) {
        single.update([entry]);
        single.root();
      }
      assert.equal(hexOf(single.root()), root, `${title} one by one`);
    }
  });
}

test("TrieTests trietestnextprev", { skip: corpusSkip }, () => {
  const cases = corpusJson("ethereum-tests", "TrieTests", "trietestnextprev.json") as Record<
    string,
    { in: string[]; tests: [string, string, string][] }
  >;
  for (const { in: keys, tests } of Object.values(cases)) {
    const trie = createTrie();
    trie.update(keys.map((key) => [textBytes(key), textBytes(key)]));
    for (const [key, previous, next] of tests) {
      const at = textBytes(key);
      assert.equal(Buffer.from(trie.previous(at)?.[0] ?? []).toString(), previous, `before ${key}`);
      assert.equal(Buffer.from(trie.next(at)?.[0] ?? []).toString(), next, `after ${key}`);
    }
  }
});

/** Keys that meet in long prefixes, lead one another, end in branches, or are plain hashes. */
const shapes: readonly {
  readonly name: string;
  /** Whether no key leads another; `@ethereumjs/mpt` deletes only such keys rightly. */
  readonly prefixFree: boolean;
  readonly key: (random: (n: number) => number) => Uint8Array;
}[] = [
  {
    name: "neighbours",
    prefixFree: true,
    key: (random) => new Uint8Array(32).fill(random(40), 31),
  },
  {
    name: "long shared prefixes",
    prefixFree: true,
    key: (random) => new Uint8Array(32).fill(0xaa).fill(random(3), random(31), 31),
  },
  {
    name: "few nibbles",
    prefixFree: false,
    key: (random) =>
      Uint8Array.from({ length: 1 + random(4) }, () => [0, 1, 16, 17, 255][random(5)]),
  },
  { name: "hashes", prefixFree: true, key: (random) => randomBytes(random, 32) },
  {
    name: "keys that lead one another",
    prefixFree: false,
    key: (random) => randomBytes(random, 1 + random(3)),
  },
];

const VALUE_BYTES = [1, 2, 5, 20, 28, 30, 31, 32, 33, 60, 90, 300];

/** Runs random batches on one trie; returns how many. */
async function campaign(random: (n: number) => number): Promise<number> {
  const { name, prefixFree, key } = shapes[random(shapes.length)];
  const trie = createTrie();
  let oracle = new MerklePatriciaTrie();
  const live = new Map<string, readonly [Uint8Array, Uint8Array]>();
  const drawLive = () => [...live.values()][random(live.size)][0];
  const rounds = 1 + random(10);
  for (let round = 0; round < rounds; round++) {
    const updates: [Uint8Array, Uint8Array | null][] = [];
    const deletionsInTen = [0, 2, 5, 9][random(4)];
    for (let left = [1, 1, 2, 3, 8, 30][random(6)]; left > 0; left--) {
      const isDeletion = random(10) < deletionsInTen;
      const known = isDeletion && live.size > 0 && random(4) > 0;
      const value = new Uint8Array(VALUE_BYTES[random(12)]).fill(1 + random(255));
      updates.push([known ? drawLive() : key(random), isDeletion ? null : value]);
    }
    if (random(12) === 0) for (const [at] of live.values()) updates.push([at, null]);
    trie.update(updates);
    for (const [at, value] of updates) {
      if (value) live.set(hexOf(at), [at, value]);
      else live.delete(hexOf(at));
      if (prefixFree && value) await oracle.put(at, value);
      else if (prefixFree) await oracle.del(at);
    }
    if (!prefixFree) {
      oracle = new MerklePatriciaTrie();
      for (const [at, value] of live.values()) await oracle.put(at, value);
    }
    assert.equal(hexOf(trie.root()), hexOf(oracle.root()), `${name}, round ${round}`);
    const probe = live.size > 0 && random(2) === 0 ? drawLive() : key(random);
    assert.deepEqual(trie.get(probe), live.get(hexOf(probe))?.[1]);
    if (live.size === 0) continue;
    // The library lists embedded nodes too; eth_getProof leaves them in their parents.
    const proof = (await createMerkleProof(oracle, probe)).filter(
      (node, index) => index === 0 || node.length >= 32,
    );
    assert.deepEqual(trie.prove([probe])[0].map(hexOf), proof.map(hexOf), `${name}: proof`);
  }
  return rounds;
}

test("random batches give the roots, values and proofs of @ethereumjs/mpt", async () => {
  const most = SLOW ? 12_000 : 600;
  let batches = 0;
  for (let seed = 1; batches < most; seed++) batches += await campaign(createRandom(seed));
});

test("the order of updates does not matter, empty keys and branch values included", () => {
  for (let seed = 1; seed <= 40; seed++) {
    const random = createRandom(seed);
    const entries = Array.from({ length: 1 + random(40) }, () => {
      const key = Uint8Array.from({ length: random(4) }, () => random(3));
      return [key, new Uint8Array(1 + random(40)).fill(1 + random(255))] as const;
    });
    const distinct = new Map(entries.map((entry) => [hexOf(entry[0]), entry]));
    const whole = createTrie();
    whole.update(entries);
    const stepwise = createTrie();
    for (const entry of [...distinct.values()].reverse()) {
      stepwise.update([entry]);
      stepwise.root();
    }
    assert.equal(hexOf(stepwise.root()), hexOf(whole.root()), `seed ${seed}`);
    for (const [key, value] of distinct.values()) {
      assert.deepEqual(whole.get(key), value);
      stepwise.update([[key, undefined]]);
    }
    assert.equal(hexOf(stepwise.root()), hexOf(EMPTY_TRIE_ROOT), `seed ${seed} emptied`);
    assert.equal(stepwise.next(new Uint8Array(0)), undefined);
  }
});

test("entries are walked in order both ways", () => {
  const random = createRandom(9);
  const keys = new Set(
    Array.from({ length: 300 }, () => hexOf(randomBytes(random, 1 + random(3)))),
  );
  const trie = createTrie();
  trie.update([...keys].map((key) => [Buffer.from(key.slice(2), "hex"), Uint8Array.of(1)]));
  const sorted = [...keys].map((key) => Buffer.from(key.slice(2), "hex")).sort(Buffer.compare);
  let at: Uint8Array = new Uint8Array(0);
  for (const key of sorted) {
    at = trie.next(at)![0];
    assert.equal(hexOf(at), hexOf(key));
  }
  assert.equal(trie.next(at), undefined);
  for (const key of sorted.toReversed().slice(1)) {
    at = trie.previous(at)![0];
    assert.equal(hexOf(at), hexOf(key));
  }
  assert.equal(trie.previous(at), undefined);
});

test("memory is used again: rewriting and emptying a trie does not grow it", () => {
  const random = createRandom(4);
  const keys = Array.from({ length: 2000 }, () => randomBytes(random, 32));
  const trie = createTrie();
  const fill = (size: number) => {
    trie.update(keys.map((key) => [key, new Uint8Array(size).fill(7)]));
    trie.root();
  };
  fill(40);
  fill(90);
  trie.update(keys.map((key) => [key, undefined]));
  trie.root();
  const before = trie.memoryBytes;
  for (let round = 0; round < 5; round++) {
    fill(90);
    trie.update(keys.map((key) => [key, undefined]));
    assert.equal(hexOf(trie.root()), hexOf(EMPTY_TRIE_ROOT));
  }
  assert.equal(trie.memoryBytes, before);
});

test("values of any size", async () => {
  const oracle = new MerklePatriciaTrie();
  const trie = createTrie();
  for (const [index, size] of [
    1, 55, 56, 255, 256, 642, 680, 700, 65_535, 65_536, 300_000,
  ].entries()) {
    const key = new Uint8Array(32).fill(index * 3);
    const value = new Uint8Array(size).fill(index + 1);
    await oracle.put(key, value);
    trie.update([[key, value]]);
    assert.equal(hexOf(trie.root()), hexOf(oracle.root()), `${size} bytes`);
  }
});

test("nodes known by their hash are loaded, checked, and journalled by place", () => {
  const random = createRandom(31);
  const store = new Map<string, Uint8Array>();
  const placeOf = (path: Uint8Array, nibbles: number) => `${nibbles}:${hexOf(path)}`;
  const loadNode = ({ path, nibbles }: { path: Uint8Array; nibbles: number }) => {
    const rlp = store.get(placeOf(path, nibbles));
    if (rlp === undefined) throw new Error(`no node at ${placeOf(path, nibbles)}`);
    return rlp;
  };
  const whole = createTrie();
  const live = new Map<string, Uint8Array>();
  let root: Uint8Array = EMPTY_TRIE_ROOT;
  for (let round = 0; round < 60; round++) {
    // A new module each round: every node it needs comes from the store.
    const module = new TrieModule({ loadNode, journal: true });
    const trie = module.open(5, root);
    const batch = new UpdateBatch();
    const updates: [Uint8Array, Uint8Array | undefined][] = [];
    for (let left = 1 + random(30); left > 0; left--) {
      const known = [...live.values()];
      const remove = known.length > 0 && random(3) > 0;
      const key = remove ? known[random(known.length)] : shapes[random(2)].key(random);
      updates.push([key, remove ? undefined : randomBytes(random, 1 + random(60))]);
    }
    for (const [key, value] of updates) {
      if (value) live.set(hexOf(key), key);
      else live.delete(hexOf(key));
      if (value) batch.put(key, value);
      else batch.delete(key);
    }
    module.update(trie, batch);
    module.commit([trie]);
    root = module.root(trie);
    whole.update(updates);
    assert.equal(hexOf(root), hexOf(whole.root()), `round ${round}`);
    for (const { trieId, path, nibbles, rlp } of module.takeChanges()) {
      assert.equal(trieId, 5);
      if (rlp) store.set(placeOf(path, nibbles), rlp.slice());
      else store.delete(placeOf(path, nibbles));
    }
    assert.deepEqual(module.takeChanges(), []);
  }
  // What is left in the store is the trie and nothing else.
  const used = new Set<string>();
  const fresh = new TrieModule({
    loadNode: (place) => {
      used.add(placeOf(place.path, place.nibbles));
      return loadNode(place);
    },
  });
  const trie = fresh.open(5, root);
  for (const key of live.values()) assert.deepEqual(fresh.get(trie, key), whole.get(key));
  assert.deepEqual(
    [...store.keys()].filter((place) => !used.has(place)),
    [],
  );
  const [place] = [...used].filter((name) => store.has(name));
  store.set(place, Uint8Array.of(0xc1, 0x80));
  const damaged = new TrieModule({ loadNode });
  const handle = damaged.open(5, root);
  assert.throws(
    () => {
      for (const key of live.values()) damaged.get(handle, key);
    },
    { code: "ERR_STATE_MISSING" },
  );
  assert.throws(() => damaged.root(handle), { code: "ERR_CLOSED" });
});

test("large batches, whose subtrees are hashed as they are changed, leave the trie and the journal that small ones leave", async () => {
  const random = createRandom(77);
  const store = new Map<string, Uint8Array>();
  const placeOf = (path: Uint8Array, nibbles: number) => `${nibbles}:${hexOf(path)}`;
  const loadNode = ({ path, nibbles }: { path: Uint8Array; nibbles: number }) =>
    store.get(placeOf(path, nibbles)) ?? assert.fail(`no node at ${placeOf(path, nibbles)}`);
  const live = new Map<string, readonly [Uint8Array, Uint8Array]>();
  const keptInMemory = createTrie();
  let root: Uint8Array = EMPTY_TRIE_ROOT;
  // First nibbles are unlike in number, so that subtrees of all sizes come by; some keys lead others. No value is so short that its
  // leaf lies in its parent: what a node leaves behind that becomes as short stays in the store, unreachable.
  const newKey = () => {
    const key = randomBytes(random, [32, 32, 32, 3, 2][random(5)]);
    key[0] = [0x11, 0x11, 0x12, 0x2f, 0x30, random(256)][random(6)];
    return key;
  };
  const insertions = (count: number): [Uint8Array, Uint8Array][] =>
    Array.from({ length: count }, () => [newKey(), randomBytes(random, 32 + random(60))]);
  const all = () => [...live.values()].map(([key]) => key);
  const rounds: (() => [Uint8Array, Uint8Array | undefined][])[] = [
    () => insertions(3000),
    () => insertions(2500),
    () => [
      ...all()
        .slice(0, 1500)
        .map((key) => [key, undefined] as [Uint8Array, undefined]),
      ...insertions(1500),
    ],
    // All but a few of the keys below some nibbles: branches become leaves, extensions, or join their only child.
    () => all().flatMap((key) => (key[0] >> 4 !== 1 && random(40) > 0 ? [[key, undefined]] : [])),
    () => insertions(4000),
    () => all().flatMap((key) => (random(200) > 0 ? [[key, undefined]] : [])),
    () => insertions(2000),
    () => all().map((key) => [key, undefined]),
  ];
  for (const [round, updatesOf] of rounds.entries()) {
    const updates = updatesOf();
    for (const [key, value] of updates) {
      if (value) live.set(hexOf(key), [key, value]);
      else live.delete(hexOf(key));
    }
    // One by one enters no batch at all.
    const expected = createTrie();
    for (const entry of live.values()) expected.update([entry]);
    const wanted = hexOf(expected.root());
    keptInMemory.update(updates);
    assert.equal(hexOf(keptInMemory.root()), wanted, `round ${round}`);
    const module = new TrieModule({ loadNode, journal: true });
    const trie = module.open(5, root);
    const batch = new UpdateBatch();
    for (const [key, value] of updates) {
      if (value) batch.put(key, value);
      else batch.delete(key);
    }
    module.update(trie, batch);
    module.commit([trie]);
    root = module.root(trie);
    assert.equal(hexOf(root), wanted, `round ${round}, from stored nodes`);
    for (const { path, nibbles, rlp } of module.takeChanges()) {
      if (rlp) store.set(placeOf(path, nibbles), rlp.slice());
      else store.delete(placeOf(path, nibbles));
    }
    const used = new Set<string>();
    const reader = new TrieModule({
      loadNode: (place) => {
        used.add(placeOf(place.path, place.nibbles));
        return loadNode(place);
      },
    });
    const read = reader.open(5, root);
    for (const [key, value] of live.values()) assert.deepEqual(reader.get(read, key), value);
    const left = [...store.keys()].filter((place) => !used.has(place));
    assert.deepEqual(left, [], `round ${round}: nodes that nothing leads to`);
    if (live.size === 0) continue;
    const probes = all().slice(0, 20);
    assert.deepEqual(keptInMemory.prove(probes), expected.prove(probes));
  }
});

test("keys of more than 255 bytes are refused", () => {
  const trie = createTrie();
  trie.update([
    [new Uint8Array(255), Uint8Array.of(1)],
    [new Uint8Array(254), Uint8Array.of(1)],
  ]);
  assert.equal(trie.root().length, 32);
  assert.throws(() => trie.update([[new Uint8Array(256), Uint8Array.of(1)]]), RangeError);
});
