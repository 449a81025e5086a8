/**
 * Seeded randomness for workloads: the same seed gives the same bytes on every machine. Not for secrets.
 *
 * @module
 */

/** A stream of pseudo-random values. */
export interface Random {
  /** An integer in 0 … 2³² - 1. */
  u32(): number;
  /** An integer in 0 … limit - 1; limit ≤ 2³². */
  below(limit: number): number;
  bytes(length: number): Uint8Array<ArrayBuffer>;
  /** A bigint in 0 … limit - 1, uniform to within 2⁻⁶⁴. */
  bigint(limit: bigint): bigint;
  pick<T>(items: readonly T[]): T;
}

const rotl = (value: number, by: number): number => (value << by) | (value >>> (32 - by));

/** One step of splitmix32: spreads seeds that differ in a bit over the whole word. */
function mix(seed: number): number {
  let word = (seed + 0x9e3779b9) | 0;
  word = Math.imul(word ^ (word >>> 16), 0x21f0aaad);
  word = Math.imul(word ^ (word >>> 15), 0x735a2d97);
  return word ^ (word >>> 15);
}

/** xoshiro128** (Blackman and Vigna, 2018), seeded by an integer or a name (through FNV-1a). */
export function createRandom(seed: number | string): Random {
  let start = typeof seed === "number" ? seed : 0x811c9dc5;
  if (typeof seed === "string") {
    for (const char of seed) start = Math.imul(start ^ (char.codePointAt(0) ?? 0), 0x01000193);
  }
  let a = mix(start);
  let b = mix(a);
  let c = mix(b);
  let d = mix(c) | 1;
  const u32 = (): number => {
    const value = Math.imul(rotl(Math.imul(b, 5), 7), 9) >>> 0;
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = rotl(d, 11);
    return value;
  };
  const random: Random = {
    u32,
    below: (limit) => Math.floor((u32() / 2 ** 32) * limit),
    bytes(length) {
      const out = new Uint8Array(length);
      for (let i = 0; i < length; i++) out[i] = u32() >>> 24;
      return out;
    },
    bigint(limit) {
      const words = Math.ceil(limit.toString(2).length / 32) + 2;
      let value = 0n;
      for (let i = 0; i < words; i++) value = (value << 32n) | BigInt(u32());
      return value % limit;
    },
    pick: (items) => items[random.below(items.length)],
  };
  return random;
}
