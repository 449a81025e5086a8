/**
 * Reads the conflict report of a block that ran on several threads.
 *
 * @module
 */
import type { ConflictReport } from "../executor.ts";
import type { Changes } from "./changes.ts";
import type { Machine } from "./machine.ts";

/** Most locations that a report names. */
const HOTTEST = 16;

/** The report; counts as assembly/evm/parallel.ts keeps them. */
export function readConflicts({ evm, view }: Machine, changes: Changes): ConflictReport {
  const [executions, aborts, deferred, parked] = [0, 4, 8, 12].map((offset) =>
    view.getUint32(evm.EXECUTIONS.value + offset, true),
  );
  const hottest = aborts === 0 ? [] : changes.conflicts().sort((a, b) => b.aborts - a.aborts);
  return {
    executions,
    aborts,
    reexecutions: aborts + deferred,
    deferred,
    parked,
    criticalPath: evm.longestChain(),
    hottest: hottest.slice(0, HOTTEST),
  };
}
