/**
 * Diffs that take diffs back.
 *
 * @module
 */
import {
  DiffCursor,
  DiffWriter,
  decodeDiff,
  type EncodedDiff,
  encodeDiff,
  SLOT_BYTES,
} from "../diff.ts";
import type { AccountChange } from "../source.ts";
import type { KeyValueReader, KeyValueStore } from "./key-value.ts";
import {
  ACCOUNT_KEY_BYTES,
  readAccountRecord,
  STORAGE_KEY_BYTES,
  STORAGE_PREFIX_BYTES,
  storagePrefix,
  writeAccountKey,
  writeStorageKey,
} from "./records.ts";

/** What takes `diff` back, where `reader` reads the state before it and `store` lists that state's slots. */
export async function undoOf(
  diff: EncodedDiff,
  reader: KeyValueReader,
  store: KeyValueStore,
): Promise<EncodedDiff> {
  const undo = new DiffWriter();
  const accountKey = new Uint8Array(ACCOUNT_KEY_BYTES);
  const storageKey = new Uint8Array(STORAGE_KEY_BYTES);
  const cursor = new DiffCursor(diff);
  while (cursor.next()) {
    const { address, exists, slots, end } = cursor;
    const cleared = cursor.cleared || !exists;
    writeAccountKey(accountKey, 0, diff, address);
    const record = reader.get(accountKey);
    undo.begin(diff, address, cleared || record === undefined);
    if (record === undefined) continue;
    const before = undo.exists();
    readAccountRecord(record, before.bytes, before.at);
    if (cleared) {
      for (const key of await store.list(storagePrefix(diff.subarray(address, address + 20)))) {
        undo.slot(key, STORAGE_PREFIX_BYTES, reader.get(key));
      }
      continue;
    }
    for (let slot = slots; slot < end; slot += SLOT_BYTES) {
      writeStorageKey(storageKey, 0, diff, address, diff, slot);
      undo.slot(diff, slot, reader.get(storageKey));
    }
  }
  return undo.finish();
}

/** One diff that does what the diffs do one after another. */
export function joinDiffs(diffs: readonly EncodedDiff[]): EncodedDiff {
  const joined = new Map<string, AccountChange>();
  for (const [name, change] of diffs.flatMap((diff) => [...decodeDiff(diff)])) {
    const before = joined.get(name);
    const drops = change.storageCleared || change.account === undefined;
    const code = change.code ?? before?.code;
    joined.set(name, {
      account: change.account,
      storageCleared: drops || (before?.storageCleared ?? false),
      storage: drops ? change.storage : new Map([...(before?.storage ?? []), ...change.storage]),
      ...(code && { code }),
    });
  }
  return encodeDiff(joined);
}
