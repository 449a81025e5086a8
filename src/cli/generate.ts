/**
 * `lanewise generate`: seeded, really signed input for `lanewise validate`: a stream of transactions, or a whole chain.
 *
 * @module
 */
import { createWriteStream } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { CAC } from "cac";
import { encodeBlock } from "../chains/ethereum/index.ts";
import { LanewiseError } from "../core/index.ts";
import { UsageError } from "./usage.ts";

/** Options as the command line gives them. */
export interface GenerateOptions {
  readonly transactions: number;
  readonly seed: string | number;
  readonly kind: "transactions" | "chain";
  /** Of a stream of transactions. */
  readonly format: "hex" | "binary";
  readonly chainId: number;
  /** Of a chain. */
  readonly blockTransactions: number;
  /** The folder of a chain. */
  readonly out?: string;
}

/** Bytes handed to the output at a time: few writes, little memory. */
const CHUNK_BYTES = 64 * 1024;

/** Files of a generated chain, as execution clients import them. */
const GENESIS_FILE = "genesis.json";
const BLOCKS_FILE = "chain.rlp";

function positiveInteger(name: string, value: unknown): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value > 0) return value;
  throw new UsageError(`${name}: expected a positive integer, got ${value}`);
}

function oneOf<Choice extends string>(
  name: string,
  choices: readonly Choice[],
  value: unknown,
): Choice {
  const choice = choices.find((candidate) => candidate === value);
  if (choice === undefined)
    throw new UsageError(`${name}: expected one of ${choices.join(", ")}, got ${value}`);
  return choice;
}

/** Transactions as lines of hex. */
function* hexChunks(transactions: Iterable<Uint8Array>): Generator<Uint8Array> {
  let text = "";
  for (const raw of transactions) {
    text += `0x${Buffer.from(raw.buffer, raw.byteOffset, raw.length).toString("hex")}\n`;
    if (text.length < CHUNK_BYTES) continue;
    yield Buffer.from(text, "latin1");
    text = "";
  }
  if (text !== "") yield Buffer.from(text, "latin1");
}

/** Transactions, each behind its length as a u32, big-endian. */
function* binaryChunks(transactions: Iterable<Uint8Array>): Generator<Uint8Array> {
  let parts: Uint8Array[] = [];
  let size = 0;
  for (const raw of transactions) {
    const header = Buffer.alloc(4);
    header.writeUInt32BE(raw.length);
    parts.push(header, raw);
    size += header.length + raw.length;
    if (size < CHUNK_BYTES) continue;
    yield Buffer.concat(parts);
    parts = [];
    size = 0;
  }
  if (size > 0) yield Buffer.concat(parts);
}

/** Writes transactions as fast as the output takes them, and no faster; a reader that leaves ends the stream in peace. */
async function writeTransactions(options: GenerateOptions, output: Writable): Promise<void> {
  const { seed, transactions: count, chainId } = options;
  const { generateTransactions } = await import("../workloads/transaction-stream.ts");
  const transactions = generateTransactions({ seed, count, chainId });
  const chunks = options.format === "hex" ? hexChunks(transactions) : binaryChunks(transactions);
  try {
    await pipeline(Readable.from(chunks, { objectMode: true, highWaterMark: 2 }), output, {
      end: false,
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPIPE") throw error;
  }
}

/** Writes `genesis.json` and `chain.rlp`, block by block; reports what was written. */
async function writeChain(options: GenerateOptions, output: Writable): Promise<void> {
  const { out, seed, transactions, blockTransactions } = options;
  if (out === undefined) throw new UsageError("--out: expected a folder for the chain, got none");
  const blocks = Math.ceil(transactions / blockTransactions);
  const { generateChain } = await import("../workloads/chain.ts");
  const chain = await generateChain({ seed, blocks, transactionsPerBlock: blockTransactions });
  let blockCount = 0;
  let transactionCount = 0;
  async function* encoded(): AsyncGenerator<Uint8Array> {
    for await (const { block } of chain.blocks()) {
      blockCount++;
      transactionCount += block.transactions.length;
      yield encodeBlock(block);
    }
  }
  try {
    await mkdir(out, { recursive: true });
    await writeFile(join(out, GENESIS_FILE), `${JSON.stringify(chain.genesis, null, 2)}\n`);
    await pipeline(encoded(), createWriteStream(join(out, BLOCKS_FILE)));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    throw new LanewiseError("ERR_SOURCE", `${out}: ${(error as Error).message}`, { cause: error });
  }
  output.write(`${out}: ${blockCount} blocks, ${transactionCount} transactions\n`);
}

/**
 * Generates into `output` (transactions) or a folder (a chain).
 *
 * @throws UsageError on an option that makes no sense; LanewiseError `ERR_SOURCE` where the folder cannot be written.
 */
export async function generate(options: GenerateOptions, output: Writable): Promise<void> {
  positiveInteger("--transactions", options.transactions);
  positiveInteger("--block-transactions", options.blockTransactions);
  positiveInteger("--chain-id", options.chainId);
  oneOf("--format", ["hex", "binary"], options.format);
  const kind = oneOf("--kind", ["transactions", "chain"], options.kind);
  await (kind === "chain" ? writeChain : writeTransactions)(options, output);
}

/** Adds `generate` to the command line. */
export function registerGenerateCommand(cli: CAC): void {
  cli
    .command(
      "generate",
      "Write seeded, signed transactions to standard output, or a chain to a folder",
    )
    .option("--transactions <count>", "How many", { default: 1000 })
    .option("--seed <seed>", "Equal seeds give equal bytes", { default: 0 })
    .option("--kind <kind>", "transactions or chain", { default: "transactions" })
    .option("--format <format>", "Of transactions: hex (a line each) or binary (length-prefixed)", {
      default: "hex",
    })
    .option("--chain-id <id>", "Of transactions", { default: 1 })
    .option("--block-transactions <count>", "Of a chain: transactions a block", { default: 150 })
    .option("--out <folder>", "Of a chain: the folder for genesis.json and chain.rlp")
    .action((options: GenerateOptions) => generate(options, process.stdout));
}
