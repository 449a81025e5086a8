/**
 * What the back end has done, with the time of each leg of a batch's way kept apart.
 *
 * @module
 */

/** Sums since the back end was created. */
export interface Statistics {
  batches: number;
  items: number;
  /** Pieces that batches were cut into. */
  chunks: number;
  /** Host time of copying records and arena into mapped memory. */
  uploadMs: number;
  /** From submission until the results were mapped: transfers, queueing and kernels. */
  deviceMs: number;
  /** Device time of copying from mapped memory, by its own timestamps as below. */
  copyInMs: number;
  /** Device time of the shaders alone, from its own timestamps; 0 where it has none. */
  kernelMs: number;
  /** The same by shader, where the back end was created to profile. */
  readonly stageMs: Record<string, number>;
  /** Device time of copying to mapped memory. */
  copyOutMs: number;
  /** Host time of copying verdicts and results out. */
  downloadMs: number;
  /** Compile time of each shader, by its path under shaders/kernels, in ms. Shaders compile beside one another, or
   * one by one where the back end was created to do so. */
  readonly compileMs: Record<string, number>;
  /** Devices lost, hung or failed. */
  deviceFailures: number;
}

/** All zero. */
export const emptyStatistics = (): Statistics => ({
  batches: 0,
  items: 0,
  chunks: 0,
  uploadMs: 0,
  deviceMs: 0,
  copyInMs: 0,
  kernelMs: 0,
  stageMs: {},
  copyOutMs: 0,
  downloadMs: 0,
  compileMs: {},
  deviceFailures: 0,
});
