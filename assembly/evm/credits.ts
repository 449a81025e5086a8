/**
 * Versions that only add to a balance: what a plain transfer of ether leaves at its receiver, so that payments to one account do not wait
 * for one another.
 *
 * A credit says nothing but its amount. Nonce and code are those of the newest version below it that is no credit, the *base*; the balance
 * is the base's and all credits between. Whoever reads such an account notes the base and the sum, and has read right if both come out
 * the same once all before it are final: so any credit that is missing, taken back or has another amount is seen. Whoever gives a credit
 * has read one thing, that the account has no code, and notes that.
 *
 * Runs of credits are bounded, so that reading costs no more than that: a transfer onto a full one reads the account as any other does.
 */
import { EMPTY_CODE } from "./layout";
import { EXISTS, L_CODE } from "./locations";
import { add, eq, isZero, setU64 } from "./u256";
import { CHAIN, CODE, CREDIT, FLAGS, NEXT, newestBelow, NUMBER, RUN, WORD } from "./versions";

/** Credits on top of one another from which on none is added. */
const LONGEST_RUN: u32 = 64;

// What was read beside a version's number stands in the low bits of the location's address in the list of reads: the account with credits,
// the number's place being taken by a record's address; or that the account has no code.
const KINDS: usize = 3;
export const READ_CREDITS: u32 = 1;
export const READ_NO_CODE: u32 = 2;

// Record of a reading with credits: u32 number of the base, the sum at 16.
export const SUM: usize = 16;
export const CREDITS_READ_BYTES: usize = 48;

// @ts-ignore: decorator
@inline
export function isCredit(version: usize): bool {
  return version != 0 && (load<u32>(version, FLAGS) & CREDIT) != 0;
}

/** Longest chain of reads that ends with a credit which `sumCredits` has met. */
export let creditChain: u32 = 0;

/** Adds up the credits from `version` down; the sum to `sum`. Answers their base, or 0 where that is what the location itself holds. */
export function sumCredits(version: usize, sum: usize): usize {
  setU64(sum, 0);
  creditChain = 0;
  for (; isCredit(version); version = <usize>atomic.load<u32>(version, NEXT)) {
    add(sum, sum, version + WORD);
    creditChain = max<u32>(creditChain, load<u32>(version, CHAIN));
  }
  return version;
}

/** Flag EXISTS of an account that was given credits, which has no code: it is there unless it is empty (EIP-161). */
// @ts-ignore: decorator
@inline
export function creditedExists(nonce: u64, balance: usize): u32 {
  return nonce == 0 && isZero(balance) ? 0 : EXISTS;
}

/** Whether transaction `index` may leave the account a credit, as far as can be seen now: it has no code, and no full run of them. */
export function takesCredit(location: usize, index: i32): bool {
  const version = newestBelow(location, index);
  if (isCredit(version)) return load<u32>(version, RUN) < LONGEST_RUN;
  return hasNoCode(location, version);
}

// @ts-ignore: decorator
@inline
function hasNoCode(location: usize, version: usize): bool {
  const code = version ? load<u32>(version, CODE) : atomic.load<u32>(location, L_CODE);
  return code == <u32>EMPTY_CODE;
}

/** Location of an entry in the list of reads. */
// @ts-ignore: decorator
@inline
export function locationRead(tagged: u32): usize {
  return <usize>tagged & ~KINDS;
}

/** Whether transaction `index`, with all before it final, would read the same again; `scratch` is a word. */
export function creditReadStands(tagged: u32, noted: usize, index: i32, scratch: usize): bool {
  const location = locationRead(tagged);
  const version = newestBelow(location, index);
  // What is final has found the account without code, and nothing but credits has come after it.
  if (tagged & READ_NO_CODE) return isCredit(version) || hasNoCode(location, version);
  const base = sumCredits(version, scratch);
  return (base ? load<u32>(base, NUMBER) : 0) == load<u32>(noted) && eq(scratch, noted + SUM);
}
