/**
 * A JSON-RPC 2.0 client over one WebSocket connection, with subscriptions (`eth_subscribe`). It does not reconnect: whoever
 * follows a node has to know when a connection was lost, since notifications were lost with it.
 *
 * @module
 */
import { WebSocket } from "ws";
import { LanewiseError } from "../core/index.ts";
import type { RpcClient, RpcClientOptions } from "./rpc-client.ts";

/** Options of {@link connectWebSocket}. */
export interface WebSocketClientOptions extends RpcClientOptions {
  /** Called with the subscription's id and what the node sent. */
  readonly onNotification?: (subscription: string, result: unknown) => void;
}

/** One connection. */
export interface WebSocketClient extends RpcClient {
  /** Resolves once the connection is gone, with the reason. Calls in flight are rejected with it. */
  readonly lost: Promise<LanewiseError>;
  close(): void;
}

/** How often a silent connection is asked whether it still lives; one that does not answer until the next time is dead. */
const HEARTBEAT_MS = 15_000;

interface Call {
  readonly method: string;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: LanewiseError) => void;
  readonly stop: () => void;
}

/**
 * Connects to the node at `url` (ws or wss).
 *
 * @throws LanewiseError `ERR_SOURCE` where nobody answers there; TypeError where `url` is not a ws(s) URL.
 */
export async function connectWebSocket(
  url: string,
  {
    timeoutMs = 30_000,
    maxResponseBytes = 256 * 2 ** 20,
    onNotification,
  }: WebSocketClientOptions = {},
): Promise<WebSocketClient> {
  const target = URL.canParse(url) ? new URL(url) : undefined;
  if (target === undefined || !/^wss?:$/.test(target.protocol)) {
    throw new TypeError(`WebSocket URL: expected ws:// or wss://, got ${url}`);
  }
  const shown = `${target.protocol}//${target.host}`;
  const socket = new WebSocket(target, {
    handshakeTimeout: timeoutMs,
    maxPayload: maxResponseBytes,
    perMessageDeflate: false,
  });
  const calls = new Map<number, Call>();
  let nextId = 0;
  let isAlive = true;
  let lastError: Error | undefined;

  const lost = new Promise<LanewiseError>((resolve) => {
    socket.on("error", (error: Error) => {
      lastError = error;
    });
    socket.on("close", (code: number) => {
      clearInterval(heartbeat);
      const reason = lastError?.message || `the connection was closed (code ${code})`;
      const failure = new LanewiseError("ERR_SOURCE", `${shown}: ${reason}`, { cause: lastError });
      for (const { reject, stop } of calls.values()) {
        stop();
        reject(failure);
      }
      calls.clear();
      resolve(failure);
    });
  });
  const heartbeat = setInterval(() => {
    if (socket.readyState !== WebSocket.OPEN) return;
    if (!isAlive) {
      lastError = new Error(`no sign of life in ${HEARTBEAT_MS} ms`);
      socket.terminate();
      return;
    }
    isAlive = false;
    socket.ping();
  }, HEARTBEAT_MS);
  socket.on("pong", () => {
    isAlive = true;
  });
  socket.on("message", (data: Buffer) => {
    isAlive = true;
    const message = parse(data);
    if (message === undefined) {
      lastError = new Error("expected JSON-RPC, got something else");
      socket.terminate();
    } else if (typeof message.id === "number") {
      settle(message.id, message);
    } else if (message.method === "eth_subscription") {
      const { subscription, result } = (message.params ?? {}) as Record<string, unknown>;
      onNotification?.(String(subscription), result);
    }
  });

  function settle(id: number, { result, error }: Message): void {
    const call = calls.get(id);
    if (call === undefined) return;
    calls.delete(id);
    call.stop();
    if (error === undefined || error === null) {
      call.resolve(result);
      return;
    }
    const { code, message } = error as { code?: unknown; message?: unknown };
    const what = `the node answered error ${String(code)}: ${String(message).slice(0, 200)}`;
    call.reject(new LanewiseError("ERR_SOURCE", `${call.method} at ${shown}: ${what}`));
  }

  const opened = new Promise<undefined>((resolve) => socket.once("open", () => resolve(undefined)));
  const failure = await Promise.race([opened, lost]);
  if (failure !== undefined) throw failure;

  return {
    lost,
    close: () => socket.terminate(),
    call: (method, parameters, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(aborted(method, signal));
        if (socket.readyState !== WebSocket.OPEN) {
          return reject(new LanewiseError("ERR_SOURCE", `${method} at ${shown}: not connected`));
        }
        const id = ++nextId;
        const giveUp = (error: LanewiseError): void => {
          calls.get(id)?.stop();
          calls.delete(id);
          reject(error);
        };
        const timer = setTimeout(() => {
          const message = `${method} at ${shown}: no answer within ${timeoutMs} ms`;
          giveUp(new LanewiseError("ERR_SOURCE", message));
        }, timeoutMs);
        const onAbort = (): void => giveUp(aborted(method, signal as AbortSignal));
        signal?.addEventListener("abort", onAbort, { once: true });
        const stop = (): void => {
          clearTimeout(timer);
          signal?.removeEventListener("abort", onAbort);
        };
        calls.set(id, { method, resolve, reject, stop });
        socket.send(JSON.stringify({ jsonrpc: "2.0", id, method, params: parameters }));
      }),
  };
}

interface Message {
  readonly id?: unknown;
  readonly method?: unknown;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: unknown;
}

function parse(data: Buffer): Message | undefined {
  try {
    const message: unknown = JSON.parse(data.toString("utf8"));
    return typeof message === "object" && message !== null ? message : undefined;
  } catch {
    return undefined;
  }
}

function aborted(method: string, signal: AbortSignal): LanewiseError {
  return new LanewiseError("ERR_ABORTED", `${method}: aborted`, { cause: signal.reason });
}
