/**
 * What code asks about its surroundings: call data, block, other accounts (Yellow Paper, appendix H.2, 30s and 40s).
 *
 * Functions that may cost gas answer the gas left, negative where it did not suffice; nothing has been read then.
 */
import { codeBytes, codeLength } from "./code";
import { COLD_ACCOUNT_EXTRA } from "./gas";
import { readBlockHash } from "./host";
import { BERLIN, BLOCK_HASHES, ENV_NUMBER, fork, words } from "./layout";
import { copyPadded, payForCopy } from "./memory";
import {
  accountKeyOfWord,
  balanceOf,
  codeHashOf,
  codeOf,
  hasCode,
  isEmpty,
  makeWarm,
  readAccountEntry,
} from "./state";
import { copy, fits64, fromBytes, setU64 } from "./u256";

/** What the transaction brings along; set by `transaction.ts`. */
export let origin: usize = 0;
export let gasPrice: usize = 0;
/** Versioned hashes of blobs, 32 bytes each, and their number. */
let blobHashes: usize = 0;
let blobCount: u32 = 0;

export function setTransactionContext(
  sender: usize,
  price: usize,
  hashes: usize,
  count: u32,
): void {
  origin = sender;
  gasPrice = price;
  blobHashes = hashes;
  blobCount = count;
}

/** CALLDATALOAD: the word at the offset in `word`, zeros past the end. */
export function loadInput(word: usize, input: usize, inputBytes: usize): void {
  const offset = load<u64>(word);
  if (!fits64(word) || offset >= <u64>inputBytes) return setU64(word, 0);
  const at = <usize>offset;
  if (at + 32 <= inputBytes) return fromBytes(word, input + at);
  const padded = words + 640;
  memory.fill(padded, 0, 32);
  memory.copy(padded, input + at, inputBytes - at);
  fromBytes(word, padded);
}

/** BLOCKHASH: one of the 256 blocks before this one, else zero. */
export function blockHash(word: usize): void {
  const number = load<u64>(ENV_NUMBER);
  const asked = load<u64>(word);
  if (!fits64(word) || asked >= number || number - asked > 256) return setU64(word, 0);
  const entry = BLOCK_HASHES + ((<usize>(asked & 255)) << 6);
  if (!atomic.load<u32>(entry)) {
    readBlockHash(asked, entry + 32);
    atomic.store<u32>(entry, 1);
  }
  fromBytes(word, entry + 32);
}

/** BLOBHASH (EIP-4844). */
export function pushBlobHash(word: usize): void {
  if (fits64(word) && load<u64>(word) < <u64>blobCount)
    fromBytes(word, blobHashes + ((<usize>load<u32>(word)) << 5));
  else setU64(word, 0);
}

/** Pays for what a cold account costs more than a warm one (EIP-2929), and reads it. */
// @ts-ignore: decorator
@inline
function access(entry: usize, gas: i64): i64 {
  if (fork >= BERLIN && makeWarm(entry)) gas -= COLD_ACCOUNT_EXTRA;
  if (gas >= 0) readAccountEntry(entry);
  return gas;
}

/** BALANCE. */
export function balance(word: usize, gas: i64): i64 {
  const entry = accountKeyOfWord(word);
  gas = access(entry, gas);
  if (gas >= 0) copy(word, balanceOf(entry));
  return gas;
}

/** EXTCODESIZE. */
export function externalCodeSize(word: usize, gas: i64): i64 {
  const entry = accountKeyOfWord(word);
  gas = access(entry, gas);
  if (gas >= 0) setU64(word, hasCode(entry) ? codeLength(codeOf(entry)) : 0);
  return gas;
}

/** EXTCODEHASH (EIP-1052). */
export function externalCodeHash(word: usize, gas: i64): i64 {
  const entry = accountKeyOfWord(word);
  gas = access(entry, gas);
  if (gas < 0) return gas;
  if (isEmpty(entry)) setU64(word, 0);
  else fromBytes(word, codeHashOf(entry));
  return gas;
}

/** EXTCODECOPY; its operands begin at `sp`. */
export function copyExternalCode(frame: usize, sp: usize, gas: i64): i64 {
  gas = payForCopy(frame, sp, gas);
  if (gas < 0) return gas;
  const entry = accountKeyOfWord(sp + 96);
  gas = access(entry, gas);
  if (gas < 0 || load<u32>(sp) == 0) return gas;
  const code = codeOf(entry);
  copyPadded(frame, sp, codeBytes(code), codeLength(code));
  return gas;
}
