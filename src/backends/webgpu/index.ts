/**
 * The WebGPU back end: WGSL kernels through Dawn (or a browser), any algorithm that has a folder under `shaders/kernels/`.
 *
 * Largest message of an algorithm that uses the arena: what the adapter binds as one storage buffer, at most half of its largest
 * buffer, which holds the records too on their way up, and below 2 GiB: 512 MiB on SwiftShader (buffers of 1 GiB). A longer one
 * rejects with `ERR_UNSUPPORTED`, so that the caller's other back end takes it.
 *
 * @module
 */
import type {
  Algorithm,
  Backend,
  BackendStatus,
  Batch,
  LanewiseErrorCode,
  RunOptions,
} from "../../core/index.ts";
import { LanewiseError } from "../../core/index.ts";
import type { BackendOptions } from "../index.ts";
import { hasKernel, type KernelVariant, loadKernel } from "./kernel.ts";
import { createMerkleReducer, hasMerkleShader, type MerkleReducer } from "./merkle.ts";
import { type ProbeCommand, probeAdapter } from "./probe.ts";
import { createRunner, type Runner } from "./runner.ts";
import { failed, openSession, type Session } from "./session.ts";
import { emptyStatistics, type Statistics } from "./statistics.ts";

export type { KernelVariant } from "./kernel.ts";
export type { Statistics as WebgpuStatistics } from "./statistics.ts";

/** Options of {@link createWebgpuBackend}. */
export interface WebgpuOptions extends BackendOptions {
  /** Longest that the shaders of one algorithm may take to compile; default 120 000, software adapters 600 000. */
  readonly compileTimeoutMs?: number;
  /** Longest that one chunk of a batch may take before the device counts as hung; default 30 000, software adapters 300 000. */
  readonly timeoutMs?: number;
  /** Most items of a chunk, a multiple of 64; default: what fits the device. */
  readonly maxItems?: number;
  /** Other forms of the same kernels, to compare; default: as built. */
  readonly variant?: KernelVariant;
  /** Time each stage by itself, in `statistics().stageMs`; default false. Stages no longer overlap then. */
  readonly profile?: boolean;
  /** Compile one shader after another, so that each time in `statistics().compileMs` is its own; default false. */
  readonly compileOneByOne?: boolean;
  /** The probe's command; default: the package's own child process. */
  readonly probe?: ProbeCommand;
  /** Sees each device as it is made: to share it, watch it, or break it in a test. */
  readonly onDevice?: (device: GPUDevice) => void;
}

/** The WebGPU back end, with its statistics. */
export interface WebgpuBackend extends Backend {
  /** A copy of the sums so far. */
  statistics(): Statistics;
}

/** Wait after the second loss in a row; doubles with each further one. The first is mended at once. */
const BACK_OFF_MS = 250;
const MAX_BACK_OFF_MS = 30_000;

const closedError = (): LanewiseError => new LanewiseError("ERR_CLOSED", "webgpu back end: closed");

interface Connection {
  readonly session: Session;
  readonly runners: Map<string, Promise<Runner>>;
  readonly reducers: Map<string, Promise<MerkleReducer>>;
}

/** Creates the back end. Nothing is opened before `probe`, `prepare` or `run`. */
export function createWebgpuBackend(options: WebgpuOptions = {}): WebgpuBackend {
  const allowSoftware = options.allowSoftwareAdapter ?? false;
  const statistics = emptyStatistics();
  const inFlight = new Set<Promise<unknown>>();
  let closed = false;
  let connection: Promise<Connection> | undefined;
  let current: Connection | undefined;
  /** Devices failed since the last batch that went well. */
  let failures = 0;
  let retryAt = 0;
  let lastFailure: LanewiseError | undefined;

  const probe = (): Promise<BackendStatus> => probeAdapter(allowSoftware, options.probe);

  async function connect(): Promise<Connection> {
    const found = await probe();
    if (!found.available) throw new LanewiseError("ERR_BACKEND_UNAVAILABLE", found.reason);
    const session = await openSession(allowSoftware, options.onDevice);
    if (closed && inFlight.size === 0) {
      session.destroy();
      throw closedError();
    }
    current = { session, runners: new Map(), reducers: new Map() };
    return current;
  }

  /** The device's failure is counted once, and sets the time of the next attempt. */
  function retire(failure: LanewiseError): void {
    connection = undefined;
    current = undefined;
    statistics.deviceFailures++;
    failures++;
    const backOff = failures === 1 ? 0 : BACK_OFF_MS * 2 ** (failures - 2);
    retryAt = performance.now() + Math.min(backOff, MAX_BACK_OFF_MS);
    lastFailure = failure;
  }

  async function connected(): Promise<Connection> {
    if (current?.session.failure) retire(current.session.failure);
    // A driver that did not compile the shaders in time will not do so the next time either.
    if (lastFailure?.code === "ERR_BACKEND_UNAVAILABLE") throw lastFailure;
    if (!connection) {
      const wait = retryAt - performance.now();
      if (wait > 0) {
        throw new LanewiseError(
          "ERR_DEVICE_LOST",
          `${lastFailure?.message}; next attempt in ${Math.ceil(wait)} ms`,
          { cause: lastFailure },
        );
      }
      connection = connect();
      connection.catch(() => {
        connection = undefined;
      });
    }
    return connection;
  }

  const limitsOf = ({ adapter }: Session) => ({
    compileTimeoutMs: options.compileTimeoutMs ?? (adapter.software ? 600_000 : 120_000),
    timeoutMs: options.timeoutMs ?? (adapter.software ? 300_000 : 30_000),
  });

  function reducerOf({ session, reducers }: Connection, id: string): Promise<MerkleReducer> {
    let reducer = reducers.get(id);
    if (!reducer) {
      reducer = createMerkleReducer(session, id, limitsOf(session));
      reducers.set(id, reducer);
    }
    return reducer;
  }

  function runnerOf({ session, runners }: Connection, id: string): Promise<Runner> {
    let runner = runners.get(id);
    if (!runner) {
      runner = loadKernel(id, options.variant).then((source) =>
        createRunner(session, source, statistics, {
          ...limitsOf(session),
          profile: options.profile ?? false,
          compileOneByOne: options.compileOneByOne ?? false,
          ...(options.maxItems === undefined ? {} : { maxItems: options.maxItems }),
        }),
      );
      runners.set(id, runner);
    }
    return runner;
  }

  /** Does it, unless closed, and types its errors. */
  async function guarded<T>(code: LanewiseErrorCode, operation: () => Promise<T>): Promise<T> {
    if (closed) throw closedError();
    try {
      return await operation();
    } catch (error) {
      throw failed(code, "webgpu", error);
    }
  }

  /** Counts an operation as in flight, so that `close` waits for it. */
  async function tracked<T>(operation: Promise<T>): Promise<T> {
    inFlight.add(operation);
    try {
      return await operation;
    } finally {
      inFlight.delete(operation);
    }
  }

  function requireSupport(algorithm: Algorithm): void {
    if (hasKernel(algorithm.id)) return;
    throw new LanewiseError("ERR_UNSUPPORTED", `webgpu: no kernel for ${algorithm.id}`);
  }

  return {
    id: "webgpu",
    probe,
    supports: (algorithm) => hasKernel(algorithm.id),
    prepare(wanted: readonly Algorithm[]): Promise<void> {
      return guarded("ERR_BACKEND_UNAVAILABLE", async () => {
        wanted.forEach(requireSupport);
        const open = await connected();
        await Promise.all(wanted.map(({ id }) => runnerOf(open, id)));
      });
    },
    run(batch: Batch, { signal }: RunOptions = {}): Promise<void> {
      const running = guarded("ERR_BACKEND_FAILED", async () => {
        requireSupport(batch.algorithm);
        if (signal?.aborted) {
          throw new LanewiseError("ERR_ABORTED", "webgpu back end: aborted", {
            cause: signal.reason,
          });
        }
        const runner = await runnerOf(await connected(), batch.algorithm.id);
        await runner.run(batch, signal);
        failures = 0;
      });
      return tracked(running);
    },
    reduceTree(hash, leaves, depth, rootOnly): Promise<Uint8Array[]> {
      const running = guarded("ERR_BACKEND_FAILED", async () => {
        if (!hasMerkleShader(hash.id)) {
          throw new LanewiseError("ERR_UNSUPPORTED", `webgpu: no Merkle shader of ${hash.id}`);
        }
        const reducer = await reducerOf(await connected(), hash.id);
        const levels = await reducer.reduce(leaves, depth, rootOnly);
        failures = 0;
        return levels;
      });
      return tracked(running);
    },
    /** Runs in flight are waited for; what only compiles is given up, and its `prepare` rejects with `ERR_CLOSED`. */
    async close(): Promise<void> {
      closed = true;
      await Promise.allSettled(inFlight);
      current?.session.destroy();
      current = undefined;
    },
    statistics: () => ({
      ...statistics,
      compileMs: { ...statistics.compileMs },
      stageMs: { ...statistics.stageMs },
    }),
  };
}
