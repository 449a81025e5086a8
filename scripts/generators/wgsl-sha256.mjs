// SHA-256 compression in WGSL, sixteen rounds a loop turn: the words of the schedule stay in registers (FIPS 180-4 §6.2.2).
// All 64 rounds in a line take SwiftShader several times as long to compile.
import { banner } from "./banner.mjs";
import { IV, K } from "./sha256.mjs";

const range = (length) => Array.from({ length }, (_, i) => i);
const rotr = (x, by) => `((${x} >> ${by}u) | (${x} << ${32 - by}u))`;

/** Four times sixteen rounds: after sixteen, the words of the ring and the eight variables stand where they began. */
function compression() {
  const schedule = range(16).map((j) => {
    const [early, late] = [`w${(j + 1) % 16}`, `w${(j + 14) % 16}`];
    const s0 = `(${rotr(early, 7)} ^ ${rotr(early, 18)} ^ (${early} >> 3u))`;
    const s1 = `(${rotr(late, 17)} ^ ${rotr(late, 19)} ^ (${late} >> 10u))`;
    return `      w${j} += ${s0} + w${(j + 9) % 16} + ${s1};`;
  });
  const rounds = range(16).flatMap((j) => {
    const [a, b, c, d, e, f, g, h] = range(8).map((i) => "abcdefgh"[(i + 16 - j) % 8]);
    const sum1 = `(${rotr(e, 6)} ^ ${rotr(e, 11)} ^ ${rotr(e, 25)})`;
    const sum0 = `(${rotr(a, 2)} ^ ${rotr(a, 13)} ^ ${rotr(a, 22)})`;
    const choice = `(${g} ^ (${e} & (${f} ^ ${g})))`;
    const majority = `((${a} & ${b}) | (${c} & (${a} | ${b})))`;
    return [
      `    t = ${h} + ${sum1} + ${choice} + SHA256_CONSTANTS[first + ${j}u] + w${j};`,
      `    ${d} += t;`,
      `    ${h} = t + ${sum0} + ${majority};`,
    ];
  });
  const sums = range(8).map((i) => `state[${i}] + ${"abcdefgh"[i]}`);
  return [
    ...range(8).map((i) => `  var ${"abcdefgh"[i]} = state[${i}];`),
    ...range(16).map((i) => `  var w${i} = block[${i}];`),
    "  var t = 0u;",
    "  for (var first = 0u; first < 64u; first += 16u) {",
    "    if (first > 0u) {",
    ...schedule,
    "    }",
    ...rounds,
    "  }",
    `  return Sha256State(${sums.join(", ")});`,
  ];
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
    `const SHA256_CONSTANTS = array<u32, 64>(${K.map((word) => `${word}u`).join(", ")});`,
    "",
    "fn sha256Compress(state: Sha256State, block: Sha256Block) -> Sha256State {",
    ...compression(),
    "}",
    "",
  ];
  return [["shaders/generated/sha256.wgsl", source.join("\n")]];
}
