/**
 * How records enter the books: each is answered from the cache, joined to one in flight, or kept to be computed.
 *
 * @module
 */
import { Verdict } from "../core/index.ts";
import type { Delivery } from "./delivery.ts";
import { ADDRESS_BYTES, type Job, type Lot } from "./lot.ts";
import type { VerifierMetrics } from "./metrics.ts";
import type { RecordBook } from "./record-book.ts";
import { UNKEYED } from "./record-key.ts";
import type { Waiters } from "./waiters.ts";

/** See the module's description. */
export class Intake {
  readonly #book: RecordBook;
  readonly #waiters: Waiters;
  readonly #delivery: Delivery;
  readonly #metrics: VerifierMetrics;

  constructor(book: RecordBook, waiters: Waiters, delivery: Delivery, metrics: VerifierMetrics) {
    this.#book = book;
    this.#waiters = waiters;
    this.#delivery = delivery;
    this.#metrics = metrics;
  }

  /**
   * Looks at every record of a new lot: answered from the cache, joined to one in flight, or kept to be computed. What is kept is moved
   * together.
   */
  sort(job: Job, lot: Lot, count: number): void {
    const { key, words, arena, hashes, claims, firstPlace } = lot;
    const { recordWords } = key;
    // All hashes first: the look-ups that follow miss the processor's caches, and many of them can wait for memory at a time.
    for (let i = 0, at = 0; i < count; i++, at += recordWords) {
      hashes[i] = key.inBounds(words, at, arena.length) ? key.hash(words, at, arena) : UNKEYED;
    }
    let kept = 0;
    for (let i = 0; i < count; i++) {
      const at = i * recordWords;
      const place = firstPlace + i;
      if (!key.inBounds(words, at, arena.length)) {
        // Such a record must not be packed beside others, whose bytes it might reach.
        this.#delivery.write(job, place, Verdict.MessageOutOfBounds, words, 0, 0);
        continue;
      }
      const hash = hashes[i];
      if (hash !== UNKEYED) {
        const known = this.#book.answerTo(lot, at, hash);
        if (known >= 0) {
          this.#metrics.cacheHits++;
          this.#delivery.write(
            job,
            place,
            Verdict.Valid,
            this.#book.answers,
            known,
            key.resultWords,
          );
          continue;
        }
        const same = this.#book.inFlight(lot, at, hash);
        if (same !== undefined) {
          this.#waiters.add(same.lot, same.position, job, place);
          lot.joined++;
          continue;
        }
        this.#book.add(lot, kept, hash);
      }
      if (kept !== i) {
        lot.places ??= countUp(firstPlace, count);
        lot.places[kept] = place;
        words.copyWithin(kept * recordWords, at, at + recordWords);
        claims?.copyWithin(kept * ADDRESS_BYTES, i * ADDRESS_BYTES, (i + 1) * ADDRESS_BYTES);
      }
      hashes[kept++] = hash;
    }
    lot.count = kept;
    lot.left = kept;
  }
}

/** `first`, `first` + 1 … */
function countUp(first: number, count: number): Int32Array {
  const numbers = new Int32Array(count);
  for (let i = 0; i < count; i++) numbers[i] = first + i;
  return numbers;
}
