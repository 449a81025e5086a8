/**
 * What the instances left in memory, as receipts and state changes.
 *
 * A block's results are copied out of the executor's memory in one piece each and taken apart when they are asked for: most receipts are
 * only hashed, and a state diff may be applied elsewhere.
 *
 * @module
 */
import type { AccountChange, StateDiff } from "../../state/source.ts";
import type { ConflictLocation, InvalidTransaction, Log, Receipt } from "../executor.ts";
import { BLOOM_BYTES } from "../receipt.ts";
import type { Machine, MachineMemory } from "./machine.ts";
import { rejectionReason } from "./rejections.ts";

const NO_LOGS: readonly Log[] = [];

// A result (assembly/evm/transaction.ts).
const STATUS = 0;
const TYPE = 4;
const GAS_USED = 8;
const CUMULATIVE_GAS = 16;
const LOGS = 24;
const LOG_BYTES = 28;
const BLOOM_VALUES = 32;
const DROPPED = 36;

/** A copy of shared memory into fresh memory that is not filled with zeros first. */
function copyOf(memory: MachineMemory, start: number, end: number): Uint8Array {
  const own = Buffer.allocUnsafeSlow(end - start);
  own.set(memory.bytes.subarray(start >>> 0, end >>> 0));
  return new Uint8Array(own.buffer, own.byteOffset, own.length);
}

/** Bytes of the memory of one block, copied. */
class Output {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Where they began. */
  readonly start: number;

  constructor(memory: MachineMemory, start: number, end: number) {
    this.start = start >>> 0;
    this.bytes = copyOf(memory, start, end);
    this.view = new DataView(this.bytes.buffer);
  }
}

/** A receipt over its block's bytes. */
export class EvmReceipt implements Receipt {
  readonly #results: DataView;
  readonly #at: number;
  readonly #output: Output;

  constructor(results: DataView, at: number, output: Output) {
    this.#results = results;
    this.#at = at;
    this.#output = output;
  }

  get type(): number {
    return this.#results.getUint32(this.#at + TYPE, true);
  }

  get status(): boolean {
    return this.#results.getUint32(this.#at + STATUS, true) === 1;
  }

  get gasUsed(): bigint {
    return this.#results.getBigInt64(this.#at + GAS_USED, true);
  }

  get cumulativeGasUsed(): bigint {
    return this.#results.getBigInt64(this.#at + CUMULATIVE_GAS, true);
  }

  /** Where the logs lie in the output; they end where they begin if there are none. */
  #logs(): { readonly start: number; readonly end: number } {
    const logs = this.#results.getUint32(this.#at + LOGS, true);
    const start = logs === 0 ? 0 : logs - this.#output.start;
    return { start, end: start + this.#results.getUint32(this.#at + LOG_BYTES, true) };
  }

  get logsBloom(): Uint8Array {
    const bloom = new Uint8Array(BLOOM_BYTES);
    const { end } = this.#logs();
    const bitsEnd = end + 6 * this.#results.getUint32(this.#at + BLOOM_VALUES, true);
    for (let at = end; at < bitsEnd; at += 2) {
      const bit = this.#output.view.getUint16(at, true);
      bloom[BLOOM_BYTES - 1 - (bit >> 3)] |= 1 << (bit & 7);
    }
    return bloom;
  }

  get logs(): readonly Log[] {
    const { start, end } = this.#logs();
    return start === end ? NO_LOGS : readLogs(this.#output, start, end);
  }

  /** The data of the logs that this contract wrote with this first topic, or with none. */
  logDataOf(address: Uint8Array, topic: Uint8Array): Uint8Array[] {
    const { start, end } = this.#logs();
    const { bytes, view } = this.#output;
    const found: Uint8Array[] = [];
    for (let at = start; at < end; at = nextLog(view, at)) {
      if (bytes[at + 19] !== address[19] || !isAt(bytes, at, address)) continue;
      const topicCount = view.getUint32(at + 24, true);
      if (topicCount === 0 || !isAt(bytes, at + 32, topic)) continue;
      const data = at + 32 + 32 * topicCount;
      found.push(bytes.subarray(data, data + view.getUint32(at + 28, true)));
    }
    return found;
  }
}

function isAt(bytes: Uint8Array, at: number, expected: Uint8Array): boolean {
  for (let i = 0; i < expected.length; i++) if (bytes[at + i] !== expected[i]) return false;
  return true;
}

/** Where the log after the one at `at` begins (record layout: assembly/evm/logs.ts). */
function nextLog(view: DataView, at: number): number {
  const bytes = 32 + 32 * view.getUint32(at + 24, true) + view.getUint32(at + 28, true);
  return at + ((bytes + 7) & ~7);
}

function readLogs({ bytes, view }: Output, start: number, end: number): Log[] {
  const logs: Log[] = [];
  for (let at = start; at < end; at = nextLog(view, at)) {
    const data = at + 32 + 32 * view.getUint32(at + 24, true);
    const topics: Uint8Array[] = [];
    for (let t = at + 32; t < data; t += 32) topics.push(bytes.subarray(t, t + 32));
    logs.push({
      address: bytes.subarray(at, at + 20),
      topics,
      data: bytes.subarray(data, data + view.getUint32(at + 28, true)),
    });
  }
  return logs;
}

/** The receipts of `count` results, whose logs lie in the output before `end`. */
export function readReceipts(
  machine: Machine,
  results: number,
  count: number,
  end: number,
): EvmReceipt[] {
  const { evm } = machine;
  const recordBytes = evm.resultBytes();
  const output = new Output(machine, evm.outputStart(), end);
  const view = new DataView(machine.own(results, count * recordBytes).buffer);
  const receipts: EvmReceipt[] = [];
  for (let i = 0; i < count; i++) receipts.push(new EvmReceipt(view, i * recordBytes, output));
  return receipts;
}

/** The candidates among `count` that were dropped. */
export function readDropped(
  machine: Machine,
  results: number,
  count: number,
): InvalidTransaction[] {
  const { view, evm } = machine;
  const recordBytes = evm.resultBytes();
  const dropped: InvalidTransaction[] = [];
  for (let index = 0; index < count; index++) {
    const at = results + index * recordBytes;
    const code = view.getUint32(at + DROPPED, true);
    if (code === 0) continue;
    const words = view.getUint32(at + LOGS, true);
    const reason = rejectionReason(code, machine.getWord(words), machine.getWord(words + 32));
    dropped.push({ index, reason });
  }
  return dropped;
}

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

/** A block's changes over their records. */
export class Changes {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor(memory: MachineMemory, start: number, end: number) {
    this.#bytes = copyOf(memory, start, end);
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

/** A state diff that is made of its records at the first look at it. */
export class LazyStateDiff implements ReadonlyMap<string, AccountChange> {
  #changes: Changes | undefined;
  #map: StateDiff | undefined;

  constructor(changes: Changes) {
    this.#changes = changes;
  }

  get #diff(): StateDiff {
    if (this.#map === undefined) {
      this.#map = this.#changes!.diff();
      this.#changes = undefined;
    }
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
