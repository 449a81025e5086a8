/**
 * `lanewise bench sidecar`: round trips over each wire against the kernel called directly.
 *
 * @module
 */
import { benchSidecar, type SidecarBenchReport } from "../bench/sidecar.ts";
import { count, styleFor, table } from "../report/table.ts";
import { integerOption, UsageError, workersOption } from "./usage.ts";

/** Options that `bench sidecar` reads. */
export interface SidecarBenchFlags {
  readonly workers?: unknown;
  readonly rounds?: unknown;
  readonly json?: unknown;
}

/** Measures and prints. */
export async function runSidecarBench(flags: SidecarBenchFlags): Promise<void> {
  const workers = workersOption(flags.workers);
  const rounds = integerOption("--rounds", flags.rounds);
  if (rounds !== undefined && (rounds < 1n || rounds > 1000n)) {
    throw new UsageError(`--rounds: expected 1 to 1000, got ${rounds}`);
  }
  const report = await benchSidecar({
    ...(workers === undefined ? {} : { workers }),
    ...(rounds === undefined ? {} : { rounds: Number(rounds) }),
  });
  process.stdout.write(`${flags.json ? JSON.stringify(report) : reportTable(report)}\n`);
}

function reportTable({ machine, node, batch, rounds, rows }: SidecarBenchReport): string {
  const figures = table(
    [
      { title: "way" },
      { title: "round trip, ms", align: "right" },
      { title: "over the kernel, ms", align: "right" },
    ],
    rows.map(({ way, ms, overMs }) => [
      way,
      ms.toFixed(2),
      way === "kernel" ? "" : overMs.toFixed(2),
    ]),
    styleFor(process.stdout),
  );
  return [
    `${count(batch)} recoveries a request, medians of ${rounds} rounds; ${machine}, Node ${node}`,
    "",
    figures,
  ].join("\n");
}
