/**
 * What a block changed, from the records that the instances left in memory (assembly/evm/changes.ts) to bytes that tries and stores
 * take.
 *
 * @module
 */
import {
  ACCOUNT_BYTES,
  DIFF_AT,
  DIFF_FLAGS,
  type DiffRoom,
  type EncodedDiff,
  SLOT_BYTES,
} from "../../state/diff.ts";
import { hexOf } from "../../state/hex.ts";
import type { ConflictLocation } from "../executor.ts";
import type { MachineMemory } from "./machine.ts";

// Records of changes (assembly/evm/changes.ts).
const CHUNK_BYTES = 65536;
const ACCOUNT_CHANGE = 1;
const SLOT_CHANGE = 2;
const CONFLICT = 3;
const ACCOUNT_CHANGE_BYTES = 112;
const SLOT_CHANGE_BYTES = 72;
const CONFLICT_BYTES = 72;
const EXISTS = 1;
const NEW_CODE = 2;
const STORAGE_CLEARED = 4;

/** Where the accounts of a block lie in its encoded diff: a hash table from their ids in the records. */
class AccountPlaces {
  readonly #ids: Uint32Array;
  /** By bucket: changed slots; place of the account; bytes of new code, and once all are known the place of the next slot. */
  readonly #slots: Uint32Array;
  readonly #places: Uint32Array;
  readonly #next: Uint32Array;
  /** Buckets in the order in which their accounts came. */
  readonly #order: Uint32Array;
  readonly #shift: number;
  #count = 0;

  /** For at most `most` accounts. */
  constructor(most: number) {
    const bits = 33 - Math.clz32(most + 1);
    this.#shift = 32 - bits;
    const buckets = 2 ** bits;
    this.#ids = new Uint32Array(buckets);
    this.#slots = new Uint32Array(buckets);
    this.#places = new Uint32Array(buckets);
    this.#next = new Uint32Array(buckets);
    this.#order = new Uint32Array(most);
  }

  /** Ids are addresses of records in the executor's memory, which no stranger chooses. */
  #bucketOf(id: number): number {
    const ids = this.#ids;
    let bucket = Math.imul(id, 0x9e3779b1) >>> this.#shift;
    while (ids[bucket] !== id) {
      if (ids[bucket] === 0) {
        ids[bucket] = id;
        this.#order[this.#count++] = bucket;
        break;
      }
      bucket = (bucket + 1) & (ids.length - 1);
    }
    return bucket;
  }

  addSlot(id: number): void {
    this.#slots[this.#bucketOf(id)]++;
  }

  setCode(id: number, bytes: number): void {
    this.#next[this.#bucketOf(id)] = bytes;
  }

  /** Puts the accounts one behind the other. */
  layOut(): void {
    let at = 0;
    for (let i = 0; i < this.#count; i++) {
      const bucket = this.#order[i];
      this.#places[bucket] = at;
      at += DIFF_AT.code + this.#next[bucket];
      this.#next[bucket] = at;
      at += SLOT_BYTES * this.#slots[bucket];
    }
  }

  slotsOf(id: number): number {
    return this.#slots[this.#bucketOf(id)];
  }

  placeOf(id: number): number {
    return this.#places[this.#bucketOf(id)];
  }

  /** Place of the next slot to be written. */
  nextSlot(id: number): number {
    const bucket = this.#bucketOf(id);
    const at = this.#next[bucket];
    this.#next[bucket] = at + SLOT_BYTES;
    return at;
  }
}

/** Calls `visit` with the kind and place of each record. */
function eachRecord(records: DataView, visit: (kind: number, at: number) => void): void {
  const { byteLength } = records;
  for (let at = 0; at + 4 <= byteLength; ) {
    const kind = records.getUint32(at, true);
    if (kind === 0) {
      at = (at + CHUNK_BYTES) & ~(CHUNK_BYTES - 1);
      continue;
    }
    visit(kind, at);
    if (kind === SLOT_CHANGE) at += SLOT_CHANGE_BYTES;
    else if (kind === CONFLICT) at += CONFLICT_BYTES;
    else at += ACCOUNT_CHANGE_BYTES + ((records.getUint32(at + 12, true) + 7) & ~7);
  }
}

/** The records between two addresses, copied: the next block overwrites them. */
export function changeRecords(memory: MachineMemory, start: number, end: number): DataView {
  const bytes = memory.copy(start, end);
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Everything the block changed, accounts in the order in which their first records come. */
export function encodeChanges(view: DataView, room: DiffRoom): EncodedDiff {
  let accounts = 0;
  let size = 0;
  eachRecord(view, (kind, at) => {
    if (kind === SLOT_CHANGE) size += SLOT_BYTES;
    else if (kind === ACCOUNT_CHANGE) {
      accounts++;
      size += DIFF_AT.code + view.getUint32(at + 12, true);
    }
  });
  const places = new AccountPlaces(accounts);
  eachRecord(view, (kind, at) => {
    if (kind === SLOT_CHANGE) places.addSlot(view.getUint32(at + 4, true));
    else if (kind === ACCOUNT_CHANGE) {
      places.setCode(view.getUint32(at + 8, true), view.getUint32(at + 12, true));
    }
  });
  places.layOut();
  const diff = room(size);
  const out = new DataView(diff.buffer, diff.byteOffset, size);
  eachRecord(view, (kind, at) => {
    if (kind === SLOT_CHANGE) {
      const to = places.nextSlot(view.getUint32(at + 4, true));
      for (let i = 0; i < SLOT_BYTES; i += 4) {
        out.setUint32(to + i, view.getUint32(at + 8 + i, true), true);
      }
    } else if (kind === ACCOUNT_CHANGE) {
      const id = view.getUint32(at + 8, true);
      encodeAccount(view, at, out, places.placeOf(id), places.slotsOf(id));
    }
  });
  return diff;
}

/** Writes what the account's record at `at` says, of which `slots` slots follow, to `to`. */
function encodeAccount(view: DataView, at: number, out: DataView, to: number, slots: number): void {
  const flags = view.getUint32(at + 4, true);
  const codeBytes = view.getUint32(at + 12, true);
  for (let i = 0; i < 20; i += 4) out.setUint32(to + i, view.getUint32(at + 16 + i, true), true);
  out.setUint8(
    to + DIFF_AT.flags,
    (flags & EXISTS ? DIFF_FLAGS.exists : 0) |
      (flags & STORAGE_CLEARED ? DIFF_FLAGS.cleared : 0) |
      (flags & NEW_CODE ? DIFF_FLAGS.hasCode : 0),
  );
  const account = to + DIFF_AT.nonce;
  if (flags & EXISTS) {
    for (let i = 0; i < 8; i += 4) out.setUint32(account + i, view.getUint32(at + 44 - i, true));
    for (let i = 0; i < 32; i += 4) {
      out.setUint32(account + 8 + i, view.getUint32(at + 76 - i, true));
      out.setUint32(account + 40 + i, view.getUint32(at + 80 + i, true), true);
    }
  } else for (let i = 0; i < ACCOUNT_BYTES; i += 4) out.setUint32(account + i, 0);
  out.setUint32(to + DIFF_AT.codeBytes, codeBytes);
  out.setUint32(to + DIFF_AT.slotCount, slots);
  for (let i = 0; i < codeBytes; i++) {
    out.setUint8(to + DIFF_AT.code + i, view.getUint8(at + ACCOUNT_CHANGE_BYTES + i));
  }
}

/** Locations for which transactions had to run again. */
export function readConflictLocations(view: DataView): ConflictLocation[] {
  const hex = (at: number, bytes: number): string =>
    hexOf(new Uint8Array(view.buffer, view.byteOffset + at, bytes));
  const found: ConflictLocation[] = [];
  eachRecord(view, (kind, at) => {
    if (kind !== CONFLICT) return;
    const slot = view.getUint32(at + 8, true) === 0 ? undefined : hex(at + 40, 32);
    found.push({ address: hex(at + 16, 20), slot, aborts: view.getUint32(at + 4, true) });
  });
  return found;
}
