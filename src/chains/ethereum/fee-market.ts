/**
 * The two fee markets a header continues: base fee (EIP-1559) and blob base fee (EIP-4844, EIP-7691, EIP-7892, EIP-7918).
 *
 * @module
 */
import { type BlobParameters, type Fork, forkAtLeast } from "./forks.ts";
import type { BlockHeader } from "./header.ts";

export const GAS_PER_BLOB = 131_072n;
export const ELASTICITY_MULTIPLIER = 2n;
const BASE_FEE_MAX_CHANGE_DENOMINATOR = 8n;
const INITIAL_BASE_FEE = 1_000_000_000n;
/** Execution gas that a blob's base fee must at least pay for (EIP-7918). */
const BLOB_BASE_COST = 8_192n;

/** More than any transaction can offer: fees are 256-bit integers. */
const UNPAYABLE = 1n << 256n;

/** Base fee in wei of the block after `parent`, in London or later. */
export function nextBaseFee(parent: BlockHeader): bigint {
  const { baseFeePerGas: baseFee, gasUsed } = parent;
  if (baseFee === undefined) return INITIAL_BASE_FEE;
  const target = parent.gasLimit / ELASTICITY_MULTIPLIER;
  // A gas limit below 2 is invalid by itself; here it must only not divide by zero.
  if (gasUsed === target || target === 0n) return baseFee;
  const distance = gasUsed > target ? gasUsed - target : target - gasUsed;
  const change = (baseFee * distance) / target / BASE_FEE_MAX_CHANGE_DENOMINATOR;
  if (gasUsed < target) return baseFee - change;
  return baseFee + (change > 0n ? change : 1n);
}

/**
 * Blob base fee in wei at an excess: e^(excess / updateFraction), by the integer series of EIP-4844.
 *
 * Saturates at 2²⁵⁶ where a crafted header claims an excess that no chain reaches; the series would not end.
 */
export function blobBaseFee(excessBlobGas: bigint, blobs: BlobParameters): bigint {
  const { updateFraction } = blobs;
  // e^178 > 2^256.
  if (excessBlobGas >= 178n * updateFraction) return UNPAYABLE;
  let sum = 0n;
  let term = updateFraction;
  for (let i = 1n; term > 0n; i++) {
    sum += term;
    term = (term * excessBlobGas) / (updateFraction * i);
  }
  return sum / updateFraction;
}

/**
 * Excess blob gas of the block after `parent`, in Cancun or later.
 *
 * @param fork and `blobs` are those of the block after.
 */
export function nextExcessBlobGas(parent: BlockHeader, fork: Fork, blobs: BlobParameters): bigint {
  const { excessBlobGas = 0n, blobGasUsed = 0n, baseFeePerGas = 0n } = parent;
  const sum = excessBlobGas + blobGasUsed;
  const target = BigInt(blobs.target) * GAS_PER_BLOB;
  if (sum < target) return 0n;
  if (forkAtLeast(fork, "osaka")) {
    const blobFee = blobBaseFee(excessBlobGas, blobs);
    if (BLOB_BASE_COST * baseFeePerGas > GAS_PER_BLOB * blobFee) {
      return excessBlobGas + (blobGasUsed * BigInt(blobs.max - blobs.target)) / BigInt(blobs.max);
    }
  }
  return sum - target;
}
