/**
 * What a sidecar allows its clients: sizes, counts and times, each with a default that one loopback client never meets.
 *
 * @module
 */

/** Bounds of one sidecar. Sizes are in bytes, times in milliseconds. */
export interface SidecarLimits {
  /** Body of a request, and message of a gRPC call. Default 16 MiB: a block is at most 10 MiB (EIP-7934). */
  readonly maxBodyBytes: number;
  /** JSON body of `/v1/verify` and `/v1/recover`, which is a form for people. Default 1 MiB. */
  readonly maxJsonBytes: number;
  /** Records of one request. Default 16 384. */
  readonly maxRecords: number;
  /** Request bodies and unread answers of all clients together. Default 128 MiB. */
  readonly maxBufferedBytes: number;
  /** Requests at a time, and gRPC streams at a time. Default 256. */
  readonly maxRequests: number;
  /** Sockets at a time; more are closed as they come. Default 1024. */
  readonly maxConnections: number;
  /** Blocks that wait for their turn. Default 16. */
  readonly maxQueuedBlocks: number;
  /** For a request's head to arrive. Default 10 s. */
  readonly headersTimeoutMs: number;
  /** For a whole request to arrive. Default 30 s. */
  readonly requestTimeoutMs: number;
  /** For a client to take an answer that is ready. Default 30 s. */
  readonly responseTimeoutMs: number;
  /** Before a connection without requests is closed. Default 60 s. */
  readonly keepAliveTimeoutMs: number;
  /** Deadline of work that names none. Default 60 s. */
  readonly deadlineMs: number;
}

/** The defaults. */
export const DEFAULT_LIMITS: SidecarLimits = {
  maxBodyBytes: 16 * 2 ** 20,
  maxJsonBytes: 2 ** 20,
  maxRecords: 16_384,
  maxBufferedBytes: 128 * 2 ** 20,
  maxRequests: 256,
  maxConnections: 1024,
  maxQueuedBlocks: 16,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  responseTimeoutMs: 30_000,
  keepAliveTimeoutMs: 60_000,
  deadlineMs: 60_000,
};

/** Longest deadline that a client may ask for. */
export const MOST_DEADLINE_MS = 600_000;

/** Longest name of a source, in characters. */
export const MOST_SOURCE_LENGTH = 128;

/**
 * The limits with their defaults.
 *
 * @throws RangeError where one is no positive integer.
 */
export function resolveLimits(given: Partial<SidecarLimits> = {}): SidecarLimits {
  const limits = { ...DEFAULT_LIMITS, ...given };
  for (const [name, value] of Object.entries(limits)) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new RangeError(
        `createSidecar limits.${name}: expected a positive integer, got ${value}`,
      );
    }
  }
  return limits;
}
