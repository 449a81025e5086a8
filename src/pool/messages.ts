/**
 * What host and workers say to each other beside the ring. Everything that happens per chunk goes through the ring instead.
 *
 * @module
 */
import type { BatchView, KernelShape } from "./kernel.ts";

/** What a worker is started with. */
export interface WorkerSetup {
  readonly ring: SharedArrayBuffer;
  /** All of them, those for urgent chunks included. */
  readonly workers: number;
  readonly capacity: number;
  /** This worker's index, 0 … workers - 1. */
  readonly index: number;
  /** Takes urgent chunks alone. */
  readonly urgentOnly: boolean;
  /** Lets other threads go first where the system can tell threads apart. */
  readonly background: boolean;
  /** Post a `done` message after each chunk: the host has no `Atomics.waitAsync`. */
  readonly postDone: boolean;
}

/** Host → worker. */
export type HostMessage =
  /** A kernel: compiled once by the host; the worker instantiates it and answers `ready`. */
  | {
      readonly kind: "kernel";
      readonly id: string;
      readonly module: WebAssembly.Module;
      readonly shape: KernelShape;
    }
  /** A batch's memory, to be known by a number from now on. */
  | { readonly kind: "batch"; readonly batch: number; readonly kernel: string; view: BatchView }
  /** The batch's memory is no longer used by anybody. */
  | { readonly kind: "forget"; readonly batch: number };

/** Worker → host. */
export type WorkerMessage =
  /** The kernel is instantiated and its tables are built. */
  | { readonly kind: "ready"; readonly id: string }
  /** The kernel cannot be instantiated here. */
  | { readonly kind: "refused"; readonly id: string; readonly reason: string }
  /** The kernel trapped on the chunk at this ring position; the instance was discarded. */
  | { readonly kind: "failed"; readonly position: number; readonly reason: string }
  /** A chunk is finished (only where `postDone`). */
  | { readonly kind: "done" };
