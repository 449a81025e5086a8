/**
 * Guesses at what a transaction reads that an earlier one writes: same sender, or same receiver of an ERC-20 transfer. They change speed
 * only.
 */
import { T_BYTES, T_CREATES, T_DATA, T_DATA_BYTES, T_SENDER, T_TO } from "./decode";
import { hashAddress } from "./hash";
import { allocate, fork, SPURIOUS_DRAGON, words } from "./layout";
import { readAddress } from "./locations";
import {
  BROKEN_OFF,
  HINT_CHAIN,
  NEW,
  PREDECESSOR,
  RECORDS,
  SECOND_PREDECESSOR,
  task,
  WAITERS,
} from "./tasks";

/** transfer(address,uint256), as its four bytes lie in memory. */
const TRANSFER_SELECTOR: u32 = 0xbb9c05a9;

// Entries of 16 bytes: hash of an address, index + 1 of the last transaction that had it, of the last one since that paid it ether. Two
// addresses of one hash pass for one.
const HINT_LAST: usize = 4;
const HINT_PAID: usize = 8;
let hints: usize = 0;
let hintMask: u32 = 0;
/** Longest chain of hints among the transactions offered first. */
export let longestHint: u32 = 0;

/** Pairs of u32 for each transaction, index + 1 of what it may have to wait for, in place of our own guesses; or 0. */
let suggestions: usize = 0;

/** Takes hints from an access list; any numbers do no harm. */
export function suggest(pairs: usize): void {
  suggestions = pairs;
}

/** Forgets the block before; `count` transactions will follow. */
export function beginHints(count: u32): void {
  suggestions = 0;
  let size: u32 = 64;
  while (size < count * 3) size <<= 1;
  hints = allocate((<usize>size) << 4);
  memory.fill(hints, 0, (<usize>size) << 4);
  hintMask = size - 1;
  longestHint = 0;
}

/**
 * Makes the tasks of transactions `from` to `to` (excluded), and gives each the last earlier ones that have its sender, or the receiver of
 * its tokens, as sender or receiver. Who is only paid ether waits for nobody (`credits.ts`), but has to have been paid before it sends.
 */
export function hint(from: u32, to: u32): void {
  const records = <usize>load<u32>(RECORDS);
  const limbs = words + 1600;
  for (let i = from; i < to; i++) {
    const record = records + <usize>i * T_BYTES;
    let first: u32 = 0;
    let second: u32 = 0;
    if (suggestions) {
      first = load<u32>(suggestions + ((<usize>i) << 3));
      second = load<u32>(suggestions + ((<usize>i) << 3), 4);
      if (first > i) first = 0;
      if (second > i) second = 0;
    } else {
      const sender = hintEntry(record + T_SENDER);
      first = note(sender, i);
      const paid = load<u32>(sender, HINT_PAID);
      store<u32>(sender, 0, HINT_PAID);
      const data = <usize>load<u32>(record, T_DATA);
      const bytes = load<u32>(record, T_DATA_BYTES);
      if (!load<u32>(record, T_CREATES)) {
        if (bytes == 0) {
          const receiver = hintEntry(record + T_TO);
          if (fork >= SPURIOUS_DRAGON) store<u32>(receiver, i + 1, HINT_PAID);
          else second = note(receiver, i);
        } else if (bytes >= 36 && load<u32>(data) == TRANSFER_SELECTOR) {
          readAddress(limbs, data + 16);
          second = note(hintEntry(limbs), i);
        }
      }
      if (!second) second = paid;
      else first = max<u32>(first, paid);
    }
    const mine = task(i);
    store<u32>(mine, NEW);
    store<u32>(mine, 0, WAITERS);
    store<u32>(mine, 0, BROKEN_OFF);
    store<u32>(mine, first, PREDECESSOR);
    store<u32>(mine, second, SECOND_PREDECESSOR);
    if (from) continue;
    const chain =
      1 +
      max<u32>(
        first ? load<u32>(task(first - 1), HINT_CHAIN) : 0,
        second ? load<u32>(task(second - 1), HINT_CHAIN) : 0,
      );
    store<u32>(mine, chain, HINT_CHAIN);
    longestHint = max<u32>(longestHint, chain);
  }
}

/** Entry of an address. */
function hintEntry(limbs: usize): usize {
  const hash = hashAddress(load<u64>(limbs), load<u64>(limbs, 8), load<u64>(limbs, 16));
  for (let at = hash & hintMask; ; at = (at + 1) & hintMask) {
    const entry = hints + ((<usize>at) << 4);
    const used = load<u32>(entry, HINT_LAST) | load<u32>(entry, HINT_PAID);
    if (used && load<u32>(entry) != hash) continue;
    store<u32>(entry, hash);
    return entry;
  }
}

/** Notes that transaction `i` has this address; answers index + 1 of the last that had it, or 0. */
function note(entry: usize, i: u32): u32 {
  const last = load<u32>(entry, HINT_LAST);
  store<u32>(entry, i + 1, HINT_LAST);
  return last == i + 1 ? 0 : last;
}
