/**
 * Which records wait or run now, by hash: an open-addressed table over one typed array (linear probing, at most half full, entries moved
 * back on removal, so that no tombstones gather). It holds hashes and names of records; whether two are the same is the owner's to see.
 *
 * @module
 */

const ENTRY_WORDS = 4;
const HASH = 0;
const LOT = 1;
const POSITION = 2;

/** Hash → (lot, position); several entries may have one hash. */
export class InFlightIndex {
  #table = new Int32Array(1024 * ENTRY_WORDS);
  #mask = 1023;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** @param hash not zero. */
  add(hash: number, lot: number, position: number): void {
    if (2 * ++this.#size > this.#mask) this.#grow();
    this.#put(hash, lot, position);
  }

  /** First entry of a hash, for {@link next}, {@link lotAt} and {@link positionAt}; -1 where there is none. Stale after any change. */
  first(hash: number): number {
    return this.#seek(hash, hash & this.#mask);
  }

  next(hash: number, entry: number): number {
    return this.#seek(hash, (entry + 1) & this.#mask);
  }

  lotAt(entry: number): number {
    return this.#table[entry * ENTRY_WORDS + LOT];
  }

  positionAt(entry: number): number {
    return this.#table[entry * ENTRY_WORDS + POSITION];
  }

  /** Takes an entry out; nothing happens where there is none like it. */
  remove(hash: number, lot: number, position: number): void {
    const table = this.#table;
    let entry = this.first(hash);
    while (entry >= 0) {
      const at = entry * ENTRY_WORDS;
      if (table[at + LOT] === lot && table[at + POSITION] === position) break;
      entry = this.next(hash, entry);
    }
    if (entry < 0) return;
    this.#size--;
    // Entries behind the hole move into it unless that is before the place where their search begins.
    const mask = this.#mask;
    let hole = entry;
    for (let i = (hole + 1) & mask; table[i * ENTRY_WORDS] !== 0; i = (i + 1) & mask) {
      const distance = (i - (table[i * ENTRY_WORDS] & mask)) & mask;
      if (distance < ((i - hole) & mask)) continue;
      for (let word = 0; word < ENTRY_WORDS; word++) {
        table[hole * ENTRY_WORDS + word] = table[i * ENTRY_WORDS + word];
      }
      hole = i;
    }
    table[hole * ENTRY_WORDS] = 0;
  }

  #seek(hash: number, from: number): number {
    const table = this.#table;
    const mask = this.#mask;
    for (let entry = from; ; entry = (entry + 1) & mask) {
      const found = table[entry * ENTRY_WORDS];
      if (found === hash) return entry;
      if (found === 0) return -1;
    }
  }

  #put(hash: number, lot: number, position: number): void {
    const table = this.#table;
    let entry = hash & this.#mask;
    while (table[entry * ENTRY_WORDS] !== 0) entry = (entry + 1) & this.#mask;
    const at = entry * ENTRY_WORDS;
    table[at + HASH] = hash;
    table[at + LOT] = lot;
    table[at + POSITION] = position;
  }

  #grow(): void {
    const old = this.#table;
    this.#table = new Int32Array(2 * old.length);
    this.#mask = this.#table.length / ENTRY_WORDS - 1;
    for (let at = 0; at < old.length; at += ENTRY_WORDS) {
      if (old[at] !== 0) this.#put(old[at], old[at + LOT], old[at + POSITION]);
    }
  }
}
