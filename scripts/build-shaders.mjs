// Links shaders/ into dist/shaders/: plain WGSL. `#include "path"` lines are replaced once by the file they name, lines
// `#repeat COUNT text` by so many lines of text, where `$` is 0, 1, 2, …; COUNT is a number or a constant `const NAME = 10u;` of
// what is linked. Kernels are linked again in every other form, into dist/shaders/variants/, for `lanewise bench gpu --variants`.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { generatorTable } from "./generators/secp256k1-generator-table.mjs";
import { BUILT, FORMS } from "./generators/wgsl/secp256k1-model.mjs";
import { secp256k1Sources } from "./generators/wgsl-secp256k1.mjs";

const shaders = fileURLToPath(new URL("../shaders", import.meta.url));
const out = fileURLToPath(new URL("../dist/shaders", import.meta.url));

/** Sources that stand in for files: path → text. @typedef {ReadonlyMap<string, string>} Replacements */

/**
 * The file with its includes inlined, each file at most once.
 *
 * @param {string} path
 * @param {Replacements} replaced
 * @param {Set<string>} seen
 * @returns {string}
 */
function included(path, replaced, seen) {
  if (seen.has(path)) return "";
  seen.add(path);
  const source = replaced.get(path) ?? readFileSync(join(shaders, path), "utf8");
  return source.replace(/^#include "(.+)"$/gm, (_line, name) => included(name, replaced, seen));
}

/** A shader as the device gets it. @param {string} path @param {Replacements} [replaced] */
function link(path, replaced = new Map()) {
  const source = included(path, replaced, new Set());
  return source.replace(/^( *)#repeat (\w+) (.*)$/gm, (line, indent, count, text) => {
    const times = Number(
      source.match(new RegExp(`^const ${count} = (\\d+)u;$`, "m"))?.[1] ?? count,
    );
    if (!(times > 0)) throw new RangeError(`${path}: ${line.trim()}: expected a count`);
    return Array.from({ length: times }, (_, i) => indent + text.replaceAll("$", `${i}`)).join(
      "\n",
    );
  });
}

/** Where the generator's table lies beside the kernels. */
const TABLE = "secp256k1-recover/generator-table.bin";

/** Writes a file under dist/shaders. @param {string} path @param {string | Uint8Array} content */
function write(path, content) {
  mkdirSync(dirname(join(out, path)), { recursive: true });
  writeFileSync(join(out, path), content);
}

/** Links kernels/, merkle/ and rungs/; copies the kernels' stage descriptions; builds their tables and other forms. */
export async function buildShaders() {
  const { SECP256K1 } = await import("../dist/src/params/secp256k1.js");
  // Nothing linked from a file since deleted may stay behind.
  rmSync(out, { recursive: true, force: true });
  const filesOf = (folder) =>
    readdirSync(join(shaders, folder), { recursive: true }).map((name) => String(name));
  for (const folder of ["kernels", "merkle", "rungs"]) {
    for (const name of filesOf(folder)) {
      const path = join(folder, name);
      if (name.endsWith(".json")) write(path, readFileSync(join(shaders, path)));
      if (name.endsWith(".wgsl")) write(path, link(path));
    }
  }
  write(join("kernels", TABLE), generatorTable(SECP256K1, BUILT));
  for (const [formName, form] of Object.entries(FORMS)) {
    const { field, scalar, point } = secp256k1Sources(SECP256K1, form);
    const replaced = new Map([
      ["generated/secp256k1-field.wgsl", field],
      ["generated/secp256k1-scalar.wgsl", scalar],
      ["generated/secp256k1-point.wgsl", point],
    ]);
    for (const folder of ["kernels", "rungs"]) {
      for (const name of filesOf(folder)) {
        const path = join(folder, name);
        if (name.endsWith(".wgsl")) write(join("variants", formName, path), link(path, replaced));
      }
    }
    write(join("variants", formName, "kernels", TABLE), generatorTable(SECP256K1, form));
  }
}
