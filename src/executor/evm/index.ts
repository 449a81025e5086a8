/**
 * The EVM in WebAssembly behind the executor's interface: a block's transactions one after another.
 *
 * @module
 */

import { loadAsset } from "../../backends/assets.ts";
import { blobBaseFee } from "../../chains/ethereum/fee-market.ts";
import { blobParametersOf, FORKS, forkAtLeast } from "../../chains/ethereum/forks.ts";
import { LanewiseError } from "../../core/index.ts";
import type { StateSource } from "../../state/source.ts";
import type { ExecutableBlock, Execution, Executor } from "../executor.ts";
import { bytesToBigint } from "./bytes.ts";
import { Machine } from "./machine.ts";
import { readReceipts, readStateDiff } from "./outcome.ts";
import { createPrecompiles } from "./precompiles.ts";
import { rejectionReason } from "./rejections.ts";
import { beginBlock, endBlock } from "./system-operations.ts";

/** Options of {@link createEvmExecutor}. */
export interface EvmExecutorOptions {
  /** Runs transactions alone, without system calls, withdrawals, rewards and requests, as state tests want it. */
  readonly transactionsOnly?: boolean;
}

/** Fork numbers of the interpreter are positions in FORKS (assembly/evm/layout.ts); blob-parameter forks run Osaka's rules. */
const LAST_RULES = FORKS.indexOf("osaka");
/** Most blobs of a transaction from Osaka on (EIP-7594). */
const MAX_BLOBS_A_TRANSACTION = 6;
/** Code that a block may load before old code is dropped between blocks. */
const LEAST_CODE_BYTES = 192 << 20;
/** Transactions run between two looks at the event loop and the abort signal. */
const SLICE = 1024;
/** Places of the words in the environment (assembly/evm/layout.ts). */
const WORDS = {
  number: 0,
  timestamp: 32,
  gasLimit: 64,
  coinbase: 96,
  random: 128,
  baseFee: 160,
  blobFee: 192,
  chainId: 224,
};
const MAX_BLOBS = 256;

let compiled: Promise<WebAssembly.Module> | undefined;

/** The module, compiled once a process. */
function loadModule(): Promise<WebAssembly.Module> {
  compiled ??= loadAsset("kernels/evm.wasm").then((bytes) => WebAssembly.compile(bytes));
  return compiled;
}

/** Creates the serial executor. It holds its memory until it is closed; blocks given to it at once run one after another. */
export function createEvmExecutor(options: EvmExecutorOptions = {}): Executor {
  let machine: Machine | undefined;
  let closed = false;
  let turn: Promise<unknown> = Promise.resolve();

  const run = async (
    block: ExecutableBlock,
    state: StateSource,
    signal: AbortSignal | undefined,
  ): Promise<Execution> => {
    const check = (): void => {
      if (closed) throw new LanewiseError("ERR_CLOSED", "EVM executor: closed");
      if (signal?.aborted) {
        throw new LanewiseError("ERR_ABORTED", "EVM executor: aborted", { cause: signal.reason });
      }
    };
    check();
    machine ??= new Machine(await loadModule());
    const runPrecompile = createPrecompiles(block.environment.fork);
    const context = { state, runPrecompile };
    return runBlock(machine, context, block, options, check);
  };

  return {
    id: "evm-serial",
    execute(block, state, { signal } = {}): Promise<Execution> {
      const mine = turn.then(() => run(block, state, signal));
      turn = mine.catch(() => undefined);
      return mine;
    },
    async close(): Promise<void> {
      closed = true;
      await turn;
      machine = undefined;
    },
  };
}

async function runBlock(
  machine: Machine,
  context: Parameters<Machine["within"]>[0],
  block: ExecutableBlock,
  options: EvmExecutorOptions,
  check: () => void,
): Promise<Execution> {
  const { evm } = machine;
  const count = block.transactions.length;
  setEnvironment(machine, block);
  if (!options.transactionsOnly) machine.within(context, () => beginBlock(machine, block));
  const records = prepare(machine, block);
  const resultBytes = evm.resultBytes();
  const results = evm.allocate(Math.max(1, count) * resultBytes);
  for (let done = 0; done < count; done += SLICE) {
    if (done > 0) {
      await new Promise((resolve) => setImmediate(resolve));
      check();
    }
    const slice = Math.min(SLICE, count - done);
    const ran = machine.within(context, () =>
      evm.execute(records + done * evm.recordBytes(), results + done * resultBytes, slice),
    );
    if (ran < slice) {
      const expected = machine.getWord(evm.rejectionExpected());
      const got = machine.getWord(evm.rejectionGot());
      const reason = rejectionReason(evm.rejection.value, expected, got);
      return { ok: false, invalid: { index: done + ran, reason } };
    }
  }
  const gasUsed = evm.gasUsed();
  const receipts = readReceipts(machine, results, count);
  let requests: readonly Uint8Array[] = [];
  if (!options.transactionsOnly) {
    const end = machine.within(context, () => endBlock(machine, block, receipts));
    if (!end.ok) return { ok: false, invalid: { index: count, reason: end.reason } };
    requests = end.requests;
  }
  const stateDiff = machine.within(context, () => readStateDiff(machine));
  return { ok: true, result: { receipts, gasUsed, requests, stateDiff } };
}

/** Power of two near the number of locations that a block may meet, for the table of locations. */
function buckets(block: ExecutableBlock): number {
  const byGas = Number(block.environment.gasLimit) / 2000;
  const wanted = Math.min(byGas, 4096 + 8 * block.transactions.length);
  return 2 ** Math.min(20, Math.max(10, Math.ceil(Math.log2(wanted))));
}

function setEnvironment(machine: Machine, block: ExecutableBlock): void {
  const { evm, view } = machine;
  const { fork, ...header } = block.environment;
  evm.beginBlock(Math.min(FORKS.indexOf(fork), LAST_RULES), buckets(block), LEAST_CODE_BYTES);
  const at = evm.ENVIRONMENT.value;
  machine.setWord(at + WORDS.number, header.number);
  machine.setWord(at + WORDS.timestamp, header.timestamp);
  machine.setWord(at + WORDS.gasLimit, header.gasLimit);
  machine.setWord(at + WORDS.coinbase, bytesToBigint(header.coinbase));
  const random = forkAtLeast(fork, "paris") ? bytesToBigint(header.prevRandao) : header.difficulty;
  machine.setWord(at + WORDS.random, random);
  machine.setWord(at + WORDS.baseFee, header.baseFeePerGas ?? 0n);
  machine.setWord(at + WORDS.chainId, header.chainId);
  const blobs = blobParametersOf(fork);
  const blobFee = blobs ? blobBaseFee(header.excessBlobGas ?? 0n, blobs) : 0n;
  machine.setWord(at + WORDS.blobFee, blobFee);
  const most = blobs?.max ?? 0;
  view.setUint32(at + MAX_BLOBS, most, true);
  const mostOfOne = forkAtLeast(fork, "osaka") ? Math.min(most, MAX_BLOBS_A_TRANSACTION) : most;
  view.setUint32(at + MAX_BLOBS + 4, mostOfOne, true);
}

/** Copies the block's transactions into memory and has them decoded; the address of the records. */
function prepare(machine: Machine, block: ExecutableBlock): number {
  const { evm, bytes, view } = machine;
  const count = block.transactions.length;
  const rawBytes = block.transactions.reduce((sum, raw) => sum + raw.length, 0);
  const records = evm.allocate(Math.max(1, count) * evm.recordBytes());
  // Slack behind the last transaction: the interpreter reads call data eight bytes at a time.
  const raw = evm.allocate(rawBytes + 64);
  const offsets = evm.allocate((count + 1) * 4);
  const senders = evm.allocate(block.senders.length + 8);
  const authorities = evm.allocate(block.authorities.length + 8);
  let offset = 0;
  for (let i = 0; i < count; i++) {
    view.setUint32(offsets + 4 * i, offset, true);
    bytes.set(block.transactions[i], raw + offset);
    offset += block.transactions[i].length;
  }
  view.setUint32(offsets + 4 * count, offset, true);
  bytes.set(block.senders, senders);
  bytes.set(block.authorities, authorities);
  evm.prepare(records, raw, offsets, senders, authorities, count);
  return records;
}
