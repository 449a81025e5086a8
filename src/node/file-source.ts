/**
 * Blocks and transactions from files, folders and standard input. What a file holds is told by its first bytes:
 *
 * | first byte | form |
 * |---|---|
 * | `{` | a block as `eth_getBlockByNumber` answers it; a JSON-RPC answer with one; `{genesis, blocks}`; or one such object a line |
 * | `[` | an array of blocks, or of raw transactions in hex |
 * | hex digit or `#` | a line each: raw blocks (RLP) or raw transactions, in hex |
 * | 0xc0 … | raw blocks (RLP) one after another, or one legacy transaction |
 * | 0x01 … 0x04 | one typed transaction |
 * | 0x00 | length-prefixed transactions (see transaction-stream.ts) |
 *
 * State is found beside a block: `pre_state.json` and `post_state.json` in the same folder, or `<name>State.json` beside
 * `<name>.json`. A `genesis.json` gives the blocks of its folder a chain and the state before the first of them.
 *
 * @module
 */
import { createReadStream } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { RlpReader } from "../chains/ethereum/index.ts";
import { LanewiseError } from "../core/index.ts";
import type { BlockInput } from "../pipeline/input.ts";
import { type MemoryStateData, readMemoryState } from "../state/memory.ts";
import { type Genesis, isGenesis, readGenesis } from "./genesis.ts";
import {
  type Chunks,
  readHexLines,
  readLengthPrefixed,
  transactionUnits,
} from "./transaction-stream.ts";

/** Largest document read into memory: a few hundred full blocks of JSON. Streams of transactions have no limit. */
export const MAX_DOCUMENT_BYTES = 512 * 2 ** 20;

/** Files that a folder is searched for; states and genesis documents are read with the blocks they belong to. */
const INPUT_FILE = /\.(json|jsonl|ndjson|rlp|hex|txt|bin)$/;
const STATE_FILE = /(State|^pre_state|^post_state|^genesis)\.json$/;

function malformed(where: string, expected: string): LanewiseError {
  return new LanewiseError("ERR_INPUT", `${where}: expected ${expected}`);
}

/** Reads a whole stream, up to the limit. */
async function readAll(chunks: Chunks, label: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    size += chunk.length;
    if (size > MAX_DOCUMENT_BYTES) {
      throw malformed(label, `at most ${MAX_DOCUMENT_BYTES} bytes of JSON or RLP, got more`);
    }
    parts.push(chunk);
  }
  return Buffer.concat(parts);
}

/** The stream with its first chunk looked at: enough bytes to tell the form. */
async function peek(chunks: Chunks): Promise<{ readonly head: Uint8Array; readonly all: Chunks }> {
  const iterator = chunks[Symbol.asyncIterator]();
  let head: Uint8Array = new Uint8Array(0);
  let done = false;
  while (!done && firstSolid(head) + 64 > head.length) {
    const next = await iterator.next();
    if (next.done) done = true;
    else head = Buffer.concat([head, next.value]);
    if (head.length > 2 ** 20) break;
  }
  async function* all(): AsyncGenerator<Uint8Array> {
    try {
      yield head;
      while (true) {
        const next = await iterator.next();
        if (next.done) return;
        yield next.value;
      }
    } finally {
      await iterator.return?.();
    }
  }
  return { head, all: all() };
}

/** Index of the first byte that is no white space. */
function firstSolid(bytes: Uint8Array): number {
  let at = 0;
  while (at < bytes.length && (bytes[at] === 32 || (bytes[at] >= 9 && bytes[at] <= 13))) at++;
  return at;
}

/** Whether RLP bytes start with a list whose first item is a list: a block, not a transaction. */
function startsLikeBlock(bytes: Uint8Array): boolean {
  const first = bytes[0];
  if (first < 0xc0) return false;
  const inner = first >= 0xf8 ? 1 + (first - 0xf7) : 1;
  return bytes[inner] >= 0xc0;
}

/** The first solid bytes of hex text, decoded; up to 16. */
function hexHead(head: Uint8Array): Uint8Array {
  const lines = Buffer.from(head).toString("latin1").split("\n");
  const line = lines.find((text) => text.trim() !== "" && !text.startsWith("#")) ?? "";
  return Buffer.from(line.trim().replace(/^0x/i, "").slice(0, 32), "hex");
}

/** Reads one stream, telling its form by its first bytes. */
export async function* readStream(chunks: Chunks, label: string): AsyncGenerator<BlockInput> {
  const { head, all } = await peek(chunks);
  const start = firstSolid(head);
  const first = head[0] === 0 ? 0 : head[start];
  if (first === undefined) {
    for await (const _ of all);
    throw malformed(label, "blocks or transactions, got nothing");
  }
  if (first === 0) {
    yield* readLengthPrefixed(all, label);
  } else if (first === 0x7b || first === 0x5b) {
    yield* readJson(await readAll(all, label), label);
  } else if (head[0] >= 0xc0 || (head[0] >= 1 && head[0] <= 4)) {
    yield* readRlp(await readAll(all, label), label);
  } else if (/[0-9a-fA-F#]/.test(String.fromCharCode(first))) {
    if (startsLikeBlock(hexHead(head))) yield* readHexBlocks(await readAll(all, label), label);
    else yield* readHexLines(all, label);
  } else {
    throw malformed(label, "JSON, hex, RLP or length-prefixed transactions, got something else");
  }
}

function* readHexBlocks(bytes: Uint8Array, label: string): Generator<BlockInput> {
  for (const [index, line] of Buffer.from(bytes).toString("latin1").split("\n").entries()) {
    const hex = line.trim().replace(/^0x/i, "");
    if (hex === "" || hex.startsWith("#")) continue;
    const where = `${label} line ${index + 1}`;
    if (!/^([0-9a-fA-F]{2})*$/.test(hex)) throw malformed(where, "hex digits in pairs");
    yield { label: where, content: { kind: "block-rlp", bytes: Buffer.from(hex, "hex") } };
  }
}

function* readRlp(bytes: Uint8Array, label: string): Generator<BlockInput> {
  if (!startsLikeBlock(bytes)) {
    yield* transactionUnits([bytes], label);
    return;
  }
  const reader = new RlpReader(bytes);
  for (let at = 0, index = 0; at < bytes.length; at = reader.end, index++) {
    const where = index === 0 ? label : `${label} block ${index}`;
    // What is no item stands to the end: the decoder says what is wrong with it.
    const end = reader.read(at, bytes.length) ? reader.end : bytes.length;
    yield { label: where, content: { kind: "block-rlp", bytes: bytes.subarray(at, end) } };
    if (end === bytes.length) return;
  }
}

function parseJson(text: string, label: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new LanewiseError("ERR_INPUT", `${label}: expected JSON: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

function* readJson(bytes: Uint8Array, label: string): Generator<BlockInput> {
  const text = Buffer.from(bytes).toString("utf8");
  const lines = text.trimEnd().split("\n");
  if (lines.length > 1 && /^\s*\{.*\}\s*$/.test(lines[0])) {
    for (const [index, line] of lines.entries()) {
      if (line.trim() === "") continue;
      const where = `${label} line ${index + 1}`;
      yield* jsonInputs(parseJson(line, where), where);
    }
    return;
  }
  yield* jsonInputs(parseJson(text, label), label);
}

type Json = Record<string, unknown>;

/** Arrays and wrappers inside one another that are looked into. */
const MAX_NESTING = 3;

/** Inputs of one parsed document. */
function* jsonInputs(json: unknown, label: string, depth = 0): Generator<BlockInput> {
  if (depth > MAX_NESTING) throw malformed(label, "a block, got more nesting");
  if (Array.isArray(json)) {
    if (json.length > 0 && json.every((item) => typeof item === "string")) {
      yield* transactionUnits(
        json.map((item, index) => hexTransaction(item as string, `${label}[${index}]`)),
        label,
      );
      return;
    }
    for (const [index, item] of json.entries())
      yield* jsonInputs(item, `${label}[${index}]`, depth + 1);
    return;
  }
  if (typeof json !== "object" || json === null) throw malformed(label, "a block");
  const { result, blocks, genesis } = json as Json;
  if (Array.isArray(blocks)) {
    const start = isGenesis(genesis) ? readGenesis(genesis, `${label}.genesis`) : undefined;
    let first = true;
    for (const [index, block] of blocks.entries()) {
      for (const input of jsonInputs(block, `${label}.blocks[${index}]`, depth + 1)) {
        yield start === undefined ? input : ofChain(input, start, first);
        first = false;
      }
    }
    return;
  }
  if (typeof result === "object" && result !== null && !("transactions" in json)) {
    yield* jsonInputs(result, label, depth + 1);
    return;
  }
  yield { label, content: { kind: "block-json", json } };
}

/** The input as part of a chain; the first one brings the state that those after it build on. */
function ofChain(input: BlockInput, genesis: Genesis, first: boolean): BlockInput {
  return {
    ...input,
    chain: genesis.chain,
    ...(first ? { state: genesis.state } : { follows: true }),
  };
}

function hexTransaction(text: string, where: string): Uint8Array {
  const hex = text.replace(/^0x/i, "");
  if (!/^([0-9a-fA-F]{2})*$/.test(hex)) throw malformed(where, "hex digits in pairs");
  return Buffer.from(hex, "hex");
}

async function readOptional(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw sourceError(path, error);
  }
}

function sourceError(path: string, error: unknown): LanewiseError {
  const { message } = error as Error;
  return new LanewiseError("ERR_SOURCE", `${path}: ${message}`, { cause: error });
}

async function readState(path: string): Promise<MemoryStateData | undefined> {
  const bytes = await readOptional(path);
  if (bytes === undefined) return undefined;
  return readMemoryState(parseJson(Buffer.from(bytes).toString("utf8"), path), path);
}

/** The inputs of one file, with the state beside it. */
async function* readOne(path: string, genesis: Genesis | undefined): AsyncGenerator<BlockInput> {
  const folder = dirname(path);
  const state =
    (await readState(path.replace(/(\.[^./]*)?$/, "State.json"))) ??
    (await readState(join(folder, "pre_state.json")));
  const postState = await readState(join(folder, "post_state.json"));
  let first = true;
  for await (const input of readStream(createReadStream(path, { highWaterMark: 2 ** 18 }), path)) {
    const inChain = genesis === undefined ? input : ofChain(input, genesis, first);
    first = false;
    yield {
      ...inChain,
      ...(state === undefined ? {} : { state }),
      ...(postState === undefined ? {} : { postState }),
    };
  }
}

/** Names in the order a person expects: block-9 before block-10. */
const byNumber = new Intl.Collator("en", { numeric: true }).compare;

async function* readFolder(folder: string): AsyncGenerator<BlockInput> {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries
    .filter((entry) => entry.isFile() && INPUT_FILE.test(entry.name))
    .map((entry) => entry.name)
    .filter((name) => !STATE_FILE.test(name))
    .sort(byNumber);
  const genesisBytes =
    names.length === 0 ? undefined : await readOptional(join(folder, "genesis.json"));
  const where = join(folder, "genesis.json");
  const genesis =
    genesisBytes === undefined
      ? undefined
      : readGenesis(parseJson(Buffer.from(genesisBytes).toString("utf8"), where), where);
  let first = true;
  for (const name of names) {
    for await (const input of readOne(join(folder, name), undefined)) {
      yield genesis === undefined ? input : ofChain(input, genesis, first);
      first = false;
    }
  }
  const folders = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  for (const name of folders.sort(byNumber)) yield* readFolder(join(folder, name));
}

/**
 * Reads a file, a folder with everything below it, or `-` for standard input.
 *
 * @throws LanewiseError `ERR_SOURCE` where the path cannot be read, `ERR_INPUT` where its content is none of the forms above.
 */
export async function* readPath(path: string): AsyncGenerator<BlockInput> {
  if (path === "-") {
    yield* readStream(process.stdin, "stdin");
    return;
  }
  let isFolder: boolean;
  try {
    isFolder = (await stat(path)).isDirectory();
  } catch (error) {
    throw sourceError(path, error);
  }
  if (isFolder) {
    yield* readFolder(path);
    return;
  }
  const genesis = await readOptional(join(dirname(path), "genesis.json"));
  if (genesis === undefined || basename(path) === "genesis.json") {
    yield* readOne(path, undefined);
    return;
  }
  const where = join(dirname(path), "genesis.json");
  yield* readOne(path, readGenesis(parseJson(Buffer.from(genesis).toString("utf8"), where), where));
}
