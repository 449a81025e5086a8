/**
 * `lanewise bench pipeline` and `lanewise bench state`.
 *
 * @module
 */
import { availableParallelism, cpus } from "node:os";
import { benchPipeline, type PipelineBenchRow } from "../bench/pipeline.ts";
import { PIPELINE_PEERS, type PipelinePeer } from "../bench/pipeline-peers.ts";
import { benchState, type StateBenchRow } from "../bench/state.ts";
import { count, type Style, styleFor, table } from "../report/table.ts";
import { UsageError } from "./usage.ts";

/** Options that both read. */
export interface ChainBenchFlags {
  readonly against?: string | readonly string[];
  readonly json?: unknown;
}

const machine = (): string =>
  `${cpus()[0]?.model.trim() ?? "unknown"}, ${availableParallelism()} cores, Node ${process.version}`;

function peersOf(given: ChainBenchFlags["against"]): PipelinePeer[] | undefined {
  if (given === undefined) return undefined;
  return [given].flat().map((word) => {
    const found = PIPELINE_PEERS.find((peer) => peer === word || peer.includes(`/${word}`));
    if (found !== undefined || word === "ethereumjs") return found ?? PIPELINE_PEERS[0];
    throw new UsageError(`--against: expected ${PIPELINE_PEERS.join(" or ")}, got ${word}`);
  });
}

/** Measures and prints the pipeline. */
export async function runPipelineBench(
  flags: ChainBenchFlags,
  numbers: { readonly transactions: number | undefined; readonly rounds: number | undefined },
): Promise<void> {
  const against = peersOf(flags.against);
  const { rows, absent } = await benchPipeline({
    ...(against && { against }),
    ...(numbers.transactions && { transactions: numbers.transactions }),
    ...(numbers.rounds && { rounds: numbers.rounds }),
  });
  const text = flags.json
    ? JSON.stringify({ id: "pipeline", machine: machine(), rows, absent })
    : pipelineTable(rows, absent, styleFor(process.stdout));
  process.stdout.write(`${text}\n`);
}

const STAGES = ["decode", "hash", "recover", "check", "execute", "commit"] as const;

function pipelineTable(
  rows: readonly PipelineBenchRow[],
  absent: Readonly<Record<string, string>>,
  style: Style,
): string {
  const right = (title: string) => ({ title, align: "right" as const });
  const figures = table(
    [
      { title: "workload" },
      { title: "implementation" },
      right("transactions/s"),
      ...STAGES.map(right),
      right("all"),
      right("÷ rootless"),
    ],
    rows.map((row) => [
      row.workload,
      row.implementation,
      count(row.transactionsPerSecond),
      ...STAGES.map((stage) => row.coreMicrosPerTx?.[stage].toFixed(1) ?? ""),
      row.totalCoreMicrosPerTx?.toFixed(1) ?? "",
      row.ratioToRootless?.toFixed(2) ?? "",
    ]),
    style,
  );
  return [
    `${style.bold("pipeline")}  ${machine()}`,
    "",
    figures,
    "",
    "Stages: microseconds of one core a transaction, each alone; all: of the pipelined run. ÷ rootless: the rate as a",
    "multiple of the same without state roots.",
    ...rows.flatMap((row) =>
      row.note === "" ? [] : [style.dim(`${row.implementation}: ${row.note}`)],
    ),
    ...Object.entries(absent).map(([name, why]) => style.dim(`${name}: not measured: ${why}`)),
  ].join("\n");
}

/** Measures and prints roots and stores. */
export async function runStateBench(
  flags: ChainBenchFlags,
  numbers: { readonly transactions: number | undefined; readonly rounds: number | undefined },
): Promise<void> {
  const { rounds } = numbers;
  const rows = await benchState(rounds === undefined ? {} : { rounds });
  const text = flags.json
    ? JSON.stringify({ id: "state", machine: machine(), rows })
    : stateTable(rows, styleFor(process.stdout));
  process.stdout.write(`${text}\n`);
}

function stateTable(rows: readonly StateBenchRow[], style: Style): string {
  const right = (title: string) => ({ title, align: "right" as const });
  const figures = table(
    [
      { title: "workload" },
      right("updates"),
      right("median ms"),
      right("least ms"),
      right("µs each"),
      right("× mpt"),
      { title: "" },
    ],
    rows.map((row) => [
      row.workload,
      count(row.updates),
      row.medianMs.toFixed(2),
      row.minMs.toFixed(2),
      row.microsPerUpdate.toFixed(2),
      row.ratioToMpt === undefined ? "" : count(Math.round(row.ratioToMpt)),
      row.note,
    ]),
    style,
  );
  return [`${style.bold("state")}  ${machine()}`, "", figures].join("\n");
}
