/**
 * Merkle trees on the device: leaves go up once, every level is hashed from the one below it, and the root or all levels come back.
 *
 * @module
 */
import { LanewiseError } from "../../core/index.ts";
import { loadAsset } from "../assets.ts";
import { BufferUsage, MapMode, ShaderStage } from "./constants.ts";
import type { Session } from "./session.ts";

/** Hashes that have a shader under shaders/merkle/. */
const HASHES: ReadonlySet<string> = new Set(["sha256", "keccak256"]);

const NODE_BYTES = 32;
const WORKGROUP = 64;
/** Words of the uniform `Level` in shaders/lib/merkle.wgsl. */
const LEVEL_WORDS = 5;

/** Whether trees of this hash can be reduced here. */
export const hasMerkleShader = (id: string): boolean => HASHES.has(id);

/** A compiled reduction. */
export interface MerkleReducer {
  /**
   * Levels above the leaves, lowest first; the last is the root. With `rootOnly`, that one alone.
   *
   * @param depth levels, at least what the leaves need.
   */
  reduce(leaves: Uint8Array, depth: number, rootOnly: boolean): Promise<Uint8Array[]>;
}

/** Where the nodes of each level lie, in nodes: `[first, count]`; level 0 are the leaves. */
function placeLevels(leaves: number, depth: number): { levels: [number, number][]; total: number } {
  const levels: [number, number][] = [];
  let first = depth + 1; // behind the empty trees
  for (let level = 0, count = leaves; level <= depth; level++) {
    levels.push([first, count]);
    first += count;
    count = Math.max(1, Math.ceil(count / 2));
  }
  return { levels, total: first };
}

/** Compiles the reduction of one hash. */
export async function createMerkleReducer(
  session: Session,
  hash: string,
  limits: { readonly compileTimeoutMs: number; readonly timeoutMs: number },
): Promise<MerkleReducer> {
  const { device, adapter } = session;
  const label = `merkle/${hash}`;
  const code = new TextDecoder().decode(await loadAsset(`shaders/${label}.wgsl`));
  const module = await session.checked(label, () => device.createShaderModule({ label, code }));
  const layout = device.createBindGroupLayout({
    entries: [
      { binding: 0, visibility: ShaderStage.Compute, buffer: { type: "storage" } },
      {
        binding: 1,
        visibility: ShaderStage.Compute,
        buffer: { type: "uniform", hasDynamicOffset: true },
      },
    ],
  });
  const pipeline = await session.wait(
    device.createComputePipelineAsync({
      label,
      layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
      compute: { module, constants: { workgroupSize: WORKGROUP } },
    }),
    limits.compileTimeoutMs,
    () =>
      new LanewiseError(
        "ERR_BACKEND_UNAVAILABLE",
        `${label}: the driver did not compile the shader within ${limits.compileTimeoutMs} ms`,
      ),
  );
  const stride = device.limits.minUniformBufferOffsetAlignment;
  const mostBytes = Math.min(adapter.maxStorageBufferBindingSize, adapter.maxBufferSize);
  const mostParents = adapter.maxComputeWorkgroupsPerDimension * WORKGROUP - 1;

  async function reduce(
    leaves: Uint8Array,
    depth: number,
    rootOnly: boolean,
  ): Promise<Uint8Array[]> {
    const count = leaves.length / NODE_BYTES;
    const { levels, total } = placeLevels(count, depth);
    if (total * NODE_BYTES > mostBytes || Math.ceil(count / 2) > mostParents) {
      throw new LanewiseError("ERR_UNSUPPORTED", `webgpu: a tree of ${count} leaves does not fit`);
    }
    const [firstBack] = rootOnly ? levels[depth] : levels[1];
    const backBytes = (total - firstBack) * NODE_BYTES;
    const own: GPUBuffer[] = [];
    const { Storage, Uniform, CopySource, CopyDestination, MapRead } = BufferUsage;
    const create = (size: number, usage: number, mappedAtCreation: boolean): GPUBuffer => {
      const buffer = device.createBuffer({ label, size, usage, mappedAtCreation });
      own.push(buffer);
      return buffer;
    };
    try {
      let staging: GPUBuffer | undefined;
      const mapped = session.checked(`${label}: ${count} leaves`, () => {
        const nodes = create(total * NODE_BYTES, Storage | CopySource, true);
        new Uint8Array(nodes.getMappedRange()).set(leaves, levels[0][0] * NODE_BYTES);
        nodes.unmap();
        const uniforms = create(depth * stride, Uniform, true);
        const words = new Uint32Array(uniforms.getMappedRange());
        for (let level = 0; level < depth; level++) {
          const [[first, nodesHere], [firstParent, parents]] = levels.slice(level, level + 2);
          words.set([nodesHere, parents, first, firstParent, level], (level * stride) / 4);
        }
        uniforms.unmap();
        staging = create(backBytes, MapRead | CopyDestination, false);
        const group = device.createBindGroup({
          layout,
          entries: [
            { binding: 0, resource: { buffer: nodes } },
            { binding: 1, resource: { buffer: uniforms, size: LEVEL_WORDS * 4 } },
          ],
        });
        const encoder = device.createCommandEncoder();
        const pass = encoder.beginComputePass();
        pass.setPipeline(pipeline);
        for (let level = 0; level < depth; level++) {
          const [, parents] = levels[level + 1];
          pass.setBindGroup(0, group, [level * stride]);
          pass.dispatchWorkgroups(Math.ceil((parents + 1) / WORKGROUP));
        }
        pass.end();
        encoder.copyBufferToBuffer(nodes, firstBack * NODE_BYTES, staging, 0, backBytes);
        device.queue.submit([encoder.finish()]);
        const map = staging.mapAsync(MapMode.Read);
        map.catch(() => {}); // where the submission itself was refused, its error is the one to report
        return map;
      });
      await session.wait(
        mapped,
        limits.timeoutMs,
        () => new LanewiseError("ERR_DEVICE_LOST", `${label}: the GPU hangs`),
      );
      const bytes = new Uint8Array((staging as GPUBuffer).getMappedRange().slice(0));
      return (rootOnly ? levels.slice(depth) : levels.slice(1)).map(([first, nodes]) => {
        const at = (first - firstBack) * NODE_BYTES;
        return bytes.subarray(at, at + nodes * NODE_BYTES);
      });
    } finally {
      for (const buffer of own) buffer.destroy();
    }
  }

  return { reduce };
}
