/**
 * Static rules of transactions by fork: everything about validity and intrinsic gas that needs neither state nor signatures.
 *
 * | rule | from |
 * |---|---|
 * | creation gas, low s (EIP-2) | homestead |
 * | replay protection (EIP-155) | spuriousDragon |
 * | 16 gas a non-zero calldata byte (EIP-2028) | istanbul |
 * | type 1 and access-list gas (EIP-2930) | berlin |
 * | type 2, fee order (EIP-1559) | london |
 * | init code limit and gas (EIP-3860) | shanghai |
 * | type 3 (EIP-4844) | cancun |
 * | type 4 (EIP-7702), calldata floor (EIP-7623) | prague |
 * | gas limit cap (EIP-7825), blobs a transaction (EIP-7594) | osaka |
 *
 * The nonce limit (EIP-2681) and the 256-bit bound on the gas cost hold in every fork, as clients apply them.
 *
 * @module
 */
import { type BlobParameters, blobParametersOf, type Fork, forkAtLeast } from "./forks.ts";
import { encodeRlp, integerBytes } from "./rlp.ts";

const MAX_BLOBS_PER_TRANSACTION = 6;

/** What a fork demands of a transaction on one chain. */
export interface TransactionRules {
  readonly fork: Fork;
  readonly chainId: bigint;
  /** Highest active transaction type; types start in order. */
  readonly maxType: number;
  /** Signatures with s > n/2 are invalid (EIP-2). */
  readonly requireLowS: boolean;
  /** Legacy signatures may name the chain in v (EIP-155). */
  readonly replayProtection: boolean;
  /** Gas of a contract creation on top of 21 000. */
  readonly creationGas: number;
  readonly nonZeroByteGas: number;
  /** Gas per 32-byte word of init code. */
  readonly initcodeWordGas: number;
  /** Most bytes of init code; `Infinity` before Shanghai. */
  readonly maxInitcodeBytes: number;
  /** Gas per calldata token of the floor; 0 before Prague. */
  readonly floorTokenGas: number;
  /** Highest gas limit; `Infinity` before Osaka. */
  readonly maxGasLimit: number;
  /** `undefined` before Cancun. */
  readonly blobs: BlobParameters | undefined;
  /** Most blobs in one transaction. */
  readonly maxBlobs: number;
  /** The chain id as typed transactions carry it: shortest big-endian form. */
  readonly chainIdBytes: Uint8Array;
  /** v of EIP-155 signatures with y parity 0 and 1, in shortest big-endian form. */
  readonly protectedV: readonly [even: Uint8Array, odd: Uint8Array];
  /** What EIP-155 appends to the signed fields: rlp(chain id) ‖ rlp(0) ‖ rlp(0). */
  readonly replaySuffix: Uint8Array;
}

/** Where a chain's rules leave mainnet's. */
export interface RulesOptions {
  /** Blob parameters in place of mainnet's at that fork. */
  readonly blobs?: BlobParameters;
}

/**
 * The rules of a fork on a chain.
 *
 * @throws RangeError where the chain id is not in 0 … 2²⁵⁶ − 1.
 */
export function transactionRules(
  fork: Fork,
  chainId: bigint,
  options: RulesOptions = {},
): TransactionRules {
  if (chainId < 0n || chainId >= 1n << 256n) {
    throw new RangeError(`transactionRules chainId: expected 0..2^256-1, got ${chainId}`);
  }
  const from = (other: Fork): boolean => forkAtLeast(fork, other);
  const blobs = options.blobs && from("cancun") ? options.blobs : blobParametersOf(fork);
  const suffix = encodeRlp([chainId, 0, 0]);
  return {
    fork,
    chainId,
    maxType: highestType(fork),
    requireLowS: from("homestead"),
    replayProtection: from("spuriousDragon"),
    creationGas: from("homestead") ? 32_000 : 0,
    nonZeroByteGas: from("istanbul") ? 16 : 68,
    initcodeWordGas: from("shanghai") ? 2 : 0,
    maxInitcodeBytes: from("shanghai") ? 49_152 : Number.POSITIVE_INFINITY,
    floorTokenGas: from("prague") ? 10 : 0,
    maxGasLimit: from("osaka") ? 2 ** 24 : Number.POSITIVE_INFINITY,
    blobs,
    maxBlobs: blobs ? (from("osaka") ? MAX_BLOBS_PER_TRANSACTION : blobs.max) : 0,
    chainIdBytes: integerBytes(chainId),
    protectedV: [integerBytes(chainId * 2n + 35n), integerBytes(chainId * 2n + 36n)],
    replaySuffix: suffix.subarray(1),
  };
}

function highestType(fork: Fork): number {
  if (forkAtLeast(fork, "prague")) return 4;
  if (forkAtLeast(fork, "cancun")) return 3;
  if (forkAtLeast(fork, "london")) return 2;
  return forkAtLeast(fork, "berlin") ? 1 : 0;
}
