/**
 * Node 20 has relaxed SIMD, and with it fused multiply-add, behind a V8 flag. The command owns its process, so it may set the
 * flag, before any kernel is compiled and any worker started; the library never changes the flags of its host.
 *
 * @module
 */
import { setFlagsFromString } from "node:v8";
import { detectSimd } from "../backends/wasm/features.ts";

/** Set to `off`, this variable of the environment leaves V8's flags as they are. */
export const RELAXED_SIMD_VARIABLE = "LANEWISE_RELAXED_SIMD";

/** V8 of Node 20 and 21, the versions in which the flag exists and is off. */
const FLAGGED_V8 = /^11\./;

/**
 * Switches relaxed SIMD on where it is behind the flag, and off again where its multiply-add turns out not to be fused: there the
 * integer kernels are the right ones.
 *
 * @returns whether the flag is on.
 */
export async function enableRelaxedSimd(environment: NodeJS.ProcessEnv): Promise<boolean> {
  if (environment[RELAXED_SIMD_VARIABLE] === "off") return false;
  if (!FLAGGED_V8.test(process.versions.v8)) return false;
  setFlagsFromString("--experimental-wasm-relaxed-simd");
  if ((await detectSimd()) === "fused") return true;
  setFlagsFromString("--no-experimental-wasm-relaxed-simd");
  return false;
}
