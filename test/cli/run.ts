/** Runs the real `lanewise` command. @module */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("../../src/cli/main.js", import.meta.url));

/** What a run left behind. */
export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command; kills it after `timeoutMs`. `input` goes to standard input, which is closed otherwise. */
export function runCli(
  parameters: readonly string[],
  options: {
    readonly input?: string | Uint8Array;
    readonly timeoutMs?: number;
    /** Closes our end of the command's output after the first byte, as `head -c1` does. */
    readonly stopReading?: boolean;
  } = {},
): Promise<CliResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [main, ...parameters], {
      timeout: options.timeoutMs ?? 120_000,
      env: { ...process.env, NO_COLOR: "" },
    });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk) => {
      stdout += chunk;
      if (options.stopReading) child.stdout.destroy();
    });
    child.stderr.on("data", (chunk) => {
      stderr += chunk;
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
    child.stdin.on("error", () => {});
    child.stdin.end(options.input);
  });
}
