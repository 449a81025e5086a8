/**
 * A state with the changes of some more blocks on top.
 *
 * @module
 */
import { hexOf } from "./hex.ts";
import type { Account, StateDiff, StateSource } from "./source.ts";

/** A block whose changes lie on top of a state. */
export interface OverlayBlock {
  readonly number: bigint;
  /** 32 bytes */
  readonly hash: Uint8Array;
  readonly diff: StateDiff;
}

const ZERO_WORD = new Uint8Array(32);

/** The state of `base` after `blocks`, oldest first. */
export function createOverlayState(
  base: StateSource,
  blocks: readonly OverlayBlock[],
): StateSource {
  const newestFirst = blocks.toReversed();
  const codes = new Map<string, Uint8Array>();
  for (const { diff } of blocks) {
    for (const { account, code } of diff.values()) {
      if (account && code) codes.set(hexOf(account.codeHash), code);
    }
  }
  return {
    account(address): Account | undefined {
      const name = hexOf(address);
      for (const { diff } of newestFirst) {
        const change = diff.get(name);
        if (change) return change.account;
      }
      return base.account(address);
    },
    storage(address, slot): Uint8Array {
      const name = hexOf(address);
      for (const { diff } of newestFirst) {
        const change = diff.get(name);
        if (change === undefined) continue;
        const word = change.account && change.storage.get(hexOf(slot));
        if (word) return word;
        if (change.storageCleared || change.account === undefined) return ZERO_WORD.slice();
      }
      return base.storage(address, slot);
    },
    code: (codeHash) => codes.get(hexOf(codeHash)) ?? base.code(codeHash),
    blockHash: (number) =>
      newestFirst.find((block) => block.number === number)?.hash ?? base.blockHash(number),
  };
}
