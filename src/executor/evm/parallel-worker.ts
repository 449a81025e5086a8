/**
 * A thread of the parallel executor: an instance of the EVM that works on every block until it is ended.
 *
 * @module
 */
import { type MessagePort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { FORKS } from "../../chains/ethereum/forks.ts";
import { openSharedState } from "../../state/shared-state.ts";
import type { DirectReads, SharedReads } from "../../state/source.ts";
import { Machine, type MachineMemory, MORE, type Region, type StateQuestions } from "./machine.ts";
import { Switchboard } from "./questions.ts";
import { Signers } from "./signers.ts";

/** What a thread is given. */
export interface ParallelWorkerData {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly region: Region;
  /** Position among the threads. */
  readonly thread: number;
  /** Address of the words shared with the host. */
  readonly questions: number;
  /** Brings the state of the blocks to come, where it is in shared memory ({@link SharedReads}), else `undefined`. */
  readonly states: MessagePort;
}

/** Pieces of work between two returns from WebAssembly. */
const PIECES = 64;
/** Times that there was nothing to do before the thread rests. */
const PATIENCE = 4000;
const REST_MS = 0.05;
/** How many such times it counts for that another thread goes on alone: looking on would only slow that one down. */
const ELSEWHERE_COUNTS = 100;
const OVER = 3;
const ELSEWHERE = 4;

function run(
  { module, memory, region, thread, questions, states }: ParallelWorkerData,
  signers: Signers,
): void {
  const switchboard = new Switchboard(memory.buffer, questions);
  let direct: DirectReads | undefined;
  const ask = (views: MachineMemory): StateQuestions =>
    readingFrom(views, () => direct, switchboard.questions(thread));
  const machine = new Machine({ module, signers }, memory, ask);
  const { evm } = machine;
  evm.startInstance(region.start, region.bytes);
  for (let epoch = 0; ; ) {
    epoch = switchboard.waitForBlock(epoch);
    for (let posted = receiveMessageOnPort(states); posted; posted = receiveMessageOnPort(states)) {
      const { state } = posted.message as { readonly state: SharedReads | undefined };
      direct = state && openSharedState(state);
    }
    machine.setFork(FORKS[evm.enterBlock()]);
    evm.joinParallel();
    for (let idle = 0; ; ) {
      const state = machine.work(PIECES);
      if (state === OVER) break;
      idle = state === MORE ? 0 : idle + (state === ELSEWHERE ? ELSEWHERE_COUNTS : 1);
      if (idle > PATIENCE) switchboard.rest(REST_MS);
    }
    switchboard.finishBlock();
  }
}

/** Accounts and storage out of shared memory where they are there; everything else is asked of the host. */
function readingFrom(
  { words }: MachineMemory,
  direct: () => DirectReads | undefined,
  host: StateQuestions,
): StateQuestions {
  return {
    ...host,
    readAccount(address, out) {
      const reads = direct();
      if (reads === undefined) return host.readAccount(address, out);
      return reads.readAccount(words, address >>> 2, out >>> 2) ? 1 : 0;
    },
    readStorage(address, slot, out) {
      const reads = direct();
      if (reads === undefined) host.readStorage(address, slot, out);
      else reads.readStorage(words, address >>> 2, slot >>> 2, out >>> 2);
    },
  };
}

run(workerData as ParallelWorkerData, await Signers.create());
