/** Runs `bench state`. Usage: node dist/bench/state.js [--json] [--leaves N] [--updates N] @module */
import { parseArgs } from "node:util";
import { benchState, type StateBenchRow } from "../src/bench/state.ts";

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    leaves: { type: "string" },
    updates: { type: "string" },
  },
});
const show = (row: StateBenchRow): void => {
  const time = `${row.medianMs.toFixed(2)} ms (min ${row.minMs.toFixed(2)})`;
  const rate = `${row.microsPerUpdate.toFixed(2)} µs each`;
  const ratio = row.ratioToMpt === undefined ? "" : `, ${row.ratioToMpt.toFixed(0)}x mpt`;
  console.log(`${row.workload}: ${row.updates} in ${time}, ${rate}${ratio}; ${row.note}`);
};
const rows = await benchState(
  {
    ...(values.leaves && { leaves: Number(values.leaves) }),
    ...(values.updates && { updates: Number(values.updates) }),
  },
  values.json ? undefined : show,
);
if (values.json) console.log(JSON.stringify({ rows }));
