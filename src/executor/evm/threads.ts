/**
 * The threads of one parallel executor, and the host's part in a block that they share.
 *
 * @module
 */
import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import type { SharedReads, StateSource } from "../../state/source.ts";
import type { Inputs } from "./inputs.ts";
import { type HostMachine, MORE, type StateQuestions } from "./machine.ts";
import type { ParallelWorkerData } from "./parallel-worker.ts";
import { Switchboard } from "./questions.ts";

/** Pieces of work that the host's instance does between two looks at the others: at what they ask, or at how much they have left. */
const PIECES_ASKED = 2;
const PIECES_ALONE = 16;
/** Transactions decoded before threads begin, then at a time while others execute those before; how few left are reason for more. */
export const DECODED_FIRST = 96;
const DECODED_AT_ONCE = 256;
const LEAST_BACKLOG = 256;
/** Milliseconds between two looks at the event loop. */
const YIELD_EVERY_MS = 10;
/** Looks at the others between two looks at the event loop, once the host's instance is done. */
const TURNS_PER_YIELD = 10_000;
/** Times that there was nothing to do before the host's thread rests. */
const PATIENCE = 5000;
const REST_MS = 0.02;
/** How many such times it counts for that another thread goes on alone: looking on would only slow that one down. */
const ELSEWHERE_COUNTS = 100;
// What `work` answers besides MORE (assembly/evm/parallel.ts).
const EXECUTED_ALL = 2;
const OVER = 3;
const ELSEWHERE = 4;

/** A block under way. */
export interface ParallelRun {
  readonly inputs: Inputs;
  readonly results: number;
  readonly count: number;
  readonly state: StateSource;
  within<T>(work: () => T): T;
  /** Throws where the block is to be given up. */
  check(): void;
}

/** Starts and ends threads, and runs blocks on them. */
export class Threads {
  readonly #machine: HostMachine;
  readonly #switchboard: Switchboard;
  readonly #workers: Worker[];
  readonly #ports: MessagePort[];
  readonly #answers: StateQuestions[];
  #lost = false;
  /** What the threads read the state from. */
  #shared: SharedReads | undefined;

  constructor(module: WebAssembly.Module, machine: HostMachine) {
    this.#machine = machine;
    const questions = machine.evm.QUESTIONS.value;
    this.#switchboard = new Switchboard(machine.memory.buffer, questions);
    this.#answers = machine.threadRegions.map(() => machine.answers());
    this.#ports = [];
    this.#workers = machine.threadRegions.map((region, thread) => {
      const { memory } = machine;
      const { port1, port2: states } = new MessageChannel();
      port1.unref();
      this.#ports.push(port1);
      const workerData: ParallelWorkerData = { module, memory, region, thread, questions, states };
      const worker = new Worker(new URL("./parallel-worker.js", import.meta.url), {
        workerData,
        transferList: [states],
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

  /** Wakes the threads for a block that is about to be set up. */
  wake(): void {
    this.#switchboard.ring();
  }

  /**
   * Executes a block's transactions together with the threads, to which the first are offered already; then `epilogue`, and what it
   * answers is had back. `undefined` where the block has to be done serially.
   */
  async run<T>(run: ParallelRun, epilogue: () => T): Promise<T | undefined> {
    const { evm } = this.#machine;
    const { within, check } = run;
    const asked = !this.#share(run.state);
    const pieces = asked ? PIECES_ASKED : PIECES_ALONE;
    evm.joinParallel();
    this.#switchboard.beginBlock();
    let ended: T | undefined;
    let complete = false;
    try {
      let yieldedAtMs = performance.now();
      for (let idle = 0, turn = 1; ; turn++) {
        this.#feed(run);
        const state = within(() => this.#work(pieces));
        if (state === OVER) break;
        if (state === EXECUTED_ALL) {
          ended = within(epilogue);
          complete = true;
          break;
        }
        idle = state === MORE ? 0 : idle + (state === ELSEWHERE && !asked ? ELSEWHERE_COUNTS : 1);
        if (idle > PATIENCE) this.#switchboard.rest(REST_MS);
        if ((turn & 63) === 0 && performance.now() - yieldedAtMs > YIELD_EVERY_MS) {
          await new Promise((resolve) => setImmediate(resolve));
          check();
          if (this.#lost) break;
          yieldedAtMs = performance.now();
        }
      }
    } finally {
      if (!complete) {
        evm.stopParallel();
        await this.#leave(within);
      }
    }
    return this.#lost ? undefined : ended;
  }

  /** Settles what a block that `run` has executed has changed, with all threads; false where that failed. */
  async settle(within: <T>(work: () => T) => T): Promise<boolean> {
    try {
      for (let turns = 1; within(() => this.#work(PIECES_ALONE)) !== OVER; turns++) {
        if (turns % TURNS_PER_YIELD !== 0) continue;
        await new Promise((resolve) => setImmediate(resolve));
        if (this.#lost) return false;
      }
    } finally {
      await this.#leave(within);
    }
    return !this.#lost && this.#machine.evm.completed() !== 0;
  }

  /** Tells the threads where to read; whether they can for themselves. */
  #share(state: StateSource): boolean {
    const shared = state.direct && state.share?.();
    if (shared !== this.#shared) {
      for (const port of this.#ports) port.postMessage({ state: shared });
      this.#shared = shared;
    }
    return shared !== undefined;
  }

  /** Decodes more transactions where the others may run out of them. */
  #feed({ inputs, count }: ParallelRun): void {
    const { evm } = this.#machine;
    if (inputs.done === count || evm.backlog() >= LEAST_BACKLOG) return;
    inputs.decode(Math.min(count, inputs.done + DECODED_AT_ONCE));
    evm.offer(inputs.done);
  }

  /** Waits until every thread has left the block, which is over or given up. */
  async #leave(within: <T>(work: () => T) => T): Promise<void> {
    for (let turns = 1; !this.#lost && !this.#allFinished(); turns++) {
      within(() => this.#serve());
      if (turns % TURNS_PER_YIELD === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  #allFinished(): boolean {
    return this.#switchboard.finished >= this.#workers.length;
  }

  #serve(): void {
    this.#switchboard.serve(this.#workers.length, (thread) => this.#answers[thread]);
  }

  #work(pieces: number): number {
    this.#serve();
    return this.#machine.work(pieces);
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
    for (const port of this.#ports) port.close();
  }
}
