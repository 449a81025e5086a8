// Every generated file: path → content. Generators read dist/src, so build first.
import { verdictFiles } from "./verdict.mjs";
import { wgslKeccakFiles } from "./wgsl-keccak.mjs";
import { wgslSecp256k1Files } from "./wgsl-secp256k1.mjs";

/** @returns {Promise<[path: string, content: string][]>} */
export async function generators() {
  return [...(await verdictFiles()), ...wgslKeccakFiles(), ...(await wgslSecp256k1Files())];
}
