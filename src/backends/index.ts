/** The registry of back ends, best first: one line each. @module */
import type { Backend, BackendId } from "../core/index.ts";
import { createReferenceBackend } from "./reference/index.ts";
import { createWasmBackend } from "./wasm/index.ts";
import { createWebgpuBackend } from "./webgpu/index.ts";

export { type MerkleOptions, merkleLevels, merkleRoot } from "./merkle.ts";
export { createReferenceBackend } from "./reference/index.ts";
export { createWasmBackend } from "./wasm/index.ts";
export {
  createWebgpuBackend,
  type KernelVariant,
  type WebgpuBackend,
  type WebgpuOptions,
  type WebgpuStatistics,
} from "./webgpu/index.ts";

/** Options that every back end's factory takes; each reads what concerns it. */
export interface BackendOptions {
  /** Worker threads of a CPU back end; default: the machine's cores. */
  readonly workers?: number;
  /** Workers let the process's other threads go first, where they share cores with what feeds them (Linux); default false. */
  readonly background?: boolean;
  /** Accept a software GPU adapter (SwiftShader, lavapipe); default false. Set by tests and `--backend webgpu`. */
  readonly allowSoftwareAdapter?: boolean;
}

/** Factories by id, in the order that `auto` prefers them. */
export const backends: Readonly<Record<BackendId, (options?: BackendOptions) => Backend>> = {
  webgpu: createWebgpuBackend,
  wasm: createWasmBackend,
  reference: createReferenceBackend,
};
