/**
 * A complete state that follows a chain in the calling thread, one block at a time: maps and tries, no store and no worker. The
 * pipeline's oracle runs on it; {@link PipelinedState} does the same beside the thread that executes.
 *
 * @module
 */

import type { ChainState, ExecutionState } from "./chain-state.ts";
import { createStateCommitment } from "./commitment.ts";
import { decodeDiff } from "./diff.ts";
import { createMutableState, type MemoryStateData, wholeState } from "./memory.ts";
import type { BlockChanges, CommitOutcome } from "./store/state-store.ts";

/** The state of `data` after the block of this number, and what follows it. A block whose root is not the one expected ends it. */
export function createInThreadState(data: MemoryStateData): ChainState {
  const state = createMutableState(data);
  const commitment = createStateCommitment();
  commitment.apply(wholeState(data));
  const source: ExecutionState = { ...state.source, close() {} };
  return {
    source: () => source,
    async room() {},
    async commit(block: BlockChanges): Promise<CommitOutcome> {
      const root = commitment.apply(block.diff);
      const { expectedRoot, dryRun = false } = block;
      const matches = expectedRoot === undefined || Buffer.compare(root, expectedRoot) === 0;
      if (dryRun || !matches) return { committed: false, root };
      state.apply(block.diff instanceof Uint8Array ? decodeDiff(block.diff) : block.diff);
      state.setBlockHash(block.number, block.hash);
      return { committed: true, root };
    },
    async close() {},
  };
}
