/** Finds the corpus of real cases, which is never part of the repository. @module */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const candidates = [process.env.LANEWISE_CORPUS, "../shared/corpus"].filter(
  (path) => path !== undefined,
);
const root = candidates.find((path) => existsSync(path));

/** For `test(name, { skip: corpusSkip }, …)`: false, or why the test cannot run. */
export const corpusSkip: string | false = root === undefined ? "corpus not found" : false;

/** A path inside the corpus; call it only where `corpusSkip` is false. */
export function corpusPath(...parts: readonly string[]): string {
  if (root === undefined) throw new Error("corpus not found");
  return join(root, ...parts);
}

export function corpusJson(...parts: readonly string[]): unknown {
  return JSON.parse(readFileSync(corpusPath(...parts), "utf8"));
}

/** Every JSON file below a folder, as paths relative to the corpus. */
export function corpusFiles(...parts: readonly string[]): string[] {
  return readdirSync(corpusPath(...parts), { recursive: true })
    .map(String)
    .filter((name) => name.endsWith(".json"))
    .map((name) => join(...parts, name))
    .sort();
}
