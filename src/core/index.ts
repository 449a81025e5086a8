/** The contracts everything else meets at: pure, no platform. @module */
export type { Algorithm, Example } from "./algorithm.ts";
export type { Backend, BackendId, BackendStatus, RunOptions } from "./backend.ts";
export { Batch, type BatchSections, batchSections } from "./batch.ts";
export { LanewiseError, type LanewiseErrorCode } from "./errors.ts";
export { type Field, type Layout, layout } from "./layout.ts";
export { Verdict, verdictName, verdictNamer } from "./verdict.ts";
