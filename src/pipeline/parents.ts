/**
 * Which block came before: the one just seen, where the next one names it or the source says that it follows.
 *
 * @module
 */
import type { BlockHeader } from "../chains/ethereum/index.ts";
import type { Unit } from "./unit.ts";

/** Remembers the last block of a stream. */
export class ParentTracker {
  #last: { readonly hash: Uint8Array; readonly header: BlockHeader } | undefined;

  /** The parent of the unit's block, as far as it is known; the block is the last one from now on. */
  parentOf(unit: Unit): BlockHeader | undefined {
    const last = this.#last;
    if (unit.block === undefined) {
      this.#last = undefined;
      return undefined;
    }
    const { header, input } = unit.block;
    this.#last = { hash: unit.blockHash, header };
    if (last === undefined) return undefined;
    const named = Buffer.compare(last.hash, header.parentHash) === 0;
    return named || input.follows ? last.header : undefined;
  }

  /** A block was passed over: it is the last one from now on. */
  passed(hash: Uint8Array, header: BlockHeader): void {
    this.#last = { hash, header };
  }

  /** An input could not be decoded: nobody's parent is known. */
  forget(): void {
    this.#last = undefined;
  }
}
