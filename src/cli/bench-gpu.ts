/**
 * `lanewise bench gpu`: the WebGPU column measured on this machine, every answer checked.
 *
 * @module
 */
import { hasAsset } from "../backends/assets.ts";
import { createWebgpuBackend } from "../backends/index.ts";
import { benchGpu, type GpuBenchReport } from "../report/gpu-bench.ts";
import { benchVariants, type VariantsResult, variantName } from "../report/gpu-variants.ts";
import { count, duration, printable, styleFor, table } from "../report/table.ts";
import { type CaseGenerator, caseGenerators } from "../workloads/cases.ts";
import { writeResult } from "./result-file.ts";
import { EXIT, integerOption, UsageError } from "./usage.ts";

/** Options that `bench gpu` reads. */
export interface GpuBenchFlags {
  readonly algorithm?: unknown;
  readonly maxItems?: unknown;
  readonly software?: unknown;
  readonly variants?: unknown;
  readonly compileTimeout?: unknown;
  readonly timeLimit?: unknown;
  readonly out?: unknown;
  readonly json?: unknown;
}

/** Measured first, since time may run out: what the column is for. */
const FIRST = ["secp256k1-recover", "eth-sender", "keccak256", "secp256k1-verify"];
const rank = ({ algorithm }: CaseGenerator): number =>
  FIRST.includes(algorithm.id) ? FIRST.indexOf(algorithm.id) : FIRST.length;

/** Measures and prints. */
export async function runGpuBench(options: GpuBenchFlags): Promise<void> {
  const wanted = options.algorithm === undefined ? undefined : String(options.algorithm);
  const measurable = createWebgpuBackend();
  const generators = caseGenerators
    .filter(
      ({ algorithm }) =>
        measurable.supports(algorithm) && (wanted === undefined || algorithm.id === wanted),
    )
    .sort((a, b) => rank(a) - rank(b));
  if (generators.length === 0) throw new UsageError(`--algorithm: no GPU kernel of ${wanted}`);
  const allowSoftwareAdapter = options.software === true;
  if (options.variants && !hasAsset("shaders/variants")) {
    throw new UsageError("--variants: not in the published package; run from a checkout");
  }
  const maxItems = integerOption("--max-items", options.maxItems);
  const compileTimeout = integerOption("--compile-timeout", options.compileTimeout);
  const timeLimit = integerOption("--time-limit", options.timeLimit);
  const { details } = await createWebgpuBackend({ allowSoftwareAdapter }).probe();
  const measured = {
    generators,
    maxItems: Number(maxItems ?? (details.software === true ? 1024n : 262_144n)),
    msPerSize: 500,
    ...(timeLimit === undefined ? {} : { timeLimitMs: Number(timeLimit) * 1000 }),
    allowSoftwareAdapter,
    ...(compileTimeout === undefined ? {} : { compileTimeoutMs: Number(compileTimeout) * 1000 }),
    onProgress: (line: string) => {
      process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${line}` : `${line}\n`);
    },
    onResult: (result: object) => {
      if (options.out !== undefined) writeResult(String(options.out), result);
    },
  };
  const result = options.variants ? await benchVariants(measured) : await benchGpu(measured);
  if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
  measured.onResult({ ...result, complete: true });
  process.exitCode = EXIT.ok;
  if (options.json) {
    process.stdout.write(`${JSON.stringify(result)}\n`);
    return;
  }
  process.stdout.write(`${result.adapter.reason}\n`);
  if ("variants" in result) process.stdout.write(`\n${variantTable(result)}\n`);
  else for (const report of result.reports) process.stdout.write(`\n${sweepTable(report)}\n`);
  for (const name of result.notMeasured) {
    process.stdout.write(`not measured: ${printable(name)}\n`);
  }
}

function variantTable({ variants }: VariantsResult): string {
  return table(
    [
      { title: "algorithm" },
      { title: "variant" },
      { title: "batch", align: "right" },
      { title: "compiled in", align: "right" },
      { title: "GPU items/s", align: "right" },
      { title: "kernels alone", align: "right" },
    ],
    variants.map(({ algorithm, variant, items, compileMs, rate, kernelRate, failure }) => [
      algorithm,
      variantName(variant),
      count(items),
      failure ?? duration(compileMs),
      perSecond(rate),
      perSecond(kernelRate),
    ]),
    styleFor(process.stdout),
  );
}

/** Where the time of the largest batch goes, leg by leg. */
function legLines({ sizes }: GpuBenchReport): string[] {
  const largest = sizes.at(-1);
  if (!largest) return [];
  const { uploadMs, copyInMs, kernelMs, copyOutMs, downloadMs } = largest.legs;
  const legs = [
    ["host to mapped memory", uploadMs],
    ["to the device", copyInMs],
    ["kernels", kernelMs],
    ["back", copyOutMs],
    ["mapped memory to host", downloadMs],
  ] as const;
  return [
    `One batch of ${count(largest.items)}: ${legs.map(([name, ms]) => `${name} ${duration(ms)}`).join(", ")}.`,
  ];
}

/** Where the device's time goes, the largest share first. */
function stageLines({ stageMs }: GpuBenchReport): string[] {
  const stages = Object.entries(stageMs).sort(([, a], [, b]) => b - a);
  const total = stages.reduce((sum, [, ms]) => sum + ms, 0);
  if (stages.length < 2 || total === 0) return [];
  const shares = stages.map(([shader, ms]) => `${shader} ${Math.round((100 * ms) / total)} %`);
  return [`Device time at the largest batch, stage by stage: ${shares.join(", ")}.`];
}

const perSecond = (rate: number): string => (rate > 0 ? count(Math.round(rate)) : "-");

function sweepTable(report: GpuBenchReport): string {
  const rows = report.sizes.map(({ items, rate, streamedRate, kernelRate, cpuRate }) => [
    count(items),
    perSecond(rate),
    perSecond(streamedRate),
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
        { title: "streamed", align: "right" },
        { title: "kernels alone", align: "right" },
        { title: "CPU items/s", align: "right" },
      ],
      rows,
      styleFor(process.stdout),
    ),
    ...legLines(report),
    ...stageLines(report),
    crossover === undefined
      ? "The CPU column is faster at every size measured."
      : `The GPU is faster from ${count(crossover)} items on.`,
    `${count(report.checked)} answers equal the reference's.`,
  ].join("\n");
}
