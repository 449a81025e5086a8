/**
 * A Merkle-Patricia trie changed in batches (Yellow Paper, appendix D).
 *
 * @module
 */
import { TrieModule } from "./module.ts";
import { UpdateBatch } from "./update-batch.ts";

/** Options of {@link createTrie}. */
export interface TrieOptions {
  /** Whether entries stand under keccak256 of their key, as accounts and storage slots do. Default `false`. */
  readonly secure?: boolean;
}

/** One trie in memory. */
export class Trie {
  readonly #module = new TrieModule();
  readonly #trie = this.#module.open(0);
  readonly #secure: boolean;
  #stale = false;

  constructor(options: TrieOptions = {}) {
    this.#secure = options.secure ?? false;
  }

  /**
   * Applies updates in one bottom-up pass when the root is next asked for; of equal keys the last counts.
   *
   * @param updates key → value; an empty or absent value deletes the key. Keys: at most 255 bytes.
   */
  update(
    updates: UpdateBatch | Iterable<readonly [Uint8Array, Uint8Array | null | undefined]>,
  ): void {
    let batch = updates;
    if (!(batch instanceof UpdateBatch)) {
      batch = new UpdateBatch();
      for (const [key, value] of updates as Iterable<readonly [Uint8Array, Uint8Array?]>) {
        if (value) batch.put(key, value);
        else batch.delete(key);
      }
    }
    this.#module.update(this.#trie, batch, { hashed: this.#secure });
    this.#stale = true;
  }

  /** The root, 32 bytes. */
  root(): Uint8Array {
    this.#commit();
    return this.#module.root(this.#trie);
  }

  /** The value of a key, or `undefined`. */
  get(key: Uint8Array): Uint8Array | undefined {
    return this.#module.get(this.#trie, this.#place(key));
  }

  /** RLP of the nodes that prove each key's value or absence, root first. */
  prove(keys: readonly Uint8Array[]): Uint8Array[][] {
    this.#commit();
    return keys.map((key) => this.#module.prove(this.#trie, this.#place(key)));
  }

  /** The entry after `key` in the order of the trie's own keys (digests, where it is secure), or `undefined`. */
  next(key: Uint8Array): [key: Uint8Array, value: Uint8Array] | undefined {
    return this.#module.next(this.#trie, key);
  }

  /** The entry before `key` in the order of the trie's own keys (digests, where it is secure), or `undefined`. */
  previous(key: Uint8Array): [key: Uint8Array, value: Uint8Array] | undefined {
    return this.#module.previous(this.#trie, key);
  }

  /** Bytes of memory that the trie's nodes take. */
  get memoryBytes(): number {
    return this.#module.memoryBytes;
  }

  #commit(): void {
    if (this.#stale) this.#module.commit([this.#trie]);
    this.#stale = false;
  }

  #place(key: Uint8Array): Uint8Array {
    return this.#secure ? this.#module.digests([key]) : key;
  }
}

/** An empty trie. */
export function createTrie(options?: TrieOptions): Trie {
  return new Trie(options);
}
