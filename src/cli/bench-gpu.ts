/**
 * `lanewise bench gpu`: the WebGPU column measured on this machine, every answer checked.
 *
 * @module
 */
import type { CAC } from "cac";
import { adapterIsSoftware, benchGpu, type GpuBenchReport } from "../report/gpu-bench.ts";
import { count, duration, styleFor, table } from "../report/table.ts";
import { caseGenerators } from "../workloads/cases.ts";
import { EXIT, integerOption, UsageError } from "./usage.ts";

interface Options {
  readonly algorithm?: unknown;
  readonly maxItems?: unknown;
  readonly software?: unknown;
  readonly json?: unknown;
}

/** Adds the command. */
export function registerBenchCommand(cli: CAC): void {
  cli
    .command("bench <suite>", "Measure a back end on this machine (suites: gpu)")
    .option("--algorithm <id>", "Only this algorithm")
    .option("--max-items <n>", "Largest batch of the sweep (default: 262144; software GPU: 1024)")
    .option("--software", "Accept a software GPU (SwiftShader, lavapipe)")
    .option("--json", "One JSON object instead of tables")
    .action(bench);
}

async function bench(suite: string, options: Options): Promise<void> {
  if (suite !== "gpu") throw new UsageError(`bench: expected gpu, got ${suite}`);
  const wanted = options.algorithm === undefined ? undefined : String(options.algorithm);
  const generators = caseGenerators.filter(
    ({ algorithm }) => wanted === undefined || algorithm.id === wanted,
  );
  if (generators.length === 0) throw new UsageError(`--algorithm: no such algorithm: ${wanted}`);
  const allowSoftwareAdapter = options.software === true;
  const maxItems = integerOption("--max-items", options.maxItems);
  const software = await adapterIsSoftware(allowSoftwareAdapter);
  const { adapter, reports } = await benchGpu({
    generators,
    maxItems: Number(maxItems ?? (software ? 1024n : 262_144n)),
    msPerSize: 1000,
    allowSoftwareAdapter,
    onProgress: (line) => {
      if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line}`);
    },
  });
  if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
  process.exitCode = EXIT.ok;
  if (options.json) {
    process.stdout.write(`${JSON.stringify({ adapter, reports })}\n`);
    return;
  }
  process.stdout.write(`${adapter.reason}\n`);
  for (const report of reports) process.stdout.write(`\n${sweepTable(report)}\n`);
}

const perSecond = (rate: number): string => (rate > 0 ? count(Math.round(rate)) : "-");

function sweepTable(report: GpuBenchReport): string {
  const rows = report.sizes.map(({ items, rate, kernelRate, cpuRate }) => [
    count(items),
    perSecond(rate),
    perSecond(kernelRate),
    perSecond(cpuRate),
  ]);
  const slowest = Object.entries(report.compileMs).sort(([, a], [, b]) => b - a)[0];
  const crossover = report.crossoverItems;
  return [
    `${report.algorithm}: compiled in ${duration(report.coldCompileMs)}, again in ${duration(report.warmCompileMs)}; ` +
      `last shader ${slowest[0]} after ${duration(slowest[1])}`,
    table(
      [
        { title: "batch", align: "right" },
        { title: "GPU items/s", align: "right" },
        { title: "kernels alone", align: "right" },
        { title: "CPU items/s", align: "right" },
      ],
      rows,
      styleFor(process.stdout),
    ),
    crossover === undefined
      ? "The CPU column is faster at every size measured."
      : `The GPU is faster from ${count(crossover)} items on.`,
    `${count(report.checked)} answers equal the reference's.`,
  ].join("\n");
}
