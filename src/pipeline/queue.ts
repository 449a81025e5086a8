/**
 * A bounded queue between two asynchronous stages: a full queue makes the producer wait (back-pressure).
 *
 * @module
 */

/** First in, first out; items wait in it until they weigh `capacity` together, by default one each. */
export class BoundedQueue<Item> implements AsyncIterable<Item> {
  readonly #capacity: number;
  readonly #weigh: (item: Item) => number;
  readonly #items: Item[] = [];
  #weight = 0;
  #ended = false;
  #failure: { readonly error: unknown } | undefined;
  #wakeProducers: (() => void)[] = [];
  #wakeConsumers: (() => void)[] = [];

  /**
   * @param weigh an item's weight, always the same; the last one in may bring the queue above its capacity.
   * @throws RangeError where the capacity is not a positive integer.
   */
  constructor(capacity: number, weigh: (item: Item) => number = () => 1) {
    if (!Number.isInteger(capacity) || capacity < 1) {
      throw new RangeError(`BoundedQueue capacity: expected a positive integer, got ${capacity}`);
    }
    this.#capacity = capacity;
    this.#weigh = weigh;
  }

  get length(): number {
    return this.#items.length;
  }

  /** Resolves once there is room, for producers whose items do work already; false where the consumer has gone. */
  async room(): Promise<boolean> {
    while (this.#weight >= this.#capacity && !this.#ended) {
      await new Promise<void>((resolve) => this.#wakeProducers.push(resolve));
    }
    return !this.#ended;
  }

  /** Resolves once the item is in the queue; false where the consumer has gone and the producer should stop. */
  async push(item: Item): Promise<boolean> {
    if (!(await this.room())) return false;
    this.#items.push(item);
    this.#weight += this.#weigh(item);
    this.#wake();
    return true;
  }

  /** No more items will come: consumers get what is left. Pending pushes are refused. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** Nobody wants what is left: it is dropped, and pending pushes are refused. */
  close(): void {
    this.#items.length = 0;
    this.#weight = 0;
    this.end();
  }

  /** No more items will come, and consumers get this error at once. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.close();
  }

  /**
   * The next item; `undefined` after the last one, or where `timeoutMs` passed without one (then `ended` is false).
   *
   * @throws what {@link fail} was given.
   */
  async next(timeoutMs?: number): Promise<Item | undefined> {
    const deadlineMs = timeoutMs === undefined ? undefined : performance.now() + timeoutMs;
    while (true) {
      if (this.#failure !== undefined) throw this.#failure.error;
      if (this.#items.length > 0) {
        const item = this.#items.shift() as Item;
        this.#weight -= this.#weigh(item);
        this.#wake();
        return item;
      }
      if (this.#ended) return undefined;
      const leftMs = deadlineMs === undefined ? undefined : deadlineMs - performance.now();
      if (leftMs !== undefined && leftMs <= 0) return undefined;
      await new Promise<void>((resolve) => {
        const timer = leftMs === undefined ? undefined : setTimeout(resolve, leftMs);
        this.#wakeConsumers.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  /** Whether the producer has finished and nothing is left. */
  get ended(): boolean {
    return this.#ended && this.#items.length === 0;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Item> {
    while (true) {
      const item = await this.next();
      if (item === undefined) return;
      yield item;
    }
  }

  #wake(): void {
    const waiting = [...this.#wakeProducers, ...this.#wakeConsumers];
    this.#wakeProducers = [];
    this.#wakeConsumers = [];
    for (const wake of waiting) wake();
  }
}
