/**
 * How long a back end takes for a batch, learnt from every batch it runs.
 *
 * Two readings of the same observations, both forgetting exponentially (one weighs half after {@link HALF_LIFE} more), so that the
 * model follows a machine that changes (another process, thermal limits, a driver that got faster after warm-up): the time of each
 * size class (powers of two), since kernels are not linear (one signature takes three times as long as one of a thousand), and a
 * least-squares line, latency ≈ fixed + perItem × count, for sizes that were not seen lately.
 *
 * @module
 */

/** Observations after which one counts half. Sixteen batches are a fraction of a second under load. */
const HALF_LIFE = 16;
const DECAY = 0.5 ** (1 / HALF_LIFE);

/** What takes longer than so many times the expected counts as so many times: a hiccup of the machine is no change, what lasts is. */
const MOST_SURPRISE = 4;

/** Sizes from 2ⁱ to 2ⁱ⁺¹ − 1. */
interface SizeClass {
  weight: number;
  items: number;
  ms: number;
  /** Number of the observation that the sums are of. */
  at: number;
}

/** What is known of one back end and one algorithm. Times are in milliseconds. */
export class CostModel {
  #weight = 0;
  #n = 0;
  #nn = 0;
  #t = 0;
  #nt = 0;
  readonly #classes: (SizeClass | undefined)[] = [];

  /** Batches seen. */
  observations = 0;

  /** Takes in a batch of `count` items that took so many milliseconds. */
  observe(count: number, tookMs: number): void {
    const before = this.#sizeClass(count);
    const isKnown = before !== undefined && before.weight >= 2;
    const ms = isKnown
      ? Math.min(tookMs, MOST_SURPRISE * before.ms * (count / before.items))
      : tookMs;
    this.observations++;
    this.#weight = this.#weight * DECAY + 1;
    this.#n = this.#n * DECAY + count;
    this.#nn = this.#nn * DECAY + count * count;
    this.#t = this.#t * DECAY + ms;
    this.#nt = this.#nt * DECAY + count * ms;
    const own = this.#sizeClass(count) ?? { weight: 0, items: 0, ms: 0, at: 0 };
    this.#classes[classOf(count)] = own;
    own.weight++;
    own.items += count;
    own.ms += ms;
  }

  /** Old observations count little from now on: the back end was not used for a while. */
  fade(): void {
    const keep = 1 / 16;
    this.#weight *= keep;
    this.#n *= keep;
    this.#nn *= keep;
    this.#t *= keep;
    this.#nt *= keep;
    for (const own of this.#classes) {
      if (own === undefined) continue;
      own.weight *= keep;
      own.items *= keep;
      own.ms *= keep;
    }
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
    const byLine = fixedMs + perItemMs * count;
    const own = this.#sizeClass(count);
    if (own === undefined) return byLine;
    // Less than one fresh observation's worth of weight says less than the line.
    const trust = Math.min(own.weight, 1);
    return trust * own.ms * (count / own.items) + (1 - trust) * byLine;
  }

  /** The class that a size belongs to, its sums brought up to date. */
  #sizeClass(count: number): SizeClass | undefined {
    const own = this.#classes[classOf(count)];
    if (own === undefined) return undefined;
    const decay = DECAY ** (this.observations - own.at);
    own.at = this.observations;
    own.weight *= decay;
    own.items *= decay;
    own.ms *= decay;
    return own;
  }
}

const classOf = (count: number): number => 31 - Math.clz32(count);

/** A place that work can go to. */
export interface Lane {
  readonly model: CostModel;
  /** Milliseconds until the work it already has is done. */
  readonly backlogMs: number;
}

/** A split has to be expected to save this share of the time, since it costs a second batch. */
const LEAST_GAIN = 1 / 32;

/**
 * Shares `count` items out over lanes so that the last to finish finishes earliest: all to the lane that would be done first, or,
 * where that saves time, a split.
 *
 * @param smallest no share is smaller.
 * @returns items for each lane, summing to `count`. A lane without observations gets none unless there is no other kind.
 */
export function shareOut(lanes: readonly Lane[], count: number, smallest: number): number[] {
  const shares: number[] = new Array(lanes.length).fill(0);
  let best = 0;
  let bestMs = Number.POSITIVE_INFINITY;
  let known = 0;
  for (const [index, { model, backlogMs }] of lanes.entries()) {
    const ms = model.predictMs(count);
    if (ms === undefined) continue;
    known++;
    if (backlogMs + ms >= bestMs) continue;
    best = index;
    bestMs = backlogMs + ms;
  }
  if (known > 1 && count >= 2 * smallest) {
    const split = fill(lanes, count, smallest);
    const endsMs = split.map((share, i) =>
      share === 0 ? 0 : lanes[i].backlogMs + lanes[i].model.predictMs(share)!,
    );
    if (Math.max(...endsMs) < (1 - LEAST_GAIN) * bestMs) return split;
  }
  shares[best] = count;
  return shares;
}

/** Water-filling over the lines of the lanes; those that would get fewer than `smallest` are left out and the rest re-shared. */
function fill(lanes: readonly Lane[], count: number, smallest: number): number[] {
  const shares: number[] = new Array(lanes.length).fill(0);
  let open = lanes
    .map((lane, index) => ({ lane, index }))
    .filter(({ lane }) => lane.model.observations > 0);
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
