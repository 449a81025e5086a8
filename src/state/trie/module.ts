/**
 * Host side of the trie module (`assembly/trie`): one WebAssembly instance that keeps many Merkle-Patricia tries in its memory.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import { LanewiseError } from "../../core/index.ts";
import type { EncodedDiff } from "../diff.ts";
import type { UpdateBatch } from "./update-batch.ts";

/** keccak256(RLP("")): the root of a trie without keys (Yellow Paper, appendix D). */
export const EMPTY_TRIE_ROOT: Uint8Array = Uint8Array.from(
  Buffer.from("56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421", "hex"),
);

interface Exports {
  readonly memory: WebAssembly.Memory;
  reset(): void;
  allocate(bytes: number): number;
  release(block: number, bytes: number): void;
  memoryInUse(): number;
  createTrie(id: number): number;
  openTrie(id: number, rootHash: number): number;
  closeTrie(trie: number): void;
  rootHash(trie: number): number;
  update(trie: number, updates: number, count: number, hashed: number): void;
  digestAddresses(diff: number, end: number, out: number): number;
  updateSlots(trie: number, slots: number, count: number): void;
  updateAccounts(trie: number, diff: number, count: number, digests: number, roots: number): void;
  commit(tries: number, count: number): number;
  get(trie: number, key: number, keyBytes: number): number;
  nextLeaf(trie: number, key: number, keyBytes: number): number;
  previousLeaf(trie: number, key: number, keyBytes: number): number;
  keyOfLeaf(leaf: number): number;
  keyBytesOfLeaf(leaf: number): number;
  valueOfLeaf(leaf: number): number;
  valueBytesOfLeaf(leaf: number): number;
  proofRoom(trie: number, key: number, keyBytes: number): number;
  proof(trie: number, key: number, keyBytes: number, out: number): number;
  digestAll(messages: number, count: number, out: number): void;
  reserveNode(bytes: number): number;
  enableJournal(on: number): void;
  journalStart(): number;
  journalBytes(): number;
  clearJournal(): void;
}

/** Names a node to the host that keeps it. */
export interface NodeLocation {
  /** The id that `open` was given. */
  readonly trieId: number;
  /** Packed nibbles from the root, the first in the high half; an odd last one is followed by zero. */
  readonly path: Uint8Array;
  readonly nibbles: number;
}

/** One node that `commit` wrote, or a place that holds none any more (`rlp` undefined). */
export interface NodeChange extends NodeLocation {
  readonly rlp: Uint8Array | undefined;
}

/** Options of {@link TrieModule}. */
export interface TrieModuleOptions {
  /**
   * Gives the RLP of a node of which only the hash is known, or throws. Without it every trie starts empty.
   *
   * @param hash 32 bytes; what is returned is checked against it.
   */
  readonly loadNode?: (location: NodeLocation, hash: Uint8Array) => Uint8Array;
  /** Whether commits keep what they changed for {@link TrieModule.takeChanges}. */
  readonly journal?: boolean;
}

let compiled: WebAssembly.Module | undefined;

/** In place of the handle of a storage trie: the account keeps its root, or has an empty one. No trie has these handles. */
export const SAME_STORAGE = 0;
export const EMPTY_STORAGE = 1;

/** A state diff in the module's memory. */
export interface LoadedDiff {
  /** keccak256 of the address of account number `index`. */
  owner(index: number): Uint8Array;
  /** Applies slots of the diff to a storage trie: `slots` > 0 of them from `place` in its bytes on. */
  updateSlots(trie: number, place: number, slots: number): void;
  /** Applies the accounts; `storages`: for each the handle of its committed storage trie, {@link SAME_STORAGE} or {@link EMPTY_STORAGE}. */
  updateAccounts(trie: number, storages: Uint32Array): void;
}

const HASH_BYTES = 32;
const align = (bytes: number): number => (bytes + 15) & ~15;

/** Tries by handle, in one instance. A handle is good until `close`. */
export class TrieModule {
  readonly #exports: Exports;
  #failure: unknown;
  #thrown: unknown;

  constructor(options: TrieModuleOptions = {}) {
    compiled ??= new WebAssembly.Module(
      readFileSync(new URL("../../../kernels/trie.wasm", import.meta.url)),
    );
    const { loadNode } = options;
    const instance = new WebAssembly.Instance(compiled, {
      host: {
        node: (trieId: number, path: number, nibbles: number, reference: number): number => {
          try {
            const location = { trieId, path: this.#copy(path, (nibbles + 1) >> 1), nibbles };
            if (!loadNode) {
              throw new LanewiseError(
                "ERR_STATE_MISSING",
                `trie node ${describe(location)}: not in memory, and there is no store to load it from`,
              );
            }
            const rlp = loadNode(location, this.#copy(reference, 32));
            new Uint8Array(this.#exports.memory.buffer).set(
              rlp,
              this.#exports.reserveNode(rlp.length) >>> 0,
            );
            return rlp.length;
          } catch (error) {
            this.#thrown = error;
            throw error;
          }
        },
        corrupt: (trieId: number, path: number, nibbles: number): void => {
          const location = { trieId, path: this.#copy(path, (nibbles + 1) >> 1), nibbles };
          this.#thrown = new LanewiseError(
            "ERR_STATE_MISSING",
            `trie node ${describe(location)}: what the store holds is not the node of that hash`,
          );
          throw this.#thrown;
        },
      },
    });
    this.#exports = instance.exports as unknown as Exports;
    this.#exports.reset();
    if (options.journal) this.#exports.enableJournal(1);
  }

  /** Bytes of memory taken by nodes and scratch so far. */
  get memoryBytes(): number {
    return this.#exports.memoryInUse() >>> 0;
  }

  /** A trie of this root, empty where none is given. `trieId` names it to `loadNode` and in changes. */
  open(trieId: number, root?: Uint8Array): number {
    return this.#guarded((wasm) => {
      if (!root) return wasm.createTrie(trieId);
      return this.#lend(root, (at) => wasm.openTrie(trieId, at));
    });
  }

  /** Frees a trie's memory. */
  close(trie: number): void {
    this.#guarded((wasm) => wasm.closeTrie(trie));
  }

  /**
   * Applies a batch; the root stays stale until `commit`.
   *
   * @param kind.hashed the trie's keys are keccak256 of the batch's keys.
   */
  update(trie: number, batch: UpdateBatch, kind: { readonly hashed?: boolean } = {}): void {
    if (batch.count === 0) return;
    const { bytes, entries } = batch.contents();
    this.#guarded((wasm) => {
      const room = entries.byteLength + bytes.length;
      const at = wasm.allocate(room) >>> 0;
      const base = at + entries.byteLength;
      const words = new Uint32Array(wasm.memory.buffer, at, entries.length);
      for (let i = 0; i < entries.length; i += 2) {
        words[i] = base + entries[i];
        words[i + 1] = entries[i + 1];
      }
      new Uint8Array(wasm.memory.buffer).set(bytes, base);
      wasm.update(trie, at, batch.count, kind.hashed ? 1 : 0);
      wasm.release(at, room);
    });
  }

  /** Copies a diff of `count` accounts in and hashes their addresses, for `use`; the copy is gone afterwards. */
  withDiff<T>(diff: EncodedDiff, count: number, use: (loaded: LoadedDiff) => T): T {
    const room = align(diff.length) + count * (HASH_BYTES + 4);
    const at = this.#guarded((wasm) => wasm.allocate(room) >>> 0);
    const digests = at + align(diff.length);
    const roots = digests + count * HASH_BYTES;
    this.#guarded((wasm) => {
      new Uint8Array(wasm.memory.buffer).set(diff, at);
      wasm.digestAddresses(at, at + diff.length, digests);
    });
    const result = use({
      owner: (index) => this.#copy(digests + index * HASH_BYTES, HASH_BYTES),
      updateSlots: (trie, place, slots) =>
        this.#guarded((wasm) => wasm.updateSlots(trie, at + place, slots)),
      updateAccounts: (trie, storages) =>
        this.#guarded((wasm) => {
          new Uint32Array(wasm.memory.buffer, roots, count).set(storages);
          wasm.updateAccounts(trie, at, count, digests, roots);
        }),
    });
    this.#guarded((wasm) => wasm.release(at, room));
    return result;
  }

  /** Makes the roots of these tries fresh, all levels hashed together. Returns the number of nodes hashed. */
  commit(tries: readonly number[]): number {
    if (tries.length === 0) return 0;
    return this.#guarded((wasm) => {
      const at = wasm.allocate(tries.length * 4) >>> 0;
      new Uint32Array(wasm.memory.buffer, at, tries.length).set(tries);
      const nodes = wasm.commit(at, tries.length);
      wasm.release(at, tries.length * 4);
      return nodes;
    });
  }

  /** The trie's root, 32 bytes, as of the last `commit`. */
  root(trie: number): Uint8Array {
    return this.#guarded((wasm) => this.#copy(wasm.rootHash(trie), 32));
  }

  /** The value of a key as it stands in the trie, or `undefined`. */
  get(trie: number, key: Uint8Array): Uint8Array | undefined {
    return this.#guarded((wasm) => {
      const leaf = this.#lend(key, (at) => wasm.get(trie, at, key.length));
      return leaf === 0 ? undefined : this.#valueOf(leaf);
    });
  }

  /** The first entry after `key`, in key order, or `undefined`. */
  next(trie: number, key: Uint8Array): [key: Uint8Array, value: Uint8Array] | undefined {
    return this.#guarded((wasm) => {
      const leaf = this.#lend(key, (at) => wasm.nextLeaf(trie, at, key.length));
      return leaf === 0 ? undefined : [this.#keyOf(leaf), this.#valueOf(leaf)];
    });
  }

  /** The last entry before `key`, in key order, or `undefined`. */
  previous(trie: number, key: Uint8Array): [key: Uint8Array, value: Uint8Array] | undefined {
    return this.#guarded((wasm) => {
      const leaf = this.#lend(key, (at) => wasm.previousLeaf(trie, at, key.length));
      return leaf === 0 ? undefined : [this.#keyOf(leaf), this.#valueOf(leaf)];
    });
  }

  /** RLP of the nodes from the root towards a key, embedded ones left out; proves its value or absence. Committed tries only. */
  prove(trie: number, key: Uint8Array): Uint8Array[] {
    return this.#guarded((wasm) =>
      this.#lend(key, (at) => {
        const room = wasm.proofRoom(trie, at, key.length);
        if (room === 0) return [];
        const out = wasm.allocate(room) >>> 0;
        const end = out + wasm.proof(trie, at, key.length, out);
        const view = new DataView(wasm.memory.buffer);
        const nodes: Uint8Array[] = [];
        for (let node = out; node < end; ) {
          const bytes = view.getUint32(node, true);
          nodes.push(this.#copy(node + 4, bytes));
          node += 4 + bytes;
        }
        wasm.release(out, room);
        return nodes;
      }),
    );
  }

  /** keccak256 of each message, 32 bytes each, two at a time. */
  digests(messages: readonly Uint8Array[]): Uint8Array {
    if (messages.length === 0) return new Uint8Array(0);
    return this.#guarded((wasm) => {
      const count = messages.length;
      let room = count * 40;
      for (const message of messages) room += message.length;
      const at = wasm.allocate(room) >>> 0;
      const words = new Uint32Array(wasm.memory.buffer, at, count * 2);
      const memory = new Uint8Array(wasm.memory.buffer);
      let next = at + count * 40;
      for (let i = 0; i < count; i++) {
        memory.set(messages[i], next);
        words[2 * i] = next;
        words[2 * i + 1] = messages[i].length;
        next += messages[i].length;
      }
      wasm.digestAll(at, count, at + count * 8);
      const digests = this.#copy(at + count * 8, count * 32);
      wasm.release(at, room);
      return digests;
    });
  }

  /** keccak256 of messages of one size that lie back to back, 32 bytes each. */
  digestsOf(messages: Uint8Array, messageBytes: number): Uint8Array {
    const count = messages.length / messageBytes;
    if (count === 0) return new Uint8Array(0);
    return this.#guarded((wasm) => {
      const room = count * 40 + messages.length;
      const at = wasm.allocate(room) >>> 0;
      const first = at + count * 40;
      const words = new Uint32Array(wasm.memory.buffer, at, count * 2);
      for (let i = 0; i < count; i++) {
        words[2 * i] = first + i * messageBytes;
        words[2 * i + 1] = messageBytes;
      }
      new Uint8Array(wasm.memory.buffer).set(messages, first);
      wasm.digestAll(at, count, at + count * 8);
      const digests = this.#copy(at + count * 8, count * 32);
      wasm.release(at, room);
      return digests;
    });
  }

  /**
   * Calls back for what the commits since the last call changed, in order: a later entry of the same place overrides an earlier one.
   * `path` and `rlp` are places in `bytes`, which are the callback's to keep; `rlpBytes` 0: no node there any more.
   */
  readChanges(
    use: (
      trieId: number,
      nibbles: number,
      bytes: Uint8Array,
      path: number,
      rlp: number,
      rlpBytes: number,
    ) => void,
  ): void {
    const bytes = this.#guarded((wasm) => {
      const journal = this.#copy(wasm.journalStart(), wasm.journalBytes());
      wasm.clearJournal();
      return journal;
    });
    const view = new DataView(bytes.buffer);
    for (let at = 0; at < bytes.length; ) {
      const nibbles = view.getUint32(at + 4, true);
      const rlpBytes = view.getUint32(at + 8, true);
      const path = at + 12;
      const rlp = path + ((nibbles + 1) >> 1);
      use(view.getUint32(at, true), nibbles, bytes, path, rlp, rlpBytes);
      at = (rlp + rlpBytes + 3) & ~3;
    }
  }

  /** {@link TrieModule.readChanges} as a list. */
  takeChanges(): NodeChange[] {
    const changes: NodeChange[] = [];
    this.readChanges((trieId, nibbles, bytes, path, rlp, rlpBytes) => {
      changes.push({
        trieId,
        path: bytes.subarray(path, rlp),
        nibbles,
        rlp: rlpBytes === 0 ? undefined : bytes.subarray(rlp, rlp + rlpBytes),
      });
    });
    return changes;
  }

  /** Forgets every trie; handles are void. */
  reset(): void {
    this.#exports.reset();
    this.#failure = undefined;
  }

  #copy(at: number, bytes: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#exports.memory.buffer, at >>> 0, bytes).slice();
  }

  #keyOf(leaf: number): Uint8Array {
    return this.#copy(this.#exports.keyOfLeaf(leaf), this.#exports.keyBytesOfLeaf(leaf));
  }

  #valueOf(leaf: number): Uint8Array {
    return this.#copy(this.#exports.valueOfLeaf(leaf), this.#exports.valueBytesOfLeaf(leaf));
  }

  /** Runs `use` with the bytes' address in the module. */
  #lend<T>(bytes: Uint8Array, use: (at: number) => T): T {
    const room = Math.max(bytes.length, 1);
    const at = this.#exports.allocate(room) >>> 0;
    new Uint8Array(this.#exports.memory.buffer).set(bytes, at);
    const result = use(at);
    this.#exports.release(at, room);
    return result;
  }

  /** A call that breaks off may leave tries half changed, so none is answered after it. */
  #guarded<T>(call: (wasm: Exports) => T): T {
    if (this.#failure !== undefined) {
      throw new LanewiseError("ERR_CLOSED", "trie module: an earlier call broke off", {
        cause: this.#failure,
      });
    }
    try {
      return call(this.#exports);
    } catch (error) {
      this.#failure = error;
      if (error === this.#thrown) throw error;
      throw new LanewiseError("ERR_BACKEND_FAILED", "trie module: out of memory (4 GiB)", {
        cause: error,
      });
    }
  }
}

function describe({ trieId, path, nibbles }: NodeLocation): string {
  return `${Buffer.from(path).toString("hex").slice(0, nibbles) || "(root)"} of trie ${trieId}`;
}
