/** Seeded randomness for tests: every run sees the same cases. @module */

export interface SeededRandom {
  /** An integer in 0 … bound − 1. */
  below(bound: number): number;
  bytes(length: number): Uint8Array;
  pick<T>(values: readonly T[]): T;
}

/** xoshiro128**, seeded by splitmix32. */
export function seededRandom(seed: number): SeededRandom {
  let mix = seed >>> 0;
  const state = Array.from({ length: 4 }, () => {
    mix = (mix + 0x9e3779b9) >>> 0;
    let z = mix;
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return (z ^ (z >>> 16)) >>> 0;
  });
  const rotate = (x: number, k: number): number => (x << k) | (x >>> (32 - k));
  const next = (): number => {
    const result = Math.imul(rotate(Math.imul(state[1], 5), 7), 9) >>> 0;
    const t = state[1] << 9;
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= t;
    state[3] = rotate(state[3], 11);
    return result;
  };
  const below = (bound: number): number => Math.floor((next() / 2 ** 32) * bound);
  return {
    below,
    bytes: (length) => Uint8Array.from({ length }, () => next() & 0xff),
    pick: (values) => values[below(values.length)],
  };
}
