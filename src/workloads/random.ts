/**
 * A seeded pseudo-random generator (xoshiro128**, Blackman and Vigna, 2018): equal seeds give equal sequences on every platform.
 *
 * @module
 */

/** Draws from one sequence. */
export interface Random {
  /** An integer in [0, 2³²). */
  u32(): number;
  /** An integer in [0, limit); `limit` at most 2³². */
  integer(limit: number): number;
  /** `length` bytes. */
  bytes(length: number): Uint8Array;
}

/** The sequence of this seed. */
export function createRandom(seed: string | number): Random {
  // FNV-1a spreads the seed over the first word, and a splitmix sequence over the rest.
  let hash = 0x811c9dc5;
  for (const char of String(seed)) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193);
  const split = (): number => {
    hash = (hash + 0x9e3779b9) | 0;
    let z = Math.imul(hash ^ (hash >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return z ^ (z >>> 15);
  };
  let [a, b, c, d] = [split(), split(), split(), split()];
  const u32 = (): number => {
    const product = Math.imul(b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = (d << 11) | (d >>> 21);
    return result;
  };
  return {
    u32,
    integer: (limit) => Math.floor((u32() / 2 ** 32) * limit),
    bytes(length) {
      const bytes = new Uint8Array(length);
      for (let i = 0; i < length; i++) bytes[i] = u32();
      return bytes;
    },
  };
}
