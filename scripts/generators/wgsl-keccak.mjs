// Keccak-f[1600] in WGSL: a lane is a vec2<u32> (low, high), a round is straight-line code (FIPS 202 §3.2, §3.3).
import { banner } from "./banner.mjs";
import { rotations, roundConstants } from "./keccak.mjs";

const range = (length) => Array.from({ length }, (_, i) => i);

/** `lane` turned left by `turn`; only words and constant shifts. */
function rotated(lane, turn) {
  if (turn === 0) return lane;
  const words = turn >= 32 ? `${lane}.yx` : lane;
  const rest = turn % 32;
  if (rest === 0) return words;
  const swapped = turn >= 32 ? lane : `${lane}.yx`;
  return `(${words} << vec2(${rest}u)) | (${swapped} >> vec2(${32 - rest}u))`;
}

function round() {
  const rho = rotations();
  const lines = [];
  for (const x of range(5)) {
    lines.push(
      `let c${x} = ${range(5)
        .map((y) => `a${x + 5 * y}`)
        .join(" ^ ")};`,
    );
  }
  for (const x of range(5)) {
    lines.push(`let d${x} = c${(x + 4) % 5} ^ (${rotated(`c${(x + 1) % 5}`, 1)});`);
  }
  for (const y of range(5)) {
    for (const x of range(5)) {
      const source = ((x + 3 * y) % 5) + 5 * x;
      lines.push(`let t${x + 5 * y} = a${source} ^ d${source % 5};`);
      lines.push(`let b${x + 5 * y} = ${rotated(`t${x + 5 * y}`, rho[source])};`);
    }
  }
  for (const y of range(5)) {
    for (const x of range(5)) {
      const [b0, b1, b2] = [0, 1, 2].map((step) => `b${((x + step) % 5) + 5 * y}`);
      const iota = x + y === 0 ? " ^ ROUND_CONSTANTS[round]" : "";
      lines.push(`a${x + 5 * y} = ${b0} ^ (~${b1} & ${b2})${iota};`);
    }
  }
  return lines;
}

const hex = (word) => `0x${word.toString(16).padStart(8, "0")}u`;

/** @returns {[string, string][]} */
export function files() {
  const constants = roundConstants().map(
    (value) => `  vec2(${hex(value & 0xffffffffn)}, ${hex(value >> 32n)}),`,
  );
  const source = [
    banner("//", "wgsl-keccak.mjs").trimEnd(),
    "// Keccak-f[1600] (FIPS 202 §3): lane x + 5y of the state is a pair of words, low first.",
    "",
    "const ROUND_CONSTANTS = array<vec2<u32>, 24>(",
    ...constants,
    ");",
    "",
    "alias KeccakState = array<vec2<u32>, 25>;",
    "",
    "fn keccakF1600(state: KeccakState) -> KeccakState {",
    ...range(25).map((i) => `  var a${i} = state[${i}];`),
    "  for (var round = 0u; round < 24u; round++) {",
    ...round().map((line) => `    ${line}`),
    "  }",
    `  return KeccakState(${range(25)
      .map((i) => `a${i}`)
      .join(", ")});`,
    "}",
    "",
  ];
  return [["shaders/generated/keccak-f1600.wgsl", source.join("\n")]];
}
