/**
 * `lanewise validate`: blocks or transactions from files, standard input or a node, through the pipeline.
 *
 * @module
 */
import type { CAC } from "cac";
import type { BlockSource } from "../pipeline/input.ts";
import type { BlockReport } from "../pipeline/report.ts";
import { styleFor } from "../report/table.ts";
import { validationTable } from "../report/validation.ts";
import { createProgress } from "./progress.ts";
import {
  backendOption,
  chainOption,
  EXIT,
  integerOption,
  pathArgument,
  UsageError,
  workersOption,
} from "./usage.ts";

/** Options as the parser hands them over. */
interface Options {
  readonly rpc?: unknown;
  readonly from?: unknown;
  readonly to?: unknown;
  readonly backend?: unknown;
  readonly workers?: unknown;
  readonly executor?: unknown;
  readonly chainId?: unknown;
  readonly fork?: unknown;
  readonly json?: unknown;
}

/** Adds the command. */
export function registerValidateCommand(cli: CAC): void {
  cli
    .command("validate [path]", "Validate blocks or transactions of a file, a folder, - or a node")
    .option("--rpc <url>", "Pull blocks from this node")
    .option("--from <number>", "First block to pull (default: the last)")
    .option("--to <number>", "Last block to pull (default: the node's latest)")
    .option("--backend <id>", "auto, webgpu, wasm or reference (default: auto)")
    .option("--workers <count>", "Worker threads of a CPU back end (default: one a core)")
    .option("--executor <id>", "Executor (default: auto)")
    .option("--chain-id <number>", "Chain id (default: what the input says)")
    .option("--fork <name>", "Rules of one fork for all blocks (default: the chain's schedule)")
    .option("--json", "One JSON object instead of the table")
    .example("  lanewise validate block.json")
    .example("  lanewise validate --rpc http://127.0.0.1:8545 --from 1 --to 100")
    .example("  cat transactions.hex | lanewise validate -")
    .action(validate);
}

/** Opens a source; a command line that names none is refused before anything heavy is loaded. */
function sourceOf(
  path: string | undefined,
  options: Options,
): (signal: AbortSignal) => Promise<BlockSource> {
  const from = integerOption("--from", options.from);
  const to = integerOption("--to", options.to);
  if (options.rpc === undefined) {
    if (from !== undefined || to !== undefined) {
      throw new UsageError("--from and --to: expected --rpc with them");
    }
    if (path === undefined) throw new UsageError("validate: expected a path, - or --rpc");
    return async () => (await import("../node/file-source.ts")).readPath(path);
  }
  if (path !== undefined) throw new UsageError("validate: expected a path or --rpc, got both");
  const url = String(options.rpc);
  if (!/^https?:\/\//.test(url) || !URL.canParse(url)) {
    throw new UsageError(`--rpc: expected an http:// or https:// URL, got ${url}`);
  }
  if (from !== undefined && to !== undefined && from > to) {
    throw new UsageError(`--from ${from} --to ${to}: expected from ≤ to`);
  }
  return async (signal) =>
    (await import("../node/rpc-source.ts")).readRpc(url, {
      ...(from === undefined ? {} : { from }),
      ...(to === undefined ? {} : { to }),
      signal,
    });
}

async function validate(word: string | undefined, options: Options): Promise<void> {
  const path = pathArgument(word);
  const open = sourceOf(path, options);
  const chain = chainOption(options);
  const workers = workersOption(options.workers);
  const backend = backendOption(options.backend);
  const abort = new AbortController();
  const source = await open(abort.signal);
  const { createPipeline } = await import("../pipeline/pipeline.ts");
  const pipeline = await createPipeline({
    backend,
    backendOptions: workers === undefined ? {} : { workers },
    ...(options.executor === undefined ? {} : { executor: String(options.executor) }),
    ...(chain === undefined ? {} : { chain }),
  });
  const interrupt = (): void => abort.abort(new Error("interrupted"));
  process.once("SIGINT", interrupt);
  const progress = createProgress(process.stderr);
  const depth = { executed: 0, signaturesOnly: 0, notes: new Map<string, number>() };
  try {
    for await (const report of pipeline.run(source, { signal: abort.signal })) {
      addDepth(depth, report);
      progress.update(pipeline.summary());
    }
  } finally {
    progress.clear();
    process.off("SIGINT", interrupt);
    await pipeline.close();
  }
  const summary = pipeline.summary();
  const text = options.json
    ? JSON.stringify(summary)
    : validationTable(summary, depth, styleFor(process.stdout));
  process.exitCode = summary.ok ? EXIT.ok : EXIT.invalid;
  process.stdout.write(`${text}\n`);
}

/** Notes kept apart; the rest are counted together. */
const MAX_NOTES = 5;

function addDepth(
  depth: { executed: number; signaturesOnly: number; notes: Map<string, number> },
  report: BlockReport,
): void {
  if (report.kind !== "block") return;
  if (report.depth === "executed") depth.executed++;
  else depth.signaturesOnly++;
  if (report.note === "") return;
  const isKnown = depth.notes.has(report.note) || depth.notes.size < MAX_NOTES;
  const note = isKnown ? report.note : "others";
  depth.notes.set(note, (depth.notes.get(note) ?? 0) + 1);
}
