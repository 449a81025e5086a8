// The secp256k1 rungs module in each of its builds, and elements, words and scalars between bigint and its memory.
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { setFlagsFromString } from "node:v8";
import { detectSimd } from "../../../src/backends/wasm/features.ts";
import { SECP256K1 } from "../../../src/params/secp256k1.ts";
import { modulo } from "../../../src/params/secp256k1-limbs.ts";
import type { Random } from "../../../src/workloads/random.ts";

export const { p, n } = SECP256K1;

/** Node 20 has relaxed SIMD behind a flag; a test process may set it. */
if (process.version.startsWith("v20.")) setFlagsFromString("--experimental-wasm-relaxed-simd");
const level = await detectSimd();

/** Each build of the module, and why it cannot run here, if so. */
export const builds: readonly { name: string; file: string; skip: string | false }[] = [
  { name: "integer", file: "secp256k1", skip: false as const },
  { name: "integer, assertions", file: "debug/secp256k1", skip: false as const },
  { name: "fused", file: "secp256k1.relaxed", skip: level !== "fused" },
  { name: "fused, assertions", file: "debug/secp256k1.relaxed", skip: level !== "fused" },
].map(({ skip, ...build }) => ({
  ...build,
  skip: skip && `no fused multiply-add in this engine (${level})`,
}));

/** A kernel or rungs module, compiled. */
export async function compileKernel(file: string): Promise<WebAssembly.Module> {
  const url = new URL(`../../../kernels/${file}.wasm`, import.meta.url);
  return WebAssembly.compile(await readFile(fileURLToPath(url)));
}

/** Bytes of an element: two field elements. */
export const ELEMENT = 80;

type Export = (...values: (number | bigint)[]) => number;

/** An instance with its memory seen as numbers. */
export interface Rungs {
  readonly call: Readonly<Record<string, Export>>;
  /** Address of the k-th 256-byte cell of scratch. */
  cell(k: number): number;
  readonly limbs: number;
  readonly bounds: readonly bigint[];
  /** Writes one lane's limbs as they are. */
  putLimbs(element: number, lane: number, limbs: readonly bigint[]): void;
  getLimbs(element: number, lane: number): bigint[];
  /** What a lane stands for, in [0, p). */
  valueOf(limbs: readonly bigint[]): bigint;
  /** Puts two values, through fePut and feCarry. */
  put(element: number, value0: bigint, value1: bigint): void;
  /** Both lanes' values, through feGet. */
  get(element: number): [bigint, bigint];
  putWords(at: number, value: bigint): void;
  getWords(at: number): bigint;
  /** Nine limbs of 29 bits. */
  putScalar(at: number, value: bigint): void;
  getScalar(at: number): bigint;
  readonly memory: WebAssembly.Memory;
}

/** Instantiates and initializes a build of the rungs. */
export async function openRungs(file: string): Promise<Rungs> {
  const instance = await WebAssembly.instantiate(await compileKernel(`rungs/${file}`), {});
  const call = instance.exports as unknown as Record<string, Export>;
  const memory = instance.exports.memory as WebAssembly.Memory;
  call.initialize();
  const scratch = call.scratch();
  const limbs = call.limbCount();
  const view = new DataView(memory.buffer);
  const fused = limbs === 5;
  const at = (element: number, lane: number, i: number): number =>
    fused ? element + 16 * i + 8 * lane : element + 8 * i + 4 * lane;
  const cell = (k: number): number => scratch + 256 * k;
  const words = cell(250);
  const rungs: Rungs = {
    call,
    memory,
    cell,
    limbs,
    bounds: Array.from({ length: limbs }, (_, i) =>
      view.getBigUint64(call.limbBounds() + 8 * i, true),
    ),
    putLimbs(element, lane, values) {
      for (const [i, limb] of values.entries()) {
        if (fused) view.setFloat64(at(element, lane, i), Number(limb), true);
        else view.setUint32(at(element, lane, i), Number(limb), true);
      }
    },
    getLimbs: (element, lane) =>
      Array.from({ length: limbs }, (_, i) =>
        BigInt(
          fused
            ? view.getFloat64(at(element, lane, i), true)
            : view.getUint32(at(element, lane, i), true),
        ),
      ),
    valueOf(values) {
      const bits = fused ? 51n : 29n;
      const sum = values.reduce((all, limb, i) => all + (limb << (bits * BigInt(i))), 0n);
      return modulo(fused ? 2n * sum : sum, p);
    },
    put(element, value0, value1) {
      for (const [lane, value] of [value0, value1].entries()) {
        rungs.putWords(words, value);
        call.fePut(call.feLane(element, lane), words);
      }
      call.feCarry(element, element);
    },
    get(element) {
      const lane = (index: number): bigint => {
        call.feGet(words, call.feLane(element, index));
        return rungs.getWords(words);
      };
      return [lane(0), lane(1)];
    },
    putWords(to, value) {
      for (let i = 0; i < 4; i++) {
        view.setBigUint64(to + 8 * i, BigInt.asUintN(64, value >> BigInt(64 * i)), true);
      }
    },
    getWords(from) {
      let value = 0n;
      for (let i = 3; i >= 0; i--) value = (value << 64n) | view.getBigUint64(from + 8 * i, true);
      return value;
    },
    putScalar(to, value) {
      for (let i = 0; i < 9; i++) {
        const limb = i === 8 ? value >> 232n : BigInt.asUintN(29, value >> BigInt(29 * i));
        view.setBigUint64(to + 8 * i, limb, true);
      }
    },
    getScalar(from) {
      let value = 0n;
      for (let i = 8; i >= 0; i--) value = (value << 29n) + view.getBigUint64(from + 8 * i, true);
      return value;
    },
  };
  return rungs;
}

/** Numbers below `modulus` where carries, folds and conversions are at their limits. */
export function boundaries(modulus: bigint): bigint[] {
  const values = new Set([
    0n,
    1n,
    2n,
    3n,
    47n,
    48n,
    49n,
    977n,
    0x1000003d0n,
    0x1000003d1n,
    0x1000003d2n,
  ]);
  for (const bits of [
    29, 32, 50, 51, 52, 58, 64, 102, 116, 128, 153, 192, 203, 204, 205, 232, 254, 255,
  ]) {
    for (const delta of [-1n, 0n, 1n]) values.add((1n << BigInt(bits)) + delta);
  }
  for (const value of [...values]) values.add(modulus - value).add((modulus + value) / 2n);
  // All limbs at half their radix, where balanced digits turn.
  for (const bits of [29, 51]) {
    let repeated = 0n;
    for (let at = 0; at < 256; at += bits) repeated |= 1n << BigInt(at + bits - 1);
    values
      .add(repeated)
      .add(repeated - 1n)
      .add(2n * repeated)
      .add(2n * repeated - 2n);
  }
  return [...values].filter((value) => value >= 0n && value < modulus);
}

/** Reduced limbs at random, each often at an end of its range. */
export function extremeLimbs(rungs: Rungs, random: Random): bigint[] {
  const fused = rungs.limbs === 5;
  return rungs.bounds.map((bound) => {
    const size = random.pick([bound, bound, bound - 1n, 0n, 1n, bound / 2n, random.bigint(bound)]);
    return fused && random.below(2) === 1 ? -size : size;
  });
}
