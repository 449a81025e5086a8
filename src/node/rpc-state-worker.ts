/**
 * Worker of the RPC state source: makes the calls that the source, blocked in `Atomics.wait`, is waiting for.
 *
 * @module
 */
import { type MessagePort, workerData } from "node:worker_threads";
import { LanewiseError, type LanewiseErrorCode } from "../core/index.ts";
import { createRpcClient, type RpcClientOptions } from "./rpc-client.ts";

/** One JSON-RPC call. */
export interface RpcCall {
  readonly method: string;
  readonly parameters: readonly unknown[];
}

/** What the source starts the worker with. */
export interface RpcWorkerData {
  readonly url: string;
  readonly options: RpcClientOptions;
  /** Calls in flight at a time. */
  readonly concurrency: number;
  /** Requests come and answers go through it. */
  readonly port: MessagePort;
  /** One i32: answers posted so far. The worker adds to it and wakes the source. */
  readonly answered: SharedArrayBuffer;
}

/** The results of all calls of one request, or why there are none. */
export type RpcAnswer =
  | { readonly results: readonly unknown[] }
  | { readonly code: LanewiseErrorCode; readonly message: string };

const { url, options, concurrency, port, answered } = workerData as RpcWorkerData;
const counter = new Int32Array(answered);
const client = createRpcClient(url, options);

async function answer(calls: readonly RpcCall[]): Promise<RpcAnswer> {
  const results: unknown[] = new Array(calls.length);
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < calls.length) {
      const index = next++;
      results[index] = await client.call(calls[index].method, calls[index].parameters);
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.min(concurrency, calls.length) }, lane));
    return { results };
  } catch (error) {
    // The other lanes end at their next call.
    next = calls.length;
    const code = error instanceof LanewiseError ? error.code : "ERR_SOURCE";
    return { code, message: error instanceof Error ? error.message : String(error) };
  }
}

port.on("message", async (calls: readonly RpcCall[]) => {
  port.postMessage(await answer(calls));
  Atomics.add(counter, 0, 1);
  Atomics.notify(counter, 0);
});
