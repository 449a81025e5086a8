/**
 * Keys and values in shared memory: a multi-version hash table that one thread writes and any thread reads without a lock.
 *
 * ```
 * heads   u32 × 2^n        newest record of each bucket, in units of 8 bytes; 0 for none
 * log     u32 used units   u32 secret of the hash   then records on 8-byte boundaries, never changed once written:
 *         u32 older record of the bucket   u32 version   u32 key hash   u32 key bytes   u32 value bytes (2³²−1: deleted)
 *         u32 record of an older key with the same listed prefix   key   value
 * ```
 *
 * A reader pinned at a version passes over newer records. When the table is crowded or full, the newest records move to a larger pair of
 * buffers; readers of the old pair keep it alive.
 *
 * @module
 */
import { LanewiseError } from "../../core/index.ts";
import { hashOf, secretSeed } from "../hash.ts";
import {
  DELETED,
  type KeyValueReader,
  type KeyValueStore,
  type SharedContents,
  type WriteBatch,
} from "./key-value.ts";

const HEADER_BYTES = 24;
const FIRST_UNIT = 1;
const LEAST_BUCKETS = 1 << 12;
const LEAST_LOG_BYTES = 1 << 20;
/** Below this many bytes a loop beats making a view for `set`. */
const SHORT_COPY_BYTES = 64;

/** Options of {@link createSharedMemoryStore}. */
export interface SharedMemoryOptions {
  /** Most bytes of records, default 4 GiB. */
  readonly maxBytes?: number;
  /** Keys longer than this are listed by their first bytes of this number. */
  readonly listedPrefixBytes: number;
}

/** One pair of buffers. */
class Table {
  readonly heads: Uint32Array<SharedArrayBuffer>;
  readonly words: Uint32Array<SharedArrayBuffer>;
  readonly bytes: Uint8Array<SharedArrayBuffer>;

  constructor(heads: SharedArrayBuffer, log: SharedArrayBuffer) {
    this.heads = new Uint32Array(heads);
    this.words = new Uint32Array(log);
    this.bytes = new Uint8Array(log);
  }

  /** The hash of a key. */
  hash(bytes: Uint8Array, at: number, length: number): number {
    return hashOf(bytes, at, length, this.words[1]);
  }

  /** The unit of the newest record up to a version of the key at `at` in `bytes`, or 0. */
  find(bytes: Uint8Array, at: number, length: number, hash: number, version: number): number {
    let unit = Atomics.load(this.heads, hash & (this.heads.length - 1));
    for (; unit !== 0; unit = this.words[unit * 2]) {
      const word = unit * 2;
      if (this.words[word + 2] !== hash || this.words[word + 1] > version) continue;
      if (this.words[word + 3] === length && this.#hasKey(unit, bytes, at, length)) return unit;
    }
    return 0;
  }

  /** {@link Table.find} of a whole array. */
  findKey(key: Uint8Array, version: number): number {
    return this.find(key, 0, key.length, this.hash(key, 0, key.length), version);
  }

  value(unit: number): Uint8Array | undefined {
    const length = this.words[unit * 2 + 4];
    if (length === DELETED) return undefined;
    const start = unit * 8 + HEADER_BYTES + this.words[unit * 2 + 3];
    return this.bytes.slice(start, start + length);
  }

  key(unit: number): Uint8Array {
    const start = unit * 8 + HEADER_BYTES;
    return this.bytes.slice(start, start + this.words[unit * 2 + 3]);
  }

  #hasKey(unit: number, bytes: Uint8Array, at: number, length: number): boolean {
    const start = unit * 8 + HEADER_BYTES;
    const own = this.bytes;
    for (let i = 0; i < length; i++) if (own[start + i] !== bytes[at + i]) return false;
    return true;
  }
}

/** A reader of shared contents, in any thread. */
export function openSharedMemory({
  heads,
  log,
  version,
}: Extract<SharedContents, { kind: "memory" }>): KeyValueReader {
  const table = new Table(heads, log);
  return {
    get(key) {
      const unit = table.findKey(key, version);
      return unit === 0 ? undefined : table.value(unit);
    },
    close() {},
  };
}

/** A store in shared memory. */
export function createSharedMemoryStore(options: SharedMemoryOptions): KeyValueStore {
  const { maxBytes = 2 ** 32, listedPrefixBytes } = options;
  /** By listed prefix: the first record of the key that came last. Only the writer lists. */
  const lists = new Map<string, number>();
  let version = 0;
  let records = 0;
  let table = createTable(LEAST_BUCKETS, LEAST_LOG_BYTES);

  function createTable(buckets: number, bytes: number): Table {
    const created = new Table(new SharedArrayBuffer(buckets * 4), new SharedArrayBuffer(bytes));
    created.words[0] = FIRST_UNIT;
    created.words[1] = secretSeed();
    return created;
  }

  /** Appends the record of a key with its value behind it at `from`; `valueBytes` may be {@link DELETED}. */
  function append(
    from: Uint8Array,
    key: number,
    keyBytes: number,
    valueBytes: number,
    at: number,
  ): void {
    const unit = table.words[0];
    const bytes = keyBytes + (valueBytes === DELETED ? 0 : valueBytes);
    const start = unit * 8 + HEADER_BYTES;
    const hash = table.hash(from, key, keyBytes);
    const bucket = hash & (table.heads.length - 1);
    const word = unit * 2;
    const { words } = table;
    words[word] = table.heads[bucket];
    words[word + 1] = at;
    words[word + 2] = hash;
    words[word + 3] = keyBytes;
    words[word + 4] = valueBytes;
    words[word + 5] = 0;
    if (keyBytes > listedPrefixBytes && table.find(from, key, keyBytes, hash, at) === 0) {
      const prefix = prefixOf(from, key);
      words[word + 5] = lists.get(prefix) ?? 0;
      lists.set(prefix, unit);
    }
    if (bytes > SHORT_COPY_BYTES) table.bytes.set(from.subarray(key, key + bytes), start);
    else for (let i = 0; i < bytes; i++) table.bytes[start + i] = from[key + i];
    words[0] = (start + bytes + 7) >>> 3;
    // Last, and with release order: a reader that sees the head sees the record.
    Atomics.store(table.heads, bucket, unit);
    records++;
  }

  /**
   * Moves the newest records to a pair of buffers with room for `more` records of `moreBytes`.
   *
   * @throws LanewiseError `ERR_SOURCE` where that is more than `maxBytes`.
   */
  function rebuild(more: number, moreBytes: number): void {
    const old = table;
    const newest: number[] = [];
    let bytes = FIRST_UNIT * 8 + moreBytes;
    for (let unit = FIRST_UNIT; unit < old.words[0]; ) {
      const keyBytes = old.words[unit * 2 + 3];
      const valueBytes = old.words[unit * 2 + 4];
      const start = unit * 8 + HEADER_BYTES;
      if (
        valueBytes !== DELETED &&
        old.find(old.bytes, start, keyBytes, old.words[unit * 2 + 2], version) === unit
      ) {
        newest.push(unit);
        bytes += HEADER_BYTES + 7 + keyBytes + valueBytes;
      }
      unit = (start + keyBytes + (valueBytes === DELETED ? 0 : valueBytes) + 7) >>> 3;
    }
    let buckets = LEAST_BUCKETS;
    while (buckets < (newest.length + more) * 2) buckets *= 2;
    if (bytes > maxBytes) {
      throw new LanewiseError("ERR_SOURCE", `memory store: more than ${maxBytes} bytes`);
    }
    const room = Math.ceil(Math.max(LEAST_LOG_BYTES, bytes * 2) / 8) * 8;
    table = createTable(buckets, Math.min(room, maxBytes));
    lists.clear();
    records = 0;
    for (const unit of newest) {
      const word = unit * 2;
      const start = unit * 8 + HEADER_BYTES;
      append(old.bytes, start, old.words[word + 3], old.words[word + 4], old.words[word + 1]);
    }
  }

  const prefixOf = (bytes: Uint8Array, at: number): string =>
    Buffer.from(bytes.buffer, bytes.byteOffset + at, listedPrefixBytes).toString("latin1");

  const share = (): Extract<SharedContents, { kind: "memory" }> => ({
    kind: "memory",
    heads: table.heads.buffer,
    log: table.bytes.buffer,
    version,
  });

  return {
    persistent: false,
    reader: () => openSharedMemory(share()),
    async list(prefix) {
      if (prefix.length !== listedPrefixBytes) {
        throw new RangeError(
          `memory store list: expected a prefix of ${listedPrefixBytes} bytes, got ${prefix.length}`,
        );
      }
      const keys: Uint8Array[] = [];
      let unit = lists.get(prefixOf(prefix, 0)) ?? 0;
      for (; unit !== 0; unit = table.words[unit * 2 + 5]) {
        const key = table.key(unit);
        if (table.value(table.findKey(key, version)) !== undefined) keys.push(key);
      }
      return keys;
    },
    async write(changes: WriteBatch) {
      const { count, bytes, entries } = changes;
      const size = changes.size + count * (HEADER_BYTES + 7);
      const end = table.words[0] * 8 + size;
      if (records + count > table.heads.length * 2 || end > table.bytes.length) {
        rebuild(count, size);
      }
      // Records of the next version are not seen by anyone before the version is.
      const next = version + 1;
      for (let entry = 0; entry < count * 3; entry += 3) {
        append(bytes, entries[entry], entries[entry + 1], entries[entry + 2], next);
      }
      version = next;
    },
    share,
    async close() {},
  };
}
