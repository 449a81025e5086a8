/**
 * The HTTP/1.1 door: `node:http` with bounded heads, bodies, times, sockets and requests.
 *
 * A request is answered once, in JSON where it is refused: `{"error": {"code", "message"}}`. There is no CORS, and a request that a
 * browser sends from a page (it has an `Origin`) is refused, so that no page can use a sidecar on its visitor's machine.
 *
 * @module
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Logger } from "pino";
import { discardBody } from "./body.ts";
import type { ByteBudget } from "./byte-budget.ts";
import { Call } from "./call.ts";
import { MemoryShelf } from "./memory-shelf.ts";
import type { SidecarMetrics } from "./metrics.ts";
import type { SidecarLimits } from "./options.ts";
import { quoted } from "./records.ts";
import { overloaded, Refusal, refusalOf } from "./refusal.ts";

/** What a route answers. */
export interface Answer {
  readonly status: number;
  readonly type: "application/octet-stream" | "application/json" | "text/plain; version=0.0.4";
  readonly body: Uint8Array | string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** One path and method. */
export interface Route {
  readonly method: "GET" | "POST";
  readonly path: string;
  handle(call: Call): Answer | Promise<Answer>;
}

/** What the door needs. */
export interface HttpOptions {
  readonly routes: readonly Route[];
  readonly limits: SidecarLimits;
  readonly budget: ByteBudget;
  readonly metrics: SidecarMetrics;
  readonly logger: Logger;
  /** Seconds after which a client that found no room may try again. */
  retryAfterSeconds(): number;
  readonly isDraining: () => boolean;
}

/** Heads longer than this are refused with 431. */
const MOST_HEAD_BYTES = 8192;

/** Requests that one connection may have in progress: no client of ours pipelines, and answers are held until they are read. */
const MOST_PIPELINED = 16;

/** A refused body is read on and thrown away up to so many times the largest, so that the connection can be kept. */
const DISCARDED_BODIES = 2;

/** How often time-outs are looked for. */
const TIMEOUT_CHECK_MS = 500;

/** Makes a server that does not listen yet. */
export function createHttpServer(options: HttpOptions): Server {
  const { limits, metrics } = options;
  const server = createServer({
    maxHeaderSize: MOST_HEAD_BYTES,
    headersTimeout: Math.min(limits.headersTimeoutMs, limits.requestTimeoutMs),
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    connectionsCheckingInterval: Math.min(TIMEOUT_CHECK_MS, limits.requestTimeoutMs),
    noDelay: true,
  });
  server.maxConnections = limits.maxConnections;
  const door = new HttpDoor(options);
  server.on("request", (request, response) => void door.serve(request, response));
  server.on("checkContinue", (request, response) => void door.serve(request, response));
  server.on("checkExpectation", (request, response) => void door.serve(request, response));
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Socket) =>
    door.refuseMalformed(error, socket),
  );
  server.on("connection", (socket: Socket) => {
    metrics.connections++;
    socket.once("close", () => metrics.connections--);
  });
  server.on("drop", () => metrics.connectionsDropped++);
  return server;
}

class HttpDoor {
  readonly #options: HttpOptions;
  /** Sockets on which an answer has begun and not ended: nothing else may be written there. */
  readonly #answering = new WeakSet<Socket>();
  /** What ends each request in progress on a connection. */
  readonly #inProgress = new WeakMap<Socket, Set<() => void>>();
  readonly #shelf = new MemoryShelf();

  constructor(options: HttpOptions) {
    this.#options = options;
  }

  /** Answers one request; never throws. */
  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { budget, metrics, logger, limits } = this.#options;
    const startedMs = performance.now();
    const [path, query = ""] = splitTarget(request.url ?? "");
    const { routes } = this.#options;
    const label = routes.some((route) => route.path === path) ? path : "other";
    const account = budget.open();
    const call = new Call(request, response, query, { account, shelf: this.#shelf, metrics });
    metrics.requestsInFlight++;
    const isServed = this.#untilOver(request.socket, response, () => {
      metrics.requestsInFlight--;
      call.close();
      metrics.observe(label, (performance.now() - startedMs) / 1000);
    });
    if (!isServed) {
      request.socket.destroy();
      return;
    }
    response.on("error", () => {}); // the client went away: nothing is left to tell it
    request.on("error", () => {});
    let answer: Answer;
    try {
      this.#guard(request, budget);
      const route = routeFor(routes, request.method ?? "", path);
      if (route.method === "POST") this.#admit();
      answer = await route.handle(call);
    } catch (error) {
      answer = this.#refuse(error, request);
    }
    metrics.count(metrics.requests, `${label} ${answer.status}`);
    logger.debug({ method: request.method, path: label, status: answer.status }, "answered");
    this.#send(call, response, answer);
    if (!request.complete) discardBody(request, DISCARDED_BODIES * limits.maxBodyBytes);
  }

  /** @throws Refusal where the request may not reach any route. */
  #guard({ headers }: IncomingMessage, budget: ByteBudget): void {
    if (headers.origin !== undefined) {
      throw new Refusal(403, "ERR_INPUT", "Origin: expected none: web pages are not served");
    }
    if (headers.expect !== undefined && headers.expect.toLowerCase() !== "100-continue") {
      throw new Refusal(
        417,
        "ERR_INPUT",
        `Expect: expected 100-continue, got ${quoted(headers.expect)}`,
      );
    }
    if (budget.used > budget.capacity) throw overloaded("sidecar: too many bytes are held");
  }

  /**
   * Calls `over` once, when the answer is taken or the connection is gone: an answer that waits behind another of its connection
   * hears nothing of its end by itself.
   *
   * @returns whether the connection has few enough requests in progress.
   */
  #untilOver(socket: Socket, response: ServerResponse, over: () => void): boolean {
    let waiting = this.#inProgress.get(socket);
    if (waiting === undefined) {
      const all = new Set<() => void>();
      socket.once("close", () => {
        for (const end of all) end();
      });
      this.#inProgress.set(socket, all);
      waiting = all;
    }
    const { size } = waiting;
    const end = (): void => {
      if (waiting.delete(end)) over();
    };
    waiting.add(end);
    response.once("close", end);
    return size < MOST_PIPELINED;
  }

  /** @throws Refusal 429 where too much is in progress. Questions about the sidecar itself are always answered. */
  #admit(): void {
    const { metrics, limits } = this.#options;
    if (metrics.requestsInFlight > limits.maxRequests) {
      throw overloaded(
        `sidecar: ${limits.maxRequests} requests are in progress; one more is refused`,
      );
    }
  }

  #refuse(error: unknown, request: IncomingMessage): Answer {
    const { logger } = this.#options;
    const refusal = refusalOf(error);
    const level = refusal.status >= 500 && refusal.status !== 504 ? "error" : "debug";
    logger[level]({ err: refusal.cause ?? refusal, url: request.url }, "refused");
    const mayRetry = refusal.status === 429 || refusal.status === 503;
    return {
      status: refusal.status,
      type: "application/json",
      body: errorBody(refusal.code, refusal.message),
      headers: {
        ...refusal.headers,
        ...(mayRetry ? { "Retry-After": String(this.#options.retryAfterSeconds()) } : {}),
      },
    };
  }

  /** Sends the answer whole, and closes the connection of a client that does not take it. */
  #send(call: Call, response: ServerResponse, { status, type, body, headers }: Answer): void {
    const { limits, metrics, logger } = this.#options;
    const { request } = call;
    if (response.destroyed) return;
    const bytes = typeof body === "string" ? Buffer.from(body) : body;
    // The rest of a body this large is not worth reading to keep the connection.
    const announced = Number(request.headers["content-length"] ?? 0);
    const mustClose = !request.complete && announced > DISCARDED_BODIES * limits.maxBodyBytes;
    call.countAnswer(bytes);
    metrics.bytesSent += bytes.length;
    const { socket } = request;
    response.writeHead(status, {
      "Content-Type": type,
      "Content-Length": bytes.length,
      "Cache-Control": "no-store",
      ...headers,
      ...(mustClose || this.#options.isDraining() ? { Connection: "close" } : {}),
    });
    this.#answering.add(socket);
    const late = setTimeout(() => {
      metrics.answersAbandoned++;
      logger.debug("an answer was not taken in time");
      socket.destroy();
    }, limits.responseTimeoutMs);
    response.once("close", () => {
      clearTimeout(late);
      this.#answering.delete(socket);
    });
    response.end(request.method === "HEAD" ? undefined : bytes);
  }

  /** Answers what the parser refused or what came too late, and closes the connection. */
  refuseMalformed(error: NodeJS.ErrnoException, socket: Socket): void {
    const { metrics, logger } = this.#options;
    const [status, reason, message] = malformedAnswer(error);
    metrics.count(metrics.malformed, error.code ?? "unknown");
    logger.debug({ code: error.code }, "malformed request");
    if (!socket.writable || this.#answering.has(socket)) {
      socket.destroy();
      return;
    }
    const body = errorBody("ERR_INPUT", message);
    socket.end(
      `HTTP/1.1 ${status} ${reason}\r\nContent-Type: application/json\r\n` +
        `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
      () => socket.destroy(),
    );
  }
}

/** Path and query of a request target; `http://host/path` (RFC 9112 §3.2.2) counts as its path. */
function splitTarget(target: string): string[] {
  const path = target.replace(/^https?:\/\/[^/?#]*/i, "");
  const at = path.indexOf("?");
  return at < 0 ? [path] : [path.slice(0, at), path.slice(at + 1)];
}

/** @throws Refusal 404 or 405. */
function routeFor(routes: readonly Route[], method: string, path: string): Route {
  const here = routes.filter((route) => route.path === path);
  const wanted = method === "HEAD" ? "GET" : method;
  const route = here.find((candidate) => candidate.method === wanted);
  if (route !== undefined) return route;
  if (here.length === 0) {
    const paths = routes.map((candidate) => candidate.path).join(", ");
    throw new Refusal(404, "ERR_INPUT", `path: expected one of ${paths}, got ${quoted(path)}`);
  }
  const allowed = here.map((candidate) => candidate.method).join(", ");
  throw new Refusal(405, "ERR_INPUT", `method: expected ${allowed}, got ${quoted(method)}`, {
    headers: { Allow: allowed },
  });
}

function errorBody(code: string, message: string): string {
  return `${JSON.stringify({ error: { code, message } })}\n`;
}

/** Status line and message for what never became a request. */
function malformedAnswer(
  error: NodeJS.ErrnoException,
): readonly [status: number, reason: string, message: string] {
  const { code = "" } = error;
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") {
    return [408, "Request Timeout", "request: expected all of it in time, got a part"];
  }
  if (code === "HPE_HEADER_OVERFLOW") {
    const message = `head: expected at most ${MOST_HEAD_BYTES} bytes, got more`;
    return [431, "Request Header Fields Too Large", message];
  }
  if (code === "HPE_INVALID_EOF_STATE") {
    return [400, "Bad Request", "request: expected all of it, got the end of the connection"];
  }
  const reason = code.startsWith("HPE_") ? error.message : "not HTTP";
  return [400, "Bad Request", `request: expected HTTP/1.1, got what is not: ${reason}`];
}
