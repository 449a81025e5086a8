/**
 * Reads the conflict report of a block that ran on several threads.
 *
 * @module
 */
import type { ConflictReport } from "../executor.ts";
import { readConflictLocations } from "./changes.ts";
import type { Machine } from "./machine.ts";

/** Most locations that a report names. */
const HOTTEST = 16;

/** The report; counts as assembly/evm/parallel.ts keeps them. `records`: see `changeRecords`. */
export function readConflicts({ evm, view }: Machine, records: DataView): ConflictReport {
  const [executions, aborts, deferred, parked] = [0, 4, 8, 12].map((offset) =>
    view.getUint32(evm.EXECUTIONS.value + offset, true),
  );
  const hottest = aborts === 0 ? [] : readConflictLocations(records);
  hottest.sort((a, b) => b.aborts - a.aborts);
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
