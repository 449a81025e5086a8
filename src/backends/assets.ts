/**
 * The built files that ship beside the code: linked shaders and WebAssembly kernels, by their path under `dist/`.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";

const assetUrl = (path: string): URL => new URL(`../../${path}`, import.meta.url);

/** Whether the build made this file: `hasAsset("shaders/kernels/keccak256/kernel.json")`. */
export function hasAsset(path: string): boolean {
  return existsSync(assetUrl(path));
}

/** The bytes of a built file. Rejects with the file system's error where it is absent. */
export function loadAsset(path: string): Promise<Uint8Array> {
  return readFile(assetUrl(path));
}
