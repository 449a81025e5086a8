/**
 * A thread of the parallel executor: an instance of the EVM that works on every block until it is ended.
 *
 * @module
 */
import { workerData } from "node:worker_threads";
import { FORKS } from "../../chains/ethereum/forks.ts";
import { Machine, MemoryFull, type Region } from "./machine.ts";
import { createPrecompiles } from "./precompiles.ts";
import { Switchboard } from "./questions.ts";

/** What a thread is given. */
export interface ParallelWorkerData {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly region: Region;
  /** Position among the threads. */
  readonly thread: number;
  /** Address of the words shared with the host. */
  readonly questions: number;
}

/** Pieces of work between two returns from WebAssembly. */
const PIECES = 64;
/** Times that there was nothing to do before the thread rests. */
const PATIENCE = 2000;
const REST_MS = 0.05;
const DONE = 2;
const IDLE = 1;

function run({ module, memory, region, thread, questions }: ParallelWorkerData): void {
  const switchboard = new Switchboard(memory.buffer, questions);
  const machine = new Machine(module, memory, () => switchboard.questions(thread));
  const { evm } = machine;
  evm.startInstance(region.start, region.bytes);
  for (let epoch = 0; ; ) {
    epoch = switchboard.waitForBlock(epoch);
    machine.runPrecompile = createPrecompiles(FORKS[evm.enterBlock()]);
    evm.joinParallel();
    for (let idle = 0; ; ) {
      try {
        const state = evm.work(PIECES);
        if (state === DONE) break;
        idle = state === IDLE ? idle + 1 : 0;
      } catch (error) {
        if (error instanceof MemoryFull) evm.stopParallel();
        else evm.abandon();
      }
      if (idle > PATIENCE) switchboard.rest(REST_MS);
    }
    switchboard.finishBlock();
  }
}

run(workerData as ParallelWorkerData);
