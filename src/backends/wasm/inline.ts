/**
 * Kernels on the calling thread, synchronously: for hosts whose seams allow no waiting.
 *
 * @module
 */
import { type Algorithm, Batch } from "../../core/index.ts";
import { createKernel } from "../../pool/kernel.ts";
import { detectSimd } from "./features.ts";
import { compileKernel, shapeOf } from "./load.ts";

/** One instance of a kernel. */
export interface InlineKernel {
  /**
   * Runs one record.
   *
   * @param record `record.byteLength` bytes; `offset` is ignored where a message is given.
   * @param message what the record points to, for an algorithm with an arena.
   * @returns the verdict, and a view of the result that the next call overwrites.
   */
  run(record: Uint8Array, message?: Uint8Array): { verdict: number; result: Uint8Array };
  /** Fills verdicts and results of a whole batch of the kernel's algorithm. */
  runBatch(batch: Batch): void;
}

/**
 * Compiles an algorithm's kernel for synchronous use.
 *
 * @throws LanewiseError `ERR_UNSUPPORTED`, `ERR_BACKEND_UNAVAILABLE`.
 */
export async function createInlineKernel(algorithm: Algorithm): Promise<InlineKernel> {
  const { module } = await compileKernel(algorithm, await detectSimd());
  const kernel = await createKernel(module, shapeOf(algorithm));
  let batch = new Batch(algorithm, 1, algorithm.usesArena ? 4096 : 0);
  const runBatch = (whole: Batch): void => {
    const { records, arena, verdicts, results } = whole.sections;
    const view = { buffer: whole.buffer, records, arena, verdicts, results };
    kernel.run(view, whole.arenaLength, 0, whole.count);
  };
  return {
    runBatch,
    run(record, message) {
      if (message !== undefined && message.length > batch.arena.length) {
        batch = new Batch(algorithm, 1, 2 * message.length);
      }
      batch.reset();
      batch.append(record, message);
      runBatch(batch);
      return { verdict: batch.verdicts[0], result: batch.result(0) };
    },
  };
}
