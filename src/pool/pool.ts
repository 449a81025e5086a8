/**
 * The worker pool: cuts nothing, knows no algorithm; it hands chunks of batches to threads and loses none.
 *
 * A batch's memory is posted to each worker once; from then on a chunk is one entry of the shared {@link Ring}. Several
 * batches in flight take turns, chunk by chunk, urgent ones first. When a worker dies or its kernel traps, the chunk it held is run again
 * elsewhere: until a chunk is finished its verdicts are nobody's, so nothing is lost and nothing is answered twice.
 *
 * @module
 */
import type { LanewiseError } from "../core/index.ts";
import type { PoolOptions, PoolTask, WorkerPool } from "./contract.ts";
import { type BatchMessage, Crew, failure, withTimeout } from "./crew.ts";
import { type Chunk, DONE, openRing, ringBytes, STOP, seedRing } from "./ring.ts";
import { spawnThread } from "./threads.ts";

export type { PoolOptions, PoolStats, PoolTask, WorkerPool } from "./contract.ts";

/** Runs of one chunk before its batch is given up: a chunk that fails this often is not unlucky. */
const MAX_ATTEMPTS = 3;

/** Ready or running entries per worker: one to run and one to find at once; more would only delay other batches' turns. */
const ENTRIES_PER_WORKER = 2;

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

/** Starts a pool; its threads do not keep the process alive while there is nothing to do. */
export function createPool(options: PoolOptions): WorkerPool {
  const { workers, urgentWorkers = 0, capacity = 256, spawn = spawnThread } = options;
  const { closeTimeoutMs = 30_000 } = options;
  const threads = workers + urgentWorkers;
  const completion =
    options.completion ?? (typeof Atomics.waitAsync === "function" ? "wait-async" : "message");
  const buffer = new SharedArrayBuffer(ringBytes(threads, capacity));
  seedRing(buffer, options.firstSequence ?? 0);
  const ring = openRing(buffer, threads, capacity);
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
  let watching = false;
  let closing: Promise<void> | undefined;
  let idle: (() => void) | undefined;
  const crew = new Crew({
    ring,
    buffer,
    capacity,
    workers,
    urgentWorkers,
    background: options.background === true,
    spawn,
    postDone: completion === "message",
    batches: () => [...jobs].map(messageOf),
    onChunk(message) {
      if (message.kind === "done") return collect();
      ring.release(message.position);
      retry(message.position, message.reason);
      pump();
    },
    onEnd(index, reason) {
      collect();
      for (const position of ring.reclaim(index)) retry(position, `worker ended: ${reason}`);
    },
    onReplaced(lost) {
      if (lost !== undefined) {
        for (const job of jobs) fail(job, failure("ERR_BACKEND_FAILED", "every worker died", lost));
      }
      pump();
    },
  });
  const forget = new FinalizationRegistry<number>((batch) => crew.forget(batch));

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
      crew.hold(false);
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
      crew.survived();
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
    await crew.end();
    const closed = failure("ERR_CLOSED", "closed");
    for (const job of jobs) {
      jobs.delete(job);
      job.settle(closed);
    }
    // Lets go of a waiter that would otherwise hold the ring.
    Atomics.notify(ring.words, DONE);
  }

  return {
    addKernel(id, module, shape) {
      if (closing) return Promise.reject(failure("ERR_CLOSED", "closed"));
      return crew.addKernel(id, module, shape);
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
      crew.revive();
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
        if (jobs.size === 1) crew.hold(true);
        crew.attach(messageOf(job));
        if (task.urgent) crew.startUrgent();
        turnsOf(job).push(job);
        pump();
      });
    },
    stats: () => ({
      workers,
      chunks,
      retries,
      respawns: crew.respawns,
      attached: crew.attached,
      inFlight: jobs.size,
    }),
    close() {
      closing ??= shutDown();
      return closing;
    },
  };
}

/** A job's batch, as workers are told of it. */
function messageOf({ batch, task }: Job): BatchMessage {
  return { kind: "batch", batch, kernel: task.kernel, view: task.view };
}
