// Builds, then runs the compiled tests, one process a file. Usage: npm test [-- SUBSTRING…] picks files by path.
//
// Ends with `N passed, N failed, N skipped` alone on a line. A test that cannot run here says why it was skipped.
import { execFileSync, spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, relative } from "node:path";
import { run } from "node:test";
import { fileURLToPath } from "node:url";
import { softwareGpuEnvironment } from "./software-gpu.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));

// The Vulkan loader is found through the environment a process starts with, so start once more with it set.
const gpu = softwareGpuEnvironment();
if (gpu && process.env.VK_DRIVER_FILES !== gpu.VK_DRIVER_FILES) {
  const again = spawnSync(process.execPath, process.argv.slice(1), {
    stdio: "inherit",
    env: { ...process.env, ...gpu },
  });
  process.exit(again.status ?? 1);
}

if (!process.env.LANEWISE_NO_BUILD) {
  execFileSync(process.execPath, [join(root, "scripts/build.mjs")], { stdio: "inherit" });
}

const wanted = process.argv.slice(2);
const files = readdirSync(join(root, "dist/test"), { recursive: true })
  .map((name) => join(root, "dist/test", String(name)))
  .filter((file) => file.endsWith(".test.js"))
  .filter(
    (file) => wanted.length === 0 || wanted.some((part) => relative(root, file).includes(part)),
  )
  .sort();

const totals = { passed: 0, failed: 0, skipped: 0 };
const perFile = new Map();
const failures = [];
const skips = new Map();

/** Outermost error message first, then the stack of its cause. */
function explain(error) {
  const cause = error?.cause ?? error;
  return cause?.stack ?? cause?.message ?? String(cause);
}

const stream = run({
  files,
  concurrency: Math.min(2, availableParallelism()),
  timeout: 20 * 60_000,
});
stream.on("test:stderr", ({ message }) => process.stderr.write(message));
stream.on("test:stdout", ({ message }) => process.stdout.write(message));
function count(outcome, data) {
  const file = relative(join(root, "dist"), data.file ?? "?");
  const entry = perFile.get(file) ?? { passed: 0, failed: 0, skipped: 0, ms: 0 };
  perFile.set(file, entry);
  if (data.nesting === 0) entry.ms += data.details?.duration_ms ?? 0;
  if (data.details?.type === "suite") return;
  totals[outcome]++;
  entry[outcome]++;
}
stream.on("test:pass", (data) => {
  if (data.skip === undefined && data.todo === undefined) return count("passed", data);
  count("skipped", data);
  const reason = typeof data.skip === "string" && data.skip ? data.skip : data.name;
  skips.set(reason, (skips.get(reason) ?? 0) + 1);
});
stream.on("test:fail", (data) => {
  count("failed", data);
  if (data.details?.type === "suite" && data.details.error?.failureType === "subtestsFailed")
    return;
  failures.push(data);
  console.error(
    `✖ ${relative(root, data.file ?? "")} › ${data.name}\n${explain(data.details?.error)}\n`,
  );
});
await new Promise((resolve) => stream.on("end", resolve).resume());

for (const [file, entry] of [...perFile].sort()) {
  console.log(
    `${entry.failed ? "✖" : "✔"} ${file}: ${entry.passed} passed, ${entry.failed} failed, ${entry.skipped} skipped, ` +
      `${(entry.ms / 1000).toFixed(1)} s`,
  );
}
for (const [reason, times] of skips) console.log(`skipped ${times}×: ${reason}`);
if (failures.length > 0)
  console.error(`\n${failures.length} failures: ${failures.map((data) => data.name).join("; ")}`);
// A suite that fails outside its tests counts too: nothing red may read as green.
if (failures.length > 0 && totals.failed === 0) totals.failed = failures.length;
console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
process.exit(totals.failed > 0 || totals.passed === 0 ? 1 : 0);
