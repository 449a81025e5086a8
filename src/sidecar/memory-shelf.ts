/**
 * Memory that is used again: bodies and answers of a few hundred KB, made and dropped for each request, would be memory that V8's
 * collector hears of, and it would mark the whole heap every few requests.
 *
 * @module
 */

/** Pieces smaller than this are not worth keeping. */
const SMALLEST_BYTES = 16 * 1024;

/** Bytes kept at most, while nobody uses them. */
const MOST_KEPT_BYTES = 16 * 2 ** 20;

/** See the module's description. */
export class MemoryShelf {
  /** Sizes are powers of two. */
  readonly #kept = new Map<number, ArrayBuffer[]>();
  #keptBytes = 0;

  /** Bytes kept now. */
  get keptBytes(): number {
    return this.#keptBytes;
  }

  /** Memory of at least so many bytes, with whatever lies in it. */
  take(bytes: number): ArrayBuffer {
    if (bytes < SMALLEST_BYTES) return new ArrayBuffer(bytes);
    const size = 2 ** Math.ceil(Math.log2(bytes));
    const memory = this.#kept.get(size)?.pop();
    if (memory === undefined) return new ArrayBuffer(size);
    this.#keptBytes -= size;
    return memory;
  }

  /** Takes memory back that nobody reads or writes any more. What was taken and is not given back is simply forgotten. */
  give(memory: ArrayBuffer): void {
    const size = memory.byteLength;
    if (size < SMALLEST_BYTES || this.#keptBytes + size > MOST_KEPT_BYTES) return;
    this.#keptBytes += size;
    const same = this.#kept.get(size);
    if (same === undefined) this.#kept.set(size, [memory]);
    else same.push(memory);
  }
}
