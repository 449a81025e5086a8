// Binary Merkle trees of SSZ: digests of pairs of nodes, in buffers of the module's own. Host: src/node/ssz.ts.
// asc: --optimizeLevel 3
import { sha256Nodes } from "../lib/sha256";

/** Pairs that the buffers hold, a multiple of the vector's four: input and output stay inside a second-level cache. */
export const CAPACITY: i32 = 1024;

const PAIRS: usize = memory.data(1024 * 64, 16);
const NODES: usize = memory.data(1024 * 32, 16);

/** Where `hashPairs` reads 64 bytes a pair. */
export function pairs(): usize {
  return PAIRS;
}

/** Where `hashPairs` writes 32 bytes a pair. */
export function nodes(): usize {
  return NODES;
}

/** Hashes the first `count` pairs, at most CAPACITY. What lies behind the last digest is overwritten. */
export function hashPairs(count: u32): void {
  sha256Nodes(PAIRS, NODES, count);
}
