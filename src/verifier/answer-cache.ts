/**
 * A bounded cache of valid answers, in flat memory. Invalid ones are never kept: an attacker could fill it for free.
 *
 * Entries (record, message, result) are appended to a ring of words, so that the oldest are overwritten; a set-associative table
 * of hashes says where they lie. Eviction: the oldest of a full set, and whatever the ring has overwritten. A hit on an entry in the
 * older half of the ring appends it anew, so that what is asked for stays (a second chance rather than exact recency).
 *
 * @module
 */
import type { RecordKey } from "./record-key.ts";

/** Places that an entry may lie in: neighbours, searched one by one. */
const WAYS = 8;

/** Words of the ring per entry: what a recovery takes is 49, so that its entries are bounded by number. */
const WORDS_PER_ENTRY = 64;

/** Words before an entry's record: algorithm and origin, words of the message. */
const HEAD_WORDS = 2;

/** The cache; hashes are those of {@link RecordKey}. */
export class AnswerCache {
  /** Most entries: a power of two, or 0. */
  readonly capacity: number;
  readonly #hashes: Int32Array;
  /** Where each entry begins, counted in words since the cache was made. */
  readonly #positions: Float64Array;
  /** The ring. */
  readonly words: Uint32Array;
  #head = 0;

  /** @param capacity most entries, rounded up to a power of two; 0 keeps nothing. */
  constructor(capacity: number) {
    this.capacity = capacity === 0 ? 0 : 2 ** Math.ceil(Math.log2(Math.max(capacity, WAYS)));
    this.#hashes = new Int32Array(this.capacity);
    this.#positions = new Float64Array(this.capacity);
    this.words = new Uint32Array(this.capacity * WORDS_PER_ENTRY);
  }

  /** Entries that would be found. */
  get size(): number {
    let size = 0;
    for (let way = 0; way < this.capacity; way++) if (this.#isLive(way)) size++;
    return size;
  }

  /** Where in {@link words} the result of a record begins; -1 where it is not known. Stale after any further call. */
  find(key: RecordKey, hash: number, words: Uint32Array, at: number, arena: Uint8Array): number {
    if (this.capacity === 0) return -1;
    const hashes = this.#hashes;
    const first = this.#setOf(hash);
    for (let way = first; way < first + WAYS; way++) {
      if (hashes[way] !== hash || !this.#isLive(way)) continue;
      if (!this.#holds(this.#positions[way], key, words, at, arena)) continue;
      if (this.#positions[way] < this.#head - this.words.length / 2) this.#renew(way, key);
      const entry = this.#positions[way] % this.words.length;
      return entry + HEAD_WORDS + key.recordWords + this.words[entry + 1];
    }
    return -1;
  }

  /**
   * Keeps an answer that is not in the cache. One that would take more than an eighth of the ring is not kept.
   *
   * @param origin number of the back end that gave it, below 2¹⁶.
   * @param results holds `key.resultWords` words of result from `resultAt` on.
   */
  add(
    key: RecordKey,
    hash: number,
    words: Uint32Array,
    at: number,
    arena: Uint8Array,
    results: Uint32Array,
    resultAt: number,
    origin: number,
  ): void {
    const { recordWords, resultWords, offsetWord } = key;
    const messageBytes = key.messageBytes(words, at);
    const messageWords = (messageBytes + 3) >>> 2;
    const length = HEAD_WORDS + recordWords + messageWords + resultWords;
    if (8 * length > this.words.length) return;
    const position = this.#append(length);
    const to = position % this.words.length;
    const ring = this.words;
    ring[to] = (origin << 16) | key.ordinal;
    ring[to + 1] = messageWords;
    let next = to + HEAD_WORDS;
    for (let i = 0; i < recordWords; i++) ring[next++] = words[at + i];
    if (offsetWord >= 0) {
      const from = words[at + offsetWord];
      for (let i = 0; i < messageBytes; i += 4) {
        ring[next++] = wordAt(arena, from + i, messageBytes - i);
      }
    }
    for (let i = 0; i < resultWords; i++) ring[next++] = results[resultAt + i];
    const way = this.#wayFor(hash);
    this.#hashes[way] = hash;
    this.#positions[way] = position;
  }

  /** Drops every answer of a back end that is not trusted any more. */
  forget(origin: number): void {
    for (let way = 0; way < this.capacity; way++) {
      const entry = this.#positions[way] % this.words.length;
      if (this.#isLive(way) && this.words[entry] >>> 16 === origin) this.#hashes[way] = 0;
    }
  }

  #setOf(hash: number): number {
    return (hash & (this.capacity / WAYS - 1)) * WAYS;
  }

  #isLive(way: number): boolean {
    return this.#hashes[way] !== 0 && this.#positions[way] >= this.#head - this.words.length;
  }

  /** Whether the entry at a position is of this record. */
  #holds(
    position: number,
    key: RecordKey,
    words: Uint32Array,
    at: number,
    arena: Uint8Array,
  ): boolean {
    const ring = this.words;
    const { recordWords, offsetWord } = key;
    const entry = position % ring.length;
    if ((ring[entry] & 0xffff) !== key.ordinal) return false;
    let next = entry + HEAD_WORDS;
    for (let i = 0; i < recordWords; i++) {
      if (ring[next++] !== words[at + i] && i !== offsetWord) return false;
    }
    if (offsetWord < 0) return true;
    const from = words[at + offsetWord];
    const bytes = key.messageBytes(words, at);
    for (let i = 0; i < bytes; i += 4) {
      if (ring[next++] !== wordAt(arena, from + i, bytes - i)) return false;
    }
    return true;
  }

  /** Appends an entry's words anew. */
  #renew(way: number, key: RecordKey): void {
    const from = this.#positions[way] % this.words.length;
    const length = HEAD_WORDS + key.recordWords + this.words[from + 1] + key.resultWords;
    const position = this.#append(length);
    // The two may overlap: the oldest words of the ring are where the newest go.
    this.words.copyWithin(position % this.words.length, from, from + length);
    this.#positions[way] = position;
  }

  /** Room for so many words in one piece; what lay there is gone. */
  #append(length: number): number {
    const size = this.words.length;
    const rest = size - (this.#head % size);
    if (rest < length) this.#head += rest;
    const position = this.#head;
    this.#head += length;
    return position;
  }

  /** The place for a new entry of this hash: a free one, or that of the oldest. */
  #wayFor(hash: number): number {
    const first = this.#setOf(hash);
    let oldest = first;
    for (let way = first; way < first + WAYS; way++) {
      if (!this.#isLive(way)) return way;
      if (this.#positions[way] < this.#positions[oldest]) oldest = way;
    }
    return oldest;
  }
}

/** Up to four bytes as a word, zeros behind the last. */
function wordAt(bytes: Uint8Array, at: number, left: number): number {
  if (left >= 4) {
    return (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0;
  }
  let word = 0;
  for (let i = 0; i < left; i++) word |= bytes[at + i] << (8 * i);
  return word >>> 0;
}
