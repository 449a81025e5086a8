/**
 * What this engine's WebAssembly can do. Both modules below are written out byte by byte: they must exist before any kernel.
 *
 * @module
 */

/** `fused`: relaxed SIMD whose `relaxed_madd` rounds once; `simd`: 128-bit SIMD without that; `none`: neither. */
export type SimdLevel = "none" | "simd" | "fused";

/** One function of type `params` → `result` with this body. */
function tinyModule(params: number[], result: number, body: number[]): Uint8Array<ArrayBuffer> {
  const section = (id: number, content: number[]): number[] => [id, content.length, ...content];
  return new Uint8Array([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, [1, 0x60, params.length, ...params, 1, result]),
    ...section(3, [1, 0]),
    ...section(7, [1, 1, 0x66, 0, 0]), // exports "f"
    ...section(10, [1, body.length + 2, 0, ...body, 0x0b]),
  ]);
}

const I32 = 0x7f;
const F64 = 0x7c;

/** i32x4.splat, i32x4.extract_lane 0. */
const simdModule = tinyModule([I32], I32, [0x20, 0, 0xfd, 0x11, 0xfd, 0x1b, 0]);

/** Three f64x2.splat, f64x2.relaxed_madd, f64x2.extract_lane 0. */
const maddModule = tinyModule(
  [F64, F64, F64],
  F64,
  [0x20, 0, 0xfd, 0x14, 0x20, 1, 0xfd, 0x14, 0x20, 2, 0xfd, 0x14, 0xfd, 0x87, 0x02, 0xfd, 0x21, 0],
);

/** Looks at the engine anew: V8 flags may have changed. */
export async function detectSimd(): Promise<SimdLevel> {
  if (typeof WebAssembly !== "object" || !WebAssembly.validate(simdModule)) return "none";
  if (!WebAssembly.validate(maddModule)) return "simd";
  const { instance } = await WebAssembly.instantiate(maddModule);
  const madd = instance.exports.f as (a: number, b: number, c: number) => number;
  // a² = 1 + 2⁻⁵¹ + 2⁻¹⁰⁴: a product that is rounded before the addition loses the last term.
  const a = 1 + 2 ** -52;
  return madd(a, a, -(1 + 2 ** -51)) === 2 ** -104 ? "fused" : "simd";
}
