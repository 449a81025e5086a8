/**
 * How many items each source has waiting in one priority class; the largest holder without a search.
 *
 * @module
 */

/** Items by source. */
export class Holdings {
  readonly #bySource = new Map<string, number>();
  /** Sources by the number that they hold. */
  readonly #byCount = new Map<number, Set<string>>();
  #largest = 0;

  get(source: string): number {
    return this.#bySource.get(source) ?? 0;
  }

  add(source: string, change: number): void {
    const before = this.get(source);
    const after = before + change;
    if (before > 0) {
      const peers = this.#byCount.get(before)!;
      peers.delete(source);
      if (peers.size === 0) this.#byCount.delete(before);
    }
    if (after === 0) {
      this.#bySource.delete(source);
    } else {
      this.#bySource.set(source, after);
      const peers = this.#byCount.get(after);
      if (peers === undefined) this.#byCount.set(after, new Set([source]));
      else peers.add(source);
    }
    if (after > this.#largest) this.#largest = after;
    if (this.#bySource.size === 0) this.#largest = 0;
    // A step for each item that entered, at most.
    while (this.#largest > 0 && !this.#byCount.has(this.#largest)) this.#largest--;
  }

  /** A source that holds the most, or `undefined` where none holds anything. */
  largest(): string | undefined {
    for (const source of this.#byCount.get(this.#largest) ?? []) return source;
    return undefined;
  }

  /** Whether the sources together hold at least `wanted` items beyond `share` each. */
  exceeds(share: number, wanted: number): boolean {
    let excess = 0;
    for (const [count, sources] of this.#byCount) {
      if (count > share) excess += (count - share) * sources.size;
      if (excess >= wanted) return true;
    }
    return excess >= wanted;
  }
}
