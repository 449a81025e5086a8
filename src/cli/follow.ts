/**
 * `lanewise follow`: validates what a running node tells, as it tells it; a line a block.
 *
 * @module
 */
import type { CAC } from "cac";
import { toHex } from "../chains/ethereum/index.ts";
import type { FollowEvent, FollowOptions } from "../node/follow/follow.ts";
import { describeFailure, type Failure } from "../pipeline/report.ts";
import { count, type Style, styleFor } from "../report/table.ts";
import {
  backendOption,
  chainOption,
  EXIT,
  integerOption,
  UsageError,
  workersOption,
} from "./usage.ts";

/** Options as the parser hands them over. */
interface Flags {
  readonly from?: unknown;
  readonly to?: unknown;
  readonly pending?: boolean;
  readonly exitOnInvalid?: boolean;
  readonly pollMs?: unknown;
  readonly chainId?: unknown;
  readonly fork?: unknown;
  readonly backend?: unknown;
  readonly workers?: unknown;
  readonly json?: boolean;
}

/** Adds the command. */
export function registerFollowCommand(cli: CAC): void {
  cli
    .command("follow <url>", "Validate a running node's new blocks and pending transactions, live")
    .option("--from <number>", "First block (default: the node's newest)")
    .option("--to <number>", "Stop after this block (default: never)")
    .option("--no-pending", "Leave pending transactions alone")
    .option("--exit-on-invalid", "Stop at the first invalid block or transaction, with exit code 1")
    .option("--poll-ms <n>", "Time between two polls, of http URLs (default: 1000)")
    .option("--chain-id <number>", "Chain id (default: what the node says; 1 with --fork)")
    .option("--fork <name>", "Rules of one fork for all blocks (default: as the headers look)")
    .option("--backend <id>", "auto, webgpu, wasm or reference (default: auto)")
    .option("--workers <count>", "Worker threads of a CPU back end (default: one a core)")
    .option("--json", "One JSON object a line")
    .example("  lanewise follow ws://127.0.0.1:8546")
    .example("  lanewise follow http://127.0.0.1:8545 --from 1 --exit-on-invalid --json")
    .action(runFollow);
}

function followOptions(url: string, flags: Flags): FollowOptions {
  if (!/^(https?|wss?):\/\//.test(url) || !URL.canParse(url)) {
    throw new UsageError(`follow: expected a ws(s):// or http(s):// URL, got ${url}`);
  }
  const from = integerOption("--from", flags.from);
  const to = integerOption("--to", flags.to);
  if (from !== undefined && to !== undefined && from > to) {
    throw new UsageError(`--from ${from} --to ${to}: expected from ≤ to`);
  }
  const pollMs = integerOption("--poll-ms", flags.pollMs);
  if (pollMs !== undefined && (pollMs < 1n || pollMs > 3_600_000n)) {
    throw new UsageError(`--poll-ms: expected 1 to 3600000, got ${pollMs}`);
  }
  const chain = chainOption(flags);
  const workers = workersOption(flags.workers);
  return {
    pending: flags.pending ?? true,
    backend: backendOption(flags.backend),
    backendOptions: workers === undefined ? {} : { workers },
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(pollMs === undefined ? {} : { pollMs: Number(pollMs) }),
    ...(chain === undefined ? {} : { chain }),
  };
}

async function runFollow(url: string, flags: Flags): Promise<void> {
  const options = followOptions(url, flags);
  const { follow } = await import("../node/follow/follow.ts");
  const abort = new AbortController();
  const interrupt = (): void => abort.abort(new Error("interrupted"));
  process.once("SIGINT", interrupt);
  const style = styleFor(process.stdout);
  const totals = new Totals();
  try {
    for await (const event of follow(url, { ...options, signal: abort.signal })) {
      totals.add(event);
      for (const line of flags.json ? [asJson(event)] : asText(event, style)) {
        process.stdout.write(`${line}\n`);
      }
      if (flags.exitOnInvalid && !totals.ok) break;
    }
  } finally {
    process.off("SIGINT", interrupt);
  }
  process.stdout.write(`${flags.json ? totals.json() : totals.text()}\n`);
  process.exitCode = totals.ok ? EXIT.ok : EXIT.invalid;
}

/** What a whole run has seen. */
class Totals {
  blocks = 0;
  transactions = 0;
  invalidBlocks = 0;
  replaced = 0;
  pending = 0;
  invalidPending = 0;
  losses = 0;

  get ok(): boolean {
    return this.invalidBlocks === 0 && this.invalidPending === 0;
  }

  add(event: FollowEvent): void {
    if (event.kind === "lost") this.losses++;
    if (event.kind === "pending") {
      this.pending += event.transactions;
      this.invalidPending += event.invalid;
    }
    if (event.kind !== "block") return;
    this.blocks++;
    this.transactions += event.report.transactions;
    this.invalidBlocks += event.report.ok ? 0 : 1;
    this.replaced += event.replaced;
  }

  json(): string {
    const { ok, blocks, transactions, invalidBlocks, replaced, pending, invalidPending, losses } =
      this;
    return JSON.stringify({
      kind: "summary",
      ...{ ok, blocks, transactions, invalidBlocks, replaced, pending, invalidPending, losses },
    });
  }

  text(): string {
    const blocks = `${count(this.blocks)} blocks (${this.invalidBlocks} invalid, ${this.replaced} replaced)`;
    const pending = `${count(this.pending)} pending (${this.invalidPending} invalid)`;
    return `${blocks}, ${count(this.transactions)} transactions, ${pending}`;
  }
}

function asJson(event: FollowEvent): string {
  if (event.kind === "connected") {
    return JSON.stringify({ kind: event.kind, chainId: Number(event.chainId) });
  }
  if (event.kind !== "block") return JSON.stringify(event);
  const { report, replaced, ms } = event;
  const { number, hash, transactions, ok, depth, note, failures } = report;
  return JSON.stringify({
    kind: "block",
    number: number === undefined ? null : Number(number),
    hash: hash === undefined ? null : toHex(hash),
    ...{ transactions, ok, depth, note, replaced, ms: Math.round(ms * 10) / 10, failures },
  });
}

/** Failures printed in full; the rest are counted. */
const MOST_FAILURES = 10;

function failureLines(failures: readonly Failure[], style: Style): string[] {
  const lines = failures
    .slice(0, MOST_FAILURES)
    .map(
      (failure) => `  ${style.red(describeFailure(failure).replace(/^block pending/, "pending"))}`,
    );
  const more = failures.length - MOST_FAILURES;
  return more > 0 ? [...lines, `  ${style.red(`and ${more} more`)}`] : lines;
}

function asText(event: FollowEvent, style: Style): string[] {
  switch (event.kind) {
    case "connected":
      return [style.dim(`connected, chain ${event.chainId}`)];
    case "lost":
      return [style.yellow(`${event.reason}; connecting again in ${event.retryMs} ms`)];
    case "note":
      return [style.yellow(event.text)];
    case "pending": {
      // A line a block: pending transactions make lines only where they are wrong.
      return failureLines(event.failures, style);
    }
    case "block": {
      const { report, replaced, ms } = event;
      const name = report.number === undefined ? report.label : `block ${report.number}`;
      const hash = report.hash === undefined ? "" : ` ${toHex(report.hash).slice(0, 14)}…`;
      const verdict = report.ok ? style.green("valid") : style.red("INVALID");
      const again = replaced > 0 ? style.yellow(`, replaces ${replaced}`) : "";
      const line = `${name}${hash} ${verdict}, ${report.transactions} transactions, ${ms.toFixed(1)} ms${again}`;
      return [line, ...failureLines(report.failures, style)];
    }
  }
}
