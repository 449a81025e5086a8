/**
 * What an execution came to, beside what the block says of itself.
 *
 * @module
 */
import { forkAtLeast, toHex } from "../chains/ethereum/index.ts";
import type { EncodedReceipts, ExecutionResult } from "../executor/index.ts";
import type { MemoryStateData } from "../state/memory.ts";
import { orderedTrieRootSync } from "../state/ordered-root.ts";
import type { StateSource } from "../state/source.ts";
import type { DecodedBlock } from "./block.ts";
import type { Failure } from "./report.ts";
import { requestsHashOf } from "./requests.ts";
import { type Unit, unitName } from "./unit.ts";

/** Adds what differs from the header to `failures`; returns what could not be compared. */
export function compareWithHeader(
  unit: Unit,
  block: DecodedBlock,
  result: ExecutionResult,
  receipts: EncodedReceipts,
  failures: Failure[],
): string[] {
  const { header, fork } = block;
  const name = unitName(unit);
  const differ = (failure: Omit<Failure, "block">): void => {
    failures.push({ block: name, ...failure });
  };
  if (result.gasUsed !== header.gasUsed) {
    const expected = result.gasUsed.toString();
    const got = header.gasUsed.toString();
    differ({ field: "gasUsed", rule: "gas used by the transactions", expected, got });
  }
  const compare = (field: "logsBloom" | "receiptsRoot" | "requestsHash", computed: Uint8Array) => {
    const claimed = header[field];
    if (claimed === undefined || Buffer.compare(claimed, computed) === 0) return;
    const rule = `${field} of the execution`;
    differ({ field, rule, expected: toHex(computed), got: toHex(claimed) });
  };
  compare("logsBloom", receipts.logsBloom);
  compare("requestsHash", requestsHashOf(result.requests));
  const notes: string[] = [];
  const needsRoots = !forkAtLeast(fork, "byzantium");
  if (needsRoots && result.receipts.some((receipt) => receipt.stateRoot === undefined)) {
    notes.push("receipts root not compared: before Byzantium it holds state roots");
  } else {
    compare("receiptsRoot", orderedTrieRootSync(receipts));
  }
  return notes;
}

/** Compares the accounts listed with the state that the block left. */
export function comparePostState(
  unit: Unit,
  expected: MemoryStateData,
  before: StateSource,
  result: ExecutionResult,
  failures: Failure[],
): void {
  const block = unitName(unit);
  const rule = "state after the block";
  const compare = (field: string, wanted: string, got: string): void => {
    if (wanted !== got) failures.push({ block, field, rule, expected: wanted, got });
  };
  for (const [address, account] of expected.accounts) {
    const key = Buffer.from(address.slice(2), "hex");
    const change = result.stateDiff.get(address);
    const after = change === undefined ? before.account(key) : change.account;
    compare(`${address}.nonce`, String(account?.nonce ?? 0n), String(after?.nonce ?? 0n));
    compare(`${address}.balance`, String(account?.balance ?? 0n), String(after?.balance ?? 0n));
    for (const [slot, word] of account?.storage ?? []) {
      const unchanged = change?.storageCleared
        ? new Uint8Array(32)
        : before.storage(key, Buffer.from(slot.slice(2), "hex"));
      const got = change?.storage.get(slot) ?? unchanged;
      compare(`${address}.storage[${slot}]`, toHex(word), toHex(got));
    }
  }
}

export function compareStateRoot(
  unit: Unit,
  block: DecodedBlock,
  root: Uint8Array,
  failures: Failure[],
): void {
  if (Buffer.compare(root, block.header.stateRoot) === 0) return;
  failures.push({
    block: unitName(unit),
    field: "stateRoot",
    rule: "state root of the execution",
    expected: toHex(root),
    got: toHex(block.header.stateRoot),
  });
}
