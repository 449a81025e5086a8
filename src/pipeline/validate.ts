/**
 * The short way: one source through one pipeline.
 *
 * @module
 */
import type { BlockSource } from "./input.ts";
import { createPipeline, type PipelineOptions } from "./pipeline.ts";
import type { ValidationSummary } from "./report.ts";

/**
 * Validates everything a source gives: hashes, senders, roots, header rules, and execution where the state is known.
 *
 * A node keeps a {@link createPipeline} open instead and reads its reports block by block.
 *
 * @throws LanewiseError where the source, every back end or the executor fails; an invalid block is not a failure of these.
 *
 * @example
 * import { readPath, validateBlocks } from "lanewise";
 * const { ok, failures, backend } = await validateBlocks(readPath("blocks/"), { backend: "auto" });
 * if (!ok) console.log(failures[0]); // { block: "17", transaction: 3, rule: "SHigh", expected: "Valid", got: "SHigh" }
 */
export async function validateBlocks(
  source: BlockSource,
  options: PipelineOptions & { readonly signal?: AbortSignal } = {},
): Promise<ValidationSummary> {
  const pipeline = await createPipeline(options);
  const { signal } = options;
  try {
    for await (const _ of pipeline.run(source, signal === undefined ? {} : { signal }));
    return pipeline.summary();
  } finally {
    await pipeline.close();
  }
}
