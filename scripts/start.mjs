// `npm start`: validates a generated chain; `npm start -- FILE…` validates your own file or folder.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const cli = join(root, "dist/src/cli/main.js");

/** Runs node with the terminal as it is; gives the exit code. @param {string[]} parameters */
function run(...parameters) {
  const { status, error } = spawnSync(process.execPath, parameters, { stdio: "inherit" });
  if (error) throw error;
  return status ?? 2;
}

/** Generates a chain from a fixed seed in a folder of its own, and validates it. */
function validateGenerated() {
  const folder = mkdtempSync(join(tmpdir(), "lanewise-"));
  try {
    console.log("Generating a chain of signed transactions of all types, with contracts …");
    const generated = run(cli, "generate", "--kind", "chain", "--out", folder);
    return generated === 0 ? run(cli, "validate", folder) : generated;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (!existsSync(cli)) {
  const built = run(join(root, "scripts/build.mjs"));
  if (built !== 0) process.exit(built);
}
const given = process.argv.slice(2);
process.exitCode = given.length > 0 ? run(cli, "validate", ...given) : validateGenerated();
