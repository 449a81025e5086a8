/** The registry of executors: one line each. @module */
import { createEvmExecutor } from "./evm/index.ts";
import type { Executor } from "./executor.ts";
import { createOracleExecutor } from "./oracle/index.ts";

export * from "./executor.ts";
export { blockBloom, encodeReceipt, logsBloom } from "./receipt.ts";

/** Factories by id, in the order that `auto` prefers them. */
export const executors: Readonly<Record<string, () => Executor>> = {
  "evm-serial": () => createEvmExecutor(),
  oracle: createOracleExecutor,
};

/**
 * Creates the executor of this id; `auto` is the first of the registry.
 *
 * @throws RangeError on an id that is not registered.
 */
export function createExecutor(id = "auto"): Executor {
  const factory = id === "auto" ? Object.values(executors)[0] : executors[id];
  if (factory === undefined) {
    throw new RangeError(
      `executor: expected one of ${Object.keys(executors).join(", ")}, got ${id}`,
    );
  }
  return factory();
}
