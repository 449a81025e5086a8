/**
 * One instance of a WebAssembly kernel with its private memory (ABI: ARCHITECTURE.md), and the copy of a chunk in and out.
 *
 * @module
 */

/** What the host knows of an algorithm: sizes, and where records point into the arena. Plain data: it crosses threads. */
export interface KernelShape {
  readonly recordBytes: number;
  readonly resultBytes: number;
  /** Byte offsets in a record of the u32 fields `offset` and `length`; absent where records do not use the arena. */
  readonly message?: { readonly offset: number; readonly length: number };
}

/** A batch's sections in its shared buffer, as byte offsets. Plain data: it crosses threads. */
export interface BatchView {
  readonly buffer: SharedArrayBuffer;
  readonly records: number;
  readonly arena: number;
  readonly verdicts: number;
  readonly results: number;
}

/** Sizes that a compiled kernel states of itself. */
export interface KernelLimits {
  readonly lanes: number;
  readonly maxItems: number;
  /** Most items worth running on the calling thread: less work than waking a worker and back is worth. */
  readonly inlineItems: number;
}

/** An instance ready to run. */
export interface Kernel {
  readonly limits: KernelLimits;
  /** Size of the private memory now. */
  memoryBytes(): number;
  /**
   * Runs items `first` … `first + count - 1` of the batch and writes their verdicts and results into it.
   *
   * @param arenaBytes bytes of the batch's arena in use.
   * @throws WebAssembly.RuntimeError or RangeError when the kernel traps or memory cannot grow; discard the instance then.
   */
  run(view: BatchView, arenaBytes: number, first: number, count: number): void;
}

interface KernelExports {
  readonly memory: WebAssembly.Memory;
  readonly RECORD_BYTES: WebAssembly.Global;
  readonly RESULT_BYTES: WebAssembly.Global;
  readonly LANES: WebAssembly.Global;
  readonly MAX_ITEMS: WebAssembly.Global;
  readonly INLINE_ITEMS?: WebAssembly.Global;
  seed?(): number;
  initialize(): void;
  heapBase(): number;
  run(
    records: number,
    arena: number,
    arenaBytes: number,
    verdicts: number,
    results: number,
    count: number,
  ): void;
}

const PAGE_BYTES = 65_536;

/** Arena bytes copied in for one call of `run`, unless a single message is longer. Keeps a worker's memory small. */
const ARENA_BYTES_PER_CALL = 1 << 20;

/** A window may hold this many bytes per wanted byte before messages are gathered one by one instead. */
const MAX_WINDOW_WASTE = 2;

const align16 = (bytes: number): number => (bytes + 15) & ~15;

/** Messages of items `from` … `to - 1`: their bytes all told and the window they lie in. */
interface Span {
  to: number;
  low: number;
  high: number;
  bytes: number;
}

/** Reads a compiled kernel's own statement of its sizes, without building its tables. */
export async function readLimits(module: WebAssembly.Module): Promise<KernelLimits> {
  const { exports } = await WebAssembly.instantiate(module, {});
  return limitsOf(exports as unknown as KernelExports);
}

function limitsOf(exports: KernelExports): KernelLimits {
  const lanes: number = exports.LANES.value;
  return {
    lanes,
    maxItems: exports.MAX_ITEMS.value,
    inlineItems: exports.INLINE_ITEMS?.value ?? 2 * lanes,
  };
}

/** Instantiates and initializes a kernel. @throws Error when the module is not a kernel of this shape. */
export async function createKernel(
  module: WebAssembly.Module,
  shape: KernelShape,
): Promise<Kernel> {
  const instance = await WebAssembly.instantiate(module, {});
  const exports = instance.exports as unknown as KernelExports;
  const { memory } = exports;
  if (
    exports.RECORD_BYTES.value !== shape.recordBytes ||
    exports.RESULT_BYTES.value !== shape.resultBytes
  ) {
    throw new Error(
      `kernel: expected records of ${shape.recordBytes} and results of ${shape.resultBytes} bytes, got ` +
        `${exports.RECORD_BYTES.value} and ${exports.RESULT_BYTES.value}`,
    );
  }
  // Kernels that blind their arithmetic against crafted batches take their entropy here.
  if (exports.seed) crypto.getRandomValues(new Uint8Array(memory.buffer, exports.seed(), 32));
  exports.initialize();
  const limits = limitsOf(exports);
  const { maxItems } = limits;
  const recordsAt = align16(exports.heapBase());
  const verdictsAt = align16(recordsAt + maxItems * shape.recordBytes);
  const resultsAt = align16(verdictsAt + maxItems * 4);
  const arenaAt = align16(resultsAt + maxItems * shape.resultBytes);
  let bytes = new Uint8Array(memory.buffer);
  reserve(0);

  /** Grows the memory until the arena section holds this many bytes. */
  function reserve(arenaBytes: number): void {
    const missing = arenaAt + arenaBytes - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / PAGE_BYTES));
    if (bytes.buffer !== memory.buffer) bytes = new Uint8Array(memory.buffer);
  }

  /** How far from item `from` one call may go, given what its messages weigh. */
  function measure(records: DataView, arenaBytes: number, from: number, end: number): Span {
    const { offset, length } = shape.message!;
    const span: Span = { to: from, low: arenaBytes, high: 0, bytes: 0 };
    for (; span.to < end; span.to++) {
      const record = span.to * shape.recordBytes;
      const start = records.getUint32(record + offset, true);
      const size = records.getUint32(record + length, true);
      if (start + size > arenaBytes) continue;
      if (span.bytes > 0 && span.bytes + size > ARENA_BYTES_PER_CALL) break;
      span.low = Math.min(span.low, start);
      span.high = Math.max(span.high, start + size);
      span.bytes += size;
    }
    return span;
  }

  /**
   * Copies the messages of `count` records into the private arena and points the records at the copies.
   * Messages that lie close together come as one window; scattered ones are gathered.
   */
  function copyMessages(source: Uint8Array, arenaBytes: number, count: number, span: Span): number {
    const { offset, length } = shape.message!;
    const window = Math.max(0, span.high - span.low);
    const gather = window > MAX_WINDOW_WASTE * span.bytes + PAGE_BYTES;
    const size = gather ? span.bytes : window;
    reserve(size);
    if (!gather && window > 0) bytes.set(source.subarray(span.low, span.high), arenaAt);
    const records = new DataView(memory.buffer, recordsAt);
    let packed = 0;
    for (let i = 0; i < count; i++) {
      const record = i * shape.recordBytes;
      const start = records.getUint32(record + offset, true);
      const messageBytes = records.getUint32(record + length, true);
      if (start + messageBytes > arenaBytes) {
        // Outside the batch's arena: must stay outside the copy too, whatever its size.
        records.setUint32(record + offset, 0xffff_ffff, true);
        records.setUint32(record + length, 0xffff_ffff, true);
      } else if (gather) {
        bytes.set(source.subarray(start, start + messageBytes), arenaAt + packed);
        records.setUint32(record + offset, packed, true);
        packed += messageBytes;
      } else {
        // An empty message may lie anywhere, even outside the window.
        records.setUint32(record + offset, messageBytes === 0 ? 0 : start - span.low, true);
      }
    }
    return size;
  }

  /** One call: at most `maxItems` items whose messages fit the budget. */
  function runCall(view: BatchView, arenaBytes: number, first: number, span: Span): void {
    const count = span.to - first;
    const { recordBytes, resultBytes } = shape;
    bytes.set(
      new Uint8Array(view.buffer, view.records + first * recordBytes, count * recordBytes),
      recordsAt,
    );
    let copied = 0;
    if (shape.message) {
      const source = new Uint8Array(view.buffer, view.arena, arenaBytes);
      copied = copyMessages(source, arenaBytes, count, span);
    }
    exports.run(recordsAt, arenaAt, copied, verdictsAt, resultsAt, count);
    if (bytes.buffer !== memory.buffer) bytes = new Uint8Array(memory.buffer);
    new Uint8Array(view.buffer, view.verdicts + first * 4, count * 4).set(
      bytes.subarray(verdictsAt, verdictsAt + count * 4),
    );
    new Uint8Array(view.buffer, view.results + first * resultBytes, count * resultBytes).set(
      bytes.subarray(resultsAt, resultsAt + count * resultBytes),
    );
  }

  return {
    limits,
    memoryBytes: () => memory.buffer.byteLength,
    run(view, arenaBytes, first, count) {
      const end = first + count;
      const records = new DataView(view.buffer, view.records);
      for (let from = first; from < end; ) {
        const limit = Math.min(end, from + maxItems);
        const span = shape.message
          ? measure(records, arenaBytes, from, limit)
          : { to: limit, low: 0, high: 0, bytes: 0 };
        runCall(view, arenaBytes, from, span);
        from = span.to;
      }
    },
  };
}
