/**
 * Seeded accounts for generated chains. The private keys are public knowledge: never send value to one on a real chain.
 *
 * Keys are consecutive, d₀ + i with d₀ drawn from the seed, so that each public key is the one before plus G: a hundred thousand
 * accounts cost point additions and one inversion, not multiplications.
 *
 * @module
 */
import { normalizeZ } from "@noble/curves/abstract/curve.js";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { utf8ToBytes } from "@noble/hashes/utils.js";
import { SECP256K1 } from "../params/secp256k1.ts";

/** An externally owned account that a workload signs for. */
export interface TestAccount {
  readonly privateKey: bigint;
  /** 20 bytes */
  readonly address: Uint8Array;
}

const { Point } = secp256k1;
/** Points normalised together: enough to share one inversion, few enough to keep memory flat. */
const CHUNK = 1024;

/** A scalar in [1, n − 2⁴⁸) drawn from a label, so that scalar + i stays below n. */
export function scalarFrom(label: string): bigint {
  const digest = keccak_256(utf8ToBytes(label));
  const value = BigInt(`0x${Buffer.from(digest).toString("hex")}`);
  return (value % (SECP256K1.n - (1n << 48n) - 1n)) + 1n;
}

/** Calls `each` with (first + i)·G in affine form, for i in [0, count). */
export function consecutivePoints(
  first: bigint,
  count: number,
  each: (index: number, x: bigint, y: bigint) => void,
): void {
  let next = Point.BASE.multiply(first);
  for (let start = 0; start < count; start += CHUNK) {
    const chunk = [];
    for (let i = start; i < Math.min(count, start + CHUNK); i++) {
      chunk.push(next);
      next = next.add(Point.BASE);
    }
    normalizeZ(Point, chunk).forEach((point, i) => {
      const { x, y } = point.toAffine();
      each(start + i, x, y);
    });
  }
}

/** Writes a 256-bit integer big-endian at `offset`. */
export function writeWord(target: Uint8Array, value: bigint, offset = 0): void {
  const view = new DataView(target.buffer, target.byteOffset + offset, 32);
  view.setBigUint64(0, value >> 192n);
  view.setBigUint64(8, BigInt.asUintN(64, value >> 128n));
  view.setBigUint64(16, BigInt.asUintN(64, value >> 64n));
  view.setBigUint64(24, BigInt.asUintN(64, value));
}

/** `count` accounts of a seed; a longer list begins with the shorter one. */
export function createAccounts(seed: string | number, count: number): TestAccount[] {
  const first = scalarFrom(`lanewise account ${seed}`);
  const accounts: TestAccount[] = new Array(count);
  const publicKey = new Uint8Array(64);
  consecutivePoints(first, count, (index, x, y) => {
    writeWord(publicKey, x, 0);
    writeWord(publicKey, y, 32);
    accounts[index] = {
      privateKey: first + BigInt(index),
      address: keccak_256(publicKey).slice(12),
    };
  });
  return accounts;
}
