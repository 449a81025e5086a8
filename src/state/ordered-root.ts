/**
 * Roots of ordered tries: rlp(index) → item, as transactions, receipts and withdrawals are committed to (Yellow Paper §4.3.2).
 *
 * @module
 */
import { MerklePatriciaTrie } from "@ethereumjs/mpt";
import { RLP } from "@ethereumjs/rlp";

/** Root of the trie that maps each index to its item; keccak256(rlp("")) for no items. */
export async function orderedTrieRoot(items: readonly Uint8Array[]): Promise<Uint8Array> {
  const trie = new MerklePatriciaTrie();
  for (const [index, item] of items.entries()) await trie.put(RLP.encode(index), item);
  return trie.root();
}
