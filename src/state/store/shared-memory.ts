/**
 * Keys and values in shared memory: a multi-version hash table that one thread writes and any thread reads without a lock.
 *
 * ```
 * heads   u32 × 2^n        newest record of each bucket, in units of 8 bytes; 0 for none
 * log     u32 used units, then records on 8-byte boundaries, never changed once written:
 *         u32 older record of the bucket   u32 version   u32 key hash   u32 key bytes   u32 value bytes (2³²−1: deleted)
 *         u32 record of an older key with the same listed prefix   key   value
 * ```
 *
 * A reader pinned at a version passes over newer records. When the table is crowded, the newest records move to a new pair of
 * buffers; readers of the old pair keep it alive.
 *
 * @module
 */
import { LanewiseError } from "../../core/index.ts";
import type { KeyValueChange, KeyValueReader, KeyValueStore, SharedContents } from "./key-value.ts";

const HEADER_BYTES = 24;
const DELETED = 0xffffffff;
const FIRST_UNIT = 1;
const LEAST_BUCKETS = 1 << 12;
const LEAST_LOG_BYTES = 1 << 20;

/** Options of {@link createSharedMemoryStore}. */
export interface SharedMemoryOptions {
  /** Address space kept for records, default 4 GiB; memory is taken as it is filled. */
  readonly maxBytes?: number;
  /** Keys longer than this are listed by their first bytes of this number. */
  readonly listedPrefixBytes: number;
}

/** FNV-1a with a final mix, over whole bytes. */
function hashOf(key: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key[i], 0x01000193);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x2c1b3c6d);
  return (hash ^ (hash >>> 13)) >>> 0;
}

/** One pair of buffers. */
class Table {
  readonly heads: Uint32Array<SharedArrayBuffer>;
  readonly words: Uint32Array<SharedArrayBuffer>;
  readonly bytes: Uint8Array<SharedArrayBuffer>;

  constructor(heads: SharedArrayBuffer, log: SharedArrayBuffer) {
    this.heads = new Uint32Array(heads);
    // Without a length, so that the views follow the log as it grows.
    this.words = new Uint32Array(log);
    this.bytes = new Uint8Array(log);
  }

  /** The unit of the newest record of a key up to a version, or 0. */
  find(key: Uint8Array, version: number): number {
    const hash = hashOf(key);
    let unit = Atomics.load(this.heads, hash & (this.heads.length - 1));
    for (; unit !== 0; unit = this.words[unit * 2]) {
      const at = unit * 2;
      if (this.words[at + 2] !== hash || this.words[at + 1] > version) continue;
      if (this.words[at + 3] === key.length && this.#hasKey(unit, key)) return unit;
    }
    return 0;
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

  #hasKey(unit: number, key: Uint8Array): boolean {
    const start = unit * 8 + HEADER_BYTES;
    for (let i = 0; i < key.length; i++) if (this.bytes[start + i] !== key[i]) return false;
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
      const unit = table.find(key, version);
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
  let live = 0;
  let records = 0;
  let table = createTable(LEAST_BUCKETS, LEAST_LOG_BYTES);

  function createTable(buckets: number, bytes: number): Table {
    const log = new SharedArrayBuffer(Math.min(bytes, maxBytes), { maxByteLength: maxBytes });
    const created = new Table(new SharedArrayBuffer(buckets * 4), log);
    created.words[0] = FIRST_UNIT;
    return created;
  }

  function append(key: Uint8Array, value: Uint8Array | undefined, hash: number, at: number): void {
    const unit = table.words[0];
    const length = value?.length ?? 0;
    const end = unit * 8 + HEADER_BYTES + key.length + length;
    const log = table.bytes.buffer;
    if (end + 8 > log.byteLength) {
      const bytes = Math.min(Math.max(log.byteLength * 2, end + 8), maxBytes);
      log.grow(bytes);
    }
    const bucket = hash & (table.heads.length - 1);
    const word = unit * 2;
    table.words[word] = table.heads[bucket];
    table.words[word + 1] = at;
    table.words[word + 2] = hash;
    table.words[word + 3] = key.length;
    table.words[word + 4] = value ? length : DELETED;
    table.words[word + 5] = 0;
    if (key.length > listedPrefixBytes && table.find(key, at) === 0) {
      const prefix = prefixOf(key);
      table.words[word + 5] = lists.get(prefix) ?? 0;
      lists.set(prefix, unit);
    }
    table.bytes.set(key, unit * 8 + HEADER_BYTES);
    if (value) table.bytes.set(value, unit * 8 + HEADER_BYTES + key.length);
    table.words[0] = Math.ceil(end / 8);
    // Last, and with release order: a reader that sees the head sees the record.
    Atomics.store(table.heads, bucket, unit);
    records++;
  }

  /** Moves the newest records to a roomier pair of buffers. */
  function rebuild(): void {
    const old = table;
    let buckets = LEAST_BUCKETS;
    while (buckets < live * 2) buckets *= 2;
    table = createTable(buckets, LEAST_LOG_BYTES);
    lists.clear();
    records = 0;
    for (let unit = FIRST_UNIT; unit < old.words[0]; ) {
      const key = old.key(unit);
      const value = old.value(unit);
      if (value !== undefined && old.find(key, version) === unit) {
        append(key, value, old.words[unit * 2 + 2], old.words[unit * 2 + 1]);
      }
      unit += Math.ceil((HEADER_BYTES + key.length + (value?.length ?? 0)) / 8);
    }
  }

  const prefixOf = (key: Uint8Array): string =>
    Buffer.from(key.buffer, key.byteOffset, listedPrefixBytes).toString("latin1");

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
      let unit = lists.get(prefixOf(prefix)) ?? 0;
      for (; unit !== 0; unit = table.words[unit * 2 + 5]) {
        const key = table.key(unit);
        if (table.value(table.find(key, version)) !== undefined) keys.push(key);
      }
      return keys;
    },
    async write(changes) {
      if (records + changes.length > table.heads.length * 2) {
        live += changes.length;
        rebuild();
        live = records;
      }
      let end = table.words[0] * 8 + 8;
      for (const { key, value } of changes) {
        end += HEADER_BYTES + key.length + (value?.length ?? 0) + 7;
      }
      if (end > maxBytes) {
        throw new LanewiseError("ERR_SOURCE", `memory store: more than ${maxBytes} bytes`);
      }
      // Records of the next version are not seen by anyone before the version is.
      const next = version + 1;
      for (const { key, value } of changes as readonly KeyValueChange[]) {
        append(key, value, hashOf(key), next);
      }
      version = next;
    },
    share,
    async close() {},
  };
}
