/**
 * A state that follows a chain: blocks are committed one after another, each atomically, with its state root; the last ones can
 * be read as they were and taken back.
 *
 * @module
 */
import { keccakOf } from "../../chains/ethereum/header.ts";
import { LanewiseError } from "../../core/index.ts";
import { type AccountProof, createStateCommitment, type StateCommitment } from "../commitment.ts";
import { DiffCursor, type EncodedDiff, encodedDiff, SLOT_BYTES } from "../diff.ts";
import { hexOf } from "../hex.ts";
import type { StateDiff } from "../source.ts";
import { EMPTY_TRIE_ROOT } from "../trie/module.ts";
import { type KeyValueStore, WriteBatch } from "./key-value.ts";
import { type LevelOptions, openLevelStore } from "./level.ts";
import {
  blockHashKey,
  codeKey,
  decodeBlock,
  decodeUndo,
  deleteAccountRecord,
  deleteStorageRecord,
  encodeBlock,
  encodeUndo,
  FORMAT,
  FORMAT_KEY,
  HEAD_KEY,
  nodeKey,
  nodePrefix,
  putAccountRecord,
  putNodeRecord,
  putStorageRecord,
  STORAGE_PREFIX_BYTES,
  type StoredBlock,
  sameBytes,
  undoKey,
} from "./records.ts";
import { createSharedMemoryStore } from "./shared-memory.ts";
import { joinDiffs, undoOf } from "./undo.ts";
import { createStateView, type SharedStateView, type StateView } from "./view.ts";

/** BLOCKHASH reaches this many blocks back, from the oldest block that can be read as of too. */
const BLOCK_HASHES = 256n;

/** Options of every state store. */
export interface StateStoreOptions {
  /** Blocks that can be read as of and taken back, default 128. */
  readonly historyBlocks?: number;
  /** Memory for trie nodes, after which those on disk are let go of; default 1 GiB. Persistent stores only. */
  readonly trieMemoryBytes?: number;
}

/** A block to commit. */
export interface BlockChanges {
  readonly number: bigint;
  /** 32 bytes */
  readonly hash: Uint8Array;
  /** What the block changed; encoded (`encodeDiff`) where it comes from another thread. */
  readonly diff: StateDiff | EncodedDiff;
  /** The header's state root. Where the diff leads to another, nothing is committed. */
  readonly expectedRoot?: Uint8Array;
  /** Only computes the root; nothing is committed. */
  readonly dryRun?: boolean;
}

/** Outcome of a commit. */
export interface CommitOutcome {
  /** False where the root is not the one expected, or none was to be: the store is as it was. */
  readonly committed: boolean;
  /** The root that the changes lead to, 32 bytes. */
  readonly root: Uint8Array;
}

/** A chain's state. One owner; other threads read through {@link StateStore.share}. */
export class StateStore {
  readonly #contents: KeyValueStore;
  readonly #historyBlocks: bigint;
  readonly #trieMemoryBytes: number;
  readonly #changes = new WriteBatch();
  #commitment: StateCommitment | undefined;
  #head: StoredBlock | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(contents: KeyValueStore, options: StateStoreOptions = {}) {
    const { historyBlocks = 128, trieMemoryBytes = 2 ** 30 } = options;
    if (!Number.isInteger(historyBlocks) || historyBlocks < 0) {
      throw new RangeError(`historyBlocks: expected an integer ≥ 0, got ${historyBlocks}`);
    }
    this.#contents = contents;
    this.#historyBlocks = BigInt(historyBlocks);
    this.#trieMemoryBytes = trieMemoryBytes;
    const reader = contents.reader();
    const record = reader.get(HEAD_KEY);
    const format = reader.get(FORMAT_KEY)?.[0];
    reader.close();
    if (record !== undefined && format !== FORMAT) {
      throw new LanewiseError(
        "ERR_SOURCE",
        `state database: expected format ${FORMAT}, got ${format ?? "none"}: another release wrote it`,
      );
    }
    this.#head = record && decodeBlock(record);
  }

  /**
   * Checks that the account trie's root node is the one of the last block's state root.
   *
   * @throws LanewiseError `ERR_SOURCE` where it is not: the store was damaged.
   */
  verifyRoot(): void {
    const { head } = this;
    if (!this.#contents.persistent || head === undefined) return;
    const reader = this.#contents.reader();
    const node = reader.get(nodeKey({ owner: undefined, nibbles: 0, path: new Uint8Array(0) }));
    reader.close();
    const root = node === undefined ? EMPTY_TRIE_ROOT : keccakOf(node);
    if (sameBytes(root, head.stateRoot)) return;
    throw new LanewiseError(
      "ERR_SOURCE",
      `state database: damaged: block ${head.number} has state root ${hexOf(head.stateRoot)}, but the trie's is ${hexOf(root)}`,
    );
  }

  /** The last block committed. */
  get head(): StoredBlock | undefined {
    return this.#head;
  }

  /** The state root of the last block committed. */
  get root(): Uint8Array {
    return this.#head?.stateRoot ?? EMPTY_TRIE_ROOT;
  }

  /**
   * The state after a block, unchanged by later commits; to be closed.
   *
   * @param number the last block committed, or one of the `historyBlocks` before it.
   * @throws LanewiseError `ERR_STATE_MISSING` where the store does not reach that block, `ERR_CLOSED`.
   */
  view(number?: bigint): StateView {
    this.#assertOpen();
    return createStateView(this.#contents.reader(), number ?? this.#head?.number);
  }

  /** Describes the view of a block for `openStateView` in another thread. */
  share(number?: bigint): SharedStateView {
    this.#assertOpen();
    return { contents: this.#contents.share(), number: number ?? this.#head?.number };
  }

  /**
   * Commits one block: state, code, trie nodes, history and head in one atomic write. Calls queue up.
   *
   * @throws RangeError where the block does not follow the last one.
   * @throws LanewiseError `ERR_SOURCE` where it cannot be written (nothing is), `ERR_STATE_MISSING` where the store is damaged,
   * `ERR_CLOSED`.
   */
  commit(block: BlockChanges): Promise<CommitOutcome> {
    return this.#exclusive(() => this.#commit(block));
  }

  /**
   * Takes the last blocks back, in one atomic write.
   *
   * @param blocks how many, up to `historyBlocks`.
   * @returns the block that is the last now.
   * @throws LanewiseError `ERR_STATE_MISSING` where the history does not reach so far; nothing changes then.
   */
  revert(blocks: number): Promise<StoredBlock | undefined> {
    return this.#exclusive(() => this.#revert(blocks));
  }

  /** Proves accounts and slots of the last block's state. */
  prove(
    requests: readonly { readonly address: Uint8Array; readonly slots?: readonly Uint8Array[] }[],
  ): Promise<AccountProof[]> {
    return this.#exclusive(async () => {
      const commitment = await this.#open();
      return this.#guarded(() =>
        requests.map(({ address, slots }) => commitment.prove(address, slots)),
      );
    });
  }

  /** Waits for what is under way and closes the store. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#last.catch(() => {});
    await this.#contents.close();
  }

  #assertOpen(): void {
    if (this.#closed) throw new LanewiseError("ERR_CLOSED", "state store: closed");
  }

  #exclusive<T>(operation: () => Promise<T>): Promise<T> {
    this.#assertOpen();
    const result = this.#last.then(operation, operation);
    this.#last = result.catch(() => {});
    return result;
  }

  /** The tries at the last block: in memory still, or opened from the store. */
  async #open(): Promise<StateCommitment> {
    if (this.#commitment !== undefined) return this.#commitment;
    if (!this.#contents.persistent) {
      if (this.#head !== undefined) {
        throw new LanewiseError("ERR_CLOSED", "state store: an earlier commit broke off");
      }
      this.#commitment = createStateCommitment();
      return this.#commitment;
    }
    this.#commitment = createStateCommitment({
      root: this.root,
      journal: true,
      loadNode: (place) => {
        const reader = this.#contents.reader();
        const rlp = reader.get(nodeKey(place));
        reader.close();
        if (rlp === undefined) {
          const trie = place.owner ? `the storage of ${hexOf(place.owner)}` : "the accounts";
          throw new LanewiseError(
            "ERR_STATE_MISSING",
            `state store: node ${hexOf(place.path)}/${place.nibbles} of ${trie} is not there`,
          );
        }
        return rlp;
      },
    });
    return this.#commitment;
  }

  /** Runs what changes tries; where it breaks off, they are opened again at the last block next time. */
  #guarded<T>(operation: () => T): T {
    try {
      return operation();
    } catch (error) {
      this.#commitment = undefined;
      throw error;
    }
  }

  async #commit(block: BlockChanges): Promise<CommitOutcome> {
    const head = this.#head;
    if (head !== undefined && block.number !== head.number + 1n) {
      throw new RangeError(`block number: expected ${head.number + 1n}, got ${block.number}`);
    }
    const diff = encodedDiff(block.diff);
    const commitment = await this.#open();
    const reader = this.#contents.reader();
    let undo: EncodedDiff;
    try {
      undo = await undoOf(diff, reader, this.#contents);
    } finally {
      reader.close();
    }
    const root = this.#guarded(() => commitment.apply(diff));
    const { expectedRoot, dryRun = false } = block;
    if (dryRun || (expectedRoot !== undefined && !sameBytes(root, expectedRoot))) {
      this.#guarded(() => commitment.apply(undo));
      commitment.takeNodeChanges();
      return { committed: false, root };
    }
    const stored = { number: block.number, hash: block.hash, stateRoot: root };
    const changes = await this.#changesOf(diff, undo, commitment);
    changes.put(blockHashKey(block.number), block.hash);
    changes.put(HEAD_KEY, encodeBlock(stored));
    if (head === undefined) changes.put(FORMAT_KEY, Uint8Array.of(FORMAT));
    const forgotten = block.number - BLOCK_HASHES - this.#historyBlocks;
    if (forgotten >= 0n) changes.delete(blockHashKey(forgotten));
    if (head !== undefined && this.#historyBlocks > 0n) {
      changes.put(undoKey(block.number), encodeUndo({ parent: head, diff: undo }));
      if (block.number >= this.#historyBlocks) {
        changes.delete(undoKey(block.number - this.#historyBlocks));
      }
    }
    await this.#write(changes, stored);
    return { committed: true, root };
  }

  async #revert(blocks: number): Promise<StoredBlock | undefined> {
    if (!Number.isInteger(blocks) || blocks < 0) {
      throw new RangeError(`blocks to take back: expected an integer ≥ 0, got ${blocks}`);
    }
    if (blocks === 0 || this.#head === undefined) return this.#head;
    const commitment = await this.#open();
    const reader = this.#contents.reader();
    const diffs: EncodedDiff[] = [];
    const forgotten: Uint8Array[] = [];
    let changes: WriteBatch;
    let target = this.#head;
    try {
      for (let taken = 0; taken < blocks; taken++) {
        const record = reader.get(undoKey(target.number));
        if (record === undefined) {
          throw new LanewiseError(
            "ERR_STATE_MISSING",
            `taking back ${blocks} blocks: the history reaches back to block ${target.number}`,
          );
        }
        forgotten.push(undoKey(target.number), blockHashKey(target.number));
        const { parent, diff } = decodeUndo(record);
        diffs.push(diff);
        target = parent;
      }
      const joined = joinDiffs(diffs);
      const present = await undoOf(joined, reader, this.#contents);
      const root = this.#guarded(() => commitment.apply(joined));
      if (!sameBytes(root, target.stateRoot)) {
        this.#commitment = undefined;
        throw new LanewiseError(
          "ERR_STATE_MISSING",
          `taking back ${blocks} blocks: expected root ${hexOf(target.stateRoot)}, got ${hexOf(root)}`,
        );
      }
      changes = await this.#changesOf(joined, present, commitment);
    } finally {
      reader.close();
    }
    for (const key of forgotten) changes.delete(key);
    changes.put(HEAD_KEY, encodeBlock(target));
    await this.#write(changes, target);
    return target;
  }

  /** What a diff changes in the store; `undo` lists, account by account, the slots that it drops. */
  async #changesOf(
    diff: EncodedDiff,
    undo: EncodedDiff,
    commitment: StateCommitment,
  ): Promise<WriteBatch> {
    const changes = this.#changes;
    changes.clear();
    const cursor = new DiffCursor(diff);
    const before = new DiffCursor(undo);
    while (cursor.next() && before.next()) {
      const { address, exists, cleared, account, slots, end } = cursor;
      if (exists) putAccountRecord(changes, diff, address, account);
      else deleteAccountRecord(changes, diff, address);
      if (cleared || !exists) {
        for (let slot = before.slots; slot < before.end; slot += SLOT_BYTES) {
          deleteStorageRecord(changes, undo, before.address, slot);
        }
      }
      if (!exists) continue;
      const { code } = cursor;
      if (code !== undefined) changes.put(codeKey(cursor.codeHash), code);
      for (let slot = slots; slot < end; slot += SLOT_BYTES) {
        putStorageRecord(changes, diff, address, slot);
      }
    }
    if (!this.#contents.persistent) return changes;
    for (const owner of commitment.takeDroppedOwners()) {
      for (const key of await this.#contents.list(nodePrefix(owner))) changes.delete(key);
    }
    commitment.readNodeChanges((owner, nibbles, bytes, path, rlp, rlpBytes) =>
      putNodeRecord(changes, owner, nibbles, bytes, path, rlp, rlpBytes),
    );
    return changes;
  }

  async #write(changes: WriteBatch, head: StoredBlock): Promise<void> {
    try {
      await this.#contents.write(changes);
    } catch (error) {
      // The tries are ahead of the store now.
      this.#commitment = undefined;
      throw error;
    }
    this.#head = head;
    if (this.#contents.persistent && (this.#commitment?.memoryBytes ?? 0) > this.#trieMemoryBytes) {
      this.#commitment = undefined;
    }
  }
}

/** A state store in shared memory: gone with the process. */
export function createMemoryStore(options: StateStoreOptions = {}): StateStore {
  const contents = createSharedMemoryStore({ listedPrefixBytes: STORAGE_PREFIX_BYTES });
  return new StateStore(contents, options);
}

/**
 * A state store in a folder, created where there is none; it goes on from the last block committed, whatever ended the process
 * before.
 *
 * @throws LanewiseError `ERR_SOURCE` where the folder is in use, cannot be read, was written by another release's format, or holds a
 * state root that is not the trie's.
 */
export async function openStateStore(
  location: string,
  options: StateStoreOptions & LevelOptions = {},
): Promise<StateStore> {
  const contents = await openLevelStore(location, options);
  try {
    const store = new StateStore(contents, options);
    store.verifyRoot();
    return store;
  } catch (error) {
    await contents.close();
    throw error;
  }
}
