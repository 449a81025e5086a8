/**
 * `lanewise bench ssz-hasher`: the SSZ hasher beside those of ChainSafe's tree.
 *
 * @module
 */
import { benchSszHasher } from "../bench/ssz-hasher.ts";
import { count, styleFor, table } from "../report/table.ts";

/** Measures and prints. */
export async function runSszHasherBench({ json }: { readonly json?: unknown }): Promise<void> {
  const report = await benchSszHasher();
  if (json) {
    process.stdout.write(`${JSON.stringify(report)}\n`);
    return;
  }
  const style = styleFor(process.stdout);
  const [ours] = report.rows;
  const figures = table(
    [
      { title: "hasher" },
      { title: "hashInto, ns/node", align: "right" },
      { title: "tree, ns/node", align: "right" },
      { title: "one pair, ns", align: "right" },
      { title: "tree, ours is", align: "right" },
    ],
    report.rows.map(({ name, hashIntoNs, treeNs, singleNs }) => [
      name,
      ...[hashIntoNs, treeNs, singleNs].map(count),
      name === ours.name ? "" : `${(treeNs / ours.treeNs).toFixed(2)}×`,
    ]),
    style,
  );
  const absent = Object.entries(report.absent).map(([name, why]) => style.dim(`${name}: ${why}`));
  const title = `${style.bold(report.id)}  ${report.machine}, Node ${report.node}`;
  process.stdout.write(`${[title, "", figures, ...absent].join("\n")}\n`);
}
