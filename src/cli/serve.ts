/**
 * `lanewise serve`: the sidecar as a process, until SIGTERM or SIGINT.
 *
 * @module
 */
import type { CAC } from "cac";
import type { SidecarOptions } from "../sidecar/index.ts";
import {
  backendOption,
  chainOption,
  EXIT,
  integerOption,
  UsageError,
  workersOption,
} from "./usage.ts";

/** Options as the parser hands them over. */
interface Options {
  readonly port?: unknown;
  readonly host?: unknown;
  readonly unix?: unknown;
  readonly unixMode?: unknown;
  readonly grpcPort?: unknown;
  readonly grpcUnix?: unknown;
  readonly backend?: unknown;
  readonly workers?: unknown;
  readonly chainId?: unknown;
  readonly fork?: unknown;
  readonly cacheEntries?: unknown;
  readonly maxQueued?: unknown;
  readonly drainDelayMs?: unknown;
  readonly drainTimeoutMs?: unknown;
  readonly logLevel?: unknown;
}

const LOG_LEVELS = ["debug", "info", "warn", "error", "silent"];

/** Adds the command. */
export function registerServeCommand(cli: CAC): void {
  cli
    .command("serve", "Verify for nodes in any language, over HTTP, gRPC and Unix sockets")
    .option("--port <number>", "HTTP port; 0 takes a free one (default: 8571)")
    .option("--no-port", "No HTTP over TCP")
    .option("--host <address>", "Address of the ports (default: 127.0.0.1)")
    .option("--unix <path>", "HTTP on this Unix socket too")
    .option("--unix-mode <octal>", "Permissions of the Unix sockets (default: 600)")
    .option("--grpc-port <number>", "gRPC on this port (default: none)")
    .option("--grpc-unix <path>", "gRPC on this Unix socket")
    .option("--backend <id>", "auto, webgpu, wasm or reference (default: auto)")
    .option("--workers <count>", "Worker threads of a CPU back end (default: one a core)")
    .option("--chain-id <number>", "Chain id of blocks (default: what the block says)")
    .option("--fork <name>", "Rules of one fork for all blocks (default: the chain's schedule)")
    .option("--cache-entries <count>", "Valid answers kept; 0: none (default: 65536)")
    .option("--max-queued <count>", "Most records waiting (default: 65536)")
    .option("--drain-delay-ms <ms>", "Serve on for so long after a signal (default: 0)")
    .option("--drain-timeout-ms <ms>", "Longest wait for work in progress (default: 30000)")
    .option("--log-level <level>", `${LOG_LEVELS.join(", ")} (default: info)`)
    .example("  lanewise serve --unix /run/lanewise.sock --grpc-port 8572")
    .action(serve);
}

async function serve(options: Options): Promise<void> {
  const sidecarOptions = readOptions(options);
  const level = String(options.logLevel ?? "info");
  if (!LOG_LEVELS.includes(level)) {
    throw new UsageError(`--log-level: expected ${LOG_LEVELS.join(", ")}, got ${level}`);
  }
  const { pino } = await import("pino");
  const { createSidecar } = await import("../sidecar/index.ts");
  const logger = pino({ level, base: { pid: process.pid } });
  const sidecar = await createSidecar({ ...sidecarOptions, logger });
  const stopped = new Promise<void>((resolve, reject) => {
    let signals = 0;
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      process.on(signal, () => {
        // Who asks twice does not want to wait.
        if (++signals > 1) process.exit(EXIT.operation);
        logger.info({ signal }, "asked to stop");
        sidecar.close().then(resolve, reject);
      });
    }
  });
  logger.info(sidecar.addresses, "listening");
  sidecar.ready().then(
    () => logger.info({ backends: sidecar.engine.verifier.status().map(backendLine) }, "ready"),
    (error: unknown) => logger.error({ err: error }, "the back end asked for cannot run here"),
  );
  await stopped;
  process.exitCode = EXIT.ok;
}

const backendLine = ({ id, state, reason }: { id: string; state: string; reason: string }) =>
  `${id}: ${state} (${reason})`;

function readOptions(options: Options): SidecarOptions {
  const workers = workersOption(options.workers);
  const port = options.port === false ? false : portOption("--port", options.port);
  const grpcPort = portOption("--grpc-port", options.grpcPort);
  const cacheEntries = smallOption("--cache-entries", options.cacheEntries);
  const maxQueuedItems = smallOption("--max-queued", options.maxQueued);
  const drainDelayMs = smallOption("--drain-delay-ms", options.drainDelayMs);
  const drainTimeoutMs = smallOption("--drain-timeout-ms", options.drainTimeoutMs);
  if (port === false && options.unix === undefined && options.grpcUnix === undefined) {
    if (grpcPort === undefined) throw new UsageError("--no-port: expected another door beside it");
  }
  const chain = chainOption(options);
  return {
    backend: backendOption(options.backend),
    ...(workers === undefined ? {} : { workers }),
    ...(chain === undefined ? {} : { chain }),
    ...(port === undefined ? {} : { port }),
    ...(options.host === undefined ? {} : { host: String(options.host) }),
    ...(options.unix === undefined ? {} : { unix: String(options.unix) }),
    ...(options.unixMode === undefined ? {} : { unixMode: modeOption(options.unixMode) }),
    ...(grpcPort === undefined ? {} : { grpcPort }),
    ...(options.grpcUnix === undefined ? {} : { grpcUnix: String(options.grpcUnix) }),
    ...(drainDelayMs === undefined ? {} : { drainDelayMs }),
    ...(drainTimeoutMs === undefined ? {} : { drainTimeoutMs }),
    verifier: {
      ...(cacheEntries === undefined ? {} : { cacheEntries }),
      ...(maxQueuedItems === undefined ? {} : { maxQueuedItems }),
    },
  };
}

/** The parser turns `--port` alone, and its absence beside `--no-port`, into `true`: the default port. */
function portOption(name: string, value: unknown): number | undefined {
  if (value === true) return undefined;
  const port = integerOption(name, value);
  if (port === undefined) return undefined;
  if (port > 65_535n) throw new UsageError(`${name}: expected 0 to 65535, got ${port}`);
  return Number(port);
}

function smallOption(name: string, value: unknown): number | undefined {
  const given = integerOption(name, value);
  if (given === undefined) return undefined;
  if (given > 2n ** 31n - 1n) throw new UsageError(`${name}: expected 0 to 2^31 - 1, got ${given}`);
  return Number(given);
}

function modeOption(value: unknown): number {
  const text = String(value);
  if (/^[0-7]{3}$/.test(text)) return Number.parseInt(text, 8);
  throw new UsageError(`--unix-mode: expected three octal digits, got ${text}`);
}
