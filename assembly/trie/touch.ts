// Brings what a group of records is about to change into the core's cache, level by level: the nodes of a level are fetched side by
// side, while a descent record by record waits for each in turn.
import { childOf, childrenOf, isLeaf, prefixNibbles, referenceOf } from "./nodes";
import { nibblesOf, RECORD, recordNibble } from "./records";

/** Most records of a group. */
export const MOST_TOUCHED: u32 = 1024;

/** Where each record's way has come to; 0: it has ended. */
const PLACES: usize = memory.data(MOST_TOUCHED * 4, 16);
/** What was read, so that the reading is not left out. */
let read: u32 = 0;

/** Touches the loaded nodes from `node`, at `depth`, on the ways of the records, at most `MOST_TOUCHED`; stops at prefixes. */
export function touch(node: usize, depth: u32, lo: usize, hi: usize): void {
  const count = <u32>(hi - lo) / RECORD;
  for (let i: u32 = 0; i < count; i++) store<u32>(PLACES + (i << 2), <u32>node);
  let sum: u32 = 0;
  let going: u32 = count;
  for (let level = depth; going > 0; level++) {
    going = 0;
    for (let i: u32 = 0; i < count; i++) {
      const place = PLACES + (i << 2);
      const at: usize = load<u32>(place);
      if (at == 0) continue;
      let next: usize = 0;
      if (isLeaf(at)) {
        sum += load<u8>(at + 64) + load<u8>(at + 96);
      } else if (prefixNibbles(at) == 0) {
        const record = lo + i * RECORD;
        const nibble = level < nibblesOf(record) ? recordNibble(record, level) : 0;
        if (childrenOf(at) & (1 << nibble)) {
          next = childOf(at, nibble);
          sum += load<u8>(referenceOf(at, nibble));
          going++;
        }
      }
      store<u32>(place, <u32>next);
    }
  }
  read += sum;
}
