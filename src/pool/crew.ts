/**
 * The pool's threads: what each has been told, and who takes the place of one that ended.
 *
 * @module
 */
import { LanewiseError, type LanewiseErrorCode } from "../core/index.ts";
import type { KernelShape } from "./kernel.ts";
import type { HostMessage, WorkerMessage } from "./messages.ts";
import { type Ring, STOP } from "./ring.ts";
import type { SpawnThread, Thread } from "./threads.ts";

/** Deaths in a row, per worker, without a chunk finished in between, before respawning stops. */
const MAX_DEATHS = 3;

/** How long an idle thread may take to leave by itself before it is terminated. */
const LEAVE_TIMEOUT_MS = 1_000;

/** A batch's memory, as a worker is told of it. */
export type BatchMessage = HostMessage & { kind: "batch" };

/** What a crew is made of. */
export interface CrewOptions {
  readonly ring: Ring;
  readonly buffer: SharedArrayBuffer;
  readonly capacity: number;
  /** Threads that take any chunk; they come first. */
  readonly workers: number;
  /** Threads for urgent chunks alone. */
  readonly urgentWorkers: number;
  /** Whether ordinary workers yield to other threads. */
  readonly background: boolean;
  readonly spawn: SpawnThread;
  /** Whether workers tell of finished chunks by messages. */
  readonly postDone: boolean;
  /** Batches that a fresh thread has to know. */
  batches(): Iterable<BatchMessage>;
  /** A worker says something about a chunk. */
  onChunk(message: WorkerMessage & { kind: "done" | "failed" }): void;
  /** A thread has ended. What it held is nobody's. */
  onEnd(index: number, reason: string): void;
  /** Afterwards: another has its place, or nobody; `lost` where no worker is left. */
  onReplaced(lost: Error | undefined): void;
}

interface Seat {
  thread: Thread | undefined;
  readonly attached: Set<number>;
  readonly ready: Set<string>;
  /** Calls waiting for the thread to end. */
  readonly gone: (() => void)[];
}

interface Registration {
  readonly message: HostMessage & { kind: "kernel" };
  readonly done: Promise<void>;
  resolve(): void;
  reject(error: LanewiseError): void;
  settled: boolean;
}

/** An error that names the pool. */
export function failure(code: LanewiseErrorCode, message: string, cause?: unknown): LanewiseError {
  return new LanewiseError(code, `worker pool: ${message}`, cause === undefined ? {} : { cause });
}

/** See the module's description. */
export class Crew {
  readonly #options: CrewOptions;
  readonly #seats: readonly Seat[];
  /** The seats that any chunk can run on. */
  readonly #ordinary: readonly Seat[];
  readonly #kernels = new Map<string, Registration>();
  #hasUrgentThreads = false;
  #isBusy = false;
  #deaths = 0;
  #respawns = 0;

  /** Starts the workers; those for urgent chunks start with {@link startUrgent}. */
  constructor(options: CrewOptions) {
    this.#options = options;
    const { workers, urgentWorkers } = options;
    this.#seats = Array.from({ length: workers + urgentWorkers }, () => ({
      thread: undefined,
      attached: new Set(),
      ready: new Set(),
      gone: [],
    }));
    this.#ordinary = this.#seats.slice(0, workers);
    for (let index = 0; index < workers; index++) this.#start(index);
  }

  /** Threads started in place of dead ones. */
  get respawns(): number {
    return this.#respawns;
  }

  /** Batches whose memory some worker holds. */
  get attached(): number {
    return new Set(this.#seats.flatMap(({ attached }) => [...attached])).size;
  }

  /** Threads keep the process alive exactly while somebody waits for them: for a batch, or for a kernel. */
  hold(isBusy: boolean): void {
    this.#isBusy = isBusy;
    const alive = isBusy || [...this.#kernels.values()].some(({ settled }) => !settled);
    for (const { thread } of this.#seats) thread?.hold(alive);
  }

  /** Makes a kernel known to all; resolves when every worker has it. */
  addKernel(id: string, module: WebAssembly.Module, shape: KernelShape): Promise<void> {
    const known = this.#kernels.get(id);
    if (known) return known.done;
    const registration = this.#register({ kind: "kernel", id, module, shape });
    this.#kernels.set(id, registration);
    this.revive();
    for (let index = 0; index < this.#seats.length; index++) {
      this.#post(index, registration.message);
    }
    this.hold(this.#isBusy);
    return registration.done;
  }

  /** Makes a batch's memory known to all. */
  attach(message: BatchMessage): void {
    for (let index = 0; index < this.#seats.length; index++) this.#attach(index, message);
  }

  /** Tells those who know a batch to forget it. */
  forget(batch: number): void {
    for (const [index, seat] of this.#seats.entries()) {
      if (seat.attached.delete(batch)) this.#post(index, { kind: "forget", batch });
    }
  }

  /** A chunk was finished: whoever died before was unlucky. */
  survived(): void {
    this.#deaths = 0;
  }

  /** After a streak of deaths: new work deserves a new try. */
  revive(): void {
    if (this.#ordinary.every(({ thread }) => thread !== undefined)) return;
    this.#deaths = 0;
    for (const [index, { thread }] of this.#ordinary.entries()) if (!thread) this.#start(index);
  }

  startUrgent(): void {
    if (this.#hasUrgentThreads) return;
    this.#hasUrgentThreads = true;
    for (let index = this.#options.workers; index < this.#seats.length; index++) this.#start(index);
  }

  /** Ends all threads, STOP being set; kernels that were not ready never will be. */
  async end(): Promise<void> {
    await Promise.all(
      this.#seats.map(async (seat) => {
        const { thread } = seat;
        if (!thread) return;
        const gone = new Promise<void>((resolve) => seat.gone.push(resolve));
        thread.hold(true);
        await withTimeout(gone, LEAVE_TIMEOUT_MS);
        if (seat.thread) await thread.terminate();
      }),
    );
    for (const registration of this.#kernels.values()) {
      registration.reject(failure("ERR_CLOSED", "closed"));
    }
  }

  #post(index: number, message: HostMessage): void {
    const { thread } = this.#seats[index];
    if (!thread) return;
    const { ring } = this.#options;
    // Counted first: a worker that sees the count waits for the message, one that sees only the message would not count it.
    ring.addMail(index);
    thread.post(message);
    ring.wake();
  }

  #attach(index: number, message: BatchMessage): void {
    const seat = this.#seats[index];
    if (!seat.thread || seat.attached.has(message.batch)) return;
    seat.attached.add(message.batch);
    this.#post(index, message);
  }

  #start(index: number): void {
    const { ring, buffer, capacity, workers, background, spawn, postDone } = this.#options;
    const seat = this.#seats[index];
    seat.attached.clear();
    seat.ready.clear();
    ring.resetMail(index);
    let alive = true;
    seat.thread = spawn(
      {
        ring: buffer,
        workers: this.#seats.length,
        capacity,
        index,
        urgentOnly: index >= workers,
        background: background && index < workers,
        postDone,
      },
      {
        message: (message) => {
          if (alive) this.#receive(index, message);
        },
        exit: (reason) => {
          alive = false;
          seat.thread = undefined;
          for (const resolve of seat.gone.splice(0)) resolve();
          this.#replace(index, reason);
        },
      },
    );
    for (const { message } of this.#kernels.values()) this.#post(index, message);
    for (const batch of this.#options.batches()) this.#attach(index, batch);
    this.hold(this.#isBusy);
  }

  #receive(index: number, message: WorkerMessage): void {
    if (message.kind === "done" || message.kind === "failed") this.#options.onChunk(message);
    else if (message.kind === "ready") {
      this.#seats[index].ready.add(message.id);
      const isReady = this.#ordinary.every(({ ready }) => ready.has(message.id));
      if (isReady) this.#kernels.get(message.id)?.resolve();
    } else {
      const reason = `kernel ${message.id} cannot be instantiated: ${message.reason}`;
      this.#kernels.get(message.id)?.reject(failure("ERR_BACKEND_UNAVAILABLE", reason));
    }
  }

  /** A thread has ended: another takes its seat, unless too many did. */
  #replace(index: number, reason: string): void {
    const { ring, onEnd, onReplaced } = this.#options;
    onEnd(index, reason);
    if (Atomics.load(ring.words, STOP)) return;
    let lost: Error | undefined;
    this.#deaths++;
    if (this.#deaths <= MAX_DEATHS * this.#seats.length) {
      this.#respawns++;
      this.#start(index);
    } else if (this.#ordinary.every(({ thread }) => thread === undefined)) {
      lost = new Error(reason);
      for (const registration of this.#kernels.values()) {
        registration.reject(failure("ERR_BACKEND_UNAVAILABLE", "every worker died", lost));
      }
    }
    onReplaced(lost);
  }

  #register(message: HostMessage & { kind: "kernel" }): Registration {
    let resolve = (): void => {};
    let reject = (_error: LanewiseError): void => {};
    const done = new Promise<void>((yes, no) => {
      resolve = yes;
      reject = no;
    });
    const settle = (): void => {
      registration.settled = true;
      this.hold(this.#isBusy);
    };
    const registration: Registration = {
      message,
      done: done.finally(settle),
      resolve,
      reject: (error) => {
        this.#kernels.delete(message.id); // the next `addKernel` tries again
        reject(error);
      },
      settled: false,
    };
    // A rejection that nobody awaits yet is not an unhandled one.
    registration.done.catch(() => {});
    return registration;
  }
}

/** Waits for the promise, but not longer than this. */
export async function withTimeout(promise: Promise<void>, timeoutMs: number): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMs);
  });
  await Promise.race([promise, timeout]);
  clearTimeout(timer);
}
