/**
 * Cuts a batch into pieces that fit the device's buffers.
 *
 * @module
 */
import { type Batch, LanewiseError } from "../../core/index.ts";

/** Items `first` … `first + count - 1` and the part of the arena that their messages lie in. */
export interface Chunk {
  readonly first: number;
  readonly count: number;
  /** First arena byte to upload, a multiple of 4. */
  readonly arenaStart: number;
  /** Arena bytes to upload. */
  readonly arenaBytes: number;
  /** Bytes of the longest message. */
  readonly longestMessageBytes: number;
}

/** What one chunk may hold. */
export interface ChunkLimits {
  readonly items: number;
  /** Most arena bytes of a chunk of several items. */
  readonly arenaBytes: number;
  /** Most arena bytes that the device can bind at all: the limit of a single message. */
  readonly messageBytes: number;
}

/**
 * The chunks of a batch, in order; none when it is empty. A record whose message is not inside the arena takes no arena bytes:
 * the kernel sees as much from its offset and length, and gives the verdict.
 *
 * @throws LanewiseError `ERR_UNSUPPORTED` where a single message is larger than the device can bind.
 */
export function* chunksOf(batch: Batch, limits: ChunkLimits): Generator<Chunk> {
  if (!batch.algorithm.usesArena) {
    for (let first = 0; first < batch.count; first += limits.items) {
      const count = Math.min(limits.items, batch.count - first);
      yield { first, count, arenaStart: 0, arenaBytes: 0, longestMessageBytes: 0 };
    }
    return;
  }
  const { offset, length } = batch.algorithm.record.fields;
  const recordBytes = batch.algorithm.record.byteLength;
  const view = new DataView(batch.buffer, batch.sections.records, batch.count * recordBytes);
  let open = emptyWindow(0);
  for (let i = 0; i < batch.count; i++) {
    const start = view.getUint32(i * recordBytes + offset.offset, true);
    const bytes = view.getUint32(i * recordBytes + length.offset, true);
    const inside = start + bytes <= batch.arenaLength ? bytes : 0;
    if (inside > limits.messageBytes) {
      throw new LanewiseError(
        "ERR_UNSUPPORTED",
        `webgpu: item ${i}: message of ${bytes} bytes, the adapter binds at most ${limits.messageBytes}`,
      );
    }
    const next = extend(open, start, inside);
    const full = next.count > limits.items || next.end - next.start > limits.arenaBytes;
    if (full && open.count > 0) {
      yield chunkOf(open);
      open = extend(emptyWindow(i), start, inside);
    } else {
      open = next;
    }
  }
  if (open.count > 0) yield chunkOf(open);
}

interface Window {
  readonly first: number;
  readonly count: number;
  /** Arena bytes [start, end); empty while `end` is 0. */
  readonly start: number;
  readonly end: number;
  readonly longest: number;
}

const emptyWindow = (first: number): Window => ({ first, count: 0, start: 0, end: 0, longest: 0 });

/** The window with one more item, whose message has `bytes` bytes from `start` on. */
function extend(window: Window, start: number, bytes: number): Window {
  const count = window.count + 1;
  if (bytes === 0) return { ...window, count };
  const aligned = start - (start % 4); // no bit operations: arenas may be larger than 2 GiB
  const isFirst = window.end === 0;
  return {
    first: window.first,
    count,
    start: isFirst ? aligned : Math.min(window.start, aligned),
    end: isFirst ? start + bytes : Math.max(window.end, start + bytes),
    longest: Math.max(window.longest, bytes),
  };
}

const chunkOf = ({ first, count, start, end, longest }: Window): Chunk => ({
  first,
  count,
  arenaStart: start,
  arenaBytes: end - start,
  longestMessageBytes: longest,
});
