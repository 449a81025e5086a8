// asc: -O3
// asc-always: --importMemory --sharedMemory --initialMemory 1 --maximumMemory 65535 --memoryBase 57344 --enable threads
/**
 * The EVM as the host sees it: one instance a worker, all on one shared memory.
 *
 * A memory is laid out once (`layOutMemory`), an instance started once (`startInstance`). For every block the host writes the
 * environment, takes heap for its inputs and calls `beginBlock`, `prepare`, `execute` and what the block's fork asks for besides.
 */
import { returnedBytes } from "./calls";
import { initializeEmptyCode } from "./code";
import { decodeTransaction, T_AUTHORISATION_COUNT, T_AUTHORITIES, T_BYTES } from "./decode";
import { fillOpcodes } from "./gas";
import {
  allocate,
  BLAKE2_VECTOR,
  BLOCK_HASHES,
  codeBytesFree,
  dropCode,
  dropHeap,
  enterBlock,
  layOut,
  layOutWorker,
  PUSH_MASKS,
  returned,
  scratchBase,
  setBuckets,
  setFork,
  SHA256_CONSTANTS,
} from "./layout";
import { initializeVector } from "../lib/blake2f";
import { initializeConstants } from "../lib/sha256-scalar";
import { initializeView, viewAlone } from "./state";
import { setScratch } from "./u256";
import {
  beginBlock as beginTransactions,
  blockGasUsed,
  dropCandidate,
  expectedWord,
  gotWord,
  includeTransaction,
  RESULT_BYTES,
} from "./transaction";

export {
  allocate,
  enterBlock,
  ENVIRONMENT,
  HASH_SECRETS,
  HEADER_BYTES,
  outputEnd,
  outputStart,
  QUESTIONS,
} from "./layout";
export { collectChanges } from "./changes";
export {
  abandon,
  backlog,
  beginEpilogue,
  beginParallel,
  beginSettling,
  completed,
  dropRejected,
  EXECUTIONS,
  joinParallel,
  longestChain,
  offer,
  parallelGasUsed,
  postpone,
  taskList,
  stopParallel,
  work,
} from "./parallel";
export { longestHint, suggest } from "./hints";
export { depositLogged } from "./logs";
export { operations } from "./state";
export { credit, storeSystemSlot, systemCall } from "./transaction";

/** Lays out a fresh memory: code from `codeStart`, block heap, output up to `end`. `HASH_SECRETS` must be filled. */
export function layOutMemory(
  codeStart: usize,
  heapStart: usize,
  outputStart: usize,
  end: usize,
): void {
  layOut(codeStart, heapStart, outputStart, end);
  initializeConstants(SHA256_CONSTANTS);
  initializeVector(BLAKE2_VECTOR);
  initializeEmptyCode();
  memory.fill(PUSH_MASKS, 0xff, 32);
}

/** Gives this instance its region of the memory. */
export function startInstance(region: usize, bytes: usize): void {
  layOutWorker(region, bytes);
  setScratch(scratchBase);
  initializeView();
}

/** Forgets the block before and sets the rules of the next. `buckets` (a power of two) sizes the table of locations. */
export function beginBlock(fork: i32, buckets: u32, leastCodeBytes: u32): void {
  // Code is prepared for the fork's opcodes.
  if (setFork(fork) || codeBytesFree() < leastCodeBytes) dropCode();
  fillOpcodes(fork);
  dropHeap();
  memory.fill(BLOCK_HASHES, 0, 256 * 64);
  enterBlock();
  setBuckets(buckets);
  beginTransactions();
  viewAlone();
}

/** Bytes of a decoded transaction and of a result. */
export function recordBytes(): usize {
  return T_BYTES;
}
export function resultBytes(): usize {
  return RESULT_BYTES;
}

/**
 * Decodes transactions `from` to `to` (excluded): raw[i] lies from offsets[i] to offsets[i + 1] (u32) behind `raw`, senders are 20 bytes
 * each, the first authority of these transactions lies at `authorities`. Answers where the next would lie.
 */
export function prepare(
  records: usize,
  raw: usize,
  offsets: usize,
  senders: usize,
  authorities: usize,
  from: u32,
  to: u32,
): usize {
  for (let i = from; i < to; i++) {
    const record = records + <usize>i * T_BYTES;
    const start = load<u32>(offsets + ((<usize>i) << 2));
    const end = load<u32>(offsets + ((<usize>i) << 2), 4);
    decodeTransaction(record, raw + start, end - start, senders + <usize>i * 20);
    store<u32>(record, <u32>authorities, T_AUTHORITIES);
    authorities += <usize>load<u32>(record, T_AUTHORISATION_COUNT) * 20;
  }
  return authorities;
}

/** Why `execute` stopped before the end. */
export let rejection: i32 = 0;

/** Runs transactions one by one; answers how many could be included. */
export function execute(records: usize, results: usize, count: u32): u32 {
  for (let i: u32 = 0; i < count; i++) {
    rejection = includeTransaction(records + <usize>i * T_BYTES, results + <usize>i * RESULT_BYTES);
    if (rejection) return i;
  }
  return count;
}

/** Runs candidates one by one, and drops those that may not be included where they stand. */
export function build(records: usize, results: usize, count: u32): void {
  for (let i: u32 = 0; i < count; i++) {
    const result = results + <usize>i * RESULT_BYTES;
    const code = includeTransaction(records + <usize>i * T_BYTES, result);
    if (code) dropCandidate(result, code);
  }
}

/** Where a decoded transaction has its number of authorisations. */
export function authorisationCountOf(record: usize): u32 {
  return load<u32>(record, T_AUTHORISATION_COUNT);
}

/** Words that a rejection expected and got. */
export function rejectionExpected(): usize {
  return expectedWord();
}
export function rejectionGot(): usize {
  return gotWord();
}

export function gasUsed(): i64 {
  return blockGasUsed;
}

/** Return data of the last system call. */
export function returnData(): usize {
  return returned;
}
export function returnDataBytes(): usize {
  return returnedBytes;
}
