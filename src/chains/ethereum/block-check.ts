/**
 * What a header and a body say that can be checked without executing: by the fork's rules, against each other, and against the
 * parent where it is known (Yellow Paper §4.4.4 and the EIPs named below). Proof of work is not checked.
 *
 * @module
 */
import { type Block, encodeWithdrawal } from "./block.ts";
import {
  blobBaseFee,
  ELASTICITY_MULTIPLIER,
  GAS_PER_BLOB,
  nextBaseFee,
  nextExcessBlobGas,
} from "./fee-market.ts";
import { type Fork, forkAtLeast } from "./forks.ts";
import {
  type BlockHeader,
  EMPTY_OMMERS_HASH,
  encodeHeader,
  headerHash,
  headerInput,
  keccakOf,
} from "./header.ts";
import { toHex } from "./hex.ts";
import { encodeRlp, RLP_LIST, rlpHeaderLength } from "./rlp.ts";
import type { TransactionRules } from "./rules.ts";
import type { TransactionList } from "./transaction-list.ts";
import type { BlockFees } from "./validity.ts";

/** A rule that a block breaks. */
export interface BlockFault {
  /** The header field, or the part of the body. */
  readonly field: string;
  /** One sentence: the rule, expected and got. */
  readonly reason: string;
}

/** What the checks need of a fork's rules. */
export type BlockRules = Pick<TransactionRules, "fork" | "blobs">;

const MAX_EXTRA_DATA_BYTES = 32;
const MIN_GAS_LIMIT = 5_000n;
const MAX_GAS_LIMIT = (1n << 63n) - 1n;
const GAS_LIMIT_BOUND_DIVISOR = 1_024n;
/** EIP-7934 */
const MAX_RLP_BLOCK_BYTES = 8_388_608;

/** Fields that a fork appended to the header. */
const FIELD_FORKS: readonly (readonly [keyof BlockHeader, Fork])[] = [
  ["baseFeePerGas", "london"],
  ["withdrawalsRoot", "shanghai"],
  ["blobGasUsed", "cancun"],
  ["excessBlobGas", "cancun"],
  ["parentBeaconBlockRoot", "cancun"],
  ["requestsHash", "prague"],
];

/**
 * Checks a header.
 *
 * @param parent the header before it; without it the rules that need one are left out.
 * @returns every rule it breaks; none for a valid header.
 */
export function checkHeader(
  header: BlockHeader,
  rules: BlockRules,
  parent?: BlockHeader,
): BlockFault[] {
  const faults: BlockFault[] = [];
  checkAlone(header, rules, faults);
  if (parent !== undefined) checkAgainstParent(header, rules, parent, faults);
  return faults;
}

function checkAlone(header: BlockHeader, rules: BlockRules, faults: BlockFault[]): void {
  const { fork, blobs } = rules;
  const fault = (field: string, reason: string): number => faults.push({ field, reason });
  for (const [field, first] of FIELD_FORKS) {
    const wanted = forkAtLeast(fork, first);
    if (wanted === (header[field] !== undefined)) continue;
    fault(field, wanted ? `expected from ${first} on, got none` : `expected none before ${first}`);
  }
  if (header.extraData.length > MAX_EXTRA_DATA_BYTES) {
    fault(
      "extraData",
      `expected at most ${MAX_EXTRA_DATA_BYTES} bytes, got ${header.extraData.length}`,
    );
  }
  if (header.gasLimit < MIN_GAS_LIMIT || header.gasLimit > MAX_GAS_LIMIT) {
    fault("gasLimit", `expected ${MIN_GAS_LIMIT} to ${MAX_GAS_LIMIT}, got ${header.gasLimit}`);
  }
  if (header.gasUsed > header.gasLimit) {
    fault("gasUsed", `expected at most the gas limit ${header.gasLimit}, got ${header.gasUsed}`);
  }
  if (forkAtLeast(fork, "paris")) {
    if (header.difficulty !== 0n) fault("difficulty", `expected 0, got ${header.difficulty}`);
    if (header.nonce.some((byte) => byte !== 0)) {
      fault("nonce", `expected zero, got ${toHex(header.nonce)}`);
    }
    if (toHex(header.ommersHash) !== EMPTY_OMMERS_HASH) {
      fault(
        "ommersHash",
        `expected that of no ommers, ${EMPTY_OMMERS_HASH}, got ${toHex(header.ommersHash)}`,
      );
    }
  }
  if (header.blobGasUsed !== undefined && blobs !== undefined) {
    const most = BigInt(blobs.max) * GAS_PER_BLOB;
    if (header.blobGasUsed > most || header.blobGasUsed % GAS_PER_BLOB !== 0n) {
      fault(
        "blobGasUsed",
        `expected a multiple of ${GAS_PER_BLOB} up to ${most}, got ${header.blobGasUsed}`,
      );
    }
  }
}

function checkAgainstParent(
  header: BlockHeader,
  rules: BlockRules,
  parent: BlockHeader,
  faults: BlockFault[],
): void {
  const { fork, blobs } = rules;
  const expectEqual = (field: keyof BlockHeader, expected: string | bigint): void => {
    const value = header[field];
    const got = value instanceof Uint8Array ? toHex(value) : value;
    if (got !== expected) faults.push({ field, reason: `expected ${expected}, got ${got}` });
  };
  expectEqual("parentHash", toHex(headerHash(parent)));
  expectEqual("number", parent.number + 1n);
  if (header.timestamp <= parent.timestamp) {
    faults.push({
      field: "timestamp",
      reason: `expected later than the parent's ${parent.timestamp}, got ${header.timestamp}`,
    });
  }
  const startsLondon = header.baseFeePerGas !== undefined && parent.baseFeePerGas === undefined;
  const parentLimit = parent.gasLimit * (startsLondon ? ELASTICITY_MULTIPLIER : 1n);
  const bound = parentLimit / GAS_LIMIT_BOUND_DIVISOR;
  const low = parentLimit - bound;
  const high = parentLimit + bound;
  if (header.gasLimit <= low || header.gasLimit >= high) {
    faults.push({
      field: "gasLimit",
      reason: `expected between ${low} and ${high}, both excluded, got ${header.gasLimit}`,
    });
  }
  if (forkAtLeast(fork, "london")) expectEqual("baseFeePerGas", nextBaseFee(parent));
  if (blobs !== undefined) expectEqual("excessBlobGas", nextExcessBlobGas(parent, fork, blobs));
}

/**
 * Checks a body against its header, tries and signatures aside.
 *
 * @param list the block's transactions, decoded.
 * @returns every rule it breaks; none for a valid body.
 */
export function checkBody(block: Block, list: TransactionList, rules: BlockRules): BlockFault[] {
  const faults: BlockFault[] = [];
  const { header, ommers, withdrawals } = block;
  if (ommers !== undefined) {
    const hash = toHex(keccakOf(encodeRlp(ommers.map(headerInput))));
    const claimed = toHex(header.ommersHash);
    if (hash !== claimed) {
      faults.push({ field: "ommersHash", reason: `expected ${hash}, got ${claimed}` });
    }
  }
  const wantsWithdrawals = forkAtLeast(rules.fork, "shanghai");
  if (wantsWithdrawals !== (withdrawals !== undefined)) {
    const reason = wantsWithdrawals ? "expected a list, got none" : "expected none before shanghai";
    faults.push({ field: "withdrawals", reason });
  }
  let blobCount = 0n;
  for (let i = 0; i < list.count; i++) {
    if (list.verdicts[i] === 0) blobCount += BigInt(list.blobCount(i));
  }
  const blobGas = blobCount * GAS_PER_BLOB;
  if (header.blobGasUsed !== undefined && header.blobGasUsed !== blobGas) {
    faults.push({
      field: "blobGasUsed",
      reason: `expected ${blobGas} for ${blobCount} blobs, got ${header.blobGasUsed}`,
    });
  }
  if (forkAtLeast(rules.fork, "osaka")) {
    const length = encodedLength(block);
    if (length > MAX_RLP_BLOCK_BYTES) {
      faults.push({
        field: "size",
        reason: `expected at most ${MAX_RLP_BLOCK_BYTES} bytes of RLP (EIP-7934), got ${length}`,
      });
    }
  }
  return faults;
}

/** Bytes of an Osaka block's RLP: it has no ommers. */
function encodedLength(block: Block): number {
  const framed = (payload: number): number => rlpHeaderLength(payload) + payload;
  let transactions = 0;
  for (const raw of block.transactions) {
    transactions += raw[0] >= RLP_LIST ? raw.length : framed(raw.length);
  }
  let withdrawals = 0;
  for (const withdrawal of block.withdrawals ?? []) {
    withdrawals += encodeWithdrawal(withdrawal).length;
  }
  const header = encodeHeader(block.header).length;
  return framed(header + framed(transactions) + framed(0) + framed(withdrawals));
}

/** What `checkInBlock` needs of a header. */
export function blockFees(header: BlockHeader, rules: BlockRules): BlockFees {
  const { gasLimit, baseFeePerGas, excessBlobGas } = header;
  const fees = { gasLimit, baseFeePerGas };
  if (excessBlobGas === undefined || rules.blobs === undefined) return fees;
  return { ...fees, blobBaseFee: blobBaseFee(excessBlobGas, rules.blobs) };
}
