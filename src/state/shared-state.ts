/**
 * A state in shared memory behind the interface of one in maps: for executors whose threads read it themselves.
 *
 * @module
 */
import { LanewiseError } from "../core/index.ts";
import { codesOf, type EncodedDiff, encodedDiff } from "./diff.ts";
import { bytesOf, hexOf } from "./hex.ts";
import { createMemoryState, type MemoryStateData, type MutableState } from "./memory.ts";
import { type Misses, objectReads, openTable, SharedTable } from "./shared-table.ts";
import type { DirectReads, SharedReads, StateDiff } from "./source.ts";

const missing = (what: string): LanewiseError =>
  new LanewiseError("ERR_STATE_MISSING", `${what}: not in the state given`);

const MISSING: Misses = {
  account(address) {
    throw missing(`account ${hexOf(address)}`);
  },
  storage(address, slot) {
    throw missing(`storage ${hexOf(slot)} of ${hexOf(address)}`);
  },
};

/** Reads, in any thread, the state that a `StateSource` has shared. */
export function openSharedState(shared: SharedReads): DirectReads {
  return openTable(shared, MISSING);
}

/** A {@link MutableState} that takes encoded changes as well. */
export interface SharedState extends MutableState {
  apply(diff: StateDiff | EncodedDiff): void;
}

/**
 * Copies a state into shared memory. Its source answers other threads as well; `apply` must not run while a block executes on it.
 *
 * @throws LanewiseError as `createMemoryState`'s reads, for a partial state.
 */
export function createSharedState(data: MemoryStateData): SharedState {
  let count = data.accounts.size;
  for (const account of data.accounts.values()) count += account?.storage.size ?? 0;
  const table = new SharedTable(data.complete, count + 64);
  const code = new Map(data.code);
  const blockHashes = new Map(data.blockHashes);
  for (const [name, account] of data.accounts) {
    const address = bytesOf(name);
    table.setAccount(address, account);
    for (const [slot, value] of account?.storage ?? []) {
      table.setStorage(address, bytesOf(slot), value);
    }
  }
  const rest = createMemoryState({ ...data, accounts: new Map(), code, blockHashes });
  const direct = table.reads(MISSING);
  return {
    source: {
      ...objectReads(direct),
      code: (codeHash) => rest.code(codeHash),
      blockHash: (number) => rest.blockHash(number),
      direct,
      share: () => table.shared,
    },
    apply(diff) {
      const encoded = encodedDiff(diff);
      table.apply(encoded);
      for (const [name, created] of codesOf(encoded)) code.set(name, created.slice());
    },
    setBlockHash(number, hash) {
      blockHashes.set(number, hash);
      blockHashes.delete(number - 257n);
    },
  };
}
