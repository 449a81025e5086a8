/** The registry of executors: one line each. @module */
import { availableParallelism } from "node:os";
import { LanewiseError } from "../core/index.ts";
import { createEvmExecutor } from "./evm/index.ts";
import type { Executor } from "./executor.ts";

export {
  type AccountAccess,
  type BlockAccessList,
  encodeAccessList,
  type IndexedChange,
} from "./access-list.ts";
export type { BuiltBlock } from "./evm/building.ts";
export { createEvmExecutor, type EvmExecutor, type EvmExecutorOptions } from "./evm/index.ts";
export * from "./executor.ts";
export {
  blockBloom,
  type EncodedReceipts,
  encodeReceipt,
  encodeReceipts,
  logsBloom,
} from "./receipt.ts";

/** What a caller may ask of an executor; each takes what concerns it. */
export interface ExecutorOptions {
  /** Threads that execute a block; default: as many as there are cores, up to {@link MOST_WORKERS}. */
  readonly workers?: number;
}

/** Commits are in order, one at a time: past this many threads they set the pace. */
const MOST_WORKERS = 8;

/** Factories by id, in the order that `auto` prefers them. */
export const executors: Readonly<Record<string, (options: ExecutorOptions) => Executor>> = {
  "evm-serial": () => createEvmExecutor(),
  evm: ({ workers = Math.min(availableParallelism(), MOST_WORKERS) }) =>
    createEvmExecutor({ workers }),
  oracle: () =>
    lazily("oracle", async () => (await import("./oracle/index.ts")).createOracleExecutor()),
};

/** An executor whose code is loaded when a block first needs it: `@ethereumjs/vm` takes longer to load than all the rest. */
function lazily(id: string, load: () => Promise<Executor>): Executor {
  let executor: Promise<Executor> | undefined;
  let closed = false;
  return {
    id,
    async execute(...parameters) {
      if (closed) throw new LanewiseError("ERR_CLOSED", `${id} executor: closed`);
      executor ??= load();
      return (await executor).execute(...parameters);
    },
    async close() {
      closed = true;
      await (await executor)?.close();
    },
  };
}

/**
 * Creates the executor of this id; `auto` is the first of the registry.
 *
 * @throws RangeError on an id that is not registered.
 */
export function createExecutor(id = "auto", options: ExecutorOptions = {}): Executor {
  const factory = id === "auto" ? Object.values(executors)[0] : executors[id];
  if (factory === undefined) {
    throw new RangeError(
      `executor: expected one of ${Object.keys(executors).join(", ")}, got ${id}`,
    );
  }
  return factory(options);
}
