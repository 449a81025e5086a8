/**
 * Senders of serialized transactions, many at a time: what viem's `recoverTransactionAddress` and ethers' `Transaction.from(raw).from`
 * answer for one.
 *
 * @module
 */
import {
  decodeTransactions,
  fromHex,
  type TransactionList,
  toHex,
  transactionRules,
  transactionVerdictName,
} from "../chains/ethereum/index.ts";
import { LanewiseError, Verdict } from "../core/index.ts";
import { chainIdOf } from "../pipeline/block.ts";
import type { SubmitOptions, Verifier } from "../verifier/index.ts";
import { runInline, runOnVerifier, verifyTransactions } from "./transaction-verifier.ts";

/** A transaction's sender, or why it has none. */
export type TransactionSender =
  | { readonly address: `0x${string}`; readonly reason?: undefined }
  /** `reason` is the name of a verdict: `RlpTruncated`, `SHigh`, …; `HexMalformed` for text that is no hex. */
  | { readonly address: null; readonly reason: string };

/** How senders are recovered. */
export interface RecoverSendersOptions extends Omit<SubmitOptions, "arena"> {
  /**
   * Runs the batches; made with (at least) `keccak256` and `secp256k1Recover`. Default: kernels on the calling thread, which give it
   * back to other work after every 256 transactions.
   */
  readonly verifier?: Verifier;
}

/** Transactions decoded, hashed and recovered together. */
const CHUNK = { inline: 256, verifier: 4096 };

/** Bytes decoded together, unless one transaction alone is longer. */
const CHUNK_BYTES = 4 * 2 ** 20;

/** Where a transaction names no chain (before EIP-155), none matters. */
const ANY_CHAIN = 1n;

/**
 * Recovers the senders of signed transactions of types 0 to 4, as hex or bytes; blob transactions with or without their sidecar.
 *
 * The signature has to be valid by EIP-2 (low s); gas, fees and chain are not judged, and sidecars not verified. An invalid
 * transaction takes nothing from its neighbours.
 *
 * @returns one answer a transaction, in order. Addresses are lower-case hex (no EIP-55 checksum).
 * @throws LanewiseError as `Verifier.submit` where a verifier is given; `ERR_ABORTED` where the signal fires.
 *
 * @example
 * const senders = await recoverTransactionSenders(["0x02f8…", raw]);
 * for (const { address, reason } of senders) console.log(address ?? reason);
 */
export async function recoverTransactionSenders(
  transactions: readonly (string | Uint8Array)[],
  options: RecoverSendersOptions = {},
): Promise<TransactionSender[]> {
  const { verifier, ...submitOptions } = options;
  const senders: TransactionSender[] = new Array(transactions.length);
  const items: Item[] = [];
  for (const [index, transaction] of transactions.entries()) {
    const raw = typeof transaction === "string" ? fromHex(transaction) : transaction;
    if (raw === undefined) senders[index] = { address: null, reason: "HexMalformed" };
    else items.push({ index, raw });
  }
  const run = verifier === undefined ? runInline : runOnVerifier(verifier, submitOptions);
  const most = verifier === undefined ? CHUNK.inline : CHUNK.verifier;
  const recover = async (chunk: readonly Item[]): Promise<void> => {
    const chains = byChain(chunk);
    const verified = await verifyTransactions(
      chains.map(({ list }) => list),
      run,
    );
    for (const [c, { items }] of chains.entries()) {
      const { verdicts, senders: addresses } = verified[c];
      for (const [i, { index }] of items.entries()) {
        senders[index] =
          verdicts[i] === Verdict.Valid
            ? { address: toHex(addresses.subarray(20 * i, 20 * i + 20)) as `0x${string}` }
            : { address: null, reason: transactionVerdictName(verdicts[i]) };
      }
    }
  };
  if (verifier !== undefined) {
    await Promise.all([...chunksOf(items, most)].map(recover));
    return senders;
  }
  for (const chunk of chunksOf(items, most)) {
    if (options.signal?.aborted) {
      const { reason: cause } = options.signal;
      throw new LanewiseError("ERR_ABORTED", "recoverTransactionSenders: aborted", { cause });
    }
    await recover(chunk);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return senders;
}

/** A transaction and its place among the answers. */
interface Item {
  readonly index: number;
  readonly raw: Uint8Array;
}

function* chunksOf(items: readonly Item[], most: number): Generator<readonly Item[]> {
  let first = 0;
  let bytes = 0;
  for (const [at, { raw }] of items.entries()) {
    if (at - first === most || (at > first && bytes + raw.length > CHUNK_BYTES)) {
      yield items.slice(first, at);
      first = at;
      bytes = 0;
    }
    bytes += raw.length;
  }
  if (first < items.length) yield items.slice(first);
}

/** A list for each chain: the chain is part of what was signed, so that a list has one. */
function byChain(chunk: readonly Item[]): { list: TransactionList; items: readonly Item[] }[] {
  const chains = new Map<bigint, Item[]>();
  for (const item of chunk) {
    const chainId = chainIdOf(item.raw) ?? ANY_CHAIN;
    const items = chains.get(chainId);
    if (items === undefined) chains.set(chainId, [item]);
    else items.push(item);
  }
  return [...chains].map(([chainId, items]) => ({
    items,
    list: decodeTransactions(
      items.map(({ raw }) => raw),
      transactionRules("osaka", chainId),
      { networkForm: true, staticRules: false },
    ),
  }));
}
