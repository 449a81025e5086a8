/**
 * A progress line on a terminal: rewritten in place, a few times a second, gone at the end.
 *
 * @module
 */
import type { WriteStream } from "node:tty";
import type { ValidationSummary } from "../pipeline/report.ts";
import { count } from "../report/table.ts";

/** Least time between two rewrites. */
const EVERY_MS = 100;

/** Shows how far a run has come. */
export interface Progress {
  update(summary: ValidationSummary): void;
  /** Removes the line. */
  clear(): void;
}

/** Writes to `stream` where it is a terminal, and nothing otherwise. */
export function createProgress(stream: WriteStream): Progress {
  if (!stream.isTTY) return { update() {}, clear() {} };
  const startedMs = performance.now();
  let writtenMs = 0;
  return {
    update(summary) {
      const nowMs = performance.now();
      if (nowMs - writtenMs < EVERY_MS) return;
      writtenMs = nowMs;
      const seconds = (nowMs - startedMs) / 1000;
      const rate = count(Math.round(summary.transactions / seconds));
      const failed = summary.failures.length > 0 ? `, ${summary.failures.length} failures` : "";
      const line = `${count(summary.blocks)} blocks, ${count(summary.transactions)} transactions, ${rate}/s on ${summary.backend.id}${failed}`;
      stream.write(`\r\u001b[K${line.slice(0, Math.max(20, stream.columns - 1))}`);
    },
    clear() {
      if (writtenMs > 0) stream.write("\r\u001b[K");
    },
  };
}
