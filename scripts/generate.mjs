// Writes every generated source from src/ (run after a build). `--check` fails where the committed file differs.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { generators } from "./generators/index.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const check = process.argv.includes("--check");
let stale = 0;
for (const [path, content] of await generators()) {
  const file = join(root, path);
  if (!check) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
    continue;
  }
  let committed = "";
  try {
    committed = readFileSync(file, "utf8");
  } catch {}
  if (committed !== content) {
    console.error(`stale: ${relative(root, file)} (run npm run generate)`);
    stale++;
  }
}
if (stale > 0) process.exit(1);
