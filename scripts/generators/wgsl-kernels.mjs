// The list of WebGPU kernels, for hosts that have no folder to look into.
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { banner } from "./banner.mjs";

/** @returns {[string, string][]} */
export function files() {
  const ids = readdirSync(fileURLToPath(new URL("../../shaders/kernels", import.meta.url))).sort();
  return [
    [
      "src/backends/webgpu/generated/kernels.ts",
      [
        banner("//", "wgsl-kernels.mjs").trimEnd(),
        "/** Algorithms that have a folder under shaders/kernels/. */",
        `export const kernels: ReadonlySet<string> = new Set(${JSON.stringify(ids)});`,
        "",
      ].join("\n"),
    ],
  ];
}
