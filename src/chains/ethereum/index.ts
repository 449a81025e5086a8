/** Ethereum's wire formats: raw transactions and blocks → records, verdicts, headers. @module */
export {
  type Block,
  decodeBlock,
  encodeBlock,
  encodeWithdrawal,
  type Withdrawal,
} from "./block.ts";
export {
  type BlockFault,
  type BlockRules,
  blockFees,
  checkBody,
  checkHeader,
} from "./block-check.ts";
export {
  blockFromJson,
  headerFromJson,
  type JsonBlock,
  type TransactionClaims,
} from "./block-json.ts";
export {
  type DecodeOptions,
  decodeTransactions,
} from "./decode.ts";
export { blobBaseFee, nextBaseFee, nextExcessBlobGas } from "./fee-market.ts";
export { TransactionField, TransactionType } from "./fields.ts";
export {
  type BlobParameters,
  blobParametersOf,
  type ChainSchedule,
  FORKS,
  type Fork,
  type ForkActivation,
  forkAt,
  forkAtLeast,
  MAINNET,
  singleForkSchedule,
} from "./forks.ts";
export {
  type BlockHeader,
  decodeHeader,
  EMPTY_OMMERS_HASH,
  encodeHeader,
  headerHash,
  headerInput,
  keccakOf,
} from "./header.ts";
export { fromHex, toHex } from "./hex.ts";
export { type PackedTransactions, packTransactions } from "./packed.ts";
export {
  authorizationBytes,
  fillAuthorizationHashes,
  fillAuthorizationRecovery,
  fillRecovery,
  fillSigningHashes,
  fillTransactionHashes,
  signingBytes,
  transactionBytes,
} from "./records.ts";
export {
  decodeRlp,
  encodeRlp,
  type RlpInput,
  type RlpItem,
  type RlpLimits,
  RlpReader,
} from "./rlp.ts";
export { type RulesOptions, type TransactionRules, transactionRules } from "./rules.ts";
export {
  checkSidecar,
  createKzgVerifier,
  type KzgLibrary,
  type KzgVerifier,
  loadKzgVerifier,
  versionedHash,
} from "./sidecar.ts";
export { encodeTransactionJson, type JsonInconsistency } from "./transaction-json.ts";
export {
  type AccessListEntry,
  type Authorization,
  type BlobSidecar,
  TransactionList,
} from "./transaction-list.ts";
export { type BlockFees, checkInBlock, floorGas, intrinsicGas } from "./validity.ts";
export { TransactionVerdict, transactionVerdictName } from "./verdict.ts";
