/**
 * A bounded, least-recently-used cache of valid answers. Invalid ones are never kept: an attacker could fill it for free.
 *
 * @module
 */

interface Entry {
  readonly result: Uint8Array;
  /** Back end that gave the answer, so that its answers can be forgotten. */
  readonly origin: string;
}

/** Key → result bytes. A key holds every byte that decides the answer. */
export class PositiveCache {
  readonly capacity: number;
  readonly #entries = new Map<string, Entry>();

  /** @param capacity most entries; 0 keeps nothing. */
  constructor(capacity: number) {
    this.capacity = capacity;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): Uint8Array | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    // A Map iterates in insertion order: re-inserting makes the entry the youngest.
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry.result;
  }

  set(key: string, result: Uint8Array, origin: string): void {
    this.#entries.delete(key);
    this.#entries.set(key, { result, origin });
    if (this.#entries.size <= this.capacity) return;
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest);
      break;
    }
  }

  /** Drops every answer of a back end that is not trusted any more. */
  forget(origin: string): void {
    for (const [key, entry] of this.#entries)
      if (entry.origin === origin) this.#entries.delete(key);
  }
}
