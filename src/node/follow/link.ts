/**
 * One connection to a node that is being followed: WebSocket subscriptions where the URL is ws(s), polling where it is http(s).
 *
 * @module
 */
import { LanewiseError } from "../../core/index.ts";
import { createRpcClient, type RpcClient, type RpcClientOptions } from "../rpc-client.ts";
import { connectWebSocket } from "../web-socket-client.ts";
import type { HeadName } from "./head-tracker.ts";

/** What the node tells unasked, or when polled. */
export interface LinkListener {
  onHead(head: HeadName): void;
  /** A transaction object, or the hash of one. */
  onPending(transaction: unknown): void;
  /** The node does not tell its pending transactions. */
  onPendingRefused(reason: string): void;
}

/** How a node is listened to. */
export interface LinkOptions extends RpcClientOptions {
  /** Whether pending transactions are wanted. */
  readonly pending: boolean;
  /** Time between two polls, of http(s) URLs. */
  readonly pollMs: number;
}

/** A connection in use. */
export interface NodeLink extends RpcClient {
  /** Resolves once the connection is gone, with the reason. */
  readonly lost: Promise<LanewiseError>;
  /** How long to wait for word of a new head before asking for it. */
  readonly recheckMs: number;
  close(): void;
}

/** A subscription that went silent is noticed after this long: Ethereum has a slot every 12 s. */
const SUBSCRIPTION_RECHECK_MS = 15_000;

/** What a JSON-RPC answer says of the head, from a full header or a block. */
export function headName(value: unknown): HeadName {
  const { number, hash } = (value ?? {}) as Record<string, unknown>;
  const isNumber = typeof number === "string" && /^0x[0-9a-fA-F]{1,16}$/.test(number);
  if (isNumber && typeof hash === "string") return { number: BigInt(number), hash };
  throw new LanewiseError("ERR_SOURCE", `head: expected a number and a hash, got ${typeof value}`);
}

/** Connects and starts to listen. @throws LanewiseError `ERR_SOURCE`; TypeError on any other kind of URL. */
export function openLink(
  url: string,
  options: LinkOptions,
  listener: LinkListener,
): Promise<NodeLink> {
  return /^wss?:/.test(url)
    ? subscribe(url, options, listener)
    : poll(createRpcClient(url, options), options, listener);
}

async function subscribe(
  url: string,
  options: LinkOptions,
  listener: LinkListener,
): Promise<NodeLink> {
  const client = await connectWebSocket(url, {
    ...options,
    // Told apart by their form: the first notification may overtake the answer that names its subscription.
    onNotification(_subscription, result) {
      const isHead = typeof result === "object" && result !== null && "parentHash" in result;
      if (isHead) listener.onHead(headName(result));
      else listener.onPending(result);
    },
  });
  try {
    await client.call("eth_subscribe", ["newHeads"]);
    if (options.pending) await subscribePending(client, listener);
  } catch (error) {
    client.close();
    throw error;
  }
  return { ...client, recheckMs: SUBSCRIPTION_RECHECK_MS };
}

/** Whole transactions where the node gives them, else hashes, else neither. */
async function subscribePending(client: RpcClient, listener: LinkListener): Promise<void> {
  for (const parameters of [["newPendingTransactions", true], ["newPendingTransactions"]]) {
    try {
      await client.call("eth_subscribe", parameters);
      return;
    } catch (error) {
      if (parameters.length === 1) listener.onPendingRefused((error as Error).message);
    }
  }
}

async function poll(
  client: RpcClient,
  { pending, pollMs }: LinkOptions,
  listener: LinkListener,
): Promise<NodeLink> {
  const stop = new AbortController();
  let fail = (_error: LanewiseError): void => {};
  const lost = new Promise<LanewiseError>((resolve) => {
    fail = resolve;
  });
  const filter = pending
    ? await client.call("eth_newPendingTransactionFilter", []).catch((error: Error) => {
        listener.onPendingRefused(error.message);
        return undefined;
      })
    : undefined;
  const pollPending = async (): Promise<void> => {
    const changes = await client.call("eth_getFilterChanges", [filter], stop.signal);
    for (const hash of Array.isArray(changes) ? changes : []) listener.onPending(hash);
  };
  let timer: ReturnType<typeof setTimeout>;
  const tick = async (): Promise<void> => {
    try {
      const head = await client.call("eth_getBlockByNumber", ["latest", false], stop.signal);
      listener.onHead(headName(head));
      if (filter !== undefined) await pollPending();
      if (!stop.signal.aborted) timer = setTimeout(() => void tick(), pollMs);
    } catch (error) {
      fail(error as LanewiseError);
    }
  };
  void tick();
  return {
    call: client.call,
    lost,
    recheckMs: 60_000,
    close() {
      stop.abort();
      clearTimeout(timer);
      fail(new LanewiseError("ERR_CLOSED", "closed"));
    },
  };
}
