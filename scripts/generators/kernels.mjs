// The list of compiled kernels, for hosts that have no folder to look into.
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { banner } from "./banner.mjs";

/** @returns {[string, string][]} */
export function files() {
  const folder = fileURLToPath(new URL("../../assembly/kernels", import.meta.url));
  const stems = readdirSync(folder).map((name) => name.replace(/\.ts$/, ""));
  const ids = stems.filter((stem) => !stem.endsWith(".relaxed")).sort();
  const lines = ids.map((id) => `  "${id}": { relaxed: ${stems.includes(`${id}.relaxed`)} },`);
  return [
    [
      "src/backends/wasm/generated/kernels.ts",
      [
        banner("//", "kernels.mjs").trimEnd(),
        "/** Kernels of the WebAssembly column by algorithm id, and whether there is a relaxed-SIMD design. */",
        "export const kernels: Readonly<Record<string, { readonly relaxed: boolean }>> = {",
        ...lines,
        "};",
        "",
      ].join("\n"),
    ],
  ];
}
