/**
 * A JSON-RPC 2.0 client over HTTP, for reading blocks from a node the user names: time-outs, a cap on the answer's size, and
 * errors that say which call failed and why.
 *
 * @module
 */
import { LanewiseError } from "../core/index.ts";

/** Options of {@link createRpcClient}. */
export interface RpcClientOptions {
  /** Per call, default 30 000. */
  readonly timeoutMs?: number;
  /** Largest answer accepted, default 256 MiB: a full block of calldata with every field as JSON. */
  readonly maxResponseBytes?: number;
}

/** Calls one node. */
export interface RpcClient {
  /** @throws LanewiseError `ERR_SOURCE`: unreachable, timed out, too large, not JSON-RPC, or an error answer. */
  call(method: string, parameters: readonly unknown[], signal?: AbortSignal): Promise<unknown>;
}

/**
 * Creates a client of the node at `url` (http or https). Connects at the first call.
 *
 * @throws TypeError where `url` is not an http(s) URL.
 */
export function createRpcClient(url: string, options: RpcClientOptions = {}): RpcClient {
  const { timeoutMs = 30_000, maxResponseBytes = 256 * 2 ** 20 } = options;
  const target = URL.canParse(url) ? new URL(url) : undefined;
  if (target === undefined || !/^https?:$/.test(target.protocol)) {
    throw new TypeError(`RPC URL: expected http:// or https://, got ${url}`);
  }
  // Credentials in the URL are for the node alone: never in a message, and `fetch` wants them in a header.
  const { username, password } = target;
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const headers = {
    "content-type": "application/json",
    ...(username === "" && password === ""
      ? {}
      : { authorization: `Basic ${Buffer.from(credentials).toString("base64")}` }),
  };
  target.username = "";
  target.password = "";
  const shown = `${target.protocol}//${target.host}`;
  let id = 0;
  return {
    async call(method, parameters, signal) {
      const fail = (what: string, cause?: unknown): LanewiseError =>
        new LanewiseError("ERR_SOURCE", `${method} at ${shown}: ${what}`, { cause });
      const timeout = AbortSignal.timeout(timeoutMs);
      const body = JSON.stringify({ jsonrpc: "2.0", id: ++id, method, params: parameters });
      let text: string;
      try {
        const response = await fetch(target, {
          method: "POST",
          headers,
          body,
          signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
        });
        text = await readCapped(response, maxResponseBytes);
        if (!response.ok) throw new Error(`HTTP status ${response.status}`);
      } catch (error) {
        if (signal?.aborted) {
          throw new LanewiseError("ERR_ABORTED", `${method}: aborted`, { cause: error });
        }
        if (timeout.aborted) throw fail(`no answer within ${timeoutMs} ms`, error);
        throw fail(reasonOf(error), error);
      }
      return resultOf(text, fail);
    },
  };
}

async function readCapped(response: Response, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > maxBytes) throw new Error(`answer: expected at most ${maxBytes} bytes, got more`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** `fetch` says only "fetch failed"; its cause says why. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (cause instanceof Error)
    return cause.message || ((cause as { code?: string }).code ?? "failed");
  return error.message;
}

function resultOf(text: string, fail: (what: string, cause?: unknown) => LanewiseError): unknown {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch (error) {
    throw fail("expected JSON, got something else", error);
  }
  if (typeof answer !== "object" || answer === null) throw fail("expected a JSON-RPC object");
  const { result, error } = answer as { result?: unknown; error?: unknown };
  if (error !== undefined && error !== null) {
    const { code, message } = error as { code?: unknown; message?: unknown };
    throw fail(`the node answered error ${String(code)}: ${String(message).slice(0, 200)}`);
  }
  if (result === undefined) throw fail("expected a result, got none");
  return result;
}
