/**
 * Roots of ordered tries: rlp(index) → item, as transactions, receipts and withdrawals are committed to (Yellow Paper §4.3.2).
 *
 * @module
 */
import { encodeRlp } from "../chains/ethereum/rlp.ts";
import { TrieModule, UpdateBatch } from "./trie/module.ts";

/** A module that has grown beyond this is given back rather than kept for the next root. */
const MOST_MEMORY_KEPT_BYTES = 64 * 2 ** 20;

/** Keys of the first items: rlp(index). */
const keys: Uint8Array[] = [];
let kept: TrieModule | undefined;

/** Root of the trie that maps each index to its item; keccak256(rlp("")) for no items. */
export function orderedTrieRootSync(items: readonly Uint8Array[]): Uint8Array {
  const batch = new UpdateBatch();
  for (let index = 0; index < items.length; index++) {
    keys[index] ??= encodeRlp(index);
    batch.put(keys[index], items[index]);
  }
  const module = kept ?? new TrieModule();
  kept = undefined;
  const trie = module.open(0);
  module.update(trie, batch);
  module.commit([trie]);
  const root = module.root(trie);
  if (module.memoryBytes <= MOST_MEMORY_KEPT_BYTES) {
    module.reset();
    kept = module;
  }
  return root;
}

/** {@link orderedTrieRootSync} as a promise. */
export async function orderedTrieRoot(items: readonly Uint8Array[]): Promise<Uint8Array> {
  return orderedTrieRootSync(items);
}
