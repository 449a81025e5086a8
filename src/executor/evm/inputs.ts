/**
 * A block as the instance takes it: header fields as words, transactions one after the other.
 *
 * @module
 */
import { blobBaseFee } from "../../chains/ethereum/fee-market.ts";
import { blobParametersOf, FORKS, forkAtLeast } from "../../chains/ethereum/forks.ts";
import type { ExecutableBlock } from "../executor.ts";
import { bytesToBigint } from "./bytes.ts";
import type { Machine } from "./machine.ts";

/** Fork numbers of the interpreter are positions in FORKS (assembly/evm/layout.ts); blob-parameter forks run Osaka's rules. */
const LAST_RULES = FORKS.indexOf("osaka");
/** Most blobs of a transaction from Osaka on (EIP-7594). */
const MAX_BLOBS_A_TRANSACTION = 6;
/** Places of the words in the environment (assembly/evm/layout.ts). */
const WORDS = {
  number: 0,
  timestamp: 32,
  gasLimit: 64,
  coinbase: 96,
  random: 128,
  baseFee: 160,
  blobFee: 192,
  chainId: 224,
};
const MAX_BLOBS = 256;

/** Power of two near the number of locations that a block may meet, for the table of locations. */
function buckets(block: ExecutableBlock): number {
  const byGas = Number(block.environment.gasLimit) / 2000;
  const wanted = Math.min(byGas, 4096 + 8 * block.transactions.length);
  return 2 ** Math.min(20, Math.max(10, Math.ceil(Math.log2(wanted))));
}

/** Begins a block: forgets the one before, sets rules and header fields. */
export function setEnvironment(machine: Machine, block: ExecutableBlock): void {
  const { evm, view } = machine;
  const { fork, ...header } = block.environment;
  evm.beginBlock(Math.min(FORKS.indexOf(fork), LAST_RULES), buckets(block), machine.leastCodeBytes);
  const at = evm.ENVIRONMENT.value;
  machine.setWord(at + WORDS.number, header.number);
  machine.setWord(at + WORDS.timestamp, header.timestamp);
  machine.setWord(at + WORDS.gasLimit, header.gasLimit);
  machine.setWord(at + WORDS.coinbase, bytesToBigint(header.coinbase));
  const random = forkAtLeast(fork, "paris") ? bytesToBigint(header.prevRandao) : header.difficulty;
  machine.setWord(at + WORDS.random, random);
  machine.setWord(at + WORDS.baseFee, header.baseFeePerGas ?? 0n);
  machine.setWord(at + WORDS.chainId, header.chainId);
  const blobs = blobParametersOf(fork);
  const blobFee = blobs ? blobBaseFee(header.excessBlobGas ?? 0n, blobs) : 0n;
  machine.setWord(at + WORDS.blobFee, blobFee);
  const most = blobs?.max ?? 0;
  view.setUint32(at + MAX_BLOBS, most, true);
  const mostOfOne = forkAtLeast(fork, "osaka") ? Math.min(most, MAX_BLOBS_A_TRANSACTION) : most;
  view.setUint32(at + MAX_BLOBS + 4, mostOfOne, true);
}

/** Copies the block's transactions into memory and has them decoded; the address of the records. */
export function prepare(machine: Machine, block: ExecutableBlock): number {
  const { evm, bytes, view } = machine;
  const count = block.transactions.length;
  const rawBytes = block.transactions.reduce((sum, raw) => sum + raw.length, 0);
  const records = evm.allocate(Math.max(1, count) * evm.recordBytes());
  // Slack behind the last transaction: the interpreter reads call data eight bytes at a time.
  const raw = evm.allocate(rawBytes + 64);
  const offsets = evm.allocate((count + 1) * 4);
  const senders = evm.allocate(block.senders.length + 8);
  const authorities = evm.allocate(block.authorities.length + 8);
  let offset = 0;
  for (let i = 0; i < count; i++) {
    view.setUint32(offsets + 4 * i, offset, true);
    bytes.set(block.transactions[i], raw + offset);
    offset += block.transactions[i].length;
  }
  view.setUint32(offsets + 4 * count, offset, true);
  bytes.set(block.senders, senders);
  bytes.set(block.authorities, authorities);
  evm.prepare(records, raw, offsets, senders, authorities, count);
  return records;
}
