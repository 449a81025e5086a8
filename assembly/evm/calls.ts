/**
 * Calls, creations and self-destruction (Yellow Paper §7, §8, appendix H.2; EIPs where named).
 *
 * Each works on the frame record into which the interpreter has put its registers, and answers whether the frame lives on. A call
 * that enters code leaves a new frame behind in `current`.
 */
import {
  analyse,
  bitmapBytes,
  codeBytes,
  codeFromBytes,
  codeLength,
  readDelegate,
  isDelegation,
  jumpDestinations,
  PADDING,
  runnable,
} from "./code";
import {
  depthOf,
  extent,
  F_ADDRESS,
  F_CALLER,
  F_CHECKPOINT,
  F_CODE,
  F_CODE_BYTES,
  F_CREATES,
  F_GAS,
  F_INPUT,
  F_INPUT_BYTES,
  F_JUMPS,
  F_LOGS,
  F_MEMORY,
  F_MEMORY_BYTES,
  F_OUT,
  F_ORIGINAL,
  F_OUT_BYTES,
  F_PC,
  F_REFUND,
  F_SELF,
  F_SP,
  F_STACK,
  F_STATIC,
  F_VALUE,
  grow,
  growthGas,
} from "./frame";
import {
  CALL_STIPEND,
  CALL_VALUE,
  CODE_BYTE,
  COLD_ACCOUNT,
  COLD_ACCOUNT_EXTRA,
  INITCODE_WORD,
  KECCAK_WORD,
  MAX_CODE_BYTES,
  MAX_INITCODE_BYTES,
  NEW_ACCOUNT,
  SELFDESTRUCT_REFUND,
  WARM_ACCESS,
  wordGas,
} from "./gas";
import { keccak } from "./hash";
import { limitReached } from "./host";
import {
  BERLIN,
  CANCUN,
  EMPTY_CODE,
  fork,
  FRAME_BYTES,
  HOMESTEAD,
  LONDON,
  MAX_DEPTH,
  memoriesEnd,
  PRAGUE,
  returned,
  returnedEnd,
  SHANGHAI,
  SPURIOUS_DRAGON,
  TANGERINE_WHISTLE,
  words,
} from "./layout";
import { writeAddress } from "./locations";
import { logsTop, setLogsTop } from "./logs";
import { runPrecompile } from "./precompiles";
import {
  accountKey,
  accountKeyOfWord,
  accountOfWord,
  addBalance,
  ADDRESS,
  balanceOf,
  codeOf,
  CREATED,
  DESTRUCTED,
  exists,
  hasCode,
  hasFlags,
  hasOldStorage,
  isEmpty,
  journalTop,
  makeWarm,
  nonceOf,
  precompileId,
  readAccountEntry,
  revertTo,
  setCode,
  setFlags,
  setNonce,
  subtractBalance,
  touch,
} from "./state";
import { copy, fits64, fromBytes, isZero, lt, setU64, toBytes } from "./u256";

/** How a frame ended. */
export const SUCCESS: i32 = 1;
export const REVERTED: i32 = 2;
/** Exceptional halt: all gas of the frame is gone. */
export const FAILED: i32 = 3;

/** The running frame. */
export let current: usize = 0;
/** Refund counter of the transaction. */
export let refund: i64 = 0;
/** Length of the return data at `returned`. */
export let returnedBytes: usize = 0;

// @ts-ignore: decorator
@inline
function scratchHash(): usize {
  return words + 256;
}
// @ts-ignore: decorator
@inline
function scratchBytes(): usize {
  return words + 288;
}
// @ts-ignore: decorator
@inline
function scratchWord(): usize {
  return words + 416;
}

export function addRefund(amount: i64): void {
  refund += amount;
}

/** Before a transaction's first frame. */
export function beginCalls(root: usize): void {
  current = root;
  refund = 0;
  returnedBytes = 0;
}

/** Pushes 0 or 1 on the frame's stack. */
function push(frame: usize, value: u64): void {
  const sp = <usize>load<u32>(frame, F_SP);
  setU64(sp, value);
  store<u32>(frame, <u32>(sp + 32), F_SP);
}

/** Sets what every new frame begins with, but for its code; its stack and memory follow those of `caller`. */
function openFrame(frame: usize, stack: usize, memoryBase: usize, gas: i64, self: usize): void {
  store<u32>(frame, <u32>stack, F_SP);
  store<u32>(frame, <u32>stack, F_STACK);
  store<u32>(frame, <u32>memoryBase, F_MEMORY);
  store<u32>(frame, 0, F_MEMORY_BYTES);
  store<i64>(frame, gas, F_GAS);
  store<u32>(frame, <u32>self, F_SELF);
  copy(frame + F_ADDRESS, self + ADDRESS);
  store<u64>(frame, 0, F_ADDRESS + 24);
}

/** Notes where to return to if the frame fails. */
export function mark(frame: usize): void {
  store<u32>(frame, <u32>journalTop, F_CHECKPOINT);
  store<u32>(frame, <u32>logsTop, F_LOGS);
  store<i64>(frame, refund, F_REFUND);
}

/** Takes back everything since `mark`. */
function takeBack(frame: usize): void {
  revertTo(load<u32>(frame, F_CHECKPOINT));
  setLogsTop(load<u32>(frame, F_LOGS));
  refund = load<i64>(frame, F_REFUND);
}

/** Points the frame at a code record. */
export function setFrameCode(frame: usize, code: usize): void {
  setFrameBytes(frame, codeBytes(code), codeLength(code), jumpDestinations(code), runnable(code));
}

function setFrameBytes(
  frame: usize,
  original: usize,
  bytes: usize,
  jumps: usize,
  runs: usize,
): void {
  store<u32>(frame, <u32>original, F_ORIGINAL);
  store<u32>(frame, <u32>bytes, F_CODE_BYTES);
  store<u32>(frame, <u32>jumps, F_JUMPS);
  store<u32>(frame, <u32>runs, F_CODE);
  store<u32>(frame, <u32>runs, F_PC);
}

/** Prepares init code at the beginning of the frame's memory area, and moves the frame's memory behind it. */
export function setFrameInitcode(frame: usize, code: usize, bytes: usize): void {
  const jumps = <usize>load<u32>(frame, F_MEMORY);
  const runs = jumps + bitmapBytes(bytes);
  const end = (runs + bytes + PADDING + 31) & ~31;
  if (end > memoriesEnd) limitReached(1);
  memory.copy(runs, code, bytes);
  analyse(code, <u32>bytes, jumps, runs);
  memory.fill(runs + bytes, 0, end - runs - bytes);
  setFrameBytes(frame, code, bytes, jumps, runs);
  store<u32>(frame, <u32>end, F_MEMORY);
}

/** The entry, not yet read, of the account that a delegation designator names (EIP-7702). */
export function delegate(code: usize): usize {
  const limbs = scratchWord();
  readDelegate(limbs, code);
  return accountKey(load<u64>(limbs), load<u64>(limbs, 8), load<u64>(limbs, 16));
}

const CALL: i32 = 0xf1;
const CALLCODE: i32 = 0xf2;
const DELEGATECALL: i32 = 0xf4;
const STATICCALL: i32 = 0xfa;

/** CALL, CALLCODE, DELEGATECALL, STATICCALL. */
export function call(frame: usize, op: i32): bool {
  const sp = <usize>load<u32>(frame, F_SP);
  let gas = load<i64>(frame, F_GAS);
  const carriesValue = op == CALL || op == CALLCODE;
  const value = sp - 96;
  const span = carriesValue ? sp - 224 : sp - 192; // lowest of the arguments: where the result goes
  const hasValue = carriesValue && !isZero(value);
  if (hasValue && op == CALL && load<u32>(frame, F_STATIC)) return false;

  const inputOffset = span + 96;
  const outOffset = span + 32;
  const inputEnd = extent(inputOffset, span + 64);
  const outEnd = extent(outOffset, span);
  if (inputEnd < 0 || outEnd < 0) return false;
  const end = max<i64>(inputEnd, outEnd);
  const base = <usize>load<u32>(frame, F_MEMORY);
  const size = <usize>load<u32>(frame, F_MEMORY_BYTES);
  gas -= growthGas(size, end);
  if (gas < 0) return false;

  const callee = accountKeyOfWord(sp - 64);
  if (fork >= BERLIN && makeWarm(callee)) gas -= COLD_ACCOUNT_EXTRA;
  if (hasValue) gas -= CALL_VALUE;
  if (gas < 0) return false;
  readAccountEntry(callee);
  if (op == CALL && (fork >= SPURIOUS_DRAGON ? hasValue && isEmpty(callee) : !exists(callee)))
    gas -= NEW_ACCOUNT;
  if (gas < 0) return false;
  let code: usize = EMPTY_CODE;
  if (hasCode(callee)) {
    code = codeOf(callee);
    if (fork >= PRAGUE && isDelegation(code)) {
      const target = delegate(code);
      gas -= makeWarm(target) ? COLD_ACCOUNT : WARM_ACCESS;
      if (gas < 0) return false;
      readAccountEntry(target);
      code = codeOf(target);
    }
  }

  const asked = sp - 32;
  let passed: i64;
  if (fork >= TANGERINE_WHISTLE) {
    passed = gas - (gas >> 6);
    if (fits64(asked) && load<u64>(asked) < <u64>passed) passed = load<i64>(asked);
  } else {
    if (!fits64(asked) || load<u64>(asked) > <u64>gas) return false;
    passed = load<i64>(asked);
  }
  gas -= passed;
  if (hasValue) passed += CALL_STIPEND;

  const newSize = grow(base, size, end);
  store<u32>(frame, <u32>newSize, F_MEMORY_BYTES);
  store<u32>(frame, <u32>span, F_SP);
  returnedBytes = 0;
  const self = <usize>load<u32>(frame, F_SELF);
  if (depthOf(frame) >= MAX_DEPTH || (hasValue && lt(balanceOf(self), value))) {
    store<i64>(frame, gas + passed, F_GAS);
    push(frame, 0);
    return true;
  }
  store<i64>(frame, gas, F_GAS);

  const child = frame + FRAME_BYTES;
  mark(child);
  if (op == CALL || op == STATICCALL) {
    touch(callee);
    if (hasValue) {
      subtractBalance(self, value);
      addBalance(callee, value);
    }
  }
  const input = base + <usize>load<u32>(inputOffset);
  const inputBytes = <usize>load<u32>(span, 64);
  const out = base + <usize>load<u32>(outOffset);
  const outBytes = <usize>load<u32>(span);
  const precompile = precompileId(
    load<u64>(callee, ADDRESS),
    load<u64>(callee, ADDRESS + 8),
    load<u64>(callee, ADDRESS + 16),
  );
  if (precompile) {
    const left = runPrecompile(precompile, input, inputBytes, passed);
    if (left < 0) {
      takeBack(child);
      push(frame, 0);
      return true;
    }
    returnTo(out, outBytes);
    store<i64>(frame, gas + left, F_GAS);
    push(frame, 1);
    return true;
  }
  if (code == EMPTY_CODE) {
    store<i64>(frame, gas + passed, F_GAS);
    push(frame, 1);
    return true;
  }
  // The arguments lie where the child's stack begins: take what is needed of them first.
  if (op == DELEGATECALL) {
    copy(child + F_CALLER, frame + F_CALLER);
    copy(child + F_VALUE, frame + F_VALUE);
  } else {
    copy(child + F_CALLER, frame + F_ADDRESS);
    if (carriesValue) copy(child + F_VALUE, value);
    else setU64(child + F_VALUE, 0);
  }
  openFrame(child, span, base + newSize, passed, op == CALL || op == STATICCALL ? callee : self);
  setFrameCode(child, code);
  store<u32>(child, <u32>input, F_INPUT);
  store<u32>(child, <u32>inputBytes, F_INPUT_BYTES);
  store<u32>(child, load<u32>(frame, F_STATIC) | (op == STATICCALL ? 1 : 0), F_STATIC);
  store<u32>(child, 0, F_CREATES);
  store<u32>(child, <u32>out, F_OUT);
  store<u32>(child, <u32>outBytes, F_OUT_BYTES);
  current = child;
  return true;
}

/** Copies the return data into a caller's memory, as far as it asked for. */
function returnTo(out: usize, outBytes: usize): void {
  memory.copy(out, returned, min<usize>(outBytes, returnedBytes));
}

/** Keeps `bytes` of output as the return data. */
export function keepReturned(output: usize, bytes: usize): void {
  if (bytes > returnedEnd - returned) limitReached(4);
  memory.copy(returned, output, bytes);
  returnedBytes = bytes;
}

/** Says that `returned` holds this many bytes. */
export function setReturnedBytes(bytes: usize): void {
  returnedBytes = bytes;
}

/** Word of the address that CREATE gives (Yellow Paper §7): keccak256(rlp([sender, nonce])). */
export function createAddress(word: usize, sender: usize, nonce: u64): void {
  const bytes = scratchBytes();
  store<u8>(bytes, 0x94, 1);
  writeAddress(bytes + 2, sender + ADDRESS);
  let end = bytes + 22;
  if (nonce == 0) store<u8>(end++, 0x80);
  else if (nonce < 0x80) store<u8>(end++, <u8>nonce);
  else {
    const length = 8 - (<i32>clz<u64>(nonce) >> 3);
    store<u8>(end++, <u8>(0x80 + length));
    for (let i = length - 1; i >= 0; i--) store<u8>(end++, <u8>(nonce >> ((<u64>i) << 3)));
  }
  store<u8>(bytes, <u8>(0xc0 + (end - bytes - 1)));
  keccak(bytes, end - bytes, scratchHash());
  addressWord(word, scratchHash());
}

/** Word of the address that CREATE2 gives (EIP-1014): keccak256(0xff ‖ sender ‖ salt ‖ keccak256(init code)). */
function create2Address(
  word: usize,
  sender: usize,
  salt: usize,
  code: usize,
  codeSize: usize,
): void {
  const bytes = scratchBytes();
  store<u8>(bytes, 0xff);
  writeAddress(bytes + 1, sender + ADDRESS);
  toBytes(bytes + 21, salt);
  keccak(code, codeSize, bytes + 53);
  keccak(bytes, 85, scratchHash());
  addressWord(word, scratchHash());
}

function addressWord(word: usize, digest: usize): void {
  fromBytes(word, digest);
  store<u64>(word, load<u32>(word, 16), 16);
  store<u64>(word, 0, 24);
}

/** Whether a contract may not be created at the account (EIP-684, EIP-7610). */
export function collides(created: usize): bool {
  return nonceOf(created) != 0 || hasCode(created) || hasOldStorage(created);
}

/** Brings the new contract's account into being and pays it `value`. */
export function beginContract(created: usize, creator: usize, value: usize): void {
  setFlags(created, CREATED);
  touch(created);
  if (fork >= SPURIOUS_DRAGON) setNonce(created, 1);
  subtractBalance(creator, value);
  addBalance(created, value);
}

/** CREATE, CREATE2. */
export function create(frame: usize, op: i32): bool {
  if (load<u32>(frame, F_STATIC)) return false;
  const sp = <usize>load<u32>(frame, F_SP);
  const value = sp - 32;
  const offset = sp - 64;
  const length = sp - 96;
  const salted = op == 0xf5;
  const span = salted ? sp - 128 : sp - 96;
  let gas = load<i64>(frame, F_GAS);
  const end = extent(offset, length);
  if (end < 0) return false;
  const bytes = <usize>load<u32>(length);
  const base = <usize>load<u32>(frame, F_MEMORY);
  const size = <usize>load<u32>(frame, F_MEMORY_BYTES);
  if (fork >= SHANGHAI) {
    if (bytes > MAX_INITCODE_BYTES) return false;
    gas -= wordGas(bytes, INITCODE_WORD);
  }
  if (salted) gas -= wordGas(bytes, KECCAK_WORD);
  gas -= growthGas(size, end);
  if (gas < 0) return false;
  const newSize = grow(base, size, end);
  store<u32>(frame, <u32>newSize, F_MEMORY_BYTES);
  store<u32>(frame, <u32>span, F_SP);
  returnedBytes = 0;
  const self = <usize>load<u32>(frame, F_SELF);
  const nonce = nonceOf(self);
  if (depthOf(frame) >= MAX_DEPTH || lt(balanceOf(self), value) || nonce == u64.MAX_VALUE) {
    store<i64>(frame, gas, F_GAS);
    push(frame, 0);
    return true;
  }
  const passed = fork >= TANGERINE_WHISTLE ? gas - (gas >> 6) : gas;
  store<i64>(frame, gas - passed, F_GAS);
  const code = base + (bytes ? <usize>load<u32>(offset) : 0);
  const word = scratchWord();
  if (salted) create2Address(word, self, span, code, bytes);
  else createAddress(word, self, nonce);
  const created = accountOfWord(word);
  if (fork >= BERLIN) makeWarm(created);
  setNonce(self, nonce + 1);
  if (collides(created)) {
    push(frame, 0);
    return true;
  }
  const child = frame + FRAME_BYTES;
  mark(child);
  copy(child + F_CALLER, frame + F_ADDRESS);
  copy(child + F_VALUE, value);
  beginContract(created, self, child + F_VALUE);
  openFrame(child, span, base + newSize, passed, created);
  setFrameInitcode(child, code, bytes);
  store<u32>(child, 0, F_INPUT_BYTES);
  store<u32>(child, 0, F_STATIC);
  store<u32>(child, 1, F_CREATES);
  current = child;
  return true;
}

/** Gas that `settle` leaves. */
export let settledGas: i64 = 0;

/**
 * Ends a frame's effects: deposits a new contract's code, or takes everything back; keeps the output as return data. Answers how
 * the frame ended after all; the gas left is in `settledGas`.
 */
export function settle(frame: usize, status: i32, gas: i64, output: usize, bytes: usize): i32 {
  if (status == SUCCESS && load<u32>(frame, F_CREATES)) {
    const deposit = <i64>bytes * CODE_BYTE;
    const refused =
      (fork >= SPURIOUS_DRAGON && bytes > MAX_CODE_BYTES) ||
      (fork >= LONDON && bytes > 0 && load<u8>(output) == 0xef); // EIP-3541
    if (refused || (deposit > gas && fork >= HOMESTEAD)) status = FAILED;
    else if (deposit <= gas) {
      // Frontier leaves a contract without code where the deposit cannot be paid (EIP-2).
      gas -= deposit;
      if (bytes) setCode(<usize>load<u32>(frame, F_SELF), codeFromBytes(output, <u32>bytes));
    }
    bytes = 0;
  }
  if (status == FAILED) {
    gas = 0;
    bytes = 0;
  }
  if (status != SUCCESS) takeBack(frame);
  keepReturned(output, bytes);
  settledGas = gas;
  return status;
}

/** Ends a frame below the first and hands its result to its caller, which becomes `current`. */
export function finish(frame: usize, status: i32, gas: i64, output: usize, bytes: usize): void {
  const caller = frame - FRAME_BYTES;
  current = caller;
  const created = <usize>load<u32>(frame, F_SELF);
  status = settle(frame, status, gas, output, bytes);
  store<i64>(caller, load<i64>(caller, F_GAS) + settledGas, F_GAS);
  if (!load<u32>(frame, F_CREATES)) {
    returnTo(load<u32>(frame, F_OUT), load<u32>(frame, F_OUT_BYTES));
    push(caller, status == SUCCESS ? 1 : 0);
    return;
  }
  push(caller, 0);
  if (status == SUCCESS) {
    const word = <usize>load<u32>(caller, F_SP) - 32;
    store<u64>(word, load<u64>(created, ADDRESS));
    store<u64>(word, load<u64>(created, ADDRESS + 8), 8);
    store<u64>(word, load<u64>(created, ADDRESS + 16), 16);
  }
}

/** SELFDESTRUCT. Answers whether it could be paid and was allowed. */
export function selfdestruct(frame: usize): bool {
  if (load<u32>(frame, F_STATIC)) return false;
  let gas = load<i64>(frame, F_GAS);
  const self = <usize>load<u32>(frame, F_SELF);
  const heir = accountKeyOfWord(<usize>load<u32>(frame, F_SP) - 32);
  if (fork >= BERLIN && makeWarm(heir)) gas -= COLD_ACCOUNT;
  if (gas < 0) return false;
  readAccountEntry(heir);
  const balance = scratchWord();
  copy(balance, balanceOf(self));
  if (
    fork >= SPURIOUS_DRAGON
      ? isEmpty(heir) && !isZero(balance)
      : fork >= TANGERINE_WHISTLE && !exists(heir)
  )
    gas -= NEW_ACCOUNT;
  if (gas < 0) return false;
  store<i64>(frame, gas, F_GAS);
  if (fork < LONDON && !hasFlags(self, DESTRUCTED)) refund += SELFDESTRUCT_REFUND;
  touch(heir);
  if (fork >= CANCUN && !hasFlags(self, CREATED)) {
    // EIP-6780: an older contract only sends its balance.
    subtractBalance(self, balance);
    addBalance(heir, balance);
    return true;
  }
  if (heir != self) addBalance(heir, balance);
  subtractBalance(self, balance);
  setFlags(self, DESTRUCTED);
  return true;
}
