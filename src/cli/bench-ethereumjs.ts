/**
 * `lanewise bench ethereumjs`: what the plug-in makes of `runBlock`.
 *
 * @module
 */
import { benchEthereumjs } from "../bench/ethereumjs.ts";
import { styleFor } from "../report/table.ts";

/** Measures and prints. */
export async function runEthereumjsBench({ json }: { readonly json?: unknown }): Promise<void> {
  const report = await benchEthereumjs();
  if (json) {
    process.stdout.write(`${JSON.stringify(report)}\n`);
    return;
  }
  const { transactions, stockMs, pluginMs, prefillMs, ratio } = report;
  const rate = (ms: number): string => `${Math.round((transactions * 1000) / ms)} tx/s`;
  const style = styleFor(process.stdout);
  const lines = [
    `${style.bold(report.id)}  ${report.machine}, Node ${report.node}`,
    "",
    `runBlock, ${transactions} transfers    ${stockMs.toFixed(1)} ms, ${rate(stockMs)}`,
    `with the plug-in           ${pluginMs.toFixed(1)} ms, ${rate(pluginMs)}, of which the batch ${prefillMs.toFixed(1)} ms`,
    `${ratio}× the block rate (bar 1.3×)`,
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
}
