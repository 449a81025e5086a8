/**
 * ECRECOVER (0x01; Yellow Paper, appendix E.1), whose kernel takes three times as long for one signature as for one of many.
 *
 * A transaction that runs ahead of the frontier and asks for a signer nobody has worked out yet may therefore be broken off: the host
 * keeps the input, the instance goes on with the next transactions, and once there are enough inputs, or nothing else is to be done,
 * all are worked out together and the transactions begin again, to be answered at once. That costs what a transaction has done up to the
 * call, so the host looks at the clock and notes inputs of those that have done little. (Gas is no measure: what buys a hash or a division
 * buys three times as much time as what buys a jump.) And it is for nothing where a transaction asks for another signer once those
 * before it have run: an instance that sees this happen breaks none off for a while, each time for longer.
 */
import { setReturnedBytes } from "./calls";
import { recoverSigner, startClock } from "./host";
import { returned } from "./layout";

const PRICE: i64 = 3000;

/** Set in what the host answers: the signer was known. */
const KNOWN: i32 = 256;
/** Transactions of which none is broken off after the first disappointment in a block. */
const FIRST_PAUSE: u32 = 256;

/** Whether the running transaction may be broken off; how often it was, and how many signers it has been told since it began again. */
let mayWait: bool = false;
let timesBrokenOff: u32 = 0;
let told: u32 = 0;
/** The running transaction's index, the one from which on they are broken off again, and the length of the next pause. */
let running: u32 = 0;
let pausedUntil: u32 = 0;
let pause: u32 = FIRST_PAUSE;
/** Whether a signer has been asked for in this block: until then no clock is needed. */
let asked: bool = false;

/** Called at a block's start. */
export function beginRecoveries(): void {
  mayWait = false;
  timesBrokenOff = 0;
  asked = false;
  pausedUntil = 0;
  pause = FIRST_PAUSE;
}

/** Says of the transaction about to run whether it may be broken off, having been `times` before. */
export function allowWaiting(index: u32, times: u32, allowed: bool): void {
  running = index;
  timesBrokenOff = times;
  told = 0;
  mayWait = allowed && asked && index >= pausedUntil;
  if (mayWait) startClock();
}

/** Has the next transaction answered on the spot, whatever it asks. */
export function forbidWaiting(): void {
  mayWait = false;
  timesBrokenOff = 0;
}

/** Runs the contract; answers the gas left, -1 where there is too little. */
export function recover(input: usize, bytes: usize, gas: i64): i64 {
  if (gas < PRICE) return -1;
  asked = true;
  const expected = told < timesBrokenOff;
  const answer = recoverSigner(input, bytes, returned, u32(mayWait && !expected));
  if (expected && !(answer & KNOWN)) pauseWaiting();
  told++;
  setReturnedBytes(<usize>(answer & ~KNOWN));
  return gas - PRICE;
}

function pauseWaiting(): void {
  mayWait = false;
  timesBrokenOff = 0;
  pausedUntil = running + pause;
  if (pause < 1 << 30) pause <<= 1;
}
