/**
 * The records that a verifier knows: lots of those that wait or run, found by hash and bytes, and valid answers of earlier ones.
 *
 * @module
 */
import { type Algorithm, type Batch, Verdict } from "../core/index.ts";
import { AnswerCache } from "./answer-cache.ts";
import { resultWordsOf, type Segment } from "./batches.ts";
import type { SubmitOptions } from "./contract.ts";
import { InFlightIndex } from "./in-flight.ts";
import { ADDRESS_BYTES, type Job, type Lot, type Part } from "./lot.ts";
import type { Priority } from "./queue.ts";
import { RecordKey, UNKEYED } from "./record-key.ts";

const NO_BYTES = new Uint8Array(0);

/** What all records of a job have in common, in memory of the verifier's own. */
export interface Submission {
  readonly key: RecordKey;
  readonly priority: Priority;
  readonly arena: Uint8Array;
  readonly claims: Uint8Array | undefined;
}

/** See the module's description. */
export class RecordBook {
  readonly #keys: ReadonlyMap<Algorithm, RecordKey>;
  readonly #cache: AnswerCache;
  readonly #inFlight = new InFlightIndex();
  /** Lots by their slot. */
  readonly #lots: (Lot | undefined)[] = [];
  readonly #freeSlots: number[] = [];

  constructor(algorithms: readonly Algorithm[], cacheEntries: number) {
    this.#keys = new Map(
      algorithms.map((algorithm, i) => [algorithm, new RecordKey(algorithm, i)]),
    );
    this.#cache = new AnswerCache(cacheEntries);
  }

  /** Copies what a caller gave beside the records. */
  copy(algorithm: Algorithm, options: SubmitOptions): Submission {
    const { arena, claimedSenders, priority = "gossip" } = options;
    return {
      key: this.#keys.get(algorithm)!,
      priority,
      arena: arena === undefined || !algorithm.usesArena ? NO_BYTES : new Uint8Array(arena),
      claims: claimedSenders && new Uint8Array(claimedSenders),
    };
  }

  /**
   * An empty lot for `count` places of a job from `first` on.
   *
   * @param at where in the part its records begin, in words.
   */
  open(
    job: Job,
    { key, arena, claims }: Submission,
    part: Part,
    at: number,
    first: number,
    count: number,
  ): Lot {
    const end = first + count;
    const slot = this.#freeSlots.pop() ?? this.#lots.length;
    part.users++;
    const lot: Lot = {
      slot,
      key,
      part,
      words: part.words.subarray(at, at + count * key.recordWords),
      arena,
      claims: claims?.subarray(first * ADDRESS_BYTES, end * ADDRESS_BYTES),
      hashes: new Int32Array(count),
      tickets: new Uint32Array(count),
      count: 0,
      joined: 0,
      job,
      firstPlace: first,
      places: undefined,
      firstWaiters: undefined,
      left: 0,
    };
    this.#lots[slot] = lot;
    return lot;
  }

  /** Lets go of a lot none of whose records waits or runs. */
  close({ slot, part }: Lot): void {
    this.#lots[slot] = undefined;
    this.#freeSlots.push(slot);
    letGo(part);
  }

  /** Where in {@link answers} the result of the record at word `at` of a lot begins; -1 where it is not known. */
  answerTo({ key, words, arena }: Lot, at: number, hash: number): number {
    return this.#cache.find(key, hash, words, at, arena);
  }

  /** The memory of the cache; what {@link answerTo} says of it holds until the next call. */
  get answers(): Uint32Array {
    return this.#cache.words;
  }

  /** The same record as that at word `at` of a lot, where it waits or runs. */
  inFlight(
    { key, words, arena }: Lot,
    at: number,
    hash: number,
  ): { lot: Lot; position: number } | undefined {
    const index = this.#inFlight;
    for (let entry = index.first(hash); entry >= 0; entry = index.next(hash, entry)) {
      const lot = this.#lots[index.lotAt(entry)]!;
      const position = index.positionAt(entry);
      if (lot.key !== key) continue;
      const other = position * key.recordWords;
      if (key.same(words, at, arena, lot.words, other, lot.arena)) return { lot, position };
    }
    return undefined;
  }

  /** From now on the record at a position of a lot is in flight. */
  add({ slot }: Lot, position: number, hash: number): void {
    this.#inFlight.add(hash, slot, position);
  }

  /** Records of a lot are in flight no longer. */
  remove({ hashes, slot }: Lot, first: number, end: number): void {
    for (let position = first; position < end; position++) {
      if (hashes[position] !== UNKEYED) this.#inFlight.remove(hashes[position], slot, position);
    }
  }

  /** Records of a segment are in flight no longer; their valid answers are kept, neighbours together. */
  keep({ lot, first, count, at }: Segment, batch: Batch, origin: number): void {
    this.remove(lot, first, first + count);
    const { verdicts } = batch;
    const results = resultWordsOf(batch);
    const step = lot.key.resultWords;
    for (let from = 0; from < count; ) {
      let to = from;
      while (to < count && verdicts[at + to] === Verdict.Valid) to++;
      this.#cache.add(lot, first + from, to - from, results, (at + from) * step, origin);
      from = to + 1;
    }
  }

  /** Forgets the answers of a back end that is not trusted any more. */
  forget(origin: number): void {
    this.#cache.forget(origin);
  }
}

/**
 * Records in memory of the verifier's own: what they lie in, where that may be used, else a copy.
 *
 * @param release called when that memory is read no more; `undefined` where it is not to be used.
 */
export function partOf(records: Uint8Array, release: (() => void) | undefined): Part {
  const { buffer, byteOffset, length } = records;
  if (release !== undefined && byteOffset % 4 === 0) {
    return { words: new Uint32Array(buffer, byteOffset, length / 4), users: 1, release };
  }
  const words = new Uint32Array(length / 4);
  new Uint8Array(words.buffer).set(records);
  release?.();
  return { words, users: 1, release: () => {} };
}

/** One user less. */
export function letGo(part: Part): void {
  if (--part.users === 0) part.release();
}
