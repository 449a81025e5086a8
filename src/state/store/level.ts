/**
 * Keys and values on disk: LevelDB through `classic-level`. A write is one record of its log, so that a process killed at any
 * point leaves all of it or nothing; `sync` extends that to a machine that loses power.
 *
 * @module
 */
import { ClassicLevel } from "classic-level";
import { LanewiseError } from "../../core/index.ts";
import { DELETED, type KeyValueReader, type KeyValueStore } from "./key-value.ts";

type Database = ClassicLevel<Uint8Array, Uint8Array>;

/** Options of {@link openLevelStore}. */
export interface LevelOptions {
  /** Whether a write waits until it is on the disk itself. Default `true`. */
  readonly sync?: boolean;
  /** LevelDB's block cache, default 64 MiB. */
  readonly cacheBytes?: number;
  /** LevelDB's write buffer, default 32 MiB. */
  readonly writeBufferBytes?: number;
}

async function openDatabase(location: string, options: LevelOptions = {}): Promise<Database> {
  const database: Database = new ClassicLevel(location, {
    keyEncoding: "view",
    valueEncoding: "view",
    // Threads of this process that read the same database share one handle to it.
    multithreading: true,
    cacheSize: options.cacheBytes ?? 64 * 2 ** 20,
    writeBufferSize: options.writeBufferBytes ?? 32 * 2 ** 20,
  });
  try {
    await database.open();
  } catch (error) {
    throw new LanewiseError("ERR_SOURCE", `state database ${location}: cannot be opened`, {
      cause: error,
    });
  }
  return database;
}

function readerOf(database: Database): KeyValueReader {
  const snapshot = database.snapshot();
  let open = true;
  return {
    get(key) {
      if (!open) throw new LanewiseError("ERR_CLOSED", "state database: the reader is closed");
      try {
        return database.getSync(key, { snapshot });
      } catch (error) {
        throw new LanewiseError("ERR_SOURCE", "state database: read failed", { cause: error });
      }
    },
    close() {
      if (open) void snapshot.close();
      open = false;
    },
  };
}

/**
 * Readers of a database that other threads of this process may have open too; the options of the first one count.
 *
 * @throws LanewiseError `ERR_SOURCE` as {@link openLevelStore}.
 */
export async function openLevelReaders(
  location: string,
  options: LevelOptions = {},
): Promise<{ reader(): KeyValueReader; close(): Promise<void> }> {
  const database = await openDatabase(location, options);
  return { reader: () => readerOf(database), close: () => database.close() };
}

/** One such reader, which closes the database behind it. */
export async function openLevelReader(location: string): Promise<KeyValueReader> {
  const readers = await openLevelReaders(location);
  const { get, close } = readers.reader();
  return {
    get,
    close() {
      close();
      void readers.close();
    },
  };
}

/**
 * Opens, or creates, the database in a folder.
 *
 * @throws LanewiseError `ERR_SOURCE` where another process has it open, or it cannot be read.
 */
export async function openLevelStore(
  location: string,
  options: LevelOptions = {},
): Promise<KeyValueStore> {
  const database = await openDatabase(location, options);
  const { sync = true } = options;
  return {
    persistent: true,
    reader: () => readerOf(database),
    async list(prefix) {
      const after = prefix.slice();
      let last = after.length - 1;
      while (last >= 0 && after[last] === 0xff) last--;
      if (last >= 0) after[last]++;
      const range = last < 0 ? { gte: prefix } : { gte: prefix, lt: after.subarray(0, last + 1) };
      return database.keys(range).all();
    },
    async write({ count, bytes, entries }) {
      const batch = database.batch();
      for (let entry = 0; entry < count * 3; entry += 3) {
        const start = entries[entry];
        const end = start + entries[entry + 1];
        const key = bytes.subarray(start, end);
        if (entries[entry + 2] === DELETED) batch.del(key);
        else batch.put(key, bytes.subarray(end, end + entries[entry + 2]));
      }
      try {
        await batch.write({ sync });
      } catch (error) {
        throw new LanewiseError("ERR_SOURCE", `state database ${location}: write failed`, {
          cause: error,
        });
      }
    },
    share: () => ({ kind: "level", location }),
    async close() {
      await database.close();
    },
  };
}
