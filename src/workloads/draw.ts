/**
 * Skewed draws: how often a workload comes back to the same account, pool or item.
 *
 * @module
 */
import type { Random } from "./random.ts";

/** How much of a workload meets in the same places. */
export type Contention = "low" | "medium" | "high";

/** Every index alike. */
export const drawUniform = (random: Random, count: number): number => random.below(count);

/** Zipf's law with exponent 1, by inversion: index k with probability ln((k + 2) / (k + 1)) / ln(count + 1). */
export function drawZipf(random: Random, count: number): number {
  const unit = random.below(2 ** 32) / 2 ** 32;
  return Math.min(count - 1, Math.floor((count + 1) ** unit) - 1);
}

/** One draw in ten is index 0; the rest are uniform over the others. */
export function drawHot(random: Random, count: number): number {
  if (count === 1 || random.below(10) === 0) return 0;
  return 1 + random.below(count - 1);
}
