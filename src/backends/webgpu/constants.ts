/**
 * Flag values of the WebGPU specification (§5.1, §5.2, §8.1.1), so that nothing needs the browser's global objects.
 *
 * @module
 */

export const BufferUsage = {
  MapRead: 0x1,
  MapWrite: 0x2,
  CopySource: 0x4,
  CopyDestination: 0x8,
  Uniform: 0x40,
  Storage: 0x80,
  QueryResolve: 0x200,
} as const;

export const MapMode = { Read: 0x1, Write: 0x2 } as const;

export const ShaderStage = { Compute: 0x4 } as const;
