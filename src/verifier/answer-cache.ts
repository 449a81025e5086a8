/**
 * A bounded cache of valid answers, in flat memory. Invalid ones are never kept: an attacker could fill it for free.
 *
 * Records, messages and results are appended to a ring of words, so that the oldest are overwritten; a set-associative table of
 * hashes says where they lie. Eviction: the oldest of a full set, and whatever the ring has overwritten. A hit on an entry in the
 * older half of the ring appends it anew, so that what is asked for stays (a second chance rather than exact recency).
 *
 * @module
 */
import { type RecordKey, UNKEYED } from "./record-key.ts";

/** Places that an entry may lie in: neighbours, searched one by one. */
const WAYS = 8;

/** Words of the ring per entry: what a recovery takes is 47, so that its entries are bounded by number. */
const WORDS_PER_ENTRY = 64;

/** What the table says of an entry beside its hash: where record (with its message) and result begin, and {@link tagOf}. */
const INFO_WORDS = 3;
const RECORD_AT = 0;
const RESULT_AT = 1;
const TAG = 2;

/** Algorithm, back end that answered, and whether it was written in an odd lap of the ring. */
const tagOf = (ordinal: number, origin: number, lap: number): number =>
  (origin << 16) | (ordinal << 1) | lap;

/** Records with their hashes; a message lies in the arena. */
export interface KeyedRecords {
  readonly key: RecordKey;
  readonly words: Uint32Array;
  readonly arena: Uint8Array;
  readonly hashes: Int32Array;
}

/** The cache; hashes are those of {@link RecordKey}. */
export class AnswerCache {
  /** Most entries: a power of two, or 0. */
  readonly capacity: number;
  readonly #hashes: Int32Array;
  readonly #info: Int32Array;
  /** Where the next newcomer of each set goes: its oldest entry, since newcomers come in order. */
  readonly #hands: Uint8Array;
  /** The ring. */
  readonly words: Uint32Array;
  /** Where the next entry goes. */
  #head = 0;
  /** Laps of the ring, modulo 2: older entries than those of the lap before are swept out when a lap begins. */
  #lap = 0;

  /** @param capacity most entries, rounded up to a power of two; 0 keeps nothing. */
  constructor(capacity: number) {
    this.capacity = capacity === 0 ? 0 : 2 ** Math.ceil(Math.log2(Math.max(capacity, WAYS)));
    this.#hashes = new Int32Array(this.capacity);
    this.#info = new Int32Array(this.capacity * INFO_WORDS);
    this.#hands = new Uint8Array(this.capacity / WAYS);
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
      if (!this.#holds(way, key, words, at, arena)) continue;
      if (this.#isOld(way)) this.#renew(way, key);
      return this.#info[way * INFO_WORDS + RESULT_AT];
    }
    return -1;
  }

  /**
   * Keeps answers of neighbours, none of which is in the cache; those without a hash are left out, and those that would take more
   * than an eighth of the ring.
   *
   * @param origin number of the back end that gave them, below 2¹⁵.
   * @param results results of the neighbours, from word `resultAt` on.
   */
  add(
    records: KeyedRecords,
    first: number,
    count: number,
    results: Uint32Array,
    resultAt: number,
    origin: number,
  ): void {
    const { offsetWord, recordWords, resultWords } = records.key;
    const most =
      offsetWord < 0 ? Math.floor(this.words.length / 8 / (recordWords + resultWords)) : 1;
    for (let done = 0; done < count && most > 0; ) {
      const part = Math.min(most, count - done);
      const from = resultAt + done * resultWords;
      if (offsetWord < 0) this.#addPart(records, first + done, part, results, from, origin);
      else this.#addWithMessage(records, first + done, results, from, origin);
      done += part;
    }
  }

  /** Drops every answer of a back end that is not trusted any more. */
  forget(origin: number): void {
    for (let way = 0; way < this.capacity; way++) {
      if (this.#info[way * INFO_WORDS + TAG] >>> 16 === origin) this.#hashes[way] = 0;
    }
  }

  /** All records of the part, then all results: two copies. */
  #addPart(
    { key, words, hashes }: KeyedRecords,
    first: number,
    count: number,
    results: Uint32Array,
    resultAt: number,
    origin: number,
  ): void {
    const { recordWords, resultWords } = key;
    const start = this.#append(count * (recordWords + resultWords));
    const resultStart = start + count * recordWords;
    this.words.set(words.subarray(first * recordWords, (first + count) * recordWords), start);
    this.words.set(results.subarray(resultAt, resultAt + count * resultWords), resultStart);
    const tag = tagOf(key.ordinal, origin, this.#lap);
    for (let i = 0; i < count; i++) {
      const hash = hashes[first + i];
      this.#enter(hash, start + i * recordWords, resultStart + i * resultWords, tag);
    }
  }

  #addWithMessage(
    { key, words, arena, hashes }: KeyedRecords,
    position: number,
    results: Uint32Array,
    resultAt: number,
    origin: number,
  ): void {
    const { recordWords, resultWords, offsetWord } = key;
    const hash = hashes[position];
    if (hash === UNKEYED) return;
    const at = position * recordWords;
    const bytes = key.messageBytes(words, at);
    const length = recordWords + ((bytes + 3) >>> 2) + resultWords;
    if (8 * length > this.words.length) return;
    const start = this.#append(length);
    const ring = this.words;
    let next = start;
    for (let i = 0; i < recordWords; i++) ring[next++] = words[at + i];
    const from = words[at + offsetWord];
    for (let i = 0; i < bytes; i += 4) ring[next++] = wordAt(arena, from + i, bytes - i);
    const resultStart = next;
    for (let i = 0; i < resultWords; i++) ring[next++] = results[resultAt + i];
    this.#enter(hash, start, resultStart, tagOf(key.ordinal, origin, this.#lap));
  }

  /** Puts an entry in the place of its set's oldest. */
  #enter(hash: number, recordAt: number, resultAt: number, tag: number): void {
    const first = this.#setOf(hash);
    const set = first / WAYS;
    const way = first + this.#hands[set];
    this.#hands[set] = (this.#hands[set] + 1) % WAYS;
    this.#hashes[way] = hash;
    const info = way * INFO_WORDS;
    this.#info[info + RECORD_AT] = recordAt;
    this.#info[info + RESULT_AT] = resultAt;
    this.#info[info + TAG] = tag;
  }

  #setOf(hash: number): number {
    return (hash & (this.capacity / WAYS - 1)) * WAYS;
  }

  #isLive(way: number): boolean {
    if (this.#hashes[way] === 0) return false;
    const info = way * INFO_WORDS;
    return (this.#info[info + TAG] & 1) === this.#lap || this.#info[info + RECORD_AT] >= this.#head;
  }

  /** Whether a live entry lies in the older half of the ring. */
  #isOld(way: number): boolean {
    const behind = this.#head - this.#info[way * INFO_WORDS + RECORD_AT];
    return 2 * (behind > 0 ? behind : behind + this.words.length) > this.words.length;
  }

  /** Whether an entry is of this record. */
  #holds(way: number, key: RecordKey, words: Uint32Array, at: number, arena: Uint8Array): boolean {
    const ring = this.words;
    const { recordWords, offsetWord, ordinal } = key;
    const info = way * INFO_WORDS;
    if ((this.#info[info + TAG] & 0xffff) >>> 1 !== ordinal) return false;
    let next = this.#info[info + RECORD_AT];
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

  /** Appends an entry anew. */
  #renew(way: number, key: RecordKey): void {
    const info = way * INFO_WORDS;
    const record = this.#info[info + RECORD_AT];
    const result = this.#info[info + RESULT_AT];
    const bytes = key.messageBytes(this.words, record);
    const recordWords = key.recordWords + ((bytes + 3) >>> 2);
    // Copied out first: the oldest words of the ring are where the newest go.
    const copy = new Uint32Array(recordWords + key.resultWords);
    copy.set(this.words.subarray(record, record + recordWords));
    copy.set(this.words.subarray(result, result + key.resultWords), recordWords);
    const origin = this.#info[info + TAG] >>> 16;
    const start = this.#append(copy.length);
    this.words.set(copy, start);
    this.#info[info + RECORD_AT] = start;
    this.#info[info + RESULT_AT] = start + recordWords;
    this.#info[info + TAG] = tagOf(key.ordinal, origin, this.#lap);
  }

  /** Room for so many words in one piece; what lay there is gone. */
  #append(length: number): number {
    if (this.#head + length > this.words.length) {
      for (let way = 0; way < this.capacity; way++) {
        if ((this.#info[way * INFO_WORDS + TAG] & 1) !== this.#lap) this.#hashes[way] = 0;
      }
      this.#head = 0;
      this.#lap ^= 1;
    }
    const start = this.#head;
    this.#head += length;
    return start;
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
