/**
 * Blocks from a node over JSON-RPC, in order, a few requests ahead of the pipeline.
 *
 * @module
 */
import { LanewiseError } from "../core/index.ts";
import type { BlockInput } from "../pipeline/input.ts";
import { createRpcClient, type RpcClientOptions } from "./rpc-client.ts";

/** Requests in flight: hides the latency of a near node without crowding a far one. */
const REQUESTS_AHEAD = 4;

/** Which blocks to pull. */
export interface RpcSourceOptions extends RpcClientOptions {
  /** First block; default: `to`. */
  readonly from?: bigint;
  /** The last block that is known already: pulls from the next one on, nothing where the node has none. In place of `from`. */
  readonly after?: bigint;
  /** Last block; default: the node's latest. */
  readonly to?: bigint;
  readonly signal?: AbortSignal;
}

function asNumber(value: unknown, what: string): bigint {
  if (typeof value === "string" && /^0x[0-9a-fA-F]{1,16}$/.test(value)) return BigInt(value);
  throw new LanewiseError("ERR_SOURCE", `${what}: expected a hex number, got ${String(value)}`);
}

/**
 * Pulls blocks `from` … `to` with full transactions. Each is known to follow the one before.
 *
 * @throws LanewiseError `ERR_SOURCE` where the node does not answer, or does not have a block; TypeError on a bad URL.
 */
export async function* readRpc(
  url: string,
  options: RpcSourceOptions = {},
): AsyncGenerator<BlockInput> {
  const { signal } = options;
  const client = createRpcClient(url, options);
  const to =
    options.to ?? asNumber(await client.call("eth_blockNumber", [], signal), "eth_blockNumber");
  if (options.after !== undefined && options.after >= to) return;
  const from = options.after === undefined ? (options.from ?? to) : options.after + 1n;
  if (from > to) throw new RangeError(`blocks: expected from ≤ to, got ${from} > ${to}`);
  const fetchBlock = async (number: bigint): Promise<BlockInput> => {
    const tag = `0x${number.toString(16)}`;
    const json = await client.call("eth_getBlockByNumber", [tag, true], signal);
    if (json === null) {
      throw new LanewiseError("ERR_SOURCE", `block ${number}: the node does not have it`);
    }
    const label = `rpc block ${number}`;
    return { label, content: { kind: "block-json", json }, follows: number > from };
  };
  const ahead: Promise<BlockInput>[] = [];
  let next = from;
  try {
    while (true) {
      while (next <= to && ahead.length < REQUESTS_AHEAD) {
        const request = fetchBlock(next++);
        // Its error is thrown when its turn comes; until then it is not unhandled.
        request.catch(() => {});
        ahead.push(request);
      }
      const first = ahead.shift();
      if (first === undefined) return;
      yield await first;
    }
  } finally {
    await Promise.allSettled(ahead);
  }
}
