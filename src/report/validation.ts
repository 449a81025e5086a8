/**
 * The closing table of a validation: what was checked, how far, how long each stage took, and what failed.
 *
 * @module
 */
import { describeFailure, STAGES, type ValidationSummary } from "../pipeline/report.ts";
import { count, duration, printable, type Style, table } from "./table.ts";

/** Failures printed in full. */
const SHOWN_FAILURES = 10;

/** How many blocks were checked how far, and the notes behind that. */
export interface DepthTotals {
  readonly executed: number;
  readonly signaturesOnly: number;
  /** Passed over: the state database has them. */
  readonly committedBefore: number;
  /** Note → blocks that carry it. */
  readonly notes: ReadonlyMap<string, number>;
}

/** The text that `lanewise validate` ends with. */
export function validationTable(
  summary: ValidationSummary,
  depth: DepthTotals,
  style: Style,
): string {
  const rows = STAGES.map((stage) => {
    const { ms, count: items } = summary.stages[stage];
    const rate = ms > 0 && items > 0 ? `${count(Math.round((items / ms) * 1000))}/s` : "";
    return [stage, count(items), duration(ms), rate];
  });
  const before =
    depth.committedBefore > 0 ? `, ${count(depth.committedBefore)} committed before` : "";
  const lines = [
    table(
      [
        { title: "stage" },
        { title: "items", align: "right" },
        { title: "busy", align: "right" },
        { title: "rate", align: "right" },
      ],
      rows,
      style,
    ),
    "",
    `blocks        ${count(summary.blocks)} (${count(depth.executed)} executed, ${count(depth.signaturesOnly)} signatures only${before})`,
    `transactions  ${count(summary.transactions)}, ${count(summary.tps)} a second`,
    `back end      ${summary.backend.id}: ${printable(summary.backend.reason)}`,
  ];
  for (const [note, blocks] of depth.notes) {
    lines.push(`note          ${printable(note)}${blocks > 1 ? ` (${count(blocks)} blocks)` : ""}`);
  }
  lines.push("");
  for (const failure of summary.failures.slice(0, SHOWN_FAILURES)) {
    lines.push(style.red(`✖ ${printable(describeFailure(failure))}`));
  }
  const more = summary.failures.length - SHOWN_FAILURES;
  if (more > 0) lines.push(style.red(`✖ … and ${count(more)} more failures`));
  lines.push(summary.ok ? style.green("✔ valid") : style.bold(style.red("✖ invalid")));
  return lines.join("\n");
}
