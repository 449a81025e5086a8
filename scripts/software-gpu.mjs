// A software Vulkan driver for tests: unpacks SwiftShader and the Vulkan loader from the npm package @sparticuz/chromium.
// The environment must be set before the process that opens the adapter starts: the loader is found when Dawn is loaded.
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliDecompressSync } from "node:zlib";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = join(root, ".gpu");
const archive = join(root, "node_modules/@sparticuz/chromium/bin/swiftshader.tar.br");

/** Yields [name, bytes] of the regular files in a tar archive. */
function* tarEntries(tar) {
  const text = (from, length) => tar.toString("latin1", from, from + length).replace(/\0.*$/s, "");
  for (let at = 0; at + 512 <= tar.length && tar[at] !== 0; ) {
    const size = Number.parseInt(text(at + 124, 12).trim(), 8);
    const type = text(at + 156, 1);
    if (type === "0" || type === "") yield [text(at, 100), tar.subarray(at + 512, at + 512 + size)];
    at += 512 + Math.ceil(size / 512) * 512;
  }
}

/**
 * The environment variables that make Dawn find the software driver, or `undefined` where it cannot be had on this platform.
 *
 * @returns {Record<string, string> | undefined}
 */
export function softwareGpuEnvironment() {
  if (process.platform !== "linux" || process.arch !== "x64" || !existsSync(archive))
    return undefined;
  if (!existsSync(folder)) {
    const partial = `${folder}.${process.pid}`;
    mkdirSync(partial);
    for (const [name, bytes] of tarEntries(brotliDecompressSync(readFileSync(archive)))) {
      writeFileSync(join(partial, basename(name)), bytes);
    }
    try {
      renameSync(partial, folder);
    } catch {
      rmSync(partial, { recursive: true, force: true }); // another process unpacked it first
    }
  }
  return {
    VK_DRIVER_FILES: join(folder, "vk_swiftshader_icd.json"),
    LD_LIBRARY_PATH: [folder, process.env.LD_LIBRARY_PATH].filter(Boolean).join(":"),
  };
}
