/** Blocks in, verdicts out: the stages joined, and the oracle they are compared with. @module */
export type { RemoteState, StateOptions } from "./execution.ts";
export type { BlockInput, BlockSource, InputContent } from "./input.ts";
export { createPipeline, type Pipeline, type PipelineOptions } from "./pipeline.ts";
export {
  type BlockReport,
  type Depth,
  describeFailure,
  type Failure,
  STAGES,
  type Stage,
  type StageTime,
  type ValidationSummary,
} from "./report.ts";
export { type SequentialOptions, validateSequentially } from "./sequential.ts";
export { validateBlocks } from "./validate.ts";
