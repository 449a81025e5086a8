/**
 * The state root: an account trie over storage tries, brought up to date by one block's changes at a time (Yellow Paper §4.1).
 *
 * All storage tries that a block changes are updated first and hashed together, level by level; then the account trie.
 *
 * @module
 */
import { decodeAccount, decodeStorageWord } from "./account.ts";
import { DiffCursor, type EncodedDiff, encodedDiff, SLOT_BYTES } from "./diff.ts";
import { hexOf } from "./hex.ts";
import { EMPTY_CODE_HASH } from "./memory.ts";
import type { StateDiff } from "./source.ts";
import {
  EMPTY_STORAGE,
  EMPTY_TRIE_ROOT,
  type LoadedDiff,
  type NodeLocation,
  TrieModule,
} from "./trie/module.ts";

const ACCOUNT_TRIE = 0;
const ADDRESS_BYTES = 20;

/** Where a trie node belongs: the account trie, or the storage of the account with this hashed address. */
export interface StateNodePlace {
  /** keccak256(address); `undefined` for the account trie. */
  readonly owner: Uint8Array | undefined;
  /** Packed nibbles from the trie's root, the first in the high half; an odd last one is followed by zero. */
  readonly path: Uint8Array;
  readonly nibbles: number;
}

/** What commits changed among the nodes. */
export interface StateNodeChanges {
  /** keccak256(address) of accounts whose storage nodes were all dropped, before the changes below. */
  readonly dropped: readonly Uint8Array[];
  /** In order. A later entry overrides an earlier one. */
  readonly nodes: readonly StateNodeChange[];
}

/** A node written, or a place that holds none any more (`rlp` undefined). */
export interface StateNodeChange extends StateNodePlace {
  readonly rlp: Uint8Array | undefined;
}

/** Options of {@link createStateCommitment}. */
export interface StateCommitmentOptions {
  /** Root to begin with; the empty state where none is given. */
  readonly root?: Uint8Array;
  /** Gives nodes that are not in memory; needed where `root` is given. Throws where it has none. */
  readonly loadNode?: (place: StateNodePlace, hash: Uint8Array) => Uint8Array;
  /** Whether to keep changes for {@link StateCommitment.takeNodeChanges}. */
  readonly journal?: boolean;
}

/** An account's proof in the form of `eth_getProof` (EIP-1186). */
export interface AccountProof {
  readonly address: Uint8Array;
  readonly nonce: bigint;
  readonly balance: bigint;
  readonly codeHash: Uint8Array;
  readonly storageHash: Uint8Array;
  /** RLP of the nodes from the root on. */
  readonly accountProof: readonly Uint8Array[];
  readonly storageProof: readonly StorageProof[];
}

/** Proof of one slot of an {@link AccountProof}. */
export interface StorageProof {
  /** 32 bytes */
  readonly key: Uint8Array;
  readonly value: bigint;
  readonly proof: readonly Uint8Array[];
}

interface StorageTrie {
  readonly handle: number;
  readonly owner: Uint8Array;
}

/** The tries of one state. */
export class StateCommitment {
  readonly #module: TrieModule;
  readonly #accounts: number;
  /** Storage tries in memory, by 0x-prefixed address. */
  readonly #storages = new Map<string, StorageTrie>();
  /** keccak256(address) by trie id; ids are not used again. */
  readonly #owners = new Map<number, Uint8Array>();
  #nextId = ACCOUNT_TRIE + 1;
  #dropped: Uint8Array[] = [];
  readonly #journal: boolean;

  constructor(options: StateCommitmentOptions = {}) {
    const { loadNode, root, journal = false } = options;
    this.#journal = journal;
    this.#module = new TrieModule({
      journal,
      ...(loadNode && {
        loadNode: (location: NodeLocation, hash: Uint8Array) =>
          loadNode(this.#placeOf(location), hash),
      }),
    });
    this.#accounts = this.#module.open(ACCOUNT_TRIE, root);
  }

  /** The root, 32 bytes. */
  root(): Uint8Array {
    return this.#module.root(this.#accounts);
  }

  /** Bytes of memory that the tries take. */
  get memoryBytes(): number {
    return this.#module.memoryBytes;
  }

  /**
   * Applies one block's changes and returns the new root.
   *
   * @throws RangeError on a nonce of more than 64 bits or a balance of more than 256; nothing has changed then.
   * @throws LanewiseError whatever `loadNode` throws, or `ERR_STATE_MISSING` where a node is not what its hash says. The
   * commitment is closed then (`ERR_CLOSED`): open another at the last root.
   */
  apply(diff: StateDiff | EncodedDiff): Uint8Array {
    const bytes = encodedDiff(diff);
    let count = 0;
    for (const cursor = new DiffCursor(bytes); cursor.next(); ) count++;
    if (count === 0) return this.root();
    return this.#module.withDiff(bytes, count, (loaded) => this.#applyLoaded(bytes, count, loaded));
  }

  #applyLoaded(bytes: EncodedDiff, count: number, loaded: LoadedDiff): Uint8Array {
    const module = this.#module;
    const storages = new Uint32Array(count);
    const changedStorage: number[] = [];
    const cursor = new DiffCursor(bytes);
    for (let index = 0; cursor.next(); index++) {
      const { address, exists, cleared, slots, end } = cursor;
      const hasSlots = exists && slots < end;
      if (!cleared && exists && !hasSlots) continue;
      const name = hexOf(bytes.subarray(address, address + ADDRESS_BYTES));
      const owner = loaded.owner(index);
      if (cleared || !exists) {
        this.#dropStorage(name, owner);
        storages[index] = EMPTY_STORAGE;
      }
      if (!hasSlots) continue;
      const { handle } = this.#openStorage(name, owner, cleared);
      loaded.updateSlots(handle, slots, (end - slots) / SLOT_BYTES);
      storages[index] = handle;
      changedStorage.push(handle);
    }
    module.commit(changedStorage);
    loaded.updateAccounts(this.#accounts, storages);
    module.commit([this.#accounts]);
    return this.root();
  }

  /** Proves an account, or its absence, and slots of it (32 bytes each). */
  prove(address: Uint8Array, slots: readonly Uint8Array[] = []): AccountProof {
    const module = this.#module;
    const owner = module.digests([address]);
    const leaf = module.get(this.#accounts, owner);
    const account = leaf ? decodeAccount(leaf) : undefined;
    const storageHash = account?.storageRoot ?? EMPTY_TRIE_ROOT;
    const accountProof = module.prove(this.#accounts, owner);
    const storageProof = slots.map((key): StorageProof => {
      if (isEmptyRoot(storageHash)) return { key, value: 0n, proof: [] };
      const { handle } = this.#openStorage(hexOf(address), owner, false);
      const place = module.digests([key]);
      const value = module.get(handle, place);
      const proof = module.prove(handle, place);
      return { key, value: value ? BigInt(hexOf(decodeStorageWord(value))) : 0n, proof };
    });
    return {
      address,
      nonce: account?.nonce ?? 0n,
      balance: account?.balance ?? 0n,
      codeHash: account?.codeHash ?? EMPTY_CODE_HASH,
      storageHash,
      accountProof,
      storageProof,
    };
  }

  /** What the commits since the last call changed among the nodes, for a store to keep. */
  takeNodeChanges(): StateNodeChanges {
    const dropped = this.takeDroppedOwners();
    const nodes: StateNodeChange[] = [];
    this.readNodeChanges((owner, nibbles, bytes, path, rlp, rlpBytes) => {
      nodes.push({
        owner,
        path: bytes.subarray(path, rlp),
        nibbles,
        rlp: rlpBytes === 0 ? undefined : bytes.subarray(rlp, rlp + rlpBytes),
      });
    });
    return { dropped, nodes };
  }

  /** keccak256(address) of accounts whose nodes were all dropped since the last call, before the changes that come next. */
  takeDroppedOwners(): readonly Uint8Array[] {
    const dropped = this.#dropped;
    this.#dropped = [];
    return dropped;
  }

  /**
   * The nodes of {@link StateCommitment.takeNodeChanges} without an object each: `path` and `rlp` are places in `bytes`, `rlpBytes` 0
   * stands for no node.
   */
  readNodeChanges(
    use: (
      owner: Uint8Array | undefined,
      nibbles: number,
      bytes: Uint8Array,
      path: number,
      rlp: number,
      rlpBytes: number,
    ) => void,
  ): void {
    this.#module.readChanges((trieId, nibbles, bytes, path, rlp, rlpBytes) =>
      use(this.#owners.get(trieId), nibbles, bytes, path, rlp, rlpBytes),
    );
  }

  #placeOf({ trieId, path, nibbles }: NodeLocation): StateNodePlace {
    return { owner: this.#owners.get(trieId), path, nibbles };
  }

  #openStorage(name: string, owner: Uint8Array, empty: boolean): StorageTrie {
    let trie = this.#storages.get(name);
    if (trie === undefined) {
      const leaf = empty ? undefined : this.#module.get(this.#accounts, owner);
      const id = this.#nextId++;
      const root = leaf ? decodeAccount(leaf).storageRoot : EMPTY_TRIE_ROOT;
      trie = { handle: this.#module.open(id, root), owner };
      this.#storages.set(name, trie);
      this.#owners.set(id, trie.owner);
    }
    return trie;
  }

  #dropStorage(name: string, owner: Uint8Array): void {
    const trie = this.#storages.get(name);
    this.#storages.delete(name);
    if (trie) this.#module.close(trie.handle);
    if (this.#journal) this.#dropped.push(owner);
  }
}

/** A commitment to the empty state, or to the state of `options.root`. */
export function createStateCommitment(options?: StateCommitmentOptions): StateCommitment {
  return new StateCommitment(options);
}

function isEmptyRoot(root: Uint8Array): boolean {
  return Buffer.compare(root, EMPTY_TRIE_ROOT) === 0;
}
