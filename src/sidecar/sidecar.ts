/**
 * The sidecar: Lanewise as a process that nodes in any language ask, over HTTP/1.1 and gRPC, on loopback or Unix sockets.
 *
 * @module
 */
import { existsSync, lstatSync, unlinkSync } from "node:fs";
import type { Server } from "node:http";
import { type AddressInfo, createConnection, isIP, Server as NetServer } from "node:net";
import { type Logger, pino } from "pino";
import { LanewiseError } from "../core/index.ts";
import { ByteBudget } from "./byte-budget.ts";
import { createEngine, type Engine, type EngineOptions } from "./engine.ts";
import { GrpcDoor } from "./grpc.ts";
import { createHttpServer } from "./http.ts";
import { renderMetrics, SidecarMetrics } from "./metrics.ts";
import { resolveLimits, type SidecarLimits } from "./options.ts";
import { createRoutes } from "./routes.ts";

/** Default port of the HTTP interface. */
export const DEFAULT_PORT = 8571;

/** Loopback: what listens elsewhere does so because somebody said so. */
export const DEFAULT_HOST = "127.0.0.1";

/** How a sidecar is set up. */
export interface SidecarOptions extends Omit<EngineOptions, "maxQueuedBlocks"> {
  /** HTTP port; 0 takes a free one, `false` none. Default {@link DEFAULT_PORT}. */
  readonly port?: number | false;
  /** Address of both ports. Default {@link DEFAULT_HOST}; any other that is not loopback is logged as a warning. */
  readonly host?: string;
  /** Path of a Unix socket for HTTP. */
  readonly unix?: string;
  /** gRPC port; 0 takes a free one. Default none. */
  readonly grpcPort?: number;
  /** Path of a Unix socket for gRPC. */
  readonly grpcUnix?: string;
  /** Permissions of the Unix socket for HTTP. Default 0o600. */
  readonly unixMode?: number;
  readonly limits?: Partial<SidecarLimits>;
  /** After the start of a drain, time in which new requests are still served while `/readyz` says 503. Default 0. */
  readonly drainDelayMs?: number;
  /** Longest wait for what is in progress when the sidecar closes. Default 30 s. */
  readonly drainTimeoutMs?: number;
  /** Default: silent. */
  readonly logger?: Logger;
}

/** Where a sidecar listens. */
export interface SidecarAddresses {
  /** `http://host:port`. */
  readonly url: string | undefined;
  readonly unix: string | undefined;
  /** `host:port`. */
  readonly grpc: string | undefined;
  readonly grpcUnix: string | undefined;
}

/** A running sidecar. */
export interface Sidecar {
  readonly addresses: SidecarAddresses;
  readonly metrics: SidecarMetrics;
  readonly engine: Engine;
  /** Resolves when a back end takes work; requests that come before wait for it. */
  ready(): Promise<void>;
  /** Stops taking work, finishes what is in progress, frees everything. Idempotent. */
  close(): Promise<void>;
}

/**
 * Starts a sidecar; it listens when the promise resolves.
 *
 * @throws LanewiseError `ERR_BACKEND_UNAVAILABLE`; `ERR_SOURCE` where an address cannot be had. RangeError on limits that are none.
 *
 * @example
 * const sidecar = await createSidecar({ unix: "/run/lanewise.sock" });
 * process.once("SIGTERM", () => void sidecar.close());
 */
export async function createSidecar(options: SidecarOptions = {}): Promise<Sidecar> {
  const limits = boundedByQueue(resolveLimits(options.limits), options);
  const engine = await createEngine({ ...options, maxQueuedBlocks: limits.maxQueuedBlocks });
  const sidecar = new RunningSidecar(options, limits, engine);
  try {
    await sidecar.listen();
    return sidecar;
  } catch (error) {
    await sidecar.close();
    if (error instanceof LanewiseError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new LanewiseError("ERR_SOURCE", `sidecar: cannot listen: ${reason}`, { cause: error });
  }
}

/** A request of more records than the verifier can queue would be told to try again for ever. */
function boundedByQueue(limits: SidecarLimits, { verifier }: SidecarOptions): SidecarLimits {
  const { maxQueuedItems = limits.maxRecords } = verifier ?? {};
  return { ...limits, maxRecords: Math.min(limits.maxRecords, maxQueuedItems) };
}

class RunningSidecar implements Sidecar {
  readonly metrics: SidecarMetrics = new SidecarMetrics();
  readonly engine: Engine;
  readonly #options: SidecarOptions;
  readonly #limits: SidecarLimits;
  readonly #logger: Logger;
  readonly #servers: Server[] = [];
  #grpc: GrpcDoor | undefined;
  #draining = false;
  #closing: Promise<void> | undefined;
  #addresses: SidecarAddresses = {
    url: undefined,
    unix: undefined,
    grpc: undefined,
    grpcUnix: undefined,
  };

  constructor(options: SidecarOptions, limits: SidecarLimits, engine: Engine) {
    this.#options = options;
    this.#limits = limits;
    this.#logger = options.logger ?? pino({ level: "silent" });
    this.engine = engine;
  }

  get addresses(): SidecarAddresses {
    return this.#addresses;
  }

  ready(): Promise<void> {
    return this.engine.ready();
  }

  async listen(): Promise<void> {
    const { host = DEFAULT_HOST, port = DEFAULT_PORT, unix, unixMode = 0o600 } = this.#options;
    const { grpcPort, grpcUnix } = this.#options;
    const budget = new ByteBudget(this.#limits.maxBufferedBytes);
    const common = {
      engine: this.engine,
      limits: this.#limits,
      budget,
      metrics: this.metrics,
      logger: this.#logger,
      isDraining: () => this.#draining,
      retryAfterSeconds: () => retryAfterSeconds(this.engine),
    };
    const metricsPage = (): string =>
      renderMetrics({
        metrics: this.metrics,
        verifier: this.engine.verifier,
        blocks: this.engine.blocks,
        bufferedBytes: budget.used,
        draining: this.#draining,
      });
    const routes = createRoutes({ ...common, metricsPage });
    const addresses = { ...this.#addresses };
    if (port !== false) {
      const server = createHttpServer({ ...common, routes });
      this.#servers.push(server);
      addresses.url = `http://${bracketed(host)}:${await listenTcp(server, port, host)}`;
    }
    if (unix !== undefined) {
      const server = createHttpServer({ ...common, routes });
      this.#servers.push(server);
      await freeSocket(unix);
      await listenUnix(server, unix, unixMode);
      addresses.unix = unix;
    }
    if (grpcPort !== undefined || grpcUnix !== undefined) this.#grpc = new GrpcDoor(common);
    if (grpcPort !== undefined) {
      const bound = await this.#grpc!.listen(`${bracketed(host)}:${grpcPort}`);
      addresses.grpc = `${bracketed(host)}:${bound}`;
    }
    if (grpcUnix !== undefined) {
      await freeSocket(grpcUnix);
      await withUmask(unixMode, () => this.#grpc!.listen(`unix:${grpcUnix}`));
      addresses.grpcUnix = grpcUnix;
    }
    this.#addresses = addresses;
    if (!isLoopback(host) && (port !== false || grpcPort !== undefined)) {
      this.#logger.warn(
        { host },
        "listening beyond loopback: anyone who reaches this port may use it",
      );
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#drain();
    return this.#closing;
  }

  async #drain(): Promise<void> {
    const { drainDelayMs = 0, drainTimeoutMs = 30_000 } = this.#options;
    const startedMs = performance.now();
    this.#draining = true;
    this.#logger.info({ inFlight: this.metrics.requestsInFlight }, "draining");
    if (drainDelayMs > 0) await new Promise((resolve) => setTimeout(resolve, drainDelayMs));
    await Promise.all([
      ...this.#servers.map((server) => closeServer(server, drainTimeoutMs)),
      this.#grpc?.close(drainTimeoutMs),
    ]);
    await this.engine.close();
    const { unix, grpcUnix } = this.#addresses;
    for (const path of [unix, grpcUnix]) if (path !== undefined) removeSocket(path);
    this.#logger.info({ tookMs: Math.round(performance.now() - startedMs) }, "closed");
  }
}

/**
 * Stops listening, lets requests in progress finish, and after `timeoutMs` ends what is left. A connection without a request is closed
 * a moment later, not at once: a request may be on its way, and Node's own `close` would throw its bytes away.
 */
function closeServer(server: Server, timeoutMs: number): Promise<void> {
  return new Promise((resolve) => {
    const late = setTimeout(() => server.closeAllConnections(), timeoutMs);
    const idle = setTimeout(() => server.close(), Math.min(IDLE_GRACE_MS, timeoutMs));
    NetServer.prototype.close.call(server, () => {
      clearTimeout(late);
      clearTimeout(idle);
      server.close(); // stops what looks for time-outs
      resolve();
    });
  });
}

/** From the end of listening until connections without a request are closed. */
const IDLE_GRACE_MS = 100;

function listenTcp(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

function listenUnix(server: Server, path: string, mode: number): Promise<void> {
  return withUmask(
    mode,
    () =>
      new Promise((resolve, reject) => {
        server.once("error", reject);
        server.listen(path, () => {
          server.off("error", reject);
          resolve();
        });
      }),
  );
}

/** Runs `bind` so that the socket it makes has the mode from its first moment on: a later chmod would leave a gap. */
async function withUmask<Result>(mode: number, bind: () => Promise<Result>): Promise<Result> {
  const before = process.umask(0o777 & ~mode);
  try {
    return await bind();
  } finally {
    process.umask(before);
  }
}

/**
 * Removes a socket that a dead process left behind.
 *
 * @throws LanewiseError `ERR_SOURCE` where somebody listens there, or the path is no socket.
 */
async function freeSocket(path: string): Promise<void> {
  if (!existsSync(path)) return;
  if (!lstatSync(path).isSocket()) {
    throw new LanewiseError("ERR_SOURCE", `unix socket ${path}: expected no file there, got one`);
  }
  const isAlive = await new Promise<boolean>((resolve) => {
    const socket = createConnection(path);
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
  if (isAlive)
    throw new LanewiseError("ERR_SOURCE", `unix socket ${path}: another process listens`);
  unlinkSync(path);
}

function removeSocket(path: string): void {
  if (existsSync(path) && lstatSync(path).isSocket()) unlinkSync(path);
}

const bracketed = (host: string): string => (isIP(host) === 6 ? `[${host}]` : host);

const isLoopback = (host: string): boolean =>
  host === "localhost" || host === "::1" || /^127(\.[0-9]{1,3}){3}$/.test(host);

/** Longest that a client is asked to wait. */
const MOST_RETRY_SECONDS = 30;

/** About as long as what waits now will take: the queue over the best learnt rate. */
function retryAfterSeconds({ verifier }: Engine): number {
  const itemMs = verifier
    .status()
    .filter(({ state }) => state === "ready")
    .flatMap(({ costs }) => Object.values(costs).map(({ perItemMs }) => perItemMs));
  const slowest = Math.max(0, ...itemMs);
  const seconds = Math.ceil((verifier.queuedItems * slowest) / 1000);
  return Math.min(Math.max(seconds, 1), MOST_RETRY_SECONDS);
}
