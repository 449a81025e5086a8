// SHA-256 compression in WGSL, straight-line: the sixteen words of the schedule stay in registers (FIPS 180-4 §6.2.2).
import { banner } from "./banner.mjs";
import { IV, K } from "./sha256.mjs";

const range = (length) => Array.from({ length }, (_, i) => i);
const rotr = (x, by) => `((${x} >> ${by}u) | (${x} << ${32 - by}u))`;

function compression() {
  const lines = [
    ...range(8).map((i) => `  var ${"abcdefgh"[i]} = state[${i}];`),
    ...range(16).map((i) => `  var w${i} = block[${i}];`),
    "  var t = 0u;",
  ];
  for (const round of range(64)) {
    const [a, b, c, d, e, f, g, h] = range(8).map((i) => "abcdefgh"[(i + 64 - round) % 8]);
    const w = (back) => `w${(round + 16 - back) % 16}`;
    if (round >= 16) {
      const [early, late] = [w(15), w(2)];
      const s0 = `(${rotr(early, 7)} ^ ${rotr(early, 18)} ^ (${early} >> 3u))`;
      const s1 = `(${rotr(late, 17)} ^ ${rotr(late, 19)} ^ (${late} >> 10u))`;
      lines.push(`  ${w(16)} += ${s0} + ${w(7)} + ${s1};`);
    }
    const sum1 = `(${rotr(e, 6)} ^ ${rotr(e, 11)} ^ ${rotr(e, 25)})`;
    const sum0 = `(${rotr(a, 2)} ^ ${rotr(a, 13)} ^ ${rotr(a, 22)})`;
    const choice = `(${g} ^ (${e} & (${f} ^ ${g})))`;
    const majority = `((${a} & ${b}) | (${c} & (${a} | ${b})))`;
    lines.push(`  t = ${h} + ${sum1} + ${choice} + ${K[round]}u + ${w(16)};`);
    lines.push(`  ${d} += t;`, `  ${h} = t + ${sum0} + ${majority};`);
  }
  const sums = range(8).map((i) => `state[${i}] + ${"abcdefgh"[i]}`);
  return [...lines, `  return Sha256State(${sums.join(", ")});`];
}

/** @returns {[string, string][]} */
export function files() {
  const source = [
    banner("//", "wgsl-sha256.mjs").trimEnd(),
    "// SHA-256 (FIPS 180-4): words of the block are big-endian numbers.",
    "",
    "alias Sha256State = array<u32, 8>;",
    "alias Sha256Block = array<u32, 16>;",
    "",
    `const SHA256_START = Sha256State(${IV.map((word) => `${word}u`).join(", ")});`,
    "",
    "fn sha256Compress(state: Sha256State, block: Sha256Block) -> Sha256State {",
    ...compression(),
    "}",
    "",
  ];
  return [["shaders/generated/sha256.wgsl", source.join("\n")]];
}
