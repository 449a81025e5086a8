/**
 * The decode stage: an input → a {@link Unit}, its fork's rules applied to every transaction.
 *
 * @module
 */
import {
  type Block,
  type BlockHeader,
  blockFromJson,
  type ChainSchedule,
  decodeBlock,
  decodeTransactions,
  encodeHeader,
  type Fork,
  forkAt,
  type JsonInconsistency,
  MAINNET,
  RlpReader,
  singleForkSchedule,
  type TransactionClaims,
  type TransactionRules,
  transactionRules,
} from "../chains/ethereum/index.ts";
import { LanewiseError } from "../core/index.ts";
import type { BlockInput } from "./input.ts";
import type { BlockReport, Failure } from "./report.ts";
import { createUnit, type Unit } from "./unit.ts";

/** A block as decoded, with what its source claims of it. */
export interface DecodedBlock extends Block {
  /** What came with the block, without its own bytes: those are not kept alive. */
  readonly input: Omit<BlockInput, "content">;
  readonly fork: Fork;
  readonly chainId: bigint;
  readonly headerRlp: Uint8Array;
  /** The block hash that the source claims. */
  readonly claimedHash: Uint8Array | undefined;
  /** One per transaction; none for blocks that came as RLP. */
  readonly claims: readonly TransactionClaims[];
  /** Where the source contradicts itself. */
  readonly inconsistencies: readonly JsonInconsistency[];
}

/** Most transactions in a block: far more than any gas limit has room for. */
const MAX_BLOCK_TRANSACTIONS = 2 ** 20;
/** Transactions asked for their chain id where nobody else says which chain it is. */
const CHAIN_ID_VOTES = 16;

/** Outcome of decoding: a unit, or the report on an input that is no block. */
export type Decoded =
  | { readonly ok: true; readonly unit: Unit }
  | { readonly ok: false; readonly report: BlockReport };

/** Decodes one input. Bytes or JSON that are no block make a report; nothing of the input's own makes this throw. */
export function decodeInput(input: BlockInput, chain: ChainSchedule | undefined): Decoded {
  try {
    return { ok: true, unit: decodeUnit(input, chain) };
  } catch (error) {
    if (!(error instanceof LanewiseError) || error.code !== "ERR_INPUT") throw error;
    return { ok: false, report: undecodable(input, error) };
  }
}

function decodeUnit(input: BlockInput, chain: ChainSchedule | undefined): Unit {
  const { content, ...context } = input;
  const { label } = input;
  if (content.kind === "transactions") {
    const { raws, first } = content;
    const schedule = input.chain ?? chain ?? chainOf(unpack(raws), undefined);
    const { fork } = schedule.activations[schedule.activations.length - 1];
    const list = decodeTransactions(raws, rulesOf(fork, schedule.chainId), { networkForm: true });
    return createUnit(label, list, undefined, first);
  }
  const json = content.kind === "block-json" ? blockFromJson(content.json) : undefined;
  const block = json?.block ?? decodeBlock(content.kind === "block-rlp" ? content.bytes : EMPTY);
  const { header, transactions } = block;
  if (transactions.length > MAX_BLOCK_TRANSACTIONS) {
    throw new LanewiseError(
      "ERR_INPUT",
      `block.transactions: expected at most ${MAX_BLOCK_TRANSACTIONS}, got ${transactions.length}`,
    );
  }
  const schedule = input.chain ?? chain ?? chainOf(transactions, header);
  const fork = forkOn(schedule, header);
  const list = decodeTransactions(transactions, rulesOf(fork, schedule.chainId));
  return createUnit(label, list, {
    ...block,
    input: context,
    fork,
    chainId: schedule.chainId,
    headerRlp: encodeHeader(header),
    claimedHash: json?.hash,
    claims: json?.claims ?? [],
    inconsistencies: json?.inconsistencies ?? [],
  });
}

const EMPTY = new Uint8Array(0);

function forkOn(schedule: ChainSchedule, header: BlockHeader): Fork {
  try {
    return forkAt(schedule, header);
  } catch (error) {
    throw new LanewiseError("ERR_INPUT", `block.number: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

function* unpack(raws: { bytes: Uint8Array; offsets: Uint32Array }): Generator<Uint8Array> {
  for (let i = 0; i + 1 < raws.offsets.length; i++) {
    yield raws.bytes.subarray(raws.offsets[i], raws.offsets[i + 1]);
  }
}

const rulesCache = new Map<string, TransactionRules>();

/** Rules are made once per fork and chain; a hostile variety of chain ids does not fill memory. */
function rulesOf(fork: Fork, chainId: bigint): TransactionRules {
  const key = `${fork} ${chainId}`;
  let rules = rulesCache.get(key);
  if (rules === undefined) {
    rules = transactionRules(fork, chainId);
    if (rulesCache.size >= 256) rulesCache.clear();
    rulesCache.set(key, rules);
  }
  return rules;
}

/** The chain that most of the first transactions name: mainnet's forks for 1, else the fork that the header looks like. */
function chainOf(raws: Iterable<Uint8Array>, header: BlockHeader | undefined): ChainSchedule {
  const votes = new Map<bigint, number>();
  let asked = 0;
  for (const raw of raws) {
    const chainId = chainIdOf(raw);
    if (chainId !== undefined) votes.set(chainId, (votes.get(chainId) ?? 0) + 1);
    if (++asked === CHAIN_ID_VOTES) break;
  }
  const [chainId] = [...votes].sort((a, b) => b[1] - a[1])[0] ?? [MAINNET.chainId];
  if (chainId === MAINNET.chainId) return MAINNET;
  return singleForkSchedule(header === undefined ? "prague" : forkLike(header), chainId);
}

/** The oldest fork whose headers have these fields. */
export function forkLike(header: BlockHeader): Fork {
  if (header.requestsHash !== undefined) return "prague";
  if (header.parentBeaconBlockRoot !== undefined) return "cancun";
  if (header.withdrawalsRoot !== undefined) return "shanghai";
  if (header.baseFeePerGas === undefined) return "berlin";
  return header.difficulty === 0n ? "paris" : "london";
}

/** The chain id that a raw transaction names; `undefined` where it names none or is malformed. */
export function chainIdOf(raw: Uint8Array): bigint | undefined {
  const reader = new RlpReader(raw);
  const isTyped = raw.length > 0 && raw[0] < 0x80;
  if (!reader.read(isTyped ? 1 : 0, raw.length) || !reader.isList) return undefined;
  let { end } = reader;
  // A blob transaction with its sidecar: the transaction is the first item of a list around both.
  if (isTyped && reader.read(reader.start, end) && reader.isList) end = reader.end;
  else if (!reader.read(isTyped ? 1 : 0, raw.length)) return undefined;
  // v is the seventh field of a legacy transaction; the chain id the first of all others.
  let at = reader.start;
  for (let field = isTyped ? 6 : 0; field <= 6; field++) {
    if (!reader.read(at, end) || reader.isList) return undefined;
    at = reader.end;
  }
  if (reader.end - reader.start > 32) return undefined;
  const hex = Buffer.from(raw.subarray(reader.start, reader.end)).toString("hex");
  const value = BigInt(`0x0${hex}`);
  if (isTyped) return value;
  return value < 35n ? undefined : (value - 35n) / 2n;
}

function undecodable(input: BlockInput, error: LanewiseError): BlockReport {
  const [, field, expected, got] = /^(.*?): expected (.*), got (.*)$/s.exec(error.message) ?? [];
  const failure: Failure = {
    block: input.label,
    ...(field === undefined ? {} : { field }),
    rule: "well-formed block",
    expected: expected ?? "a block",
    got: got ?? error.message,
  };
  return {
    label: input.label,
    kind: input.content.kind === "transactions" ? "transactions" : "block",
    number: undefined,
    hash: undefined,
    transactions: 0,
    ok: false,
    depth: "signatures only",
    note: "the block cannot be decoded",
    failures: [failure],
  };
}
