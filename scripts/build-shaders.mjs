// Links shaders/ into dist/shaders/: plain WGSL, each `#include "path"` line replaced once by the file it names.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { generatorTable } from "./generators/secp256k1-generator-table.mjs";

const shaders = fileURLToPath(new URL("../shaders", import.meta.url));
const out = fileURLToPath(new URL("../dist/shaders", import.meta.url));

/** The file with its includes inlined, each file at most once. @param {string} path @param {Set<string>} [seen] @returns {string} */
export function link(path, seen = new Set()) {
  if (seen.has(path)) return "";
  seen.add(path);
  return readFileSync(join(shaders, path), "utf8").replace(/^#include "(.+)"$/gm, (_line, name) =>
    link(name, seen),
  );
}

/** Constant tables that kernels bind: path → bytes. Reads dist/src, so TypeScript is compiled before. */
async function tables() {
  const { SECP256K1 } = await import("../dist/src/params/secp256k1.js");
  return [["kernels/secp256k1-recover/generator-table.bin", generatorTable(SECP256K1)]];
}

/** Links kernels/ and rungs/; copies the kernels' stage descriptions; builds their tables. */
export async function buildShaders() {
  for (const folder of ["kernels", "rungs"]) {
    if (!existsSync(join(shaders, folder))) continue;
    for (const name of readdirSync(join(shaders, folder), { recursive: true }).map(String)) {
      if (!/\.(wgsl|json)$/.test(name)) continue;
      const path = join(folder, name);
      mkdirSync(dirname(join(out, path)), { recursive: true });
      writeFileSync(
        join(out, path),
        name.endsWith(".wgsl") ? link(path) : readFileSync(join(shaders, path)),
      );
    }
  }
  for (const [path, bytes] of await tables()) writeFileSync(join(out, path), bytes);
}
