/**
 * The check stage: everything that hashes, senders and the header decide without running a transaction.
 *
 * Pure in its unit and its parent, so that the batched pipeline and the sequential oracle share it.
 *
 * @module
 */
import {
  type BlockHeader,
  blockFees,
  checkBody,
  checkHeader,
  checkInBlock,
  encodeWithdrawal,
  type TransactionClaims,
  TransactionVerdict,
  toHex,
  transactionVerdictName,
} from "../chains/ethereum/index.ts";
import { orderedTrieRootSync } from "../state/ordered-root.ts";
import type { DecodedBlock } from "./block.ts";
import type { Failure } from "./report.ts";
import { type BodyRoots, type Unit, unitName } from "./unit.ts";

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

/** The two halves of a sentence "expected …, got …". */
export function expectedAndGot(reason: string): Pick<Failure, "expected" | "got"> {
  const parts = /^expected (.*), got (.*)$/s.exec(reason);
  return { expected: parts?.[1] ?? reason.replace(/^expected /, ""), got: parts?.[2] ?? "not so" };
}

/** Roots of the body's ordered tries: they need no kernel, so that the pipeline has them worked out while its kernels run. */
export function bodyRootsOf(unit: Unit, block: DecodedBlock): BodyRoots {
  const { header, transactions, withdrawals } = block;
  unit.bodyRoots ??= {
    transactions: orderedTrieRootSync(transactions),
    withdrawals:
      withdrawals &&
      header.withdrawalsRoot &&
      orderedTrieRootSync(withdrawals.map(encodeWithdrawal)),
  };
  return unit.bodyRoots;
}

/** Adds every rule that the unit breaks to its failures. `parent`: the header before, where it is known. */
export function checkUnit(unit: Unit, parent: BlockHeader | undefined): void {
  const report = reporter(unit);
  for (let i = 0; i < unit.list.count; i++) {
    if (unit.verdicts[i] === TransactionVerdict.Valid) continue;
    const rule = transactionVerdictName(unit.verdicts[i]);
    report({ transaction: unit.firstIndex + i, rule, expected: "Valid", got: rule });
  }
  const { block } = unit;
  if (block === undefined) return;
  for (const { path, reason } of block.inconsistencies) {
    const index = /^block\.transactions\[(\d+)\]/.exec(path)?.[1];
    report({
      ...(index === undefined ? {} : { transaction: Number(index) }),
      field: path.replace(/^block\.(transactions\[\d+\]\.)?/, ""),
      rule: "agreement with the block around it",
      ...expectedAndGot(reason),
    });
  }
  checkClaims(unit, block, report);
  checkRules(unit, block, parent, report);
  checkRoots(unit, block, report);
}

type Report = (failure: Omit<Failure, "block">) => void;

function reporter(unit: Unit): Report {
  const block = unitName(unit);
  return (failure) => unit.failures.push({ block, ...failure });
}

/** Hashes and senders that the source claims, and what a header demands of its transactions. */
function checkClaims(unit: Unit, block: DecodedBlock, report: Report): void {
  const { claims, claimedHash } = block;
  if (claimedHash !== undefined && !sameBytes(unit.blockHash, claimedHash)) {
    const got = toHex(claimedHash);
    report({ field: "hash", rule: "block hash", expected: toHex(unit.blockHash), got });
  }
  const fees = blockFees(block.header, unit.list.rules);
  for (let i = 0; i < unit.list.count; i++) {
    const claim = claims[i];
    if (claim !== undefined) checkClaim(unit, i, claim, report);
    if (unit.verdicts[i] !== TransactionVerdict.Valid) continue;
    const verdict = checkInBlock(unit.list, i, fees);
    if (verdict !== TransactionVerdict.Valid) {
      const rule = transactionVerdictName(verdict);
      report({ transaction: i, rule, expected: "Valid", got: rule });
    }
  }
}

/** What the source says of one transaction. */
function checkClaim(
  unit: Unit,
  i: number,
  { hash, from }: TransactionClaims,
  report: Report,
): void {
  const ownHash = unit.transactionHashes.subarray(32 * i, 32 * i + 32);
  if (hash !== undefined && !sameBytes(ownHash, hash)) {
    const expected = toHex(ownHash);
    report({ transaction: i, field: "hash", rule: "transaction hash", expected, got: toHex(hash) });
  }
  if (from === undefined || unit.verdicts[i] !== TransactionVerdict.Valid) return;
  const sender = unit.senders.subarray(20 * i, 20 * i + 20);
  if (sameBytes(sender, from)) return;
  const expected = toHex(sender);
  report({ transaction: i, field: "from", rule: "sender", expected, got: toHex(from) });
}

/** The fork's rules of header and body. */
function checkRules(
  unit: Unit,
  block: DecodedBlock,
  parent: BlockHeader | undefined,
  report: Report,
): void {
  const { rules } = unit.list;
  const faults = [
    ...checkHeader(block.header, rules, parent),
    ...checkBody(block, unit.list, rules),
  ];
  for (const { field, reason } of faults) {
    report({ field, rule: `${block.fork} rules`, ...expectedAndGot(reason) });
  }
}

/** Ordered tries of the body. */
function checkRoots(unit: Unit, block: DecodedBlock, report: Report): void {
  const { header } = block;
  const compare = (field: string, rule: string, computed: Uint8Array, claimed: Uint8Array) => {
    if (sameBytes(claimed, computed)) return;
    report({ field, rule, expected: toHex(computed), got: toHex(claimed) });
  };
  const { transactions, withdrawals } = bodyRootsOf(unit, block);
  compare("transactionsRoot", "root of the transactions", transactions, header.transactionsRoot);
  if (withdrawals !== undefined && header.withdrawalsRoot !== undefined) {
    compare("withdrawalsRoot", "root of the withdrawals", withdrawals, header.withdrawalsRoot);
  }
}
