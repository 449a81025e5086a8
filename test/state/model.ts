/** A plain model of state for the tests: maps, and the state root through `@ethereumjs/mpt`. @module */
import { MerklePatriciaTrie } from "@ethereumjs/mpt";
import { RLP } from "@ethereumjs/rlp";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { EMPTY_CODE_HASH } from "../../src/state/memory.ts";
import type { AccountChange, StateDiff } from "../../src/state/source.ts";
import { bytesOf, hexOf, randomBytes } from "./random.ts";

export interface ModelAccount {
  nonce: bigint;
  balance: bigint;
  codeHash: Uint8Array;
  storage: Map<string, Uint8Array>;
}
export type Model = Map<string, ModelAccount>;

const minimal = (value: bigint): Uint8Array => {
  if (value === 0n) return new Uint8Array(0);
  const hex = value.toString(16);
  return Buffer.from(hex.length % 2 ? `0${hex}` : hex, "hex");
};

/** The state root of a model, key by key. */
export async function modelRoot(model: Model): Promise<Uint8Array> {
  const accounts = new MerklePatriciaTrie();
  for (const [address, account] of model) {
    const storage = new MerklePatriciaTrie();
    for (const [slot, word] of account.storage) {
      await storage.put(keccak_256(bytesOf(slot)), RLP.encode(minimal(BigInt(hexOf(word)))));
    }
    const value = [minimal(account.nonce), minimal(account.balance), storage.root()];
    await accounts.put(
      keccak_256(bytesOf(address)),
      RLP.encode([...value, account.codeHash] as Uint8Array[]),
    );
  }
  return accounts.root();
}

/** Applies a diff as its definition says. */
export function applyToModel(model: Model, diff: StateDiff): void {
  for (const [address, { account, storage, storageCleared }] of diff) {
    if (account === undefined) {
      model.delete(address);
      continue;
    }
    const words = storageCleared ? new Map() : new Map(model.get(address)?.storage);
    for (const [slot, word] of storage) {
      if (word.some((byte) => byte !== 0)) words.set(slot, word);
      else words.delete(slot);
    }
    model.set(address, { ...account, storage: words });
  }
}

/** A model of `{address: {nonce, balance, code, storage}}` with hex values. */
export function modelOfJson(
  json: Record<
    string,
    { nonce: string; balance: string; code: string; storage: Record<string, string> }
  >,
): Model {
  return new Map(
    Object.entries(json).map(([address, { nonce, balance, code, storage }]) => {
      const words = Object.entries(storage)
        .map(([slot, word]) => [BigInt(slot), BigInt(word)])
        .filter(([, word]) => word !== 0n)
        .map(([slot, word]) => [wordHex(slot), bytesOf(wordHex(word))] as [string, Uint8Array]);
      const codeHash = keccak_256(bytesOf(code));
      return [
        address.toLowerCase(),
        { nonce: BigInt(nonce), balance: BigInt(balance), codeHash, storage: new Map(words) },
      ];
    }),
  );
}

const wordHex = (value: bigint): string => `0x${value.toString(16).padStart(64, "0")}`;

/** The diff that creates a model from nothing. */
export function diffOfModel(model: Model): StateDiff {
  return new Map(
    [...model].map(([address, { storage, ...account }]) => [
      address,
      { account, storage, storageCleared: false },
    ]),
  );
}

/** A random block's changes to a model: new accounts, transfers, storage writes and clears, deletions, re-creations. */
export function randomDiff(random: (n: number) => number, model: Model): StateDiff {
  const diff = new Map<string, AccountChange>();
  const slot = () => wordHex(random(4) === 0 ? BigInt(random(1 << 30)) : BigInt(random(24)));
  for (let left = 1 + random(12); left > 0; left--) {
    const address = hexOf(new Uint8Array(20).fill(random(40), 19).fill(random(2), 0, 1));
    const before = model.get(address);
    if (before && random(6) === 0) {
      diff.set(address, { account: undefined, storageCleared: true, storage: new Map() });
      continue;
    }
    const isContract = random(2) === 0;
    const code = before || !isContract ? undefined : randomBytes(random, 1 + random(80));
    const account = {
      nonce: (before?.nonce ?? 0n) + BigInt(random(3)),
      balance: BigInt(random(1 << 30)) ** BigInt(1 + random(3)),
      codeHash: code ? keccak_256(code) : (before?.codeHash ?? EMPTY_CODE_HASH),
    };
    const storageCleared = random(8) === 0;
    const storage = new Map<string, Uint8Array>();
    for (let writes = isContract ? random(20) : 0; writes > 0; writes--) {
      const word = random(3) === 0 ? 0n : BigInt(random(1 << 30)) ** BigInt(1 + random(8));
      storage.set(slot(), bytesOf(wordHex(word)));
    }
    diff.set(address, { account, storageCleared, storage, ...(code && { code }) });
  }
  return diff;
}
