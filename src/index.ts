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
export { type RpcSourceOptions, readRpc } from "./node/rpc-source.ts";
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
export * from "./verifier/index.ts";
