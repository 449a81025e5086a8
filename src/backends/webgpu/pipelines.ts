/**
 * Compiles a kernel's stages, all at once and off the calling thread.
 *
 * @module
 */
import { LanewiseError } from "../../core/index.ts";
import { ShaderStage } from "./constants.ts";
import { type KernelSource, type Stage, stagesOf } from "./kernel.ts";
import { failed, type Session } from "./session.ts";

/** A stage ready to dispatch. */
export interface CompiledStage {
  readonly stage: Stage;
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
  /** From the call until the driver was done; stages compile beside one another. */
  readonly compileMs: number;
}

/** Compiled stages by shader name, and the layout of the turn's number that they share. */
export interface CompiledKernel {
  readonly stages: ReadonlyMap<string, CompiledStage>;
  readonly turnLayout: GPUBindGroupLayout;
}

const entry = (binding: number, type: GPUBufferBindingType): GPUBindGroupLayoutEntry => ({
  binding,
  visibility: ShaderStage.Compute,
  buffer: { type },
});

/**
 * Compiles every stage.
 *
 * @throws LanewiseError `ERR_BACKEND_UNAVAILABLE` when a shader is refused or the deadline passes; the latter ends the session,
 * since the driver may never come back.
 */
export async function compileKernel(
  session: Session,
  source: KernelSource,
  timeoutMs: number,
): Promise<CompiledKernel> {
  const { device } = session;
  const turnLayout = device.createBindGroupLayout({
    entries: [
      {
        binding: 0,
        visibility: ShaderStage.Compute,
        buffer: { type: "uniform", hasDynamicOffset: true },
      },
    ],
  });
  const compiled = stagesOf(source.description).map(async (stage) => {
    const start = performance.now();
    const access = Object.values(stage.bindings);
    const layout = device.createBindGroupLayout({
      entries: [
        entry(0, "uniform"),
        ...access.map((mode, i) => entry(i + 1, mode === "read" ? "read-only-storage" : "storage")),
      ],
    });
    const label = `${source.id}/${stage.shader}`;
    const code = source.shaders.get(stage.shader) as string;
    const module = await session.checked(label, () => device.createShaderModule({ label, code }));
    const pipeline = await device.createComputePipelineAsync({
      label,
      layout: device.createPipelineLayout({ bindGroupLayouts: [layout, turnLayout] }),
      compute: { module, constants: { workgroupSize: source.description.workgroupSize } },
    });
    return { stage, pipeline, layout, compileMs: performance.now() - start };
  });
  try {
    const stages = await session.wait(
      Promise.all(compiled),
      timeoutMs,
      () =>
        new LanewiseError(
          "ERR_BACKEND_UNAVAILABLE",
          `${source.id}: the driver did not compile the shaders within ${timeoutMs} ms`,
        ),
    );
    return { stages: new Map(stages.map((item) => [item.stage.shader, item])), turnLayout };
  } catch (error) {
    if (session.failure) throw session.failure;
    const { message } = failed("ERR_BACKEND_UNAVAILABLE", source.id, error);
    throw new LanewiseError("ERR_BACKEND_UNAVAILABLE", `shaders refused: ${message}`, {
      cause: error,
    });
  }
}
