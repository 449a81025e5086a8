/**
 * `lanewise bench executor`: blocks of contract traffic, serially, on several threads, and by other implementations.
 *
 * @module
 */
import {
  benchExecutor,
  EXECUTOR_PEERS,
  type ExecutorBenchReport,
  type ExecutorPeer,
} from "../bench/executor.ts";
import { count, type Style, styleFor, table } from "../report/table.ts";
import { workloads } from "../workloads/workload.ts";
import { UsageError } from "./usage.ts";

/** Options that `bench executor` reads. */
export interface ExecutorBenchFlags {
  readonly against?: string | readonly string[];
  readonly workload?: string | readonly string[];
  readonly json?: unknown;
}

/** Values of an option that takes several, given apart or with commas. */
function several<Value extends string>(
  name: string,
  given: string | readonly string[] | undefined,
  known: readonly Value[],
): Value[] | undefined {
  if (given === undefined) return undefined;
  const words = [given].flat().flatMap((word) => String(word).split(","));
  return words.map((word) => {
    const found = known.find((value) => value === word);
    if (found !== undefined) return found;
    throw new UsageError(`${name}: expected ${known.join(", ")}, got ${word}`);
  });
}

/** Measures and prints. */
export async function runExecutorBench(
  flags: ExecutorBenchFlags,
  numbers: {
    readonly workers: number | undefined;
    readonly transactions: number | undefined;
    readonly roundMs: number | undefined;
  },
): Promise<void> {
  const against = several<ExecutorPeer>("--against", flags.against, EXECUTOR_PEERS);
  const names = several("--workload", flags.workload, [...workloads.keys()]);
  const { workers, transactions, roundMs } = numbers;
  const report = await benchExecutor({
    ...(against === undefined ? {} : { against }),
    ...(names === undefined ? {} : { workloads: names }),
    ...(workers === undefined ? {} : { workers: workers === 1 ? [] : [workers] }),
    ...(transactions === undefined ? {} : { transactions }),
    ...(roundMs === undefined ? {} : { workloadMs: roundMs }),
    onProgress: (line) => {
      if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line}`);
    },
  });
  if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
  const text = flags.json
    ? JSON.stringify(report)
    : executorTable(report, styleFor(process.stdout));
  process.stdout.write(`${text}\n`);
}

function executorTable(report: ExecutorBenchReport, style: Style): string {
  const figures = table(
    [
      { title: "workload" },
      { title: "implementation" },
      { title: "workers", align: "right" },
      { title: "transactions/s", align: "right" },
      { title: "× serial", align: "right" },
      { title: "aborts", align: "right" },
    ],
    report.rows.map((row) => [
      row.workload,
      row.implementation,
      String(row.workers),
      count(row.transactionsPerSecond),
      String(row.ratioToSerial),
      row.implementation === "lanewise" ? count(row.aborts) : "",
    ]),
    style,
  );
  return [
    `${style.bold("executor")}  ${report.machine}, Node ${report.node}, blocks of ${count(report.transactions)}`,
    "",
    figures,
    "",
    "The shortest of many runs, from raw transactions and senders to receipts and state changes.",
    ...Object.entries(report.absent).map(([name, why]) =>
      style.dim(`${name}: not measured: ${why}`),
    ),
  ].join("\n");
}
