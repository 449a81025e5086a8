/**
 * A block as the instance takes it: header fields as words, transactions one after the other.
 *
 * @module
 */
import { blobBaseFee } from "../../chains/ethereum/fee-market.ts";
import { blobParametersOf, FORKS, forkAtLeast } from "../../chains/ethereum/forks.ts";
import type { ExecutableBlock } from "../executor.ts";
import { bytesToBigint } from "./bytes.ts";
import type { HostMachine, Machine } from "./machine.ts";

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
export function setEnvironment(machine: HostMachine, block: ExecutableBlock): void {
  const { evm, view } = machine;
  machine.setFork(block.environment.fork);
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

/** A block's transactions on their way into memory, so many at a time. */
export class Inputs {
  /** Address of the decoded transactions. */
  readonly records: number;
  readonly #machine: Machine;
  readonly #transactions: readonly Uint8Array[];
  readonly #raw: number;
  /** In words. */
  readonly #offsets: number;
  readonly #senders: number;
  #authorities: number;
  #rawBytes = 0;
  #done = 0;

  constructor(machine: Machine, block: ExecutableBlock) {
    const { evm, bytes } = machine;
    const { transactions, senders, authorities } = block;
    this.#machine = machine;
    this.#transactions = transactions;
    let rawBytes = 0;
    for (const raw of transactions) rawBytes += raw.length;
    this.records = evm.allocate(Math.max(1, transactions.length) * evm.recordBytes());
    // Slack behind the last transaction: the interpreter reads call data eight bytes at a time.
    this.#raw = evm.allocate(rawBytes + 64);
    this.#offsets = evm.allocate((transactions.length + 1) * 4) >>> 2;
    this.#senders = evm.allocate(senders.length + 8);
    this.#authorities = evm.allocate(authorities.length + 8);
    machine.words[this.#offsets] = 0;
    bytes.set(senders, this.#senders);
    bytes.set(authorities, this.#authorities);
  }

  /** How many transactions are in memory and decoded. */
  get done(): number {
    return this.#done;
  }

  /** How many authorisations each transaction has. */
  authorisations(): number[] {
    const { evm } = this.#machine;
    return this.#transactions.map((_, i) =>
      evm.authorisationCountOf(this.records + i * evm.recordBytes()),
    );
  }

  /** Copies and decodes transactions up to `end`. */
  decode(end: number): void {
    const { evm, bytes, words } = this.#machine;
    const transactions = this.#transactions;
    const offsets = this.#offsets;
    let at = this.#rawBytes;
    for (let i = this.#done; i < end; i++) {
      const raw = transactions[i];
      bytes.set(raw, this.#raw + at);
      at += raw.length;
      words[offsets + i + 1] = at;
    }
    this.#authorities = evm.prepare(
      this.records,
      this.#raw,
      offsets * 4,
      this.#senders,
      this.#authorities,
      this.#done,
      end,
    );
    this.#rawBytes = at;
    this.#done = end;
  }
}
