// Every generated file: path → content. A module here that exports `files()` is a generator. They read dist/src: build first.
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** @returns {Promise<[path: string, content: string][]>} */
export async function generators() {
  const here = fileURLToPath(new URL(".", import.meta.url));
  const names = readdirSync(here).filter((name) => name.endsWith(".mjs") && name !== "index.mjs");
  const modules = await Promise.all(names.sort().map((name) => import(`./${name}`)));
  const files = await Promise.all(modules.map((module) => module.files?.() ?? []));
  return files.flat();
}
