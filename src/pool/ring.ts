/**
 * The ring: one `SharedArrayBuffer` through which the calling thread hands chunks of batches to workers.
 *
 * Words (int32):
 *
 * ```
 * 0  WAKE   bumped by the host after every change that a worker should look at; workers sleep on it
 * 1  DONE   bumped by a worker after every finished chunk; the host waits on it
 * 2  STOP   1: workers leave
 * 3  HEAD   sequence number of the oldest entry not yet retired
 * 4  TAIL   sequence number of the next entry
 * 16 + i    messages posted to worker i so far
 * then `capacity` entries of 8 words: state, batch, first item, count, arena bytes, whether it is urgent
 * ```
 *
 * An entry is claimed by one compare-and-swap of its state, which also names the owner: whatever a worker held when it died is
 * known. Sequence numbers wrap; only their differences are used.
 *
 * @module
 */

export const WAKE = 0;
export const DONE = 1;
export const STOP = 2;
const HEAD = 3;
const TAIL = 4;
const MAIL = 16;

const STATE = 0;
const BATCH = 1;
const FIRST = 2;
const COUNT = 3;
const ARENA_BYTES = 4;
const URGENT = 5;
const ENTRY_WORDS = 8;

/** Entry states. A running entry holds RUNNING + its worker's index. */
const FREE = 0;
const READY = 1;
const FINISHED = 2;
const RUNNING = 16;

/** One chunk of a batch. */
export interface Chunk {
  readonly batch: number;
  readonly first: number;
  readonly count: number;
  /** Bytes of the batch's arena in use. */
  readonly arenaBytes: number;
  /** Goes before those that are not. */
  readonly urgent: boolean;
}

/** A claimed chunk and the ring position it came from. */
export interface Claim extends Chunk {
  readonly position: number;
}

/** Both sides of the ring; `words` is shared. */
export interface Ring {
  readonly words: Int32Array<SharedArrayBuffer>;
  /** Worker: takes the oldest ready entry that is urgent, else the oldest of all unless the worker is for urgent ones alone. */
  claim(worker: number, urgentOnly?: boolean): Claim | undefined;
  /** Worker: the results of the claim are in the batch. */
  finish(position: number): void;
  /** Host: entries that may still be pushed. */
  space(): number;
  /** Host: puts a chunk in; the position it got. The caller has made sure that there is space. */
  push(chunk: Chunk): number;
  /** Host: takes back a chunk that no worker has claimed; false when one has. */
  cancel(position: number): boolean;
  /** Host: calls `retired` with every position that was finished since the last call, and frees it. */
  collect(retired: (position: number) => void): void;
  /** Host: positions that `worker` holds; called once it is dead. Each is freed. */
  reclaim(worker: number): number[];
  /** Host: frees a position whose worker has reported a failure. */
  release(position: number): void;
  /** Host: lets sleeping workers look. */
  wake(): void;
  /** Messages posted to `worker`: the host adds, the worker compares with what it has read. */
  mail(worker: number): number;
  addMail(worker: number): void;
  /** Host: `worker` is a fresh thread that has read nothing. */
  resetMail(worker: number): void;
}

/** Bytes of a ring for this many workers; `capacity` is a power of two. */
export function ringBytes(workers: number, capacity: number): number {
  return (MAIL + workers + capacity * ENTRY_WORDS) * 4;
}

/** Starts the sequence numbers of an empty ring at `sequence`; tests begin just before they wrap. */
export function seedRing(buffer: SharedArrayBuffer, sequence: number): void {
  const words = new Int32Array(buffer);
  words[HEAD] = sequence;
  words[TAIL] = sequence;
}

/** A view of the ring in `buffer`; host and workers each make their own. */
export function openRing(buffer: SharedArrayBuffer, workers: number, capacity: number): Ring {
  const words = new Int32Array(buffer);
  const mask = capacity - 1;
  const at = (sequence: number): number => MAIL + workers + (sequence & mask) * ENTRY_WORDS;
  const head = (): number => Atomics.load(words, HEAD);
  const tail = (): number => Atomics.load(words, TAIL);

  /** Moves HEAD over freed entries. */
  function retire(): void {
    let sequence = head();
    while (sequence !== tail() && Atomics.load(words, at(sequence) + STATE) === FREE) {
      sequence = (sequence + 1) | 0;
    }
    Atomics.store(words, HEAD, sequence);
  }

  function free(position: number): void {
    Atomics.store(words, position + STATE, FREE);
  }

  /** Takes the oldest ready entry, or the oldest urgent one. */
  function take(worker: number, urgentOnly: boolean): Claim | undefined {
    // A stale HEAD is harmless: whatever ready entry lies at the position now is as good as the one that lay there.
    for (let sequence = head(); sequence !== tail(); sequence = (sequence + 1) | 0) {
      const position = at(sequence);
      if (urgentOnly && Atomics.load(words, position + URGENT) === 0) continue;
      if (Atomics.compareExchange(words, position + STATE, READY, RUNNING + worker) !== READY) {
        continue;
      }
      return {
        position,
        batch: words[position + BATCH],
        first: words[position + FIRST],
        count: words[position + COUNT],
        arenaBytes: words[position + ARENA_BYTES],
        urgent: words[position + URGENT] === 1,
      };
    }
    return undefined;
  }

  return {
    words,
    claim: (worker, urgentOnly = false) =>
      take(worker, true) ?? (urgentOnly ? undefined : take(worker, false)),
    finish(position) {
      Atomics.store(words, position + STATE, FINISHED);
      Atomics.add(words, DONE, 1);
      Atomics.notify(words, DONE);
    },
    space: () => capacity - ((tail() - head()) | 0),
    push(chunk) {
      const sequence = tail();
      const position = at(sequence);
      words[position + BATCH] = chunk.batch;
      words[position + FIRST] = chunk.first;
      words[position + COUNT] = chunk.count;
      words[position + ARENA_BYTES] = chunk.arenaBytes;
      Atomics.store(words, position + URGENT, chunk.urgent ? 1 : 0);
      Atomics.store(words, position + STATE, READY);
      Atomics.store(words, TAIL, (sequence + 1) | 0);
      return position;
    },
    cancel(position) {
      const was = Atomics.compareExchange(words, position + STATE, READY, FREE);
      retire();
      return was === READY;
    },
    collect(retired) {
      for (let sequence = head(); sequence !== tail(); sequence = (sequence + 1) | 0) {
        const position = at(sequence);
        if (Atomics.load(words, position + STATE) !== FINISHED) continue;
        free(position);
        retired(position);
      }
      retire();
    },
    reclaim(worker) {
      const held: number[] = [];
      for (let sequence = head(); sequence !== tail(); sequence = (sequence + 1) | 0) {
        const position = at(sequence);
        if (Atomics.load(words, position + STATE) !== RUNNING + worker) continue;
        free(position);
        held.push(position);
      }
      retire();
      return held;
    },
    release(position) {
      free(position);
      retire();
    },
    wake() {
      Atomics.add(words, WAKE, 1);
      Atomics.notify(words, WAKE);
    },
    mail: (worker) => Atomics.load(words, MAIL + worker),
    addMail(worker) {
      Atomics.add(words, MAIL + worker, 1);
    },
    resetMail(worker) {
      Atomics.store(words, MAIL + worker, 0);
    },
  };
}
