/**
 * Turns "the head is now this block" into the chain's blocks, none missing: gaps are back-filled, and after a re-organisation the
 * blocks of the new branch follow from the first one that differs.
 *
 * It trusts nothing but names: a block's claimed number, hash and parent decide what is asked for next. Whether they are true is
 * for the pipeline to find out.
 *
 * @module
 */

/** The block that a node names as its newest. */
export interface HeadName {
  readonly number: bigint;
  readonly hash: string;
}

/** One block of the chain. */
export interface TrackedBlock {
  readonly number: bigint;
  /** As `eth_getBlockByNumber` answered it, with full transactions. */
  readonly json: unknown;
  /** The block before it in this stream is its parent, by name. */
  readonly follows: boolean;
  /** Blocks given earlier that this one takes the place of. */
  readonly replaced: number;
  /** Whether the chain of parents leads back to a block that was given before, or to the first one asked for. */
  readonly linked: boolean;
}

/** How blocks are asked for; `null` where the node does not have one. */
export interface BlockFetcher {
  byNumber(number: bigint): Promise<unknown>;
  byHash(hash: string): Promise<unknown>;
}

/** Names of blocks kept: how far back a re-organisation is recognised. */
const NAMES_KEPT = 512n;

/** Longest branch that is walked back, since its blocks wait in memory: two epochs of Ethereum's finality, twice. */
const LONGEST_BRANCH = 128;

interface Named {
  readonly json: unknown;
  /** The number that was asked for. */
  readonly number: bigint;
  /** Whether the block claims that number too. */
  readonly asAsked: boolean;
  readonly hash: string;
  readonly parentHash: string;
}

/** Follows one chain. */
export class HeadTracker {
  readonly #fetch: BlockFetcher;
  #next: bigint | undefined;
  /** Hash by number, of blocks given and not replaced. */
  readonly #given = new Map<bigint, string>();

  /** @param from first block wanted; default: the head when first asked. The genesis block is never given: nothing decides it. */
  constructor(fetch: BlockFetcher, from: bigint | undefined) {
    this.#fetch = fetch;
    this.#next = from === 0n ? 1n : from;
  }

  /** Number of the block wanted next; `undefined` before the first head. */
  get next(): bigint | undefined {
    return this.#next;
  }

  /**
   * Every block between what was given so far and `head`, oldest first. A block counts as given once it was yielded; where asking
   * fails in between, the next call goes on from there.
   */
  async *advance(head: HeadName): AsyncGenerator<TrackedBlock> {
    this.#next ??= head.number === 0n ? 1n : head.number;
    while (this.#next <= head.number) {
      const json = await this.#fetch.byNumber(this.#next);
      if (json === null) return; // the node took blocks back since: the next head says which
      yield* this.#branch(nameOf(json, this.#next));
    }
    const known = this.#given.get(head.number);
    if (known === undefined || known === head.hash) return;
    const json = await this.#fetch.byHash(head.hash);
    if (json !== null) yield* this.#branch(nameOf(json, head.number));
  }

  /** The block and those before it that were not given yet, oldest first. */
  async *#branch(tip: Named): AsyncGenerator<TrackedBlock> {
    const branch = [tip];
    let linked = tip.asAsked;
    for (let first = tip; linked; first = branch[branch.length - 1]) {
      const before = this.#given.get(first.number - 1n);
      if (before === first.parentHash || before === undefined) break;
      const json =
        branch.length < LONGEST_BRANCH ? await this.#fetch.byHash(first.parentHash) : null;
      const parent = json === null ? undefined : nameOf(json, first.number - 1n);
      if (parent?.asAsked) branch.push(parent);
      else linked = false;
    }
    for (const { json, number, hash } of branch.reverse()) {
      const isOldest = json === branch[0].json;
      let replaced = 0;
      for (let above = number; this.#given.delete(above); above++) replaced++;
      const follows = !(isOldest && (!linked || replaced > 0)) && this.#given.has(number - 1n);
      this.#given.set(number, hash);
      this.#given.delete(number - NAMES_KEPT);
      this.#next = number + 1n;
      yield { number, json, follows, replaced, linked: linked || !isOldest };
    }
  }
}

function nameOf(json: unknown, asked: bigint): Named {
  const { number, hash, parentHash } = (json ?? {}) as Record<string, unknown>;
  return {
    json,
    number: asked,
    asAsked: number === `0x${asked.toString(16)}`,
    hash: String(hash),
    parentHash: String(parentHash),
  };
}
