/**
 * Rules of a header by itself and against its parent (Yellow Paper §4.4.4; EIP-1559, 3675, 4844, 4895, 7685, 7691, 7918).
 *
 * @module
 */
import {
  type BlobParameters,
  type BlockHeader,
  EMPTY_OMMERS_HASH,
  type Fork,
  forkAtLeast,
  toHex,
} from "../chains/ethereum/index.ts";

/** A header field that is wrong: its name, the rule, what it should be and what it is. */
export interface HeaderFault {
  readonly field: keyof BlockHeader;
  readonly rule: string;
  readonly expected: string;
  readonly got: string;
}

const BLOB_GAS = 131_072n;
const MAX_GAS_LIMIT = 2n ** 63n - 1n;
const MIN_GAS_LIMIT = 5000n;
const GAS_LIMIT_DIVISOR = 1024n;
const MAX_EXTRA_DATA_BYTES = 32;
const INITIAL_BASE_FEE = 1_000_000_000n;
/** EIP-1559: the base fee moves by at most an eighth, and the limit is twice the target. */
const BASE_FEE_DIVISOR = 8n;
const ELASTICITY = 2n;
/** EIP-7918: execution gas that the blob base fee is measured against. */
const BLOB_BASE_COST = 8192n;

/** Fields that a fork brought; absent before, present from then on. */
const FIELD_FORKS: readonly (readonly [keyof BlockHeader, Fork])[] = [
  ["baseFeePerGas", "london"],
  ["withdrawalsRoot", "shanghai"],
  ["blobGasUsed", "cancun"],
  ["excessBlobGas", "cancun"],
  ["parentBeaconBlockRoot", "cancun"],
  ["requestsHash", "prague"],
];

/** The blob base fee in wei: `fake_exponential(1, excess, fraction)` of EIP-4844. */
export function blobBaseFeeOf(excessBlobGas: bigint, updateFraction: bigint): bigint {
  let sum = 0n;
  let term = updateFraction;
  for (let i = 1n; term > 0n; i++) {
    sum += term;
    term = (term * excessBlobGas) / (updateFraction * i);
  }
  return sum / updateFraction;
}

/**
 * Excess blob gas above which the fee would not fit 256 bits: no chain gets there, and the exponential would not end.
 * e^177.4 is 2²⁵⁶.
 */
export function excessIsAbsurd(excessBlobGas: bigint, updateFraction: bigint): boolean {
  return excessBlobGas > 178n * updateFraction;
}

/** The base fee that follows from the parent (EIP-1559). */
export function nextBaseFee(parent: BlockHeader): bigint {
  const { baseFeePerGas, gasUsed, gasLimit } = parent;
  if (baseFeePerGas === undefined) return INITIAL_BASE_FEE;
  const target = gasLimit / ELASTICITY;
  if (gasUsed === target || target === 0n) return baseFeePerGas;
  const distance = gasUsed > target ? gasUsed - target : target - gasUsed;
  const change = (baseFeePerGas * distance) / target / BASE_FEE_DIVISOR;
  if (gasUsed < target) return baseFeePerGas - change;
  return baseFeePerGas + (change > 0n ? change : 1n);
}

/** The excess blob gas that follows from the parent (EIP-4844; the reserve price of EIP-7918 from Osaka on). */
export function nextExcessBlobGas(parent: BlockHeader, fork: Fork, blobs: BlobParameters): bigint {
  const excess = parent.excessBlobGas ?? 0n;
  const used = parent.blobGasUsed ?? 0n;
  const target = BigInt(blobs.target) * BLOB_GAS;
  if (excess + used < target) return 0n;
  if (forkAtLeast(fork, "osaka")) {
    const blobFee = blobBaseFeeOf(excess, blobs.updateFraction);
    if (BLOB_BASE_COST * (parent.baseFeePerGas ?? 0n) > BLOB_GAS * blobFee) {
      const max = BigInt(blobs.max);
      return excess + (used * (max - BigInt(blobs.target))) / max;
    }
  }
  return excess + used - target;
}

/** The first rule that a header breaks by itself, given how many blobs its transactions carry. */
export function checkHeader(
  header: BlockHeader,
  fork: Fork,
  blobs: BlobParameters | undefined,
  blobCount: number,
): HeaderFault | undefined {
  for (const [field, since] of FIELD_FORKS) {
    const due = forkAtLeast(fork, since);
    if (due === (header[field] !== undefined)) continue;
    const [expected, got] = due ? ["present", "absent"] : ["absent", "present"];
    return { field, rule: `fields of ${fork}`, expected, got };
  }
  if (header.gasLimit > MAX_GAS_LIMIT) {
    return fault("gasLimit", "gas limit", `at most ${MAX_GAS_LIMIT}`, header.gasLimit);
  }
  if (header.gasUsed > header.gasLimit) {
    return fault("gasUsed", "gas used", `at most ${header.gasLimit}`, header.gasUsed);
  }
  if (header.extraData.length > MAX_EXTRA_DATA_BYTES) {
    const got = `${header.extraData.length} bytes`;
    return fault("extraData", "extra data", `at most ${MAX_EXTRA_DATA_BYTES} bytes`, got);
  }
  if (forkAtLeast(fork, "paris")) {
    if (header.difficulty !== 0n) {
      return fault("difficulty", "proof of stake (EIP-3675)", "0", header.difficulty);
    }
    if (header.nonce.some((byte) => byte !== 0)) {
      return fault("nonce", "proof of stake (EIP-3675)", "0x0000000000000000", toHex(header.nonce));
    }
    if (toHex(header.ommersHash) !== EMPTY_OMMERS_HASH) {
      const got = toHex(header.ommersHash);
      return fault("ommersHash", "proof of stake (EIP-3675)", EMPTY_OMMERS_HASH, got);
    }
  }
  return blobs === undefined ? undefined : checkBlobFields(header, blobs, blobCount);
}

function checkBlobFields(
  header: BlockHeader,
  blobs: BlobParameters,
  blobCount: number,
): HeaderFault | undefined {
  const used = BigInt(blobCount) * BLOB_GAS;
  if (header.blobGasUsed !== used) {
    return fault(
      "blobGasUsed",
      "blob gas of the transactions (EIP-4844)",
      used,
      header.blobGasUsed,
    );
  }
  const max = BigInt(blobs.max) * BLOB_GAS;
  if (used > max) return fault("blobGasUsed", "blob gas limit (EIP-4844)", `at most ${max}`, used);
  const excess = header.excessBlobGas ?? 0n;
  if (excessIsAbsurd(excess, blobs.updateFraction)) {
    return fault("excessBlobGas", "blob base fee", "a fee of at most 256 bits", excess);
  }
  return undefined;
}

/** The first rule that a header breaks against its parent. */
export function checkAgainstParent(
  header: BlockHeader,
  parent: BlockHeader,
  fork: Fork,
  blobs: BlobParameters | undefined,
): HeaderFault | undefined {
  if (header.number !== parent.number + 1n) {
    return fault("number", "number after the parent's", parent.number + 1n, header.number);
  }
  if (header.timestamp <= parent.timestamp) {
    const expected = `more than ${parent.timestamp}`;
    return fault("timestamp", "time after the parent's", expected, header.timestamp);
  }
  return (
    checkGasLimit(header, parent) ??
    checkBaseFee(header, parent) ??
    checkExcessBlobGas(header, parent, fork, blobs)
  );
}

function checkGasLimit(header: BlockHeader, parent: BlockHeader): HeaderFault | undefined {
  // The first block of London takes the parent's limit twice (EIP-1559).
  const forks = parent.baseFeePerGas === undefined && header.baseFeePerGas !== undefined;
  const before = forks ? parent.gasLimit * ELASTICITY : parent.gasLimit;
  const distance = header.gasLimit > before ? header.gasLimit - before : before - header.gasLimit;
  const bound = before / GAS_LIMIT_DIVISOR;
  if (distance >= bound || header.gasLimit < MIN_GAS_LIMIT) {
    const expected = `within ${bound} of ${before} and at least ${MIN_GAS_LIMIT}`;
    return fault("gasLimit", "gas limit near the parent's", expected, header.gasLimit);
  }
  return undefined;
}

function checkBaseFee(header: BlockHeader, parent: BlockHeader): HeaderFault | undefined {
  if (header.baseFeePerGas === undefined) return undefined;
  const expected = nextBaseFee(parent);
  if (header.baseFeePerGas === expected) return undefined;
  return fault(
    "baseFeePerGas",
    "base fee from the parent (EIP-1559)",
    expected,
    header.baseFeePerGas,
  );
}

function checkExcessBlobGas(
  header: BlockHeader,
  parent: BlockHeader,
  fork: Fork,
  blobs: BlobParameters | undefined,
): HeaderFault | undefined {
  if (blobs === undefined || header.excessBlobGas === undefined) return undefined;
  if (excessIsAbsurd(parent.excessBlobGas ?? 0n, blobs.updateFraction)) return undefined;
  const expected = nextExcessBlobGas(parent, fork, blobs);
  if (header.excessBlobGas === expected) return undefined;
  const rule = "excess blob gas from the parent (EIP-4844)";
  return fault("excessBlobGas", rule, expected, header.excessBlobGas);
}

function fault(
  field: keyof BlockHeader,
  rule: string,
  expected: bigint | string,
  got: bigint | string | undefined,
): HeaderFault {
  return { field, rule, expected: String(expected), got: String(got ?? "none") };
}
