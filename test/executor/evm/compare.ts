/** Runs blocks through two executors and compares everything they say. @module */
import assert from "node:assert/strict";
import {
  type ExecutableBlock,
  type Execution,
  type ExecutionResult,
  type Executor,
  encodeReceipts,
} from "../../../src/executor/index.ts";
import { decodeDiff, encodedDiff, encodedDiffInto } from "../../../src/state/diff.ts";
import type { AccountChange, StateDiff, StateSource } from "../../../src/state/source.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** A change as plain text, storage in order. */
function plainChange({ account, code, storageCleared, storage }: AccountChange): unknown {
  if (account === undefined) return "gone";
  return {
    nonce: account.nonce,
    balance: account.balance,
    codeHash: hex(account.codeHash),
    code: code && hex(code),
    storageCleared,
    storage: [...storage].map(([slot, value]) => [slot, hex(value)]).sort(),
  };
}

/** An outcome as plain text: receipts, gas, requests and changes. */
export function plainExecution(execution: Execution): unknown {
  if (!execution.ok) return { rejected: execution.invalid.index };
  const { receipts, gasUsed, requests, stateDiff } = execution.result;
  return {
    receipts: receipts.map((receipt) => ({
      type: receipt.type,
      status: receipt.status,
      gasUsed: receipt.gasUsed,
      cumulativeGasUsed: receipt.cumulativeGasUsed,
      logsBloom: hex(receipt.logsBloom),
      logs: receipt.logs.map(({ address, topics, data }) => [
        hex(address),
        topics.map(hex),
        hex(data),
      ]),
    })),
    gasUsed,
    requests: requests.map(hex),
    changes: plainDiff(stateDiff),
  };
}

const plainDiff = (diff: StateDiff): unknown[] =>
  [...diff]
    .map(([address, change]) => [address, plainChange(change)] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));

/** What the executor encodes without making objects is what its objects say. */
function assertShortcuts({ receipts, stateDiff }: ExecutionResult, label: string): void {
  // Into memory that has been used before, then into memory of its own.
  const used = (bytes: number) => new Uint8Array(bytes + 5).fill(0xa5).subarray(5);
  const into = encodedDiffInto(used, stateDiff);
  const own = encodedDiff(stateDiff);
  assert.deepEqual(Buffer.compare(into, own), 0, label);
  assert.deepEqual(plainDiff(decodeDiff(own)), plainDiff(stateDiff), label);
  const plain = receipts.map(({ type, status, gasUsed, cumulativeGasUsed, logsBloom, logs }) => {
    return { type, status, gasUsed, cumulativeGasUsed, logsBloom, logs };
  });
  assert.deepEqual(encodeReceipts(receipts), encodeReceipts(plain), label);
}

/** Asserts that both executors give the same outcome; returns it. */
export async function assertSameOutcome(
  subject: Executor,
  oracle: Executor,
  block: ExecutableBlock,
  state: StateSource,
  label: string,
): Promise<Execution> {
  const expected = await oracle.execute(block, state);
  const got = await subject.execute(block, state);
  assert.deepEqual(plainExecution(got), plainExecution(expected), label);
  if (got.ok) assertShortcuts(got.result, label);
  return got;
}
