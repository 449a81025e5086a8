/**
 * A kernel's description, `kernel.json`: which shaders run in which order over which buffers.
 *
 * Every stage sees the chunk's parameters at `@group(0) @binding(0)`, its `bindings` in the order listed at bindings 1, 2, …, and
 * the number of the repetition's turn at `@group(1) @binding(0)`. Names of buffers: `records`, `arena`, `verdicts`, `results`,
 * and those that `buffers` declares.
 *
 * @module
 */
import { loadAsset } from "../assets.ts";
import { kernels } from "./generated/kernels.ts";

/** One shader over all items. */
export interface Stage {
  /** File name beside kernel.json. */
  readonly shader: string;
  /** Buffers and how the shader declares them. */
  readonly bindings: Readonly<Record<string, "read" | "read_write">>;
  /** Items that one invocation takes; default 1. Batched inversions take several. */
  readonly itemsPerInvocation?: number;
}

/** Stages run several times. */
export interface Repetition {
  /** A number of turns … */
  readonly repeat?: number;
  /** … or one turn for each so many bytes of the chunk's longest message, and one more. */
  readonly repeatPerMessageBytes?: number;
  readonly stages: readonly Stage[];
}

/** A buffer between stages, or a constant table. */
export interface KernelBuffer {
  readonly bytesPerItem?: number;
  /** A built file beside kernel.json. */
  readonly file?: string;
}

/** The content of kernel.json. */
export interface KernelDescription {
  readonly recordBytes: number;
  readonly resultBytes: number;
  /** Invocations of a workgroup; the shaders take it as the override `workgroupSize`. */
  readonly workgroupSize: number;
  readonly buffers: Readonly<Record<string, KernelBuffer>>;
  readonly steps: readonly (Stage | Repetition)[];
}

/** A kernel read from its files, ready to compile. */
export interface KernelSource {
  readonly id: string;
  readonly description: KernelDescription;
  /** WGSL by the name of the shader. */
  readonly shaders: ReadonlyMap<string, string>;
  /** Contents of constant buffers by the name of the buffer. */
  readonly constants: ReadonlyMap<string, Uint8Array>;
}

const folder = (id: string): string => `shaders/kernels/${id}`;

/** Whether there is a kernel of this algorithm. */
export function hasKernel(id: string): boolean {
  return kernels.has(id);
}

/** The repetitions of a kernel; a plain stage is a repetition of one turn. */
export function repetitions(description: KernelDescription): Repetition[] {
  return description.steps.map((step) => ("stages" in step ? step : { repeat: 1, stages: [step] }));
}

/** Every stage once, in order. */
export function stagesOf(description: KernelDescription): Stage[] {
  return repetitions(description).flatMap((repetition) => repetition.stages);
}

/** Turns of a repetition for a chunk whose longest message has this many bytes. */
export function turnsOf(repetition: Repetition, longestMessageBytes: number): number {
  if (repetition.repeatPerMessageBytes) {
    return Math.floor(longestMessageBytes / repetition.repeatPerMessageBytes) + 1;
  }
  return repetition.repeat ?? 1;
}

/** Reads a kernel's description, shaders and constant tables. */
export async function loadKernel(id: string): Promise<KernelSource> {
  const read = (name: string): Promise<Uint8Array> => loadAsset(`${folder(id)}/${name}`);
  const text = async (name: string): Promise<string> => new TextDecoder().decode(await read(name));
  const description = JSON.parse(await text("kernel.json")) as KernelDescription;
  const shaders = new Map<string, string>();
  for (const { shader } of stagesOf(description)) shaders.set(shader, await text(shader));
  const constants = new Map<string, Uint8Array>();
  for (const [name, { file }] of Object.entries(description.buffers)) {
    if (file) constants.set(name, await read(file));
  }
  return { id, description, shaders, constants };
}
