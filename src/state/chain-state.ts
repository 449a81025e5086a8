/**
 * What the pipeline needs of a state that follows a chain.
 *
 * @module
 */
import type { StateSource } from "./source.ts";
import type { StoredBlock } from "./store/records.ts";
import type { BlockChanges, CommitOutcome } from "./store/state-store.ts";

/** A state to execute on, which lasts until it is closed. */
export interface ExecutionState extends StateSource {
  close(): void;
}

/** A complete state that takes one block's changes after the other. */
export interface ChainState {
  /** The state after the last block given to `commit`; to be closed. */
  source(): ExecutionState;
  /** Resolves when `commit` may be called again. */
  room(): Promise<void>;
  /** Begins to commit a block on top of the last one given; the outcome says what its root is. */
  commit(block: BlockChanges): Promise<CommitOutcome>;
  close(): Promise<void>;
}

/** A state that outlives the runs that go on from it. */
export interface LastingState extends ChainState {
  /** The last block committed; its root is checked. */
  readonly head: StoredBlock | undefined;
}
