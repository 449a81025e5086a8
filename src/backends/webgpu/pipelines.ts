/**
 * Compiles a kernel's stages, all at once and off the calling thread, or one by one to time each; a stage that kernels share is
 * compiled once a device.
 *
 * @module
 */
import { LanewiseError } from "../../core/index.ts";
import { ShaderStage } from "./constants.ts";
import { type KernelSource, type Stage, stagesOf } from "./kernel.ts";
import { failed, type Session } from "./session.ts";

/** A shader ready to dispatch. */
interface Compiled {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
  /** From the call until the driver was done, with those that compiled beside it. */
  readonly compileMs: number;
}

/** A stage of a kernel and its shader. */
export interface CompiledStage extends Compiled {
  readonly stage: Stage;
}

/** Compiled stages by shader name, and the layout of the turn's number that they share. */
export interface CompiledKernel {
  readonly stages: ReadonlyMap<string, CompiledStage>;
  readonly turnLayout: GPUBindGroupLayout;
}

/** What has been compiled on a device, or is being compiled. */
interface Shelf {
  readonly turnLayout: GPUBindGroupLayout;
  readonly shaders: Map<string, Promise<Compiled>>;
}
const shelves = new WeakMap<Session, Shelf>();

function shelfOf(session: Session): Shelf {
  let shelf = shelves.get(session);
  if (!shelf) {
    const buffer = { type: "uniform", hasDynamicOffset: true } as const;
    const entries = [{ binding: 0, visibility: ShaderStage.Compute, buffer }];
    shelf = { turnLayout: session.device.createBindGroupLayout({ entries }), shaders: new Map() };
    shelves.set(session, shelf);
  }
  return shelf;
}

const entry = (binding: number, type: GPUBufferBindingType): GPUBindGroupLayoutEntry => ({
  binding,
  visibility: ShaderStage.Compute,
  buffer: { type },
});

async function compileShader(
  session: Session,
  turnLayout: GPUBindGroupLayout,
  stage: Stage,
  code: string,
  constants: Record<string, number>,
): Promise<Compiled> {
  const { device } = session;
  const start = performance.now();
  const access = Object.values(stage.bindings);
  const layout = device.createBindGroupLayout({
    entries: [
      entry(0, "uniform"),
      ...access.map((mode, i) => entry(i + 1, mode === "read" ? "read-only-storage" : "storage")),
    ],
  });
  const label = stage.shader;
  const module = await session.checked(label, () => device.createShaderModule({ label, code }));
  const pipeline = await device.createComputePipelineAsync({
    label,
    layout: device.createPipelineLayout({ bindGroupLayouts: [layout, turnLayout] }),
    compute: { module, constants },
  });
  return { pipeline, layout, compileMs: performance.now() - start };
}

/**
 * Compiles every stage.
 *
 * @throws LanewiseError `ERR_BACKEND_UNAVAILABLE` when a shader is refused or the deadline passes; the latter ends the session,
 * since the driver may never come back.
 */
export async function compileKernel(
  session: Session,
  source: KernelSource,
  options: { readonly compileTimeoutMs: number; readonly compileOneByOne: boolean },
): Promise<CompiledKernel> {
  const { compileTimeoutMs: timeoutMs, compileOneByOne: oneByOne } = options;
  const { turnLayout, shaders } = shelfOf(session);
  const { workgroupSize } = source.description;
  let previous: Promise<unknown> = Promise.resolve();
  const compileStage = async (stage: Stage): Promise<CompiledStage> => {
    const { itemsPerInvocation } = stage;
    const constants = {
      workgroupSize,
      ...(itemsPerInvocation === undefined ? {} : { itemsPerInvocation }),
    };
    const code = source.shaders.get(stage.shader) as string;
    const key = JSON.stringify([stage.shader, constants]);
    let shader = shaders.get(key);
    if (!shader) {
      shader = compileShader(session, turnLayout, stage, code, constants);
      shaders.set(key, shader);
    }
    return { stage, ...(await shader) };
  };
  const compiled = stagesOf(source.description).map((stage) => {
    const stageCompiled = oneByOne ? previous.then(() => compileStage(stage)) : compileStage(stage);
    previous = stageCompiled;
    return stageCompiled;
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
