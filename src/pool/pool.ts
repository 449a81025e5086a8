/**
 * The worker pool: cuts nothing, knows no algorithm; it hands chunks of batches to threads and loses none.
 *
 * A batch's memory is posted to each worker once; from then on a chunk is one entry of the shared {@link Ring}. Several
 * batches in flight take turns, chunk by chunk, urgent ones first. When a worker dies or its kernel traps, the chunk it held is run again
 * elsewhere: until a chunk is finished its verdicts are nobody's, so nothing is lost and nothing is answered twice.
 *
 * @module
 */
import { LanewiseError, type LanewiseErrorCode } from "../core/index.ts";
import type { BatchView, KernelShape } from "./kernel.ts";
import type { HostMessage, WorkerMessage } from "./messages.ts";
import { type Chunk, DONE, openRing, ringBytes, STOP, seedRing } from "./ring.ts";
import { type SpawnThread, spawnThread, type Thread } from "./threads.ts";

/** How a pool is built. All but the numbers of workers is for tests. */
export interface PoolOptions {
  /** Threads, at least 1. */
  readonly workers: number;
  /**
   * Threads beside them that take urgent chunks alone; they start when the first comes. Default 0. An urgent chunk waits for no chunk
   * that runs then: the system shares the cores out.
   */
  readonly urgentWorkers?: number;
  /** Threads, but for urgent ones, let the process's other threads go first (Linux). Default false. */
  readonly background?: boolean;
  /** Entries of the ring, a power of two. */
  readonly capacity?: number;
  /** First sequence number of the ring. */
  readonly firstSequence?: number;
  readonly spawn?: SpawnThread;
  /** How the host learns of finished chunks; default: `wait-async` where `Atomics.waitAsync` exists. */
  readonly completion?: "wait-async" | "message";
  /** How long `close` waits for work in flight without seeing any finished, before it ends the threads. */
  readonly closeTimeoutMs?: number;
}

/** A batch to be run in chunks. */
export interface PoolTask {
  /** A kernel given to `addKernel` before. */
  readonly kernel: string;
  readonly view: BatchView;
  readonly count: number;
  /** Bytes of the batch's arena in use. */
  readonly arenaBytes: number;
  /** Items of a chunk. */
  readonly chunkItems: number;
  readonly signal?: AbortSignal;
  /** Goes before what no worker has begun. */
  readonly urgent?: boolean;
}

/** Counters for reports and tests. */
export interface PoolStats {
  readonly workers: number;
  /** Chunks finished. */
  readonly chunks: number;
  /** Chunks run again because a worker died or trapped. */
  readonly retries: number;
  /** Threads started in place of dead ones. */
  readonly respawns: number;
  /** Batches whose memory some worker holds. */
  readonly attached: number;
  /** Batches in flight. */
  readonly inFlight: number;
}

/** A running pool. */
export interface WorkerPool {
  /**
   * Makes a kernel known and waits until every worker has it ready. Idempotent.
   *
   * @throws LanewiseError `ERR_BACKEND_UNAVAILABLE` when it cannot be instantiated, `ERR_CLOSED`.
   */
  addKernel(id: string, module: WebAssembly.Module, shape: KernelShape): Promise<void>;
  /** Runs a batch. @throws LanewiseError `ERR_BACKEND_FAILED`, `ERR_ABORTED` or `ERR_CLOSED`. */
  run(task: PoolTask): Promise<void>;
  stats(): PoolStats;
  /** Waits for work in flight, then ends the threads; always returns. Idempotent. */
  close(): Promise<void>;
}

/** Runs of one chunk before its batch is given up: a chunk that fails this often is not unlucky. */
const MAX_ATTEMPTS = 3;

/** Ready or running entries per worker: one to run and one to find at once; more would only delay other batches' turns. */
const ENTRIES_PER_WORKER = 2;

/** Deaths in a row, per worker, without a chunk finished in between, before respawning stops. */
const MAX_DEATHS = 3;

/** How long an idle thread may take to leave by itself before it is terminated. */
const LEAVE_TIMEOUT_MS = 1_000;

interface Pending extends Chunk {
  readonly attempt: number;
}

interface Job {
  readonly task: PoolTask;
  readonly batch: number;
  /** Chunks not in the ring: retries first, then from `next` on. */
  readonly retries: Pending[];
  next: number;
  /** Chunks in the ring. */
  inRing: number;
  /** Set once the job has failed: nothing more of it is started. */
  error: LanewiseError | undefined;
  readonly settle: (error: LanewiseError | undefined) => void;
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

/** Starts a pool; its threads do not keep the process alive while there is nothing to do. */
export function createPool(options: PoolOptions): WorkerPool {
  const { workers, capacity = 256, spawn = spawnThread, closeTimeoutMs = 30_000 } = options;
  const threads = workers + (options.urgentWorkers ?? 0);
  const completion =
    options.completion ?? (typeof Atomics.waitAsync === "function" ? "wait-async" : "message");
  const buffer = new SharedArrayBuffer(ringBytes(threads, capacity));
  seedRing(buffer, options.firstSequence ?? 0);
  const ring = openRing(buffer, threads, capacity);
  /** Those for urgent chunks come last. */
  const seats: Seat[] = Array.from({ length: threads }, () => ({
    thread: undefined,
    attached: new Set(),
    ready: new Set(),
    gone: [],
  }));
  /** The seats that any chunk can run on. */
  const ordinary = seats.slice(0, workers);
  let hasUrgentThreads = false;
  const kernels = new Map<string, Registration>();
  const jobs = new Set<Job>();
  /** Jobs with chunks to start, in the order of their turns; urgent ones go first. */
  const turns: Job[] = [];
  const urgentTurns: Job[] = [];
  const turnsOf = ({ task }: Job): Job[] => (task.urgent ? urgentTurns : turns);
  const running = new Map<number, { job: Job; chunk: Pending }>();
  let urgentRunning = 0;
  const batchIds = new WeakMap<SharedArrayBuffer, number>();
  let lastBatchId = 0;
  let chunks = 0;
  let retries = 0;
  let respawns = 0;
  let deaths = 0;
  let watching = false;
  let closing: Promise<void> | undefined;
  let idle: (() => void) | undefined;
  const forget = new FinalizationRegistry<number>((batch) => {
    for (const [index, seat] of seats.entries()) {
      if (seat.attached.delete(batch)) post(index, { kind: "forget", batch });
    }
  });

  const failure = (code: LanewiseErrorCode, message: string, cause?: unknown): LanewiseError =>
    new LanewiseError(code, `worker pool: ${message}`, cause === undefined ? {} : { cause });

  function post(index: number, message: HostMessage): void {
    const { thread } = seats[index];
    if (!thread) return;
    // Counted first: a worker that sees the count waits for the message, one that sees only the message would not count it.
    ring.addMail(index);
    thread.post(message);
    ring.wake();
  }

  /** Threads keep the process alive exactly while somebody waits for them. */
  function hold(): void {
    const alive = jobs.size > 0 || [...kernels.values()].some(({ settled }) => !settled);
    for (const { thread } of seats) thread?.hold(alive);
  }

  function start(index: number): void {
    const seat = seats[index];
    seat.attached.clear();
    seat.ready.clear();
    ring.resetMail(index);
    let alive = true;
    const thread = spawn(
      {
        ring: buffer,
        workers: threads,
        capacity,
        index,
        urgentOnly: index >= workers,
        background: options.background === true && index < workers,
        postDone: completion === "message",
      },
      {
        message: (message) => {
          if (alive) receive(index, message);
        },
        exit: (reason) => {
          alive = false;
          seat.thread = undefined;
          for (const resolve of seat.gone.splice(0)) resolve();
          bury(index, reason);
        },
      },
    );
    seat.thread = thread;
    for (const { message } of kernels.values()) post(index, message);
    for (const job of jobs) attach(index, job);
    hold();
  }

  function attach(index: number, { batch, task }: Job): void {
    const seat = seats[index];
    if (!seat.thread || seat.attached.has(batch)) return;
    seat.attached.add(batch);
    post(index, { kind: "batch", batch, kernel: task.kernel, view: task.view });
  }

  function receive(index: number, message: WorkerMessage): void {
    if (message.kind === "done") collect();
    else if (message.kind === "failed") {
      ring.release(message.position);
      retry(message.position, message.reason);
      pump();
    } else if (message.kind === "ready") {
      seats[index].ready.add(message.id);
      if (ordinary.every(({ ready }) => ready.has(message.id))) kernels.get(message.id)?.resolve();
    } else {
      const reason = `kernel ${message.id} cannot be instantiated: ${message.reason}`;
      kernels.get(message.id)?.reject(failure("ERR_BACKEND_UNAVAILABLE", reason));
    }
  }

  /** A thread has ended: what it held runs again, and another takes its seat. */
  function bury(index: number, reason: string): void {
    collect();
    for (const position of ring.reclaim(index)) retry(position, `worker ended: ${reason}`);
    if (Atomics.load(ring.words, STOP)) return;
    deaths++;
    if (deaths <= MAX_DEATHS * threads) {
      respawns++;
      start(index);
    } else if (ordinary.every(({ thread }) => thread === undefined)) {
      const cause = new Error(reason);
      for (const registration of kernels.values()) {
        registration.reject(failure("ERR_BACKEND_UNAVAILABLE", "every worker died", cause));
      }
      for (const job of jobs) fail(job, failure("ERR_BACKEND_FAILED", "every worker died", cause));
    }
    pump();
  }

  /** After a streak of deaths: new work deserves a new try. */
  function revive(): void {
    if (ordinary.every(({ thread }) => thread !== undefined)) return;
    deaths = 0;
    for (const [index, { thread }] of ordinary.entries()) if (!thread) start(index);
  }

  function startUrgentThreads(): void {
    if (hasUrgentThreads) return;
    hasUrgentThreads = true;
    for (let index = workers; index < threads; index++) start(index);
  }

  function unlist(position: number, { urgent }: Chunk): void {
    running.delete(position);
    if (urgent) urgentRunning--;
  }

  function retry(position: number, reason: string): void {
    const entry = running.get(position);
    if (!entry) return;
    unlist(position, entry.chunk);
    const { job, chunk } = entry;
    job.inRing--;
    if (job.error === undefined && chunk.attempt < MAX_ATTEMPTS) {
      retries++;
      job.retries.push({ ...chunk, attempt: chunk.attempt + 1 });
      const queue = turnsOf(job);
      if (!queue.includes(job)) queue.unshift(job);
    } else if (job.error === undefined) {
      const last = chunk.first + chunk.count - 1;
      const text = `items ${chunk.first}..${last} failed ${MAX_ATTEMPTS} times: ${reason}`;
      fail(job, failure("ERR_BACKEND_FAILED", text, new Error(reason)));
    }
    settleIfDone(job);
  }

  /** Gives a job up: what no worker has begun is taken back; it settles when nothing of it runs any more. */
  function fail(job: Job, error: LanewiseError): void {
    job.error ??= error;
    job.retries.length = 0;
    job.next = job.task.count;
    for (const [position, entry] of running) {
      if (entry.job !== job || !ring.cancel(position)) continue;
      unlist(position, entry.chunk);
      job.inRing--;
    }
    settleIfDone(job);
  }

  const hasMore = (job: Job): boolean => job.retries.length > 0 || job.next < job.task.count;

  function settleIfDone(job: Job): void {
    if (job.inRing > 0 || hasMore(job) || !jobs.delete(job)) return;
    const queue = turnsOf(job);
    const turn = queue.indexOf(job);
    if (turn >= 0) queue.splice(turn, 1);
    job.settle(job.error);
    if (jobs.size === 0) {
      hold();
      idle?.();
    }
  }

  /** Retires finished chunks and starts the next. */
  function collect(): void {
    ring.collect((position) => {
      const { job, chunk } = running.get(position)!;
      unlist(position, chunk);
      job.inRing--;
      chunks++;
      deaths = 0;
      settleIfDone(job);
    });
    pump();
  }

  function nextChunk(job: Job): Pending {
    const again = job.retries.shift();
    if (again) return again;
    const { chunkItems, arenaBytes, count, urgent = false } = job.task;
    const first = job.next;
    job.next = Math.min(count, first + chunkItems);
    return { batch: job.batch, first, count: job.next - first, arenaBytes, urgent, attempt: 1 };
  }

  /** Fills the ring, one chunk a job in turn. */
  function pump(): void {
    let pushed = 0;
    while (ring.space() > 0) {
      // Urgent chunks have entries of their own, so that they need not wait for one.
      const isUrgent = urgentTurns.length > 0 && urgentRunning < ENTRIES_PER_WORKER * threads;
      const isFull = running.size - urgentRunning >= ENTRIES_PER_WORKER * workers;
      const job = isUrgent ? urgentTurns.shift() : isFull ? undefined : turns.shift();
      if (job === undefined) break;
      if (!hasMore(job)) continue;
      const chunk = nextChunk(job);
      running.set(ring.push(chunk), { job, chunk });
      if (chunk.urgent) urgentRunning++;
      job.inRing++;
      pushed++;
      if (hasMore(job)) turnsOf(job).push(job);
    }
    if (pushed > 0) ring.wake();
    if (running.size > 0 && !watching && completion === "wait-async") void watch();
  }

  /** Waits for finished chunks for as long as any are in the ring. */
  async function watch(): Promise<void> {
    watching = true;
    while (running.size > 0) {
      const done = Atomics.load(ring.words, DONE);
      collect();
      if (running.size === 0) break;
      const change = Atomics.waitAsync(ring.words, DONE, done);
      if (change.async) await change.value;
    }
    watching = false;
  }

  function register(message: HostMessage & { kind: "kernel" }): Registration {
    let resolve = (): void => {};
    let reject = (_error: LanewiseError): void => {};
    const done = new Promise<void>((yes, no) => {
      resolve = yes;
      reject = no;
    });
    const settle = (): void => {
      registration.settled = true;
      hold();
    };
    const registration: Registration = {
      message,
      done: done.finally(settle),
      resolve,
      reject: (error) => {
        kernels.delete(message.id); // the next `addKernel` tries again
        reject(error);
      },
      settled: false,
    };
    // A rejection that nobody awaits yet is not an unhandled one.
    registration.done.catch(() => {});
    return registration;
  }

  async function shutDown(): Promise<void> {
    const finished = new Promise<void>((resolve) => {
      idle = resolve;
      if (jobs.size === 0) resolve();
    });
    for (let before = -1; jobs.size > 0 && before !== chunks; ) {
      before = chunks;
      await withTimeout(finished, closeTimeoutMs);
    }
    Atomics.store(ring.words, STOP, 1);
    ring.wake();
    await Promise.all(
      seats.map(async (seat) => {
        const { thread } = seat;
        if (!thread) return;
        const gone = new Promise<void>((resolve) => seat.gone.push(resolve));
        thread.hold(true);
        await withTimeout(gone, LEAVE_TIMEOUT_MS);
        if (seat.thread) await thread.terminate();
      }),
    );
    const closed = failure("ERR_CLOSED", "closed");
    for (const registration of kernels.values()) registration.reject(closed);
    for (const job of jobs) {
      jobs.delete(job);
      job.settle(closed);
    }
    // Lets go of a waiter that would otherwise hold the ring.
    Atomics.notify(ring.words, DONE);
  }

  for (let index = 0; index < workers; index++) start(index);

  return {
    addKernel(id, module, shape) {
      if (closing) return Promise.reject(failure("ERR_CLOSED", "closed"));
      const known = kernels.get(id);
      if (known) return known.done;
      const registration = register({ kind: "kernel", id, module, shape });
      kernels.set(id, registration);
      revive();
      for (let index = 0; index < threads; index++) post(index, registration.message);
      hold();
      return registration.done;
    },
    run(task) {
      if (closing) return Promise.reject(failure("ERR_CLOSED", "closed"));
      const { signal } = task;
      const aborted = (): LanewiseError => failure("ERR_ABORTED", "aborted", signal?.reason);
      if (signal?.aborted) return Promise.reject(aborted());
      if (task.count === 0) return Promise.resolve();
      let batch = batchIds.get(task.view.buffer);
      if (batch === undefined) {
        lastBatchId = (lastBatchId + 1) | 0;
        batch = lastBatchId;
        batchIds.set(task.view.buffer, batch);
        forget.register(task.view.buffer, batch);
      }
      revive();
      return new Promise((resolve, reject) => {
        const onAbort = (): void => fail(job, aborted());
        const job: Job = {
          task,
          batch,
          retries: [],
          next: 0,
          inRing: 0,
          error: undefined,
          settle: (error) => {
            signal?.removeEventListener("abort", onAbort);
            if (error) reject(error);
            else resolve();
          },
        };
        signal?.addEventListener("abort", onAbort, { once: true });
        jobs.add(job);
        if (jobs.size === 1) hold();
        for (let index = 0; index < threads; index++) attach(index, job);
        if (task.urgent) startUrgentThreads();
        turnsOf(job).push(job);
        pump();
      });
    },
    stats: () => ({
      workers,
      chunks,
      retries,
      respawns,
      attached: new Set(seats.flatMap(({ attached }) => [...attached])).size,
      inFlight: jobs.size,
    }),
    close() {
      closing ??= shutDown();
      return closing;
    },
  };
}

/** Waits for the promise, but not longer than this. */
async function withTimeout(promise: Promise<void>, timeoutMs: number): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMs);
  });
  await Promise.race([promise, timeout]);
  clearTimeout(timer);
}
