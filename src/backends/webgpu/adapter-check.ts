/**
 * Opens the adapter and a device and has it compute something: what the probe's child process does, and browsers in the page.
 *
 * @module
 */
import {
  type AdapterDescription,
  describeAdapter,
  firstLine,
  openAdapter,
  openDevice,
} from "./adapter.ts";
import { BufferUsage, MapMode } from "./constants.ts";

/** What was found. */
export type ProbeReport =
  | { readonly ok: true; readonly adapter: AdapterDescription }
  | { readonly ok: false; readonly reason: string };

const WORDS = 256;

/** Squares 256 numbers on the device: a driver that loads and cannot compute is found here. */
async function computes(device: GPUDevice): Promise<boolean> {
  const bytes = WORDS * 4;
  const data = device.createBuffer({
    size: bytes,
    usage: BufferUsage.Storage | BufferUsage.CopySource | BufferUsage.CopyDestination,
  });
  const staging = device.createBuffer({
    size: bytes,
    usage: BufferUsage.MapRead | BufferUsage.CopyDestination,
  });
  const code = `@group(0) @binding(0) var<storage, read_write> data: array<u32>;
    @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
      data[id.x] = data[id.x] * data[id.x];
    }`;
  const pipeline = await device.createComputePipelineAsync({
    layout: "auto",
    compute: { module: device.createShaderModule({ code }) },
  });
  const numbers = Uint32Array.from({ length: WORDS }, (_, i) => i * 0x01000193);
  device.queue.writeBuffer(data, 0, numbers);
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(
    0,
    device.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: [{ binding: 0, resource: { buffer: data } }],
    }),
  );
  pass.dispatchWorkgroups(WORDS / 64);
  pass.end();
  encoder.copyBufferToBuffer(data, 0, staging, 0, bytes);
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(MapMode.Read);
  const squares = new Uint32Array(staging.getMappedRange());
  const right = numbers.every((value, i) => squares[i] === Math.imul(value, value) >>> 0);
  for (const buffer of [data, staging]) buffer.destroy();
  return right;
}

/** Never rejects. */
export async function checkAdapter(allowSoftwareAdapter: boolean): Promise<ProbeReport> {
  try {
    const adapter = await openAdapter(allowSoftwareAdapter);
    const description = describeAdapter(adapter);
    const device = await openDevice(adapter);
    const right = await computes(device);
    device.destroy();
    return right
      ? { ok: true, adapter: description }
      : { ok: false, reason: `${description.description}: a test shader gave wrong results` };
  } catch (error) {
    return { ok: false, reason: firstLine(error) };
  }
}
