/**
 * Runs batches of one kernel: chunks stream through a few slots, so that one is filled while another computes.
 *
 * @module
 */
import { type Batch, LanewiseError, Verdict } from "../../core/index.ts";
import { type Chunk, type ChunkLimits, chunksOf } from "./chunks.ts";
import { BufferUsage, MapMode } from "./constants.ts";
import { type KernelSource, repetitions, type Stage, turnsOf } from "./kernel.ts";
import { type CompiledKernel, compileKernel } from "./pipelines.ts";
import { failed, type Session } from "./session.ts";
import {
  bytesPerItem,
  createSlot,
  downloadOffsets,
  messageLimit,
  nextPowerOfTwo,
  PARAMETER_BYTES,
  type Slot,
  type SlotShape,
  shapeFor,
  uploadOffsets,
} from "./slots.ts";
import type { Statistics } from "./statistics.ts";

/** Chunks in flight: one filling, one computing, one draining. */
const SLOTS = 3;

/** Most items of a chunk; an H200 holds 270 336 invocations at once. */
const MAX_ITEMS = 2 ** 18;

/** Device memory that one slot may take. Software adapters take it from the host. */
const SLOT_BYTES = { hardware: 2 ** 29, software: 2 ** 26 };

/** Arena bytes of a chunk of several messages. */
const ARENA_BYTES = 2 ** 26;

/** Timestamps of a chunk: before its first copy, after its last; then begin and end of each pass that is timed. */
const ENDS = 2;

/** Most dispatches of a chunk that are timed one by one: a query set holds 4096 timestamps. */
const PROFILED_DISPATCHES = 2047;

/** A compiled kernel with its buffers. */
export interface Runner {
  readonly compiled: CompiledKernel;
  /** Fills the batch's verdicts and results, or rejects and leaves no verdict. */
  run(batch: Batch, signal: AbortSignal | undefined): Promise<void>;
}

/** Limits of a runner. */
export interface RunnerOptions {
  readonly compileTimeoutMs: number;
  /** Longest that one chunk may take. */
  readonly timeoutMs: number;
  /** Most items of a chunk, where the device would take more. */
  readonly maxItems?: number;
  /** Compile one shader after another. */
  readonly compileOneByOne: boolean;
  /** Time each dispatch by itself. */
  readonly profile: boolean;
}

/** Compiles a kernel and uploads its tables. */
export async function createRunner(
  session: Session,
  source: KernelSource,
  statistics: Statistics,
  options: RunnerOptions,
): Promise<Runner> {
  const { description } = source;
  const { device, adapter } = session;
  const compiled = await compileKernel(session, source, options);
  for (const { stage, compileMs } of compiled.stages.values()) {
    statistics.compileMs[stage.shader] = compileMs;
  }
  const constants = await uploadConstants(session, source);
  const limits = chunkLimits();
  const turns = createTurns(session, compiled);
  const free: (Slot | undefined)[] = Array(SLOTS).fill(undefined);
  const queue: ((slot: Slot | undefined) => void)[] = [];

  function chunkLimits(): ChunkLimits {
    const sizes = [...bytesPerItem(description).values()];
    const perItem = sizes.reduce((sum, bytes) => sum + bytes, 0);
    const memory = adapter.software ? SLOT_BYTES.software : SLOT_BYTES.hardware;
    const fit = Math.min(
      options.maxItems ?? MAX_ITEMS,
      MAX_ITEMS,
      adapter.maxStorageBufferBindingSize / Math.max(...sizes),
      adapter.maxComputeWorkgroupsPerDimension * description.workgroupSize,
      memory / perItem,
    );
    return {
      items: Math.max(64, Math.floor(fit / 64) * 64), // mapped ranges begin on multiples of 8 bytes
      arenaBytes: Math.min(ARENA_BYTES, adapter.maxStorageBufferBindingSize),
      messageBytes: messageLimit(adapter),
    };
  }

  /** A free slot's buffers, or `undefined` for a slot that has none yet. */
  function acquire(): Promise<Slot | undefined> {
    if (free.length > 0) return Promise.resolve(free.pop());
    return new Promise((resolve) => queue.push(resolve));
  }

  function release(slot: Slot | undefined): void {
    const next = queue.shift();
    if (next) next(slot);
    else free.push(slot);
  }

  /** A slot that holds the chunk: the one given, or a larger one in its place. */
  async function fitted(slot: Slot | undefined, chunk: Chunk, usesArena: boolean): Promise<Slot> {
    const has: SlotShape = slot?.shape ?? { items: 0, arenaBytes: 0 };
    const needs = shapeFor(has, chunk, limits, usesArena);
    if (slot && needs.items === has.items && needs.arenaBytes === has.arenaBytes) return slot;
    slot?.destroy();
    const timestamps = ENDS + 2 * (options.profile ? PROFILED_DISPATCHES : 1);
    return createSlot(session, description, compiled, constants, needs, timestamps);
  }

  /** Copies a chunk into the mapped upload buffer. */
  function fill(slot: Slot, batch: Batch, chunk: Chunk): void {
    const { recordBytes } = description;
    const offsets = uploadOffsets(description, slot.shape.items);
    const mapped = new Uint8Array(slot.upload.getMappedRange(offsets.records));
    const from = chunk.first * recordBytes;
    mapped.set(batch.records.subarray(from, from + chunk.count * recordBytes));
    const { arenaStart, arenaBytes } = chunk;
    const messages = batch.arena.subarray(arenaStart, arenaStart + arenaBytes);
    mapped.set(messages, offsets.arena - offsets.records);
    slot.upload.unmap();
    const parameters = new Uint32Array(PARAMETER_BYTES / 4);
    parameters.set([chunk.count, slot.shape.items, arenaStart, batch.arenaLength]);
    device.queue.writeBuffer(slot.parameters, 0, parameters);
  }

  /** The dispatches of a chunk, in order. */
  function* dispatchesOf(chunk: Chunk): Generator<{ stage: Stage; turn: number }> {
    for (const repetition of repetitions(description)) {
      const times = turnsOf(repetition, chunk.longestMessageBytes);
      for (let turn = 0; turn < times; turn++) {
        for (const stage of repetition.stages) yield { stage, turn };
      }
    }
  }

  /** Records copies in, all stages and copies out. */
  function encode(slot: Slot, chunk: Chunk): GPUCommandBuffer {
    const { count } = chunk;
    const { recordBytes, resultBytes, workgroupSize } = description;
    const { upload, download, buffers, shape } = slot;
    const buffer = (name: string): GPUBuffer => buffers.get(name) as GPUBuffer;
    const { timestamps } = slot;
    const encoder = device.createCommandEncoder();
    /** An empty pass, for its timestamp: copies have none of their own. */
    const stamp = (write: { beginningOfPassWriteIndex: 0 } | { endOfPassWriteIndex: 1 }): void => {
      if (!timestamps) return;
      encoder.beginComputePass({ timestampWrites: { querySet: timestamps, ...write } }).end();
    };
    stamp({ beginningOfPassWriteIndex: 0 });
    const from = uploadOffsets(description, shape.items);
    const to = downloadOffsets(description, shape.items);
    encoder.copyBufferToBuffer(upload, from.verdicts, buffer("verdicts"), 0, count * 4);
    encoder.copyBufferToBuffer(upload, from.records, buffer("records"), 0, count * recordBytes);
    if (chunk.arenaBytes > 0) {
      const bytes = Math.ceil(chunk.arenaBytes / 4) * 4;
      encoder.copyBufferToBuffer(upload, from.arena, buffer("arena"), 0, bytes);
    }
    let passes = 0;
    const beginPass = (): GPUComputePassEncoder => {
      const first = ENDS + 2 * passes++;
      if (!timestamps || first >= timestamps.count) return encoder.beginComputePass();
      return encoder.beginComputePass({
        timestampWrites: {
          querySet: timestamps,
          beginningOfPassWriteIndex: first,
          endOfPassWriteIndex: first + 1,
        },
      });
    };
    let pass: GPUComputePassEncoder | undefined;
    for (const { stage, turn } of dispatchesOf(chunk)) {
      if (options.profile) pass?.end();
      if (options.profile || !pass) pass = beginPass();
      const perGroup = workgroupSize * (stage.itemsPerInvocation ?? 1);
      pass.setPipeline(compiled.stages.get(stage.shader)?.pipeline as GPUComputePipeline);
      pass.setBindGroup(0, slot.groups.get(stage.shader) as GPUBindGroup);
      pass.setBindGroup(1, turns.group(), [turns.offset(turn)]);
      pass.dispatchWorkgroups(Math.ceil(count / perGroup));
    }
    pass?.end();
    encoder.copyBufferToBuffer(buffer("verdicts"), 0, download, to.verdicts, count * 4);
    if (resultBytes > 0) {
      encoder.copyBufferToBuffer(buffer("results"), 0, download, to.results, count * resultBytes);
    }
    stamp({ endOfPassWriteIndex: 1 });
    if (timestamps && slot.timestampBuffer) {
      const timed = Math.min(ENDS + 2 * passes, timestamps.count);
      encoder.resolveQuerySet(timestamps, 0, timed, slot.timestampBuffer, 0);
      encoder.copyBufferToBuffer(slot.timestampBuffer, 0, download, to.timestamps, 8 * timed);
    }
    return encoder.finish();
  }

  /** Copies verdicts and results out of the mapped download buffer. */
  function drain(slot: Slot, batch: Batch, chunk: Chunk): void {
    const { count, first } = chunk;
    const { resultBytes } = description;
    const offsets = downloadOffsets(description, slot.shape.items);
    const mapped = slot.download.getMappedRange();
    const verdicts = new Uint32Array(mapped, offsets.verdicts, count);
    const missing = verdicts.indexOf(Verdict.Unset);
    if (missing !== -1) {
      throw new LanewiseError("ERR_BACKEND_FAILED", `the GPU left item ${first + missing} out`);
    }
    batch.verdicts.set(verdicts, first);
    const results = new Uint8Array(mapped, offsets.results, count * resultBytes);
    batch.results.set(results, first * resultBytes);
    if (slot.timestamps) {
      addTimes(new BigUint64Array(mapped, offsets.timestamps, slot.timestamps.count), chunk);
    }
    slot.download.unmap();
  }

  function addTimes(times: BigUint64Array, chunk: Chunk): void {
    const between = (from: number, to: number): number =>
      times[to] > times[from] ? Number(times[to] - times[from]) / 1e6 : 0;
    let last = ENDS - 1;
    for (const { stage } of dispatchesOf(chunk)) {
      if (last + 2 >= times.length) break;
      const ms = between(last + 1, last + 2);
      last += 2;
      statistics.kernelMs += ms;
      if (!options.profile) break; // one pass for all dispatches together
      statistics.stageMs[stage.shader] = (statistics.stageMs[stage.shader] ?? 0) + ms;
    }
    statistics.copyInMs += between(0, ENDS);
    statistics.copyOutMs += between(last, 1);
  }

  async function runChunk(slot: Slot, batch: Batch, chunk: Chunk): Promise<void> {
    const start = performance.now();
    let filled = start;
    const longest = Math.max(
      ...repetitions(description).map((item) => turnsOf(item, chunk.longestMessageBytes)),
    );
    await turns.reserve(longest);
    const mapped = session.checked(`${source.id}: running ${chunk.count} items`, () => {
      fill(slot, batch, chunk);
      filled = performance.now();
      device.queue.submit([encode(slot, chunk)]);
      const maps = Promise.all([
        slot.download.mapAsync(MapMode.Read),
        slot.upload.mapAsync(MapMode.Write),
      ]);
      maps.catch(() => {}); // where the submission itself was refused, its error is the one to report
      return maps;
    });
    await session.wait(
      mapped,
      options.timeoutMs,
      () =>
        new LanewiseError(
          "ERR_DEVICE_LOST",
          `${source.id}: ${chunk.count} items took longer than ${options.timeoutMs} ms; the GPU hangs`,
        ),
    );
    const computed = performance.now();
    drain(slot, batch, chunk);
    statistics.chunks++;
    statistics.uploadMs += filled - start;
    statistics.deviceMs += computed - filled;
    statistics.downloadMs += performance.now() - computed;
  }

  /** Runs one chunk in a slot and frees the slot. A slot that failed is thrown away. */
  async function runInSlot(slot: Slot | undefined, batch: Batch, chunk: Chunk): Promise<void> {
    let used = slot;
    try {
      used = await fitted(slot, chunk, batch.algorithm.usesArena);
      await runChunk(used, batch, chunk);
      release(used);
    } catch (error) {
      used?.destroy();
      release(undefined);
      throw failed("ERR_BACKEND_FAILED", source.id, error);
    }
  }

  async function run(batch: Batch, signal: AbortSignal | undefined): Promise<void> {
    const running: Promise<void>[] = [];
    let failure: unknown;
    try {
      for (const chunk of chunksOf(batch, limits)) {
        const slot = await acquire();
        if (signal?.aborted || failure || session.failure) {
          release(slot);
          break;
        }
        running.push(
          runInSlot(slot, batch, chunk).catch((error: unknown) => {
            failure ??= error;
          }),
        );
      }
    } catch (error) {
      failure ??= error;
    }
    await Promise.all(running);
    if (signal?.aborted) {
      failure = new LanewiseError("ERR_ABORTED", "webgpu back end: aborted", {
        cause: signal.reason,
      });
    }
    failure ??= session.failure;
    if (failure) {
      batch.verdicts.fill(Verdict.Unset, 0, batch.count);
      throw failure;
    }
    statistics.batches++;
    statistics.items += batch.count;
  }

  return { compiled, run };
}

/** Uploads the kernel's constant tables. */
function uploadConstants(session: Session, source: KernelSource): Promise<Map<string, GPUBuffer>> {
  return session.checked(`${source.id}: uploading tables`, () => {
    const buffers = new Map<string, GPUBuffer>();
    for (const [name, bytes] of source.constants) {
      const buffer = session.device.createBuffer({
        label: name,
        size: Math.ceil(bytes.byteLength / 4) * 4,
        usage: BufferUsage.Storage,
        mappedAtCreation: true,
      });
      new Uint8Array(buffer.getMappedRange()).set(bytes);
      buffer.unmap();
      buffers.set(name, buffer);
    }
    return buffers;
  });
}

/** The numbers 0, 1, 2, … as uniforms, one per dynamic offset: the turn of a repetition. */
function createTurns(session: Session, compiled: CompiledKernel) {
  const stride = session.device.limits.minUniformBufferOffsetAlignment;
  let count = 0;
  let bindGroup: GPUBindGroup | undefined;
  let buffer: GPUBuffer | undefined;
  return {
    async reserve(needed: number): Promise<void> {
      if (needed <= count) return;
      const size = nextPowerOfTwo(Math.max(needed, 64));
      await session.checked("allocating the turns' numbers", () => {
        const larger = session.device.createBuffer({
          label: "turns",
          size: size * stride,
          usage: BufferUsage.Uniform,
          mappedAtCreation: true,
        });
        const words = new Uint32Array(larger.getMappedRange());
        for (let i = 0; i < size; i++) words[(i * stride) / 4] = i;
        larger.unmap();
        bindGroup = session.device.createBindGroup({
          layout: compiled.turnLayout,
          entries: [{ binding: 0, resource: { buffer: larger, size: 16 } }],
        });
        buffer?.destroy(); // work already submitted keeps it
        buffer = larger;
        count = size;
      });
    },
    group: (): GPUBindGroup => bindGroup as GPUBindGroup,
    offset: (turn: number): number => turn * stride,
  };
}
