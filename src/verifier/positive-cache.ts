/**
 * A bounded, least-recently-used cache of valid answers. Invalid ones are never kept: an attacker could fill it for free.
 *
 * The order of use is a linked list beside the map: to find the oldest key, a map that lost many of its first keys would step over
 * every hole that they left.
 *
 * @module
 */

interface Entry {
  readonly key: string;
  readonly result: Uint8Array;
  /** Back end that gave the answer, so that its answers can be forgotten. */
  readonly origin: string;
  /** Neighbours in the order of use. */
  older: Entry | undefined;
  younger: Entry | undefined;
}

/** Key → result bytes. A key holds every byte that decides the answer. */
export class PositiveCache {
  readonly capacity: number;
  readonly #entries = new Map<string, Entry>();
  #oldest: Entry | undefined;
  #youngest: Entry | undefined;

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
    if (entry !== this.#youngest) {
      this.#unlink(entry);
      this.#link(entry);
    }
    return entry.result;
  }

  set(key: string, result: Uint8Array, origin: string): void {
    if (this.capacity === 0) return;
    const known = this.#entries.get(key);
    if (known !== undefined) this.#unlink(known);
    const entry: Entry = { key, result, origin, older: undefined, younger: undefined };
    this.#entries.set(key, entry);
    this.#link(entry);
    if (this.#entries.size > this.capacity) this.#drop(this.#oldest!);
  }

  /** Drops every answer of a back end that is not trusted any more. */
  forget(origin: string): void {
    for (const entry of this.#entries.values()) if (entry.origin === origin) this.#drop(entry);
  }

  #drop(entry: Entry): void {
    this.#entries.delete(entry.key);
    this.#unlink(entry);
  }

  /** Puts an entry at the young end. */
  #link(entry: Entry): void {
    entry.older = this.#youngest;
    entry.younger = undefined;
    if (this.#youngest === undefined) this.#oldest = entry;
    else this.#youngest.younger = entry;
    this.#youngest = entry;
  }

  #unlink({ older, younger }: Entry): void {
    if (older === undefined) this.#oldest = younger;
    else older.younger = younger;
    if (younger === undefined) this.#youngest = older;
    else younger.older = older;
  }
}
