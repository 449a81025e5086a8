/**
 * What a block changed, over the records that the instances left in memory (assembly/evm/changes.ts): copied in one piece, and taken
 * apart when asked for, since most diffs are applied elsewhere.
 *
 * @module
 */
import {
  DIFF_AT,
  DIFF_FLAGS,
  type EncodedDiff,
  type SelfEncodingDiff,
  SLOT_BYTES,
} from "../../state/diff.ts";
import type { AccountChange, StateDiff } from "../../state/source.ts";
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

/** Changes of one account under way. */
interface Gathered {
  address: string;
  change: { -readonly [Key in keyof AccountChange]: AccountChange[Key] };
  readonly storage: Map<string, Uint8Array>;
}

/** Where the accounts of a block lie in its encoded diff: a hash table from their ids in the records. */
class AccountPlaces {
  readonly #ids: Uint32Array;
  /** By bucket: changed slots, bytes of new code, place of the account, place of its next slot. */
  readonly #slots: Uint32Array;
  readonly #codeBytes: Uint32Array;
  readonly #places: Uint32Array;
  readonly #nextSlots: Uint32Array;
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
    this.#codeBytes = new Uint32Array(buckets);
    this.#places = new Uint32Array(buckets);
    this.#nextSlots = new Uint32Array(buckets);
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
    this.#codeBytes[this.#bucketOf(id)] = bytes;
  }

  /** Puts the accounts one behind the other. */
  layOut(): void {
    let at = 0;
    for (let i = 0; i < this.#count; i++) {
      const bucket = this.#order[i];
      this.#places[bucket] = at;
      at += DIFF_AT.code + this.#codeBytes[bucket];
      this.#nextSlots[bucket] = at;
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
    const at = this.#nextSlots[bucket];
    this.#nextSlots[bucket] = at + SLOT_BYTES;
    return at;
  }
}

/** A block's changes over their records. */
export class Changes {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor(memory: MachineMemory, start: number, end: number) {
    this.#bytes = memory.copy(start, end);
    this.#view = new DataView(this.#bytes.buffer);
  }

  #hex(at: number, length: number): string {
    return `0x${Buffer.from(this.#bytes.buffer, at, length).toString("hex")}`;
  }

  /** Calls `visit` with the kind and place of each record. */
  #each(visit: (kind: number, at: number) => void): void {
    const view = this.#view;
    for (let at = 0; at + 4 <= view.byteLength; ) {
      const kind = view.getUint32(at, true);
      if (kind === 0) {
        at = (at + CHUNK_BYTES) & ~(CHUNK_BYTES - 1);
        continue;
      }
      visit(kind, at);
      if (kind === SLOT_CHANGE) at += SLOT_CHANGE_BYTES;
      else if (kind === CONFLICT) at += CONFLICT_BYTES;
      else at += ACCOUNT_CHANGE_BYTES + ((view.getUint32(at + 12, true) + 7) & ~7);
    }
  }

  /** Everything the block changed. */
  diff(): StateDiff {
    const view = this.#view;
    const byId = new Map<number, Gathered>();
    const gathered = (id: number): Gathered => {
      let of = byId.get(id);
      if (of === undefined) {
        const storage = new Map<string, Uint8Array>();
        of = {
          address: "",
          change: { account: undefined, storageCleared: false, storage },
          storage,
        };
        byId.set(id, of);
      }
      return of;
    };
    this.#each((kind, at) => {
      if (kind === SLOT_CHANGE) {
        const { storage } = gathered(view.getUint32(at + 4, true));
        storage.set(this.#hex(at + 8, 32), this.#bytes.slice(at + 40, at + 72));
      } else if (kind === ACCOUNT_CHANGE) {
        const of = gathered(view.getUint32(at + 8, true));
        of.address = this.#hex(at + 16, 20);
        this.#readAccount(at, of.change);
      }
    });
    const diff = new Map<string, AccountChange>();
    for (const { address, change } of byId.values()) diff.set(address, change);
    return diff;
  }

  /**
   * Everything the block changed as `state/diff.ts` has it, without an object in between: accounts in the order in which their first
   * records come.
   */
  encode(): EncodedDiff {
    const view = this.#view;
    const places = new AccountPlaces(Math.ceil(view.byteLength / SLOT_CHANGE_BYTES));
    let size = 0;
    this.#each((kind, at) => {
      if (kind === SLOT_CHANGE) {
        places.addSlot(view.getUint32(at + 4, true));
        size += SLOT_BYTES;
      } else if (kind === ACCOUNT_CHANGE) {
        const codeBytes = view.getUint32(at + 12, true);
        places.setCode(view.getUint32(at + 8, true), codeBytes);
        size += DIFF_AT.code + codeBytes;
      }
    });
    const out = new Uint8Array(size);
    const target = new DataView(out.buffer);
    places.layOut();
    this.#each((kind, at) => {
      if (kind === SLOT_CHANGE) {
        const to = places.nextSlot(view.getUint32(at + 4, true));
        for (let i = 0; i < SLOT_BYTES; i += 4) {
          target.setUint32(to + i, view.getUint32(at + 8 + i, true), true);
        }
      } else if (kind === ACCOUNT_CHANGE) {
        const id = view.getUint32(at + 8, true);
        this.#encodeAccount(at, target, places.placeOf(id), places.slotsOf(id));
      }
    });
    return out;
  }

  #encodeAccount(at: number, out: DataView, to: number, slots: number): void {
    const view = this.#view;
    const flags = view.getUint32(at + 4, true);
    const codeBytes = view.getUint32(at + 12, true);
    for (let i = 0; i < 20; i += 4) out.setUint32(to + i, view.getUint32(at + 16 + i, true), true);
    out.setUint8(
      to + DIFF_AT.flags,
      (flags & EXISTS ? DIFF_FLAGS.exists : 0) |
        (flags & STORAGE_CLEARED ? DIFF_FLAGS.cleared : 0) |
        (flags & NEW_CODE ? DIFF_FLAGS.hasCode : 0),
    );
    if (flags & EXISTS) {
      const account = to + DIFF_AT.nonce;
      for (let i = 0; i < 8; i += 4) out.setUint32(account + i, view.getUint32(at + 44 - i, true));
      for (let i = 0; i < 32; i += 4) {
        out.setUint32(account + 8 + i, view.getUint32(at + 76 - i, true));
        out.setUint32(account + 40 + i, view.getUint32(at + 80 + i, true), true);
      }
    }
    out.setUint32(to + DIFF_AT.codeBytes, codeBytes);
    out.setUint32(to + DIFF_AT.slotCount, slots);
    const code = at + ACCOUNT_CHANGE_BYTES;
    for (let i = 0; i < codeBytes; i++) {
      out.setUint8(to + DIFF_AT.code + i, this.#bytes[code + i]);
    }
  }

  #readAccount(at: number, change: Gathered["change"]): void {
    const flags = this.#view.getUint32(at + 4, true);
    change.storageCleared = (flags & STORAGE_CLEARED) !== 0;
    if (!(flags & EXISTS)) return;
    let balance = 0n;
    for (let i = 24; i >= 0; i -= 8) {
      const limb = this.#view.getBigUint64(at + 48 + i, true);
      balance = balance === 0n ? limb : (balance << 64n) | limb;
    }
    const nonce = this.#view.getBigUint64(at + 40, true);
    change.account = { nonce, balance, codeHash: this.#bytes.slice(at + 80, at + 112) };
    if (flags & NEW_CODE) {
      const code = at + ACCOUNT_CHANGE_BYTES;
      change.code = this.#bytes.slice(code, code + this.#view.getUint32(at + 12, true));
    }
  }

  /** Locations for which transactions had to run again. */
  conflicts(): ConflictLocation[] {
    const found: ConflictLocation[] = [];
    this.#each((kind, at) => {
      if (kind !== CONFLICT) return;
      const aborts = this.#view.getUint32(at + 4, true);
      const slot = this.#view.getUint32(at + 8, true) === 0 ? undefined : this.#hex(at + 40, 32);
      found.push({ address: this.#hex(at + 16, 20), slot, aborts });
    });
    return found;
  }
}

/** A state diff that is made of its records at the first look at it, and encodes itself from them. */
export class LazyStateDiff implements SelfEncodingDiff {
  readonly #changes: Changes;
  #map: StateDiff | undefined;

  constructor(changes: Changes) {
    this.#changes = changes;
  }

  encode(): EncodedDiff {
    return this.#changes.encode();
  }

  get #diff(): StateDiff {
    this.#map ??= this.#changes.diff();
    return this.#map;
  }

  get size(): number {
    return this.#diff.size;
  }

  get(address: string): AccountChange | undefined {
    return this.#diff.get(address);
  }

  has(address: string): boolean {
    return this.#diff.has(address);
  }

  forEach(
    visit: (change: AccountChange, address: string, of: StateDiff) => void,
    self?: unknown,
  ): void {
    this.#diff.forEach(visit, self);
  }

  entries(): MapIterator<[string, AccountChange]> {
    return this.#diff.entries();
  }

  keys(): MapIterator<string> {
    return this.#diff.keys();
  }

  values(): MapIterator<AccountChange> {
    return this.#diff.values();
  }

  [Symbol.iterator](): MapIterator<[string, AccountChange]> {
    return this.#diff.entries();
  }
}
