/**
 * One transaction: validity against state and block, payment, execution, refund, receipt (Yellow Paper §6; EIPs where named).
 */
import {
  beginCalls,
  beginContract,
  collides,
  createAddress,
  delegate,
  mark,
  refund,
  settle,
  settledGas,
  setFrameCode,
  setFrameInitcode,
  SUCCESS,
  setReturnedBytes,
} from "./calls";
import { codeFromBytes, isDelegation } from "./code";
import {
  T_ACCESS,
  T_ACCESS_ADDRESSES,
  T_ACCESS_END,
  T_ACCESS_KEYS,
  T_AUTHORISATION_COUNT,
  T_AUTHORISATIONS,
  T_AUTHORITIES,
  T_BLOB_COUNT,
  T_CREATES,
  T_DATA,
  T_DATA_BYTES,
  T_GAS_LIMIT,
  T_MAX_BLOB_FEE,
  T_MAX_FEE,
  T_NONCE,
  T_PRIORITY_FEE,
  T_REJECTION,
  T_SENDER,
  T_TO,
  T_TYPE,
  T_VALUE,
  writeBlobHashes,
} from "./decode";
import { setTransactionContext } from "./environment";
import {
  F_ADDRESS,
  F_CALLER,
  F_CREATES,
  F_GAS,
  F_INPUT,
  F_INPUT_BYTES,
  F_SELF,
  F_SP,
  F_STACK,
  F_STATIC,
  F_VALUE,
  rootFrame,
} from "./frame";
import { INITCODE_WORD, MAX_INITCODE_BYTES, NEW_ACCOUNT, wordGas } from "./gas";
import { gasLeft, output, outputBytes, run } from "./interpreter";
import {
  allocateOutput,
  BERLIN,
  ENV_BASE_FEE,
  ENV_BLOB_BASE_FEE,
  ENV_CHAIN_ID,
  ENV_COINBASE,
  ENV_GAS_LIMIT,
  ENV_MAX_BLOBS,
  EMPTY_CODE,
  fork,
  HOMESTEAD,
  ISTANBUL,
  LONDON,
  OSAKA,
  PRAGUE,
  SHANGHAI,
  logs,
  memories,
  words,
} from "./layout";
import { accountLocation, L_CODE, readAddress, storeUnread } from "./locations";
import { beginLogs, BLOOM_VALUE_BYTES, bloomValues, logsTop, writeBloomBits } from "./logs";
import { runPrecompile } from "./precompiles";
import {
  REJECT_AUTHORISATION_CREATION,
  REJECT_AUTHORISATIONS_EMPTY,
  REJECT_BLOB_COUNT,
  REJECT_BLOB_CREATION,
  REJECT_BLOB_FEE,
  REJECT_BLOB_VERSION,
  REJECT_BLOCK_BLOBS,
  REJECT_BLOCK_GAS,
  REJECT_FEE_BELOW_BASE,
  REJECT_FUNDS,
  REJECT_GAS_CAP,
  REJECT_INITCODE_SIZE,
  REJECT_INTRINSIC_GAS,
  REJECT_NONCE,
  REJECT_NONCE_MAX,
  REJECT_PRIORITY_FEE,
  REJECT_SENDER_CODE,
} from "./rejections";
import { item, next, readBytes, readInteger, readList } from "./rlp";
import {
  account,
  accountKey,
  accountKeyOfWord,
  accountOfWord,
  addBalance,
  ADDRESS,
  balanceOf,
  beginView,
  codeOf,
  commitView,
  creditUnread,
  exists,
  hasCode,
  makeWarm,
  nonceOf,
  payCoinbase,
  precompileId,
  readAccountEntry,
  setCode,
  setNonce,
  slotKey,
  subtractBalance,
  touch,
  viewNext,
} from "./state";
import { add, copy, eq, fits64, fromBytes, isZero, lt, multiply64, setU64, sub } from "./u256";

// Intrinsic gas (Yellow Paper g_tx…; EIP-2, 2028, 2930, 3860, 7623, 7702).
const TRANSACTION: i64 = 21000;
const CREATION: i64 = 32000;
const ZERO_BYTE: i64 = 4;
const ACCESS_ADDRESS: i64 = 2400;
const ACCESS_KEY: i64 = 1900;
const AUTHORISATION_BASE: i64 = 12500;
/** EIP-7623: floor of 10 gas a token, a non-zero byte being four tokens. */
const FLOOR_TOKEN: i64 = 10;
/** EIP-7825. */
const MAX_TRANSACTION_GAS: i64 = 1 << 24;
const BLOB_GAS: u64 = 1 << 17;
const SYSTEM_CALL_GAS: i64 = 30000000;

// A result record: u32 status, u32 type, u64 gas used, u64 gas used by the block up to here, u32 logs (0: none), u32 bytes of logs,
// u32 values in their Bloom filter, whose bits follow the logs (`logs.ts`).
const R_STATUS: usize = 0;
const R_TYPE: usize = 4;
export const R_GAS_USED: usize = 8;
export const R_CUMULATIVE_GAS: usize = 16;
const R_LOGS: usize = 24;
const R_LOG_BYTES: usize = 28;
const R_BLOOM_VALUES: usize = 32;
/** Not 0: the candidate was dropped (`rejections.ts`); what was expected and got lie at R_LOGS. */
export const R_DROPPED: usize = 36;
export const RESULT_BYTES: usize = 40;

// Words of this file.
// @ts-ignore: decorator
@inline
function senderWord(): usize {
  return words + 1024;
}
// @ts-ignore: decorator
@inline
function priceWord(): usize {
  return words + 1056;
}
// @ts-ignore: decorator
@inline
function tipWord(): usize {
  return words + 1088;
}
// @ts-ignore: decorator
@inline
function costWord(): usize {
  return words + 1120;
}
// @ts-ignore: decorator
@inline
function amountWord(): usize {
  return words + 1152;
}
// @ts-ignore: decorator
@inline
function nonceWord(): usize {
  return words + 1184;
}
/** What a rejection expected and got, for the host's sentence. */
// @ts-ignore: decorator
@inline
export function expectedWord(): usize {
  return words + 1216;
}
// @ts-ignore: decorator
@inline
export function gotWord(): usize {
  return words + 1248;
}

/** Gas and blobs that the block's transactions have used so far. */
export let blockGasUsed: i64 = 0;
let blockBlobs: u32 = 0;

export function beginBlock(): void {
  blockGasUsed = 0;
  blockBlobs = 0;
}

/** Says what the transactions before have used, where this instance has not run them all. */
export function setBlockTotals(gas: i64, blobs: u32): void {
  blockGasUsed = gas;
  blockBlobs = blobs;
}

function reject(code: i32, expected: u64, got: u64): i32 {
  setU64(expectedWord(), expected);
  setU64(gotWord(), got);
  return code;
}

let intrinsicGas: i64 = 0;
let floorGas: i64 = 0;

function computeIntrinsicGas(tx: usize): void {
  const data = <usize>load<u32>(tx, T_DATA);
  const bytes = <usize>load<u32>(tx, T_DATA_BYTES);
  let zeros: i64 = 0;
  for (let i: usize = 0; i < bytes; i++) zeros += i64(load<u8>(data + i) == 0);
  const others = <i64>bytes - zeros;
  intrinsicGas = TRANSACTION + zeros * ZERO_BYTE + others * (fork >= ISTANBUL ? 16 : 68);
  if (load<u32>(tx, T_CREATES)) {
    if (fork >= HOMESTEAD) intrinsicGas += CREATION;
    if (fork >= SHANGHAI) intrinsicGas += wordGas(bytes, INITCODE_WORD);
  }
  intrinsicGas += <i64>load<u32>(tx, T_ACCESS_ADDRESSES) * ACCESS_ADDRESS;
  intrinsicGas += <i64>load<u32>(tx, T_ACCESS_KEYS) * ACCESS_KEY;
  intrinsicGas += <i64>load<u32>(tx, T_AUTHORISATION_COUNT) * NEW_ACCOUNT;
  floorGas = fork >= PRAGUE ? TRANSACTION + (zeros + others * 4) * FLOOR_TOKEN : 0;
}

/** Rules that need no state. Sets the price paid a gas and the part of it that goes to the coinbase. */
function checkAgainstBlock(tx: usize): i32 {
  const rejection = load<i32>(tx, T_REJECTION);
  if (rejection) return rejection;
  const type = load<u32>(tx, T_TYPE);
  const gasLimit = load<u64>(tx, T_GAS_LIMIT);
  if (fork >= OSAKA && gasLimit > <u64>MAX_TRANSACTION_GAS)
    return reject(REJECT_GAS_CAP, <u64>MAX_TRANSACTION_GAS, gasLimit);
  const left = load<u64>(ENV_GAS_LIMIT) - <u64>blockGasUsed;
  if (gasLimit > left || gasLimit > <u64>i64.MAX_VALUE)
    return reject(REJECT_BLOCK_GAS, left, gasLimit);
  if (
    fork >= SHANGHAI &&
    load<u32>(tx, T_CREATES) &&
    load<u32>(tx, T_DATA_BYTES) > <u32>MAX_INITCODE_BYTES
  )
    return reject(REJECT_INITCODE_SIZE, MAX_INITCODE_BYTES, load<u32>(tx, T_DATA_BYTES));
  computeIntrinsicGas(tx);
  const least = max<i64>(intrinsicGas, floorGas);
  if (gasLimit < <u64>least) return reject(REJECT_INTRINSIC_GAS, <u64>least, gasLimit);
  if (type == 3) {
    if (load<u32>(tx, T_CREATES)) return reject(REJECT_BLOB_CREATION, 0, 0);
    const count = load<u32>(tx, T_BLOB_COUNT);
    const most = load<u32>(ENV_MAX_BLOBS, 4);
    if (count == 0 || count > most) return reject(REJECT_BLOB_COUNT, most, count);
    const leftBlobs = load<u32>(ENV_MAX_BLOBS) - blockBlobs;
    if (count > leftBlobs) return reject(REJECT_BLOCK_BLOBS, leftBlobs, count);
    for (let i: u32 = 0; i < count; i++) {
      const version = load<u8>(blobHashes() + ((<usize>i) << 5));
      if (version != 1) return reject(REJECT_BLOB_VERSION, 1, version);
    }
    if (lt(tx + T_MAX_BLOB_FEE, ENV_BLOB_BASE_FEE)) {
      copy(expectedWord(), ENV_BLOB_BASE_FEE);
      copy(gotWord(), tx + T_MAX_BLOB_FEE);
      return REJECT_BLOB_FEE;
    }
  }
  if (type == 4) {
    if (load<u32>(tx, T_CREATES)) return reject(REJECT_AUTHORISATION_CREATION, 0, 0);
    if (load<u32>(tx, T_AUTHORISATION_COUNT) == 0) return reject(REJECT_AUTHORISATIONS_EMPTY, 0, 0);
  }
  return setPrices(tx, type);
}

/** Blob hashes of the running transaction lie at the beginning of the EVM memories, in front of the first frame. */
// @ts-ignore: decorator
@inline
function blobHashes(): usize {
  return memories;
}

function setPrices(tx: usize, type: u32): i32 {
  const price = priceWord();
  const tip = tipWord();
  copy(price, tx + T_MAX_FEE);
  copy(tip, price);
  if (fork < LONDON) return 0;
  if (lt(tx + T_MAX_FEE, ENV_BASE_FEE)) {
    copy(expectedWord(), ENV_BASE_FEE);
    copy(gotWord(), tx + T_MAX_FEE);
    return REJECT_FEE_BELOW_BASE;
  }
  sub(tip, price, ENV_BASE_FEE);
  if (type < 2) return 0;
  if (lt(tx + T_MAX_FEE, tx + T_PRIORITY_FEE)) {
    copy(expectedWord(), tx + T_MAX_FEE);
    copy(gotWord(), tx + T_PRIORITY_FEE);
    return REJECT_PRIORITY_FEE;
  }
  if (lt(tx + T_PRIORITY_FEE, tip)) {
    copy(tip, tx + T_PRIORITY_FEE);
    add(price, ENV_BASE_FEE, tip);
  }
  return 0;
}

/** Rules about the sender's account. */
function checkSender(tx: usize, sender: usize): i32 {
  const nonce = load<u64>(tx, T_NONCE);
  if (nonceOf(sender) != nonce) return reject(REJECT_NONCE, nonceOf(sender), nonce);
  if (nonce == u64.MAX_VALUE) return reject(REJECT_NONCE_MAX, nonce - 1, nonce); // EIP-2681
  // EIP-3607, and EIP-7702 from Prague on.
  if (hasCode(sender) && !(fork >= PRAGUE && isDelegation(codeOf(sender))))
    return reject(REJECT_SENDER_CODE, 0, 0);
  const cost = costWord();
  const amount = amountWord();
  let overflow = multiply64(cost, tx + T_MAX_FEE, load<u64>(tx, T_GAS_LIMIT));
  overflow |= add(cost, cost, tx + T_VALUE);
  if (load<u32>(tx, T_BLOB_COUNT)) {
    overflow |= multiply64(amount, tx + T_MAX_BLOB_FEE, BLOB_GAS * load<u32>(tx, T_BLOB_COUNT));
    overflow |= add(cost, cost, amount);
  }
  if (overflow || lt(balanceOf(sender), cost)) {
    copy(expectedWord(), cost);
    copy(gotWord(), balanceOf(sender));
    return REJECT_FUNDS;
  }
  return 0;
}

/**
 * Runs the transaction whose decoded record is `tx`; its result goes to `result`, its changes stay in the view. Answers why it may not
 * be included, or 0.
 */
export function executeTransaction(tx: usize, result: usize): i32 {
  if (load<u32>(tx, T_BLOB_COUNT)) writeBlobHashes(tx, blobHashes());
  beginView(); // first of all: what is rejected has read nothing
  let rejection = checkAgainstBlock(tx);
  if (rejection) return rejection;
  const sender = account(
    load<u64>(tx, T_SENDER),
    load<u64>(tx, T_SENDER + 8),
    load<u64>(tx, T_SENDER + 16),
  );
  rejection = checkSender(tx, sender);
  if (rejection) return rejection;

  const gasLimit = load<i64>(tx, T_GAS_LIMIT);
  const amount = amountWord();
  multiply64(amount, priceWord(), <u64>gasLimit);
  subtractBalance(sender, amount);
  if (load<u32>(tx, T_BLOB_COUNT)) {
    multiply64(amount, ENV_BLOB_BASE_FEE, BLOB_GAS * load<u32>(tx, T_BLOB_COUNT));
    subtractBalance(sender, amount);
  }
  const nonce = nonceOf(sender);
  setNonce(sender, nonce + 1);

  beginLogs();
  let status = SUCCESS;
  let used = intrinsicGas;
  if (!paysWithoutCode(tx, sender)) {
    if (fork >= BERLIN) warmUp(tx, sender);
    const frame = rootFrame();
    beginCalls(frame);
    const refundOfAuthorisations = authorise(tx);
    status = runFirstFrame(tx, frame, sender, nonce, gasLimit - intrinsicGas);
    used = gasLimit - settledGas;
    // EIP-3529: at most a fifth of the gas, half of it before.
    const most = fork >= LONDON ? used / 5 : used / 2;
    const refunded = (status == SUCCESS ? refund : 0) + refundOfAuthorisations;
    used -= min<i64>(most, refunded);
  }
  used = max<i64>(used, floorGas);
  multiply64(amount, priceWord(), <u64>(gasLimit - used));
  addBalance(sender, amount);
  multiply64(amount, tipWord(), <u64>used);
  coinbasePaid = payCoinbase(amount);
  writeResult(result, tx, status, used);
  return 0;
}

/** Makes a transfer of ether that runs no code, where that needs no look at the receiver; answers whether it has. */
function paysWithoutCode(tx: usize, sender: usize): bool {
  if (load<u32>(tx, T_CREATES) | load<u32>(tx, T_AUTHORISATION_COUNT)) return false;
  if (!creditUnread(sender, tx + T_TO, tx + T_VALUE)) return false;
  subtractBalance(sender, tx + T_VALUE);
  return true;
}

/** Whether the last transaction has paid the coinbase; else `unpaidFee` is what it owes. */
export let coinbasePaid: bool = true;

export function unpaidFee(): usize {
  return amountWord();
}

/** Runs the transaction as the next of the block; as `executeTransaction`. */
export function includeTransaction(tx: usize, result: usize): i32 {
  const rejection = executeTransaction(tx, result);
  if (rejection) return rejection;
  commitView();
  blockGasUsed += load<i64>(result, R_GAS_USED);
  store<i64>(result, blockGasUsed, R_CUMULATIVE_GAS);
  blockBlobs += load<u32>(tx, T_BLOB_COUNT);
  return 0;
}

/** Notes that a candidate may not be included, and why. */
export function dropCandidate(result: usize, code: i32): void {
  const words = allocateOutput(64);
  copy(words, expectedWord());
  copy(words + 32, gotWord());
  store<u32>(result, <u32>words, R_LOGS);
  store<i32>(result, code, R_DROPPED);
}

/** As `dropCandidate`, where numbers say why. */
export function dropFor(result: usize, code: i32, expected: u64, got: u64): void {
  dropCandidate(result, reject(code, expected, got));
}

/** EIP-2929, 2930, 3651: what is warm from the start. Precompiled contracts are so by themselves. */
function warmUp(tx: usize, sender: usize): void {
  makeWarm(sender);
  if (!load<u32>(tx, T_CREATES)) makeWarm(accountKeyOfWord(tx + T_TO));
  if (fork >= SHANGHAI) makeWarm(accountKeyOfWord(ENV_COINBASE));
  const end = <usize>load<u32>(tx, T_ACCESS_END);
  const key = amountWord();
  for (let at = <usize>load<u32>(tx, T_ACCESS); at < end; ) {
    readList(at, end);
    at = next;
    readBytes(item, at, 20);
    readAddress(key, item);
    const entry = accountKey(load<u64>(key), load<u64>(key, 8), load<u64>(key, 16));
    makeWarm(entry);
    readList(next, at);
    for (let k = item; k < at; k += 33) {
      fromBytes(key, k + 1);
      makeWarm(slotKey(entry, key));
    }
  }
}

/** Sets the delegations that the transaction authorises (EIP-7702); answers the refund. */
function authorise(tx: usize): i64 {
  let back: i64 = 0;
  const count = load<u32>(tx, T_AUTHORISATION_COUNT);
  const word = amountWord();
  const code = costWord();
  let authority = <usize>load<u32>(tx, T_AUTHORITIES);
  let at = <usize>load<u32>(tx, T_AUTHORISATIONS);
  for (let i: u32 = 0; i < count; i++, authority += 20) {
    readList(at, usize.MAX_VALUE);
    at = next;
    readInteger(item, at, 32, word);
    if (!isZero(word) && !eq(word, ENV_CHAIN_ID)) continue;
    readBytes(next, at, 20);
    const target = item;
    readInteger(next, at, 8, nonceWord());
    const nonce = load<u64>(nonceWord());
    if (nonce == u64.MAX_VALUE) continue;
    readAddress(word, authority);
    // All zero where the signature is not valid.
    if ((load<u64>(word) | load<u64>(word, 8) | load<u64>(word, 16)) == 0) continue;
    const entry = account(load<u64>(word), load<u64>(word, 8), load<u64>(word, 16));
    makeWarm(entry);
    if (hasCode(entry) && !isDelegation(codeOf(entry))) continue;
    if (nonceOf(entry) != nonce) continue;
    if (exists(entry)) back += NEW_ACCOUNT - AUTHORISATION_BASE;
    store<u32>(code, 0x0001ef);
    memory.copy(code + 3, target, 20);
    readAddress(word, target);
    const clears = (load<u64>(word) | load<u64>(word, 8) | load<u64>(word, 16)) == 0;
    setCode(entry, clears ? EMPTY_CODE : codeFromBytes(code, 23));
    setNonce(entry, nonce + 1);
  }
  return back;
}

/** Runs the call or creation that the transaction asks for; the gas left is in `settledGas`. */
function runFirstFrame(tx: usize, frame: usize, sender: usize, nonce: u64, gas: i64): i32 {
  setWordToAddress(senderWord(), sender);
  setTransactionContext(senderWord(), priceWord(), blobHashes(), load<u32>(tx, T_BLOB_COUNT));
  return runFrame(
    frame,
    senderWord(),
    sender,
    load<u32>(tx, T_CREATES) != 0,
    nonce,
    tx + T_TO,
    tx + T_VALUE,
    load<u32>(tx, T_DATA),
    load<u32>(tx, T_DATA_BYTES),
    gas,
    load<u32>(tx, T_BLOB_COUNT) << 5,
  );
}

function setWordToAddress(word: usize, entry: usize): void {
  copy(word, entry + ADDRESS);
  store<u64>(word, 0, 24);
}

/**
 * Runs a frame at depth 0. `caller` is the sender's address as a word; `sender`, its entry, pays the value and may be 0 where there is
 * none. `kept` bytes at the beginning of the memory area are left alone.
 */
function runFrame(
  frame: usize,
  caller: usize,
  sender: usize,
  creates: bool,
  nonce: u64,
  to: usize,
  value: usize,
  input: usize,
  inputBytes: usize,
  gas: i64,
  kept: usize,
): i32 {
  const limbs = nonceWord();
  if (creates) createAddress(limbs, sender, nonce);
  else copy(limbs, to);
  const self = accountOfWord(limbs);
  copy(frame + F_CALLER, caller);
  setWordToAddress(frame + F_ADDRESS, self);
  copy(frame + F_VALUE, value);
  store<u32>(frame, load<u32>(frame, F_SP), F_STACK);
  store<u32>(frame, <u32>(memories + kept), 24);
  store<u32>(frame, <u32>self, F_SELF);
  store<i64>(frame, gas, F_GAS);
  store<u32>(frame, 0, F_STATIC);
  store<u32>(frame, u32(creates), F_CREATES);
  store<u32>(frame, <u32>input, F_INPUT);
  store<u32>(frame, <u32>inputBytes, F_INPUT_BYTES);
  mark(frame);
  if (creates) {
    if (fork >= BERLIN) makeWarm(self);
    if (collides(self)) return settle(frame, 3, 0, 0, 0);
    beginContract(self, sender, value);
    store<u32>(frame, 0, F_INPUT_BYTES);
    setFrameInitcode(frame, input, inputBytes);
    const status = run(frame);
    return settle(frame, status, gasLeft, output, outputBytes);
  }
  touch(self);
  if (sender) {
    subtractBalance(sender, value);
    addBalance(self, value);
  }
  const precompile = precompileId(
    load<u64>(self, ADDRESS),
    load<u64>(self, ADDRESS + 8),
    load<u64>(self, ADDRESS + 16),
  );
  if (precompile) {
    const left = runPrecompile(precompile, input, inputBytes, gas);
    if (left < 0) return settle(frame, 3, 0, 0, 0);
    return settle(frame, SUCCESS, left, 0, 0);
  }
  let code = codeOf(self);
  if (fork >= PRAGUE && isDelegation(code)) {
    const target = delegate(code);
    makeWarm(target);
    readAccountEntry(target);
    code = codeOf(target);
  }
  setFrameCode(frame, code);
  const status = run(frame);
  return settle(frame, status, gasLeft, output, outputBytes);
}

function writeResult(result: usize, tx: usize, status: i32, used: i64): void {
  store<u32>(result, status == SUCCESS ? 1 : 0, R_STATUS);
  store<u32>(result, load<u32>(tx, T_TYPE), R_TYPE);
  store<i64>(result, used, R_GAS_USED);
  const bytes = logsTop - logs;
  store<u32>(result, 0, R_DROPPED);
  if (bytes == 0) {
    memory.fill(result + R_LOGS, 0, 12);
    return;
  }
  const values = bloomValues(logs, logsTop);
  const kept = allocateOutput(bytes + <usize>values * BLOOM_VALUE_BYTES);
  memory.copy(kept, logs, bytes);
  writeBloomBits(kept + bytes, kept, kept + bytes);
  store<u32>(result, <u32>kept, R_LOGS);
  store<u32>(result, <u32>bytes, R_LOG_BYTES);
  store<u32>(result, values, R_BLOOM_VALUES);
}

/**
 * Calls a system contract as 0xff…fe with 30 million gas and no fee (EIP-7002, EIP-7251). Answers -1 where the address has no
 * code, 0 where the call failed, 1 else; its output is the return data.
 */
export function systemCall(address: usize, input: usize, inputBytes: usize): i32 {
  viewNext();
  beginView();
  beginLogs();
  const frame = rootFrame();
  beginCalls(frame);
  const word = senderWord();
  store<u64>(word, 0xfffffffffffffffe);
  store<u64>(word, 0xffffffffffffffff, 8);
  store<u64>(word, 0xffffffff, 16);
  store<u64>(word, 0, 24);
  setU64(priceWord(), 0);
  setU64(costWord(), 0);
  setTransactionContext(word, priceWord(), blobHashes(), 0);
  const to = amountWord();
  readAddress(to, address);
  store<u64>(to, 0, 24);
  if (!hasCode(accountOfWord(to))) {
    setReturnedBytes(0);
    return -1;
  }
  const status = runFrame(
    frame,
    word,
    0,
    false,
    0,
    to,
    costWord(),
    input,
    inputBytes,
    SYSTEM_CALL_GAS,
    0,
  );
  commitView();
  return status == SUCCESS ? 1 : 0;
}

/** Adds to a balance outside any transaction: withdrawals (EIP-4895) and rewards. `amount` is a word. */
export function credit(address: usize, amount: usize): void {
  viewNext();
  beginView();
  const limbs = amountWord();
  readAddress(limbs, address);
  addBalance(account(load<u64>(limbs), load<u64>(limbs, 8), load<u64>(limbs, 16)), amount);
  commitView();
}

/** Sets a slot of a system contract, unless the address has no code; whether it had. `key` and `value` are words. */
export function storeSystemSlot(address: usize, key: usize, value: usize): bool {
  const limbs = amountWord();
  readAddress(limbs, address);
  const location = accountLocation(load<u64>(limbs), load<u64>(limbs, 8), load<u64>(limbs, 16));
  if (load<u32>(location, L_CODE) == <u32>EMPTY_CODE) return false;
  storeUnread(location, key, value);
  return true;
}
