/**
 * The verifier's bounded queue: priorities first, sources in turn within a priority, and a stated rule for what is shed.
 *
 * Shedding. The unit is a job, since a caller waits for whole jobs. When a job does not fit, room is looked for in the lowest
 * priority class first: the newest job of the source with the most waiting items there gives way, again and again. Within its own
 * class a newcomer displaces only sources that hold more than its own source would then hold, so a flood from one peer sheds that
 * peer's work; a class never displaces a more urgent one. A newcomer that cannot be fitted by this rule is refused, and nothing is
 * shed for it.
 *
 * @module
 */

/** Most urgent first. */
export const PRIORITIES = ["block", "gossip"] as const;
/** `block`: the next block waits for it. `gossip`: everything else. */
export type Priority = (typeof PRIORITIES)[number];

/** What the queue needs to know of a job. */
export interface QueuedJob {
  readonly source: string;
}

/** One item waiting for a verdict. Owner and priority change only through the queue while it waits. */
export interface QueuedItem<Job extends QueuedJob> {
  /** Whose lane it waits in. */
  owner: Job;
  /** The class it waits in. */
  priority: Priority;
  /** The queue's mark for the place it waits at; 0 while it does not wait. */
  ticket: number;
}

/** A place in a lane; stale once the item's ticket is another. */
interface Place<Item> {
  readonly item: Item;
  readonly ticket: number;
}

/** How many items each source has waiting in one class; the largest holder in constant time. */
class Holdings {
  readonly #bySource = new Map<string, number>();
  readonly #byCount: Set<string>[] = [];
  #largest = 0;

  get(source: string): number {
    return this.#bySource.get(source) ?? 0;
  }

  add(source: string, change: number): void {
    const before = this.get(source);
    const after = before + change;
    this.#byCount[before]?.delete(source);
    if (after === 0) {
      this.#bySource.delete(source);
    } else {
      this.#bySource.set(source, after);
      this.#byCount[after] ??= new Set();
      this.#byCount[after].add(source);
    }
    if (after > this.#largest) this.#largest = after;
    while (this.#largest > 0 && !this.#byCount[this.#largest]?.size) this.#largest--;
  }

  /** A source that holds the most, or `undefined` where none holds anything. */
  largest(): { source: string; items: number } | undefined {
    for (const source of this.#byCount[this.#largest] ?? [])
      return { source, items: this.#largest };
    return undefined;
  }

  /** Whether the sources together hold at least `wanted` items beyond `share` each. */
  exceeds(share: number, wanted: number): boolean {
    let excess = 0;
    for (let count = this.#largest; count > share && excess < wanted; count--) {
      excess += (count - share) * (this.#byCount[count]?.size ?? 0);
    }
    return excess >= wanted;
  }
}

/** Items of one source in one class, oldest first, from `head` on. */
interface Lane<Item> {
  places: Place<Item>[];
  head: number;
}

/** One priority class. */
interface Class<Item> {
  readonly lanes: Map<string, Lane<Item>>;
  readonly holdings: Holdings;
  size: number;
}

const rank = (priority: Priority): number => PRIORITIES.indexOf(priority);

/** See the module's description. Sizes are in items. */
export class FairQueue<Job extends QueuedJob, Item extends QueuedItem<Job>> {
  readonly capacity: number;
  readonly #classes: readonly Class<Item>[] = PRIORITIES.map(() => ({
    lanes: new Map(),
    holdings: new Holdings(),
    size: 0,
  }));

  #nextTicket = 1;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  /** Items waiting now. */
  get size(): number {
    return this.#classes.reduce((sum, { size }) => sum + size, 0);
  }

  /** Items waiting in a class. */
  sizeOf(priority: Priority): number {
    return this.#classes[rank(priority)].size;
  }

  /** Appends an item to its owner's source lane; the caller has made room. */
  push(item: Item): void {
    this.#lane(item).places.push(this.#enter(item));
  }

  /** Appends items of one owner and priority, as `push` does one by one. */
  pushAll(items: readonly Item[]): void {
    if (items.length === 0) return;
    const { places } = this.#lane(items[0]);
    for (const item of items) {
      item.ticket = this.#nextTicket++;
      places.push({ item, ticket: item.ticket });
    }
    this.#count(items[0], items.length);
  }

  /** Puts an item back first in its owner's source lane, whether there is room or not: it was in the queue before. */
  pushFront(item: Item): void {
    const lane = this.#lane(item);
    const place = this.#enter(item);
    if (lane.head > 0) lane.places[--lane.head] = place;
    else lane.places.unshift(place);
  }

  /** Takes an item out of the queue, wherever it stands. */
  drop(item: Item): void {
    if (item.ticket === 0) return;
    item.ticket = 0;
    this.#count(item, -1);
  }

  /** Moves a waiting item to a more urgent class; anything else is left as it is. */
  raise(item: Item, priority: Priority): void {
    if (item.ticket === 0 || rank(priority) >= rank(item.priority)) return;
    this.drop(item);
    item.priority = priority;
    this.push(item);
  }

  /** Gives an item to another job that wants it; a waiting one moves to the end of that job's lane. */
  handOver(item: Item, owner: Job): void {
    const waits = item.ticket !== 0;
    this.drop(item);
    item.owner = owner;
    if (waits) this.push(item);
  }

  /** The item that `take` would give first. */
  peek(): Item | undefined {
    let first: Item | undefined;
    this.take(1, (item) => {
      first ??= item;
      return false;
    });
    return first;
  }

  /**
   * The next items to run, most urgent class first and one item from each source in turn, while `accept` takes them. An item that
   * `accept` refuses stays first in its lane; nothing less urgent is taken past it.
   */
  take(most: number, accept: (item: Item) => boolean): Item[] {
    const taken: Item[] = [];
    for (const own of this.#classes) {
      if (this.#takeFrom(own, most, accept, taken)) return taken;
    }
    return taken;
  }

  /** Adds items of one class to `taken`; says whether one was refused. */
  #takeFrom(
    own: Class<Item>,
    most: number,
    accept: (item: Item) => boolean,
    taken: Item[],
  ): boolean {
    const { lanes, holdings } = own;
    const counts = new Map<string, number>();
    let refused = false;
    // A lane that gave an item goes to the back of the map, where this iteration meets it again; a lane that is refused stays
    // where it is and is not met twice.
    for (const [source, lane] of lanes) {
      if (taken.length >= most) break;
      let item = firstOf(lane);
      if (item !== undefined && !accept(item)) {
        refused = true;
        continue;
      }
      lanes.delete(source);
      if (item === undefined) continue;
      const before = taken.length;
      do {
        lane.head++;
        item.ticket = 0;
        taken.push(item);
        // A source that waits alone has every turn.
        item = lanes.size === 0 && taken.length < most ? firstOf(lane) : undefined;
      } while (item !== undefined && accept(item));
      counts.set(source, (counts.get(source) ?? 0) + taken.length - before);
      lanes.set(source, lane);
    }
    for (const [source, count] of counts) {
      holdings.add(source, -count);
      own.size -= count;
    }
    return refused;
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
      if (largest !== undefined) return this.#newest(candidate, largest.source);
    }
    return undefined;
  }

  /** The owner of the newest waiting item of a source that has one. */
  #newest({ lanes }: Class<Item>, source: string): Job {
    const { places } = lanes.get(source)!;
    while (isStale(places[places.length - 1])) places.pop();
    return places[places.length - 1].item.owner;
  }

  #lane(item: Item): Lane<Item> {
    const { lanes } = this.#classes[rank(item.priority)];
    const { source } = item.owner;
    let lane = lanes.get(source);
    if (lane === undefined) {
      lane = { places: [], head: 0 };
      lanes.set(source, lane);
    }
    return lane;
  }

  #enter(item: Item): Place<Item> {
    item.ticket = this.#nextTicket++;
    this.#count(item, 1);
    return { item, ticket: item.ticket };
  }

  #count(item: Item, change: number): void {
    const own = this.#classes[rank(item.priority)];
    own.holdings.add(item.owner.source, change);
    own.size += change;
  }
}

function isStale<Item extends { readonly ticket: number }>(place: Place<Item>): boolean {
  return place.item.ticket !== place.ticket;
}

/** First waiting item of a lane; forgets the stale places before it. */
function firstOf<Item extends { readonly ticket: number }>(lane: Lane<Item>): Item | undefined {
  while (lane.head < lane.places.length && isStale(lane.places[lane.head])) lane.head++;
  // Half the array is history: let it go (amortised O(1) an item).
  if (lane.head > 1024 && lane.head * 2 > lane.places.length) {
    lane.places = lane.places.slice(lane.head);
    lane.head = 0;
  }
  return lane.places[lane.head]?.item;
}
