/**
 * A hash for tables in memory.
 *
 * @module
 */

/**
 * Murmur3's 32-bit hash (Appleby) of bytes `at` … `at + length − 1`, from a secret seed: addresses and slots are chosen by strangers,
 * who must not be able to crowd a bucket.
 */
export function hashOf(bytes: Uint8Array, at: number, length: number, seed: number): number {
  let hash = seed;
  const end = at + length;
  let i = at;
  for (; i + 4 <= end; i += 4) {
    let word = bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24);
    word = Math.imul(word, 0xcc9e2d51);
    word = Math.imul((word << 15) | (word >>> 17), 0x1b873593);
    hash ^= word;
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0;
  }
  let rest = 0;
  for (; i < end; i++) rest = (rest << 8) | bytes[i];
  rest = Math.imul(rest, 0xcc9e2d51);
  hash ^= Math.imul((rest << 15) | (rest >>> 17), 0x1b873593) ^ length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** A seed that nobody outside the process knows. */
export const secretSeed = (): number => crypto.getRandomValues(new Uint32Array(1))[0];
