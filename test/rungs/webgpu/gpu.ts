/** Runs a rung's shader: words in, words out, hundreds of cases a dispatch. */
import { loadAsset } from "../../../src/backends/assets.ts";
import { openAdapter, openDevice } from "../../../src/backends/webgpu/adapter.ts";
import { BufferUsage, MapMode } from "../../../src/backends/webgpu/constants.ts";

export interface Gpu {
  /**
   * @param shader under dist/shaders, without its ending: `rungs/secp256k1-field`, `variants/words-8/rungs/secp256k1-field`.
   * @param input the cases back to back.
   * @param count cases; one invocation each.
   * @param outputWords words of all answers.
   */
  run(
    shader: string,
    entryPoint: string,
    input: Uint32Array<ArrayBuffer>,
    count: number,
    outputWords: number,
  ): Promise<Uint32Array>;
  close(): void;
}

/** The rung's shader in a form of `model.ts`. */
export const rungOf = (form: string, name: string): string =>
  form === "built" ? `rungs/${name}` : `variants/${form}/rungs/${name}`;

export async function openGpuForRungs(): Promise<Gpu> {
  const device = await openDevice(await openAdapter(true));
  device.addEventListener("uncapturederror", (event) => {
    throw new Error(event.error.message);
  });
  return {
    async run(shader, entryPoint, input, count, outputWords) {
      const code = new TextDecoder().decode(await loadAsset(`shaders/${shader}.wgsl`));
      const pipeline = await device.createComputePipelineAsync({
        layout: "auto",
        compute: { module: device.createShaderModule({ code }), entryPoint },
      });
      const { Storage, CopySource, CopyDestination, MapRead } = BufferUsage;
      const create = (size: number, usage: number): GPUBuffer =>
        device.createBuffer({ size, usage });
      const source = create(input.byteLength, Storage | CopyDestination);
      const target = create(outputWords * 4, Storage | CopySource);
      const staging = create(outputWords * 4, MapRead | CopyDestination);
      device.queue.writeBuffer(source, 0, input);
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      pass.setBindGroup(
        0,
        device.createBindGroup({
          layout: pipeline.getBindGroupLayout(0),
          entries: [source, target].map((buffer, binding) => ({ binding, resource: { buffer } })),
        }),
      );
      pass.dispatchWorkgroups(Math.ceil(count / 64));
      pass.end();
      encoder.copyBufferToBuffer(target, 0, staging, 0, outputWords * 4);
      device.queue.submit([encoder.finish()]);
      await staging.mapAsync(MapMode.Read);
      const words = new Uint32Array(staging.getMappedRange().slice(0));
      for (const buffer of [source, target, staging]) buffer.destroy();
      return words;
    },
    close: () => device.destroy(),
  };
}
