// Every generated file: path → content. Generators read dist/src, so build first.
import { contractFiles } from "./contracts.mjs";
import { verdictFiles } from "./verdict.mjs";

/** @returns {Promise<[path: string, content: string][]>} */
export async function generators() {
  return [...(await verdictFiles()), ...(await contractFiles())];
}
