/**
 * The execute and commit stages: runs a block where its state is known, and compares the outcome with what the header commits to.
 *
 * @module
 */
import { forkAtLeast, toHex } from "../chains/ethereum/index.ts";
import { LanewiseError } from "../core/index.ts";
import {
  type BlockEnvironment,
  blockBloom,
  type ExecutableBlock,
  type ExecutionResult,
  type Executor,
  encodeReceipt,
} from "../executor/index.ts";
import { createStateCommitment, type StateCommitment } from "../state/commitment.ts";
import { createMemoryState, type MemoryStateData, type MutableState } from "../state/memory.ts";
import { orderedTrieRoot } from "../state/ordered-root.ts";
import { createSharedState } from "../state/shared-state.ts";
import type { StateDiff, StateSource } from "../state/source.ts";
import type { DecodedBlock } from "./block.ts";
import type { Depth, Failure } from "./report.ts";
import { requestsHashOf } from "./requests.ts";
import { type Unit, unitName } from "./unit.ts";

/** What execution came to. */
export interface Executed {
  readonly depth: Depth;
  readonly note: string;
  /** For the commit stage; `undefined` where the block did not execute. */
  readonly result: ExecutionResult | undefined;
  /** The state that it ran on. */
  readonly before: StateSource | undefined;
}

const notExecuted = (note: string): Executed => ({
  depth: "signatures only",
  note,
  result: undefined,
  before: undefined,
});

/** A complete state that follows the blocks, and its tries. */
interface CarriedState {
  readonly state: MutableState;
  readonly commitment: StateCommitment;
  /** Hash of the last block applied; `undefined` before the first. */
  head: Uint8Array | undefined;
}

/** Everything that a state holds, as the changes that lead there from nothing. */
function wholeState(data: MemoryStateData): StateDiff {
  return new Map(
    [...data.accounts].map(([address, account]) => [
      address,
      { account, storageCleared: false, storage: account?.storage ?? new Map() },
    ]),
  );
}

/** Executes blocks one after another and carries a complete state from each to the next. */
export class ExecutionStage {
  readonly #executor: Executor;
  #carried: CarriedState | undefined;

  constructor(executor: Executor) {
    this.#executor = executor;
  }

  /** Runs the unit's block. A transaction that may not stand where it stands is added to the unit's failures. */
  async execute(unit: Unit, signal?: AbortSignal): Promise<Executed> {
    const { block } = unit;
    if (block === undefined) return notExecuted("no block around the transactions");
    const state = this.#stateFor(block);
    if (unit.failures.length > 0) return notExecuted("the block is invalid before execution");
    if (state === undefined) return notExecuted("no state before the block was given");
    if (block.ommers === undefined) return notExecuted("the headers of the ommers were not given");
    try {
      const outcome = await this.#executor.execute(
        executable(unit, block),
        withParentHash(state, block),
        signal === undefined ? {} : { signal },
      );
      if (outcome.ok) {
        return { depth: "executed", note: "", result: outcome.result, before: state };
      }
      unit.failures.push({
        block: unitName(unit),
        ...(outcome.invalid.index < unit.list.count
          ? { transaction: outcome.invalid.index }
          : { field: "requestsHash" }),
        rule: "execution",
        expected: "a transaction that may stand here",
        got: outcome.invalid.reason,
      });
      return notExecuted("a transaction cannot be executed");
    } catch (error) {
      if (!(error instanceof LanewiseError) || error.code !== "ERR_STATE_MISSING") throw error;
      return notExecuted(error.message);
    }
  }

  /** Compares an execution with the header, and lets the carried state follow it. */
  async commit(unit: Unit, executed: Executed): Promise<Executed> {
    const { block } = unit;
    const { result, before } = executed;
    const carried = this.#carried;
    this.#carried = undefined;
    if (block === undefined || result === undefined || before === undefined) return executed;
    const notes = await compareWithHeader(unit, block, result);
    const { postState } = block.input;
    if (postState !== undefined) comparePostState(unit, postState, before, result);
    if (carried === undefined) {
      notes.unshift("state root not compared: the state given is not complete");
    } else {
      compareStateRoot(unit, block, carried.commitment.apply(result.stateDiff));
      if (unit.failures.length === 0) {
        carried.state.apply(result.stateDiff);
        carried.state.setBlockHash(block.header.number, unit.blockHash);
        carried.head = unit.blockHash;
        this.#carried = carried;
      }
    }
    return { ...executed, note: notes.join("; ") };
  }

  #stateFor(block: DecodedBlock): StateSource | undefined {
    const { state, stateSource } = block.input;
    if (stateSource !== undefined) {
      this.#carried = undefined;
      return stateSource;
    }
    if (state !== undefined) {
      this.#carried = undefined;
      if (!state.complete) return createMemoryState(state);
      const commitment = createStateCommitment();
      commitment.apply(wholeState(state));
      this.#carried = { state: createSharedState(state), commitment, head: undefined };
      return this.#carried.state.source;
    }
    const head = this.#carried?.head;
    if (head === undefined || Buffer.compare(head, block.header.parentHash) !== 0) {
      this.#carried = undefined;
    }
    return this.#carried?.state.source;
  }
}

function compareStateRoot(unit: Unit, block: DecodedBlock, root: Uint8Array): void {
  if (Buffer.compare(root, block.header.stateRoot) === 0) return;
  unit.failures.push({
    block: unitName(unit),
    field: "stateRoot",
    rule: "state root of the execution",
    expected: toHex(root),
    got: toHex(block.header.stateRoot),
  });
}

/** A block knows its parent's hash, whatever the state knows. */
function withParentHash(state: StateSource, block: DecodedBlock): StateSource {
  const { number, parentHash } = block.header;
  return {
    account: (address) => state.account(address),
    storage: (address, slot) => state.storage(address, slot),
    code: (codeHash) => state.code(codeHash),
    blockHash: (of) => (of === number - 1n ? parentHash : state.blockHash(of)),
    ...(state.direct ? { direct: state.direct } : {}),
    ...(state.share ? { share: () => state.share!() } : {}),
  };
}

function executable(unit: Unit, block: DecodedBlock): ExecutableBlock {
  const { header } = block;
  const environment: BlockEnvironment = {
    fork: block.fork,
    chainId: block.chainId,
    number: header.number,
    timestamp: header.timestamp,
    gasLimit: header.gasLimit,
    coinbase: header.coinbase,
    difficulty: header.difficulty,
    prevRandao: header.mixHash,
    parentHash: header.parentHash,
    ...(header.baseFeePerGas === undefined ? {} : { baseFeePerGas: header.baseFeePerGas }),
    ...(header.excessBlobGas === undefined ? {} : { excessBlobGas: header.excessBlobGas }),
    ...(header.parentBeaconBlockRoot === undefined
      ? {}
      : { parentBeaconBlockRoot: header.parentBeaconBlockRoot }),
  };
  return {
    environment,
    transactions: block.transactions,
    senders: unit.senders,
    authorities: unit.authorities,
    withdrawals: block.withdrawals ?? [],
    ommers: block.ommers ?? [],
  };
}

/** Adds what differs from the header to the unit's failures; returns what could not be compared. */
async function compareWithHeader(
  unit: Unit,
  block: DecodedBlock,
  result: ExecutionResult,
): Promise<string[]> {
  const { header, fork } = block;
  const name = unitName(unit);
  const differ = (failure: Omit<Failure, "block">): void => {
    unit.failures.push({ block: name, ...failure });
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
  compare("logsBloom", blockBloom(result.receipts));
  compare("requestsHash", requestsHashOf(result.requests));
  const notes: string[] = [];
  const needsRoots = !forkAtLeast(fork, "byzantium");
  if (needsRoots && result.receipts.some((receipt) => receipt.stateRoot === undefined)) {
    notes.push("receipts root not compared: before Byzantium it holds state roots");
  } else {
    compare("receiptsRoot", await orderedTrieRoot(result.receipts.map(encodeReceipt)));
  }
  return notes;
}

/** Compares the accounts listed with the state that the block left. */
function comparePostState(
  unit: Unit,
  expected: MemoryStateData,
  before: StateSource,
  result: ExecutionResult,
): void {
  const block = unitName(unit);
  const rule = "state after the block";
  const compare = (field: string, wanted: string, got: string): void => {
    if (wanted !== got) unit.failures.push({ block, field, rule, expected: wanted, got });
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
