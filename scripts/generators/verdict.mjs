// Verdict codes for AssemblyScript and WGSL.
import { banner } from "./banner.mjs";

const upperSnake = (name) => name.replace(/(?<=[a-z])(?=[A-Z])/g, "_").toUpperCase();

/** @returns {Promise<[string, string][]>} */
export async function files() {
  const { Verdict } = await import("../../dist/src/core/verdict.js");
  const entries = Object.entries(Verdict).map(([name, code]) => [upperSnake(name), code]);
  return [
    [
      "assembly/generated/verdict.ts",
      banner("//", "verdict.mjs") +
        entries.map(([name, code]) => `export const VERDICT_${name}: u32 = ${code};\n`).join(""),
    ],
    [
      "shaders/generated/verdict.wgsl",
      banner("//", "verdict.mjs") +
        entries.map(([name, code]) => `const VERDICT_${name}: u32 = ${code}u;\n`).join(""),
    ],
  ];
}
