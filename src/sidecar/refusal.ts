/**
 * Why a request is not answered with verdicts: one type for HTTP and gRPC, with the status that each of them gives it.
 *
 * | HTTP | gRPC | meaning |
 * |---|---|---|
 * | 400, 404, 405, 413, 415, 431 | INVALID_ARGUMENT | the request is wrong; sent again it would be as wrong |
 * | 408 | – | the request did not arrive in time |
 * | 429 | RESOURCE_EXHAUSTED | no room now; nothing is answered |
 * | 500 | INTERNAL | a fault of the sidecar |
 * | 503 | UNAVAILABLE | closing, or no back end works |
 * | 504 | DEADLINE_EXCEEDED | not started before the deadline |
 *
 * @module
 */
import { LanewiseError, type LanewiseErrorCode } from "../core/index.ts";

/** Canonical status codes of gRPC that the sidecar gives. */
export const GrpcStatus = {
  Ok: 0,
  Cancelled: 1,
  InvalidArgument: 3,
  DeadlineExceeded: 4,
  ResourceExhausted: 8,
  Internal: 13,
  Unavailable: 14,
} as const;

/** One of the numbers in {@link GrpcStatus}. */
export type GrpcStatus = (typeof GrpcStatus)[keyof typeof GrpcStatus];

/** `code` of an error body: an operating failure's, or `ERR_INTERNAL` where the fault is ours. */
export type RefusalCode = LanewiseErrorCode | "ERR_INTERNAL";

/** A request that is turned down. The message names what is wrong and where. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  /** HTTP status. */
  readonly status: number;
  readonly code: RefusalCode;
  /** Headers that go with it. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    code: RefusalCode,
    message: string,
    options: { cause?: unknown; headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(message, options);
    this.status = status;
    this.code = code;
    this.headers = options.headers ?? {};
  }

  /** The same reason as a gRPC status. */
  get grpcStatus(): GrpcStatus {
    if (this.status === 429) return GrpcStatus.ResourceExhausted;
    if (this.status === 503) return GrpcStatus.Unavailable;
    if (this.status === 504) return GrpcStatus.DeadlineExceeded;
    if (this.status === 499) return GrpcStatus.Cancelled;
    return this.status < 500 ? GrpcStatus.InvalidArgument : GrpcStatus.Internal;
  }
}

/** The input is wrong: HTTP 400. */
export function badInput(message: string, options: { cause?: unknown } = {}): Refusal {
  return new Refusal(400, "ERR_INPUT", message, options);
}

/** There is no room: HTTP 429. */
export function overloaded(message: string, cause?: unknown): Refusal {
  return new Refusal(429, "ERR_OVERLOADED", message, { cause });
}

/** HTTP statuses of operating failures. 499 is what proxies log for a client that went away; nobody receives it. */
const STATUSES: Partial<Record<LanewiseErrorCode, number>> = {
  ERR_INPUT: 400,
  ERR_OVERLOADED: 429,
  ERR_ABORTED: 499,
  ERR_DEADLINE: 504,
  ERR_CLOSED: 503,
  ERR_BACKEND_FAILED: 503,
  ERR_BACKEND_UNAVAILABLE: 503,
  ERR_DEVICE_LOST: 503,
};

/** Any error as a refusal. What is not an operating failure is ours, and its message stays here. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof LanewiseError) {
    const status = STATUSES[error.code] ?? 500;
    return new Refusal(status, error.code, error.message, { cause: error });
  }
  return new Refusal(500, "ERR_INTERNAL", "sidecar: internal error", { cause: error });
}
