/**
 * The threads of one parallel executor, and the host's part in a block that they share.
 *
 * @module
 */
import { Worker } from "node:worker_threads";
import type { ExecutableBlock } from "../executor.ts";
import { type HostMachine, MemoryFull, type StateQuestions } from "./machine.ts";
import type { ParallelWorkerData } from "./parallel-worker.ts";
import { Switchboard } from "./questions.ts";

/** What the parallel execution of a block came to: its conflicts in numbers. */
export interface ConflictCounts {
  /** Executions of transactions, first and repeated. */
  readonly executions: number;
  /** Executed again because an earlier transaction changed what they had read. */
  readonly repeated: number;
  /** Left to be executed in their turn: they looked at the coinbase, or at state that could not be read ahead. */
  readonly deferred: number;
  /** Kept behind a likely predecessor by a hint. */
  readonly parked: number;
}

/** Pieces of work that the host's instance does between two looks at the others' questions. */
const PIECES = 2;
/** Milliseconds between two looks at the event loop. */
const YIELD_EVERY_MS = 10;
/** Looks at the others between two looks at the event loop, once the host's instance is done. */
const TURNS_PER_YIELD = 10_000;
/** Times that there was nothing to do before the host's thread rests. */
const PATIENCE = 5000;
const REST_MS = 0.02;
const DONE = 2;
const IDLE = 1;

/** Starts and ends threads, and runs blocks on them. */
export class Threads {
  readonly #machine: HostMachine;
  readonly #switchboard: Switchboard;
  readonly #workers: Worker[];
  readonly #answers: StateQuestions[];
  #lost = false;

  constructor(module: WebAssembly.Module, machine: HostMachine) {
    this.#machine = machine;
    const questions = machine.evm.QUESTIONS.value;
    this.#switchboard = new Switchboard(machine.memory.buffer, questions);
    this.#answers = machine.threadRegions.map(() => machine.answers());
    this.#workers = machine.threadRegions.map((region, thread) => {
      const { memory } = machine;
      const workerData: ParallelWorkerData = { module, memory, region, thread, questions };
      const worker = new Worker(new URL("./parallel-worker.js", import.meta.url), {
        workerData,
        execArgv: [],
      });
      worker.unref();
      worker.once("error", () => {
        this.#lost = true;
      });
      return worker;
    });
  }

  /** Whether a thread has died: what it held is held for ever, so that no block may run on the others. */
  get lost(): boolean {
    return this.#lost;
  }

  /** Executes the decoded transactions together with the threads; the conflicts, or `undefined` where it has to be done serially. */
  async run(
    block: ExecutableBlock,
    within: <T>(work: () => T) => T,
    records: number,
    results: number,
    check: () => void,
  ): Promise<ConflictCounts | undefined> {
    const { evm, view } = this.#machine;
    evm.beginParallel(records, results, block.transactions.length);
    evm.joinParallel();
    this.#switchboard.beginBlock();
    try {
      let yieldedAtMs = performance.now();
      for (let idle = 0; ; ) {
        const state = within(() => this.#work());
        if (state === DONE) break;
        idle = state === IDLE ? idle + 1 : 0;
        if (idle > PATIENCE) this.#switchboard.rest(REST_MS);
        if ((idle & 63) === 0 && performance.now() - yieldedAtMs > YIELD_EVERY_MS) {
          await new Promise((resolve) => setImmediate(resolve));
          check();
          if (this.#lost) break;
          yieldedAtMs = performance.now();
        }
      }
    } finally {
      if (!evm.completed()) evm.stopParallel();
      for (let turns = 1; !this.#lost && !this.#allFinished(); turns++) {
        within(() => this.#serve());
        if (turns % TURNS_PER_YIELD === 0) await new Promise((resolve) => setImmediate(resolve));
      }
    }
    if (this.#lost || !evm.completed()) return undefined;
    const at = evm.EXECUTIONS.value;
    const [executions, repeated, deferred, parked] = [0, 4, 8, 12].map((offset) =>
      view.getUint32(at + offset, true),
    );
    return { executions, repeated, deferred, parked };
  }

  #allFinished(): boolean {
    return this.#switchboard.finished >= this.#workers.length;
  }

  #serve(): void {
    this.#switchboard.serve(this.#workers.length, (thread) => this.#answers[thread]);
  }

  #work(): number {
    const { evm } = this.#machine;
    this.#serve();
    try {
      return evm.work(PIECES);
    } catch (error) {
      if (error instanceof MemoryFull) evm.stopParallel();
      else evm.abandon();
      return 0;
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }
}
