/**
 * Slots: the device buffers of one chunk in flight, allocated once and used over and over.
 *
 * A chunk's way through its slot: host memory → `upload` (mapped) → device buffers → stages → `download` → host memory.
 *
 * @module
 */
import { Verdict } from "../../core/index.ts";
import { BufferUsage } from "./constants.ts";
import type { KernelDescription } from "./kernel.ts";
import type { CompiledKernel } from "./pipelines.ts";
import type { Session } from "./session.ts";

/** Words of the uniform `Parameters` in shaders/lib/parameters.wgsl. */
export const PARAMETER_BYTES = 32;

/** A timestamp is a u64 of nanoseconds. They have a buffer of their own, since `resolveQuerySet` wants offsets of 256. */
const TIMESTAMP_BYTES = 8;

/** What a slot can hold. */
export interface SlotShape {
  readonly items: number;
  readonly arenaBytes: number;
}

export const nextPowerOfTwo = (value: number): number => 2 ** Math.ceil(Math.log2(value));

/** Bytes of an arena buffer beyond its messages: the last of them begins on any alignment, and words are read whole. */
const ARENA_SLACK = 8;

/** Shaders count the bytes that are left of a message in an i32. */
const SIGNED_RANGE = 2 ** 31;

/** Most bytes of a message: its buffer is bound whole, and the upload buffer holds records and verdicts too. */
export function messageLimit(limits: {
  readonly maxStorageBufferBindingSize: number;
  readonly maxBufferSize: number;
}): number {
  const most = Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize / 2, SIGNED_RANGE);
  return Math.floor(most / 8) * 8 - ARENA_SLACK;
}

/** The shape of a slot for a chunk: powers of two up to what the device allows, and never smaller than it was. */
export function shapeFor(
  has: SlotShape,
  chunk: { readonly count: number; readonly arenaBytes: number },
  limits: { readonly items: number; readonly messageBytes: number },
  usesArena: boolean,
): SlotShape {
  const items = Math.min(limits.items, nextPowerOfTwo(Math.max(chunk.count, 64)));
  const arenaBytes = Math.min(
    limits.messageBytes + ARENA_SLACK,
    nextPowerOfTwo(Math.max(chunk.arenaBytes + 4, 4096)),
  );
  return {
    items: Math.max(has.items, items),
    arenaBytes: usesArena ? Math.max(has.arenaBytes, arenaBytes) : 0,
  };
}

/** Buffers and bind groups of one chunk. */
export interface Slot {
  readonly shape: SlotShape;
  /** Mapped for writing while the slot is free: verdicts (all `Unset`), records, arena. */
  readonly upload: GPUBuffer;
  /** Verdicts, results, timestamps. */
  readonly download: GPUBuffer;
  readonly parameters: GPUBuffer;
  readonly buffers: ReadonlyMap<string, GPUBuffer>;
  /** Bind groups by shader name. */
  readonly groups: ReadonlyMap<string, GPUBindGroup>;
  /** The chunk's two ends, then begin and end of its passes: one for all dispatches, or one for each. */
  readonly timestamps: GPUQuerySet | undefined;
  readonly timestampBuffer: GPUBuffer | undefined;
  destroy(): void;
}

/** Byte offsets of the sections of `upload`. */
export const uploadOffsets = (description: KernelDescription, items: number) => ({
  verdicts: 0,
  records: items * 4,
  arena: items * (4 + description.recordBytes),
});

/** Byte offsets of the sections of `download`. */
export const downloadOffsets = (description: KernelDescription, items: number) => ({
  verdicts: 0,
  results: items * 4,
  timestamps: Math.ceil((items * (4 + description.resultBytes)) / 8) * 8,
});

/** Bytes of each buffer for one item. */
export function bytesPerItem(description: KernelDescription): Map<string, number> {
  const sizes = new Map([
    ["records", description.recordBytes],
    ["verdicts", 4],
  ]);
  // Some rows answer by verdict alone, and no buffer is empty.
  if (description.resultBytes > 0) sizes.set("results", description.resultBytes);
  for (const [name, buffer] of Object.entries(description.buffers)) {
    if (buffer.bytesPerItem) sizes.set(name, buffer.bytesPerItem);
  }
  return sizes;
}

/**
 * Allocates a slot.
 *
 * @param timestampCount timestamps of a chunk, where the device has any.
 * @throws LanewiseError `ERR_BACKEND_FAILED` when the device has no memory for it.
 */
export async function createSlot(
  session: Session,
  description: KernelDescription,
  kernel: CompiledKernel,
  constants: ReadonlyMap<string, GPUBuffer>,
  shape: SlotShape,
  timestampCount: number,
): Promise<Slot> {
  const { device } = session;
  const { items, arenaBytes } = shape;
  const own: GPUBuffer[] = [];
  const allocation = session.checked("allocating GPU buffers", () => {
    const create = (label: string, size: number, usage: number, mapped = false): GPUBuffer => {
      const buffer = device.createBuffer({ label, size, usage, mappedAtCreation: mapped });
      own.push(buffer);
      return buffer;
    };
    const { Storage, CopySource, CopyDestination, MapRead, MapWrite, Uniform, QueryResolve } =
      BufferUsage;
    const uploadBytes = uploadOffsets(description, items).arena + arenaBytes;
    const upload = create("upload", uploadBytes, MapWrite | CopySource, true);
    // Stays so for the slot's life: every run starts from verdicts that no kernel gives.
    new Uint32Array(upload.getMappedRange(0, items * 4)).fill(Verdict.Unset);
    const download = create(
      "download",
      downloadOffsets(description, items).timestamps + timestampCount * TIMESTAMP_BYTES,
      MapRead | CopyDestination,
    );
    const parameters = create("parameters", PARAMETER_BYTES, Uniform | CopyDestination);
    const buffers = new Map(constants);
    for (const [name, bytes] of bytesPerItem(description)) {
      buffers.set(name, create(name, items * bytes, Storage | CopySource | CopyDestination));
    }
    if (arenaBytes > 0)
      buffers.set("arena", create("arena", arenaBytes, Storage | CopyDestination));
    const groups = new Map<string, GPUBindGroup>();
    for (const [shader, { stage, layout }] of kernel.stages) {
      const names = Object.keys(stage.bindings);
      const resources = [parameters, ...names.map((name) => buffers.get(name) as GPUBuffer)];
      const entries = resources.map((buffer, binding) => ({ binding, resource: { buffer } }));
      groups.set(shader, device.createBindGroup({ layout, entries }));
    }
    const timestamps = session.adapter.timestamps
      ? device.createQuerySet({ type: "timestamp", count: timestampCount })
      : undefined;
    const timestampBuffer = timestamps
      ? create("timestamps", timestampCount * TIMESTAMP_BYTES, QueryResolve | CopySource)
      : undefined;
    return {
      shape,
      upload,
      download,
      parameters,
      buffers,
      groups,
      timestamps,
      timestampBuffer,
      destroy() {
        for (const buffer of own) buffer.destroy();
        timestamps?.destroy();
      },
    };
  });
  try {
    return await allocation;
  } catch (error) {
    for (const buffer of own) buffer.destroy();
    throw error;
  }
}
