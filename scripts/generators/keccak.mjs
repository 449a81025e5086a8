// Keccak-f[1600] on two states at once (i64x2), a round of straight-line code a loop turn (FIPS 202 §3.2, §3.3).
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
 * One round from the state `a` into `e`. Each plane is finished before the next is begun, so that few values are alive at
 * a time; unrolling a second round, or gathering the next parities on the way, spills more (bench/NOTES.md).
 */
function round() {
  const rho = rotations();
  const lines = [];
  for (const x of range(5)) {
    lines.push(`    c${x} = ${xor(...range(5).map((y) => `a${x + 5 * y}`))};`);
  }
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
      lines.push(`    t = v128.xor(a${source}, d${source % 5});`);
      lines.push(
        turn === 0
          ? `    b${x} = t;`
          : `    b${x} = v128.or(i64x2.shl(t, ${turn}), i64x2.shr_u(t, ${64 - turn}));`,
      );
    }
    for (const x of range(5)) {
      const chi = `v128.xor(b${x}, v128.andnot(b${(x + 2) % 5}, b${(x + 1) % 5}))`;
      lines.push(`    e${x + 5 * y} = ${chi};`);
      // ι after χ, on its own line: folded into the expression above, V8 11 spills half as much again.
      if (x + y === 0) lines.push("    e0 = v128.xor(e0, v128.load_splat<u64>(constant));");
    }
  }
  for (const i of range(25)) lines.push(`    a${i} = e${i};`);
  return lines;
}

/** @returns {[string, string][]} */
export function files() {
  const constants = roundConstants().map((value) => `  0x${value.toString(16).padStart(16, "0")},`);
  // Declared once, outside the loop: declared inside it, Binaryen orders the code so that V8 11 spills half as much again.
  const names = [
    ...range(25).map((i) => `e${i}`),
    ...["b", "c", "d"].flatMap((name) => range(5).map((i) => `${name}${i}`)),
    "t",
  ];
  const source = [
    banner("//", "keccak.mjs").trimEnd(),
    "// Keccak-f[1600] on two states, one in each 64-bit half of a vector (FIPS 202 §3).",
    "",
    "const ROUND_CONSTANTS: usize = memory.data<u64>([",
    ...constants,
    "], 16);",
    "",
    "/** Permutes two interleaved states in place: lane i of both at `state + 16i`; 400 bytes. */",
    "export function keccakF1600Pair(state: usize): void {",
    ...range(25).map((i) => `  let a${i} = v128.load(state, ${16 * i});`),
    ...names.map((name) => `  let ${name} = i64x2.splat(0);`),
    "  const end = ROUND_CONSTANTS + 24 * 8;",
    "  for (let constant = ROUND_CONSTANTS; constant < end; constant += 8) {",
    ...round(),
    "  }",
    ...range(25).map((i) => `  v128.store(state, a${i}, ${16 * i});`),
    "}",
    "",
  ];
  return [["assembly/generated/keccak-f1600.ts", source.join("\n")]];
}
