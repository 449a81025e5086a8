/**
 * Threads of the platform behind one small interface: Node's `worker_threads` and the Web's `Worker`.
 *
 * @module
 */
import type { Worker as NodeWorker } from "node:worker_threads";
import type { HostMessage, WorkerMessage, WorkerSetup } from "./messages.ts";
import type { Channel } from "./serve.ts";

/** A running thread, seen from the host. */
export interface Thread {
  post(message: HostMessage): void;
  /** Whether the thread keeps the process alive. */
  hold(alive: boolean): void;
  /** Ends the thread whatever it does. */
  terminate(): Promise<void>;
}

/** What a thread reports to the host. */
export interface ThreadEvents {
  message(message: WorkerMessage): void;
  /** The thread is gone and will never touch shared memory again. Called once. */
  exit(reason: string): void;
}

/** Starts a thread that serves the ring. */
export type SpawnThread = (setup: WorkerSetup, events: ThreadEvents) => Thread;

const threads = globalThis.process?.getBuiltinModule?.("node:worker_threads");

/** Cores that this process may use. */
export function availableCores(): number {
  const os = globalThis.process?.getBuiltinModule?.("node:os");
  return os?.availableParallelism() ?? globalThis.navigator?.hardwareConcurrency ?? 1;
}

/** A thread this much nicer gets a quarter of a core that it shares with another. */
const NICENESS = 5;

/**
 * Lowers the priority of the calling thread alone: on Linux, where the priority of a task is a thread's. Elsewhere, and where the system
 * refuses, nothing happens.
 */
export function yieldToOthers(): void {
  const builtin = globalThis.process?.getBuiltinModule;
  const os = builtin?.("node:os");
  if (os === undefined || os.platform() !== "linux") return;
  try {
    const self = builtin("node:fs").readlinkSync("/proc/thread-self");
    const thread = Number(self.slice(self.lastIndexOf("/") + 1));
    os.setPriority(thread, Math.min(19, os.getPriority(thread) + NICENESS));
  } catch {
    // No /proc, or a sandbox: all threads stay alike.
  }
}

/** Starts `url` (default: the pool's own worker) in a thread. */
export function spawnThread(
  setup: WorkerSetup,
  events: ThreadEvents,
  url: URL = new URL("./worker.js", import.meta.url),
): Thread {
  if (!threads) return spawnWeb(url, setup, events);
  // Flags of the process are not for the thread: `--input-type` or `--import` would break or burden it. V8's hold anyway.
  return spawnNode(new threads.Worker(url, { workerData: setup, execArgv: [] }), events);
}

function spawnNode(worker: NodeWorker, events: ThreadEvents): Thread {
  let reason = "";
  worker.on("message", events.message);
  worker.on("error", (error) => {
    reason = String(error);
  });
  worker.once("exit", (code) => events.exit(reason || `exit code ${code}`));
  worker.unref();
  return {
    post: (message) => worker.postMessage(message),
    hold: (alive) => (alive ? worker.ref() : worker.unref()),
    terminate: async () => {
      await worker.terminate();
    },
  };
}

function spawnWeb(url: URL, setup: WorkerSetup, events: ThreadEvents): Thread {
  const worker = new Worker(url, { type: "module" });
  let gone = false;
  const exit = (reason: string): void => {
    if (gone) return;
    gone = true;
    worker.terminate();
    events.exit(reason);
  };
  worker.onmessage = (event) => {
    if (event.data === "closed") exit("closed");
    else events.message(event.data);
  };
  worker.onerror = (event) => exit(event.message || "error in worker");
  worker.postMessage(setup);
  return {
    post: (message) => worker.postMessage(message),
    hold: () => {},
    terminate: async () => exit("terminated"),
  };
}

/** The worker's side: its channel and what it was started with. */
export async function openChannel(): Promise<{ channel: Channel; setup: unknown }> {
  const port = threads?.parentPort;
  if (port) {
    return {
      setup: threads.workerData,
      channel: {
        post: (message) => port.postMessage(message),
        listen: (receive) => port.on("message", receive),
        close: () => port.close(),
      },
    };
  }
  const scope = globalThis as unknown as {
    onmessage: ((event: MessageEvent) => void) | null;
    postMessage(message: unknown): void;
    close(): void;
  };
  // The first message is the setup; what follows is kept until somebody listens.
  const early: HostMessage[] = [];
  let receiver = (message: HostMessage): void => void early.push(message);
  const setup = await new Promise<unknown>((resolve) => {
    scope.onmessage = (first) => {
      scope.onmessage = (event) => receiver(event.data);
      resolve(first.data);
    };
  });
  return {
    setup,
    channel: {
      post: (message) => scope.postMessage(message),
      listen: (receive) => {
        receiver = receive;
        for (const message of early.splice(0)) receive(message);
      },
      close: () => {
        scope.postMessage("closed");
        scope.close();
      },
    },
  };
}
