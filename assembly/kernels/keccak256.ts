// keccak256 (src/algorithms/keccak256.ts): record {offset u32, length u32} → digest[32]. ABI: ARCHITECTURE.md.
// asc: --optimizeLevel 3
import { keccak256Messages } from "../lib/keccak";

export const RECORD_BYTES: i32 = 8;
export const RESULT_BYTES: i32 = 32;
export const LANES: i32 = 2;
/** One-block messages of a full call take about a millisecond. */
export const MAX_ITEMS: i32 = 4096;
/** Some 30 µs of work: what waking a worker and back costs. */
export const INLINE_ITEMS: i32 = 128;

export function initialize(): void {}

export function heapBase(): usize {
  return __heap_base;
}

export function run(
  records: usize,
  arena: usize,
  arenaBytes: u32,
  verdicts: usize,
  results: usize,
  count: u32,
): void {
  keccak256Messages(records, 8, arena, arenaBytes, verdicts, results, 32, count);
}
