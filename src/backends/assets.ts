/**
 * Files that the build puts beside the code: compiled kernels and shaders.
 *
 * @module
 */

/** `dist/` as seen from `dist/src/backends/`. */
const root = new URL("../../", import.meta.url);

/** Node's module of this name, or `undefined` in a browser; no static import, so that bundlers have nothing to resolve. */
function builtin<T>(name: string): T | undefined {
  return globalThis.process?.getBuiltinModule?.(name) as T | undefined;
}

/**
 * Whether the build made this file, as far as can be told without a request: always true in a browser, where `loadAsset` tells.
 */
export function hasAsset(path: string): boolean {
  return builtin<typeof import("node:fs")>("node:fs")?.existsSync(new URL(path, root)) ?? true;
}

/**
 * Reads one built file.
 *
 * @param path relative to the build folder, such as `kernels/keccak256.wasm`.
 * @throws Error when the file is missing or cannot be fetched.
 */
export async function loadAsset(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const url = new URL(path, root);
  const fs = url.protocol === "file:" ? builtin<typeof import("node:fs")>("node:fs") : undefined;
  if (fs) return new Uint8Array(await fs.promises.readFile(url));
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url.href}: HTTP ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}
