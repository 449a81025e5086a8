/**
 * One transaction's view of the state: every account, slot and transient slot it has met, with the values it has given them, and
 * the journal that takes changes back (Yellow Paper §6.1; EIP-1153, EIP-2929).
 *
 * The first reading of a location goes to `locations.ts`; all later ones are answered here, so that a transaction never sees two
 * versions of one location. The view is an arena of entries behind a hash index whose slots carry the number of the transaction
 * that filled them: a new transaction costs no clearing.
 */
import {
  allocate,
  BERLIN,
  EMPTY_CODE,
  ENV_COINBASE,
  entries,
  entriesEnd,
  fork,
  journal,
  journalEnd,
  OSAKA,
  PRAGUE,
  SPURIOUS_DRAGON,
  viewIndex,
  viewIndexEnd,
  CANCUN,
  BYZANTIUM,
  ISTANBUL,
  words,
} from "./layout";
import {
  creditChain,
  creditedExists,
  CREDITS_READ_BYTES,
  isCredit,
  READ_CREDITS,
  READ_NO_CODE,
  SUM,
  sumCredits,
  takesCredit,
} from "./credits";
import { hashAddress, hashSlot } from "./hash";
import { defer, limitReached } from "./host";
import {
  accountLocation,
  EXISTS,
  hadStorage,
  L_BALANCE,
  L_CODE,
  L_CODE_HASH,
  L_FLAGS,
  L_NONCE,
  locationCode,
  removeAccount,
  setAccount,
  setAccountCode,
  setSlotValue,
  slotLocation,
  slotValue,
} from "./locations";
import {
  CHAIN as VERSION_CHAIN,
  CODE as VERSION_CODE,
  FLAGS as VERSION_FLAGS,
  NONCE as VERSION_NONCE,
  NUMBER as VERSION_NUMBER,
  newestBelow,
  newestOfSlot,
  removedBelow,
  versionNumber,
  WORD as VERSION_WORD,
  writeCredit,
  writeRemoval,
  writeVersion,
} from "./versions";
import { add, copy, eq, isZero, setU64, sub } from "./u256";

// An entry: u32 kind, u32 location, u32 code or owner, u32 flags, then the key at 16.
const KIND: usize = 0;
const LOCATION: usize = 4;
const CODE: usize = 8;
const OWNER: usize = 8;
const FLAGS: usize = 12;
/** Address limbs (24 bytes) or slot key (32 bytes). */
export const ADDRESS: usize = 16;
const KEY: usize = 16;
const ACCOUNT: u32 = 1;
const SLOT: u32 = 2;
const TRANSIENT: u32 = 3;

// An account.
const NONCE: usize = 40;
export const BALANCE: usize = 48;
const READ_NONCE: usize = 80;
const READ_BALANCE: usize = 88;
const READ_FLAGS: usize = 120;
const ACCOUNT_NUMBER: usize = 124;
const ACCOUNT_BYTES: usize = 128;

// A slot: the value at the transaction's start, and now.
export const ORIGINAL: usize = 48;
export const VALUE: usize = 80;
const SLOT_NUMBER: usize = 112;
const SLOT_BYTES: usize = 120;

// Flags of entries beside EXISTS (1).
const WARM: u32 = 2;
const TOUCHED: u32 = 4;
export const CREATED: u32 = 8;
export const DESTRUCTED: u32 = 16;
const CODE_SET: u32 = 32;
const WRITTEN: u32 = 64;
/** Read with credits: ACCOUNT_NUMBER is the address of a record of them. */
const WITH_CREDITS: u32 = 128;

let generation: u32 = 0;
let indexMask: u32 = 0;
let used: u32 = 0;
let entriesTop: usize = 0;
/** Where the next journal record goes; its value is a checkpoint. */
export let journalTop: usize = 0;

/** Index of the running transaction where transactions run side by side, else -1: locations are then read and written directly. */
let index: i32 = -1;
/** Which execution of it this is: 0 the speculative one, 1 the one with all before it final. */
let execution: u32 = 0;
/** What the coinbase is owed by the transactions before (see `OWED_TOUCH`), or 0; only final executions may look. */
let owed: usize = 0;
/** Behind the word of fees that are owed, u32: not 0 where there has been such a transaction, whatever its fee. */
export const OWED_TOUCH: usize = 32;
/** Length of the longest chain of reads that ends with a version which the transaction has read. */
let chain: u32 = 0;
/** Location of the account that the transaction has paid without reading it, or 0; and how much. */
let credited: usize = 0;
let credit: usize = 0;

/** Runs the next transactions one by one. */
export function viewAlone(): void {
  index = -1;
  operations = 0;
}

/** Runs the next transaction as the one at `position` in the block. */
export function viewAmong(position: i32, which: u32, fees: usize): void {
  index = position;
  execution = which;
  owed = fees;
}

/** Runs what the block does after the transaction that ran last: alone, or as one more with all before it final. */
export function viewNext(): void {
  if (index < 0) return;
  index++;
  execution = 1;
  owed = 0;
}

/** Called once an instance. */
export function initializeView(): void {
  generation = 0;
  resetIndex(1024);
}

function resetIndex(size: u32): void {
  indexMask = size - 1;
  memory.fill(viewIndex, 0, (<usize>size) << 3);
  generation = 1;
}

/** Starts the view of another transaction. */
export function beginView(): void {
  if (generation == 0xffffffff || indexMask > 0xffff) resetIndex(1024);
  else generation++;
  used = 0;
  entriesTop = entries;
  journalTop = journal;
  chain = 0;
  credited = 0;
}

/** Doubles the index and files every entry again. */
function growIndex(): void {
  const size = (indexMask + 1) << 1;
  if (viewIndex + ((<usize>size) << 3) > viewIndexEnd) limitReached(2);
  resetIndex(size);
  for (let e = entries; e < entriesTop; e += entryBytes(e)) {
    let i = entryHash(e) & indexMask;
    while (load<u32>(viewIndex + ((<usize>i) << 3)) == generation) i = (i + 1) & indexMask;
    store<u32>(viewIndex + ((<usize>i) << 3), generation);
    store<u32>(viewIndex + ((<usize>i) << 3), <u32>e, 4);
  }
}

// @ts-ignore: decorator
@inline
function entryBytes(e: usize): usize {
  return load<u32>(e, KIND) == ACCOUNT ? ACCOUNT_BYTES : SLOT_BYTES;
}

function entryHash(e: usize): u32 {
  const kind = load<u32>(e, KIND);
  if (kind == ACCOUNT)
    return hashAddress(load<u64>(e, KEY), load<u64>(e, KEY + 8), load<u64>(e, KEY + 16));
  return hashSlot(<usize>load<u32>(e, OWNER) | (kind == SLOT ? 0 : 1), e + KEY);
}

/** A new entry at index slot `at`. */
function newEntry(at: usize, kind: u32, bytes: usize): usize {
  if (entriesTop + bytes > entriesEnd) limitReached(2);
  const e = entriesTop;
  entriesTop += bytes;
  used++;
  store<u32>(at, generation);
  store<u32>(at, <u32>e, 4);
  store<u32>(e, kind, KIND);
  return e;
}

/** Whether an address is a precompiled contract of the fork: 1 … 9 (… 0x11 from Prague), 0x100 from Osaka. */
export function precompileId(a0: u64, a1: u64, a2: u64): i32 {
  if ((a1 | a2) != 0 || a0 > 0x100 || a0 == 0) return 0;
  const last: u64 =
    fork >= PRAGUE
      ? 0x11
      : fork >= CANCUN
        ? 0x0a
        : fork >= ISTANBUL
          ? 9
          : fork >= BYZANTIUM
            ? 8
            : 4;
  return a0 <= last || (a0 == 0x100 && fork >= OSAKA) ? <i32>a0 : 0;
}

/** The account's entry, which may not have been read yet: enough to ask whether it is warm. */
export function accountKey(a0: u64, a1: u64, a2: u64): usize {
  const hash = hashAddress(a0, a1, a2);
  let i = hash & indexMask;
  while (true) {
    const at = viewIndex + ((<usize>i) << 3);
    if (load<u32>(at) != generation) {
      const e = newEntry(at, ACCOUNT, ACCOUNT_BYTES);
      store<u64>(e, a0, ADDRESS);
      store<u64>(e, a1, ADDRESS + 8);
      store<u64>(e, a2, ADDRESS + 16);
      store<u32>(e, 0, LOCATION);
      store<u32>(e, fork >= BERLIN && precompileId(a0, a1, a2) ? WARM : 0, FLAGS);
      if (used << 1 > indexMask) growIndex();
      return e;
    }
    const e = <usize>load<u32>(at, 4);
    if (
      load<u64>(e, ADDRESS) == a0 &&
      load<u64>(e, ADDRESS + 8) == a1 &&
      load<u32>(e, KIND) == ACCOUNT &&
      load<u64>(e, ADDRESS + 16) == a2
    )
      return e;
    i = (i + 1) & indexMask;
  }
}

/** As `accountKey`, for the address in the low 160 bits of a word. */
// @ts-ignore: decorator
@inline
export function accountKeyOfWord(word: usize): usize {
  return accountKey(load<u64>(word), load<u64>(word, 8), load<u64>(word, 16) & 0xffffffff);
}

/** Reads the account behind an entry, unless it has been read. */
// @ts-ignore: decorator
@inline
export function readAccountEntry(e: usize): void {
  if (!load<u32>(e, LOCATION)) loadAccount(e);
}

/** The account's entry, read. */
export function account(a0: u64, a1: u64, a2: u64): usize {
  const e = accountKey(a0, a1, a2);
  readAccountEntry(e);
  return e;
}

/** As `account`, for the address in the low 160 bits of a word. */
export function accountOfWord(word: usize): usize {
  const e = accountKeyOfWord(word);
  readAccountEntry(e);
  return e;
}

/** Reads the account's present value into its entry. */
function loadAccount(e: usize): void {
  const location = accountLocation(
    load<u64>(e, ADDRESS),
    load<u64>(e, ADDRESS + 8),
    load<u64>(e, ADDRESS + 16),
  );
  if (index >= 0) return loadVersion(e, location);
  store<u32>(e, <u32>location, LOCATION);
  store<u32>(e, load<u32>(location, L_CODE), CODE);
  setRead(e, load<u32>(location, L_FLAGS), load<u64>(location, L_NONCE), location + L_BALANCE);
}

function setRead(e: usize, flags: u32, nonce: u64, balance: usize): void {
  store<u32>(e, load<u32>(e, FLAGS) | flags, FLAGS);
  store<u32>(e, flags, READ_FLAGS);
  store<u64>(e, nonce, NONCE);
  store<u64>(e, nonce, READ_NONCE);
  copy(e + BALANCE, balance);
  copy(e + READ_BALANCE, balance);
}

/** As `loadAccount`, from the multi-version memory. */
function loadVersion(e: usize, location: usize): void {
  const coinbase = isCoinbase(e);
  if (coinbase && execution == 0) defer();
  const version = newestBelow(location, index);
  store<u32>(e, <u32>location, LOCATION);
  if (isCredit(version)) loadCredits(e, location, version);
  else if (version) {
    store<u32>(e, load<u32>(version, VERSION_NUMBER), ACCOUNT_NUMBER);
    store<u32>(e, load<u32>(version, VERSION_CODE), CODE);
    chain = max<u32>(chain, load<u32>(version, VERSION_CHAIN));
    const flags = load<u32>(version, VERSION_FLAGS) & EXISTS;
    setRead(e, flags, load<u64>(version, VERSION_NONCE), version + VERSION_WORD);
  } else {
    store<u32>(e, 0, ACCOUNT_NUMBER);
    store<u32>(e, load<u32>(location, L_CODE), CODE);
    setRead(e, load<u32>(location, L_FLAGS), load<u64>(location, L_NONCE), location + L_BALANCE);
  }
  if (coinbase && owed && load<u32>(owed, OWED_TOUCH)) payOwed(e);
}

/** Brings the coinbase's account to where the transactions before have left it without looking at it. */
function payOwed(e: usize): void {
  add(e + BALANCE, e + BALANCE, owed);
  if (fork < SPURIOUS_DRAGON) store<u32>(e, load<u32>(e, FLAGS) | EXISTS, FLAGS);
  // Empty and paid nothing, it has been removed (EIP-161); main net has no such coinbase, so that the block may as well run serially.
  else if (load<u32>(e, FLAGS) & EXISTS && isEmpty(e)) defer();
}

/** As `loadVersion`, of an account that was given credits, the newest of which is `version`. */
function loadCredits(e: usize, location: usize, version: usize): void {
  const noted = allocate(CREDITS_READ_BYTES);
  const sum = noted + SUM;
  const base = sumCredits(version, sum);
  chain = max<u32>(chain, creditChain);
  if (base) chain = max<u32>(chain, load<u32>(base, VERSION_CHAIN));
  store<u32>(noted, base ? load<u32>(base, VERSION_NUMBER) : 0);
  store<u32>(e, <u32>noted, ACCOUNT_NUMBER);
  store<u32>(e, load<u32>(e, FLAGS) | WITH_CREDITS, FLAGS);
  store<u32>(e, base ? load<u32>(base, VERSION_CODE) : load<u32>(location, L_CODE), CODE);
  const nonce = base ? load<u64>(base, VERSION_NONCE) : load<u64>(location, L_NONCE);
  const balance = words + 1536;
  add(balance, base ? base + VERSION_WORD : location + L_BALANCE, sum);
  setRead(e, creditedExists(nonce, balance), nonce, balance);
}

function isCoinbase(e: usize): bool {
  return sameAddress(e + ADDRESS, ENV_COINBASE);
}

/** Of limbs, or of words that hold nothing but an address. */
// @ts-ignore: decorator
@inline
function sameAddress(a: usize, b: usize): bool {
  return (
    load<u64>(a) == load<u64>(b) &&
    load<u64>(a, 8) == load<u64>(b, 8) &&
    load<u64>(a, 16) == load<u64>(b, 16)
  );
}

/**
 * Pays `amount` to an account without code by a credit (`credits.ts`), where transactions run side by side and nothing but the sender's
 * account has been read; answers whether it did. `to` is an address as a word.
 */
export function creditUnread(sender: usize, to: usize, amount: usize): bool {
  if (index < 0 || fork < SPURIOUS_DRAGON || isZero(amount)) return false;
  if (sameAddress(to, sender + ADDRESS) || sameAddress(to, ENV_COINBASE)) return false;
  const a0 = load<u64>(to);
  const a1 = load<u64>(to, 8);
  const a2 = load<u64>(to, 16);
  if (precompileId(a0, a1, a2)) return false;
  const location = accountLocation(a0, a1, a2);
  if (!takesCredit(location, index)) return false;
  credited = location;
  credit = amount;
  return true;
}

/**
 * Pays the coinbase. Where transactions run side by side, one that has not looked at its account leaves the fee to be added later:
 * else each would have to wait for the one before. Answers whether it was paid here.
 */
export function payCoinbase(fee: usize): bool {
  const e = accountKeyOfWord(ENV_COINBASE);
  if (index >= 0 && !load<u32>(e, LOCATION)) return false;
  readAccountEntry(e);
  addBalance(e, fee);
  return true;
}

/** The entry of a storage slot, which may not have been read yet; `key` is a word. */
export function slotKey(owner: usize, key: usize): usize {
  return find(owner, key, SLOT);
}

/** Reads the slot behind an entry, unless it has been read. */
// @ts-ignore: decorator
@inline
export function readSlotEntry(e: usize): void {
  if (!load<u32>(e, LOCATION)) loadSlot(e);
}

function loadSlot(e: usize): void {
  const owner = <usize>load<u32>(e, OWNER);
  readAccountEntry(owner);
  const location = slotLocation(<usize>load<u32>(owner, LOCATION), e + KEY);
  store<u32>(e, <u32>location, LOCATION);
  const version = index >= 0 ? newestOfSlot(location, index) : 0;
  if (version) {
    copy(e + ORIGINAL, version + VERSION_WORD);
    store<u32>(e, load<u32>(version, VERSION_NUMBER), SLOT_NUMBER);
    chain = max<u32>(chain, load<u32>(version, VERSION_CHAIN));
  } else {
    slotValue(location, e + ORIGINAL);
    store<u32>(e, 0, SLOT_NUMBER);
  }
  copy(e + VALUE, e + ORIGINAL);
}

/** The entry of a transient slot (EIP-1153), zero at the transaction's start. */
export function transientSlot(owner: usize, key: usize): usize {
  return find(owner, key, TRANSIENT);
}

function find(owner: usize, key: usize, kind: u32): usize {
  const hash = hashSlot(owner | (kind == SLOT ? 0 : 1), key);
  let i = hash & indexMask;
  while (true) {
    const at = viewIndex + ((<usize>i) << 3);
    if (load<u32>(at) != generation) {
      const e = newEntry(at, kind, SLOT_BYTES);
      store<u32>(e, <u32>owner, OWNER);
      store<u32>(e, 0, FLAGS);
      copy(e + KEY, key);
      store<u32>(e, 0, LOCATION);
      if (kind == TRANSIENT) setU64(e + VALUE, 0);
      if (used << 1 > indexMask) growIndex();
      return e;
    }
    const e = <usize>load<u32>(at, 4);
    if (load<u32>(e, OWNER) == <u32>owner && load<u32>(e, KIND) == kind && eq(e + KEY, key))
      return e;
    i = (i + 1) & indexMask;
  }
}

// ---- journal: 48-byte records, u32 kind, u32 entry, the old value (of flags: those newly set) at 16 ----

const J_FLAGS: u32 = 0;
const J_NONCE: u32 = 1;
const J_BALANCE: u32 = 2;
const J_CODE: u32 = 3;
const J_VALUE: u32 = 4;
const RECORD_BYTES: usize = 48;

function record(kind: u32, e: usize): usize {
  const at = journalTop;
  if (at + RECORD_BYTES > journalEnd) limitReached(3);
  journalTop = at + RECORD_BYTES;
  store<u32>(at, kind);
  store<u32>(at, <u32>e, 4);
  return at + 16;
}

/** Takes back every change since the checkpoint. */
export function revertTo(checkpoint: usize): void {
  while (journalTop > checkpoint) {
    journalTop -= RECORD_BYTES;
    const kind = load<u32>(journalTop);
    const e = <usize>load<u32>(journalTop, 4);
    const old = journalTop + 16;
    if (kind == J_FLAGS) store<u32>(e, load<u32>(e, FLAGS) & ~load<u32>(old), FLAGS);
    else if (kind == J_NONCE) store<u64>(e, load<u64>(old), NONCE);
    else if (kind == J_BALANCE) copy(e + BALANCE, old);
    else if (kind == J_CODE) store<u32>(e, load<u32>(old), CODE);
    else copy(e + VALUE, old);
  }
}

/** Sets flags of an entry, journaled. */
export function setFlags(e: usize, bits: u32): void {
  const old = load<u32>(e, FLAGS);
  if ((old & bits) == bits) return;
  store<u32>(record(J_FLAGS, e), bits & ~old);
  store<u32>(e, old | bits, FLAGS);
}

// @ts-ignore: decorator
@inline
export function hasFlags(e: usize, bits: u32): bool {
  return (load<u32>(e, FLAGS) & bits) == bits;
}

/** Whether the entry was cold; it is warm from now on (EIP-2929). */
// @ts-ignore: decorator
@inline
export function makeWarm(e: usize): bool {
  if (load<u32>(e, FLAGS) & WARM) return false;
  setFlags(e, WARM);
  return true;
}

/**
 * Notes that the account took part in a transfer or call. Before EIP-161 that brings it into being; from it on, an account touched
 * and empty is removed at the transaction's end. The touch of address 3 outlives reverts, as it did in mainnet block 2 675 119.
 */
export function touch(e: usize): void {
  if (load<u32>(e, FLAGS) & TOUCHED) return;
  if (
    load<u64>(e, ADDRESS) == 3 &&
    (load<u64>(e, ADDRESS + 8) | load<u64>(e, ADDRESS + 16)) == 0 &&
    fork >= SPURIOUS_DRAGON
  )
    store<u32>(e, load<u32>(e, FLAGS) | TOUCHED, FLAGS);
  else setFlags(e, fork < SPURIOUS_DRAGON ? TOUCHED | EXISTS : TOUCHED);
}

// ---- accounts ----

// @ts-ignore: decorator
@inline
export function nonceOf(e: usize): u64 {
  return load<u64>(e, NONCE);
}

export function setNonce(e: usize, nonce: u64): void {
  touch(e);
  store<u64>(record(J_NONCE, e), load<u64>(e, NONCE));
  store<u64>(e, nonce, NONCE);
}

/** Address of the balance word; not to be written through. */
// @ts-ignore: decorator
@inline
export function balanceOf(e: usize): usize {
  return e + BALANCE;
}

export function addBalance(e: usize, amount: usize): void {
  touch(e);
  if (isZero(amount)) return;
  copy(record(J_BALANCE, e), e + BALANCE);
  add(e + BALANCE, e + BALANCE, amount);
}

/** The caller has made sure that the balance suffices. */
export function subtractBalance(e: usize, amount: usize): void {
  if (isZero(amount)) return;
  touch(e);
  copy(record(J_BALANCE, e), e + BALANCE);
  sub(e + BALANCE, e + BALANCE, amount);
}

/** The account's code record. */
export function codeOf(e: usize): usize {
  const code = <usize>load<u32>(e, CODE);
  if (code) return code;
  const read = locationCode(<usize>load<u32>(e, LOCATION));
  store<u32>(e, <u32>read, CODE);
  return read;
}

// @ts-ignore: decorator
@inline
export function hasCode(e: usize): bool {
  return load<u32>(e, CODE) != <u32>EMPTY_CODE;
}

/** Address of the 32-byte code hash. */
export function codeHashOf(e: usize): usize {
  const code = <usize>load<u32>(e, CODE);
  return code ? code : <usize>load<u32>(e, LOCATION) + L_CODE_HASH;
}

export function setCode(e: usize, code: usize): void {
  touch(e);
  setFlags(e, CODE_SET);
  store<u32>(record(J_CODE, e), load<u32>(e, CODE));
  store<u32>(e, <u32>code, CODE);
}

/** Whether the account exists now: it did before, or the transaction has given it something. */
export function exists(e: usize): bool {
  return (load<u32>(e, FLAGS) & EXISTS) != 0 || !isEmpty(e);
}

/** Empty in the sense of EIP-161; an account that does not exist is empty too. */
// @ts-ignore: decorator
@inline
export function isEmpty(e: usize): bool {
  return load<u64>(e, NONCE) == 0 && !hasCode(e) && isZero(e + BALANCE);
}

/** Whether the account has storage from before the block that no earlier transaction has removed (EIP-7610). */
export function hasOldStorage(e: usize): bool {
  const location = <usize>load<u32>(e, LOCATION);
  return !(index >= 0 && removedBelow(location, index)) && hadStorage(location);
}

/** Sets a slot's value, storage or transient. */
export function setValue(e: usize, value: usize): void {
  copy(record(J_VALUE, e), e + VALUE);
  store<u32>(e, load<u32>(e, FLAGS) | WRITTEN, FLAGS);
  copy(e + VALUE, value);
}

// ---- the transaction's end ----

/** Settles self-destructs and empty accounts (EIP-161) and makes the view the present state, or its versions those of its turn. */
export function commitView(): void {
  if (index >= 0) {
    publishView(true);
    const noted = allocate(16);
    store<u32>(noted, <u32>operations);
    store<u32>(noted, <u32>publishedReads, 4);
    store<u32>(noted, publishedReadCount, 8);
    operations = noted;
    return;
  }
  for (let e = entries; e < entriesTop; e += entryBytes(e)) {
    const kind = load<u32>(e, KIND);
    const flags = load<u32>(e, FLAGS);
    if (kind == ACCOUNT) {
      if (load<u32>(e, LOCATION)) commitAccount(e, flags);
    } else if (kind == SLOT && flags & WRITTEN) {
      // Owners precede their slots in the arena, so that a removal has been settled by now.
      if (hasFlags(<usize>load<u32>(e, OWNER), DESTRUCTED) || eq(e + ORIGINAL, e + VALUE)) continue;
      setSlotValue(<usize>load<u32>(e, LOCATION), e + VALUE);
    }
  }
}

/** Whether the account exists once the transaction has ended: a touched one that is empty does not (EIP-161). */
// @ts-ignore: decorator
@inline
function existsAtEnd(e: usize, flags: u32): u32 {
  if (fork < SPURIOUS_DRAGON) return flags & EXISTS;
  return isEmpty(e) ? 0 : EXISTS;
}

/**
 * Whether the transaction removes the account with its storage: it destroyed itself, or was there, empty, and has been touched. Since
 * Paris there are no such empty accounts (EIP-7523).
 */
// @ts-ignore: decorator
@inline
function isRemoved(e: usize, flags: u32): bool {
  if (flags & DESTRUCTED) return true;
  if (fork >= CANCUN || !(flags & TOUCHED) || !(load<u32>(e, READ_FLAGS) & EXISTS)) return false;
  return !existsAtEnd(e, flags);
}

function commitAccount(e: usize, flags: u32): void {
  const location = <usize>load<u32>(e, LOCATION);
  if (isRemoved(e, flags)) return removeAccount(location);
  if (!(flags & TOUCHED)) return;
  const now = existsAtEnd(e, flags);
  if (
    now != (load<u32>(e, READ_FLAGS) & EXISTS) ||
    load<u64>(e, NONCE) != load<u64>(e, READ_NONCE) ||
    !eq(e + BALANCE, e + READ_BALANCE)
  )
    setAccount(location, now, load<u64>(e, NONCE), e + BALANCE);
  if (flags & CODE_SET) setAccountCode(location, <usize>load<u32>(e, CODE));
}

// ---- publishing, where transactions run side by side ----

/**
 * What the last `publishView` has left: pairs of u32 location and version number read (of credits, see `credits.ts`), and u32 locations
 * written.
 */
export let publishedReads: usize = 0;
export let publishedReadCount: u32 = 0;
export let publishedWrites: usize = 0;
export let publishedWriteCount: u32 = 0;
/** What was read after the block's last transaction, an entry an operation: u32 entry before, u32 reads, u32 their number. */
export let operations: usize = 0;
/** Length of the chain of reads that ends with this transaction. */
export let publishedChain: u32 = 0;

/** Notes what was read and, unless the transaction is not to be included, makes what it wrote visible to those after it. */
export function publishView(included: bool): void {
  const most = <usize>used + 1;
  publishedReads = allocate(most * 12);
  publishedWrites = publishedReads + (most << 3);
  publishedChain = chain + 1;
  let reads = publishedReads;
  let writes = publishedWrites;
  const number = versionNumber(index, execution);
  for (let e = entries; e < entriesTop; e += entryBytes(e)) {
    const kind = load<u32>(e, KIND);
    const location = <usize>load<u32>(e, LOCATION);
    if (kind == TRANSIENT || !location) continue;
    const credits = kind == ACCOUNT && load<u32>(e, FLAGS) & WITH_CREDITS ? READ_CREDITS : 0;
    store<u32>(reads, <u32>location | credits);
    store<u32>(reads, load<u32>(e + (kind == ACCOUNT ? ACCOUNT_NUMBER : SLOT_NUMBER)), 4);
    reads += 8;
    if (
      !included ||
      !(kind == ACCOUNT ? publishAccount(e, location, number) : publishSlot(e, location, number))
    )
      continue;
    store<u32>(writes, <u32>location);
    writes += 4;
  }
  if (credited) {
    store<u32>(reads, <u32>credited | READ_NO_CODE);
    reads += 8;
    if (included) {
      writeCredit(credited, number, credit, publishedChain);
      store<u32>(writes, <u32>credited);
      writes += 4;
    }
  }
  publishedReadCount = <u32>((reads - publishedReads) >> 3);
  publishedWriteCount = <u32>((writes - publishedWrites) >> 2);
}

function publishAccount(e: usize, location: usize, number: u32): bool {
  const flags = load<u32>(e, FLAGS);
  if (isRemoved(e, flags)) {
    writeRemoval(location, number, publishedChain);
    return true;
  }
  if (!(flags & TOUCHED)) return false;
  const now = existsAtEnd(e, flags);
  if (
    now == (load<u32>(e, READ_FLAGS) & EXISTS) &&
    load<u64>(e, NONCE) == load<u64>(e, READ_NONCE) &&
    eq(e + BALANCE, e + READ_BALANCE) &&
    !(flags & CODE_SET)
  )
    return false;
  const nonce = load<u64>(e, NONCE);
  writeVersion(location, number, now, load<u32>(e, CODE), nonce, e + BALANCE, publishedChain);
  return true;
}

function publishSlot(e: usize, location: usize, number: u32): bool {
  if (!(load<u32>(e, FLAGS) & WRITTEN) || eq(e + ORIGINAL, e + VALUE)) return false;
  if (hasFlags(<usize>load<u32>(e, OWNER), DESTRUCTED)) return false;
  writeVersion(location, number, 0, 0, 0, e + VALUE, publishedChain);
  return true;
}
