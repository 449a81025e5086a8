/**
 * Plain text tables and styles for terminals.
 *
 * @module
 */
import { stripVTControlCharacters } from "node:util";

/** Text with and without colour; colour only where the stream is a terminal and NO_COLOR is not set (no-color.org). */
export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  green(text: string): string;
  red(text: string): string;
  yellow(text: string): string;
}

/** The style for a stream. */
export function styleFor(stream: { readonly isTTY?: boolean }): Style {
  const isPlain =
    !stream.isTTY || (process.env.NO_COLOR ?? "") !== "" || process.env.TERM === "dumb";
  const wrap =
    (open: number, close: number) =>
    (text: string): string =>
      isPlain ? text : `\u001b[${open}m${text}\u001b[${close}m`;
  return {
    bold: wrap(1, 22),
    dim: wrap(2, 22),
    green: wrap(32, 39),
    red: wrap(31, 39),
    yellow: wrap(33, 39),
  };
}

/** How a column is laid out. */
export interface Column {
  readonly title: string;
  readonly align?: "left" | "right";
}

const widthOf = (text: string): number => stripVTControlCharacters(text).length;

/** Rows under their titles, two spaces between columns, no trailing blanks. */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  style: Style,
): string {
  const widths = columns.map((column, i) =>
    Math.max(widthOf(column.title), ...rows.map((row) => widthOf(row[i] ?? ""))),
  );
  const line = (cells: readonly string[]): string =>
    columns
      .map((column, i) => {
        const cell = cells[i] ?? "";
        const room = " ".repeat(widths[i] - widthOf(cell));
        return column.align === "right" ? room + cell : cell + room;
      })
      .join("  ")
      .trimEnd();
  const head = line(columns.map((column) => column.title));
  return [style.dim(head), ...rows.map(line)].join("\n");
}

/** `1234567` → `1,234,567`. */
export function count(value: number | bigint): string {
  return value.toLocaleString("en-US");
}

/** Milliseconds with a unit that fits. */
export function duration(ms: number): string {
  if (ms < 1) return `${(ms * 1000).toFixed(0)} µs`;
  if (ms < 1000) return `${ms.toFixed(1)} ms`;
  return `${(ms / 1000).toFixed(2)} s`;
}

/** Control characters made visible: what an input says must not steer the terminal. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (char) => {
    return `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`;
  });
}
