/**
 * Results on disk, whole at every moment.
 *
 * @module
 */
import { renameSync, writeFileSync } from "node:fs";

/** Writes a JSON file in place of what was there: a reader, or whoever comes after a kill, finds the old content or the new. */
export function writeResult(file: string, value: unknown): void {
  const partial = `${file}.partial`;
  writeFileSync(partial, `${JSON.stringify(value)}\n`);
  renameSync(partial, file);
}
