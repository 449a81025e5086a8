/**
 * The reference back end: each record through its algorithm's oracle, one at a time, on the calling thread.
 *
 * Slow and plain on purpose. It is what every other back end is compared with, and the last resort where there is neither a
 * GPU nor WebAssembly SIMD.
 *
 * @module
 */
import type { Algorithm, Backend, BackendStatus, Batch, RunOptions } from "../../core/index.ts";
import { LanewiseError } from "../../core/index.ts";

/** Records between two looks at the abort signal and the event loop: about 50 ms of recoveries. */
const YIELD_EVERY = 32;

/** Creates the reference back end. */
export function createReferenceBackend(): Backend {
  let closed = false;
  return {
    id: "reference",
    blocksCaller: true,
    async probe(): Promise<BackendStatus> {
      return {
        id: "reference",
        available: true,
        reason: "pure JavaScript (noble), always there",
        details: {},
      };
    },
    supports(_algorithm: Algorithm): boolean {
      return true;
    },
    async prepare(): Promise<void> {},
    async run(batch: Batch, options: RunOptions = {}): Promise<void> {
      const arena = batch.arena.subarray(0, batch.arenaLength);
      for (let i = 0; i < batch.count; i++) {
        if (i % YIELD_EVERY === 0) {
          if (i > 0) await new Promise((resolve) => setImmediate(resolve));
          if (closed) throw new LanewiseError("ERR_CLOSED", "reference back end: closed");
          if (options.signal?.aborted) {
            throw new LanewiseError("ERR_ABORTED", "reference back end: aborted", {
              cause: options.signal.reason,
            });
          }
        }
        batch.verdicts[i] = batch.algorithm.reference(
          batch.record(i),
          arena,
          batch.result(i).fill(0),
        );
      }
    },
    async close(): Promise<void> {
      closed = true;
    },
  };
}
