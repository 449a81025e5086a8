/**
 * The state after one block, read through a pinned reader: the newest state with the blocks after that one undone.
 *
 * @module
 */
import { LanewiseError } from "../../core/index.ts";
import { decodeDiff } from "../diff.ts";
import { hexOf } from "../hex.ts";
import { EMPTY_CODE_HASH } from "../memory.ts";
import type { Account, StateDiff, StateSource } from "../source.ts";
import type { KeyValueReader, SharedContents } from "./key-value.ts";
import { openLevelReader } from "./level.ts";
import {
  ACCOUNT_KEY_BYTES,
  blockHashKey,
  codeKey,
  decodeAccountRecord,
  decodeBlock,
  decodeUndo,
  fullWord,
  HEAD_KEY,
  STORAGE_KEY_BYTES,
  type StoredBlock,
  sameBytes,
  undoKey,
  writeAccountKey,
  writeStorageKey,
} from "./records.ts";
import { openSharedMemory } from "./shared-memory.ts";

/** A consistent, lasting view of the state after a block. */
export interface StateView extends StateSource {
  /** The block whose state this is; `undefined` before the first one. */
  readonly block: StoredBlock | undefined;
  /** Lets go of what the view pins. Idempotent. */
  close(): void;
}

/** What {@link openStateView} opens a view with in another thread; can be posted to it. */
export interface SharedStateView {
  readonly contents: SharedContents;
  /** The block whose state is meant. */
  readonly number: bigint | undefined;
}

/**
 * A view through a reader, which it closes in the end.
 *
 * @param number the block; the last one committed where none is given.
 * @throws LanewiseError `ERR_STATE_MISSING` where the store does not reach that block.
 */
export function createStateView(reader: KeyValueReader, number?: bigint): StateView {
  const record = reader.get(HEAD_KEY);
  let block = record && decodeBlock(record);
  /** Newest first reversed: what the block right after this one changed decides before what later ones did. */
  const undone: StateDiff[] = [];
  const accountKey = new Uint8Array(ACCOUNT_KEY_BYTES);
  const storageKey = new Uint8Array(STORAGE_KEY_BYTES);
  if (number !== undefined) {
    while (block !== undefined && block.number > number) {
      const undo = reader.get(undoKey(block.number));
      if (undo === undefined) break;
      const { parent, diff } = decodeUndo(undo);
      undone.unshift(decodeDiff(diff));
      block = parent;
    }
    if (block?.number !== number) {
      reader.close();
      throw new LanewiseError(
        "ERR_STATE_MISSING",
        `state of block ${number}: not among the blocks that the store keeps`,
      );
    }
  }
  return {
    block,
    account(address): Account | undefined {
      const name = undone.length > 0 ? hexOf(address) : "";
      for (const diff of undone) {
        const change = diff.get(name);
        if (change) return change.account;
      }
      writeAccountKey(accountKey, 0, address, 0);
      const found = reader.get(accountKey);
      return found && decodeAccountRecord(found);
    },
    storage(address, slot): Uint8Array {
      const name = undone.length > 0 ? hexOf(address) : "";
      for (const diff of undone) {
        const change = diff.get(name);
        const word = change?.storage.get(hexOf(slot));
        if (word) return word;
        if (change?.storageCleared || (change && change.account === undefined))
          return fullWord(undefined);
      }
      writeStorageKey(storageKey, 0, address, 0, slot, 0);
      return fullWord(reader.get(storageKey));
    },
    code(codeHash): Uint8Array {
      if (sameBytes(codeHash, EMPTY_CODE_HASH)) return new Uint8Array(0);
      const code = reader.get(codeKey(codeHash));
      if (code === undefined) {
        throw new LanewiseError("ERR_STATE_MISSING", `code ${hexOf(codeHash)}: not in the store`);
      }
      return code;
    },
    blockHash(wanted): Uint8Array {
      const hash =
        block !== undefined && wanted <= block.number
          ? reader.get(blockHashKey(wanted))
          : undefined;
      if (hash === undefined) {
        throw new LanewiseError("ERR_STATE_MISSING", `hash of block ${wanted}: not in the store`);
      }
      return hash;
    },
    close: () => reader.close(),
  };
}

/**
 * Opens, in any thread of the process, the view that `StateStore.share` described. The store must stay open.
 *
 * @throws LanewiseError `ERR_STATE_MISSING` where the store has moved on beyond its history since.
 */
export async function openStateView({ contents, number }: SharedStateView): Promise<StateView> {
  const reader =
    contents.kind === "memory"
      ? openSharedMemory(contents)
      : await openLevelReader(contents.location);
  return createStateView(reader, number);
}
