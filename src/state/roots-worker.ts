/**
 * Worker of a volatile state: keeps the tries, and answers each diff with the root that it leads to, in order.
 *
 * @module
 */
import { parentPort } from "node:worker_threads";
import { createStateCommitment } from "./commitment.ts";
import type { EncodedDiff } from "./diff.ts";

/** A block's changes, in shared memory that stays as it is until they are answered. */
export interface RootQuestion {
  readonly diff: EncodedDiff;
}

/** The root, or why there is none. */
export type RootAnswer = { readonly root: Uint8Array } | { readonly message: string };

const commitment = createStateCommitment();

parentPort?.on("message", ({ diff }: RootQuestion) => {
  let answer: RootAnswer;
  try {
    answer = { root: commitment.apply(diff) };
  } catch (error) {
    answer = { message: error instanceof Error ? error.message : String(error) };
  }
  parentPort?.postMessage(answer);
});
