/** State: sources, tries, roots, proofs and stores. @module */
export { decodeAccount, type StoredAccount } from "./account.ts";
export type { ChainState, ExecutionState, LastingState } from "./chain-state.ts";
export {
  type AccountProof,
  createStateCommitment,
  StateCommitment,
  type StateCommitmentOptions,
  type StateNodeChanges,
  type StateNodePlace,
  type StorageProof,
} from "./commitment.ts";
export { decodeDiff, type EncodedDiff, encodeDiff } from "./diff.ts";
export { createInThreadState } from "./in-thread-state.ts";
export {
  createMemoryState,
  EMPTY_CODE_HASH,
  type MemoryAccount,
  type MemoryStateData,
  type MutableState,
  readMemoryState,
} from "./memory.ts";
export { orderedTrieRoot } from "./ordered-root.ts";
export { createOverlayState, type OverlayBlock } from "./overlay.ts";
export {
  type AccountProofOutcome,
  accountProofToJson,
  type ProofOutcome,
  readAccountProof,
  type TrieProof,
  verifyAccountProofs,
  verifyTrieProofs,
} from "./proof.ts";
export { createSharedState, openSharedState } from "./shared-state.ts";
export type {
  Account,
  AccountChange,
  DirectReads,
  SharedReads,
  StateDiff,
  StateSource,
} from "./source.ts";
export {
  openPipelinedState,
  PipelinedState,
  type PipelinedStateOptions,
} from "./store/pipelined-state.ts";
export type { StoredBlock } from "./store/records.ts";
export {
  type BlockChanges,
  type CommitOutcome,
  createMemoryStore,
  openStateStore,
  StateStore,
  type StateStoreOptions,
} from "./store/state-store.ts";
export { openStateView, type SharedStateView, type StateView } from "./store/view.ts";
export { EMPTY_TRIE_ROOT } from "./trie/module.ts";
export { createTrie, Trie, type TrieOptions } from "./trie/trie.ts";
export { UpdateBatch } from "./trie/update-batch.ts";
export { createVolatileState } from "./volatile-state.ts";
