/**
 * Lanewise: blockchain transactions validated in lanes.
 *
 * @module
 */
export * from "./algorithms/index.ts";
export * from "./backends/index.ts";
export { type BackendChoice, type Selection, selectBackend } from "./backends/select.ts";
export * as ethereum from "./chains/ethereum/index.ts";
export * from "./core/index.ts";
export * from "./executor/index.ts";
export { readPath } from "./node/file-source.ts";
export { type FollowEvent, type FollowOptions, follow } from "./node/follow/follow.ts";
export { createRemoteState, type RemoteStateOptions } from "./node/remote-state.ts";
export { type RpcSourceOptions, readRpc } from "./node/rpc-source.ts";
export {
  openRpcState,
  type RpcStateOptions,
  type RpcStateSource,
} from "./node/rpc-state-source.ts";
export {
  type RecoverSendersOptions,
  recoverTransactionSenders,
  type TransactionSender,
} from "./node/senders.ts";
export {
  createVerifyStream,
  type VerifyRequest,
  type VerifyStreamOptions,
} from "./node/verify-stream.ts";
export * from "./pipeline/index.ts";
export {
  type Account,
  type AccountChange,
  type AccountProof,
  type AccountProofOutcome,
  accountProofToJson,
  type BlockChanges,
  type CommitOutcome,
  createMemoryState,
  createMemoryStore,
  createStateCommitment,
  createTrie,
  EMPTY_CODE_HASH,
  EMPTY_TRIE_ROOT,
  type ExecutionState,
  type LastingState,
  type MemoryStateData,
  openPipelinedState,
  openStateStore,
  openStateView,
  orderedTrieRoot,
  type PipelinedState,
  type PipelinedStateOptions,
  type ProofOutcome,
  readAccountProof,
  readMemoryState,
  type SharedStateView,
  type StateCommitment,
  type StateCommitmentOptions,
  type StateDiff,
  type StateSource,
  type StateStore,
  type StateStoreOptions,
  type StateView,
  type StorageProof,
  type StoredBlock,
  type Trie,
  type TrieOptions,
  type TrieProof,
  verifyAccountProofs,
  verifyTrieProofs,
} from "./state/index.ts";
export * from "./verifier/index.ts";
