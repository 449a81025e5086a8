/**
 * Process of the kill test: goes on committing the blocks of a chain that its seed decides, takes some back now and then, and
 * says on standard output what is committed. Usage: kill-writer FOLDER SEED.
 *
 * @module
 */
import { openStateStore } from "../../src/state/store/state-store.ts";
import { blockOfChain, hexOf } from "./kill-chain.ts";

const [, , folder, seed] = process.argv;
const store = await openStateStore(folder, { historyBlocks: 16, trieMemoryBytes: 2 ** 22 });
const report = (line: string) => process.stdout.write(`${line}\n`);
report(`open ${store.head?.number ?? -1n}`);
for (;;) {
  const next = (store.head?.number ?? -1n) + 1n;
  const { hash, diff } = blockOfChain(Number(seed), next);
  await store.commit({ number: next, hash, diff });
  report(`committed ${next} ${hexOf(store.root)}`);
  if (next % 23n === 22n) {
    report(`reverting ${next - 3n}`);
    await store.revert(3);
    report(`reverted ${store.head!.number}`);
    // Forward again past the place, so that the chain grows.
    for (let number = store.head!.number + 1n; number <= next + 1n; number++) {
      const block = blockOfChain(Number(seed), number);
      await store.commit({ number, hash: block.hash, diff: block.diff });
      report(`committed ${number} ${hexOf(store.root)}`);
    }
  }
}
