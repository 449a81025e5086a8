// What every stage knows of its chunk. The back end writes it (src/backends/webgpu/runner.ts).
struct Parameters {
  // Items of the chunk; invocations beyond have nothing to do.
  count: u32,
  // Items that the buffers can hold: the stride of word-major buffers.
  capacity: u32,
  // The chunk's arena buffer holds the batch's arena from this byte on, a multiple of 4.
  arenaStart: u32,
  // Bytes of the batch's whole arena: messages that end beyond are out of bounds.
  arenaLength: u32,
}
@group(0) @binding(0) var<uniform> parameters: Parameters;
// Number of the turn, for stages inside a repetition.
@group(1) @binding(0) var<uniform> turn: u32;

override workgroupSize: u32 = 64u;
