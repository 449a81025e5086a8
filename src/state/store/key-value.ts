/**
 * What a state store needs of the place where it keeps its bytes: pinned reads, atomic writes.
 *
 * @module
 */

/** One change of a write; `value` undefined deletes the key. */
export interface KeyValueChange {
  readonly key: Uint8Array;
  readonly value: Uint8Array | undefined;
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
   * Applies all changes or none, in order; of equal keys the last counts.
   *
   * @throws LanewiseError `ERR_SOURCE` where they cannot be written.
   */
  write(changes: readonly KeyValueChange[]): Promise<void>;
  /** For a reader in another thread; what is pinned is pinned there, when it is opened, or here for the memory kind. */
  share(): SharedContents;
  close(): Promise<void>;
}
