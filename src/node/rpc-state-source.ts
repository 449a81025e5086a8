/**
 * The state after one block, read from a node: every account and word is proven against the block's header (`eth_getProof`,
 * EIP-1186), every code and ancestor is checked against its hash, and nothing is asked for twice.
 *
 * @module
 */
import {
  MessageChannel,
  type MessagePort,
  receiveMessageOnPort,
  Worker,
} from "node:worker_threads";
import { headerFromJson } from "../chains/ethereum/block-json.ts";
import { type BlockHeader, headerHash, keccakOf } from "../chains/ethereum/header.ts";
import { fromHex, toHex } from "../chains/ethereum/hex.ts";
import { LanewiseError } from "../core/index.ts";
import type { AccountProof } from "../state/commitment.ts";
import { EMPTY_CODE_HASH } from "../state/memory.ts";
import { readAccountProof, verifyAccountProofs } from "../state/proof.ts";
import type { Account, StateSource } from "../state/source.ts";
import { createRpcClient, type RpcClientOptions } from "./rpc-client.ts";
import type { RpcAnswer, RpcCall, RpcWorkerData } from "./rpc-state-worker.ts";

/** BLOCKHASH reaches this many blocks back. */
const BLOCK_HASHES = 256n;

/** Options of {@link openRpcState}. */
export interface RpcStateOptions extends RpcClientOptions {
  /** The block whose state is read; the node's latest where neither is given. */
  readonly number?: bigint;
  /** Its header, from a source that is trusted. Without it the node's own is believed. */
  readonly header?: BlockHeader;
  /** Calls in flight while reads are prefetched, default 8. */
  readonly concurrency?: number;
}

/** A proven state behind RPC. Reads block the thread until the node has answered. */
export interface RpcStateSource extends StateSource {
  /** The header that everything is proven against. */
  readonly header: BlockHeader;
  /** Accounts and words read from the node so far. */
  readonly reads: number;
  /**
   * Reads accounts and slots ahead, many at a time; proofs are verified in one batch.
   *
   * @throws LanewiseError `ERR_SOURCE` where the node fails, or proves something else than it says.
   */
  prefetch(
    wanted: readonly { readonly address: Uint8Array; readonly slots?: readonly Uint8Array[] }[],
  ): void;
  /** Ends the worker thread. Idempotent. */
  close(): Promise<void>;
}

/**
 * Opens the state after a block of the node at `url`.
 *
 * @throws TypeError where `url` is not an http(s) URL.
 * @throws LanewiseError `ERR_SOURCE` where the node does not answer or does not have the block.
 */
export async function openRpcState(
  url: string,
  options: RpcStateOptions = {},
): Promise<RpcStateSource> {
  const { number, header, concurrency = 8, ...client } = options;
  const at = header?.number ?? number;
  const block = at === undefined ? "latest" : quantity(at);
  const known =
    header ??
    readHeader(await createRpcClient(url, client).call("eth_getBlockByNumber", [block, false]));
  if (at !== undefined && known.number !== at) {
    throw new LanewiseError("ERR_SOURCE", `block ${at}: the node gave block ${known.number}`);
  }
  return new RpcState(url, known, client, concurrency);
}

const quantity = (value: bigint): string => `0x${value.toString(16)}`;

function readHeader(json: unknown): BlockHeader {
  if (json === null) throw new LanewiseError("ERR_SOURCE", "the node does not have the block");
  return headerFromJson(json, "eth_getBlockByNumber");
}

class RpcState implements RpcStateSource {
  readonly header: BlockHeader;
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #answered = new Int32Array(new SharedArrayBuffer(4));
  readonly #patienceMs: number;
  readonly #accounts = new Map<string, Account | undefined>();
  readonly #words = new Map<string, Uint8Array>();
  readonly #code = new Map<string, Uint8Array>();
  /** Code hash → an address that has this code. */
  readonly #codeAt = new Map<string, string>();
  readonly #hashes = new Map<bigint, Uint8Array>();
  /** Lowest ancestor whose own header has been checked. */
  #ancestor: BlockHeader;
  #closed = false;
  reads = 0;

  constructor(url: string, header: BlockHeader, options: RpcClientOptions, concurrency: number) {
    this.header = header;
    this.#ancestor = header;
    this.#hashes.set(header.number, headerHash(header));
    const { port1, port2 } = new MessageChannel();
    const workerData: RpcWorkerData = {
      url,
      options,
      concurrency,
      port: port2,
      answered: this.#answered.buffer as SharedArrayBuffer,
    };
    this.#patienceMs = (options.timeoutMs ?? 30_000) * 2;
    this.#worker = new Worker(new URL("./rpc-state-worker.js", import.meta.url), {
      workerData,
      transferList: [port2],
    });
    this.#worker.unref();
    this.#port = port1;
    this.#port.unref();
  }

  account(address: Uint8Array): Account | undefined {
    const name = toHex(address);
    if (!this.#accounts.has(name)) this.prefetch([{ address }]);
    return this.#accounts.get(name);
  }

  storage(address: Uint8Array, slot: Uint8Array): Uint8Array {
    const name = toHex(address) + toHex(slot);
    if (!this.#words.has(name)) this.prefetch([{ address, slots: [slot] }]);
    return this.#words.get(name)!;
  }

  code(codeHash: Uint8Array): Uint8Array {
    const name = toHex(codeHash);
    if (name === toHex(EMPTY_CODE_HASH)) return new Uint8Array(0);
    const known = this.#code.get(name);
    if (known) return known;
    const address = this.#codeAt.get(name);
    if (address === undefined) {
      throw new LanewiseError("ERR_STATE_MISSING", `code ${name}: no account read so far has it`);
    }
    const [answer] = this.#call([{ method: "eth_getCode", parameters: [address, this.#block] }]);
    const code = typeof answer === "string" ? fromHex(answer) : undefined;
    if (code === undefined || toHex(keccakOf(code)) !== name) {
      throw new LanewiseError("ERR_SOURCE", `eth_getCode ${address}: not the code of hash ${name}`);
    }
    this.#code.set(name, code);
    return code;
  }

  blockHash(number: bigint): Uint8Array {
    const { header } = this;
    if (number < 0n || number > header.number || number + BLOCK_HASHES <= header.number) {
      throw new LanewiseError(
        "ERR_STATE_MISSING",
        `hash of block ${number}: not among the ${BLOCK_HASHES} blocks up to ${header.number}`,
      );
    }
    // A header names its parent's hash, so each ancestor's header is checked against the one after it.
    const calls: RpcCall[] = [];
    for (let wanted = this.#ancestor.number - 1n; wanted > number; wanted--) {
      calls.push({ method: "eth_getBlockByNumber", parameters: [quantity(wanted), false] });
    }
    for (const json of calls.length > 0 ? this.#call(calls) : []) {
      const parent = readHeader(json);
      if (toHex(headerHash(parent)) !== toHex(this.#ancestor.parentHash)) {
        throw new LanewiseError(
          "ERR_SOURCE",
          `block ${this.#ancestor.number - 1n}: the header given is not the parent of the next`,
        );
      }
      this.#hashes.set(parent.number, this.#ancestor.parentHash);
      this.#ancestor = parent;
    }
    if (number === this.#ancestor.number - 1n) this.#hashes.set(number, this.#ancestor.parentHash);
    return this.#hashes.get(number)!;
  }

  prefetch(
    wanted: readonly { readonly address: Uint8Array; readonly slots?: readonly Uint8Array[] }[],
  ): void {
    const slotsOf = new Map<string, Set<string>>();
    for (const { address, slots = [] } of wanted) {
      const name = toHex(address);
      const missing = slots.map(toHex).filter((slot) => !this.#words.has(name + slot));
      if (missing.length === 0 && this.#accounts.has(name)) continue;
      const own = slotsOf.get(name) ?? new Set<string>();
      for (const slot of missing) own.add(slot);
      slotsOf.set(name, own);
    }
    const calls = [...slotsOf].map(([name, slots]) => ({
      method: "eth_getProof",
      parameters: [name, [...slots], this.#block],
    }));
    if (calls.length === 0) return;
    const proofs = this.#call(calls).map((json, index) => {
      const [name, slots] = calls[index].parameters as [string, string[]];
      const proof = readAccountProof(json);
      const answered = proof.storageProof.map(({ key }) => toHex(key));
      if (toHex(proof.address) !== name || slots.some((slot) => !answered.includes(slot))) {
        throw new LanewiseError(
          "ERR_SOURCE",
          `eth_getProof ${name}: the answer is for something else`,
        );
      }
      return proof;
    });
    const outcomes = verifyAccountProofs(this.header.stateRoot, proofs);
    for (const [index, outcome] of outcomes.entries()) {
      const name = toHex(proofs[index].address);
      if (!outcome.valid) {
        throw new LanewiseError("ERR_SOURCE", `eth_getProof ${name}: ${outcome.reason}`);
      }
    }
    for (const [index, outcome] of outcomes.entries()) {
      this.#keep(proofs[index], outcome.valid && outcome.exists);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#worker.terminate();
  }

  get #block(): string {
    return quantity(this.header.number);
  }

  #keep(proof: AccountProof, exists: boolean): void {
    const name = toHex(proof.address);
    const { nonce, balance, codeHash } = proof;
    this.#accounts.set(name, exists ? { nonce, balance, codeHash } : undefined);
    if (exists) this.#codeAt.set(toHex(codeHash), name);
    for (const { key, value } of proof.storageProof) {
      const word = fromHex(`0x${value.toString(16).padStart(64, "0")}`)!;
      this.#words.set(name + toHex(key), word);
    }
    this.reads += 1 + proof.storageProof.length;
  }

  /** Calls the node and blocks this thread until all answers are there. */
  #call(calls: readonly RpcCall[]): readonly unknown[] {
    if (this.#closed) throw new LanewiseError("ERR_CLOSED", "RPC state: closed");
    const before = Atomics.load(this.#answered, 0);
    this.#port.postMessage(calls);
    const patienceMs = this.#patienceMs * Math.max(1, calls.length);
    if (Atomics.wait(this.#answered, 0, before, patienceMs) === "timed-out") {
      // A late answer would be taken for that of a later call.
      void this.close();
      throw new LanewiseError("ERR_SOURCE", `RPC state: no answer within ${patienceMs} ms`);
    }
    const received = receiveMessageOnPort(this.#port) as { message: RpcAnswer } | undefined;
    if (received === undefined) throw new LanewiseError("ERR_SOURCE", "RPC state: no answer");
    if ("code" in received.message) {
      throw new LanewiseError(received.message.code, received.message.message);
    }
    return received.message.results;
  }
}
