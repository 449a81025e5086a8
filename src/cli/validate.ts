/**
 * `lanewise validate`: blocks or transactions from files, standard input or a node, through the pipeline.
 *
 * @module
 */
import type { CAC } from "cac";

import type { StateOptions } from "../pipeline/execution.ts";

import type { BlockSource } from "../pipeline/input.ts";
import type { PipelineOptions } from "../pipeline/pipeline.ts";
import type { BlockReport } from "../pipeline/report.ts";
import { styleFor } from "../report/table.ts";
import { validationTable } from "../report/validation.ts";
import { createProgress } from "./progress.ts";
import {
  backendOption,
  chainOption,
  EXIT,
  forkOption,
  integerOption,
  pathArgument,
  UsageError,
  urlOption,
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
  readonly db?: unknown;
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
    .option(
      "--fork <url>",
      "Run blocks on the state of this node, with proofs (beside --fork <name>)",
    )
    .option("--db <folder>", "Keep the state in this folder, and go on from the block it is at")
    .option("--json", "One JSON object instead of the table")
    .example("  lanewise validate block.json")
    .example("  lanewise validate --rpc http://127.0.0.1:8545 --from 1 --to 100")
    .example("  lanewise validate chain/ --db state/")
    .example("  lanewise validate --rpc http://127.0.0.1:8545 --fork http://127.0.0.1:8545")
    .example("  cat transactions.hex | lanewise validate -")
    .action(validate);
}

/** Opens a source, where the state database is at `head`. */
type OpenSource = (signal: AbortSignal, head: bigint | undefined) => Promise<BlockSource>;

/** Opens a source; a command line that names none is refused before anything heavy is loaded. */
function sourceOf(path: string | undefined, options: Options): OpenSource {
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
  const url = urlOption("--rpc", options.rpc);
  if (from !== undefined && to !== undefined && from > to) {
    throw new UsageError(`--from ${from} --to ${to}: expected from ≤ to`);
  }
  return async (signal, head) => {
    const { readRpc } = await import("../node/rpc-source.ts");
    // A database goes on where it stopped.
    const resumes = from === undefined && head !== undefined;
    return readRpc(url, {
      ...(from === undefined ? {} : { from }),
      ...(resumes ? { after: head } : {}),
      ...(to === undefined ? {} : { to }),
      signal,
    });
  };
}

/** What `--db` and `--fork URL` say of states; opened before anything else, since a database may be in use. */
async function openStates(options: Options): Promise<StateOptions> {
  const { url } = forkOption(options.fork);
  if (options.db !== undefined && url !== undefined) {
    throw new UsageError(
      "--db and --fork URL: expected one of them, since a part is no state to keep",
    );
  }
  if (options.db !== undefined) {
    const { openPipelinedState } = await import("../state/store/pipelined-state.ts");
    return { state: await openPipelinedState({ location: String([options.db].flat().at(-1)) }) };
  }
  if (url === undefined) return {};
  const { createRemoteState } = await import("../node/remote-state.ts");
  return { remoteState: createRemoteState(url) };
}

async function validate(word: string | undefined, options: Options): Promise<void> {
  const path = pathArgument(word);
  const open = sourceOf(path, options);
  const chain = chainOption(options, "allowed");
  const workers = workersOption(options.workers);
  const backend = backendOption(options.backend);
  const states = await openStates(options);
  try {
    await validateOn(states, open, {
      backend,
      backendOptions: workers === undefined ? {} : { workers },
      ...(options.executor === undefined ? {} : { executor: String(options.executor) }),
      ...(chain === undefined ? {} : { chain }),
      json: options.json === true,
    });
  } finally {
    await states.state?.close();
  }
}

async function validateOn(
  states: StateOptions,
  open: OpenSource,
  { json, ...options }: PipelineOptions & { readonly json: boolean },
): Promise<void> {
  const abort = new AbortController();
  const source = await open(abort.signal, states.state?.head?.number);
  const { createPipeline } = await import("../pipeline/pipeline.ts");
  const pipeline = await createPipeline({ ...options, ...states });
  const interrupt = (): void => abort.abort(new Error("interrupted"));
  process.once("SIGINT", interrupt);
  const progress = createProgress(process.stderr);
  const depth = { executed: 0, signaturesOnly: 0, committedBefore: 0, notes: new Map() };
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
  const text = json
    ? JSON.stringify(summary)
    : validationTable(summary, depth, styleFor(process.stdout));
  process.exitCode = summary.ok ? EXIT.ok : EXIT.invalid;
  process.stdout.write(`${text}\n`);
}

/** Notes kept apart; the rest are counted together. */
const MAX_NOTES = 5;

function addDepth(
  depth: {
    executed: number;
    signaturesOnly: number;
    committedBefore: number;
    notes: Map<string, number>;
  },
  report: BlockReport,
): void {
  if (report.kind !== "block") return;
  if (report.depth === "executed") depth.executed++;
  else if (report.depth === "committed before") depth.committedBefore++;
  else depth.signaturesOnly++;
  if (report.note === "") return;
  const isKnown = depth.notes.has(report.note) || depth.notes.size < MAX_NOTES;
  const note = isKnown ? report.note : "others";
  depth.notes.set(note, (depth.notes.get(note) ?? 0) + 1);
}
