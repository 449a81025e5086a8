/**
 * Multi-version memory (Block-STM, PPoPP 2023): beside what a location holds before the block's first transaction, the value that each
 * transaction has given it, newest first.
 *
 * A version's number tells which transaction wrote it and in which of its two executions: 2 (index + 1) + execution, 0 for the
 * value before the block. A transaction reads the newest version below its own index, and is right if it would read the same
 * numbers once all before it are final.
 *
 * Until EIP-6780 (Cancun) a transaction may remove any contract with all of its storage. Such a removal is a version of the account and
 * of each of its slots: it is filed once more in a list that all slots of the account share (`removalsOf`), and the newer of that
 * list and the slot's own counts.
 */
import {
  allocateVersion,
  CANCUN,
  CHUNK_BYTES,
  CHUNK_HEADER_BYTES,
  EMPTY_CODE,
  fork,
  words,
} from "./layout";
import {
  ACCOUNT_BYTES,
  EXISTS,
  isAccountLocation,
  isLocation,
  L_BALANCE,
  L_CODE,
  L_NONCE,
  lockOf,
  makeRemovals,
  removalsOf,
  removeAccount,
  setAccount,
  setAccountCode,
  setSlotValue,
  SLOT_BYTES,
  slotOwner,
  versionsOf,
} from "./locations";
import { creditedExists, sumCredits } from "./credits";
import { add, copy, setU64 } from "./u256";

// A version: u32 next older, u32 number, u32 flags, u32 code record, u64 nonce, u32 length of the chain of reads that ends with its
// transaction, u32 how many credits end with this one, the balance or value at 32.
export const NEXT: usize = 0;
export const NUMBER: usize = 4;
export const FLAGS: usize = 8;
export const CODE: usize = 12;
export const NONCE: usize = 16;
export const CHAIN: usize = 24;
export const RUN: usize = 28;
export const WORD: usize = 32;
const VERSION_BYTES: usize = 64;

/** Flag of a version that removes the account with its storage. */
const REMOVED: u32 = 2;
/** Flag of a version that adds its word to the balance and leaves the rest of the account as it is (`credits.ts`). */
export const CREDIT: u32 = 4;

// @ts-ignore: decorator
@inline
export function versionNumber(index: i32, execution: u32): u32 {
  return ((<u32>index + 1) << 1) | execution;
}

/** Held by writers for a few loads and stores. Readers need none: a version never changes once it can be found. */
function lock(location: usize): void {
  const at = lockOf(location);
  while (atomic.cmpxchg<u32>(at, 0, 1)) {}
}

// @ts-ignore: decorator
@inline
function unlock(location: usize): void {
  atomic.store<u32>(lockOf(location), 0);
}

/** The version that transaction `index` reads, the newest below it, or 0 where that is what the location itself holds. */
// @ts-ignore: decorator
@inline
export function newestBelow(location: usize, index: i32): usize {
  let version = <usize>atomic.load<u32>(versionsOf(location));
  while (version && load<u32>(version, NUMBER) >> 1 > <u32>index)
    version = <usize>atomic.load<u32>(version, NEXT);
  return version;
}

/** As `newestBelow`, for a slot: before Cancun it may be a removal of the account, which holds zero. */
// @ts-ignore: decorator
@inline
export function newestOfSlot(slot: usize, index: i32): usize {
  const version = newestBelow(slot, index);
  return fork < CANCUN ? orRemoval(version, slot, index) : version;
}

function orRemoval(version: usize, slot: usize, index: i32): usize {
  const removals = removalsOf(slotOwner(slot));
  if (!removals) return version;
  const removal = newestBelow(removals, index);
  if (!removal || !version) return version | removal;
  return load<u32>(version, NUMBER) > load<u32>(removal, NUMBER) ? version : removal;
}

/** Whether a transaction before `index` has removed the account: before Cancun alone is it known. */
export function removedBelow(account: usize, index: i32): bool {
  const removals = removalsOf(account);
  return removals != 0 && newestBelow(removals, index) != 0;
}

/** Number of the version that transaction `index` reads now. */
// @ts-ignore: decorator
@inline
export function readNumber(location: usize, index: i32): u32 {
  let version = newestBelow(location, index);
  if (fork < CANCUN && !isAccountLocation(location)) version = orRemoval(version, location, index);
  return version ? load<u32>(version, NUMBER) : 0;
}

/** Sets what transaction `index` gives the location; a version of its first execution gives way. */
export function writeVersion(
  location: usize,
  number: u32,
  flags: u32,
  code: u32,
  nonce: u64,
  word: usize,
  chain: u32,
): void {
  insert(location, number, flags, code, nonce, word, chain, 0);
}

/** As `writeVersion`, what transaction `number` adds to the account's balance; others have to look at what is below. */
export function writeCredit(location: usize, number: u32, amount: usize, chain: u32): void {
  const below = newestBelow(location, <i32>(number >> 1) - 1);
  const run = below ? load<u32>(below, RUN) + 1 : 1;
  insert(location, number, CREDIT, <u32>EMPTY_CODE, 0, amount, chain, run);
}

function insert(
  location: usize,
  number: u32,
  flags: u32,
  code: u32,
  nonce: u64,
  word: usize,
  chain: u32,
  run: u32,
): void {
  const fresh = allocateVersion(VERSION_BYTES); // taken outside the lock: it may throw
  store<u32>(fresh, number, NUMBER);
  store<u32>(fresh, flags, FLAGS);
  store<u32>(fresh, code, CODE);
  store<u64>(fresh, nonce, NONCE);
  store<u32>(fresh, chain, CHAIN);
  store<u32>(fresh, run, RUN);
  copy(fresh + WORD, word);
  lock(location);
  const owner = number >> 1;
  let previous = versionsOf(location);
  let version = <usize>load<u32>(previous);
  while (version && load<u32>(version, NUMBER) >> 1 > owner) {
    previous = version + NEXT;
    version = <usize>load<u32>(version, NEXT);
  }
  if (version && load<u32>(version, NUMBER) >> 1 == owner) version = load<u32>(version, NEXT);
  store<u32>(fresh, <u32>version, NEXT);
  atomic.store<u32>(previous, <u32>fresh);
  unlock(location);
}

/** Has transaction `number` remove the account and, before Cancun, whatever its slots hold by then; the scratch word is used. */
export function writeRemoval(account: usize, number: u32, chain: u32): void {
  const zero = words + 1536;
  setU64(zero, 0);
  writeVersion(account, number, REMOVED, <u32>EMPTY_CODE, 0, zero, chain);
  // From Cancun on only what the transaction itself has created is removed, whose slots nobody else has seen.
  if (fork < CANCUN)
    writeVersion(makeRemovals(account), number, REMOVED, <u32>EMPTY_CODE, 0, zero, chain);
}

/** Takes back the version with this number, if the location has it, and what it did to an account's slots. */
export function dropVersion(location: usize, number: u32): void {
  dropFrom(location, number);
  if (!isAccountLocation(location)) return;
  const removals = removalsOf(location);
  if (removals) dropFrom(removals, number);
}

function dropFrom(location: usize, number: u32): void {
  lock(location);
  let previous = versionsOf(location);
  for (
    let version = <usize>load<u32>(previous);
    version;
    version = <usize>load<u32>(version, NEXT)
  ) {
    if (load<u32>(version, NUMBER) == number) {
      atomic.store<u32>(previous, load<u32>(version, NEXT));
      break;
    }
    previous = version + NEXT;
  }
  unlock(location);
}

/** Makes the newest versions of a chunk's accounts what they hold. */
export function settleAccounts(chunk: usize): void {
  const last = chunk + CHUNK_BYTES - ACCOUNT_BYTES;
  for (let at = chunk + CHUNK_HEADER_BYTES; at <= last && isLocation(at); at += ACCOUNT_BYTES) {
    const newest = <usize>load<u32>(versionsOf(at));
    if (newest) settleAccount(at, newest);
  }
}

function settleAccount(account: usize, newest: usize): void {
  for (let version = newest; version; version = <usize>load<u32>(version, NEXT)) {
    if (load<u32>(version, FLAGS) & REMOVED) removeAccount(account);
  }
  const sum = words + 1536;
  const base = sumCredits(newest, sum);
  if (base && !(load<u32>(base, FLAGS) & REMOVED)) {
    setAccount(account, load<u32>(base, FLAGS) & EXISTS, load<u64>(base, NONCE), base + WORD);
    const code = load<u32>(base, CODE);
    if (code && code != load<u32>(account, L_CODE)) setAccountCode(account, code);
  }
  if (base == newest) return;
  add(sum, sum, account + L_BALANCE);
  const nonce = load<u64>(account, L_NONCE);
  setAccount(account, creditedExists(nonce, sum), nonce, sum);
}

/** Makes the newest versions of a chunk's slots what they hold; their accounts have been settled. */
export function settleSlots(chunk: usize): void {
  const last = chunk + CHUNK_BYTES - SLOT_BYTES;
  for (let at = chunk + CHUNK_HEADER_BYTES; at <= last && isLocation(at); at += SLOT_BYTES) {
    const newest = newestOfSlot(at, i32.MAX_VALUE);
    if (newest) setSlotValue(at, newest + WORD);
  }
}
