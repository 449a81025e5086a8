// Links shaders/ into dist/shaders/: plain WGSL, each `#include "path"` line replaced once by the file it names. Kernels are
// linked again with each other way to multiply, into dist/shaders/variants/, for `lanewise bench gpu --variants`.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { generatorTable } from "./generators/secp256k1-generator-table.mjs";
import { secp256k1Sources } from "./generators/wgsl-secp256k1.mjs";

const shaders = fileURLToPath(new URL("../shaders", import.meta.url));
const out = fileURLToPath(new URL("../dist/shaders", import.meta.url));

/**
 * The file with its includes inlined, each file at most once.
 *
 * @param {string} path
 * @param {ReadonlyMap<string, string>} [replaced] sources that stand in for files
 * @param {Set<string>} [seen]
 * @returns {string}
 */
function link(path, replaced = new Map(), seen = new Set()) {
  if (seen.has(path)) return "";
  seen.add(path);
  const source = replaced.get(path) ?? readFileSync(join(shaders, path), "utf8");
  return source.replace(/^#include "(.+)"$/gm, (_line, name) => link(name, replaced, seen));
}

/** Sources of each variant by its folder's name. */
async function variants() {
  const { SECP256K1 } = await import("../dist/src/params/secp256k1.js");
  return [0, 2].map((karatsubaLevels) => {
    const { field, scalar } = secp256k1Sources(SECP256K1, { karatsubaLevels });
    const replaced = new Map([
      ["generated/secp256k1-field.wgsl", field],
      ["generated/secp256k1-scalar.wgsl", scalar],
    ]);
    return { name: `karatsuba-${karatsubaLevels}`, replaced };
  });
}

/** Constant tables that kernels bind: path → bytes. Reads dist/src, so TypeScript is compiled before. */
async function tables() {
  const { SECP256K1 } = await import("../dist/src/params/secp256k1.js");
  return [["kernels/secp256k1-recover/generator-table.bin", generatorTable(SECP256K1)]];
}

/** Writes a file under dist/shaders. @param {string} path @param {string | Uint8Array} content */
function write(path, content) {
  mkdirSync(dirname(join(out, path)), { recursive: true });
  writeFileSync(join(out, path), content);
}

/** Links kernels/, merkle/ and rungs/; copies the kernels' stage descriptions; builds their tables and variants. */
export async function buildShaders() {
  // Nothing linked from a file since deleted may stay behind.
  rmSync(out, { recursive: true, force: true });
  const filesOf = (folder) =>
    readdirSync(join(shaders, folder), { recursive: true }).map((name) => String(name));
  const replacements = await variants();
  for (const name of filesOf("kernels")) {
    const path = join("kernels", name);
    if (name.endsWith(".json")) write(path, readFileSync(join(shaders, path)));
    if (!name.endsWith(".wgsl")) continue;
    write(path, link(path));
    for (const variant of replacements) {
      write(join("variants", variant.name, name), link(path, variant.replaced));
    }
  }
  for (const folder of ["merkle", "rungs"]) {
    for (const name of filesOf(folder)) {
      if (name.endsWith(".wgsl")) write(join(folder, name), link(join(folder, name)));
    }
  }
  for (const [path, bytes] of await tables()) write(path, bytes);
}
