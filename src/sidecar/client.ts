/**
 * Client of a sidecar (`lanewise/client`): HTTP/1.1 with connections kept open, over TCP or a Unix socket, records as octets.
 *
 * It needs no back end of its own; `submit` has the shape of the verifier's.
 *
 * @module
 */
import { Agent, type IncomingMessage, request as startRequest } from "node:http";
import { LanewiseError, type LanewiseErrorCode } from "../core/errors.ts";
import type { Outcome, SubmitOptions } from "../verifier/index.ts";
import { decodeOutcome } from "./outcome.ts";

/** How a client is set up. */
export interface ClientOptions {
  /** `http://host:port`. Default `http://127.0.0.1:8571`. */
  readonly url?: string;
  /** Path of the sidecar's Unix socket, in place of `url`. */
  readonly unix?: string;
  /** Requests at a time; more wait for a connection. Default 64. */
  readonly maxConnections?: number;
  /** For a whole answer, waiting in the sidecar included. Default 60 s. */
  readonly timeoutMs?: number;
}

/** What the sidecar says about a block. */
export interface BlockAnswer {
  readonly ok: boolean;
  /** Decimal. */
  readonly number: string;
  /** Recomputed from the header, 0x-prefixed. */
  readonly hash: string;
  readonly transactions: number;
  readonly depth: "executed" | "signatures only";
  readonly note: string;
  readonly failures: readonly {
    readonly transaction?: number;
    readonly field?: string;
    readonly rule: string;
    readonly expected: string;
    readonly got: string;
  }[];
}

/** A request that the sidecar turned down, or that did not reach it. `code` is the sidecar's own. */
export class SidecarError extends LanewiseError {
  /** HTTP status; 0 where there was no answer. */
  readonly status: number;
  /** Where there was no room: milliseconds after which to try again. */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: LanewiseErrorCode,
    message: string,
    options: { status: number; retryAfterMs?: number | undefined; cause?: unknown },
  ) {
    super(code, message, { cause: options.cause });
    this.name = "SidecarError";
    this.status = options.status;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** A connection to a sidecar. */
export interface SidecarClient {
  /**
   * Verdicts and results of records of any algorithm, by its id.
   *
   * @param records back to back, as the algorithm's layout says.
   * @throws SidecarError `ERR_INPUT`, `ERR_OVERLOADED` (see `retryAfterMs`), `ERR_DEADLINE`, `ERR_ABORTED`, `ERR_CLOSED`,
   * `ERR_BACKEND_FAILED` where the sidecar cannot compute or be reached.
   */
  submit(
    algorithm: string | { readonly id: string },
    records: Uint8Array,
    options?: SubmitOptions,
  ): Promise<Outcome>;
  /** Public keys and addresses behind records of `secp256k1-recover`: 84 bytes each, the address in the last 20. */
  recover(records: Uint8Array, options?: SubmitOptions): Promise<Outcome>;
  /** Validates a block: its RLP, or the object that `eth_getBlockByNumber` answers with full transactions. */
  validateBlock(
    block: Uint8Array | object,
    options?: { readonly signal?: AbortSignal },
  ): Promise<BlockAnswer>;
  /** Whether the sidecar takes work. `false` where it cannot be reached. */
  isReady(): Promise<boolean>;
  /** The Prometheus page. */
  metrics(): Promise<string>;
  /** Closes the connections; requests in progress fail. */
  close(): void;
}

/**
 * Creates a client; connections open as they are needed.
 *
 * @throws TypeError where `url` is no http URL, or both `url` and `unix` are given.
 *
 * @example
 * const client = createClient({ unix: "/run/lanewise.sock" });
 * const { verdicts, results } = await client.recover(records, { priority: "block" });
 */
export function createClient(options: ClientOptions = {}): SidecarClient {
  return new HttpClient(options);
}

/** What goes out. */
interface Outgoing {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly parts?: readonly (Uint8Array | string)[];
  readonly signal?: AbortSignal | undefined;
}

/** What came back. */
interface Incoming {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

class HttpClient implements SidecarClient {
  readonly #agent: Agent;
  readonly #target: {
    readonly host?: string;
    readonly port?: string;
    readonly socketPath?: string;
  };
  readonly #timeoutMs: number;

  constructor({ url, unix, maxConnections = 64, timeoutMs = 60_000 }: ClientOptions) {
    if (unix !== undefined && url !== undefined) {
      throw new TypeError("createClient: expected url or unix, got both");
    }
    this.#target =
      unix === undefined ? tcpTarget(url ?? "http://127.0.0.1:8571") : { socketPath: unix };
    this.#timeoutMs = timeoutMs;
    this.#agent = new Agent({ keepAlive: true, maxSockets: maxConnections });
  }

  submit(
    algorithm: string | { readonly id: string },
    records: Uint8Array,
    options: SubmitOptions = {},
  ): Promise<Outcome> {
    const id = typeof algorithm === "string" ? algorithm : algorithm.id;
    return this.#records(`/v1/verify?algorithm=${encodeURIComponent(id)}`, records, options);
  }

  recover(records: Uint8Array, options: SubmitOptions = {}): Promise<Outcome> {
    return this.#records("/v1/recover", records, options);
  }

  async validateBlock(
    block: Uint8Array | object,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<BlockAnswer> {
    const isRlp = block instanceof Uint8Array;
    const { body } = await this.#ask({
      method: "POST",
      path: "/v1/blocks",
      headers: { "Content-Type": isRlp ? "application/octet-stream" : "application/json" },
      parts: [isRlp ? block : JSON.stringify(block)],
      signal,
    });
    return JSON.parse(body.toString()) as BlockAnswer;
  }

  async isReady(): Promise<boolean> {
    try {
      return (await this.#exchange({ method: "GET", path: "/readyz" })).status === 200;
    } catch (error) {
      if (error instanceof SidecarError) return false;
      throw error;
    }
  }

  async metrics(): Promise<string> {
    return (await this.#ask({ method: "GET", path: "/metrics" })).body.toString();
  }

  close(): void {
    this.#agent.destroy();
  }

  async #records(path: string, records: Uint8Array, options: SubmitOptions): Promise<Outcome> {
    const { arena, priority, source, deadlineMs, signal } = options;
    const { headers, body } = await this.#ask({
      method: "POST",
      path,
      headers: {
        "Content-Type": "application/octet-stream",
        ...(arena === undefined ? {} : { "Lanewise-Arena-Bytes": String(arena.length) }),
        ...(priority === undefined ? {} : { "Lanewise-Priority": priority }),
        // An empty source means the same as none.
        ...(source ? { "Lanewise-Source": source } : {}),
        ...(deadlineMs === undefined ? {} : { "Lanewise-Deadline-Ms": String(deadlineMs) }),
      },
      parts: arena === undefined ? [records] : [records, arena],
      signal,
    });
    try {
      return decodeOutcome(body, Number(headers["lanewise-count"]));
    } catch (cause) {
      throw new SidecarError("ERR_BACKEND_FAILED", "sidecar: the answer is not one", {
        status: 200,
        cause,
      });
    }
  }

  /** @throws SidecarError unless the answer is 200. */
  async #ask(outgoing: Outgoing): Promise<Incoming> {
    const answer = await this.#exchange(outgoing);
    if (answer.status === 200) return answer;
    throw refusalFrom(answer);
  }

  /** One request; once more where a connection kept open turns out to be closed by the other side. */
  async #exchange(outgoing: Outgoing): Promise<Incoming> {
    try {
      return await this.#once(outgoing);
    } catch (error) {
      if (!(error instanceof StaleConnection)) throw error;
      return this.#once(outgoing);
    }
  }

  #once({ method, path, headers, parts = [], signal }: Outgoing): Promise<Incoming> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(aborted(signal));
      const length = parts.reduce((sum, part) => sum + Buffer.byteLength(part), 0);
      const request = startRequest({
        ...this.#target,
        agent: this.#agent,
        method,
        path,
        headers: { ...headers, ...(method === "POST" ? { "Content-Length": length } : {}) },
      });
      const timer = setTimeout(() => request.destroy(new Error("timed out")), this.#timeoutMs);
      const onAbort = (): void => void request.destroy(new Error("aborted"));
      signal?.addEventListener("abort", onAbort, { once: true });
      const settle = (done: () => void): void => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
        done();
      };
      let hasAnswer = false;
      const fail = (cause: NodeJS.ErrnoException): void =>
        settle(() => {
          if (signal?.aborted) return reject(aborted(signal));
          const isStale = request.reusedSocket && cause.code === "ECONNRESET" && !hasAnswer;
          reject(isStale ? new StaleConnection(cause) : unreachable(cause));
        });
      request.on("error", fail);
      request.once("response", (response) => {
        hasAnswer = true;
        const body = new BodyReader(response);
        response.on("error", fail);
        response.once("end", () => {
          const { statusCode: status = 0, headers } = response;
          settle(() => resolve({ status, headers, body: body.bytes() }));
        });
      });
      for (const part of parts) request.write(part);
      request.end();
    });
  }
}

/** Bodies up to this size are put together as they come, in memory of the size that their head says. */
const MOST_ANNOUNCED_BYTES = 16 * 2 ** 20;

/** Puts an answer together while the rest of it is on its way, so that nothing is left to do when the last bytes come. */
class BodyReader {
  readonly #whole: Buffer;
  /** What did not fit the announced size: all of it where none was announced. */
  readonly #rest: Buffer[] = [];
  #length = 0;

  constructor(response: IncomingMessage) {
    const announced = Number(response.headers["content-length"] ?? 0);
    this.#whole = Buffer.allocUnsafe(announced <= MOST_ANNOUNCED_BYTES ? announced : 0);
    response.on("data", (chunk: Buffer) => {
      const fits = chunk.copy(this.#whole, this.#length);
      this.#length += fits;
      if (fits < chunk.length) this.#rest.push(chunk.subarray(fits));
    });
  }

  /** What has come. */
  bytes(): Buffer {
    const whole = this.#whole.subarray(0, this.#length);
    return this.#rest.length === 0 ? whole : Buffer.concat([whole, ...this.#rest]);
  }
}

/** The other side closed a kept connection before it saw the request. */
class StaleConnection extends SidecarError {
  constructor(cause: Error) {
    super("ERR_BACKEND_FAILED", `sidecar: ${cause.message}`, { status: 0, cause });
  }
}

function tcpTarget(url: string): { host: string; port: string } {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed?.protocol !== "http:" || (parsed.pathname !== "/" && parsed.pathname !== "")) {
    throw new TypeError(`createClient url: expected http://host:port, got ${url}`);
  }
  return { host: parsed.hostname.replace(/^\[|\]$/g, ""), port: parsed.port || "80" };
}

function aborted(signal: AbortSignal): SidecarError {
  const options = { status: 0, cause: signal.reason };
  return new SidecarError("ERR_ABORTED", "sidecar: the caller's signal fired", options);
}

function unreachable(cause: Error): SidecarError {
  return new SidecarError("ERR_BACKEND_FAILED", `sidecar: ${cause.message}`, { status: 0, cause });
}

/** The sidecar's own reason where its answer has one. */
function refusalFrom({ status, headers, body }: Incoming): SidecarError {
  const retryAfter = headers["retry-after"];
  const retryAfterMs = retryAfter === undefined ? undefined : Number(retryAfter) * 1000;
  try {
    const { error } = JSON.parse(body.toString()) as { error: { code: string; message: string } };
    // A fault of the sidecar has no code of ours: to its client it is a back end that failed.
    const code = error.code === "ERR_INTERNAL" ? "ERR_BACKEND_FAILED" : error.code;
    return new SidecarError(code as LanewiseErrorCode, error.message, { status, retryAfterMs });
  } catch (cause) {
    const message = `sidecar: answered ${status}`;
    return new SidecarError("ERR_BACKEND_FAILED", message, { status, retryAfterMs, cause });
  }
}
