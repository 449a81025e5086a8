/**
 * Places of jobs that wait for a record which another place brought: nodes in flat arrays, linked by record and by job.
 *
 * @module
 */
import type { Job, Lot } from "./lot.ts";

const NODE_WORDS = 4;
const NEXT_OF_RECORD = 0;
const NEXT_OF_JOB = 1;
const POSITION = 2;
const PLACE = 3;

/** Neighbours in a lot. */
export interface LotRange {
  readonly lot: Lot;
  readonly first: number;
  readonly end: number;
}

/** The nodes of one verifier. Node 0 means none. */
export class Waiters {
  #words = new Int32Array(256 * NODE_WORDS);
  /** Of each node; `undefined` once the answer is delivered or no longer wanted. */
  readonly #jobs: (Job | undefined)[] = [undefined];
  readonly #lots: (Lot | undefined)[] = [undefined];
  /** Nodes that may be used again, linked as those of a job. */
  #free = 0;

  /** Makes the job's place wait for a record. */
  add(lot: Lot, position: number, job: Job, place: number): void {
    const node = this.#take();
    lot.firstWaiters ??= new Int32Array(lot.hashes.length);
    this.#jobs[node] = job;
    this.#lots[node] = lot;
    const at = node * NODE_WORDS;
    this.#words[at + NEXT_OF_RECORD] = lot.firstWaiters[position];
    this.#words[at + NEXT_OF_JOB] = job.firstWaiter;
    this.#words[at + POSITION] = position;
    this.#words[at + PLACE] = place;
    lot.firstWaiters[position] = node;
    job.firstWaiter = node;
  }

  /** A job that waits for a record beside the one that brought it. */
  heir(lot: Lot, position: number): Job | undefined {
    return this.#jobs[lot.firstWaiters?.[position] ?? 0];
  }

  /** Unlinks all that wait for a record, calling `deliver` with each. */
  release(lot: Lot, position: number, deliver: (job: Job, place: number) => void): void {
    if (lot.firstWaiters === undefined) return;
    let node = lot.firstWaiters[position];
    lot.firstWaiters[position] = 0;
    while (node !== 0) {
      const next = this.#words[node * NODE_WORDS + NEXT_OF_RECORD];
      const job = this.#jobs[node]!;
      this.#jobs[node] = undefined;
      deliver(job, this.#words[node * NODE_WORDS + PLACE]);
      node = next;
    }
  }

  /** The records that the job waits for through nodes, neighbours together, in order of the places. */
  rangesOf(job: Job): LotRange[] {
    const ranges: { lot: Lot; first: number; end: number }[] = [];
    // The youngest node comes first.
    for (let node = job.firstWaiter; node !== 0; ) {
      const at = node * NODE_WORDS;
      const position = this.#words[at + POSITION];
      const lot = this.#lots[node]!;
      const last = ranges[ranges.length - 1];
      if (this.#jobs[node] === undefined) {
        // Answered.
      } else if (last !== undefined && last.lot === lot && last.first === position + 1) {
        last.first = position;
      } else {
        ranges.push({ lot, first: position, end: position + 1 });
      }
      node = this.#words[at + NEXT_OF_JOB];
    }
    return ranges.reverse();
  }

  /** Lets go of all nodes of a job that is settled; it waits for nothing any more. */
  dismiss(job: Job): void {
    for (let node = job.firstWaiter; node !== 0; ) {
      const at = node * NODE_WORDS;
      const next = this.#words[at + NEXT_OF_JOB];
      if (this.#jobs[node] !== undefined) this.#unlink(this.#lots[node]!, node);
      this.#jobs[node] = undefined;
      this.#lots[node] = undefined;
      this.#words[at + NEXT_OF_JOB] = this.#free;
      this.#free = node;
      node = next;
    }
    job.firstWaiter = 0;
  }

  /** Takes a node out of its record's list. */
  #unlink(lot: Lot, node: number): void {
    const firsts = lot.firstWaiters!;
    const position = this.#words[node * NODE_WORDS + POSITION];
    const next = this.#words[node * NODE_WORDS + NEXT_OF_RECORD];
    let before = firsts[position];
    if (before === node) {
      firsts[position] = next;
      return;
    }
    while (this.#words[before * NODE_WORDS + NEXT_OF_RECORD] !== node) {
      before = this.#words[before * NODE_WORDS + NEXT_OF_RECORD];
    }
    this.#words[before * NODE_WORDS + NEXT_OF_RECORD] = next;
  }

  #take(): number {
    const free = this.#free;
    if (free !== 0) {
      this.#free = this.#words[free * NODE_WORDS + NEXT_OF_JOB];
      return free;
    }
    const node = this.#jobs.length;
    if ((node + 1) * NODE_WORDS > this.#words.length) {
      const words = new Int32Array(2 * this.#words.length);
      words.set(this.#words);
      this.#words = words;
    }
    this.#jobs.push(undefined);
    this.#lots.push(undefined);
    return node;
  }
}
