/**
 * Diffs that take diffs back.
 *
 * @module
 */

import { bytesOf, hexOf } from "../hex.ts";
import type { AccountChange, StateDiff } from "../source.ts";
import type { KeyValueReader, KeyValueStore } from "./key-value.ts";
import {
  accountKey,
  decodeAccountRecord,
  fullWord,
  slotOfKey,
  storageKey,
  storagePrefix,
} from "./records.ts";

/** What takes `diff` back, where `reader` reads the state before it and `store` lists that state's slots. */
export async function undoOf(
  diff: StateDiff,
  reader: KeyValueReader,
  store: KeyValueStore,
): Promise<StateDiff> {
  const undo = new Map<string, AccountChange>();
  for (const [name, change] of diff) {
    const address = bytesOf(name);
    const record = reader.get(accountKey(address));
    const storage = new Map<string, Uint8Array>();
    const storageCleared = change.storageCleared || change.account === undefined;
    if (record === undefined) {
      undo.set(name, { account: undefined, storageCleared: true, storage });
      continue;
    }
    if (storageCleared) {
      for (const key of await store.list(storagePrefix(address))) {
        storage.set(hexOf(slotOfKey(key)), fullWord(reader.get(key)));
      }
    } else {
      for (const slot of change.storage.keys()) {
        storage.set(slot, fullWord(reader.get(storageKey(address, bytesOf(slot)))));
      }
    }
    undo.set(name, { account: decodeAccountRecord(record), storageCleared, storage });
  }
  return undo;
}

/** One diff that does what the diffs do one after another. */
export function joinDiffs(diffs: readonly StateDiff[]): StateDiff {
  const joined = new Map<string, AccountChange>();
  for (const diff of diffs) {
    for (const [name, change] of diff) {
      const before = joined.get(name);
      const drops = change.storageCleared || change.account === undefined;
      joined.set(name, {
        account: change.account,
        storageCleared: drops || (before?.storageCleared ?? false),
        storage: drops ? change.storage : new Map([...(before?.storage ?? []), ...change.storage]),
        ...((change.code ?? before?.code) && { code: (change.code ?? before?.code)! }),
      });
    }
  }
  return joined;
}
