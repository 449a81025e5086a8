/** Verification as a service to many callers: queue, batching, priority, dedup, cache, dispatch and integrity checks. @module */
export type { ColumnState } from "./column.ts";
export type {
  ColumnStatus,
  OpenSubmission,
  Outcome,
  SubmitOptions,
  Verifier,
  VerifierOptions,
} from "./contract.ts";
export type { IntegrityOptions } from "./integrity.ts";
export { VerifierMetrics, WAIT_BOUNDS_MS } from "./metrics.ts";
export type { Priority } from "./queue.ts";
export { HINT_BYTES, recoverSenders } from "./recover-senders.ts";
export { createSenderKeys, type SenderKeys } from "./sender-keys.ts";
export { type StreamOptions, verifierTransform, verifyStream } from "./streams.ts";
export { createVerifier } from "./verifier.ts";
