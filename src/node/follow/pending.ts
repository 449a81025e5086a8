/**
 * Pending transactions of a node that is being followed: fetched where only their hash was told, decoded, hashed, recovered, and
 * compared with what the node says of them.
 *
 * @module
 */
import {
  type ChainSchedule,
  decodeTransactions,
  encodeTransactionJson,
  fromHex,
  type JsonInconsistency,
  toHex,
  transactionRules,
  transactionVerdictName,
} from "../../chains/ethereum/index.ts";
import { LanewiseError, Verdict } from "../../core/index.ts";
import { TRANSACTIONS_PER_UNIT } from "../../pipeline/input.ts";
import type { Failure } from "../../pipeline/report.ts";
import type { RpcClient } from "../rpc-client.ts";
import { type RunBatch, verifyTransactions } from "../transaction-verifier.ts";

/** Most that wait to be verified: a pool's worth. What comes beyond is counted, not kept. */
const MOST_WAITING = 65_536;

/** Requests in flight for transactions of which only the hash is known. */
const REQUESTS_AHEAD = 16;

/** What became of the transactions that were taken together. */
export interface PendingOutcome {
  readonly transactions: number;
  /** Those that broke a rule. */
  readonly invalid: number;
  /** The transaction is named where a block would be: `pending 0x…`. */
  readonly failures: readonly Failure[];
}

/** Holds what was told and is not verified yet. */
export class PendingQueue {
  readonly #run: RunBatch;
  #waiting: unknown[] = [];
  /** Told while too many waited. */
  dropped = 0;
  /** Asked for by hash, and gone: mined or replaced in the meantime. */
  gone = 0;

  constructor(run: RunBatch) {
    this.#run = run;
  }

  get length(): number {
    return this.#waiting.length;
  }

  /** @param transaction an object as JSON-RPC gives it, or a hash. */
  add(transaction: unknown): void {
    if (this.#waiting.length < MOST_WAITING) this.#waiting.push(transaction);
    else this.dropped++;
  }

  /**
   * Verifies what waits, up to a unit of it.
   *
   * @param client asked for transactions known by hash alone.
   * @throws LanewiseError `ERR_SOURCE` where the node does not answer: those transactions are forgotten, a block will bring them.
   */
  async verify(client: RpcClient, chain: ChainSchedule): Promise<PendingOutcome> {
    const told = this.#waiting.splice(0, TRANSACTIONS_PER_UNIT);
    const objects: unknown[] = [];
    for (let i = 0; i < told.length; i += REQUESTS_AHEAD) {
      const answers = told
        .slice(i, i + REQUESTS_AHEAD)
        .map((entry) =>
          typeof entry === "string" ? client.call("eth_getTransactionByHash", [entry]) : entry,
        );
      objects.push(...(await Promise.all(answers)));
    }
    const present = objects.filter((value) => value !== null);
    this.gone += objects.length - present.length;
    return verifyObjects(present, chain, this.#run);
  }
}

async function verifyObjects(
  objects: readonly unknown[],
  chain: ChainSchedule,
  run: RunBatch,
): Promise<PendingOutcome> {
  const failures: Failure[] = [];
  const broken = new Set<unknown>();
  const fail = (value: unknown, failure: Omit<Failure, "block">): void => {
    const { hash } = (value ?? {}) as { hash?: unknown };
    broken.add(value);
    failures.push({ block: `pending ${String(hash).slice(0, 66)}`, ...failure });
  };
  const decodable: { readonly value: unknown; readonly raw: Uint8Array }[] = [];
  for (const value of objects) {
    const inconsistencies: JsonInconsistency[] = [];
    try {
      decodable.push({ value, raw: encodeTransactionJson(value, "transaction", inconsistencies) });
    } catch (error) {
      if (!(error instanceof LanewiseError) || error.code !== "ERR_INPUT") throw error;
      fail(value, { rule: "well-formed transaction", expected: "one", got: error.message });
    }
    for (const { path, reason } of inconsistencies) {
      fail(value, { field: path, rule: "agreement with itself", expected: reason, got: "not so" });
    }
  }
  const { fork } = chain.activations[chain.activations.length - 1];
  const list = decodeTransactions(
    decodable.map(({ raw }) => raw),
    transactionRules(fork, chain.chainId),
  );
  const claims = new Uint8Array(20 * list.count);
  for (const [i, { value }] of decodable.entries()) {
    const { from } = value as { from?: unknown };
    const sender = typeof from === "string" ? fromHex(from) : undefined;
    if (sender?.length === 20) claims.set(sender, 20 * i);
  }
  const [{ verdicts, hashes, senders }] = await verifyTransactions([list], run, claims);
  for (const [i, { value }] of decodable.entries()) {
    const { hash: claimedHash, from } = value as { hash?: unknown; from?: unknown };
    if (verdicts[i] !== Verdict.Valid) {
      const rule = transactionVerdictName(verdicts[i]);
      fail(value, { rule, expected: "Valid", got: rule });
    }
    const compare = (field: string, rule: string, expected: string, got: unknown): void => {
      if (String(got).toLowerCase() === expected) return;
      fail(value, { field, rule, expected, got: String(got).slice(0, 80) });
    };
    compare("hash", "transaction hash", toHex(hashes.subarray(32 * i, 32 * i + 32)), claimedHash);
    if (verdicts[i] === Verdict.Valid && from !== undefined) {
      compare("from", "sender", toHex(senders.subarray(20 * i, 20 * i + 20)), from);
    }
  }
  return { transactions: objects.length, invalid: broken.size, failures };
}
