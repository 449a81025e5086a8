/**
 * What a state store needs of the place where it keeps its bytes: pinned reads, atomic writes.
 *
 * @module
 */

/** Length that stands for a deletion. */
export const DELETED = 0xffff_ffff;

/** The changes of one write, in order, without an object each: keys and values lie one behind the other in one buffer. */
export class WriteBatch {
  #bytes = new Uint8Array(1 << 16);
  #used = 0;
  #entries = new Uint32Array(1 << 10);
  #count = 0;

  /** Changes so far. */
  get count(): number {
    return this.#count;
  }

  /** Keys, values behind them; another array after a `reserve` that needed more room. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** Three u32 a change: place of the key, its bytes, bytes of the value or {@link DELETED}. */
  get entries(): Uint32Array {
    return this.#entries;
  }

  /** Bytes of all keys and values. */
  get size(): number {
    return this.#used;
  }

  /** Adds a change whose key and value the caller writes to `bytes`; `valueBytes` may be {@link DELETED}. Returns the key's place. */
  reserve(keyBytes: number, valueBytes: number): number {
    const at = this.#used;
    const end = at + keyBytes + (valueBytes === DELETED ? 0 : valueBytes);
    if (end > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(end, this.#bytes.length * 2));
      larger.set(this.#bytes.subarray(0, at));
      this.#bytes = larger;
    }
    const entry = this.#count * 3;
    if (entry + 3 > this.#entries.length) {
      const larger = new Uint32Array(this.#entries.length * 2);
      larger.set(this.#entries);
      this.#entries = larger;
    }
    this.#entries[entry] = at;
    this.#entries[entry + 1] = keyBytes;
    this.#entries[entry + 2] = valueBytes;
    this.#used = end;
    this.#count++;
    return at;
  }

  put(key: Uint8Array, value: Uint8Array): void {
    const at = this.reserve(key.length, value.length);
    this.#bytes.set(key, at);
    this.#bytes.set(value, at + key.length);
  }

  delete(key: Uint8Array): void {
    const at = this.reserve(key.length, DELETED);
    this.#bytes.set(key, at);
  }

  /** Empties the batch for reuse. */
  clear(): void {
    this.#used = 0;
    this.#count = 0;
  }
}

/** Reads the contents as they were when the reader was made, whatever is written since. */
export interface KeyValueReader {
  /** The value of a key; not to be written to. */
  get(key: Uint8Array): Uint8Array | undefined;
  /** Lets go of what the reader pins. Idempotent. */
  close(): void;
}

/** What another thread opens a reader with; can be posted to it. */
export type SharedContents =
  | {
      readonly kind: "memory";
      readonly heads: SharedArrayBuffer;
      readonly log: SharedArrayBuffer;
      readonly version: number;
    }
  | { readonly kind: "level"; readonly location: string };

/** Bytes by key, written by one owner. */
export interface KeyValueStore {
  /** Whether the contents outlive the process. */
  readonly persistent: boolean;
  reader(): KeyValueReader;
  /** Every key that starts with `prefix`. */
  list(prefix: Uint8Array): Promise<Uint8Array[]>;
  /**
   * Applies all changes or none, in order; of equal keys the last counts. The batch is the caller's again when it is done.
   *
   * @throws LanewiseError `ERR_SOURCE` where they cannot be written.
   */
  write(changes: WriteBatch): Promise<void>;
  /** For a reader in another thread; what is pinned is pinned there, when it is opened, or here for the memory kind. */
  share(): SharedContents;
  close(): Promise<void>;
}
