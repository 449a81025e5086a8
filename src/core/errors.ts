/**
 * Operating failures, as one typed error. A wrong call throws `TypeError` or `RangeError`; an invalid signature or
 * transaction is neither: it is a verdict (see `verdict.ts`).
 *
 * @module
 */

/** Stable, machine-readable reasons an operation could not be carried out. */
export type LanewiseErrorCode =
  /** A back end cannot run on this machine (no adapter, no SIMD, missing package). */
  | "ERR_BACKEND_UNAVAILABLE"
  /** A back end failed while it ran a batch; the batch holds no verdicts and may be run elsewhere. */
  | "ERR_BACKEND_FAILED"
  /** The device was lost; the batch holds no verdicts and may be run elsewhere. */
  | "ERR_DEVICE_LOST"
  /** The back end or algorithm asked for is not registered, or the pair is not supported. */
  | "ERR_UNSUPPORTED"
  /** The object was closed before or during the call. */
  | "ERR_CLOSED"
  /** The caller's `AbortSignal` fired. */
  | "ERR_ABORTED"
  /** A bounded queue is full and the work was shed; nothing of it is answered. */
  | "ERR_OVERLOADED"
  /** The work's deadline passed before it was started. */
  | "ERR_DEADLINE"
  /** Input bytes or JSON are malformed; the message names what and where. */
  | "ERR_INPUT"
  /** A source of blocks or state (file, RPC node) failed to answer. */
  | "ERR_SOURCE"
  /** State that the execution of a block needs is not there. */
  | "ERR_STATE_MISSING";

/**
 * An operating failure, with a stable `code` and, where there is one, its `cause`.
 *
 * @example
 * try { await backend.run(batch); }
 * catch (error) { if (error instanceof LanewiseError && error.code === "ERR_DEVICE_LOST") retryOnCpu(batch); }
 */
export class LanewiseError extends Error {
  readonly code: LanewiseErrorCode;

  constructor(code: LanewiseErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "LanewiseError";
    this.code = code;
  }
}
