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
  readonly ENTROPY_BYTES?: WebAssembly.Global;
  seed?(): number;
  entropy?(): number;
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

/** What engines copy at a time between shared and private memory. */
const WORD_BYTES = 8;

/** Most that `crypto.getRandomValues` gives at once. */
const ENTROPY_BYTES_PER_DRAW = 65_536;

/** A window may hold this many bytes per wanted byte before messages are gathered one by one instead. */
const MAX_WINDOW_WASTE = 2;

const align16 = (bytes: number): number => (bytes + 15) & ~15;

/** Items that one call takes: their messages' bytes all told, and the window these lie in. */
interface Span {
  count: number;
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

  /** Copies `count` records in and looks how many of them one call may take, given what their messages weigh. */
  function loadRecords(view: BatchView, arenaBytes: number, first: number, count: number): Span {
    const { recordBytes, message } = shape;
    bytes.set(
      new Uint8Array(view.buffer, view.records + first * recordBytes, count * recordBytes),
      recordsAt,
    );
    const span: Span = { count, low: arenaBytes, high: 0, bytes: 0 };
    if (!message) return span;
    const words = new Uint32Array(memory.buffer, recordsAt, (count * recordBytes) >>> 2);
    const step = recordBytes >>> 2;
    let offsetAt = message.offset >>> 2;
    let lengthAt = message.length >>> 2;
    for (let i = 0; i < count; i++, offsetAt += step, lengthAt += step) {
      const start = words[offsetAt];
      const size = words[lengthAt];
      const end = start + size;
      if (end > arenaBytes || size === 0) continue;
      if (span.bytes > 0 && span.bytes + size > ARENA_BYTES_PER_CALL) {
        span.count = i;
        break;
      }
      if (start < span.low) span.low = start;
      if (end > span.high) span.high = end;
      span.bytes += size;
    }
    return span;
  }

  /** Copies scattered messages in one after another, and points the private records at the copies. */
  function gather(source: Uint8Array, count: number): void {
    const { offset, length } = shape.message!;
    const records = new DataView(memory.buffer, recordsAt);
    let packed = 0;
    for (let i = 0; i < count; i++) {
      const record = i * shape.recordBytes;
      const start = records.getUint32(record + offset, true);
      const size = records.getUint32(record + length, true);
      if (start + size > source.length) {
        // Outside the batch's arena: must stay outside the copy too, however large that is.
        records.setUint32(record + offset, 0xffff_ffff, true);
        records.setUint32(record + length, 0xffff_ffff, true);
      } else {
        bytes.set(source.subarray(start, start + size), arenaAt + packed);
        records.setUint32(record + offset, packed, true);
        packed += size;
      }
    }
  }

  /** Fresh randomness for each record, where the kernel asks for it: batch checks weigh records by numbers nobody can foresee. */
  function drawEntropy(count: number): void {
    if (!exports.entropy) return;
    const start = exports.entropy();
    const end = start + count * (exports.ENTROPY_BYTES?.value ?? 0);
    for (let at = start; at < end; at += ENTROPY_BYTES_PER_DRAW) {
      crypto.getRandomValues(bytes.subarray(at, Math.min(end, at + ENTROPY_BYTES_PER_DRAW)));
    }
  }

  /** One call: as many of the `most` items from `first` on as it can take; how many that was. */
  function runCall(view: BatchView, arenaBytes: number, first: number, most: number): number {
    const { resultBytes } = shape;
    const span = loadRecords(view, arenaBytes, first, most);
    const { count, low, high } = span;
    let arena = arenaAt;
    let arenaLength = arenaBytes;
    if (span.bytes > 0) {
      const source = new Uint8Array(view.buffer, view.arena, arenaBytes);
      if (high - low <= MAX_WINDOW_WASTE * span.bytes + PAGE_BYTES) {
        // Messages that lie close together come as one window. The kernel is told where the arena's first byte would
        // lie if all of it had been copied; addresses wrap, and it checks bounds by offset and length alone.
        // The copy lies on its words as the source does on its own: shared memory that does not is copied byte by byte.
        const at = arenaAt + (low % WORD_BYTES);
        reserve(high - low + WORD_BYTES);
        bytes.set(source.subarray(low, high), at);
        arena = at - low;
      } else {
        reserve(span.bytes);
        gather(source, count);
        arenaLength = span.bytes;
      }
    }
    drawEntropy(count);
    exports.run(recordsAt, arena, arenaLength, verdictsAt, resultsAt, count);
    if (bytes.buffer !== memory.buffer) bytes = new Uint8Array(memory.buffer);
    new Uint8Array(view.buffer, view.verdicts + first * 4, count * 4).set(
      bytes.subarray(verdictsAt, verdictsAt + count * 4),
    );
    new Uint8Array(view.buffer, view.results + first * resultBytes, count * resultBytes).set(
      bytes.subarray(resultsAt, resultsAt + count * resultBytes),
    );
    return count;
  }

  return {
    limits,
    memoryBytes: () => memory.buffer.byteLength,
    run(view, arenaBytes, first, count) {
      const end = first + count;
      for (let from = first; from < end; ) {
        from += runCall(view, arenaBytes, from, Math.min(end - from, maxItems));
      }
    },
  };
}
