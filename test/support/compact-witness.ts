/**
 * State out of a compact block witness, as Erigon writes it: a stack machine that rebuilds the part of the tries a block touches.
 *
 * @module
 */
import { keccakOf, toHex } from "../../src/chains/ethereum/index.ts";
import { LanewiseError } from "../../src/core/index.ts";
import { EMPTY_CODE_HASH } from "../../src/state/memory.ts";
import type { Account, StateSource } from "../../src/state/source.ts";

type Node =
  | { readonly kind: "hash" }
  | { readonly kind: "empty" }
  | { readonly kind: "code"; readonly code: Uint8Array }
  | { readonly kind: "leaf"; readonly path: readonly number[]; readonly value: Uint8Array }
  | { readonly kind: "extension"; readonly path: readonly number[]; readonly child: Node }
  | { readonly kind: "branch"; readonly children: readonly (Node | undefined)[] }
  | {
      readonly kind: "account";
      readonly path: readonly number[];
      readonly nonce: bigint;
      readonly balance: bigint;
      readonly code: Node | undefined;
      readonly storage: Node | undefined;
    };

/** Reads CBOR unsigned integers and byte strings, all that a witness holds. */
class Reader {
  readonly bytes: Uint8Array;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  byte(): number {
    return this.bytes[this.at++];
  }

  take(length: number): Uint8Array {
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  integer(): bigint {
    const info = this.byte() & 31;
    if (info < 24) return BigInt(info);
    return big(this.take(1 << (info - 24)));
  }

  string(): Uint8Array {
    return this.take(Number(this.integer()));
  }

  /** A flag byte (1: an odd number of nibbles), then nibbles in pairs; one nibble alone stands for itself. */
  path(): number[] {
    const [flags, ...packed] = this.string();
    if (packed.length === 0) return [flags];
    const nibbles = packed.flatMap((byte) => [byte >> 4, byte & 15]);
    return flags & 1 ? nibbles.slice(0, -1) : nibbles;
  }
}

const big = (bytes: Uint8Array): bigint => BigInt(`0x0${Buffer.from(bytes).toString("hex")}`);

function pop(stack: Node[]): Node {
  const node = stack.pop();
  if (node === undefined) throw new Error("witness: expected an operand, got an empty stack");
  return node;
}

function readAccount(reader: Reader, stack: Node[]): Node {
  const path = reader.path();
  const flags = reader.byte();
  const nonce = flags & 4 ? reader.integer() : 0n;
  const balance = flags & 8 ? big(reader.string()) : 0n;
  const storage = flags & 2 ? pop(stack) : undefined;
  const code = flags & 1 ? pop(stack) : undefined;
  if (flags & 1) reader.integer(); // the code's size
  return { kind: "account", path, nonce, balance, code, storage };
}

function readWitness(bytes: Uint8Array): Node {
  const reader = new Reader(bytes);
  const stack: Node[] = [];
  if (reader.byte() !== 1) throw new Error("witness: expected version 1");
  while (reader.at < bytes.length) {
    const operation = reader.byte();
    if (operation === 0) stack.push({ kind: "leaf", path: reader.path(), value: reader.string() });
    else if (operation === 1) {
      const path = reader.path();
      stack.push({ kind: "extension", path, child: pop(stack) });
    } else if (operation === 2) {
      const mask = Number(reader.integer());
      const children: (Node | undefined)[] = new Array(16).fill(undefined);
      for (let i = 15; i >= 0; i--) if (mask & (1 << i)) children[i] = pop(stack);
      stack.push({ kind: "branch", children });
    } else if (operation === 3) {
      reader.take(32);
      stack.push({ kind: "hash" });
    } else if (operation === 4) stack.push({ kind: "code", code: reader.string() });
    else if (operation === 5) stack.push(readAccount(reader, stack));
    else if (operation === 6) stack.push({ kind: "empty" });
    else throw new Error(`witness: operation ${operation} at byte ${reader.at - 1}`);
  }
  return pop(stack);
}

/** The leaf at a hashed key; `undefined` where the trie has none. */
function find(root: Node | undefined, key: Uint8Array, what: string): Node | undefined {
  let nibbles = [...keccakOf(key)].flatMap((byte) => [byte >> 4, byte & 15]);
  let node = root;
  while (node !== undefined) {
    if (node.kind === "hash") {
      throw new LanewiseError("ERR_STATE_MISSING", `${what}: not in the witness`);
    }
    if (node.kind === "branch") {
      node = node.children[nibbles[0]];
      nibbles = nibbles.slice(1);
      continue;
    }
    if (node.kind === "empty" || node.kind === "code") return undefined;
    const { path } = node;
    if (path.some((nibble, i) => nibbles[i] !== nibble)) return undefined;
    if (node.kind !== "extension") return path.length === nibbles.length ? node : undefined;
    nibbles = nibbles.slice(path.length);
    node = node.child;
  }
  return undefined;
}

/** The state that a witness holds. Storage values are RLP strings; code is known by its hash. */
export function witnessState(
  witness: Uint8Array,
  codeHashes: ReadonlyMap<string, Uint8Array>,
  blockHashes: ReadonlyMap<bigint, Uint8Array>,
): StateSource {
  const root = readWitness(witness);
  const codes = new Map<string, Uint8Array>();
  const accountAt = (address: Uint8Array) => {
    const leaf = find(root, address, `account ${toHex(address)}`);
    return leaf?.kind === "account" ? leaf : undefined;
  };
  return {
    account(address): Account | undefined {
      const leaf = accountAt(address);
      if (leaf === undefined) return undefined;
      let codeHash = EMPTY_CODE_HASH;
      if (leaf.code?.kind === "code") {
        codeHash = keccakOf(leaf.code.code);
        codes.set(toHex(codeHash), leaf.code.code);
      } else if (leaf.code !== undefined) {
        codeHash = codeHashes.get(toHex(address)) ?? new Uint8Array(32);
      }
      return { nonce: leaf.nonce, balance: leaf.balance, codeHash };
    },
    storage(address, slot) {
      const what = `storage ${toHex(slot)} of ${toHex(address)}`;
      const leaf = find(accountAt(address)?.storage, slot, what);
      const word = new Uint8Array(32);
      if (leaf?.kind !== "leaf") return word;
      const { value } = leaf;
      word.set(value, 32 - value.length);
      return word;
    },
    code(codeHash) {
      const code = codes.get(toHex(codeHash));
      if (code !== undefined) return code;
      throw new LanewiseError("ERR_STATE_MISSING", `code ${toHex(codeHash)}: not in the witness`);
    },
    blockHash(number) {
      const hash = blockHashes.get(number);
      if (hash !== undefined) return hash;
      throw new LanewiseError("ERR_STATE_MISSING", `hash of block ${number}: not given`);
    },
  };
}
