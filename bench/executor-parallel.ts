/**
 * What do threads give, and what do conflicts cost? One block of each workload, serially and on several threads: times, and how many
 * transactions were executed again, deferred and parked.
 *
 * Usage: `node dist/bench/executor-parallel.js [transactions] [workers] [workload…]`
 *
 * Elapsed time counts, the least of several runs, from the call to receipts and state changes; run it on a machine that does nothing
 * else.
 *
 * @module
 */
import { createEvmExecutor } from "../src/executor/evm/index.ts";
import type { ConflictReport } from "../src/executor/index.ts";
import { createSharedState } from "../src/state/shared-state.ts";
import { generateWorkload, workloads } from "../src/workloads/workload.ts";

const RUNS = 15;
const count = Number(process.argv[2] ?? 10_000);
const workers = Number(process.argv[3] ?? 2);
const names = process.argv.length > 4 ? process.argv.slice(4) : [...workloads.keys()];

const serial = createEvmExecutor();
let conflicts: ConflictReport | undefined;
const parallel = createEvmExecutor({ workers });

for (const name of names) {
  const { state, blocks } = await generateWorkload({
    name,
    transactions: count,
    transactionsPerBlock: count,
    executor: serial,
  });
  const { source } = createSharedState(state);
  const least = { serial: Number.POSITIVE_INFINITY, parallel: Number.POSITIVE_INFINITY };
  const cpu = { serial: Number.POSITIVE_INFINITY, parallel: Number.POSITIVE_INFINITY };
  for (let run = 0; run < RUNS; run++) {
    for (const [kind, executor] of [
      ["serial", serial],
      ["parallel", parallel],
    ] as const) {
      const before = process.cpuUsage();
      const started = performance.now();
      const execution = await executor.execute(blocks[0], source);
      least[kind] = Math.min(least[kind], performance.now() - started);
      const used = process.cpuUsage(before);
      cpu[kind] = Math.min(cpu[kind], (used.user + used.system) / 1000);
      if (!execution.ok) throw new Error(execution.invalid.reason);
      if (kind === "parallel") conflicts = execution.result.conflicts;
    }
  }
  const rate = (ms: number): string => `${Math.round(count / ms)}k/s`;
  const { aborts = 0, deferred = 0, parked = 0, criticalPath = 0 } = conflicts ?? {};
  console.log(
    `${name.padEnd(20)} serial ${rate(least.serial).padStart(7)}  ${workers} workers ` +
      `${rate(least.parallel).padStart(7)} ×${(least.serial / least.parallel).toFixed(2)}  ` +
      `cpu ×${(cpu.parallel / cpu.serial).toFixed(2)}  ` +
      `aborts ${aborts}, deferred ${deferred}, parked ${parked}, path ${criticalPath}`,
  );
}
await Promise.all([serial.close(), parallel.close()]);
