/**
 * Merkle trees over any back end: on a device in one go, elsewhere a batch of pairs a level. Padding on the right is SSZ's: an empty
 * leaf is 32 zero bytes, an empty tree the hash of two empty ones a level below (consensus-specs, ssz/simple-serialize.md).
 *
 * @module
 */
import { type Algorithm, type Backend, Batch, LanewiseError } from "../core/index.ts";

const NODE_BYTES = 32;
const MOST_DEPTH = 64;
/** Pairs of one batch, so that large levels fill every worker and bound the memory. */
const BATCH_PAIRS = 2 ** 16;

/** Where a tree is reduced. */
export interface MerkleOptions {
  /** A row whose records are messages and whose results are 32 bytes: `sha256`, `keccak256`. */
  readonly hash: Algorithm;
  /** Levels above the leaves, as for SSZ lists of a limit; default: what the leaves need. At most 64. */
  readonly depth?: number;
}

/**
 * The root.
 *
 * @param leaves 32 bytes each.
 * @throws RangeError where the leaves are not whole, or do not fit the depth. LanewiseError as `Backend.run`.
 */
export async function merkleRoot(
  backend: Backend,
  leaves: Uint8Array,
  options: MerkleOptions,
): Promise<Uint8Array> {
  const levels = await reduce(backend, leaves, options, true);
  // No level: the one leaf, or the empty one.
  return levels.at(-1) ?? (leaves.length > 0 ? leaves.slice() : new Uint8Array(NODE_BYTES));
}

/** All levels above the leaves, lowest first: `levels[0]` are the leaves' parents, the last is the root. As {@link merkleRoot}. */
export function merkleLevels(
  backend: Backend,
  leaves: Uint8Array,
  options: MerkleOptions,
): Promise<Uint8Array[]> {
  return reduce(backend, leaves, options, false);
}

async function reduce(
  backend: Backend,
  given: Uint8Array,
  { hash, depth: asked }: MerkleOptions,
  rootOnly: boolean,
): Promise<Uint8Array[]> {
  if (given.length % NODE_BYTES !== 0) {
    throw new RangeError(`leaves: expected a multiple of 32 bytes, got ${given.length}`);
  }
  const leaves = given.length === 0 ? new Uint8Array(NODE_BYTES) : given;
  const needed = Math.ceil(Math.log2(leaves.length / NODE_BYTES));
  const depth = asked ?? needed;
  if (!Number.isInteger(depth) || depth < needed || depth > MOST_DEPTH) {
    throw new RangeError(
      `depth: expected an integer from ${needed} to ${MOST_DEPTH}, got ${depth}`,
    );
  }
  if (depth === 0) return [];
  try {
    const levels = await backend.reduceTree?.(hash, leaves, depth, rootOnly);
    if (levels !== undefined) return levels;
  } catch (error) {
    // A tree too large for the device in one go is hashed in batches.
    if (!(error instanceof LanewiseError) || error.code !== "ERR_UNSUPPORTED") throw error;
  }
  const levels: Uint8Array[] = [];
  let level = leaves;
  let empty: Uint8Array = new Uint8Array(NODE_BYTES);
  for (let height = 0; height < depth; height++) {
    const isOdd = (level.length / NODE_BYTES) % 2 === 1;
    // The last pair is two empty trees: what pads the next level.
    const padded = new Uint8Array(level.length + (isOdd ? 3 : 2) * NODE_BYTES);
    padded.set(level);
    for (let at = level.length; at < padded.length; at += NODE_BYTES) padded.set(empty, at);
    const hashed = await hashPairs(backend, hash, padded);
    level = hashed.subarray(0, -NODE_BYTES);
    empty = hashed.subarray(-NODE_BYTES);
    if (!rootOnly || height === depth - 1) levels.push(level);
  }
  return levels;
}

/** The hash of every 64 bytes. */
async function hashPairs(
  backend: Backend,
  hash: Algorithm,
  nodes: Uint8Array,
): Promise<Uint8Array> {
  const pairs = nodes.length / (2 * NODE_BYTES);
  const out = new Uint8Array(pairs * NODE_BYTES);
  const { offset, length } = hash.record.fields;
  for (let first = 0; first < pairs; first += BATCH_PAIRS) {
    const count = Math.min(BATCH_PAIRS, pairs - first);
    const bytes = nodes.subarray(2 * NODE_BYTES * first, 2 * NODE_BYTES * (first + count));
    const batch = new Batch(hash, count, bytes.length);
    batch.arena.set(bytes);
    batch.arenaLength = bytes.length;
    batch.count = count;
    const view = new DataView(batch.buffer, batch.sections.records);
    for (let i = 0; i < count; i++) {
      view.setUint32(i * hash.record.byteLength + offset.offset, i * 2 * NODE_BYTES, true);
      view.setUint32(i * hash.record.byteLength + length.offset, 2 * NODE_BYTES, true);
    }
    await backend.run(batch);
    out.set(batch.results, first * NODE_BYTES);
  }
  return out;
}
