/**
 * Merkle-Patricia proofs: verification of many at a time, and the JSON form of `eth_getProof` (EIP-1186).
 *
 * A proof is the RLP of the nodes from the root towards a key; nodes shorter than 32 bytes lie in their parents. It proves the
 * key's value, or that there is none.
 *
 * @module
 */
import { decodeRlp, type RlpItem } from "../chains/ethereum/rlp.ts";
import { LanewiseError } from "../core/index.ts";
import { decodeAccount, decodeStorageWord } from "./account.ts";
import type { AccountProof, StorageProof } from "./commitment.ts";
import { hexOf } from "./hex.ts";
import { EMPTY_CODE_HASH } from "./memory.ts";
import { EMPTY_TRIE_ROOT, TrieModule } from "./trie/module.ts";

/** One key of one trie, and the nodes that are said to prove it. */
export interface TrieProof {
  /** 32 bytes */
  readonly root: Uint8Array;
  /** The key as it stands in the trie (a digest, in state tries). */
  readonly key: Uint8Array;
  readonly nodes: readonly Uint8Array[];
}

/** Outcome of one proof: the value proven (`undefined`: proven absent), or why nothing is proven. */
export type ProofOutcome =
  | { readonly valid: true; readonly value: Uint8Array | undefined }
  | { readonly valid: false; readonly reason: string };

/** Most digested bytes of one call into the module. */
const MOST_BATCH_BYTES = 2 ** 26;

let module: TrieModule | undefined;

/** keccak256 of each message, digested together. */
function digestAll(messages: readonly Uint8Array[]): Uint8Array[] {
  module ??= new TrieModule();
  const digests: Uint8Array[] = [];
  for (let from = 0; from < messages.length; ) {
    let bytes = 0;
    let to = from;
    while (
      to < messages.length &&
      (to === from || bytes + messages[to].length <= MOST_BATCH_BYTES)
    ) {
      bytes += messages[to++].length;
    }
    const joined = module.digests(messages.slice(from, to));
    for (let i = 0; i < to - from; i++) digests.push(joined.subarray(i * 32, i * 32 + 32));
    from = to;
  }
  return digests;
}

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

/** Verifies proofs; the nodes of all are hashed in one batch. A bad proof is an outcome, never an exception. */
export function verifyTrieProofs(proofs: readonly TrieProof[]): ProofOutcome[] {
  const digests = digestAll(proofs.flatMap(({ nodes }) => nodes));
  let first = 0;
  return proofs.map((proof) => {
    const own = digests.slice(first, first + proof.nodes.length);
    first += proof.nodes.length;
    try {
      return { valid: true, value: walk(proof, own) };
    } catch (error) {
      if (!(error instanceof LanewiseError) || error.code !== "ERR_INPUT") throw error;
      return { valid: false, reason: error.message };
    }
  });
}

const wrong = (reason: string): LanewiseError => new LanewiseError("ERR_INPUT", `proof: ${reason}`);

/** The value of the key, or `undefined` where the nodes show that there is none. */
function walk(
  { root, key, nodes }: TrieProof,
  digests: readonly Uint8Array[],
): Uint8Array | undefined {
  if (nodes.length === 0) {
    if (same(root, EMPTY_TRIE_ROOT)) return undefined;
    throw wrong("no nodes, and the root is not that of an empty trie");
  }
  let used = 0;
  const take = (hash: Uint8Array): RlpItem => {
    if (used === nodes.length) throw wrong(`ends after ${used} nodes, before the key is decided`);
    if (!same(digests[used], hash)) throw wrong(`node ${used} does not hash to its reference`);
    return decodeRlp(nodes[used++]);
  };
  const done = (value: Uint8Array | undefined): Uint8Array | undefined => {
    if (used !== nodes.length)
      throw wrong(`${nodes.length - used} nodes beyond the last one needed`);
    return value;
  };
  /** A reference is a hash, an embedded node, or empty. */
  const follow = (reference: RlpItem): RlpItem | undefined => {
    if (!(reference instanceof Uint8Array)) {
      // Some nodes list embedded ones too; they say nothing that the parent has not said.
      if (used < nodes.length && nodes[used].length < 32) used++;
      return reference;
    }
    if (reference.length === 0) return undefined;
    if (reference.length !== 32) throw wrong(`a reference of ${reference.length} bytes`);
    return take(reference);
  };
  const nibbles = key.length * 2;
  let depth = 0;
  let node: RlpItem | undefined = take(root);
  if (node instanceof Uint8Array && node.length === 0) return done(undefined);
  while (node !== undefined) {
    if (node instanceof Uint8Array || (node.length !== 17 && node.length !== 2)) {
      throw wrong(`node ${used - 1} is neither a branch nor a leaf nor an extension`);
    }
    if (node.length === 17) {
      if (depth === nibbles) return done(valueIn(node[16]));
      node = follow(node[nibbleAt(key, depth++)]);
      continue;
    }
    const path = hexPrefix(node[0]);
    const matches = path.nibbles.every(
      (nibble, i) => depth + i < nibbles && nibble === nibbleAt(key, depth + i),
    );
    depth += path.nibbles.length;
    if (path.isLeaf) return done(matches && depth === nibbles ? valueIn(node[1]) : undefined);
    if (!matches) return done(undefined);
    node = follow(node[1]);
    if (node === undefined) throw wrong("an extension that leads nowhere");
  }
  return done(undefined);
}

const nibbleAt = (key: Uint8Array, depth: number): number =>
  depth & 1 ? key[depth >> 1] & 15 : key[depth >> 1] >> 4;

function valueIn(item: RlpItem): Uint8Array | undefined {
  if (!(item instanceof Uint8Array)) throw wrong("a value that is a list");
  return item.length === 0 ? undefined : item;
}

/** Undoes the hex-prefix encoding (Yellow Paper, appendix C). */
function hexPrefix(item: RlpItem): { isLeaf: boolean; nibbles: number[] } {
  if (!(item instanceof Uint8Array) || item.length === 0 || item[0] > 0x3f) {
    throw wrong("a path without a hex prefix");
  }
  const nibbles: number[] = item[0] & 0x10 ? [item[0] & 15] : [];
  if (!(item[0] & 0x10) && item[0] & 15) throw wrong("a path with a wrong hex prefix");
  for (const byte of item.subarray(1)) nibbles.push(byte >> 4, byte & 15);
  return { isLeaf: item[0] >= 0x20, nibbles };
}

/** Outcome of one account proof: everything that it claims is proven, or why it is not. */
export type AccountProofOutcome =
  /** `exists`: whether the account is in the state at all. */
  | { readonly valid: true; readonly exists: boolean }
  | { readonly valid: false; readonly reason: string };

/**
 * Verifies account proofs, and the storage proofs in them, against a state root: account fields and slot values are what the
 * nodes prove. Addresses, slots and nodes of all proofs are hashed together.
 *
 * @param root the header's `stateRoot`, 32 bytes.
 */
export function verifyAccountProofs(
  root: Uint8Array,
  proofs: readonly AccountProof[],
): AccountProofOutcome[] {
  const addresses = digestAll(proofs.map(({ address }) => address));
  const slots = digestAll(proofs.flatMap(({ storageProof }) => storageProof.map(({ key }) => key)));
  let slot = 0;
  const claims: TrieProof[] = [];
  for (const [index, { accountProof, storageHash, storageProof }] of proofs.entries()) {
    claims.push({ root, key: addresses[index], nodes: accountProof });
    for (const { proof } of storageProof) {
      claims.push({ root: storageHash, key: slots[slot++], nodes: proof });
    }
  }
  const outcomes = verifyTrieProofs(claims);
  let at = 0;
  return proofs.map((proof) => {
    const own = outcomes.slice(at, at + 1 + proof.storageProof.length);
    at += own.length;
    const reason = faultOf(proof, own);
    if (reason !== undefined) return { valid: false, reason };
    return { valid: true, exists: own[0].valid && own[0].value !== undefined };
  });
}

function faultOf(proof: AccountProof, outcomes: readonly ProofOutcome[]): string | undefined {
  const [account, ...slots] = outcomes;
  if (!account.valid) return `account ${account.reason}`;
  try {
    const claimed = [proof.nonce, proof.balance, hexOf(proof.storageHash), hexOf(proof.codeHash)];
    if (account.value) {
      const { nonce, balance, storageRoot, codeHash } = decodeAccount(account.value);
      const proven = [nonce, balance, hexOf(storageRoot), hexOf(codeHash)];
      const wrongAt = proven.findIndex((value, i) => value !== claimed[i]);
      if (wrongAt >= 0) {
        const name = ["nonce", "balance", "storageHash", "codeHash"][wrongAt];
        return `account ${name}: expected ${proven[wrongAt]}, got ${claimed[wrongAt]}`;
      }
    } else if (!claimsAbsence(proof)) {
      return "account: proven absent, but the proof claims fields of it";
    }
    for (const [index, outcome] of slots.entries()) {
      const { key, value } = proof.storageProof[index];
      if (!outcome.valid) return `slot ${hexOf(key)}: ${outcome.reason}`;
      const proven = outcome.value ? BigInt(hexOf(decodeStorageWord(outcome.value))) : 0n;
      if (proven !== value) return `slot ${hexOf(key)}: expected ${proven}, got ${value}`;
    }
    return undefined;
  } catch (error) {
    if (error instanceof LanewiseError && error.code === "ERR_INPUT") return error.message;
    throw error;
  }
}

/** Nodes differ in what they answer for an account that does not exist: empty hashes or zeros. */
function claimsAbsence({ nonce, balance, storageHash, codeHash }: AccountProof): boolean {
  const isZero = (hash: Uint8Array) => hash.every((byte) => byte === 0);
  return (
    nonce === 0n &&
    balance === 0n &&
    (same(storageHash, EMPTY_TRIE_ROOT) || isZero(storageHash)) &&
    (same(codeHash, EMPTY_CODE_HASH) || isZero(codeHash))
  );
}

const quantityOf = (value: bigint): string => `0x${value.toString(16)}`;

/** The proof as the `result` of `eth_getProof`. */
export function accountProofToJson(proof: AccountProof): Record<string, unknown> {
  return {
    address: hexOf(proof.address),
    accountProof: proof.accountProof.map(hexOf),
    balance: quantityOf(proof.balance),
    codeHash: hexOf(proof.codeHash),
    nonce: quantityOf(proof.nonce),
    storageHash: hexOf(proof.storageHash),
    storageProof: proof.storageProof.map(({ key, value, proof }) => ({
      key: hexOf(key),
      value: quantityOf(value),
      proof: proof.map(hexOf),
    })),
  };
}

function field(json: unknown, name: string, where: string): unknown {
  if (typeof json !== "object" || json === null || !(name in json)) {
    throw new LanewiseError("ERR_INPUT", `${where}: expected a field ${name}`);
  }
  return (json as Record<string, unknown>)[name];
}

function hexField(json: unknown, name: string, where: string, bytes?: number): Uint8Array {
  const value = field(json, name, where);
  if (typeof value !== "string" || !/^0x([0-9a-fA-F]{2})*$/.test(value)) {
    throw new LanewiseError("ERR_INPUT", `${where}.${name}: expected 0x-prefixed hex`);
  }
  if (bytes !== undefined && value.length !== 2 + bytes * 2) {
    throw new LanewiseError("ERR_INPUT", `${where}.${name}: expected ${bytes} bytes, got ${value}`);
  }
  return Uint8Array.from(Buffer.from(value.slice(2), "hex"));
}

function quantityField(json: unknown, name: string, where: string): bigint {
  const value = field(json, name, where);
  if (typeof value !== "string" || !/^0x[0-9a-fA-F]{1,64}$/.test(value)) {
    throw new LanewiseError("ERR_INPUT", `${where}.${name}: expected a quantity, got ${value}`);
  }
  return BigInt(value);
}

function listField(json: unknown, name: string, where: string): readonly unknown[] {
  const value = field(json, name, where);
  if (!Array.isArray(value)) {
    throw new LanewiseError("ERR_INPUT", `${where}.${name}: expected a list`);
  }
  return value;
}

const nodesField = (json: unknown, name: string, where: string): Uint8Array[] =>
  listField(json, name, where).map((node, index) =>
    hexField({ node }, "node", `${where}.${name}[${index}]`),
  );

/**
 * Reads the `result` of `eth_getProof`. Slots may be written short, as nodes do.
 *
 * @throws LanewiseError `ERR_INPUT` naming the field. Nothing is verified here: see {@link verifyAccountProofs}.
 */
export function readAccountProof(json: unknown, where = "eth_getProof"): AccountProof {
  return {
    address: hexField(json, "address", where, 20),
    nonce: quantityField(json, "nonce", where),
    balance: quantityField(json, "balance", where),
    codeHash: hexField(json, "codeHash", where, 32),
    storageHash: hexField(json, "storageHash", where, 32),
    accountProof: nodesField(json, "accountProof", where),
    storageProof: listField(json, "storageProof", where).map((entry, index): StorageProof => {
      const at = `${where}.storageProof[${index}]`;
      const key = quantityField(entry, "key", at).toString(16).padStart(64, "0");
      return {
        key: Uint8Array.from(Buffer.from(key, "hex")),
        value: quantityField(entry, "value", at),
        proof: nodesField(entry, "proof", at),
      };
    }),
  };
}
