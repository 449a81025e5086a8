/** Stores in memory and on disk: commits, views of the past, reorganisations, other threads, re-opening. @module */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { verifyAccountProofs } from "../../src/state/proof.ts";
import type { StateSource } from "../../src/state/source.ts";
import { WriteBatch } from "../../src/state/store/key-value.ts";
import { openLevelStore } from "../../src/state/store/level.ts";
import { FORMAT, FORMAT_KEY } from "../../src/state/store/records.ts";
import { createSharedMemoryStore } from "../../src/state/store/shared-memory.ts";
import {
  createMemoryStore,
  openStateStore,
  type StateStore,
  type StateStoreOptions,
} from "../../src/state/store/state-store.ts";
import { applyToModel, type Model, modelRoot, randomDiff } from "./model.ts";
import { bytesOf, createRandom, hexOf, SLOW } from "./random.ts";

const hashOfBlock = (number: bigint, branch = 0): Uint8Array =>
  keccak_256(Buffer.from(`${number}/${branch}`));

const cloneModel = (model: Model): Model =>
  new Map(
    [...model].map(([key, account]) => [key, { ...account, storage: new Map(account.storage) }]),
  );

/** What a source answers for everything that either model knows. */
function assertSource(source: StateSource, model: Model, known: Model, where: string): void {
  for (const [name, other] of known) {
    const address = bytesOf(name);
    const account = model.get(name);
    const got = source.account(address);
    assert.equal(got?.balance, account?.balance, `${where}: balance of ${name}`);
    assert.equal(got?.nonce, account?.nonce, `${where}: nonce of ${name}`);
    if (account) assert.equal(hexOf(got!.codeHash), hexOf(account.codeHash), `${where}: code hash`);
    for (const slot of new Set([...other.storage.keys(), ...(account?.storage.keys() ?? [])])) {
      assert.equal(
        hexOf(source.storage(address, bytesOf(slot))),
        hexOf(account?.storage.get(slot) ?? new Uint8Array(32)),
        `${where}: slot ${slot} of ${name}`,
      );
    }
  }
}

const kinds: Record<
  string,
  (
    options: StateStoreOptions,
    use: (open: () => Promise<StateStore>) => Promise<void>,
  ) => Promise<void>
> = {
  async memory(options, use) {
    const store = createMemoryStore(options);
    await use(async () => store);
    await store.close();
  },
  async disk(options, use) {
    const folder = mkdtempSync(join(tmpdir(), "lanewise-state-"));
    let store: StateStore | undefined;
    try {
      await use(async () => {
        await store?.close();
        store = await openStateStore(folder, { ...options, sync: false });
        return store;
      });
    } finally {
      await store?.close();
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

for (const [kind, withStore] of Object.entries(kinds)) {
  test(`${kind}: a chain with reorganisations is the model at every block kept`, async () => {
    for (let seed = 1; seed <= (SLOW ? 12 : 3); seed++) {
      await withStore(
        { historyBlocks: 8, trieMemoryBytes: seed % 2 ? 2 ** 30 : 1 },
        async (open) => {
          let store = await open();
          const random = createRandom(seed);
          /** Model after each block. */
          const past: Model[] = [new Map()];
          const everything: Model = new Map();
          for (let step = 0; step < 40; step++) {
            const action = random(10);
            if (action === 0 && past.length > 3) {
              const blocks = 1 + random(Math.min(3, past.length - 2));
              const keptBack = past.length - 1 - blocks;
              const head = await store.revert(blocks);
              past.length -= blocks;
              assert.equal(head?.number, BigInt(keptBack));
            } else if (action === 1) {
              store = await open();
            } else {
              const number = BigInt(past.length);
              const model = cloneModel(past.at(-1)!);
              const diff = randomDiff(random, model);
              applyToModel(model, diff);
              applyToModel(everything, diff);
              const expectedRoot = await modelRoot(model);
              const hash = hashOfBlock(number, step);
              if (random(4) === 0) {
                const wrong = await store.commit({ number, hash, diff, expectedRoot: hash });
                assert.deepEqual(
                  [wrong.committed, hexOf(wrong.root)],
                  [false, hexOf(expectedRoot)],
                );
              }
              const pinned = store.view();
              const outcome = await store.commit({ number, hash, diff, expectedRoot });
              assert.equal(outcome.committed, true, `seed ${seed}, block ${number}`);
              assertSource(pinned, past.at(-1)!, everything, `pinned before block ${number}`);
              pinned.close();
              past.push(model);
              for (const { codeHash, code } of [...diff.values()].flatMap(({ account, code }) =>
                account && code ? [{ codeHash: account.codeHash, code }] : [],
              )) {
                const view = store.view();
                assert.deepEqual(Uint8Array.from(view.code(codeHash)), code);
                assert.equal(hexOf(view.blockHash(number)), hexOf(hash));
                view.close();
              }
            }
            const height = past.length - 1;
            assert.equal(hexOf(store.root), hexOf(await modelRoot(past[height])));
            for (let back = 0; back <= Math.min(5, height - 1); back += 1 + random(2)) {
              const view = store.view(BigInt(height - back));
              assertSource(view, past[height - back], everything, `seed ${seed}, ${back} back`);
              assert.equal(
                hexOf(view.block!.stateRoot),
                hexOf(await modelRoot(past[height - back])),
              );
              view.close();
            }
          }
          const proofs = await store.prove(
            [...everything.keys()].map((name) => ({ address: bytesOf(name) })),
          );
          for (const outcome of verifyAccountProofs(store.root, proofs))
            assert.equal(outcome.valid, true);
        },
      );
    }
  });

  test(`${kind}: what is out of reach is named`, async () => {
    await withStore({ historyBlocks: 2 }, async (open) => {
      const store = await open();
      const random = createRandom(1);
      for (let number = 7n; number < 13n; number++) {
        const diff = randomDiff(random, new Map());
        await store.commit({ number, hash: hashOfBlock(number), diff });
      }
      assert.throws(() => store.view(9n), { code: "ERR_STATE_MISSING" });
      assert.throws(() => store.view(13n), { code: "ERR_STATE_MISSING" });
      await assert.rejects(store.revert(3), { code: "ERR_STATE_MISSING" });
      const view = store.view();
      assert.throws(() => view.code(new Uint8Array(32)), { code: "ERR_STATE_MISSING" });
      assert.throws(() => view.blockHash(13n), { code: "ERR_STATE_MISSING" });
      assert.equal(hexOf(view.blockHash(7n)), hexOf(hashOfBlock(7n)));
      view.close();
      const diff = new Map();
      await assert.rejects(
        store.commit({ number: 15n, hash: new Uint8Array(32), diff }),
        RangeError,
      );
      assert.equal((await store.revert(2))?.number, 10n);
      assert.equal(store.head?.number, 10n);
      const last = store.commit({ number: 11n, hash: hashOfBlock(11n), diff });
      await store.close();
      assert.equal((await last).committed, true);
      assert.throws(() => store.view(), { code: "ERR_CLOSED" });
    });
  });

  test(`${kind}: worker threads read pinned views while blocks are committed`, async () => {
    await withStore({ historyBlocks: 64 }, async (open) => {
      const store = await open();
      const random = createRandom(3);
      const model: Model = new Map();
      for (let number = 1n; number <= 5n; number++) {
        const diff = randomDiff(random, model);
        applyToModel(model, diff);
        await store.commit({ number, hash: hashOfBlock(number), diff });
      }
      const worker = new Worker(new URL("./store-reader.js", import.meta.url), {
        workerData: { view: store.share(), accounts: [...model.keys()], rounds: 200 },
      });
      const answer = new Promise<string[]>((resolve, reject) => {
        worker.once("message", resolve).once("error", reject);
      });
      const expected = [...model].map(([, { balance, nonce }]) => `${nonce}/${balance}`);
      for (let number = 6n; number <= 40n; number++) {
        await store.commit({ number, hash: hashOfBlock(number), diff: randomDiff(random, model) });
      }
      assert.deepEqual(await answer, expected);
      await worker.terminate();
    });
  });
}

function batchOf(changes: readonly { key: Uint8Array; value: Uint8Array | undefined }[]) {
  const batch = new WriteBatch();
  for (const { key, value } of changes) {
    if (value) batch.put(key, value);
    else batch.delete(key);
  }
  return batch;
}

test("disk: a database of another format is refused, and left as it is", async () => {
  const folder = mkdtempSync(join(tmpdir(), "lanewise-format-"));
  try {
    const store = await openStateStore(folder);
    const hash = hashOfBlock(1n);
    await store.commit({ number: 1n, hash, diff: randomDiff(createRandom(2), new Map()) });
    await store.close();
    const setFormat = async (format: number | undefined): Promise<void> => {
      const level = await openLevelStore(folder);
      const changes = new WriteBatch();
      if (format === undefined) changes.delete(FORMAT_KEY);
      else changes.put(FORMAT_KEY, Uint8Array.of(format));
      await level.write(changes);
      await level.close();
    };
    for (const [format, got] of [
      [FORMAT + 1, `got ${FORMAT + 1}`],
      [undefined, "got none"],
    ] as const) {
      await setFormat(format);
      await assert.rejects(openStateStore(folder), (error: Error & { code?: string }) => {
        return error.code === "ERR_SOURCE" && error.message.includes(got);
      });
    }
    await setFormat(FORMAT);
    const again = await openStateStore(folder);
    assert.equal(again.head?.number, 1n);
    await again.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("shared memory: many keys, rewritten and deleted, read at every version", async () => {
  const store = createSharedMemoryStore({ listedPrefixBytes: 2, maxBytes: 2 ** 26 });
  const random = createRandom(8);
  const now = new Map<string, Uint8Array | undefined>();
  const pinned: { reader: ReturnType<typeof store.reader>; contents: typeof now }[] = [];
  for (let round = 0; round < 60; round++) {
    const changes = Array.from({ length: random(600) }, () => {
      const key = Uint8Array.of(1, random(3), random(256), random(40));
      const value = random(3) ? new Uint8Array(random(50)).fill(round) : undefined;
      now.set(hexOf(key), value);
      return { key, value };
    });
    await store.write(batchOf(changes));
    if (round % 6 === 0) pinned.push({ reader: store.reader(), contents: new Map(now) });
  }
  pinned.push({ reader: store.reader(), contents: now });
  for (const { reader, contents } of pinned) {
    for (const key of now.keys()) assert.deepEqual(reader.get(bytesOf(key)), contents.get(key));
  }
  for (const second of [0, 1, 2]) {
    const listed = await store.list(Uint8Array.of(1, second));
    const live = [...now].filter(([key, value]) => value && bytesOf(key)[1] === second);
    assert.deepEqual(listed.map(hexOf).sort(), live.map(([key]) => key).sort());
  }
  const reader = store.reader();
  const [key] = [...now].find(([, value]) => value !== undefined)!;
  const large = { key: bytesOf(key), value: new Uint8Array(2 ** 26) };
  await assert.rejects(store.write(batchOf([{ ...large, value: undefined }, large])), {
    code: "ERR_SOURCE",
  });
  assert.deepEqual(store.reader().get(bytesOf(key)), reader.get(bytesOf(key)));
});
