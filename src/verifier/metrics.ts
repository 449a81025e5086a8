/**
 * What the verifier counts. Plain numbers: an exporter gives them names and units of its own.
 *
 * @module
 */

/** Upper bounds of the wait-time histogram, in milliseconds: powers of two from 0.125 to 8192. */
export const WAIT_BOUNDS_MS: readonly number[] = Array.from({ length: 17 }, (_, i) => 2 ** (i - 3));

/** Counters since the verifier was made; all only grow. Items, unless the name says otherwise. */
export class VerifierMetrics {
  jobs = 0;
  submitted = 0;
  answered = 0;
  valid = 0;
  invalid = 0;
  /** Answered from the cache of valid answers. */
  cacheHits = 0;
  /** Joined to the same item, already on its way. */
  joined = 0;
  /** Given up by the shedding rule, or refused: the caller saw `ERR_OVERLOADED`. */
  shed = 0;
  /** Given up because the caller's signal fired. */
  aborted = 0;
  /** Given up because their deadline passed before they were started. */
  expired = 0;
  /** Run again elsewhere because a back end failed or was caught out. */
  rerun = 0;
  batches = 0;
  /** Recoveries run with the claimed sender's public key as a hint. */
  hinted = 0;
  /** Known-answer records hidden in batches. */
  canaries = 0;
  /** Answers computed again on a trusted back end: samples and rejections. */
  rechecked = 0;
  /** Wrong answers caught. Anything above zero means a device that must be looked at. */
  mismatches = 0;
  /** Failures by back end and error code: `"webgpu ERR_DEVICE_LOST"` → times. */
  readonly failures = new Map<string, number>();
  /** Items by back end. */
  readonly itemsByBackend = new Map<string, number>();
  /** Time from submission to answer: jobs per bucket of {@link WAIT_BOUNDS_MS}, the last one without a bound. */
  readonly waits: number[] = new Array(WAIT_BOUNDS_MS.length + 1).fill(0);
  /** Sum of those times. */
  waitedMs = 0;

  observeWait(ms: number): void {
    const bucket = WAIT_BOUNDS_MS.findIndex((bound) => ms <= bound);
    this.waits[bucket < 0 ? WAIT_BOUNDS_MS.length : bucket]++;
    this.waitedMs += ms;
  }

  count(map: Map<string, number>, key: string, by = 1): void {
    map.set(key, (map.get(key) ?? 0) + by);
  }
}
