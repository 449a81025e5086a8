/**
 * Multi-version memory (Block-STM, PPoPP 2023): beside what a location holds before the block's first transaction, the value that each
 * transaction has given it, newest first.
 *
 * A version's number tells which transaction wrote it and in which of its two executions: 2 (index + 1) + execution, 0 for the
 * value before the block. A transaction reads the newest version below its own index, and is right if it would read the same
 * numbers once all before it are final.
 */
import { allocate } from "./layout";
import {
  EXISTS,
  isAccountLocation,
  L_BALANCE,
  L_CODE,
  L_FLAGS,
  L_NONCE,
  lockOf,
  removeAccount,
  setAccount,
  setAccountCode,
  setSlotValue,
  slotValue,
  versionsOf,
} from "./locations";
import { copy } from "./u256";

// A version: u32 next older, u32 number, u32 flags, u32 code record, u64 nonce, the balance or value at 32.
const NEXT: usize = 0;
const NUMBER: usize = 4;
const FLAGS: usize = 8;
const CODE: usize = 12;
const NONCE: usize = 16;
const WORD: usize = 32;
const VERSION_BYTES: usize = 64;

/** Flag of a version that removes the account with its storage. */
export const REMOVED: u32 = 2;

// @ts-ignore: decorator
@inline
export function versionNumber(index: i32, execution: u32): u32 {
  return ((<u32>index + 1) << 1) | execution;
}

/** Held for a few loads and stores only. */
function lock(location: usize): void {
  const at = lockOf(location);
  while (atomic.cmpxchg<u32>(at, 0, 1)) {}
}

// @ts-ignore: decorator
@inline
function unlock(location: usize): void {
  atomic.store<u32>(lockOf(location), 0);
}

/** The newest version below transaction `index`, or 0. */
// @ts-ignore: decorator
@inline
function newestBelow(location: usize, index: i32): usize {
  let version = <usize>load<u32>(versionsOf(location));
  while (version && load<u32>(version, NUMBER) >> 1 > <u32>index)
    version = <usize>load<u32>(version, NEXT);
  return version;
}

/** Number of the version that transaction `index` reads now. */
export function readNumber(location: usize, index: i32): u32 {
  if (!atomic.load<u32>(versionsOf(location))) return 0;
  lock(location);
  const version = newestBelow(location, index);
  const number = version ? load<u32>(version, NUMBER) : 0;
  unlock(location);
  return number;
}

/** Flags, code, nonce and balance that transaction `index` reads, to `out` as in a version; answers the number. */
export function readAccountVersion(location: usize, index: i32, out: usize): u32 {
  if (atomic.load<u32>(versionsOf(location))) {
    lock(location);
    const version = newestBelow(location, index);
    if (version) {
      memory.copy(out, version, VERSION_BYTES);
      unlock(location);
      return load<u32>(out, NUMBER);
    }
    unlock(location);
  }
  store<u32>(out, load<u32>(location, L_FLAGS), FLAGS);
  store<u32>(out, load<u32>(location, L_CODE), CODE);
  store<u64>(out, load<u64>(location, L_NONCE), NONCE);
  copy(out + WORD, location + L_BALANCE);
  return 0;
}

/** The slot's value that transaction `index` reads, to `out`; answers the number. */
export function readSlotVersion(location: usize, index: i32, out: usize): u32 {
  if (atomic.load<u32>(versionsOf(location))) {
    lock(location);
    const version = newestBelow(location, index);
    if (version) {
      copy(out, version + WORD);
      const number = load<u32>(version, NUMBER);
      unlock(location);
      return number;
    }
    unlock(location);
  }
  slotValue(location, out);
  return 0;
}

/** Sets what transaction `index` gives the location; a version of its first execution is replaced. */
export function writeVersion(
  location: usize,
  number: u32,
  flags: u32,
  code: u32,
  nonce: u64,
  word: usize,
): void {
  const fresh = allocate(VERSION_BYTES); // taken outside the lock: it may throw
  lock(location);
  const owner = number >> 1;
  let previous = versionsOf(location);
  let version = <usize>load<u32>(previous);
  while (version && load<u32>(version, NUMBER) >> 1 > owner) {
    previous = version + NEXT;
    version = <usize>load<u32>(version, NEXT);
  }
  if (!version || load<u32>(version, NUMBER) >> 1 != owner) {
    const older = version;
    version = fresh;
    store<u32>(version, <u32>older, NEXT);
    fill(version, number, flags, code, nonce, word);
    atomic.store<u32>(previous, <u32>version);
  } else fill(version, number, flags, code, nonce, word);
  unlock(location);
}

function fill(version: usize, number: u32, flags: u32, code: u32, nonce: u64, word: usize): void {
  store<u32>(version, number, NUMBER);
  store<u32>(version, flags, FLAGS);
  store<u32>(version, code, CODE);
  store<u64>(version, nonce, NONCE);
  copy(version + WORD, word);
}

/** Takes back the version with this number, if the location has it. */
export function dropVersion(location: usize, number: u32): void {
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

/** Makes the newest version what the location holds. Accounts have to come before slots, since a removal drops storage. */
export function settleVersions(location: usize): void {
  const newest = <usize>load<u32>(versionsOf(location));
  if (!newest) return;
  store<u32>(versionsOf(location), 0);
  if (!isAccountLocation(location)) return setSlotValue(location, newest + WORD);
  for (let version = newest; version; version = <usize>load<u32>(version, NEXT)) {
    if (load<u32>(version, FLAGS) & REMOVED) removeAccount(location);
  }
  if (load<u32>(newest, FLAGS) & REMOVED) return;
  setAccount(location, load<u32>(newest, FLAGS) & EXISTS, load<u64>(newest, NONCE), newest + WORD);
  const code = load<u32>(newest, CODE);
  if (code && code != load<u32>(location, L_CODE)) setAccountCode(location, code);
}
