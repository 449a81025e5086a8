// Compiles assembly/kernels/ and the modules that are no kernels (targets in asconfig.json):
//
//   <id>.ts          → dist/kernels/<id>.wasm           release
//   <id>.relaxed.ts  → dist/kernels/<id>.relaxed.wasm   release, relaxed SIMD on
//   each             → dist/kernels/debug/<same>.wasm   assertions on: a failed one traps
//
// An entry may ask for compiler flags of its own in a line `// asc: FLAGS` (release) or `// asc-always: FLAGS` (both). What has not changed is not compiled again.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";

const root = fileURLToPath(new URL("..", import.meta.url));
const kernels = join(root, "assembly/kernels");
/** Test-only entries that export single primitives, to dist/kernels/rungs/. */
const rungs = join(root, "assembly/rungs");
const out = join(root, "dist/kernels");
/** Entries beside the kernels, built like them. */
const modules = ["trie/trie", "evm/evm", "evm/evm-rungs", "ssz/ssz-hasher"].map((name) =>
  join(root, `assembly/${name}.ts`),
);
const stampFile = join(out, ".stamps.json");

/** The file and everything it imports, transitively. @param {string} file @param {Set<string>} [seen] */
function sources(file, seen = new Set()) {
  if (seen.has(file)) return seen;
  seen.add(file);
  for (const [, name] of readFileSync(file, "utf8").matchAll(/from "(\..+?)"/g)) {
    sources(join(dirname(file), `${name}.ts`), seen);
  }
  return seen;
}

/** Compiles one entry file. @param {string} entry @param {string} outFile @param {string[]} [flags] */
export async function compileAssembly(entry, outFile, flags = []) {
  const paths = [relative(root, entry), "--outFile", relative(root, outFile)];
  const config = ["--baseDir", root, "--config", "asconfig.json"];
  const { error, stderr } = await asc.main([...paths, ...config, ...flags]);
  if (error) throw new Error(`${entry}: ${stderr.toString()}`, { cause: error });
  const warnings = stderr.toString();
  if (warnings) process.stderr.write(warnings);
}

/** The TypeScript files of a folder. @param {string} folder */
const entriesOf = (folder) =>
  existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => name.endsWith(".ts"))
        .sort()
        .map((name) => join(folder, name))
    : [];

/** Compiles every kernel whose sources or flags have changed; removes what has no source any more. */
export async function buildWasm() {
  const stamps = existsSync(stampFile) ? JSON.parse(readFileSync(stampFile, "utf8")) : {};
  const current = {};
  mkdirSync(join(out, "debug"), { recursive: true });
  mkdirSync(join(out, "rungs/debug"), { recursive: true });
  for (const entry of [...entriesOf(kernels), ...modules, ...entriesOf(rungs)]) {
    const stem = basename(entry, ".ts");
    const folder = dirname(entry) === rungs ? "rungs/" : "";
    const own = /^\/\/ asc: (.+)$/m.exec(readFileSync(entry, "utf8"))?.[1].split(" ") ?? [];
    const always =
      /^\/\/ asc-always: (.+)$/m.exec(readFileSync(entry, "utf8"))?.[1].split(" ") ?? [];
    const relaxed = stem.endsWith(".relaxed") ? ["--enable", "relaxed-simd"] : [];
    for (const [target, file] of [
      ["release", `${folder}${stem}.wasm`],
      ["debug", `${folder}debug/${stem}.wasm`],
    ]) {
      const flags = [
        "--target",
        target,
        ...(target === "release" ? own : []),
        ...always,
        ...relaxed,
      ];
      const hash = createHash("sha256").update(JSON.stringify([asc.version, flags]));
      for (const source of sources(entry)) hash.update(readFileSync(source));
      hash.update(readFileSync(join(root, "asconfig.json")));
      current[file] = hash.digest("hex");
      if (stamps[file] === current[file] && existsSync(join(out, file))) continue;
      await compileAssembly(entry, join(out, file), flags);
    }
  }
  for (const name of readdirSync(out, { recursive: true }).map(String)) {
    if (name.endsWith(".wasm") && !(name in current)) rmSync(join(out, name));
  }
  writeFileSync(stampFile, JSON.stringify(current, null, 1));
}
