#!/usr/bin/env node
/**
 * The `lanewise` command.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import cac from "cac";
import { LanewiseError } from "../core/index.ts";
import { registerBenchCommand } from "./bench.ts";
import { registerDoctorCommand } from "./doctor.ts";
import { registerFollowCommand } from "./follow.ts";
import { registerGenerateCommand } from "./generate.ts";
import { enableRelaxedSimd } from "./relaxed-simd.ts";
import { registerServeCommand } from "./serve.ts";
import { EXIT, readableArguments, UsageError } from "./usage.ts";
import { registerValidateCommand } from "./validate.ts";

/** A reader that went away (`lanewise … | head`) is no failure of ours: stop writing and leave. */
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  process.exit(error.code === "EPIPE" ? (process.exitCode ?? EXIT.ok) : EXIT.operation);
});

function version(): string {
  const manifest = readFileSync(new URL("../../../package.json", import.meta.url), "utf8");
  return (JSON.parse(manifest) as { version: string }).version;
}

/** One line for what went wrong; the stack only where somebody asked for it or the fault is ours. */
function explain(error: unknown): string {
  if (error instanceof UsageError) return `lanewise: ${error.message}\nTry lanewise --help.`;
  if (error instanceof LanewiseError) return `lanewise: ${error.message} (${error.code})`;
  if (error instanceof Error && process.env.LANEWISE_DEBUG) return `lanewise: ${error.stack}`;
  return `lanewise: ${error instanceof Error ? error.message : String(error)}`;
}

async function main(): Promise<void> {
  const cli = cac("lanewise");
  registerValidateCommand(cli);
  registerFollowCommand(cli);
  registerDoctorCommand(cli);
  registerGenerateCommand(cli);
  registerBenchCommand(cli);
  registerServeCommand(cli);
  cli.help();
  cli.version(version());
  cli.parse(readableArguments(process.argv), { run: false });
  if (cli.options.help || cli.options.version) return;
  if (cli.matchedCommand === undefined) {
    const [word] = cli.args;
    throw new UsageError(
      word === undefined
        ? "expected a command: validate, follow, serve, doctor, generate or bench"
        : `expected a command: validate, follow, serve, doctor, generate or bench, got ${word}`,
    );
  }
  await enableRelaxedSimd(process.env);
  await cli.runMatchedCommand();
}

main().catch((error: unknown) => {
  const usage = error instanceof Error && error.name === "CACError";
  console.error(explain(usage ? new UsageError((error as Error).message) : error));
  process.exitCode = EXIT.operation;
});
