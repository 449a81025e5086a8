/**
 * Roots of ordered tries: rlp(index) → item, as transactions, receipts and withdrawals are committed to (Yellow Paper §4.3.2).
 *
 * @module
 */
import { encodeRlp } from "../chains/ethereum/rlp.ts";
import { TrieModule } from "./trie/module.ts";
import { UpdateBatch } from "./trie/update-batch.ts";

/** A module that has grown beyond this is given back rather than kept for the next root. */
const MOST_MEMORY_KEPT_BYTES = 64 * 2 ** 20;
const MOST_BATCH_KEPT_BYTES = 16 * 2 ** 20;

/** Keys of the first items: rlp(index). */
const keys: Uint8Array[] = [];
let kept: TrieModule | undefined;
let batch = new UpdateBatch();

/** Items back to back: number i is `bytes[offsets[i] … offsets[i + 1])`. */
export interface PackedItems {
  readonly bytes: Uint8Array;
  readonly offsets: Uint32Array;
}

/** Root of the trie that maps each index to its item; keccak256(rlp("")) for no items. */
export function orderedTrieRootSync(items: readonly Uint8Array[] | PackedItems): Uint8Array {
  batch.clear();
  if ("offsets" in items) batch.putAll(keyOf, items.bytes, items.offsets);
  else for (let index = 0; index < items.length; index++) batch.put(keyOf(index), items[index]);
  const module = kept ?? new TrieModule();
  kept = undefined;
  const trie = module.open(0);
  module.update(trie, batch);
  module.commit([trie]);
  const root = module.root(trie);
  if (batch.bytes.length > MOST_BATCH_KEPT_BYTES) batch = new UpdateBatch();
  if (module.memoryBytes <= MOST_MEMORY_KEPT_BYTES) {
    module.reset();
    kept = module;
  }
  return root;
}

function keyOf(index: number): Uint8Array {
  keys[index] ??= encodeRlp(index);
  return keys[index];
}

/** {@link orderedTrieRootSync} as a promise. */
export async function orderedTrieRoot(items: readonly Uint8Array[]): Promise<Uint8Array> {
  return orderedTrieRootSync(items);
}
