/**
 * Transactions of one block side by side: optimistic execution over multi-version memory after Block-STM (PPoPP 2023), with commits
 * in order.
 *
 * Each instance takes the next transaction, executes it on what those before it have published so far, and publishes its own
 * writes. The *frontier* passes over the executed transactions in order, under one lock: a transaction whose reads would give the
 * same versions again is final; any other is executed once more on the spot, with all before it final, and is final then. No
 * transaction runs more than twice, and whoever holds the frontier runs at serial speed at worst.
 *
 * A transaction that probably reads what an earlier one writes (same sender, or same receiver of ether or of an ERC-20 transfer) waits
 * for that one to be executed first. Such hints change speed only.
 */
import {
  T_BLOB_COUNT,
  T_BYTES,
  T_CREATES,
  T_DATA,
  T_DATA_BYTES,
  T_GAS_LIMIT,
  T_SENDER,
  T_TO,
} from "./decode";
import { hashAddress } from "./hash";
import { allocate, CONTROL, ENV_GAS_LIMIT, ENV_MAX_BLOBS, words } from "./layout";
import { isAccountLocation, readAddress } from "./locations";
import {
  publishedReadCount,
  publishedReads,
  publishedWriteCount,
  publishedWrites,
  publishView,
  viewAlone,
  viewAmong,
} from "./state";
import {
  coinbasePaid,
  executeTransaction,
  R_GAS_USED,
  RESULT_BYTES,
  unpaidFee,
} from "./transaction";
import { add, copy, setU64 } from "./u256";
import { dropVersion, readNumber, settleVersions, versionNumber } from "./versions";

// Shared words of a block, u32 unless told.
const NEXT: usize = CONTROL + 64;
const FRONTIER: usize = CONTROL + 68;
const LOCK: usize = CONTROL + 72;
/** Not 0: no instance begins anything more. */
const STOPPED: usize = CONTROL + 76;
const COUNT: usize = CONTROL + 80;
const RECORDS: usize = CONTROL + 84;
const RESULTS: usize = CONTROL + 88;
const TASKS: usize = CONTROL + 92;
const BLOBS: usize = CONTROL + 96;
/** i64: gas of the final transactions. */
const GAS: usize = CONTROL + 104;
/** Executions, and how many of them were repeated, deferred to the frontier, parked behind a hint. */
export const EXECUTIONS: usize = CONTROL + 112;
const REPEATED: usize = CONTROL + 116;
const DEFERRED_COUNT: usize = CONTROL + 120;
const PARKED: usize = CONTROL + 124;
/** Word: fees that the coinbase is owed by final transactions. */
const OWED: usize = CONTROL + 128;

// A task: what the scheduler knows of one transaction.
const STATE: usize = 0;
/** Index + 1 of the last transaction that waits for this one, or CLOSED. */
const WAITERS: usize = 4;
const NEXT_WAITER: usize = 8;
/** Index + 1 of the transaction to wait for, or 0. */
const PREDECESSOR: usize = 12;
const READS: usize = 16;
const READ_COUNT: usize = 20;
const WRITES: usize = 24;
const WRITE_COUNT: usize = 28;
const REJECTION: usize = 32;
/** 1 where the transaction has read the coinbase's account, and so paid into it what it was owed. */
const PAID: usize = 36;
const FEE: usize = 40;
const TASK_BYTES: usize = 72;

const NEW: u32 = 0;
const EXECUTED: u32 = 1;
/** To be executed at the frontier only. */
const DEFERRED: u32 = 2;
const CLOSED: u32 = 0xffffffff;

/** Transactions that may be executed ahead of the frontier: far enough to keep instances busy, near enough to see fresh values. */
const WINDOW: u32 = 512;

/** Index + 1 of the first of this instance's transactions whose predecessor has been executed. */
let ready: u32 = 0;
/** The transaction that this instance executes, and whether at the frontier. */
let running: u32 = 0;
let atFrontier: bool = false;

// @ts-ignore: decorator
@inline
function task(index: u32): usize {
  return <usize>load<u32>(TASKS) + <usize>index * TASK_BYTES;
}

/** Sets up a block whose records are decoded; called by one instance before the others begin. */
export function beginParallel(records: usize, results: usize, count: u32): void {
  store<u32>(NEXT, 0);
  store<u32>(FRONTIER, 0);
  store<u32>(LOCK, 0);
  store<u32>(STOPPED, 0);
  store<u32>(COUNT, count);
  store<u32>(RECORDS, <u32>records);
  store<u32>(RESULTS, <u32>results);
  store<u32>(BLOBS, 0);
  store<i64>(GAS, 0);
  memory.fill(EXECUTIONS, 0, 16);
  setU64(OWED, 0);
  store<u64>(OWED, 0, 24);
  const tasks = allocate(<usize>count * TASK_BYTES);
  memory.fill(tasks, 0, <usize>count * TASK_BYTES);
  store<u32>(TASKS, <u32>tasks);
  hint(records, count);
}

/** What an instance does before its first `work` in a block. */
export function joinParallel(): void {
  ready = 0;
  atFrontier = false;
}

// ---- hints ----

/** transfer(address,uint256), as its four bytes lie in memory. */
const TRANSFER_SELECTOR: u32 = 0xbb9c05a9;

/** Gives each transaction the last earlier one that has its sender or receiver as sender or receiver. */
function hint(records: usize, count: u32): void {
  // Entries of 32 bytes: address limbs, u32 index + 1.
  let size: u32 = 64;
  while (size < count << 2) size <<= 1;
  const table = allocate((<usize>size) << 5);
  memory.fill(table, 0, (<usize>size) << 5);
  const limbs = words + 1600;
  for (let i: u32 = 0; i < count; i++) {
    const record = records + <usize>i * T_BYTES;
    let last = note(table, size - 1, record + T_SENDER, i);
    const data = <usize>load<u32>(record, T_DATA);
    const bytes = load<u32>(record, T_DATA_BYTES);
    if (!load<u32>(record, T_CREATES)) {
      if (bytes == 0) last = max<u32>(last, note(table, size - 1, record + T_TO, i));
      else if (bytes >= 36 && load<u32>(data) == TRANSFER_SELECTOR) {
        readAddress(limbs, data + 16);
        last = max<u32>(last, note(table, size - 1, limbs, i));
      }
    }
    store<u32>(task(i), last == i + 1 ? 0 : last, PREDECESSOR);
  }
}

/** Notes that transaction `i` has this address; answers index + 1 of the last that had it, or 0. */
function note(table: usize, mask: u32, limbs: usize, i: u32): u32 {
  const a0 = load<u64>(limbs);
  const a1 = load<u64>(limbs, 8);
  const a2 = load<u64>(limbs, 16);
  for (let at = hashAddress(a0, a1, a2) & mask; ; at = (at + 1) & mask) {
    const entry = table + ((<usize>at) << 5);
    const last = load<u32>(entry, 24);
    if (last && (load<u64>(entry) != a0 || load<u64>(entry, 8) != a1 || load<u64>(entry, 16) != a2))
      continue;
    store<u64>(entry, a0);
    store<u64>(entry, a1, 8);
    store<u64>(entry, a2, 16);
    store<u32>(entry, i + 1, 24);
    return last == i + 1 ? 0 : last;
  }
}

// ---- work ----

/** What `work` says. */
const MORE: i32 = 0;
const IDLE: i32 = 1;
const DONE: i32 = 2;

/** Does up to `most` pieces of work. Answers 0 where there is more, 1 where others have to get on first, 2 at the block's end. */
export function work(most: i32): i32 {
  const count = load<u32>(COUNT);
  for (; most > 0; most--) {
    if (atomic.load<u32>(STOPPED)) return DONE;
    const busy = takeAndExecute(count);
    advance(count);
    if (atomic.load<u32>(FRONTIER) >= count) return DONE;
    if (!busy) return IDLE;
  }
  return MORE;
}

/** Executes the next transaction there is; answers whether there was one, or one was parked. */
function takeAndExecute(count: u32): bool {
  if (ready) {
    const i = ready - 1;
    ready = load<u32>(task(i), NEXT_WAITER);
    speculate(i);
    return true;
  }
  const next = atomic.load<u32>(NEXT);
  if (next >= count || next >= atomic.load<u32>(FRONTIER) + WINDOW) return false;
  const i = atomic.add<u32>(NEXT, 1);
  if (i >= count) return false;
  if (!park(i)) speculate(i);
  return true;
}

/** Leaves transaction `i` with the one it waits for; answers false where that has been executed. */
function park(i: u32): bool {
  const mine = task(i);
  const predecessor = load<u32>(mine, PREDECESSOR);
  if (!predecessor) return false;
  const other = task(predecessor - 1);
  while (true) {
    const head = atomic.load<u32>(other, WAITERS);
    if (head == CLOSED) return false;
    store<u32>(mine, head, NEXT_WAITER);
    if (atomic.cmpxchg<u32>(other, head, i + 1, WAITERS) == head) {
      atomic.add<u32>(PARKED, 1);
      return true;
    }
  }
}

function speculate(i: u32): void {
  running = i;
  viewAmong(i, 0, 0);
  executeTask(i);
  finishSpeculation(i, EXECUTED);
}

/** Executes transaction `i` and publishes what it read and wrote. */
function executeTask(i: u32): void {
  const mine = task(i);
  atomic.add<u32>(EXECUTIONS, 1);
  const record = <usize>load<u32>(RECORDS) + <usize>i * T_BYTES;
  const result = <usize>load<u32>(RESULTS) + <usize>i * RESULT_BYTES;
  const rejection = executeTransaction(record, result);
  store<i32>(mine, rejection, REJECTION);
  if (rejection || coinbasePaid) setU64(mine + FEE, 0);
  else copy(mine + FEE, unpaidFee());
  publishView(rejection == 0);
  store<u32>(mine, <u32>publishedReads, READS);
  store<u32>(mine, publishedReadCount, READ_COUNT);
  store<u32>(mine, <u32>publishedWrites, WRITES);
  store<u32>(mine, publishedWriteCount, WRITE_COUNT);
}

/** Lets the frontier see the transaction, and takes over those that waited for it. */
function finishSpeculation(i: u32, state: u32): void {
  const mine = task(i);
  atomic.store<u32>(mine, state, STATE);
  let waiter = atomic.xchg<u32>(mine, CLOSED, WAITERS);
  while (waiter) {
    const other = task(waiter - 1);
    const after = load<u32>(other, NEXT_WAITER);
    store<u32>(other, ready, NEXT_WAITER);
    ready = waiter;
    waiter = after;
  }
}

/**
 * The host's answer to an exception out of `work`: a speculative execution that could not go on is left to the frontier. Answers false
 * where it happened at the frontier; the block then has to be run in another way, and all instances stop.
 */
export function abandon(): bool {
  if (atFrontier) {
    stopParallel();
    return false;
  }
  atomic.add<u32>(DEFERRED_COUNT, 1);
  finishSpeculation(running, DEFERRED);
  return true;
}

/** Keeps every instance from beginning anything more. */
export function stopParallel(): void {
  atomic.store<u32>(STOPPED, 1);
}

/** Whether the block came to its end with every transaction included. */
export function completed(): bool {
  return !load<u32>(STOPPED) && load<u32>(FRONTIER) >= load<u32>(COUNT);
}

// ---- the frontier ----

/** Moves the frontier as far as it goes, unless another instance is doing that. */
function advance(count: u32): void {
  while (true) {
    const front = atomic.load<u32>(FRONTIER);
    if (front >= count || atomic.load<u32>(task(front), STATE) == NEW) return;
    if (atomic.load<u32>(LOCK) || atomic.cmpxchg<u32>(LOCK, 0, 1)) return;
    moveFrontier(count);
    atomic.store<u32>(LOCK, 0);
    if (atomic.load<u32>(STOPPED)) return;
  }
}

function moveFrontier(count: u32): void {
  let i = atomic.load<u32>(FRONTIER);
  while (i < count && !atomic.load<u32>(STOPPED)) {
    const mine = task(i);
    const state = atomic.load<u32>(mine, STATE);
    if (state == NEW) return;
    if (state == DEFERRED || !readsStand(i, mine)) executeAgain(i, mine);
    if (load<u32>(mine, REJECTION) || !fits(i)) return stopParallel();
    if (load<u32>(mine, PAID)) setU64(OWED, 0);
    add(OWED, OWED, mine + FEE);
    i++;
    atomic.store<u32>(FRONTIER, i);
  }
}

/** Whether the transaction would read the same versions again. */
function readsStand(i: u32, mine: usize): bool {
  const reads = <usize>load<u32>(mine, READS);
  const end = reads + ((<usize>load<u32>(mine, READ_COUNT)) << 3);
  for (let at = reads; at < end; at += 8) {
    if (readNumber(<usize>load<u32>(at), i) != load<u32>(at, 4)) return false;
  }
  return true;
}

/** Executes the transaction with all before it final; what it wrote the first time and not again is taken back. */
function executeAgain(i: u32, mine: usize): void {
  const deferred = load<u32>(mine, STATE) == DEFERRED;
  const writes = <usize>load<u32>(mine, WRITES);
  const end = writes + (deferred ? 0 : (<usize>load<u32>(mine, WRITE_COUNT)) << 2);
  if (!deferred) atomic.add<u32>(REPEATED, 1);
  atFrontier = true;
  viewAmong(i, 1, OWED);
  executeTask(i);
  atFrontier = false;
  store<u32>(mine, u32(coinbasePaid && !load<u32>(mine, REJECTION)), PAID);
  for (let at = writes; at < end; at += 4) dropVersion(<usize>load<u32>(at), versionNumber(i, 0));
}

/** Whether gas limit and blobs fit what the block has left; counts them. */
function fits(i: u32): bool {
  const record = <usize>load<u32>(RECORDS) + <usize>i * T_BYTES;
  const result = <usize>load<u32>(RESULTS) + <usize>i * RESULT_BYTES;
  const used = load<i64>(GAS);
  const blobs = load<u32>(BLOBS) + load<u32>(record, T_BLOB_COUNT);
  if (load<u64>(record, T_GAS_LIMIT) > load<u64>(ENV_GAS_LIMIT) - <u64>used) return false;
  if (blobs > load<u32>(ENV_MAX_BLOBS)) return false;
  store<i64>(GAS, used + load<i64>(result, R_GAS_USED));
  store<u32>(BLOBS, blobs);
  return true;
}

/** Makes the newest versions the state, and pays the coinbase what it is owed. The address of that word; for `credit`. */
export function endParallel(): usize {
  const count = load<u32>(COUNT);
  for (let pass = 0; pass < 2; pass++) {
    for (let i: u32 = 0; i < count; i++) {
      const mine = task(i);
      const writes = <usize>load<u32>(mine, WRITES);
      const end = writes + ((<usize>load<u32>(mine, WRITE_COUNT)) << 2);
      for (let at = writes; at < end; at += 4) {
        const location = <usize>load<u32>(at);
        if (isAccountLocation(location) == (pass == 0)) settleVersions(location);
      }
    }
  }
  viewAlone();
  return OWED;
}

export function parallelGasUsed(): i64 {
  return load<i64>(GAS);
}
