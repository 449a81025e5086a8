/**
 * SSZ plug-in (`lanewise/ssz`): a hasher for `setHasher` of `@chainsafe/persistent-merkle-tree`, on four SHA-256 lanes of
 * WebAssembly SIMD, synchronous on the calling thread.
 *
 * Hashes of many nodes (a level of a tree, a list's chunks, a batch of validators) go four at a time; a single pair takes as long
 * as four.
 *
 * @module
 */
import { loadAsset } from "../backends/assets.ts";
import { detectSimd } from "../backends/wasm/features.ts";
import { LanewiseError } from "../core/index.ts";

/** A node's 32 bytes as eight little-endian words, as ChainSafe's tree keeps them. */
export interface SszHashObject {
  h0: number;
  h1: number;
  h2: number;
  h3: number;
  h4: number;
  h5: number;
  h6: number;
  h7: number;
}

/** One node to be computed from its two children. */
export interface SszHashComputation {
  readonly src0: SszHashObject;
  readonly src1: SszHashObject;
  readonly dest: SszHashObject;
}

/** `Hasher` of `@chainsafe/persistent-merkle-tree` 1.x. */
export interface SszHasher {
  name: string;
  /** Hashes every 64 bytes of `input` to 32 of `output`; the two may begin at the same byte. */
  hashInto(input: Uint8Array, output: Uint8Array): void;
  /** Hashes two nodes of 32 bytes. */
  digest64(left: Uint8Array, right: Uint8Array): Uint8Array;
  digest64Into(left: Uint8Array, right: Uint8Array, output: Uint8Array): void;
  digest64HashObjects(left: SszHashObject, right: SszHashObject, parent: SszHashObject): void;
  /** Root of the tree over blocks of 64 bytes, padded with zero nodes to `padFor` chunks of 32. `blocksBytes` is overwritten. */
  merkleizeBlocksBytes(
    blocksBytes: Uint8Array,
    padFor: number,
    output: Uint8Array,
    offset: number,
  ): void;
  /** The same over the first `blockLimit` of several blocks. */
  merkleizeBlockArray(
    blocks: Uint8Array[],
    blockLimit: number,
    padFor: number,
    output: Uint8Array,
    offset: number,
  ): void;
  /** Replaces every 2^`nLevel` chunks by the root over them. The result lies in `data`. */
  digestNLevel(data: Uint8Array, nLevel: number): Uint8Array;
  /** Computes nodes level by level, the last level first. */
  executeHashComputations(levels: Iterable<SszHashComputation>[]): void;
}

interface Exports {
  readonly memory: WebAssembly.Memory;
  readonly CAPACITY: WebAssembly.Global;
  pairs(): number;
  nodes(): number;
  hashPairs(count: number): void;
}

const NODE_BYTES = 32;
const PAIR_BYTES = 64;

/** Words of a pair and of a node. */
const PAIR_WORDS = 16;
const NODE_WORDS = 8;

/**
 * Compiles the kernel and returns the hasher. Give it to `setHasher` before any other code of the tree runs.
 *
 * @throws LanewiseError `ERR_BACKEND_UNAVAILABLE` where the engine has no WebAssembly SIMD.
 *
 * @example
 * setHasher(await createSszHasher());
 */
export async function createSszHasher(): Promise<SszHasher> {
  if ((await detectSimd()) === "none") {
    const message = "ssz hasher: this engine has no WebAssembly SIMD";
    throw new LanewiseError("ERR_BACKEND_UNAVAILABLE", message);
  }
  const module = await WebAssembly.compile(await loadAsset("kernels/ssz-hasher.wasm"));
  const instance = await WebAssembly.instantiate(module, {});
  return new LaneSszHasher(instance.exports as unknown as Exports);
}

class LaneSszHasher implements SszHasher {
  readonly name = "lanewise";
  readonly #hashPairs: (count: number) => void;
  readonly #capacity: number;
  readonly #pairs: Uint8Array;
  readonly #nodes: Uint8Array;
  /** Signed, since V8 keeps a signed word inline where an unsigned one becomes an object. */
  readonly #pairWords: Int32Array;
  readonly #nodeWords: Int32Array;
  readonly #destinations: (SszHashObject | undefined)[];
  /** Root of a tree of zeros, by height. */
  readonly #zeros: Uint8Array[] = [new Uint8Array(NODE_BYTES)];
  #scratch: Uint8Array = new Uint8Array(0);

  constructor(exports: Exports) {
    const { buffer } = exports.memory;
    const capacity: number = exports.CAPACITY.value;
    this.#hashPairs = exports.hashPairs;
    this.#capacity = capacity;
    this.#pairs = new Uint8Array(buffer, exports.pairs(), capacity * PAIR_BYTES);
    this.#nodes = new Uint8Array(buffer, exports.nodes(), capacity * NODE_BYTES);
    this.#pairWords = new Int32Array(buffer, exports.pairs(), capacity * PAIR_WORDS);
    this.#nodeWords = new Int32Array(buffer, exports.nodes(), capacity * NODE_WORDS);
    this.#destinations = new Array(capacity).fill(undefined);
  }

  hashInto(input: Uint8Array, output: Uint8Array): void {
    const count = input.length / PAIR_BYTES;
    if (!Number.isInteger(count)) {
      throw new RangeError(
        `input: expected a multiple of ${PAIR_BYTES} bytes, got ${input.length}`,
      );
    }
    if (output.length !== count * NODE_BYTES) {
      throw new RangeError(`output: expected ${count * NODE_BYTES} bytes, got ${output.length}`);
    }
    // A chunk is read whole before its digests are written over it.
    for (let first = 0; first < count; first += this.#capacity) {
      const chunk = Math.min(this.#capacity, count - first);
      this.#pairs.set(input.subarray(first * PAIR_BYTES, (first + chunk) * PAIR_BYTES));
      this.#hashPairs(chunk);
      output.set(this.#nodes.subarray(0, chunk * NODE_BYTES), first * NODE_BYTES);
    }
  }

  digest64(left: Uint8Array, right: Uint8Array): Uint8Array {
    const output = new Uint8Array(NODE_BYTES);
    this.digest64Into(left, right, output);
    return output;
  }

  digest64Into(left: Uint8Array, right: Uint8Array, output: Uint8Array): void {
    for (const bytes of [left, right, output]) {
      if (bytes.length === NODE_BYTES) continue;
      throw new RangeError(`node: expected ${NODE_BYTES} bytes, got ${bytes.length}`);
    }
    this.#pairs.set(left);
    this.#pairs.set(right, NODE_BYTES);
    this.#hashPairs(1);
    for (let i = 0; i < NODE_BYTES; i++) output[i] = this.#nodes[i];
  }

  digest64HashObjects(left: SszHashObject, right: SszHashObject, parent: SszHashObject): void {
    writeWords(this.#pairWords, 0, left);
    writeWords(this.#pairWords, NODE_WORDS, right);
    this.#hashPairs(1);
    readWords(this.#nodeWords, 0, parent);
  }

  merkleizeBlocksBytes(
    blocksBytes: Uint8Array,
    padFor: number,
    output: Uint8Array,
    offset: number,
  ): void {
    const height = heightOf(padFor);
    let { length } = blocksBytes;
    if (length === 0) {
      output.set(this.#zero(height), offset);
      return;
    }
    const unit = padFor > 1 ? PAIR_BYTES : NODE_BYTES;
    if (length % unit !== 0) {
      throw new RangeError(`blocksBytes: expected a multiple of ${unit} bytes, got ${length}`);
    }
    for (let level = 0; level < height; level++) {
      const half = length / 2;
      this.hashInto(blocksBytes.subarray(0, length), blocksBytes.subarray(0, half));
      length = half;
      if (half % PAIR_BYTES !== 0 && level + 1 < height) {
        blocksBytes.set(this.#zero(level + 1), half);
        length += NODE_BYTES;
      }
    }
    output.set(blocksBytes.subarray(0, NODE_BYTES), offset);
  }

  merkleizeBlockArray(
    blocks: Uint8Array[],
    blockLimit: number,
    padFor: number,
    output: Uint8Array,
    offset: number,
  ): void {
    if (blockLimit > blocks.length) {
      throw new RangeError(`blockLimit: expected at most ${blocks.length}, got ${blockLimit}`);
    }
    const bytes = blockLimit * PAIR_BYTES;
    if (this.#scratch.length < bytes) this.#scratch = new Uint8Array(2 * bytes);
    for (let i = 0; i < blockLimit; i++) {
      if (blocks[i].length !== PAIR_BYTES) {
        throw new RangeError(`blocks[${i}]: expected ${PAIR_BYTES} bytes, got ${blocks[i].length}`);
      }
      this.#scratch.set(blocks[i], i * PAIR_BYTES);
    }
    this.merkleizeBlocksBytes(this.#scratch.subarray(0, bytes), padFor, output, offset);
  }

  digestNLevel(data: Uint8Array, nLevel: number): Uint8Array {
    if (!Number.isInteger(nLevel) || nLevel < 1) {
      throw new RangeError(`nLevel: expected a positive integer, got ${nLevel}`);
    }
    const unit = NODE_BYTES * 2 ** nLevel;
    if (data.length % unit !== 0) {
      throw new RangeError(`data: expected a multiple of ${unit} bytes, got ${data.length}`);
    }
    let { length } = data;
    for (let level = 0; level < nLevel; level++) {
      this.hashInto(data.subarray(0, length), data.subarray(0, length / 2));
      length /= 2;
    }
    return data.subarray(0, length);
  }

  executeHashComputations(levels: Iterable<SszHashComputation>[]): void {
    for (let level = levels.length - 1; level >= 0; level--) {
      let count = 0;
      for (const { src0, src1, dest } of levels[level]) {
        writeWords(this.#pairWords, count * PAIR_WORDS, src0);
        writeWords(this.#pairWords, count * PAIR_WORDS + NODE_WORDS, src1);
        this.#destinations[count++] = dest;
        if (count < this.#capacity) continue;
        this.#flush(count);
        count = 0;
      }
      this.#flush(count);
    }
  }

  /** Hashes what was written and hands the nodes out; holds on to none of them. */
  #flush(count: number): void {
    this.#hashPairs(count);
    for (let i = 0; i < count; i++) {
      readWords(this.#nodeWords, i * NODE_WORDS, this.#destinations[i] as SszHashObject);
      this.#destinations[i] = undefined;
    }
  }

  #zero(height: number): Uint8Array {
    for (let next = this.#zeros.length; next <= height; next++) {
      this.#zeros.push(this.digest64(this.#zeros[next - 1], this.#zeros[next - 1]));
    }
    return this.#zeros[height];
  }
}

function heightOf(padFor: number): number {
  if (!(padFor >= 1)) throw new RangeError(`padFor: expected at least 1, got ${padFor}`);
  return Math.ceil(Math.log2(padFor));
}

function writeWords(words: Int32Array, at: number, node: SszHashObject): void {
  words[at] = node.h0;
  words[at + 1] = node.h1;
  words[at + 2] = node.h2;
  words[at + 3] = node.h3;
  words[at + 4] = node.h4;
  words[at + 5] = node.h5;
  words[at + 6] = node.h6;
  words[at + 7] = node.h7;
}

function readWords(words: Int32Array, at: number, node: SszHashObject): void {
  node.h0 = words[at];
  node.h1 = words[at + 1];
  node.h2 = words[at + 2];
  node.h3 = words[at + 3];
  node.h4 = words[at + 4];
  node.h5 = words[at + 5];
  node.h6 = words[at + 6];
  node.h7 = words[at + 7];
}
