/** What the scheduler (`parallel.ts`) knows of each transaction of a block. */
import { SCHEDULER } from "./layout";

/** Words of the scheduler: addresses of the decoded transactions and of their tasks. */
export const RECORDS: usize = SCHEDULER + 524;
export const TASKS: usize = SCHEDULER + 532;

// A task: what the scheduler knows of one transaction. One line, since neighbours run in different threads.
export const STATE: usize = 0;
/** Index + 1 of the last transaction that waits for this one, or CLOSED. */
export const WAITERS: usize = 4;
export const NEXT_WAITER: usize = 8;
/** Index + 1 of a transaction to wait for, or 0; once executed, length of the chain of reads that ends here. */
export const PREDECESSOR: usize = 12;
export const CHAIN: usize = 12;
export const READS: usize = 16;
export const READ_COUNT: usize = 20;
export const WRITES: usize = 24;
/** Before execution: how often the transaction was broken off for a signer (`recoveries.ts`). */
export const BROKEN_OFF: usize = 24;
export const WRITE_COUNT: usize = 28;
/** Word: what the coinbase is owed; before execution, a second transaction to wait for and the length of the chain of hints. */
export const FEE: usize = 32;
export const SECOND_PREDECESSOR: usize = 32;
export const HINT_CHAIN: usize = 36;
export const TASK_BYTES: usize = 64;

export const NEW: u32 = 0;
export const EXECUTED: u32 = 1;
/** To be executed at the frontier only. */
export const DEFERRED: u32 = 2;
/** May not be included, as far as the execution could see. */
export const REJECTED: u32 = 3;
export const CLOSED: u32 = 0xffffffff;

/** Bits of a state; above them is who executed the transaction. */
export const STATE_MASK: u32 = 3;

// @ts-ignore: decorator
@inline
export function task(index: u32): usize {
  return <usize>load<u32>(TASKS) + <usize>index * TASK_BYTES;
}
