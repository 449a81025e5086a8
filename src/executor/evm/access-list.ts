/**
 * The block access list out of the multi-version memory, and the hints that one gives.
 *
 * Layouts: assembly/evm/parallel.ts (tasks), locations.ts, versions.ts.
 *
 * @module
 */
import type { AccountAccess, BlockAccessList, IndexedChange } from "../access-list.ts";
import type { ExecutableBlock } from "../executor.ts";
import type { Machine } from "./machine.ts";
import type { SystemWrite } from "./system-operations.ts";

const TASK_BYTES = 64;
const TASK_READS = 16;
const TASK_FEE = 32;

const KIND = 4;
const KIND_ACCOUNT = 1;
const OWNER = 8;
const KEY = 16;
const VERSIONS = 48;
const WAS_NONCE = 136;
const WAS_BALANCE = 144;
const WAS_CODE_HASH = 176;

/** Low bits of a location in the list of reads (assembly/evm/credits.ts). */
const READ_KINDS = 3;

const VERSION_NUMBER = 4;
const VERSION_FLAGS = 8;
/** The version adds its word to the balance and leaves the rest as it is. */
const CREDIT = 4;
const VERSION_CODE = 12;
const VERSION_NONCE = 16;
const VERSION_WORD = 32;

const CODE_LENGTH = 32;
const CODE_BYTES = 48;

interface Draft {
  readonly address: Uint8Array;
  readonly storageChanges: {
    readonly slot: Uint8Array;
    readonly changes: IndexedChange<Uint8Array>[];
  }[];
  readonly storageReads: Uint8Array[];
  balanceChanges: IndexedChange<bigint>[];
  readonly nonceChanges: IndexedChange<bigint>[];
  readonly codeChanges: IndexedChange<Uint8Array>[];
}

const byBytes = (a: Uint8Array, b: Uint8Array): number => Buffer.compare(a, b);

/** Big-endian bytes of a number. */
function bytesOf(value: bigint, length: number): Uint8Array {
  return Uint8Array.from(Buffer.from(value.toString(16).padStart(2 * length, "0"), "hex"));
}

/** Reads the list of a block of `count` transactions that has just run side by side. */
export function readAccessList(
  machine: Machine,
  { environment }: ExecutableBlock,
  count: number,
  before: readonly SystemWrite[],
): BlockAccessList {
  return new Reader(machine, count, environment.coinbase).read(before);
}

class Reader {
  readonly #machine: Machine;
  readonly #view: DataView;
  readonly #count: number;
  readonly #coinbase: Uint8Array;
  readonly #drafts = new Map<string, Draft>();

  constructor(machine: Machine, count: number, coinbase: Uint8Array) {
    this.#machine = machine;
    this.#view = machine.view;
    this.#count = count;
    this.#coinbase = coinbase;
  }

  read(before: readonly SystemWrite[]): AccountAccess[] {
    for (const { contract, slot, value } of before) {
      const changes = [{ index: 0, value: bytesOf(value, 32) }];
      this.#draft(contract).storageChanges.push({ slot: bytesOf(slot, 32), changes });
    }
    for (const location of this.#locations()) {
      if (this.#view.getUint32(location + KIND, true) === KIND_ACCOUNT) this.#readAccount(location);
      else this.#readSlot(location);
    }
    this.#payCoinbase();
    const list = [...this.#drafts.values()].sort((a, b) => byBytes(a.address, b.address));
    for (const account of list) {
      account.storageChanges.sort((a, b) => byBytes(a.slot, b.slot));
      account.storageReads.sort(byBytes);
    }
    return list;
  }

  #draft(address: Uint8Array): Draft {
    const key = Buffer.from(address).toString("latin1");
    let draft = this.#drafts.get(key);
    if (draft === undefined) {
      draft = {
        address,
        storageChanges: [],
        storageReads: [],
        balanceChanges: [],
        nonceChanges: [],
        codeChanges: [],
      };
      this.#drafts.set(key, draft);
    }
    return draft;
  }

  /** Every location that a final execution, or what followed the last, has read. What is written was read before. */
  #locations(): Set<number> {
    const view = this.#view;
    const { evm } = this.#machine;
    const found = new Set<number>();
    const add = (at: number): void => {
      const reads = view.getUint32(at, true);
      const end = reads + 8 * view.getUint32(at + 4, true);
      for (let read = reads; read < end; read += 8) {
        found.add((view.getUint32(read, true) & ~READ_KINDS) >>> 0);
      }
    };
    const tasks = evm.taskList();
    for (let i = 0; i < this.#count; i++) add(tasks + i * TASK_BYTES + TASK_READS);
    for (let at = evm.operations.value; at !== 0; at = view.getUint32(at, true)) add(at + 4);
    return found;
  }

  /** Versions from the oldest on, and the index of what wrote each. What follows the last transaction has one index together. */
  #versions(head: number): { readonly at: number; readonly index: number }[] {
    const view = this.#view;
    const last = this.#count + 1;
    const byIndex = new Map<number, number>();
    for (let at = view.getUint32(head, true); at !== 0; at = view.getUint32(at, true)) {
      const index = Math.min(view.getUint32(at + VERSION_NUMBER, true) >>> 1, last);
      if (!byIndex.has(index)) byIndex.set(index, at);
    }
    return [...byIndex].map(([index, at]) => ({ index, at })).reverse();
  }

  #addressAt(account: number): Uint8Array {
    return bytesOf(this.#machine.getWord(account + KEY) & ((1n << 160n) - 1n), 20);
  }

  #readAccount(account: number): void {
    const { view } = this.#machine;
    const draft = this.#draft(this.#addressAt(account));
    let balance = this.#machine.getWord(account + WAS_BALANCE);
    let nonce = view.getBigUint64(account + WAS_NONCE, true);
    let codeHash = account + WAS_CODE_HASH;
    for (const { at, index } of this.#versions(account + VERSIONS)) {
      const word = this.#machine.getWord(at + VERSION_WORD);
      if (view.getUint32(at + VERSION_FLAGS, true) & CREDIT) {
        balance = BigInt.asUintN(256, balance + word);
        draft.balanceChanges.push({ index, value: balance });
        continue;
      }
      const newBalance = word;
      if (newBalance !== balance) draft.balanceChanges.push({ index, value: newBalance });
      const newNonce = view.getBigUint64(at + VERSION_NONCE, true);
      if (newNonce !== nonce) draft.nonceChanges.push({ index, value: newNonce });
      const code = view.getUint32(at + VERSION_CODE, true);
      if (code !== 0 && !this.#sameHash(code, codeHash)) {
        const value = this.#machine.own(
          code + CODE_BYTES,
          view.getUint32(code + CODE_LENGTH, true),
        );
        draft.codeChanges.push({ index, value });
        codeHash = code;
      }
      balance = newBalance;
      nonce = newNonce;
    }
  }

  #sameHash(a: number, b: number): boolean {
    const { bytes } = this.#machine;
    return byBytes(bytes.subarray(a, a + 32), bytes.subarray(b, b + 32)) === 0;
  }

  #readSlot(slot: number): void {
    const draft = this.#draft(this.#addressAt(this.#view.getUint32(slot + OWNER, true)));
    const name = bytesOf(this.#machine.getWord(slot + KEY), 32);
    const changes = this.#versions(slot + VERSIONS).map(({ at, index }) => ({
      index,
      value: bytesOf(this.#machine.getWord(at + VERSION_WORD), 32),
    }));
    if (changes.length === 0) draft.storageReads.push(name);
    else draft.storageChanges.push({ slot: name, changes });
  }

  /** Fees are paid to the coinbase in the end; the list has them paid by each transaction. */
  #payCoinbase(): void {
    const machine = this.#machine;
    const draft = this.#draft(this.#coinbase);
    const location = [...this.#locations()].find(
      (at) =>
        this.#view.getUint32(at + KIND, true) === KIND_ACCOUNT &&
        byBytes(this.#addressAt(at), this.#coinbase) === 0,
    );
    let balance = location === undefined ? 0n : machine.getWord(location + WAS_BALANCE);
    const written = new Map<number, bigint>();
    for (const { at, index } of location ? this.#versions(location + VERSIONS) : []) {
      written.set(index, machine.getWord(at + VERSION_WORD));
    }
    const tasks = machine.evm.taskList();
    draft.balanceChanges = [];
    for (let index = 1; index <= this.#count + 1; index++) {
      const fee =
        index > this.#count ? 0n : machine.getWord(tasks + (index - 1) * TASK_BYTES + TASK_FEE);
      const value = written.get(index) ?? balance + fee;
      if (value !== balance) draft.balanceChanges.push({ index, value });
      balance = value;
    }
  }
}

/**
 * For each of `count` transactions up to two earlier ones (index + 1, or 0) whose changes it may meet, as pairs: the last that changed
 * what it changes. A list that is wrong gives bad advice and no wrong result.
 */
export function hintsOf(list: BlockAccessList, count: number, coinbase: Uint8Array): Uint32Array {
  const pairs = new Uint32Array(2 * count);
  const follow = (changes: readonly IndexedChange<unknown>[]): void => {
    let previous = 0;
    for (const { index } of changes) {
      if (!Number.isInteger(index) || index < 1 || index > count) continue;
      const at = 2 * (index - 1);
      if (previous > pairs[at]) {
        pairs[at + 1] = pairs[at];
        pairs[at] = previous;
      } else if (previous > pairs[at + 1] && previous !== pairs[at]) pairs[at + 1] = previous;
      previous = index;
    }
  };
  for (const account of list) {
    for (const { changes } of account.storageChanges) follow(changes);
    if (byBytes(account.address, coinbase) === 0) continue;
    const indices = new Set<number>();
    for (const { index } of account.balanceChanges) indices.add(index);
    for (const { index } of account.nonceChanges) indices.add(index);
    follow([...indices].sort((a, b) => a - b).map((index) => ({ index, value: undefined })));
  }
  return pairs;
}
