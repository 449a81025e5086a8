/** Builds and signs Ethereum transactions for tests, with nothing of the decoder under test. @module */
import { RLP } from "@ethereumjs/rlp";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { keccak_256 } from "@noble/hashes/sha3.js";
import type { SeededRandom } from "./random.ts";

export type Item = Uint8Array | Item[];

export const CHAIN_ID = 1n;

const big = (bytes: Uint8Array): bigint =>
  bytes.length === 0 ? 0n : BigInt(`0x${Buffer.from(bytes).toString("hex")}`);

/** Shortest big-endian form. */
export function integer(value: bigint | number): Uint8Array {
  const hex = value.toString(16);
  if (hex === "0") return new Uint8Array(0);
  return Uint8Array.from(Buffer.from(hex.length % 2 ? `0${hex}` : hex, "hex"));
}

/** The envelope of a transaction: its type byte and its list, or the list alone. */
export function envelope(type: number, fields: Item[]): Uint8Array {
  const list = RLP.encode(fields);
  return type === 0 ? list : Uint8Array.from([type, ...list]);
}

function signDigest(message: Uint8Array, key: Uint8Array) {
  const signature = secp256k1.sign(keccak_256(message), key, {
    prehash: false,
    format: "recovered",
  });
  return {
    yParity: signature[0],
    r: integer(big(signature.subarray(1, 33))),
    s: integer(big(signature.subarray(33))),
  };
}

/** The fields of a signed transaction, in wire order. `replayProtected` matters for type 0. */
export function signFields(
  type: number,
  fields: Item[],
  key: Uint8Array,
  replayProtected = true,
): Item[] {
  if (type !== 0) {
    const { yParity, r, s } = signDigest(envelope(type, fields), key);
    return [...fields, integer(yParity), r, s];
  }
  const suffix = replayProtected ? [integer(CHAIN_ID), integer(0), integer(0)] : [];
  const { yParity, r, s } = signDigest(RLP.encode([...fields, ...suffix]), key);
  const v = replayProtected ? CHAIN_ID * 2n + 35n + BigInt(yParity) : 27n + BigInt(yParity);
  return [...fields, integer(v), r, s];
}

export function signAuthorization(
  chainId: bigint,
  address: Uint8Array,
  nonce: bigint,
  key: Uint8Array,
): Item[] {
  const fields = [integer(chainId), address, integer(nonce)];
  const message = Uint8Array.from([5, ...RLP.encode(fields)]);
  const { yParity, r, s } = signDigest(message, key);
  return [...fields, integer(yParity), r, s];
}

export function addressOfKey(key: Uint8Array): Uint8Array {
  return keccak_256(secp256k1.getPublicKey(key, false).subarray(1)).subarray(12);
}

export const KEYS: readonly Uint8Array[] = [1, 2, 3, 4].map((n) => new Uint8Array(32).fill(n));

/** Fields of a random, well-formed transaction of a type, before its signature; some have too little gas. */
export function randomFields(random: SeededRandom, type: number): Item[] {
  const creates = type < 3 && random.below(6) === 0;
  const data = random.bytes(random.pick([0, 0, 4, 68, 68, 200, 1000]));
  for (let i = 0; i < data.length; i++) if (random.below(2)) data[i] = 0;
  const call: Item[] = [
    integer(random.pick([30_000, 100_000, 2_000_000, 16_777_216, 2 ** 40])),
    creates ? new Uint8Array(0) : random.bytes(20),
    integer(big(random.bytes(random.pick([0, 1, 8, 20])))),
    data,
  ];
  const nonce = integer(random.below(2 ** 31));
  const maxFee = 10n ** 9n + BigInt(random.below(2 ** 31));
  if (type === 0) return [nonce, integer(maxFee), ...call];
  const accessList: Item[] = Array.from({ length: random.below(4) }, () => [
    random.bytes(20),
    Array.from({ length: random.below(4) }, () => random.bytes(32)),
  ]);
  const chain = [integer(CHAIN_ID), nonce];
  if (type === 1) return [...chain, integer(maxFee), ...call, accessList];
  const fields: Item[] = [
    ...chain,
    integer(BigInt(random.below(10 ** 9))),
    integer(maxFee),
    ...call,
    accessList,
  ];
  if (type === 3) {
    const hashes = Array.from({ length: 1 + random.below(6) }, () => {
      const hash = random.bytes(32);
      hash[0] = 1;
      return hash;
    });
    fields.push(integer(1 + random.below(1000)), hashes);
  }
  if (type === 4) {
    fields.push(
      Array.from({ length: 1 + random.below(3) }, () =>
        signAuthorization(
          BigInt(random.below(2)),
          random.bytes(20),
          BigInt(random.below(1000)),
          random.pick(KEYS),
        ),
      ),
    );
  }
  return fields;
}
