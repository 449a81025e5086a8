/**
 * `lanewise bench`: one algorithm, or the executor, against its rivals.
 *
 * @module
 */
import type { CAC } from "cac";
import { algorithmById, algorithms } from "../algorithms/index.ts";
import { type BenchResult, bench } from "../bench/bench.ts";
import { count, type Style, styleFor, table } from "../report/table.ts";
import { type ChainBenchFlags, runPipelineBench, runStateBench } from "./bench-chain.ts";
import { runEthereumjsBench } from "./bench-ethereumjs.ts";
import { type ExecutorBenchFlags, runExecutorBench } from "./bench-executor.ts";
import { type GpuBenchFlags, runGpuBench } from "./bench-gpu.ts";
import { runSidecarBench, type SidecarBenchFlags } from "./bench-sidecar.ts";
import { runSszHasherBench } from "./bench-ssz-hasher.ts";
import { runVerifierBench } from "./bench-verifier.ts";
import { integerOption, UsageError, workersOption } from "./usage.ts";

interface Flags extends GpuBenchFlags, ChainBenchFlags, ExecutorBenchFlags, SidecarBenchFlags {
  readonly messageBytes?: unknown;
  readonly workers?: unknown;
  readonly rounds?: unknown;
  readonly roundMs?: unknown;
  readonly cpuTime?: unknown;
  readonly transactions?: unknown;
  readonly web?: unknown;
  readonly port?: unknown;
}

/** What is measured besides algorithms. */
const SUBJECTS: Readonly<Record<string, (flags: Flags) => Promise<void>>> = {
  executor: (flags) =>
    runExecutorBench(flags, {
      workers: workersOption(flags.workers),
      transactions: transactionsOption(flags),
      roundMs: bounded("--round-ms", flags.roundMs, 600_000),
    }),
  pipeline: (flags) =>
    runPipelineBench(flags, {
      transactions: transactionsOption(flags),
      rounds: roundsOption(flags),
    }),
  state: (flags) =>
    runStateBench(flags, { transactions: transactionsOption(flags), rounds: roundsOption(flags) }),
  gpu: runGpuBench,
  verifier: runVerifierBench,
  sidecar: runSidecarBench,
  ethereumjs: runEthereumjsBench,
  "ssz-hasher": runSszHasherBench,
};

/** Adds the command. */
export function registerBenchCommand(cli: CAC): void {
  cli
    .command(
      "bench [id]",
      `Measure an algorithm and its rivals; also: ${Object.keys(SUBJECTS).join(", ")}`,
    )
    .option("--against <peer>", "Only this peer; may be given again (default: all installed)")
    .option("--message-bytes <n>", "Bytes of each message, for hashes (default: 64)")
    .option("--workers <n>", "Only this many workers (default: 1, 2, 4 … cores)")
    .option("--rounds <n>", "Rounds that everybody gets (default: 7)")
    .option("--round-ms <n>", "Length of one turn (default: 150); executor: of a workload (3000)")
    .option("--cpu-time", "Measure processor time: for a machine busy with other work")
    .option("--workload <name>", "executor: only this workload; may be given again")
    .option(
      "--transactions <n>",
      "executor: of the block (default: 2000); pipeline: of the chain (120000)",
    )
    .option("--algorithm <id>", "gpu: only this algorithm")
    .option("--max-items <n>", "gpu: largest batch (default: 262144; software GPU: 1024)")
    .option("--software", "gpu: accept a software GPU (SwiftShader, lavapipe)")
    .option(
      "--variants",
      "gpu: other forms of the kernels against what is built, at the largest batch",
    )
    .option("--compile-timeout <s>", "gpu: longest to compile one algorithm (default: 120)")
    .option("--time-limit <s>", "gpu: begin nothing new after this long (default: none)")
    .option("--out <file>", "gpu: write the results so far to this JSON file after every step")
    .option(
      "--web",
      "Serve a page that measures the visitor's own browser, instead of measuring here",
    )
    .option("--port <n>", "web: port on this machine (default: 8546)")
    .option("--json", "One JSON object instead of the table")
    .example("  $ lanewise bench keccak256 --against hash-wasm --against keccak")
    .action(runBench);
}

/** A positive integer with an upper bound. */
function bounded(name: string, value: unknown, most: number): number | undefined {
  const given = integerOption(name, value);
  if (given === undefined) return undefined;
  if (given < 1n || given > BigInt(most)) {
    throw new UsageError(`${name}: expected 1 to ${most}, got ${given}`);
  }
  return Number(given);
}

const transactionsOption = (flags: Flags): number | undefined =>
  bounded("--transactions", flags.transactions, 1_000_000);
const roundsOption = (flags: Flags): number | undefined => bounded("--rounds", flags.rounds, 1000);

/** Serves until interrupted. */
async function runWeb(flags: Flags): Promise<void> {
  const port = bounded("--port", flags.port, 65_535) ?? 8546;
  const { serveBrowser } = await import("../node/browser-server.ts");
  const server = await serveBrowser(port);
  process.stdout.write(`Open ${server.url} (Ctrl-C ends)\n`);
  await new Promise((resolve) => process.once("SIGINT", resolve));
  await server.close();
}

async function runBench(id: string | undefined, flags: Flags): Promise<void> {
  if (flags.web) return runWeb(flags);
  if (id === undefined)
    throw new UsageError(
      `bench: expected an algorithm, ${Object.keys(SUBJECTS).join(", ")} or --web`,
    );
  const subject = SUBJECTS[id];
  if (subject !== undefined) return subject(flags);
  const algorithm = algorithmById(id);
  if (!algorithm) {
    const known = [...algorithms.map((row) => row.id), ...Object.keys(SUBJECTS)].join(", ");
    throw new UsageError(`bench: expected one of ${known}, got ${id}`);
  }
  const workers = workersOption(flags.workers);
  const messageBytes = bounded("--message-bytes", flags.messageBytes, 1 << 16);
  const rounds = roundsOption(flags);
  const roundMs = bounded("--round-ms", flags.roundMs, 60_000);
  const result = await bench(algorithm, {
    ...(flags.against === undefined ? {} : { against: [flags.against].flat() }),
    ...(messageBytes === undefined ? {} : { messageBytes }),
    ...(workers === undefined ? {} : { workers: [workers] }),
    ...(rounds === undefined ? {} : { rounds }),
    clock: flags.cpuTime ? "cpu" : "wall",
    ...(roundMs === undefined ? {} : { roundMs }),
  });
  const text = flags.json
    ? JSON.stringify(result.report)
    : benchTable(result, styleFor(process.stdout));
  process.stdout.write(`${text}\n`);
}

function benchTable({ report, ratioBatch, spread, absent }: BenchResult, style: Style): string {
  const rows = report.rows.map((row, i) => [
    row.impl,
    count(row.batch),
    String(row.workers),
    count(row.nsPerItem),
    count(row.itemsPerSecond),
    `±${Math.round(spread[i] * 50)} %`,
    report.ratio[row.impl] === undefined ? "" : `${report.ratio[row.impl]}×`,
  ]);
  const figures = table(
    [
      { title: "implementation" },
      { title: "batch", align: "right" },
      { title: "workers", align: "right" },
      { title: "ns/item/core", align: "right" },
      { title: "items/s/core", align: "right" },
      { title: "spread", align: "right" },
      { title: "ours is", align: "right" },
    ],
    rows,
    style,
  );
  return [
    `${style.bold(report.id)}  ${report.machine}, Node ${report.node}`,
    "",
    figures,
    "",
    `"ours is": the calling thread at ${count(ratioBatch)} items a batch, as a multiple of the peer's rate.`,
    "0 workers: on the calling thread, as the peers run.",
    ...Object.entries(absent).map(([name, why]) => style.dim(`${name}: not measured: ${why}`)),
  ].join("\n");
}
