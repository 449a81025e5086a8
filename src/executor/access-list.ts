/**
 * Block access lists in the shape of EIP-7928: what a block touched, and what each transaction left there.
 *
 * Index 0 stands for what the block does before its first transaction, 1 … n for the transactions, n + 1 for what it does after them.
 *
 * @module
 */
import { RLP } from "@ethereumjs/rlp";

/** A value that the operation of this index left behind. */
export interface IndexedChange<Value> {
  readonly index: number;
  readonly value: Value;
}

/** What happened to one account; lists are in order. */
export interface AccountAccess {
  /** 20 bytes */
  readonly address: Uint8Array;
  /** 32-byte slots and words. */
  readonly storageChanges: readonly {
    readonly slot: Uint8Array;
    readonly changes: readonly IndexedChange<Uint8Array>[];
  }[];
  /** Slots that were read and that nobody changed. */
  readonly storageReads: readonly Uint8Array[];
  /** wei */
  readonly balanceChanges: readonly IndexedChange<bigint>[];
  readonly nonceChanges: readonly IndexedChange<bigint>[];
  readonly codeChanges: readonly IndexedChange<Uint8Array>[];
}

/** Accounts in order of address; one that was only read has no changes. */
export type BlockAccessList = readonly AccountAccess[];

function minimal(value: bigint): Uint8Array {
  if (value === 0n) return new Uint8Array(0);
  const hex = value.toString(16);
  return Uint8Array.from(Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, "hex"));
}

const indexed = <Value>(
  changes: readonly IndexedChange<Value>[],
  encode: (value: Value) => Uint8Array,
): Uint8Array[][] => changes.map(({ index, value }) => [minimal(BigInt(index)), encode(value)]);

const asIs = (bytes: Uint8Array): Uint8Array => bytes;

/** The RLP of a block access list. */
export function encodeAccessList(list: BlockAccessList): Uint8Array {
  return RLP.encode(
    list.map((account) => [
      account.address,
      account.storageChanges.map(({ slot, changes }) => [slot, indexed(changes, asIs)]),
      [...account.storageReads],
      indexed(account.balanceChanges, minimal),
      indexed(account.nonceChanges, minimal),
      indexed(account.codeChanges, asIs),
    ]),
  );
}
