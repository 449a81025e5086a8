/**
 * Opens a WebGPU adapter: the browser's own, or Dawn through the optional npm package `webgpu`.
 *
 * @module
 */
import { LanewiseError } from "../../core/index.ts";

/** What is worth knowing of an adapter; plain data, so that it crosses a process boundary. */
export interface AdapterDescription {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  readonly description: string;
  /** The adapter runs on the CPU (SwiftShader, lavapipe, WARP). */
  readonly software: boolean;
  readonly timestamps: boolean;
  /** bytes */
  readonly maxStorageBufferBindingSize: number;
  /** bytes */
  readonly maxBufferSize: number;
  readonly maxStorageBuffersPerShaderStage: number;
  readonly maxComputeWorkgroupsPerDimension: number;
  readonly maxComputeInvocationsPerWorkgroup: number;
}

/**
 * Dawn's instance dies with the object that `create()` returns, and frees itself under pending work when the garbage collector
 * takes it; a module's constant is not root enough. One instance a thread, held for the thread's life.
 */
const INSTANCE = Symbol.for("lanewise.webgpu.instance");
const held = globalThis as { [INSTANCE]?: GPU };

/**
 * The entry point of WebGPU here.
 *
 * @throws LanewiseError `ERR_BACKEND_UNAVAILABLE` where neither the platform nor the package `webgpu` offers one.
 */
export async function openGpu(): Promise<GPU> {
  if (held[INSTANCE]) return held[INSTANCE];
  const platform = (globalThis as { navigator?: { gpu?: GPU } }).navigator?.gpu;
  if (platform) return platform;
  try {
    const { create } = await import("webgpu");
    // Dawn rounds timestamps to 100 µs by default, to tell web pages less.
    held[INSTANCE] = create(["disable-dawn-features=timestamp_quantization"]);
    return held[INSTANCE];
  } catch (cause) {
    throw new LanewiseError(
      "ERR_BACKEND_UNAVAILABLE",
      `the npm package webgpu did not load (${firstLine(cause)}); npm install webgpu@0.6.2`,
      { cause },
    );
  }
}

/** The first line of an error's message. */
export function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n", 1)[0];
}

/**
 * The best adapter, hardware before software.
 *
 * @throws LanewiseError `ERR_BACKEND_UNAVAILABLE` where there is none, or only a software adapter that was not asked for.
 */
export async function openAdapter(allowSoftwareAdapter: boolean): Promise<GPUAdapter> {
  const gpu = await openGpu();
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) {
    throw new LanewiseError(
      "ERR_BACKEND_UNAVAILABLE",
      "no WebGPU adapter: no GPU, or no Vulkan, Metal or Direct3D 12 driver that the loader finds",
    );
  }
  const found = describeAdapter(adapter);
  if (found.software && !allowSoftwareAdapter) {
    throw new LanewiseError(
      "ERR_BACKEND_UNAVAILABLE",
      `only a software adapter (${adapterName(found)}), slower than the wasm back end; refused unless asked for`,
    );
  }
  return adapter;
}

const SOFTWARE = /swiftshader|llvmpipe|lavapipe|softpipe|basic render|warp/i;

/** The facts of an adapter. */
export function describeAdapter(adapter: GPUAdapter): AdapterDescription {
  const { info, limits } = adapter;
  const text = `${info.vendor} ${info.architecture} ${info.device} ${info.description}`;
  return {
    vendor: info.vendor,
    architecture: info.architecture,
    device: info.device,
    description: info.description,
    software:
      SOFTWARE.test(text) ||
      info.architecture === "software" ||
      (info as { isFallbackAdapter?: boolean }).isFallbackAdapter === true,
    timestamps: adapter.features.has("timestamp-query"),
    maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
    maxBufferSize: limits.maxBufferSize,
    maxStorageBuffersPerShaderStage: limits.maxStorageBuffersPerShaderStage,
    maxComputeWorkgroupsPerDimension: limits.maxComputeWorkgroupsPerDimension,
    maxComputeInvocationsPerWorkgroup: limits.maxComputeInvocationsPerWorkgroup,
  };
}

/** A short name for messages: what the driver calls itself. */
export function adapterName(found: AdapterDescription): string {
  return [found.vendor, found.architecture, found.description].filter(Boolean).join(" ");
}

/** A device with the adapter's own limits: the defaults stop at 128 MiB a binding. */
export async function openDevice(adapter: GPUAdapter): Promise<GPUDevice> {
  const { limits, features } = adapter;
  return adapter.requestDevice({
    label: "lanewise",
    requiredFeatures: features.has("timestamp-query") ? ["timestamp-query"] : [],
    requiredLimits: {
      maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
      maxBufferSize: limits.maxBufferSize,
      maxStorageBuffersPerShaderStage: limits.maxStorageBuffersPerShaderStage,
      maxComputeInvocationsPerWorkgroup: limits.maxComputeInvocationsPerWorkgroup,
      maxComputeWorkgroupSizeX: limits.maxComputeWorkgroupSizeX,
      maxComputeWorkgroupsPerDimension: limits.maxComputeWorkgroupsPerDimension,
    },
  });
}
