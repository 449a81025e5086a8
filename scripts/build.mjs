// Builds everything a user needs into dist/: TypeScript, WebAssembly kernels, linked shaders.
import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildShaders } from "./build-shaders.mjs";
import { buildWasm } from "./build-wasm.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
// Nothing compiled from a file since deleted may stay behind.
for (const folder of ["src", "test", "bench"])
  rmSync(join(root, "dist", folder), { recursive: true, force: true });
execFileSync(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "."], {
  cwd: root,
  stdio: "inherit",
});
await buildWasm();
await buildShaders();
