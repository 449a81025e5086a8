// SHA-256 compression of four messages at once (i32x4), straight-line (FIPS 180-4 §6.2.2).
import { banner } from "./banner.mjs";

const range = (length) => Array.from({ length }, (_, i) => i);

/** The largest integer whose `power`-th power is at most `value`. */
function root(value, power) {
  let low = 0n;
  let high = 1n << 64n;
  while (high - low > 1n) {
    const middle = (low + high) >> 1n;
    if (middle ** power <= value) low = middle;
    else high = middle;
  }
  return low;
}

const primes = range(312)
  .slice(2)
  .filter((n) => range(n).every((d) => d < 2 || n % d !== 0))
  .slice(0, 64);

/** First 32 bits of the fractional part of the root of a prime. */
const fraction = (prime, power) =>
  Number(root(BigInt(prime) << (32n * power), power) & 0xffffffffn);

/** Round constants (§4.2.2) and initial hash value (§5.3.3). */
export const K = primes.map((prime) => fraction(prime, 3n));
export const IV = primes.slice(0, 8).map((prime) => fraction(prime, 2n));

/** K[t] + W[t] of the block that pads a 64-byte message: it is the same for every message. */
function paddingConstants() {
  const rotr = (x, by) => (x >>> by) | (x << (32 - by));
  const w = [0x80000000, ...Array(14).fill(0), 512];
  for (let t = 16; t < 64; t++) {
    const s0 = rotr(w[t - 15], 7) ^ rotr(w[t - 15], 18) ^ (w[t - 15] >>> 3);
    const s1 = rotr(w[t - 2], 17) ^ rotr(w[t - 2], 19) ^ (w[t - 2] >>> 10);
    w[t] = (w[t - 16] + s0 + w[t - 7] + s1) | 0;
  }
  return w.map((word, t) => (word + K[t]) >>> 0);
}

const xor = (...terms) => terms.reduceRight((rest, term) => `v128.xor(${term}, ${rest})`);
const add = (...terms) => terms.reduceRight((rest, term) => `i32x4.add(${term}, ${rest})`);
const rotr = (x, by) => `v128.or(i32x4.shr_u(${x}, ${by}), i32x4.shl(${x}, ${32 - by}))`;

/**
 * 64 rounds and the addition of the state. `scheduled`: words come from `schedule`, sixteen vectors used as a ring;
 * otherwise K + W comes from the table of the padding block.
 */
function compression(scheduled) {
  const lines = ["abcdefgh"].flatMap((names) =>
    [...names].map((name, i) => `  let ${name} = v128.load(state, ${16 * i});`),
  );
  lines.push("  let t = i32x4.splat(0);", "  let u = t;", "  let x = t;", "  let y = t;");
  // Majority is b ^ ((a ^ b) & (b ^ c)), and this round's a ^ b is the next round's b ^ c.
  lines.push("  let ab = t;", "  let bc = v128.xor(b, c);");
  for (const round of range(64)) {
    const [a, b, , d, e, f, g, h] = range(8).map((i) => "abcdefgh"[(i + 64 - round) % 8]);
    const [previous, current] = round % 2 === 0 ? ["bc", "ab"] : ["ab", "bc"];
    const slot = 16 * (round % 16);
    if (scheduled) {
      if (round < 16) lines.push(`  t = v128.load(schedule, ${slot});`);
      else {
        lines.push(
          `  x = v128.load(schedule, ${16 * ((round - 15) % 16)});`,
          `  y = v128.load(schedule, ${16 * ((round - 2) % 16)});`,
          `  t = ${add(`v128.load(schedule, ${slot})`, `v128.load(schedule, ${16 * ((round - 7) % 16)})`)};`,
          `  t = ${add("t", xor(rotr("x", 7), rotr("x", 18), "i32x4.shr_u(x, 3)"))};`,
          `  t = ${add("t", xor(rotr("y", 17), rotr("y", 19), "i32x4.shr_u(y, 10)"))};`,
          `  v128.store(schedule, t, ${slot});`,
        );
      }
      lines.push(`  t = ${add("t", h, `v128.load_splat<u32>(ROUND_CONSTANTS, ${4 * round})`)};`);
    } else {
      lines.push(`  t = ${add(h, `v128.load_splat<u32>(PADDING_CONSTANTS, ${4 * round})`)};`);
    }
    lines.push(
      `  u = ${xor(g, `v128.and(${e}, v128.xor(${f}, ${g}))`)};`,
      `  t = ${add("t", "u", xor(rotr(e, 6), rotr(e, 11), rotr(e, 25)))};`,
      `  ${d} = ${add(d, "t")};`,
      `  ${current} = ${xor(a, b)};`,
      `  u = ${xor(b, `v128.and(${current}, ${previous})`)};`,
      `  ${h} = ${add("t", "u", xor(rotr(a, 2), rotr(a, 13), rotr(a, 22)))};`,
    );
  }
  for (const [i, name] of [..."abcdefgh"].entries()) {
    lines.push(`  v128.store(state, i32x4.add(${name}, v128.load(state, ${16 * i})), ${16 * i});`);
  }
  return lines;
}

const hex = (words) =>
  range(words.length / 8).map(
    (row) =>
      `  ${words
        .slice(8 * row, 8 * row + 8)
        .map((word) => `0x${word.toString(16).padStart(8, "0")}`)
        .join(", ")},`,
  );

/** @returns {[string, string][]} */
export function files() {
  const source = [
    banner("//", "sha256.mjs").trimEnd(),
    "// SHA-256 compression of four messages, one in each 32-bit lane of a vector (FIPS 180-4 §6.2.2).",
    "",
    "const ROUND_CONSTANTS: usize = memory.data<u32>([",
    ...hex(K),
    "], 16);",
    "",
    "/** K + W of the block that pads a 64-byte message. */",
    "const PADDING_CONSTANTS: usize = memory.data<u32>([",
    ...hex(paddingConstants()),
    "], 16);",
    "",
    "/** Initial hash value (§5.3.3). */",
    "export const SHA256_IV: usize = memory.data<u32>([",
    ...hex(IV),
    "], 16);",
    "",
    "/** Absorbs a block into each of four states: word i of all at `state + 16i`, of the blocks at `schedule + 16i`. */",
    "export function sha256Compress(state: usize, schedule: usize): void {",
    ...compression(true),
    "}",
    "",
    "/** Absorbs the block that pads a 64-byte message into each of four states. */",
    "export function sha256CompressPadding64(state: usize): void {",
    ...compression(false),
    "}",
    "",
  ];
  return [["assembly/generated/sha256.ts", source.join("\n")]];
}
