/**
 * Where things lie in the one memory that all instances share.
 *
 *     0 ……… 64 KiB   constants, block environment, control words (addresses below)
 *     code region    code by hash, kept from block to block
 *     block heap     inputs, locations, versions of one block; bump-allocated, dropped as a whole
 *     output         what the host takes away: logs, filters, changes; allocated likewise
 *     worker regions one an instance: EVM memories, stacks, frames, journal, the transaction's view of the state
 *
 * Regions are sized in address space, not in use: untouched pages cost nothing. A region that runs full ends the execution of the
 * block through `limitReached`, never with a wrong result.
 */
import { limitReached } from "./host";

/** Forks in the order of `FORKS` in src/executor/executor.ts; those that change nothing in execution share a number's rules. */
export const HOMESTEAD: i32 = 1;
export const TANGERINE_WHISTLE: i32 = 2;
export const SPURIOUS_DRAGON: i32 = 3;
export const BYZANTIUM: i32 = 4;
export const CONSTANTINOPLE: i32 = 5;
export const PETERSBURG: i32 = 6;
export const ISTANBUL: i32 = 7;
export const BERLIN: i32 = 9;
export const LONDON: i32 = 10;
export const PARIS: i32 = 13;
export const SHANGHAI: i32 = 14;
export const CANCUN: i32 = 15;
export const PRAGUE: i32 = 16;
export const OSAKA: i32 = 17;

// ---- header ----
export const SHA256_CONSTANTS: usize = 1216;
export const BLAKE2_VECTOR: usize = 1600;
/** 32 bytes of ones, then 32 of zeros: the word whose lowest n bytes are ones begins n bytes before the zeros. */
export const PUSH_MASKS: usize = 1088;
/** 256 entries of 8 bytes: u32 gas, u16 least stack height, u16 range above it; heights in bytes of stack. */
export const OPCODES: usize = 2048;
/** The block environment, 32-byte words. */
export const ENVIRONMENT: usize = 4096;
export const ENV_NUMBER: usize = ENVIRONMENT;
export const ENV_TIMESTAMP: usize = ENVIRONMENT + 32;
export const ENV_GAS_LIMIT: usize = ENVIRONMENT + 64;
export const ENV_COINBASE: usize = ENVIRONMENT + 96;
/** DIFFICULTY before Paris, PREVRANDAO from then on. */
export const ENV_RANDOM: usize = ENVIRONMENT + 128;
export const ENV_BASE_FEE: usize = ENVIRONMENT + 160;
export const ENV_BLOB_BASE_FEE: usize = ENVIRONMENT + 192;
export const ENV_CHAIN_ID: usize = ENVIRONMENT + 224;
/** Most blobs of one block and of one transaction (EIP-7892, EIP-7594), u32 each. */
export const ENV_MAX_BLOBS: usize = ENVIRONMENT + 256;

/** Control words, u32. */
export const CONTROL: usize = 5120;
const HEAP_NEXT: usize = CONTROL;
const HEAP_END: usize = CONTROL + 4;
const CODE_NEXT: usize = CONTROL + 8;
const CODE_END: usize = CONTROL + 12;
const CODE_START: usize = CONTROL + 16;
const BUCKETS: usize = CONTROL + 20;
const BUCKET_MASK: usize = CONTROL + 24;
const FORK_NUMBER: usize = CONTROL + 28;
const HEAP_START: usize = CONTROL + 32;
const OUTPUT_START: usize = CONTROL + 36;
const OUTPUT_NEXT: usize = CONTROL + 40;
const OUTPUT_END: usize = CONTROL + 44;
/** Heads of the lists of chunks that hold accounts and slots; see `locations.ts`. */
export const ACCOUNT_CHUNKS: usize = CONTROL + 48;
export const SLOT_CHUNKS: usize = CONTROL + 52;
/** Not 0: some transaction of the block has run a log of the deposit contract, be it that it was taken back. */
export const DEPOSIT_LOGGED: usize = CONTROL + 56;
/** 16 u64 multipliers of the universal hash (see `hash.ts`), random, filled by the host. */
export const HASH_SECRETS: usize = 5376;
/** Record of the empty code. */
export const EMPTY_CODE: usize = 5632;
/** What threads ask the host's thread, and how many have finished; see src/executor/evm/questions.ts. */
export const QUESTIONS: usize = 6144;
/** 256 entries of 64 bytes: u32 known, the 32-byte hash at 32. */
export const BLOCK_HASHES: usize = 8192;
/** Heads of the code table's chains, u32. */
export const CODE_BUCKETS: usize = 24576;
export const CODE_BUCKET_COUNT: u32 = 8192;
/** Static data of the module: --memoryBase in evm.ts. Only constants, since each instance writes them again. */
export const STATIC_DATA: usize = 57344;
/** Words of the scheduler; see `parallel.ts`. */
export const SCHEDULER: usize = 58368;
/** First byte after the header. */
export const HEADER_BYTES: usize = 65536;

/** Lays out the regions that instances share. Called once a memory, before any instance starts. */
export function layOut(codeStart: usize, heapStart: usize, outputStart: usize, end: usize): void {
  store<u32>(CODE_START, codeStart);
  store<u32>(CODE_END, heapStart);
  store<u32>(HEAP_START, heapStart);
  store<u32>(HEAP_END, outputStart);
  store<u32>(OUTPUT_START, outputStart);
  store<u32>(OUTPUT_END, end);
  dropCode();
  dropHeap();
}

/** Forgets every code, at a block's start. */
export function dropCode(): void {
  store<u32>(CODE_NEXT, load<u32>(CODE_START));
  memory.fill(CODE_BUCKETS, 0, CODE_BUCKET_COUNT << 2);
}

/** Bytes of code region still free. */
export function codeBytesFree(): u32 {
  return load<u32>(CODE_END) - load<u32>(CODE_NEXT);
}

/** Forgets the previous block. */
export function dropHeap(): void {
  store<u32>(HEAP_NEXT, load<u32>(HEAP_START));
  store<u32>(OUTPUT_NEXT, load<u32>(OUTPUT_START));
  store<u32>(ACCOUNT_CHUNKS, 0);
  store<u32>(SLOT_CHUNKS, 0);
  store<u32>(DEPOSIT_LOGGED, 0);
}

/** Bounds of the output so far. */
export function outputStart(): usize {
  return load<u32>(OUTPUT_START);
}
export function outputEnd(): usize {
  return load<u32>(OUTPUT_NEXT);
}

/** Sets the table of locations up for a block. */
export function setBuckets(count: u32): void {
  const table = allocate((<usize>count) << 2);
  memory.fill(table, 0, (<usize>count) << 2);
  store<u32>(BUCKETS, <u32>table);
  store<u32>(BUCKET_MASK, count - 1);
  buckets = table;
  bucketMask = count - 1;
}

/** Takes `bytes` (a multiple of 8) of the shared bump region whose next and end words are given. */
function take(next: usize, end: usize, bytes: usize): usize {
  const at = <usize>atomic.add<u32>(next, <u32>bytes);
  if (<u64>at + <u64>bytes > <u64>load<u32>(end)) limitReached(0);
  return at;
}

/** Takes code region. */
export function allocateCode(bytes: usize): usize {
  return take(CODE_NEXT, CODE_END, bytes);
}

/** Bytes of a chunk of heap or output. */
export const CHUNK_BYTES: usize = 65536;
let chunk: usize = 0;
let chunkEnd: usize = 0;

/** Takes block heap, 16-byte aligned; from this instance's chunk, so that instances seldom meet. */
export function allocate(bytes: usize): usize {
  bytes = (bytes + 15) & ~15;
  if (bytes > CHUNK_BYTES >> 2) return take(HEAP_NEXT, HEAP_END, (bytes + 63) & ~63);
  if (chunk + bytes > chunkEnd) {
    chunk = take(HEAP_NEXT, HEAP_END, CHUNK_BYTES);
    chunkEnd = chunk + CHUNK_BYTES;
  }
  const at = chunk;
  chunk += bytes;
  return at;
}

let version: usize = 0;
let versionEnd: usize = 0;

/** Takes block heap for versions, which fill one line each. */
export function allocateVersion(bytes: usize): usize {
  if (version + bytes > versionEnd) {
    version = take(HEAP_NEXT, HEAP_END, CHUNK_BYTES);
    versionEnd = version + CHUNK_BYTES;
  }
  const at = version;
  version += bytes;
  return at;
}

let output: usize = 0;
let outputChunkEnd: usize = 0;

/** Takes output, 8-byte aligned; as `allocate`. */
export function allocateOutput(bytes: usize): usize {
  bytes = (bytes + 7) & ~7;
  if (bytes > CHUNK_BYTES >> 2) return take(OUTPUT_NEXT, OUTPUT_END, bytes);
  if (output + bytes > outputChunkEnd) {
    output = take(OUTPUT_NEXT, OUTPUT_END, CHUNK_BYTES);
    outputChunkEnd = output + CHUNK_BYTES;
  }
  const at = output;
  output += bytes;
  return at;
}

/** Whole chunks of output in one piece, as many as hold `bytes`; for what is gone through chunk by chunk. */
export function allocateChunks(bytes: usize): usize {
  return take(OUTPUT_NEXT, OUTPUT_END, (bytes + CHUNK_BYTES - 1) & ~(CHUNK_BYTES - 1));
}

// Locations lie in chunks of their own, linked from ACCOUNT_CHUNKS or SLOT_CHUNKS: u32 next chunk; records of one size from
// CHUNK_HEADER_BYTES on, up to one of kind 0 or the chunk's end. So they are gone through without following pointers.
export const CHUNK_HEADER_BYTES: usize = 64;
let accountNext: usize = 0;
let accountEnd: usize = 0;
let slotNext: usize = 0;
let slotEnd: usize = 0;

function locationChunk(head: usize): usize {
  const at = take(HEAP_NEXT, HEAP_END, CHUNK_BYTES);
  memory.fill(at, 0, CHUNK_BYTES);
  while (true) {
    const first = atomic.load<u32>(head);
    store<u32>(at, first);
    if (atomic.cmpxchg<u32>(head, first, <u32>at) == first) return at;
  }
}

/** Room for an account's location, filled with zeros. */
export function allocateAccount(bytes: usize): usize {
  if (accountNext + bytes > accountEnd) {
    const chunk = locationChunk(ACCOUNT_CHUNKS);
    accountNext = chunk + CHUNK_HEADER_BYTES;
    accountEnd = chunk + CHUNK_BYTES;
  }
  const at = accountNext;
  accountNext += bytes;
  return at;
}

/** Room for a slot's location, filled with zeros. */
export function allocateSlot(bytes: usize): usize {
  if (slotNext + bytes > slotEnd) {
    const chunk = locationChunk(SLOT_CHUNKS);
    slotNext = chunk + CHUNK_HEADER_BYTES;
    slotEnd = chunk + CHUNK_BYTES;
  }
  const at = slotNext;
  slotNext += bytes;
  return at;
}

// Of each instance, since a global reads faster than shared memory.
/** Rules in force. */
export let fork: i32 = 0;
/** The table of locations. */
export let buckets: usize = 0;
export let bucketMask: u32 = 0;

/** Names the fork for all instances; answers whether it is another than before. */
export function setFork(number: i32): bool {
  const other = load<i32>(FORK_NUMBER) != number;
  store<u32>(FORK_NUMBER, number);
  return other;
}

/** What an instance does at a block's start; answers the number of the fork. */
export function enterBlock(): i32 {
  fork = load<i32>(FORK_NUMBER);
  buckets = load<u32>(BUCKETS);
  bucketMask = load<u32>(BUCKET_MASK);
  chunk = 0;
  chunkEnd = 0;
  version = 0;
  versionEnd = 0;
  output = 0;
  outputChunkEnd = 0;
  accountNext = 0;
  accountEnd = 0;
  slotNext = 0;
  slotEnd = 0;
  return fork;
}

// ---- worker region ----
export let scratchBase: usize = 0;
export let keccakState: usize = 0;
export let shaState: usize = 0;
/** Words for this instance's helpers; see their users. */
export let words: usize = 0;
export let frames: usize = 0;
export let stacks: usize = 0;
export let stacksEnd: usize = 0;
export let bloomCache: usize = 0;
export let slotHashes: usize = 0;
export let memories: usize = 0;
export let memoriesEnd: usize = 0;
export let entries: usize = 0;
export let entriesEnd: usize = 0;
export let viewIndex: usize = 0;
export let viewIndexEnd: usize = 0;
export let journal: usize = 0;
export let journalEnd: usize = 0;
export let returned: usize = 0;
export let returnedEnd: usize = 0;
export let logs: usize = 0;
export let logsEnd: usize = 0;

export const FRAME_BYTES: usize = 256;
export const MAX_DEPTH: i32 = 1024;
export const BLOOM_CACHE_ENTRIES: usize = 4096;
export const SLOT_HASH_ENTRIES: usize = 1024;
/** One frame's stack: 1024 words, and one word of slack so that neighbouring frames never share a line. */
export const STACK_BYTES: usize = 1024 * 32;

/** Cuts this instance's region. EVM memories get half of what fixed parts leave. */
export function layOutWorker(region: usize, bytes: usize): void {
  scratchBase = region;
  shaState = region + 512;
  keccakState = region + 1024;
  words = region + 2048;
  frames = region + 4096;
  bloomCache = frames + FRAME_BYTES * (MAX_DEPTH + 2);
  slotHashes = bloomCache + BLOOM_CACHE_ENTRIES * 48;
  stacks = slotHashes + SLOT_HASH_ENTRIES * 96;
  stacksEnd = stacks + STACK_BYTES * (MAX_DEPTH + 2);
  const rest = region + bytes - stacksEnd;
  const part = (rest / 100) & ~63;
  memories = stacksEnd;
  memoriesEnd = memories + part * 50;
  entries = memoriesEnd;
  entriesEnd = entries + part * 20;
  viewIndex = entriesEnd;
  viewIndexEnd = viewIndex + part * 6;
  journal = viewIndexEnd;
  journalEnd = journal + part * 12;
  returned = journalEnd;
  returnedEnd = returned + part * 8;
  logs = returnedEnd;
  logsEnd = logs + part * 4;
  memory.fill(region, 0, stacks - region);
}
