/**
 * The verifier's bounded queue: priorities first, sources in turn within a priority, and a stated rule for what is shed.
 *
 * What waits is a *run*: neighbouring records of one lot (the distinct records of one submission). A record says by its *ticket* in
 * which run it waits, so that it can leave a run or change to another without a search.
 *
 * Shedding. The unit is a job, since a caller waits for whole jobs. When a job does not fit, room is looked for in the lowest
 * priority class first: the newest job of the source with the most waiting items there gives way, again and again. Within its own
 * class a newcomer displaces only sources that hold more than its own source would then hold, so a flood from one peer sheds that
 * peer's work; a class never displaces a more urgent one. A newcomer that cannot be fitted by this rule is refused, and nothing is
 * shed for it.
 *
 * @module
 */
import { Holdings } from "./holdings.ts";

/** Most urgent first. */
export const PRIORITIES = ["block", "gossip"] as const;
/** `block`: the next block waits for it. `gossip`: everything else. */
export type Priority = (typeof PRIORITIES)[number];

/** What the queue needs to know of a job. */
export interface QueuedJob {
  readonly source: string;
}

/** What the queue needs to know of a lot. */
export interface QueuedLot {
  /** The run that each record waits in; 0 where it does not wait. Written by the queue alone. */
  readonly tickets: Uint32Array;
}

/** Neighbours of a lot that wait together: those of `first` … `end - 1` whose ticket is the run's. */
export interface Run<Job extends QueuedJob, Lot extends QueuedLot> {
  readonly ticket: number;
  readonly lot: Lot;
  /** Whose lane it waits in. */
  readonly owner: Job;
  readonly priority: Priority;
  /** How often it was tried before. */
  readonly attempts: number;
  first: number;
  readonly end: number;
  /** Records that still wait. */
  waiting: number;
}

/** Neighbours that were taken. */
export interface Slice<Lot> {
  readonly lot: Lot;
  readonly first: number;
  readonly count: number;
  readonly priority: Priority;
  readonly attempts: number;
}

/** Runs of one source in one class, oldest first, from `head` on. */
interface Lane<Job extends QueuedJob, Lot extends QueuedLot> {
  runs: (Run<Job, Lot> | undefined)[];
  head: number;
}

/** One priority class. */
interface Class<Job extends QueuedJob, Lot extends QueuedLot> {
  readonly lanes: Map<string, Lane<Job, Lot>>;
  readonly holdings: Holdings;
  size: number;
}

const rank = (priority: Priority): number => PRIORITIES.indexOf(priority);

/** See the module's description. Sizes are in items. */
export class FairQueue<Job extends QueuedJob, Lot extends QueuedLot> {
  readonly capacity: number;
  readonly #classes: readonly Class<Job, Lot>[] = PRIORITIES.map(() => ({
    lanes: new Map(),
    holdings: new Holdings(),
    size: 0,
  }));
  /** Runs with waiting records. */
  readonly #runs = new Map<number, Run<Job, Lot>>();
  #nextTicket = 1;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  /** Items waiting now. */
  get size(): number {
    return this.#classes[0].size + this.#classes[1].size;
  }

  /** Items waiting in a class. */
  sizeOf(priority: Priority): number {
    return this.#classes[rank(priority)].size;
  }

  /** Appends neighbours to their owner's source lane; the caller has made room. */
  push(lot: Lot, first: number, end: number, owner: Job, priority: Priority): void {
    if (first === end) return;
    const run = this.#enter(lot, first, end, owner, priority, 0);
    this.#lane(priority, owner.source).runs.push(run);
  }

  /** Puts neighbours first in their owner's source lane, whether there is room or not: they were in the queue before. */
  pushFront(
    lot: Lot,
    first: number,
    end: number,
    owner: Job,
    priority: Priority,
    attempts: number,
  ): void {
    const lane = this.#lane(priority, owner.source);
    const run = this.#enter(lot, first, end, owner, priority, attempts);
    if (lane.head > 0) lane.runs[--lane.head] = run;
    else lane.runs.unshift(run);
  }

  /** The run that a record waits in. */
  runOf(lot: Lot, position: number): Run<Job, Lot> | undefined {
    return this.#runs.get(lot.tickets[position]);
  }

  /** Takes neighbours out of the queue, those of them that wait; how many. */
  drop(lot: Lot, first: number, end: number): number {
    const { tickets } = lot;
    let dropped = 0;
    for (let from = first; from < end; ) {
      const ticket = tickets[from];
      let to = from + 1;
      while (to < end && tickets[to] === ticket) to++;
      if (ticket !== 0) {
        tickets.fill(0, from, to);
        this.#leave(this.#runs.get(ticket)!, to - from);
        dropped += to - from;
      }
      from = to;
    }
    return dropped;
  }

  /** Moves neighbours, all of them waiting, to the end of another job's lane. */
  move(lot: Lot, first: number, end: number, owner: Job, priority: Priority): void {
    this.drop(lot, first, end);
    this.push(lot, first, end, owner, priority);
  }

  /** The run that `take` would begin with. */
  peek(): Run<Job, Lot> | undefined {
    for (const { size, lanes } of this.#classes) {
      if (size === 0) continue;
      for (const lane of lanes.values()) {
        const run = firstOf(lane);
        if (run !== undefined) return run;
      }
    }
    return undefined;
  }

  /**
   * The next items to run, of the most urgent class that has any: equal shares from its sources in turn.
   *
   * @param accept how many neighbours of a run, from `first` on, may come along; with 0 the run stays first in its lane.
   */
  take(
    most: number,
    accept: (run: Run<Job, Lot>, first: number, wanted: number) => number,
  ): Slice<Lot>[] {
    const taken: Slice<Lot>[] = [];
    const own = this.#classes.find(({ size }) => size > 0);
    if (own === undefined) return taken;
    const { lanes } = own;
    const turn = Math.max(1, Math.floor(most / lanes.size));
    let left = most;
    // A lane that gave its share goes to the back of the map, where this iteration meets it again; one that is refused stays where
    // it is and is not met twice.
    for (const [source, lane] of lanes) {
      if (left === 0) break;
      const run = firstOf(lane);
      if (run === undefined) {
        lanes.delete(source);
        continue;
      }
      const given = this.#takeFrom(lane, Math.min(left, turn), accept, taken);
      if (given === 0) continue;
      left -= given;
      lanes.delete(source);
      lanes.set(source, lane);
    }
    return taken;
  }

  /** Takes up to `most` items of a lane; how many. */
  #takeFrom(
    lane: Lane<Job, Lot>,
    most: number,
    accept: (run: Run<Job, Lot>, first: number, wanted: number) => number,
    taken: Slice<Lot>[],
  ): number {
    let left = most;
    for (let run = firstOf(lane); run !== undefined && left > 0; run = firstOf(lane)) {
      const { tickets } = run.lot;
      while (tickets[run.first] !== run.ticket) run.first++;
      const { first } = run;
      let end = first + 1;
      const limit = Math.min(first + left, run.end);
      while (end < limit && tickets[end] === run.ticket) end++;
      const count = accept(run, first, end - first);
      if (count === 0) break;
      const { lot, priority, attempts } = run;
      taken.push({ lot, first, count, priority, attempts });
      tickets.fill(0, first, first + count);
      run.first += count;
      this.#leave(run, count);
      left -= count;
      if (count < end - first) break;
    }
    return most - left;
  }

  /** The job to shed next so that `count` more items of a newcomer fit; `undefined` where it is the newcomer that has to go. */
  victim(priority: Priority, source: string, count: number): Job | undefined {
    const missing = this.size + count - this.capacity;
    const own = this.#classes[rank(priority)];
    const share = own.holdings.get(source) + count;
    const below = this.#classes.slice(rank(priority) + 1);
    const available = below.reduce((sum, { size }) => sum + size, 0);
    if (missing > available && !own.holdings.exceeds(share, missing - available)) return undefined;
    for (const candidate of [...below.reverse(), own]) {
      const largest = candidate.holdings.largest();
      if (largest !== undefined) return this.#newest(candidate, largest);
    }
    return undefined;
  }

  /** The owner of the newest waiting run of a source that has one. */
  #newest({ lanes }: Class<Job, Lot>, source: string): Job {
    const { runs } = lanes.get(source)!;
    let run = runs[runs.length - 1];
    while (run === undefined || run.waiting === 0) {
      runs.pop();
      run = runs[runs.length - 1];
    }
    return run.owner;
  }

  #lane(priority: Priority, source: string): Lane<Job, Lot> {
    const { lanes } = this.#classes[rank(priority)];
    let lane = lanes.get(source);
    if (lane === undefined) {
      lane = { runs: [], head: 0 };
      lanes.set(source, lane);
    }
    return lane;
  }

  #enter(
    lot: Lot,
    first: number,
    end: number,
    owner: Job,
    priority: Priority,
    attempts: number,
  ): Run<Job, Lot> {
    const ticket = this.#newTicket();
    const waiting = end - first;
    const run: Run<Job, Lot> = { ticket, lot, owner, priority, attempts, first, end, waiting };
    lot.tickets.fill(ticket, first, end);
    this.#runs.set(ticket, run);
    const own = this.#classes[rank(priority)];
    own.holdings.add(owner.source, waiting);
    own.size += waiting;
    return run;
  }

  #leave(run: Run<Job, Lot>, count: number): void {
    run.waiting -= count;
    if (run.waiting === 0) this.#runs.delete(run.ticket);
    const own = this.#classes[rank(run.priority)];
    own.holdings.add(run.owner.source, -count);
    own.size -= count;
  }

  /** A number that no waiting run has. */
  #newTicket(): number {
    do this.#nextTicket = (this.#nextTicket + 1) >>> 0;
    while (this.#nextTicket === 0 || this.#runs.has(this.#nextTicket));
    return this.#nextTicket;
  }
}

/** First run of a lane with waiting records; forgets the ones before it. */
function firstOf<Job extends QueuedJob, Lot extends QueuedLot>(
  lane: Lane<Job, Lot>,
): Run<Job, Lot> | undefined {
  while (lane.head < lane.runs.length && !lane.runs[lane.head]?.waiting) {
    lane.runs[lane.head++] = undefined;
  }
  // Half the array is history: let it go (amortised O(1) a run).
  if (lane.head > 64 && lane.head * 2 > lane.runs.length) {
    lane.runs = lane.runs.slice(lane.head);
    lane.head = 0;
  }
  return lane.runs[lane.head];
}
