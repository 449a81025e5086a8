/**
 * `lanewise bench verifier`: latency when idle and overloaded, and the choice between back ends.
 *
 * @module
 */
import { BLOCK_ITEMS, benchVerifier, type Latency } from "../bench/verifier.ts";
import { count, styleFor, table } from "../report/table.ts";

/** Measures and prints. */
export async function runVerifierBench({ json }: { readonly json?: unknown }): Promise<void> {
  const report = await benchVerifier();
  if (json) {
    process.stdout.write(`${JSON.stringify(report)}\n`);
    return;
  }
  const { idle, overload, ablation } = report;
  const style = styleFor(process.stdout);
  const micros = ({ p50, p99 }: Latency): string =>
    `p50 ${count(p50 * 1000)} µs, p99 ${count(p99 * 1000)} µs`;
  const millis = ({ p50, p99 }: Latency): string =>
    `p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms`;
  const choices = table(
    [
      { title: "choice of back end" },
      { title: "mean, ms", align: "right" },
      { title: "p50, ms", align: "right" },
      { title: "p99, ms", align: "right" },
      { title: "total, ms", align: "right" },
      { title: "processor, ms", align: "right" },
    ],
    Object.entries(ablation).map(([name, result]) => [
      name,
      ...[result.meanMs, result.p50Ms, result.p99Ms].map((ms) => ms.toFixed(2)),
      count(Math.round(result.totalMs)),
      count(Math.round(result.cpuMs)),
    ]),
    style,
  );
  const lines = [
    `${style.bold(report.id)}  ${report.machine}, Node ${report.node}`,
    "",
    style.bold("one signature, idle"),
    `kernel    ${micros(idle.kernel)}`,
    `verifier  ${micros(idle.verifier)}: ${idle.ratio}× at the median (bar 1.5×)`,
    "",
    style.bold(
      `120 % load: ${count(overload.offeredPerSecond)}/s offered, ${count(overload.capacityPerSecond)}/s possible`,
    ),
    `${count(overload.acceptedItems)} answered, ${count(overload.shedItems)} shed and told so, at most ${count(overload.mostQueuedItems)} waiting, memory +${overload.rssGrowthMiB} MiB`,
    `${BLOCK_ITEMS} urgent records, idle    ${millis(overload.blockIdle)}`,
    `${BLOCK_ITEMS} urgent records, loaded  ${millis(overload.blockLoaded)}: ${overload.ratio}× at the 99th percentile (bar 5×)`,
    "",
    style.bold("a bursty trace"),
    choices,
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
}
