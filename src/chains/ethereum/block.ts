/**
 * Blocks: RLP in, RLP out (Yellow Paper §4.4, EIP-2718 for the transactions, EIP-4895 for the withdrawals).
 *
 * @module
 */
import {
  type BlockHeader,
  decodeHeader,
  headerFromItem,
  headerInput,
  integerOf,
  malformed,
} from "./header.ts";
import {
  decodeRlp,
  encodeRlp,
  RLP_LIST,
  RLP_STRING,
  type RlpInput,
  RlpReader,
  rlpHeaderLength,
  writeRlpHeader,
} from "./rlp.ts";
import { transactionVerdictName } from "./verdict.ts";

/** A validator withdrawal (EIP-4895); `amount` in Gwei. */
export interface Withdrawal {
  readonly index: bigint;
  readonly validatorIndex: bigint;
  /** 20 bytes */
  readonly address: Uint8Array;
  readonly amount: bigint;
}

/** A block: its header, and its body as far as the source gave it. */
export interface Block {
  readonly header: BlockHeader;
  /** Raw transactions: the typed envelope, or legacy RLP. */
  readonly transactions: readonly Uint8Array[];
  /** `undefined` where the source gives only their hashes, as JSON-RPC does. */
  readonly ommers: readonly BlockHeader[] | undefined;
  /** `undefined` before Shanghai. */
  readonly withdrawals: readonly Withdrawal[] | undefined;
}

/** Most ommers that a decoder reads; a valid block has two at most. */
const MAX_OMMERS = 16;

/**
 * Decodes a block: [header, transactions, ommers] or [header, transactions, ommers, withdrawals].
 *
 * The transactions' own bytes are not looked at beyond their envelope: `decodeTransactions` judges those.
 *
 * @throws LanewiseError `ERR_INPUT` naming the part that is malformed.
 */
export function decodeBlock(bytes: Uint8Array): Block {
  const reader = new RlpReader(bytes);
  readList(reader, 0, bytes.length, "block");
  if (reader.end !== bytes.length) {
    throw malformed("block", `${reader.end} bytes`, `${bytes.length}`);
  }
  const headerStart = reader.start;
  readList(reader, headerStart, bytes.length, "block.header");
  const transactionsStart = reader.end;
  const header = decodeHeader(bytes.subarray(headerStart, transactionsStart), "block.header");
  readList(reader, transactionsStart, bytes.length, "block.transactions");
  const ommersStart = reader.end;
  const transactions = envelopes(bytes, reader.start, ommersStart);
  readList(reader, ommersStart, bytes.length, "block.ommers");
  const withdrawalsStart = reader.end;
  const ommers = decodeOmmers(bytes.subarray(ommersStart, withdrawalsStart));
  if (withdrawalsStart === bytes.length) {
    return { header, transactions, ommers, withdrawals: undefined };
  }
  readList(reader, withdrawalsStart, bytes.length, "block.withdrawals");
  if (reader.end !== bytes.length) {
    throw malformed("block", "3 or 4 items", "more");
  }
  return {
    header,
    transactions,
    ommers,
    withdrawals: decodeWithdrawals(bytes.subarray(withdrawalsStart)),
  };
}

function readList(reader: RlpReader, at: number, limit: number, path: string): void {
  if (!reader.read(at, limit)) {
    throw malformed(path, "an RLP list", `${transactionVerdictName(reader.error)} at byte ${at}`);
  }
  if (!reader.isList) throw malformed(path, "an RLP list", "a byte string");
}

/** Raw transactions of a body: a list stands for itself, a byte string holds a type byte and what follows. */
function envelopes(bytes: Uint8Array, start: number, end: number): Uint8Array[] {
  const reader = new RlpReader(bytes);
  const raws: Uint8Array[] = [];
  for (let at = start; at < end; at = reader.end) {
    const path = `block.transactions[${raws.length}]`;
    if (!reader.read(at, end)) {
      throw malformed(path, "an RLP item", `${transactionVerdictName(reader.error)} at byte ${at}`);
    }
    if (reader.isList) {
      raws.push(bytes.subarray(at, reader.end));
      continue;
    }
    // A legacy transaction wrapped in a string would be a second encoding of the same transaction.
    if (reader.start === reader.end || bytes[reader.start] >= RLP_STRING) {
      throw malformed(path, "a legacy list or a typed envelope", "another byte string");
    }
    raws.push(bytes.subarray(reader.start, reader.end));
  }
  return raws;
}

function decodeOmmers(rlp: Uint8Array): BlockHeader[] {
  const item = decodeRlp(rlp, { path: "block.ommers", maxDepth: 3, maxItems: MAX_OMMERS * 32 });
  if (item instanceof Uint8Array) throw malformed("block.ommers", "a list", "a byte string");
  return item.map((ommer, i) => headerFromItem(ommer, `block.ommers[${i}]`));
}

function decodeWithdrawals(rlp: Uint8Array): Withdrawal[] {
  const list = decodeRlp(rlp, { path: "block.withdrawals", maxDepth: 3 });
  if (list instanceof Uint8Array) throw malformed("block.withdrawals", "a list", "a byte string");
  return list.map((item, i) => {
    const path = `block.withdrawals[${i}]`;
    if (item instanceof Uint8Array || item.length !== 4) {
      throw malformed(path, "a list of 4 items", "another item");
    }
    const [index, validatorIndex, address, amount] = item.map((value, field) => {
      if (value instanceof Uint8Array) return value;
      throw malformed(`${path}[${field}]`, "a byte string", "a list");
    });
    if (address.length !== 20) throw malformed(`${path}.address`, "20 bytes", `${address.length}`);
    return {
      index: integerOf(index, 8, `${path}.index`),
      validatorIndex: integerOf(validatorIndex, 8, `${path}.validatorIndex`),
      address,
      amount: integerOf(amount, 8, `${path}.amount`),
    };
  });
}

/** A withdrawal as the withdrawals trie holds it. */
export function encodeWithdrawal(withdrawal: Withdrawal): Uint8Array {
  return encodeRlp(withdrawalInput(withdrawal));
}

const withdrawalInput = (withdrawal: Withdrawal): RlpInput => [
  withdrawal.index,
  withdrawal.validatorIndex,
  withdrawal.address,
  withdrawal.amount,
];

/**
 * Encodes a block.
 *
 * @throws RangeError where the block's ommers are not known.
 */
export function encodeBlock(block: Block): Uint8Array {
  if (block.ommers === undefined) {
    throw new RangeError("encodeBlock ommers: expected their headers, got none");
  }
  // Legacy transactions are RLP already: they go in as they are, around the encoder.
  const transactions = block.transactions.map((raw) => (raw[0] >= RLP_LIST ? raw : encodeRlp(raw)));
  const head = encodeRlp(headerInput(block.header));
  const tail = [encodeRlp(block.ommers.map(headerInput))];
  if (block.withdrawals !== undefined) {
    tail.push(encodeRlp(block.withdrawals.map(withdrawalInput)));
  }
  return frame([head, frame(transactions), ...tail]);
}

/** A list of items that are encoded already. */
function frame(items: readonly Uint8Array[]): Uint8Array {
  let payloadLength = 0;
  for (const item of items) payloadLength += item.length;
  const headerLength = rlpHeaderLength(payloadLength);
  const out = new Uint8Array(headerLength + payloadLength);
  let at = writeRlpHeader(out, 0, RLP_LIST, payloadLength);
  for (const item of items) {
    out.set(item, at);
    at += item.length;
  }
  return out;
}
