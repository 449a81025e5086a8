/**
 * From an algorithm to a compiled kernel: the design for this engine, its file, its shape.
 *
 * @module
 */
import { type Algorithm, LanewiseError, type LanewiseErrorCode } from "../../core/index.ts";
import type { KernelShape } from "../../pool/kernel.ts";
import { loadAsset } from "../assets.ts";
import type { SimdLevel } from "./features.ts";
import { kernels } from "./generated/kernels.ts";

/** An error that names the back end. */
export const failure = (code: LanewiseErrorCode, message: string, cause?: unknown): LanewiseError =>
  new LanewiseError(code, `wasm back end: ${message}`, cause === undefined ? {} : { cause });

/** Sizes, and by convention the fields `offset` and `length` of records that point into the arena. */
export function shapeOf({ record, result, usesArena }: Algorithm): KernelShape {
  const sizes = { recordBytes: record.byteLength, resultBytes: result.byteLength };
  if (!usesArena) return sizes;
  const { offset, length } = record.fields;
  return { ...sizes, message: { offset: offset.offset, length: length.offset } };
}

/**
 * Compiles the kernel of an algorithm in the best design that the engine runs.
 *
 * @param debug the build with assertions.
 * @throws LanewiseError `ERR_UNSUPPORTED` where there is no kernel, `ERR_BACKEND_UNAVAILABLE` where it cannot be compiled.
 */
export async function compileKernel(
  { id }: Algorithm,
  simd: SimdLevel,
  debug = false,
): Promise<{ module: WebAssembly.Module; design: string }> {
  if (!Object.hasOwn(kernels, id)) throw failure("ERR_UNSUPPORTED", `no kernel of ${id}`);
  if (simd === "none") {
    throw failure("ERR_BACKEND_UNAVAILABLE", "this engine has no WebAssembly SIMD");
  }
  const design = kernels[id].relaxed && simd === "fused" ? `${id}.relaxed` : id;
  try {
    const path = `kernels/${debug ? "debug/" : ""}${design}.wasm`;
    return { module: await WebAssembly.compile(await loadAsset(path)), design };
  } catch (error) {
    throw failure("ERR_BACKEND_UNAVAILABLE", `kernel ${design} cannot be loaded`, error);
  }
}
