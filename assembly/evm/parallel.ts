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
 *
 * Where the frontier sees that most transactions read what the one before wrote, one instance goes on alone, at serial speed, and the
 * others rest without touching its memory. Dependence shows in who read whose versions, so that the same numbers tell when it ends.
 */
import { T_BLOB_COUNT, T_BYTES, T_GAS_LIMIT } from "./decode";
import { beginChanges, collectAccounts, collectSlots } from "./changes";
import { creditReadStands, locationRead } from "./credits";
import { beginHints, hint } from "./hints";
import { recoverNoted } from "./host";
import {
  ACCOUNT_CHUNKS,
  allocate,
  ENV_GAS_LIMIT,
  ENV_MAX_BLOBS,
  outputEnd,
  SCHEDULER,
  scratchBase,
  SLOT_CHUNKS,
  words,
} from "./layout";
import { noteConflict } from "./locations";
import {
  OWED_TOUCH,
  publishedChain,
  publishedReadCount,
  publishedReads,
  publishedWriteCount,
  publishedWrites,
  publishView,
  viewAlone,
  viewAmong,
} from "./state";
import { allowWaiting, beginRecoveries, forbidWaiting } from "./recoveries";
import { REJECT_BLOCK_BLOBS, REJECT_BLOCK_GAS } from "./rejections";
import {
  BROKEN_OFF,
  CHAIN,
  CLOSED,
  DEFERRED,
  EXECUTED,
  FEE,
  NEW,
  NEXT_WAITER,
  PREDECESSOR,
  READ_COUNT,
  READS,
  RECORDS,
  REJECTED,
  SECOND_PREDECESSOR,
  STATE,
  STATE_MASK,
  task,
  TASK_BYTES,
  TASKS,
  WAITERS,
  WRITE_COUNT,
  WRITES,
} from "./tasks";
import {
  coinbasePaid,
  dropCandidate,
  dropFor,
  executeTransaction,
  R_CUMULATIVE_GAS,
  R_GAS_USED,
  RESULT_BYTES,
  setBlockTotals,
  unpaidFee,
} from "./transaction";
import { add, copy, setU64 } from "./u256";
import {
  dropVersion,
  readNumber,
  settleAccounts,
  settleSlots,
  versionNumber,
} from "./versions";

// Shared words of a block, u32 unless told. What instances change while others look at something else has lines of its own.
const NEXT: usize = SCHEDULER;
const FRONTIER: usize = SCHEDULER + 128;
const LOCK: usize = SCHEDULER + 256;
/** Set by the host's instance alone: transactions that are decoded and may be taken. */
const AVAILABLE: usize = SCHEDULER + 384;
/** What instances are at, see `work`. */
const STAGE: usize = SCHEDULER + 512;
/** Not 0: no instance begins anything more. */
const STOPPED: usize = SCHEDULER + 516;
const COUNT: usize = SCHEDULER + 520;
const RESULTS: usize = SCHEDULER + 528;
/** Not 0: the transactions are candidates, and what may not be included is dropped instead of ending the block. */
const BUILDING: usize = SCHEDULER + 536;
/** Signature of the instance that goes on alone, or 0. */
const ALONE: usize = SCHEDULER + 540;
/** Not 0: the last span had NOTABLE_ABORTS. */
const CONFLICTING: usize = SCHEDULER + 548;
/** Transactions by which the frontier may lag before an instance passes it over others'. */
const LAG: usize = SCHEDULER + 544;
// Changed by whoever holds LOCK.
const BLOBS: usize = SCHEDULER + 640;
/** Longest chain of transactions of which each has read what the one before wrote. */
const LONGEST_CHAIN: usize = SCHEDULER + 644;
/** Of the transactions in the present span: aborts, and the longest chain of reads that ends at one; that of the span before. */
const SPAN_ABORTS: usize = SCHEDULER + 720;
const SPAN_CHAIN: usize = SCHEDULER + 724;
const LAST_CHAIN: usize = SCHEDULER + 728;
/** The transaction before which no instance stops going on alone. */
const ALONE_UNTIL: usize = SCHEDULER + 732;
/** i64: gas of the final transactions. */
const GAS: usize = SCHEDULER + 648;
/** Word: fees that the coinbase is owed by final transactions; behind it, whether there are such transactions (`OWED_TOUCH`). */
const OWED: usize = SCHEDULER + 672;
/** Next chunks to settle and to collect, and how many of the stage are not finished. */
const SETTLE_CURSOR: usize = SCHEDULER + 768;
const ACCOUNT_CURSOR: usize = SCHEDULER + 772;
const SLOT_CURSOR: usize = SCHEDULER + 776;
const UNFINISHED: usize = SCHEDULER + 896;
/** Of all instances: executions, and how many of them were repeated, deferred to the frontier, parked behind a hint. */
export const EXECUTIONS: usize = SCHEDULER + 1024;
const REPEATED: usize = SCHEDULER + 1028;
const DEFERRED_COUNT: usize = SCHEDULER + 1032;
const PARKED: usize = SCHEDULER + 1036;

/** Most transactions that may be executed ahead of the frontier: far enough to keep instances busy, near enough to see fresh values. */
const WINDOW: u32 = 512;
/** How many times the lag that is put up with (`LAG`) may be executed ahead. */
const WINDOW_LAGS: u32 = 4;
/** Transactions over which the frontier judges whether instances get in each other's way. */
const SPAN: u32 = 32;
/**
 * Most times that a transaction is broken off for a signer; how many signers are worked out together, and the share of the block's
 * transactions that may wait for some, lest much is done for nothing in a block of a chain.
 */
const MOST_BROKEN_OFF: u32 = 4;
const SIGNERS_AT_ONCE: u32 = 32;
const LEAST_SIGNERS: u32 = 4;
const SIGNERS_SHARE: u32 = 8;
/** Transactions after which others are shown how far the frontier has come, while it moves on. */
const SHOWN: u32 = 8;
/** One goes on alone where the chain has grown by so many in a span with so many aborts, until it grows by less than this. */
const DEPENDENT: u32 = 18;
const NOTABLE_ABORTS: u32 = 4;
const INDEPENDENT: u32 = 12;
/** So many aborts in a span, and one goes on alone for so long, whatever the chain. */
const MOST_ABORTS: u32 = 20;
const ALONE_AT_LEAST: u32 = 256;
/** Most transactions that an instance takes at once, also while few conflict, and the share of those left that it takes. */
const BATCH: u32 = 8;
const QUIET_BATCH: u32 = 16;
const BATCH_SHARE: u32 = 64;
/**
 * An instance passes the frontier over what others have executed only where it lags by so many, or where there is nothing else to do:
 * by few at first and after spans with aborts, so that conflicts show early, then by twice as many after each quiet span without a
 * chain.
 */
const LEAST_LAG: u32 = 16;
const MOST_LAG: u32 = 256;

/** The transactions that this instance has taken and not begun. */
let taken: u32 = 0;
let takenEnd: u32 = 0;
/** Index + 1 of the first of this instance's transactions whose predecessor has been executed. */
let ready: u32 = 0;
/** Index + 1 of the first and last of those taken that are put aside until the batch is through, since a predecessor was not executed. */
let aside: u32 = 0;
let asideLast: u32 = 0;
/** Index + 1 of the last of those that were broken off for a signer, and how many they are. */
let waiting: u32 = 0;
let waitingCount: u32 = 0;
let signersAtOnce: u32 = 0;
/** The transaction that this instance executes, and whether at the frontier. */
let running: u32 = 0;
let atFrontier: bool = false;
/** This instance's share of the counts. */
let executions: u32 = 0;
let parked: u32 = 0;
let counted: bool = false;

/** What tells this instance's states from others'. */
// @ts-ignore: decorator
@inline
function signature(): u32 {
  return <u32>(scratchBase >> 20) << 2;
}

/** Sets up a block of `count` transactions; called by one instance before the others begin. */
export function beginParallel(records: usize, results: usize, count: u32): void {
  memory.fill(SCHEDULER, 0, 1152);
  store<u32>(COUNT, count);
  store<u32>(RECORDS, <u32>records);
  store<u32>(RESULTS, <u32>results);
  store<u32>(LAG, LEAST_LAG);
  const tasks = (allocate(<usize>count * TASK_BYTES + 64) + 63) & ~63;
  store<u32>(TASKS, <u32>tasks);
  beginHints(count);
}

/** Has the block built of candidates. */
export function dropRejected(): void {
  store<u32>(BUILDING, 1);
}

/** Address of the tasks, for the host's access list (src/executor/evm/access-list.ts). */
export function taskList(): usize {
  return load<u32>(TASKS);
}

/** What an instance does before its first `work` in a block. */
export function joinParallel(): void {
  setBlockTotals(0, 0);
  taken = 0;
  takenEnd = 0;
  ready = 0;
  aside = 0;
  waiting = 0;
  waitingCount = 0;
  signersAtOnce = max<u32>(LEAST_SIGNERS, min<u32>(SIGNERS_AT_ONCE, load<u32>(COUNT) / SIGNERS_SHARE));
  beginRecoveries();
  atFrontier = false;
  executions = 0;
  parked = 0;
  counted = false;
  beginChanges();
}

/** Makes transactions up to `end`, which are decoded, known to all instances. */
export function offer(end: u32): void {
  hint(load<u32>(AVAILABLE), end);
  atomic.store<u32>(AVAILABLE, end);
}

/** How many transactions are known and not yet taken. */
export function backlog(): i32 {
  return <i32>load<u32>(AVAILABLE) - <i32>min<u32>(atomic.load<u32>(NEXT), load<u32>(AVAILABLE));
}

// ---- work ----

/** What `work` says: there is more; others have to get on first; the last transaction is final; nothing is left to be done; … */
const MORE: i32 = 0;
const IDLE: i32 = 1;
const EXECUTED_ALL: i32 = 2;
const OVER: i32 = 3;
/** Another instance goes on alone. */
const ELSEWHERE: i32 = 4;

// Stages of a block. Between the first two, the host's instance does what the block does after its last transaction.
const EXECUTING: u32 = 0;
const SETTLING: u32 = 1;
const COLLECTING: u32 = 2;
const FINISHED: u32 = 3;

/** Does up to `most` pieces of work; answers one of the above. */
export function work(most: i32): i32 {
  const stage = atomic.load<u32>(STAGE);
  if (stage != EXECUTING) shareCounts();
  if (stage == FINISHED || atomic.load<u32>(STOPPED)) return OVER;
  if (stage != EXECUTING) {
    let busy = true;
    for (; most > 0 && busy; most--) busy = stage == SETTLING ? settleOne() : collectOne();
    return busy ? MORE : IDLE;
  }
  const count = load<u32>(COUNT);
  for (; most > 0; most--) {
    if (!hasBegun() && isElsewhere()) {
      if (!waiting) return ELSEWHERE;
      resume();
    }
    const busy = takeAndExecute();
    if (atomic.load<u32>(STOPPED)) return OVER;
    if (hasBegun()) continue;
    const lag = atomic.load<u32>(NEXT) - atomic.load<u32>(FRONTIER);
    advance(!busy || lag > load<u32>(LAG));
    if (atomic.load<u32>(FRONTIER) >= count) {
      shareCounts();
      return EXECUTED_ALL;
    }
    if (!busy) return IDLE;
  }
  return MORE;
}

/** Whether this instance has transactions left of those that it has taken. */
// @ts-ignore: decorator
@inline
function hasBegun(): bool {
  return taken != takenEnd || (ready | aside) != 0;
}

/** Whether another instance goes on alone. */
// @ts-ignore: decorator
@inline
function isElsewhere(): bool {
  const alone = atomic.load<u32>(ALONE);
  return alone != 0 && alone != signature();
}

function shareCounts(): void {
  if (counted) return;
  counted = true;
  atomic.add<u32>(EXECUTIONS, executions);
  atomic.add<u32>(PARKED, parked);
}

/** Executes the next transaction there is; answers whether there was one, or one was parked. */
function takeAndExecute(): bool {
  if (waitingCount >= signersAtOnce) resume();
  if (ready) {
    const i = ready - 1;
    ready = load<u32>(task(i), NEXT_WAITER);
    speculate(i);
    return true;
  }
  if (taken == takenEnd) {
    if (aside) {
      const i = aside - 1;
      aside = i + 1 == asideLast ? 0 : load<u32>(task(i), NEXT_WAITER);
      if (!park(i)) speculate(i);
      return true;
    }
    if (!take()) {
      if (!waiting) return false;
      resume();
      return true;
    }
  }
  const i = taken++;
  if (waits(i)) putAside(i);
  else speculate(i);
  return true;
}

/** Whether a transaction that `i` may depend on has not been executed yet. */
// @ts-ignore: decorator
@inline
function waits(i: u32): bool {
  const mine = task(i);
  return isOpen(load<u32>(mine, PREDECESSOR)) || isOpen(load<u32>(mine, SECOND_PREDECESSOR));
}

// @ts-ignore: decorator
@inline
function isOpen(predecessor: u32): bool {
  return predecessor != 0 && atomic.load<u32>(task(predecessor - 1), WAITERS) != CLOSED;
}

/**
 * Leaves `i` for the end of the batch: by then another instance has most likely executed what it waits for, and a batch that stays with
 * one instance is passed over by that one, without lines that another has changed.
 */
function putAside(i: u32): void {
  if (aside) store<u32>(task(asideLast - 1), i + 1, NEXT_WAITER);
  else aside = i + 1;
  asideLast = i + 1;
}

/** Takes some of the next transactions: neighbours, since what one thread has executed it passes over cheaply. */
function take(): bool {
  while (true) {
    const i = atomic.load<u32>(NEXT);
    const end = windowEnd();
    if (i >= end) return false;
    const most = load<u32>(LAG) == MOST_LAG ? QUIET_BATCH : BATCH;
    const share = max<u32>(1, min<u32>(most, (load<u32>(COUNT) - i) / BATCH_SHARE));
    const next = min<u32>(end, i + share);
    if (atomic.cmpxchg<u32>(NEXT, i, next) != i) continue;
    taken = i;
    takenEnd = next;
    return true;
  }
}

/** The transaction up to which those may be taken that are not yet. */
function windowEnd(): u32 {
  const window = atomic.load<u32>(ALONE) ? 1 : min<u32>(WINDOW, load<u32>(LAG) * WINDOW_LAGS);
  return min<u32>(atomic.load<u32>(AVAILABLE), atomic.load<u32>(FRONTIER) + window);
}

/** Leaves transaction `i` with one that it waits for; answers false where those have been executed. */
// @ts-ignore: decorator
@inline
function park(i: u32): bool {
  const mine = task(i);
  return (
    parkBehind(i, load<u32>(mine, PREDECESSOR)) || parkBehind(i, load<u32>(mine, SECOND_PREDECESSOR))
  );
}

function parkBehind(i: u32, predecessor: u32): bool {
  if (!predecessor) return false;
  const other = task(predecessor - 1);
  while (true) {
    const head = atomic.load<u32>(other, WAITERS);
    if (head == CLOSED) return false;
    store<u32>(task(i), head, NEXT_WAITER);
    if (atomic.cmpxchg<u32>(other, head, i + 1, WAITERS) == head) {
      parked++;
      return true;
    }
  }
}

function speculate(i: u32): void {
  running = i;
  viewAmong(<i32>i, 0, 0);
  const times = load<u32>(task(i), BROKEN_OFF);
  allowWaiting(i, times, mayWait(times));
  const rejection = executeTask(i);
  forbidWaiting();
  finishSpeculation(i, rejection ? REJECTED : EXECUTED);
}

/**
 * Whether the transaction may be broken off for a signer: not time and again, not where there is nothing else to do meanwhile, and not
 * where what it asks for is likely to be another signer's, once those before it have run.
 */
function mayWait(times: u32): bool {
  if (times >= MOST_BROKEN_OFF || load<u32>(CONFLICTING)) return false;
  return waiting != 0 || hasBegun() || windowEnd() > atomic.load<u32>(NEXT);
}

/** The host's answer to an exception out of `work`: the running transaction has asked for a signer, which was noted. */
export function postpone(): void {
  forbidWaiting();
  executions--;
  const mine = task(running);
  store<u32>(mine, load<u32>(mine, BROKEN_OFF) + 1, BROKEN_OFF);
  store<u32>(mine, waiting, NEXT_WAITER);
  waiting = running + 1;
  waitingCount++;
}

/** Has the signers worked out that transactions wait for, which may then go on. */
function resume(): void {
  recoverNoted();
  while (waiting) {
    const i = waiting - 1;
    const mine = task(i);
    waiting = load<u32>(mine, NEXT_WAITER);
    store<u32>(mine, ready, NEXT_WAITER);
    ready = i + 1;
  }
  waitingCount = 0;
}

/** Executes transaction `i` and publishes what it read and wrote; answers why it may not be included, or 0. */
function executeTask(i: u32): i32 {
  const mine = task(i);
  executions++;
  const record = <usize>load<u32>(RECORDS) + <usize>i * T_BYTES;
  const rejection = executeTransaction(record, resultOf(i));
  if (rejection || coinbasePaid) setU64(mine + FEE, 0);
  else copy(mine + FEE, unpaidFee());
  publishView(rejection == 0);
  store<u32>(mine, publishedChain, CHAIN);
  store<u32>(mine, <u32>publishedReads, READS);
  store<u32>(mine, publishedReadCount, READ_COUNT);
  store<u32>(mine, <u32>publishedWrites, WRITES);
  store<u32>(mine, publishedWriteCount, WRITE_COUNT);
  return rejection;
}

/** Lets the frontier see the transaction, and takes over those that waited for it. */
function finishSpeculation(i: u32, state: u32): void {
  const mine = task(i);
  atomic.store<u32>(mine, state | signature(), STATE);
  let waiter = atomic.xchg<u32>(mine, CLOSED, WAITERS);
  while (waiter) {
    const other = task(waiter - 1);
    const after = load<u32>(other, NEXT_WAITER);
    if (!park(waiter - 1)) {
      store<u32>(other, ready, NEXT_WAITER);
      ready = waiter;
    }
    waiter = after;
  }
}

/**
 * The host's answer to an exception out of `work`: a speculative execution that could not go on is left to the frontier. Answers false
 * where it happened at the frontier; the block then has to be run in another way, and all instances stop.
 */
export function abandon(): bool {
  forbidWaiting();
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
  return !atomic.load<u32>(STOPPED) && atomic.load<u32>(FRONTIER) >= load<u32>(COUNT);
}

// ---- the frontier ----

/** Moves the frontier as far as it goes, over others' transactions if told, unless another instance is doing that. */
function advance(others: bool): void {
  while (true) {
    const front = atomic.load<u32>(FRONTIER);
    const end = atomic.load<u32>(AVAILABLE);
    if (front >= end || !passable(atomic.load<u32>(task(front), STATE), others)) return;
    if (atomic.load<u32>(LOCK) || atomic.cmpxchg<u32>(LOCK, 0, 1)) return;
    atomic.store<u32>(FRONTIER, moveFrontier(end, others));
    atomic.store<u32>(LOCK, 0);
    if (atomic.load<u32>(STOPPED)) return;
  }
}

// @ts-ignore: decorator
@inline
function passable(signed: u32, others: bool): bool {
  return (signed & STATE_MASK) != NEW && (others || (signed & ~STATE_MASK) == signature());
}

/** Passes transactions as far as it goes; answers up to where. */
function moveFrontier(end: u32, others: bool): u32 {
  let i = atomic.load<u32>(FRONTIER);
  while (i < end && !atomic.load<u32>(STOPPED)) {
    const mine = task(i);
    const signed = atomic.load<u32>(mine, STATE);
    if (!passable(signed, others)) break;
    const state = signed & STATE_MASK;
    let rejected = state == REJECTED;
    let paid = false;
    // Why candidates are rejected is known where they are executed; so the last word is had here.
    if (state == DEFERRED || (rejected && load<u32>(BUILDING)) || !readsStand(i, mine)) {
      const rejection = executeAgain(i, mine, state != EXECUTED);
      rejected = rejection != 0;
      paid = !rejected && coinbasePaid;
      if (rejected && load<u32>(BUILDING)) dropCandidate(resultOf(i), rejection);
    }
    if (!rejected && !fits(i)) {
      rejected = true;
      takeBack(i, mine);
    }
    if (rejected) {
      if (!load<u32>(BUILDING)) {
        stopParallel();
        break;
      }
    } else {
      if (paid) setU64(OWED, 0); // it was added to the balance that was read
      store<u32>(OWED, u32(!paid), OWED_TOUCH);
      add(OWED, OWED, mine + FEE);
      const chain = load<u32>(mine, CHAIN);
      if (chain > load<u32>(LONGEST_CHAIN)) store<u32>(LONGEST_CHAIN, chain);
      if (chain > load<u32>(SPAN_CHAIN)) store<u32>(SPAN_CHAIN, chain);
    }
    i++;
    if (i % SPAN == 0) judge(i);
    if (i == load<u32>(COUNT)) atomic.store<u32>(ALONE, 0);
    if (i % SHOWN == 0) atomic.store<u32>(FRONTIER, i);
  }
  return i;
}

/** Decides after each span whether one instance is to go on alone: this one, which has the frontier. */
function judge(front: u32): void {
  const chain = load<u32>(SPAN_CHAIN);
  const grown = <i32>(chain - load<u32>(LAST_CHAIN));
  const aborts = load<u32>(SPAN_ABORTS);
  store<u32>(LAST_CHAIN, chain);
  store<u32>(SPAN_CHAIN, 0);
  store<u32>(SPAN_ABORTS, 0);
  const lag = load<u32>(LAG);
  const conflicting = u32(aborts >= NOTABLE_ABORTS);
  if (load<u32>(CONFLICTING) != conflicting) store<u32>(CONFLICTING, conflicting);
  if (conflicting) store<u32>(LAG, LEAST_LAG);
  else if (lag < MOST_LAG && grown < <i32>INDEPENDENT) store<u32>(LAG, lag << 1);
  if (atomic.load<u32>(ALONE)) {
    if (grown < <i32>INDEPENDENT && front >= load<u32>(ALONE_UNTIL)) atomic.store<u32>(ALONE, 0);
    return;
  }
  // More than a span can grow by is another chain coming up again.
  const dependent = grown >= <i32>DEPENDENT && grown <= <i32>SPAN && aborts >= NOTABLE_ABORTS;
  if (!dependent && aborts < MOST_ABORTS) return;
  store<u32>(ALONE_UNTIL, dependent ? front : front + ALONE_AT_LEAST);
  atomic.store<u32>(ALONE, signature());
}

/** Whether the transaction would read the same versions again. */
function readsStand(i: u32, mine: usize): bool {
  const reads = <usize>load<u32>(mine, READS);
  const end = reads + ((<usize>load<u32>(mine, READ_COUNT)) << 3);
  for (let at = reads; at < end; at += 8) {
    const tagged = load<u32>(at);
    const location = locationRead(tagged);
    const stands =
      location == <usize>tagged
        ? readNumber(location, i) == load<u32>(at, 4)
        : creditReadStands(tagged, <usize>load<u32>(at, 4), i, words + 1632);
    if (stands) continue;
    noteConflict(location);
    return false;
  }
  return true;
}

/** Executes the transaction with all before it final; what it wrote the first time and not again is taken back. */
function executeAgain(i: u32, mine: usize, deferred: bool): i32 {
  const writes = <usize>load<u32>(mine, WRITES);
  const end = writes + (deferred ? 0 : (<usize>load<u32>(mine, WRITE_COUNT)) << 2);
  if (!deferred) {
    atomic.add<u32>(REPEATED, 1);
    store<u32>(SPAN_ABORTS, load<u32>(SPAN_ABORTS) + 1);
  }
  atFrontier = true;
  viewAmong(<i32>i, 1, OWED);
  setBlockTotals(load<i64>(GAS), load<u32>(BLOBS));
  const rejection = executeTask(i);
  setBlockTotals(0, 0); // ahead of the frontier nobody knows them
  atFrontier = false;
  for (let at = writes; at < end; at += 4) dropVersion(<usize>load<u32>(at), versionNumber(i, 0));
  return rejection;
}

// @ts-ignore: decorator
@inline
function resultOf(i: u32): usize {
  return <usize>load<u32>(RESULTS) + <usize>i * RESULT_BYTES;
}

/** Takes back what a transaction wrote that does not fit the block. */
function takeBack(i: u32, mine: usize): void {
  const writes = <usize>load<u32>(mine, WRITES);
  const end = writes + ((<usize>load<u32>(mine, WRITE_COUNT)) << 2);
  for (let at = writes; at < end; at += 4) {
    dropVersion(<usize>load<u32>(at), versionNumber(i, 0));
    dropVersion(<usize>load<u32>(at), versionNumber(i, 1));
  }
  store<u32>(mine, 0, WRITE_COUNT);
}

/** Whether gas limit and blobs fit what the block has left; counts them, or notes why not. */
function fits(i: u32): bool {
  const record = <usize>load<u32>(RECORDS) + <usize>i * T_BYTES;
  const result = resultOf(i);
  const used = load<i64>(GAS);
  const blobs = load<u32>(BLOBS) + load<u32>(record, T_BLOB_COUNT);
  const left = load<u64>(ENV_GAS_LIMIT) - <u64>used;
  if (load<u64>(record, T_GAS_LIMIT) > left) {
    if (load<u32>(BUILDING)) dropFor(result, REJECT_BLOCK_GAS, left, load<u64>(record, T_GAS_LIMIT));
    return false;
  }
  if (blobs > load<u32>(ENV_MAX_BLOBS)) {
    const leftBlobs = load<u32>(ENV_MAX_BLOBS) - load<u32>(BLOBS);
    if (load<u32>(BUILDING))
      dropFor(result, REJECT_BLOCK_BLOBS, leftBlobs, load<u32>(record, T_BLOB_COUNT));
    return false;
  }
  const total = used + load<i64>(result, R_GAS_USED);
  store<i64>(GAS, total);
  store<i64>(result, total, R_CUMULATIVE_GAS);
  store<u32>(BLOBS, blobs);
  return true;
}

// ---- the block's end ----

/**
 * Lets the host's instance do what follows the last transaction as if it were more transactions (`viewNext`); the address of the word
 * that the coinbase is owed, for `credit`, or 0 where no transaction has left it anything, not even a touch.
 */
export function beginEpilogue(): usize {
  viewAmong(<i32>load<u32>(COUNT), 1, 0);
  return load<u32>(OWED, OWED_TOUCH) ? OWED : 0;
}

/** Has all instances make the newest versions the state and write out what changed. Answers where the changes will begin. */
export function beginSettling(): usize {
  const start = outputEnd();
  const chunks = chunksFrom(ACCOUNT_CHUNKS);
  store<u32>(SETTLE_CURSOR, load<u32>(ACCOUNT_CHUNKS));
  store<u32>(UNFINISHED, chunks);
  atomic.store<u32>(STAGE, chunks ? SETTLING : FINISHED); // without accounts there are no slots either
  return start;
}

function chunksFrom(head: usize): u32 {
  let count: u32 = 0;
  for (let at = load<u32>(head); at; at = load<u32>(at)) count++;
  return count;
}

/** The next chunk that nobody has taken, or 0. */
function takeChunk(cursor: usize): usize {
  while (true) {
    const at = atomic.load<u32>(cursor);
    if (!at || atomic.cmpxchg<u32>(cursor, at, load<u32>(at)) == at) return at;
  }
}

/** Settles a chunk of accounts; answers false where none is left. Accounts come before slots, since a removal drops storage. */
function settleOne(): bool {
  const chunk = takeChunk(SETTLE_CURSOR);
  if (!chunk) return false;
  settleAccounts(chunk);
  if (atomic.sub<u32>(UNFINISHED, 1) == 1) {
    store<u32>(ACCOUNT_CURSOR, load<u32>(ACCOUNT_CHUNKS));
    store<u32>(SLOT_CURSOR, load<u32>(SLOT_CHUNKS));
    store<u32>(UNFINISHED, chunksFrom(ACCOUNT_CHUNKS) + chunksFrom(SLOT_CHUNKS));
    atomic.store<u32>(STAGE, COLLECTING);
  }
  return true;
}

/** Writes the changes of a chunk out, slots first settled; answers false where none is left. */
function collectOne(): bool {
  let chunk = takeChunk(SLOT_CURSOR);
  if (chunk) {
    settleSlots(chunk);
    collectSlots(chunk);
  } else {
    chunk = takeChunk(ACCOUNT_CURSOR);
    if (!chunk) return false;
    collectAccounts(chunk);
  }
  if (atomic.sub<u32>(UNFINISHED, 1) == 1) atomic.store<u32>(STAGE, FINISHED);
  return true;
}

export function parallelGasUsed(): i64 {
  return load<i64>(GAS);
}

export function longestChain(): u32 {
  return load<u32>(LONGEST_CHAIN);
}
