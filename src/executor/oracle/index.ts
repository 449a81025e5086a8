/**
 * The serial oracle: a block's transactions one after another through `@ethereumjs/vm`, over a journaled in-memory state.
 *
 * Slow and independent on purpose: every other executor is compared with it. Senders come from the caller and are not
 * recovered again; authorities of EIP-7702 are recovered by the library, so that the caller's are checked by the outcome.
 *
 * @module
 */
import { createBlock } from "@ethereumjs/block";
import { createEVM } from "@ethereumjs/evm";
import { createTxFromRLP, type TypedTransaction } from "@ethereumjs/tx";
import { Address, EthereumJSError } from "@ethereumjs/util";
import { createVM, type RunTxResult, runTx, type VM } from "@ethereumjs/vm";
import { LanewiseError } from "../../core/index.ts";
import type { StateSource } from "../../state/source.ts";
import { refuseDaoFork } from "../dao-fork.ts";
import type {
  BlockEnvironment,
  ExecutableBlock,
  Execution,
  Executor,
  Receipt,
} from "../executor.ts";
import { createCommon, type Kzg } from "./common.ts";
import { JournaledState } from "./journaled-state.ts";
import { createLazyKzg } from "./lazy-kzg.ts";
import { beginBlock, endBlock } from "./system-operations.ts";

/** Milliseconds of execution between two looks at the event loop and the abort signal. */
const YIELD_EVERY_MS = 10;

const zeroWord = new Uint8Array(32);

/** Creates the serial oracle. */
export function createOracleExecutor(): Executor {
  let closed = false;
  return {
    id: "oracle",
    async execute(block, state, options = {}): Promise<Execution> {
      refuseDaoFork(block.environment);
      const check = (): void => {
        if (closed) throw new LanewiseError("ERR_CLOSED", "oracle executor: closed");
        if (options.signal?.aborted) {
          throw new LanewiseError("ERR_ABORTED", "oracle executor: aborted", {
            cause: options.signal.reason,
          });
        }
      };
      check();
      const kzg = createLazyKzg();
      const execution = await runBlock(block, state, kzg.functions, check);
      // A block that called the point-evaluation precompile before its setup was loaded runs once more.
      if (await kzg.loadWhereWanted()) return runBlock(block, state, kzg.functions, check);
      return execution;
    },
    async close(): Promise<void> {
      closed = true;
    },
  };
}

/** The library's block around an environment: opcodes and fee rules read its header. */
function libraryBlock(environment: BlockEnvironment, vm: VM): ReturnType<typeof createBlock> {
  const { common } = vm;
  const header = {
    number: environment.number,
    timestamp: environment.timestamp,
    gasLimit: environment.gasLimit,
    coinbase: new Address(environment.coinbase),
    parentHash: environment.parentHash,
    difficulty: common.isActivatedEIP(4399) ? 0n : environment.difficulty,
    mixHash: environment.prevRandao,
    ...(common.isActivatedEIP(1559) ? { baseFeePerGas: environment.baseFeePerGas ?? 0n } : {}),
    ...(common.isActivatedEIP(4895) ? { withdrawalsRoot: zeroWord } : {}),
    ...(common.isActivatedEIP(4844)
      ? { excessBlobGas: environment.excessBlobGas ?? 0n, blobGasUsed: 0n }
      : {}),
    ...(common.isActivatedEIP(4788)
      ? { parentBeaconBlockRoot: environment.parentBeaconBlockRoot ?? zeroWord }
      : {}),
    ...(common.isActivatedEIP(7685) ? { requestsHash: zeroWord } : {}),
  };
  return createBlock({ header }, { common, skipConsensusFormatValidation: true });
}

async function createMachine(
  environment: BlockEnvironment,
  journal: JournaledState,
  source: StateSource,
  kzg: Kzg,
): Promise<VM> {
  const common = createCommon(environment.fork, environment.chainId, kzg);
  const blockchain = {
    getBlock: async (number: number) => {
      const hash = journal.read(() => source.blockHash(BigInt(number)));
      return { hash: () => hash };
    },
    putBlock: async () => {},
    shallowCopy: () => blockchain,
  };
  const evm = await createEVM({ common, stateManager: journal, blockchain });
  return createVM({ common, stateManager: journal, blockchain, evm });
}

async function runBlock(
  block: ExecutableBlock,
  source: StateSource,
  kzg: Kzg,
  check: () => void,
): Promise<Execution> {
  const { environment } = block;
  const journal = new JournaledState(source);
  const vm = await createMachine(environment, journal, source, kzg);
  const surrounding = libraryBlock(environment, vm);
  await beginBlock(vm, environment);
  const receipts: Receipt[] = [];
  let gasUsed = 0n;
  let yieldedAtMs = performance.now();
  const invalid = (index: number, reason: string): Execution => ({
    ok: false,
    invalid: { index, reason },
  });
  for (const [index, raw] of block.transactions.entries()) {
    if (performance.now() - yieldedAtMs > YIELD_EVERY_MS) {
      await new Promise((resolve) => setImmediate(resolve));
      check();
      yieldedAtMs = performance.now();
    }
    let tx: TypedTransaction;
    try {
      tx = createTxFromRLP(raw, { common: vm.common, freeze: false });
    } catch (error) {
      return invalid(index, plainReason(error));
    }
    const sender = new Address(block.senders.slice(index * 20, index * 20 + 20));
    tx.getSenderAddress = () => sender;
    if (tx.gasLimit + gasUsed > environment.gasLimit) {
      const left = environment.gasLimit - gasUsed;
      return invalid(
        index,
        `gas limit: expected at most the ${left} left in the block, got ${tx.gasLimit}`,
      );
    }
    let outcome: RunTxResult;
    try {
      outcome = await runTx(vm, { tx, block: surrounding, blockGasUsed: gasUsed });
    } catch (error) {
      journal.throwFailure();
      if (!(error instanceof EthereumJSError)) throw error;
      return invalid(index, plainReason(error));
    }
    journal.throwFailure();
    gasUsed += outcome.totalGasSpent;
    receipts.push(receiptOf(tx.type, outcome, gasUsed));
  }
  const end = await endBlock(vm, block, receipts);
  journal.throwFailure();
  if (!end.ok) return invalid(block.transactions.length, end.reason);
  return {
    ok: true,
    result: { receipts, gasUsed, requests: end.requests, stateDiff: journal.diff() },
  };
}

function receiptOf(type: number, outcome: RunTxResult, cumulativeGasUsed: bigint): Receipt {
  return {
    type,
    status: outcome.execResult.exceptionError === undefined,
    gasUsed: outcome.totalGasSpent,
    cumulativeGasUsed,
    logsBloom: outcome.bloom.bitvector,
    logs: (outcome.execResult.logs ?? []).map(([address, topics, data]) => ({
      address,
      topics,
      data,
    })),
  };
}

/** The library's message without its trailing description of machine, block and transaction. */
function plainReason(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/ \((vm hf=|tx type=)[\s\S]*$/, "");
}
