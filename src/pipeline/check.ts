/**
 * The check stage: everything that hashes, senders and the header decide without running a transaction.
 *
 * Pure in its unit and its parent, so that the batched pipeline and the sequential oracle share it.
 *
 * @module
 */
import {
  type BlockHeader,
  blobParametersOf,
  checkInBlock,
  encodeRlp,
  encodeWithdrawal,
  headerInput,
  keccakOf,
  TransactionVerdict,
  toHex,
  transactionVerdictName,
} from "../chains/ethereum/index.ts";
import { orderedTrieRoot } from "../state/ordered-root.ts";
import type { DecodedBlock } from "./block.ts";
import { blobBaseFeeOf, checkAgainstParent, checkHeader, excessIsAbsurd } from "./header-rules.ts";
import type { Failure } from "./report.ts";
import { type Unit, unitName } from "./unit.ts";

/** The block before, as far as the run has seen it. */
export interface Parent {
  readonly hash: Uint8Array;
  readonly header: BlockHeader;
}

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

/** Adds every rule that the unit breaks to its failures. */
export async function checkUnit(unit: Unit, parent: Parent | undefined): Promise<void> {
  const report = reporter(unit);
  for (let i = 0; i < unit.list.count; i++) {
    if (unit.verdicts[i] === TransactionVerdict.Valid) continue;
    const rule = transactionVerdictName(unit.verdicts[i]);
    report({ transaction: unit.firstIndex + i, rule, expected: "Valid", got: rule });
  }
  const { block } = unit;
  if (block === undefined) return;
  for (const { path, reason } of block.inconsistencies) {
    const parts = /^expected (.*), got (.*)$/s.exec(reason);
    const index = /^block\.transactions\[(\d+)\]/.exec(path)?.[1];
    report({
      ...(index === undefined ? {} : { transaction: Number(index) }),
      field: path.replace(/^block\.(transactions\[\d+\]\.)?/, ""),
      rule: "agreement with the block around it",
      expected: parts?.[1] ?? "agreement",
      got: parts?.[2] ?? reason,
    });
  }
  checkClaims(unit, block, report);
  checkHeaderFields(unit, block, report);
  if (parent !== undefined) checkParent(block, parent, report);
  await checkRoots(block, report);
}

type Report = (failure: Omit<Failure, "block">) => void;

function reporter(unit: Unit): Report {
  const block = unitName(unit);
  return (failure) => unit.failures.push({ block, ...failure });
}

/** Hashes and senders that the source claims, and the rules that a header adds to its transactions. */
function checkClaims(unit: Unit, block: DecodedBlock, report: Report): void {
  const { header, claims } = block;
  const blobs = blobParametersOf(block.fork);
  const excess = header.excessBlobGas ?? 0n;
  const blobBaseFee =
    blobs === undefined || excessIsAbsurd(excess, blobs.updateFraction)
      ? undefined
      : blobBaseFeeOf(excess, blobs.updateFraction);
  const fees = { gasLimit: header.gasLimit, baseFeePerGas: header.baseFeePerGas, blobBaseFee };
  for (let i = 0; i < unit.list.count; i++) {
    const hash = unit.transactionHashes.subarray(32 * i, 32 * i + 32);
    const { hash: claimedHash, from } = claims[i] ?? {};
    if (claimedHash !== undefined && !sameBytes(hash, claimedHash)) {
      const expected = toHex(claimedHash);
      report({
        transaction: i,
        field: "hash",
        rule: "transaction hash",
        expected,
        got: toHex(hash),
      });
    }
    if (unit.verdicts[i] !== TransactionVerdict.Valid) continue;
    const sender = unit.senders.subarray(20 * i, 20 * i + 20);
    if (from !== undefined && !sameBytes(sender, from)) {
      const expected = toHex(from);
      report({ transaction: i, field: "from", rule: "sender", expected, got: toHex(sender) });
    }
    const verdict = checkInBlock(unit.list, i, fees);
    if (verdict !== TransactionVerdict.Valid) {
      const rule = transactionVerdictName(verdict);
      report({ transaction: i, rule, expected: "Valid", got: rule });
    }
  }
}

function checkHeaderFields(unit: Unit, block: DecodedBlock, report: Report): void {
  const { header, claimedHash } = block;
  if (claimedHash !== undefined && !sameBytes(unit.blockHash, claimedHash)) {
    const got = toHex(unit.blockHash);
    report({ field: "hash", rule: "block hash of the header", expected: toHex(claimedHash), got });
  }
  let blobCount = 0;
  for (let i = 0; i < unit.list.count; i++) {
    if (unit.list.verdicts[i] === TransactionVerdict.Valid) blobCount += unit.list.blobCount(i);
  }
  const fault = checkHeader(header, block.fork, blobParametersOf(block.fork), blobCount);
  if (fault !== undefined) report(fault);
}

function checkParent(block: DecodedBlock, parent: Parent, report: Report): void {
  const { header } = block;
  if (!sameBytes(header.parentHash, parent.hash)) {
    const got = toHex(header.parentHash);
    const expected = toHex(parent.hash);
    report({ field: "parentHash", rule: "hash of the block before", expected, got });
    return;
  }
  const fault = checkAgainstParent(header, parent.header, block.fork, blobParametersOf(block.fork));
  if (fault !== undefined) report(fault);
}

/** Ordered tries of the body, and the hash of the ommers. */
async function checkRoots(block: DecodedBlock, report: Report): Promise<void> {
  const { header, withdrawals, ommers } = block;
  const compare = (field: keyof BlockHeader, rule: string, computed: Uint8Array): void => {
    const claimed = header[field] as Uint8Array;
    if (sameBytes(claimed, computed)) return;
    report({ field, rule, expected: toHex(computed), got: toHex(claimed) });
  };
  compare(
    "transactionsRoot",
    "root of the transactions",
    await orderedTrieRoot(block.transactions),
  );
  if (ommers !== undefined) {
    compare("ommersHash", "hash of the ommers", keccakOf(encodeRlp(ommers.map(headerInput))));
  }
  if (withdrawals !== undefined && header.withdrawalsRoot !== undefined) {
    compare(
      "withdrawalsRoot",
      "root of the withdrawals",
      await orderedTrieRoot(withdrawals.map(encodeWithdrawal)),
    );
  } else if ((withdrawals === undefined) !== (header.withdrawalsRoot === undefined)) {
    const [expected, got] =
      withdrawals === undefined ? ["withdrawals", "none"] : ["no withdrawals", "some"];
    report({ field: "withdrawals", rule: "withdrawals by withdrawalsRoot", expected, got });
  }
}
