/**
 * Runs batches on the chosen back end. Where a better one was still compiling, goes over to that when it is ready; where one fails,
 * runs the same batch on the next one in line and stays there.
 *
 * @module
 */
import type { Better, Selection } from "../backends/select.ts";
import {
  type Algorithm,
  type Backend,
  type Batch,
  LanewiseError,
  type RunOptions,
} from "../core/index.ts";

/** What a dispatcher runs on now, and how it came to that. */
export interface DispatcherStatus {
  readonly id: string;
  readonly reason: string;
  /** One sentence per back end that failed or took over on the way. */
  readonly fallbacks: readonly string[];
}

/** A back end that outlives the failure of one. */
export interface Dispatcher {
  /** @throws LanewiseError as `Backend.run`, where no back end is left, and `ERR_ABORTED` or `ERR_CLOSED` at once. */
  run(batch: Batch, options?: RunOptions): Promise<void>;
  /** Whether the present back end runs this algorithm. */
  supports(algorithm: Algorithm): boolean;
  status(): DispatcherStatus;
  close(): Promise<void>;
}

const MOVES_ON = new Set(["ERR_BACKEND_FAILED", "ERR_DEVICE_LOST"]);

/** Takes over the selection's back ends, and closes them and those that follow. */
export function createDispatcher(selection: Selection): Dispatcher {
  let current = selection.backend;
  const used: Backend[] = [current];
  const fallbacks: string[] = [];
  /** One move at a time: several batches in flight fail together. */
  let moving: Promise<void> | undefined;
  let closed = false;

  /** The back end that served while a better one compiled. */
  let standby: Backend | undefined;

  async function takeOver({ backend, ready }: Better): Promise<void> {
    try {
      const seconds = (await ready) / 1000;
      if (closed) return;
      fallbacks.push(
        `${current.id} served for ${seconds.toFixed(1)} s, until ${backend.id} was ready`,
      );
      standby = current;
      current = backend;
    } catch (error) {
      if (closed) return;
      fallbacks.push(`${backend.id}: ${(error as Error).message}; stayed with ${current.id}`);
    }
  }
  if (selection.better !== undefined) {
    used.push(selection.better.backend);
    void takeOver(selection.better);
  }

  async function moveOn(failed: Backend, error: LanewiseError): Promise<void> {
    const next = standby ?? (await selection.nextAfter(failed.id));
    standby = undefined;
    if (next === undefined) throw error;
    fallbacks.push(
      `${failed.id} failed (${error.code}: ${error.message}); went on with ${next.id}`,
    );
    if (!used.includes(next)) used.push(next);
    current = next;
  }

  return {
    async run(batch, options) {
      while (true) {
        const backend = current;
        try {
          return await backend.run(batch, options);
        } catch (error) {
          if (!(error instanceof LanewiseError) || !MOVES_ON.has(error.code)) throw error;
          if (current === backend) {
            moving ??= moveOn(backend, error).finally(() => {
              moving = undefined;
            });
            await moving;
          }
        }
      }
    },
    supports: (algorithm) => current.supports(algorithm),
    status: () => ({ id: current.id, reason: selection.reason, fallbacks }),
    async close() {
      closed = true;
      await Promise.all(used.map((backend) => backend.close()));
    },
  };
}
