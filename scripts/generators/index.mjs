// Every generated file: path → content. Generators read dist/src, so build first.
import { keccakFiles } from "./keccak.mjs";
import { kernelFiles } from "./kernels.mjs";
import { verdictFiles } from "./verdict.mjs";

/** @returns {Promise<[path: string, content: string][]>} */
export async function generators() {
  return [...keccakFiles(), ...kernelFiles(), ...(await verdictFiles())];
}
