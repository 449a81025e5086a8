/** Seeded randoms for the state tests (xorshift32 over a Weyl sequence). @module */

/** Whether long campaigns run. */
export const SLOW = process.env.LANEWISE_SLOW === "1";

/** Draws integers below `n`; the same seed draws the same numbers. */
export function createRandom(seed: number): (n: number) => number {
  let state = seed >>> 0;
  return (n) => {
    state = (state + 0x9e3779b9) >>> 0;
    let x = state;
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
    return ((x ^ (x >>> 16)) >>> 0) % n;
  };
}

/** `length` random bytes. */
export function randomBytes(random: (n: number) => number, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => random(256));
}

export const hexOf = (bytes: Uint8Array): string => `0x${Buffer.from(bytes).toString("hex")}`;
export const bytesOf = (hex: string): Uint8Array =>
  Uint8Array.from(Buffer.from(hex.slice(2), "hex"));
