/**
 * Blocks as `eth_getBlockByNumber` and `eth_getBlockByHash` answer them, with full transactions → {@link Block}.
 *
 * The answer says more than the block: hashes, senders and places that follow from it. Those come back as claims for somebody
 * to check, and as inconsistencies where the answer contradicts itself.
 *
 * @module
 */
import type { Block, Withdrawal } from "./block.ts";
import {
  type BlockHeader,
  EMPTY_OMMERS_HASH,
  HEADER_FIELDS,
  malformed,
  REQUIRED_HEADER_FIELDS,
} from "./header.ts";
import { toHex } from "./hex.ts";
import { asArray, asData, asObject, asQuantity, isPresent, type JsonObject } from "./json.ts";
import { encodeTransactionJson, type JsonInconsistency } from "./transaction-json.ts";

/** What a JSON transaction says of itself, to be checked against what its bytes say. */
export interface TransactionClaims {
  /** 32 bytes */
  readonly hash: Uint8Array | undefined;
  /** 20 bytes */
  readonly from: Uint8Array | undefined;
}

/** A block read from JSON. */
export interface JsonBlock {
  readonly block: Block;
  /** The block hash that the source claims, 32 bytes; pending blocks have none. */
  readonly hash: Uint8Array | undefined;
  /** One per transaction. */
  readonly claims: readonly TransactionClaims[];
  /** Hashes of the ommers' headers. */
  readonly ommerHashes: readonly Uint8Array[];
  /** Where the object contradicts itself; a true block has none. */
  readonly inconsistencies: readonly JsonInconsistency[];
}

/** The names that JSON-RPC gives to header fields, where they are not the header's own. */
const JSON_NAMES: Partial<Record<keyof BlockHeader, string>> = {
  ommersHash: "sha3Uncles",
  coinbase: "miner",
};

/**
 * Reads a block.
 *
 * @param path names the block in error messages.
 * @throws LanewiseError `ERR_INPUT` with the JSON path of what is missing or malformed.
 */
export function blockFromJson(value: unknown, path = "block"): JsonBlock {
  const json = asObject(value, path);
  const header = headerFromJson(json, path);
  const hash = isPresent(json.hash) ? asData(json.hash, `${path}.hash`, 32) : undefined;
  const inconsistencies: JsonInconsistency[] = [];
  const claims: TransactionClaims[] = [];
  const transactions = asArray(json.transactions, `${path}.transactions`).map((entry, index) => {
    const where = `${path}.transactions[${index}]`;
    if (typeof entry === "string") {
      throw malformed(where, "a full transaction object", "a hash");
    }
    const transaction = asObject(entry, where);
    claims.push({
      hash: isPresent(transaction.hash) ? asData(transaction.hash, `${where}.hash`, 32) : undefined,
      from: isPresent(transaction.from) ? asData(transaction.from, `${where}.from`, 20) : undefined,
    });
    checkPlace(transaction, where, { header, hash, index }, inconsistencies);
    return encodeTransactionJson(transaction, where, inconsistencies);
  });
  const ommerHashes = isPresent(json.uncles)
    ? asArray(json.uncles, `${path}.uncles`).map((ommer, i) =>
        asData(ommer, `${path}.uncles[${i}]`, 32),
      )
    : [];
  const hasOmmers = toHex(header.ommersHash) !== EMPTY_OMMERS_HASH;
  if (hasOmmers !== ommerHashes.length > 0) {
    inconsistencies.push({
      path: `${path}.uncles`,
      reason: `expected ${hasOmmers ? "some" : "none"} by sha3Uncles, got ${ommerHashes.length}`,
    });
  }
  const withdrawals = isPresent(json.withdrawals)
    ? asArray(json.withdrawals, `${path}.withdrawals`).map((entry, i) =>
        withdrawalFromJson(entry, `${path}.withdrawals[${i}]`),
      )
    : undefined;
  const block = { header, transactions, ommers: hasOmmers ? undefined : [], withdrawals };
  return { block, hash, claims, ommerHashes, inconsistencies };
}

/**
 * Reads the header out of a block object.
 *
 * @throws LanewiseError `ERR_INPUT` with the JSON path of what is missing or malformed.
 */
export function headerFromJson(value: unknown, path = "block"): BlockHeader {
  const json = asObject(value, path);
  const header: Record<string, Uint8Array | bigint> = {};
  let last = "";
  for (let i = 0; i < HEADER_FIELDS.length; i++) {
    const { name, kind, size } = HEADER_FIELDS[i];
    const jsonName = JSON_NAMES[name] ?? name;
    const where = `${path}.${jsonName}`;
    const entry = json[jsonName];
    if (i >= REQUIRED_HEADER_FIELDS && !isPresent(entry)) {
      last ||= where;
      continue;
    }
    if (last !== "") throw malformed(last, `a value, since there is ${jsonName}`, "nothing");
    if (kind === "integer") {
      header[name] = asQuantity(entry, where, 8 * size);
    } else {
      header[name] = size > 0 ? asData(entry, where, size) : asData(entry, where);
    }
  }
  return header as unknown as BlockHeader;
}

function withdrawalFromJson(value: unknown, path: string): Withdrawal {
  const json = asObject(value, path);
  return {
    index: asQuantity(json.index, `${path}.index`, 64),
    validatorIndex: asQuantity(json.validatorIndex, `${path}.validatorIndex`, 64),
    address: asData(json.address, `${path}.address`, 20),
    amount: asQuantity(json.amount, `${path}.amount`, 64),
  };
}

/** Where a transaction stands, by the block around it. */
interface Place {
  readonly header: BlockHeader;
  readonly hash: Uint8Array | undefined;
  readonly index: number;
}

/** Compares what a transaction object repeats from its block, and the price it says it paid (EIP-1559). */
function checkPlace(
  json: JsonObject,
  path: string,
  place: Place,
  inconsistencies: JsonInconsistency[],
): void {
  const { header, hash, index } = place;
  const expectQuantity = (name: string, expected: bigint): void => {
    if (!isPresent(json[name])) return;
    const got = asQuantity(json[name], `${path}.${name}`);
    if (got !== expected) {
      inconsistencies.push({ path: `${path}.${name}`, reason: `expected ${expected}, got ${got}` });
    }
  };
  expectQuantity("blockNumber", header.number);
  expectQuantity("transactionIndex", BigInt(index));
  if (hash !== undefined && isPresent(json.blockHash)) {
    const got = toHex(asData(json.blockHash, `${path}.blockHash`, 32));
    const expected = toHex(hash);
    if (got !== expected) {
      inconsistencies.push({
        path: `${path}.blockHash`,
        reason: `expected ${expected}, got ${got}`,
      });
    }
  }
  const hasTip = isPresent(json.maxFeePerGas) && isPresent(json.maxPriorityFeePerGas);
  if (hasTip && header.baseFeePerGas !== undefined) {
    const maxFee = asQuantity(json.maxFeePerGas, `${path}.maxFeePerGas`);
    const tip = asQuantity(json.maxPriorityFeePerGas, `${path}.maxPriorityFeePerGas`);
    const price = header.baseFeePerGas + tip;
    expectQuantity("gasPrice", price < maxFee ? price : maxFee);
  }
}
