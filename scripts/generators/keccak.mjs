// Keccak-f[1600] on two states at once (i64x2), two rounds of straight-line code a loop turn (FIPS 202 §3.2, §3.3).
import { banner } from "./banner.mjs";

/** Round constants ι (FIPS 202 §3.2.5, algorithm 5: the LFSR x⁸ + x⁶ + x⁵ + x⁴ + 1). @returns {bigint[]} */
export function roundConstants() {
  let lfsr = 1;
  return Array.from({ length: 24 }, () => {
    let constant = 0n;
    for (let j = 0; j <= 6; j++) {
      if (lfsr & 1) constant |= 1n << BigInt((1 << j) - 1);
      lfsr = lfsr & 0x80 ? ((lfsr << 1) ^ 0x171) & 0xff : lfsr << 1;
    }
    return constant;
  });
}

/** Rotation ρ of lane x + 5y (FIPS 202 §3.2.2, algorithm 2). @returns {number[]} */
export function rotations() {
  const offsets = Array(25).fill(0);
  let [x, y] = [1, 0];
  for (let t = 0; t < 24; t++) {
    offsets[x + 5 * y] = (((t + 1) * (t + 2)) / 2) % 64;
    [x, y] = [y, (2 * x + 3 * y) % 5];
  }
  return offsets;
}

const xor = (...terms) => terms.reduceRight((rest, term) => `v128.xor(${term}, ${rest})`);
const range = (length) => Array.from({ length }, (_, i) => i);

/**
 * One round from the state at `from` to the state at `to`. Each plane is finished before the next is begun, and the column
 * parities of the next round are gathered on the way: fifteen values are alive at a time, so that little is spilled. The
 * state stays in memory on purpose: as locals it is spilled to a stack that engines do not align to vectors, and a thread
 * whose stack happens to lie badly runs at half the speed (bench/NOTES.md).
 */
function round(from, to, constantOffset) {
  const rho = rotations();
  const lines = [];
  for (const x of range(5)) {
    const next = `c${(x + 1) % 5}`;
    lines.push(
      `    d${x} = ${xor(`c${(x + 4) % 5}`, `v128.or(i64x2.shl(${next}, 1), i64x2.shr_u(${next}, 63))`)};`,
    );
  }
  for (const y of range(5)) {
    // π moves lane (x', y') to (y', 2x' + 3y'): the lane that lands on (x, y) came from column x + 3y, row x.
    for (const x of range(5)) {
      const source = ((x + 3 * y) % 5) + 5 * x;
      const turn = rho[source];
      lines.push(`    t = v128.xor(v128.load(${from}, ${16 * source}), d${source % 5});`);
      lines.push(
        turn === 0
          ? `    b${x} = t;`
          : `    b${x} = v128.or(i64x2.shl(t, ${turn}), i64x2.shr_u(t, ${64 - turn}));`,
      );
    }
    for (const x of range(5)) {
      lines.push(`    t = v128.xor(b${x}, v128.andnot(b${(x + 2) % 5}, b${(x + 1) % 5}));`);
      if (x + y === 0) {
        lines.push(`    t = v128.xor(t, v128.load_splat<u64>(constant, ${constantOffset}));`);
      }
      lines.push(`    v128.store(${to}, t, ${16 * (x + 5 * y)});`);
      lines.push(`    c${x} = ${y === 0 ? "t" : `v128.xor(c${x}, t)`};`);
    }
  }
  return lines;
}

/** @returns {[string, string][]} */
export function files() {
  const constants = roundConstants().map((value) => `  0x${value.toString(16).padStart(16, "0")},`);
  const names = [...["b", "c", "d"].flatMap((name) => range(5).map((i) => `${name}${i}`)), "t"];
  const lane = (i) => `v128.load(state, ${16 * i})`;
  const source = [
    banner("//", "keccak.mjs").trimEnd(),
    "// Keccak-f[1600] on two states, one in each 64-bit half of a vector (FIPS 202 §3).",
    "",
    "const ROUND_CONSTANTS: usize = memory.data<u64>([",
    ...constants,
    "], 16);",
    "",
    "/** The state after every other round. */",
    "const OTHER: usize = memory.data(400, 16);",
    "",
    "/** Permutes two interleaved states in place: lane i of both at `state + 16i`; 400 bytes. */",
    "export function keccakF1600Pair(state: usize): void {",
    "  keccakF1600PairWith(state, OTHER);",
    "}",
    "",
    "/** As `keccakF1600Pair`, with 400 bytes of scratch at `other`: for instances that share a memory. */",
    "export function keccakF1600PairWith(state: usize, other: usize): void {",
    ...names.map((name) => `  let ${name} = i64x2.splat(0);`),
    ...range(5).map((x) => `  c${x} = ${xor(...range(5).map((y) => lane(x + 5 * y)))};`),
    "  const end = ROUND_CONSTANTS + 24 * 8;",
    "  for (let constant = ROUND_CONSTANTS; constant < end; constant += 16) {",
    ...round("state", "other", 0),
    ...round("other", "state", 8),
    "  }",
    "}",
    "",
  ];
  return [["assembly/generated/keccak-f1600.ts", source.join("\n")]];
}
