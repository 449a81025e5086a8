/**
 * Locations of the state that a block has met: accounts and storage slots, each with the value before the block and the value now.
 *
 * A location enters the table once, with what the host read, and stays to the block's end. Chains are prepended by compare and
 * swap, so that instances look up and insert without a lock.
 */
import {
  allocate,
  allocateAccount,
  allocateSlot,
  bucketMask,
  buckets,
  EMPTY_CODE,
  words,
} from "./layout";
import { hashAddress, hashSlot } from "./hash";
import { codeByHash, isEmptyHash } from "./code";
import { hasStorage, readAccount, readStorage } from "./host";
import { copy, eq, fromBytes, isZero, setU64, toBytes } from "./u256";

// Both kinds. What other instances change while transactions run lies on the first line of 64 bytes, with the key, since whoever looks a
// location up needs both.
const NEXT: usize = 0;
const KIND: usize = 4;
const ACCOUNT: u32 = 1;
const SLOT: u32 = 2;
/** Address limbs, or the slot's key. */
const KEY: usize = 16;
const VERSIONS: usize = 48;
const LOCK: usize = 52;
const CONFLICTS: usize = 56;

// An account. NOW_… change as transactions commit; WAS_… keep the state before the block.
export const L_CODE: usize = 8;
export const L_FLAGS: usize = 12;
export const L_ADDRESS: usize = 16;
export const L_NONCE: usize = 40;
/** 1 once the account's change has been written out. */
export const COLLECTED: usize = 60;
export const L_BALANCE: usize = 64;
export const L_CODE_HASH: usize = 96;
const WAS_FLAGS: usize = 128;
/** Counts how often the storage was dropped in this block; a slot's value counts only where its own epoch is the same. */
const EPOCH: usize = 132;
const WAS_NONCE: usize = 136;
const WAS_BALANCE: usize = 144;
const WAS_CODE_HASH: usize = 176;
/** Before Cancun: record of the account's removals, or 0. */
const REMOVALS: usize = 208;
export const ACCOUNT_BYTES: usize = 256;

/** Flags of an account. */
export const EXISTS: u32 = 1;

// A slot.
const OWNER: usize = 8;
const SLOT_EPOCH: usize = 12;
const VALUE: usize = 64;
const WAS_VALUE: usize = 96;
export const SLOT_BYTES: usize = 128;

// @ts-ignore: decorator
@inline
export function isAccountLocation(location: usize): bool {
  return load<u32>(location, KIND) == ACCOUNT;
}

/** Address of the head of the location's versions (`versions.ts`), and of the lock that guards them. */
// @ts-ignore: decorator
@inline
export function versionsOf(location: usize): usize {
  return location + VERSIONS;
}
// @ts-ignore: decorator
@inline
export function lockOf(location: usize): usize {
  return location + LOCK;
}

/**
 * What stands for all slots of the account at once, laid out as a slot is: its versions are the removals of the account. 0 where
 * there have been none.
 */
// @ts-ignore: decorator
@inline
export function removalsOf(account: usize): usize {
  return <usize>atomic.load<u32>(account, REMOVALS);
}

/** As `removalsOf`, made where there is none. */
export function makeRemovals(account: usize): usize {
  const found = removalsOf(account);
  if (found) return found;
  const fresh = allocate(SLOT_BYTES);
  memory.fill(fresh, 0, SLOT_BYTES);
  store<u32>(fresh, SLOT, KIND);
  store<u32>(fresh, <u32>account, OWNER);
  const first = <usize>atomic.cmpxchg<u32>(account, 0, <u32>fresh, REMOVALS);
  return first ? first : fresh;
}

/** Counts a transaction that had to run again because the location had changed; by one instance at a time. */
export function noteConflict(location: usize): void {
  store<u32>(location, load<u32>(location, CONFLICTS) + 1, CONFLICTS);
}
/** How many there were. */
export function conflictsAt(location: usize): u32 {
  return load<u32>(location, CONFLICTS);
}

// @ts-ignore: decorator
@inline
function addressBytes(): usize {
  return words + 32;
}
// @ts-ignore: decorator
@inline
function keyBytes(): usize {
  return words + 64;
}
// @ts-ignore: decorator
@inline
function answer(): usize {
  return words + 96;
}

/** The 20 big-endian bytes of an address in limbs. */
export function writeAddress(out: usize, limbs: usize): void {
  store<u32>(out, bswap<u32>(load<u32>(limbs, 16)));
  store<u64>(out, bswap<u64>(load<u64>(limbs, 8)), 4);
  store<u64>(out, bswap<u64>(load<u64>(limbs)), 12);
}

/** The limbs (24 bytes) of 20 big-endian bytes. */
export function readAddress(limbs: usize, bytes: usize): void {
  const a2 = <u64>bswap<u32>(load<u32>(bytes));
  const a1 = bswap<u64>(load<u64>(bytes, 4));
  const a0 = bswap<u64>(load<u64>(bytes, 12));
  store<u64>(limbs, a0);
  store<u64>(limbs, a1, 8);
  store<u64>(limbs, a2, 16);
}

/** The account's location; its value before the block is read from the host where it is new. */
export function accountLocation(a0: u64, a1: u64, a2: u64): usize {
  const head = buckets + ((<usize>(hashAddress(a0, a1, a2) & bucketMask)) << 2);
  let first = atomic.load<u32>(head);
  let found = findAccount(first, 0, a0, a1, a2);
  if (found) return found;
  const account = allocateAccount(ACCOUNT_BYTES);
  store<u32>(account, ACCOUNT, KIND);
  store<u64>(account, a0, L_ADDRESS);
  store<u64>(account, a1, L_ADDRESS + 8);
  store<u64>(account, a2, L_ADDRESS + 16);
  readFromHost(account);
  while (true) {
    store<u32>(account, first, NEXT);
    const seen = atomic.cmpxchg<u32>(head, first, <u32>account);
    if (seen == first) return account;
    found = findAccount(seen, first, a0, a1, a2);
    if (found) return found;
    first = seen;
  }
}

/** The account in the chain from `first` up to but not including `end`, or 0. */
function findAccount(first: u32, end: u32, a0: u64, a1: u64, a2: u64): usize {
  for (let at = <usize>first; at != end; at = load<u32>(at, NEXT)) {
    if (
      load<u64>(at, KEY) == a0 &&
      load<u64>(at, KEY + 8) == a1 &&
      load<u32>(at, KIND) == ACCOUNT &&
      load<u64>(at, KEY + 16) == a2
    )
      return at;
  }
  return 0;
}

function readFromHost(account: usize): void {
  writeAddress(addressBytes(), account + L_ADDRESS);
  if (!readAccount(addressBytes(), answer())) {
    copy(account + L_CODE_HASH, EMPTY_CODE);
    copy(account + WAS_CODE_HASH, EMPTY_CODE);
    store<u32>(account, <u32>EMPTY_CODE, L_CODE);
    return;
  }
  store<u32>(account, EXISTS, L_FLAGS);
  store<u32>(account, EXISTS, WAS_FLAGS);
  store<u64>(account, load<u64>(answer()), L_NONCE);
  store<u64>(account, load<u64>(answer()), WAS_NONCE);
  copy(account + L_BALANCE, answer() + 8);
  copy(account + WAS_BALANCE, answer() + 8);
  copy(account + L_CODE_HASH, answer() + 40);
  copy(account + WAS_CODE_HASH, answer() + 40);
  store<u32>(account, isEmptyHash(answer() + 40) ? <u32>EMPTY_CODE : 0, L_CODE);
}

/** The account's present code, read from the host at first need. */
export function locationCode(account: usize): usize {
  let code = <usize>atomic.load<u32>(account, L_CODE);
  if (code == 0) {
    code = codeByHash(account + L_CODE_HASH);
    atomic.store<u32>(account, <u32>code, L_CODE);
  }
  return code;
}

/** Whether the account has storage from before the block (EIP-7610), as far as the location itself knows. */
export function hadStorage(account: usize): bool {
  if (!(load<u32>(account, WAS_FLAGS) & EXISTS) || load<u32>(account, EPOCH)) return false;
  writeAddress(addressBytes(), account + L_ADDRESS);
  return hasStorage(addressBytes()) != 0;
}

/** The slot's location; its value before the block is read from the host where it is new. */
export function slotLocation(account: usize, key: usize): usize {
  return findOrAddSlot(account, key, true);
}

function findOrAddSlot(account: usize, key: usize, read: bool): usize {
  const head = buckets + ((<usize>(hashSlot(account, key) & bucketMask)) << 2);
  let first = atomic.load<u32>(head);
  let found = findSlot(first, 0, account, key);
  if (found) return found;
  const slot = allocateSlot(SLOT_BYTES);
  store<u32>(slot, SLOT, KIND);
  store<u32>(slot, <u32>account, OWNER);
  copy(slot + KEY, key);
  store<u32>(slot, load<u32>(account, EPOCH), SLOT_EPOCH);
  // An account that did not exist before the block, or whose storage the block dropped, has no older storage.
  if (read && load<u32>(account, WAS_FLAGS) & EXISTS && !load<u32>(account, EPOCH)) {
    writeAddress(addressBytes(), account + L_ADDRESS);
    toBytes(keyBytes(), key);
    readStorage(addressBytes(), keyBytes(), answer());
    fromBytes(slot + VALUE, answer());
    copy(slot + WAS_VALUE, slot + VALUE);
  }
  while (true) {
    store<u32>(slot, first, NEXT);
    const seen = atomic.cmpxchg<u32>(head, first, <u32>slot);
    if (seen == first) return slot;
    found = findSlot(seen, first, account, key);
    if (found) return found;
    first = seen;
  }
}

/**
 * Sets a slot whose value before the block nobody asks for, as EIP-2935 and EIP-4788 let clients do in place of a system call. The
 * slot counts as changed whatever it held.
 */
export function storeUnread(account: usize, key: usize, value: usize): void {
  const slot = findOrAddSlot(account, key, false);
  setSlotValue(slot, value);
  for (let i: usize = 0; i < 32; i += 8) store<u64>(slot + i, ~load<u64>(value + i), WAS_VALUE);
}

function findSlot(first: u32, end: u32, account: usize, key: usize): usize {
  for (let at = <usize>first; at != end; at = load<u32>(at, NEXT)) {
    if (load<u32>(at, OWNER) == <u32>account && load<u32>(at, KIND) == SLOT && eq(at + KEY, key))
      return at;
  }
  return 0;
}

/** The slot's present value to `out`. */
export function slotValue(slot: usize, out: usize): void {
  if (load<u32>(slot, SLOT_EPOCH) == load<u32>(<usize>load<u32>(slot, OWNER), EPOCH))
    copy(out, slot + VALUE);
  else setU64(out, 0);
}

/** Sets the slot's present value. */
export function setSlotValue(slot: usize, value: usize): void {
  copy(slot + VALUE, value);
  store<u32>(slot, load<u32>(<usize>load<u32>(slot, OWNER), EPOCH), SLOT_EPOCH);
}

/** Sets what the account is now. */
export function setAccount(account: usize, flags: u32, nonce: u64, balance: usize): void {
  store<u32>(account, flags, L_FLAGS);
  store<u64>(account, nonce, L_NONCE);
  copy(account + L_BALANCE, balance);
}

/** Sets the account's code; `code` is a code record. */
export function setAccountCode(account: usize, code: usize): void {
  copy(account + L_CODE_HASH, code);
  store<u32>(account, <u32>code, L_CODE);
}

/** Makes the account one that does not exist and has no storage. */
export function removeAccount(account: usize): void {
  store<u32>(account, 0, L_FLAGS);
  store<u64>(account, 0, L_NONCE);
  setU64(account + L_BALANCE, 0);
  setAccountCode(account, EMPTY_CODE);
  store<u32>(account, load<u32>(account, EPOCH) + 1, EPOCH);
}

/** Whether the location's record in a chunk is in use; what a lost race or an exception left behind is, and counts as unchanged. */
// @ts-ignore: decorator
@inline
export function isLocation(at: usize): bool {
  return load<u32>(at, KIND) != 0;
}

// @ts-ignore: decorator
@inline
export function slotOwner(slot: usize): usize {
  return load<u32>(slot, OWNER);
}

/** Address of a slot's key. */
// @ts-ignore: decorator
@inline
export function slotKeyOf(slot: usize): usize {
  return slot + KEY;
}

/** Whether all of the storage that the account had before the block was dropped. */
export function storageDropped(account: usize): bool {
  return load<u32>(account, EPOCH) != 0 && (load<u32>(account, WAS_FLAGS) & EXISTS) != 0;
}

export function codeChanged(account: usize): bool {
  return !eq(account + L_CODE_HASH, account + WAS_CODE_HASH);
}

export function accountChanged(account: usize): bool {
  const exists = load<u32>(account, L_FLAGS) & EXISTS;
  if (exists != (load<u32>(account, WAS_FLAGS) & EXISTS)) return true;
  if (!exists) return false;
  return (
    storageDropped(account) ||
    load<u64>(account, L_NONCE) != load<u64>(account, WAS_NONCE) ||
    !eq(account + L_BALANCE, account + WAS_BALANCE) ||
    codeChanged(account)
  );
}

/** Address of a changed slot's value, else 0. */
export function changedValue(slot: usize): usize {
  const account = <usize>load<u32>(slot, OWNER);
  if (!(load<u32>(account, L_FLAGS) & EXISTS)) return 0;
  const epoch = load<u32>(account, EPOCH);
  if (load<u32>(slot, SLOT_EPOCH) != epoch) return 0;
  const same = epoch ? isZero(slot + VALUE) : eq(slot + VALUE, slot + WAS_VALUE);
  return same ? 0 : slot + VALUE;
}
