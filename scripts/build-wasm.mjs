// Compiles assembly/kernels/<id>.ts to dist/kernels/<id>.wasm (see asconfig.json).
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Compiles one entry file. @param {string} entry @param {string} outFile @param {string[]} [flags] */
export async function compileAssembly(entry, outFile, flags = []) {
  const { error, stderr } = await asc.main(
    [entry, "--outFile", outFile, "--config", "asconfig.json", "--target", "release", ...flags],
    {
      readFile: undefined,
    },
  );
  if (error) throw new Error(`${entry}: ${stderr.toString()}`, { cause: error });
}

/** Compiles every kernel. */
export async function buildWasm() {
  const kernels = join(root, "assembly/kernels");
  mkdirSync(join(root, "dist/kernels"), { recursive: true });
  if (!existsSync(kernels)) return;
  for (const file of readdirSync(kernels).filter((name) => name.endsWith(".ts"))) {
    await compileAssembly(`assembly/kernels/${file}`, `dist/kernels/${basename(file, ".ts")}.wasm`);
  }
  await compileAssembly("assembly/trie/trie.ts", "dist/kernels/trie.wasm", ["--maximumMemory", "65536"]);
}
