// sha256 (src/algorithms/sha256.ts): record {offset u32, length u32} → digest[32]. ABI: ARCHITECTURE.md.
// asc: --optimizeLevel 3
import { sha256Messages } from "../lib/sha256";

export const RECORD_BYTES: i32 = 8;
export const RESULT_BYTES: i32 = 32;
export const LANES: i32 = 4;
/** Short messages of a full call take about a millisecond. */
export const MAX_ITEMS: i32 = 8192;
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
  sha256Messages(records, 8, arena, arenaBytes, verdicts, results, 32, count);
}
