/**
 * Updates on their way into a trie.
 *
 * @module
 */

/** Longest key of a trie, in bytes. */
export const MAX_KEY_BYTES = 255;

const NOTHING = new Uint8Array(0);

/** Updates of one trie, in any order; of equal keys the last counts. */
export class UpdateBatch {
  #bytes = new Uint8Array(1 << 12);
  #used = 0;
  #entries = new Uint32Array(1 << 8);
  #count = 0;

  /** Updates so far. */
  get count(): number {
    return this.#count;
  }

  /**
   * Sets the key's value; an empty value deletes the key.
   *
   * @throws RangeError on a key longer than {@link MAX_KEY_BYTES}.
   */
  put(key: Uint8Array, value: Uint8Array): void {
    if (key.length > MAX_KEY_BYTES) {
      throw new RangeError(
        `trie key: expected at most ${MAX_KEY_BYTES} bytes, got ${key.length} bytes`,
      );
    }
    const at = this.reserve(key.length, value.length);
    this.#bytes.set(key, at);
    this.#bytes.set(value, at + key.length);
  }

  /**
   * Adds an update whose key and value the caller writes to {@link UpdateBatch.bytes}, one behind the other.
   *
   * @param keyBytes at most {@link MAX_KEY_BYTES}; `valueBytes` 0 deletes the key.
   * @returns the place of the key.
   */
  reserve(keyBytes: number, valueBytes: number): number {
    const at = this.#used;
    this.#ensure(at + keyBytes + valueBytes);
    this.#used += keyBytes + valueBytes;
    this.#add(at, keyBytes, at + keyBytes, valueBytes);
    return at;
  }

  /** Sets many values that lie back to back: that of `keyOf(i)` is `bytes[offsets[i] … offsets[i + 1])`; an empty one deletes its key. */
  putAll(keyOf: (index: number) => Uint8Array, bytes: Uint8Array, offsets: Uint32Array): void {
    const count = offsets.length - 1;
    const values = this.#used;
    let keyBytes = 0;
    for (let i = 0; i < count; i++) keyBytes += keyOf(i).length;
    this.#ensure(values + offsets[count] + keyBytes);
    this.#bytes.set(bytes.subarray(0, offsets[count]), values);
    let at = values + offsets[count];
    for (let i = 0; i < count; i++) {
      const key = keyOf(i);
      for (let j = 0; j < key.length; j++) this.#bytes[at + j] = key[j];
      this.#add(at, key.length, values + offsets[i], offsets[i + 1] - offsets[i]);
      at += key.length;
    }
    this.#used = at;
  }

  #ensure(end: number): void {
    if (end <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(end, this.#bytes.length * 2));
    larger.set(this.#bytes.subarray(0, this.#used));
    this.#bytes = larger;
  }

  #add(key: number, keyBytes: number, value: number, valueBytes: number): void {
    const entry = this.#count * 4;
    if (entry === this.#entries.length) {
      const larger = new Uint32Array(this.#entries.length * 2);
      larger.set(this.#entries);
      this.#entries = larger;
    }
    this.#entries[entry] = key;
    this.#entries[entry + 1] = keyBytes;
    this.#entries[entry + 2] = value;
    this.#entries[entry + 3] = valueBytes;
    this.#count++;
  }

  /** Keys and values; another array after a `reserve` that needed more room. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** Deletes the key, where it exists. */
  delete(key: Uint8Array): void {
    this.put(key, NOTHING);
  }

  /** Empties the batch for reuse. */
  clear(): void {
    this.#used = 0;
    this.#count = 0;
  }

  /** Key and value bytes, and four u32 an update: key offset, key length, value offset, value length (views). */
  contents(): { bytes: Uint8Array; entries: Uint32Array } {
    return {
      bytes: this.#bytes.subarray(0, this.#used),
      entries: this.#entries.subarray(0, this.#count * 4),
    };
  }
}
