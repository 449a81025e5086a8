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
  /** File beside kernel.json, or another kernel's: `secp256k1-recover/4-table.wgsl`. A loaded kernel has the latter form only. */
  readonly shader: string;
  /** Buffers and how the shader declares them. */
  readonly bindings: Readonly<Record<string, "read" | "read_write">>;
  /**
   * Items that one invocation takes; default 1. Batched inversions take several: the shader has the number as its override
   * `itemsPerInvocation`.
   */
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
  /** A built file beside kernel.json, or another kernel's. */
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

/**
 * A form of the shaders of secp256k1: levels of Karatsuba's identity in a product; field elements in 8 words of 32 bits instead of 20
 * limbs of 13; products by loops; 2, 4 or 8 multiplications inlined by a point formula instead of all 8 to 12; digits of 12 bits
 * for the multiples of G.
 */
export type KernelForm =
  | "karatsuba-0"
  | "karatsuba-2"
  | "words-8"
  | "looped"
  | "sites-4"
  | "sites-8"
  | "words-8-sites-2"
  | "comb-12";

/**
 * Ways to compute the same: which of them is fastest depends on the device (`lanewise bench gpu --variants`). Left out: as built.
 */
export interface KernelVariant {
  /** Other shaders (scripts/generators/wgsl/secp256k1-model.mjs); as built: one level of Karatsuba over 20 limbs, unrolled. */
  readonly form?: KernelForm;
  /** Invocations of a workgroup; as built: 64. */
  readonly workgroupSize?: 64 | 128 | 256;
  /** Items that share one inversion; as built: 16. Fewer make more invocations, each with more to do. */
  readonly inversionItems?: number;
}

/** Shaders and tables of the variant, under dist/ (scripts/build-shaders.mjs). */
function folderOf({ form }: KernelVariant): string {
  return form === undefined ? "shaders/kernels" : `shaders/variants/${form}/kernels`;
}

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
export async function loadKernel(id: string, variant: KernelVariant = {}): Promise<KernelSource> {
  const pathOf = (name: string): string => (name.includes("/") ? name : `${id}/${name}`);
  const decoder = new TextDecoder();
  const json = decoder.decode(await loadAsset(`shaders/kernels/${id}/kernel.json`));
  const description = adapted(JSON.parse(json) as KernelDescription, variant, pathOf);
  const folder = folderOf(variant);
  const shaders = new Map<string, string>();
  for (const { shader } of stagesOf(description)) {
    shaders.set(shader, decoder.decode(await loadAsset(`${folder}/${shader}`)));
  }
  const constants = new Map<string, Uint8Array>();
  for (const [name, { file }] of Object.entries(description.buffers)) {
    if (file) constants.set(name, await loadAsset(`${folder}/${pathOf(file)}`));
  }
  return { id, description, shaders, constants };
}

/** The description with shaders by full name, and the variant's numbers. */
function adapted(
  description: KernelDescription,
  variant: KernelVariant,
  pathOf: (name: string) => string,
): KernelDescription {
  const workgroupSize = variant.workgroupSize ?? description.workgroupSize;
  const { inversionItems } = variant;
  const stageOf = (stage: Stage): Stage => ({
    ...stage,
    shader: pathOf(stage.shader),
    ...(stage.itemsPerInvocation !== undefined && inversionItems !== undefined
      ? { itemsPerInvocation: inversionItems }
      : {}),
  });
  const steps = description.steps.map((step) =>
    "stages" in step ? { ...step, stages: step.stages.map(stageOf) } : stageOf(step),
  );
  return { ...description, workgroupSize, steps };
}
