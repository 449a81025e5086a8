/**
 * How long a back end takes for a batch, learnt from every batch it runs: latency ≈ fixed + perItem × count.
 *
 * A least-squares line with exponential forgetting: an observation weighs half after {@link HALF_LIFE} more, so the model follows
 * a machine that changes (another process, thermal limits, a driver that got faster after warm-up).
 *
 * @module
 */

/** Observations after which one counts half. Sixteen batches are a fraction of a second under load. */
const HALF_LIFE = 16;
const DECAY = 0.5 ** (1 / HALF_LIFE);

/** The line for one back end and one algorithm. Times are in milliseconds. */
export class CostModel {
  #weight = 0;
  #n = 0;
  #nn = 0;
  #t = 0;
  #nt = 0;

  /** Batches seen. */
  observations = 0;

  /** Takes in a batch of `count` items that took `ms`. */
  observe(count: number, ms: number): void {
    this.observations++;
    this.#weight = this.#weight * DECAY + 1;
    this.#n = this.#n * DECAY + count;
    this.#nn = this.#nn * DECAY + count * count;
    this.#t = this.#t * DECAY + ms;
    this.#nt = this.#nt * DECAY + count * ms;
  }

  /** Fixed cost of a batch and cost of an item; both at least zero, whatever the noise. */
  line(): { fixedMs: number; perItemMs: number } {
    const { n, t } = { n: this.#n / this.#weight, t: this.#t / this.#weight };
    const variance = this.#nn / this.#weight - n * n;
    // Batches of one size tell no slope: the mean is all there is, taken as proportional.
    if (variance <= n * n * 1e-6) return { fixedMs: 0, perItemMs: t / n };
    const slope = (this.#nt / this.#weight - n * t) / variance;
    const perItemMs = Math.min(Math.max(slope, 0), t / n);
    return { fixedMs: Math.max(t - perItemMs * n, 0), perItemMs };
  }

  /** Expected time for `count` items; `undefined` before the first observation. */
  predictMs(count: number): number | undefined {
    if (this.observations === 0) return undefined;
    const { fixedMs, perItemMs } = this.line();
    return fixedMs + perItemMs * count;
  }
}

/** A place that work can go to. */
export interface Lane {
  readonly model: CostModel;
  /** Milliseconds until the work it already has is done. */
  readonly backlogMs: number;
}

/**
 * Shares `count` items out over lanes so that the last to finish finishes earliest: water-filling over the lanes' lines, then lanes
 * that would get fewer than `smallest` items are left out and the rest re-shared.
 *
 * @returns items for each lane, summing to `count`. A lane without observations gets none unless it is the only one.
 */
export function shareOut(lanes: readonly Lane[], count: number, smallest: number): number[] {
  const shares: number[] = new Array(lanes.length).fill(0);
  let open = lanes
    .map((lane, index) => ({ lane, index }))
    .filter(({ lane }) => lane.model.observations > 0);
  if (open.length === 0) {
    shares[0] = count;
    return shares;
  }
  for (;;) {
    const lines = open.map(({ lane, index }) => {
      const { fixedMs, perItemMs } = lane.model.line();
      return { index, startMs: lane.backlogMs + fixedMs, perItemMs: Math.max(perItemMs, 1e-9) };
    });
    // Water level T with Σ max(0, (T − startᵢ) / perItemᵢ) = count.
    const sorted = [...lines].sort((a, b) => a.startMs - b.startMs);
    let level = 0;
    let rate = 0;
    let offset = 0;
    let used = 0;
    for (const line of sorted) {
      if (used > 0 && level <= line.startMs) break;
      rate += 1 / line.perItemMs;
      offset += line.startMs / line.perItemMs;
      level = (count + offset) / rate;
      used++;
    }
    const chosen = sorted.slice(0, used);
    const poorest = chosen.reduce((least, line) =>
      (level - line.startMs) / line.perItemMs < (level - least.startMs) / least.perItemMs
        ? line
        : least,
    );
    if (used > 1 && (level - poorest.startMs) / poorest.perItemMs < smallest) {
      open = open.filter(({ index }) => index !== poorest.index);
      continue;
    }
    let left = count;
    for (const line of chosen) {
      const share = Math.min(left, Math.round((level - line.startMs) / line.perItemMs));
      shares[line.index] = share;
      left -= share;
    }
    shares[chosen[0].index] += left;
    return shares;
  }
}
