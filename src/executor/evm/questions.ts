/**
 * How instances in other threads read what is not in shared memory: they put a question there and spin; the thread that has the state
 * answers between two transactions of its own.
 *
 * Words at `QUESTIONS` (assembly/evm/layout.ts): the block's number, threads that have finished it, a bell; then 32 bytes a thread: state,
 * question, three arguments, answer.
 *
 * @module
 */
import type { StateQuestions } from "./machine.ts";

/** Most threads beside the host's. */
export const MAX_THREADS = 31;

const EPOCH = 0;
const FINISHED = 1;
const BELL = 2;
const FIRST_SLOT = 8;
const SLOT_WORDS = 8;

const IDLE = 0;
const ASKED = 1;
const ANSWERED = 2;
const FAILED = 3;

const ACCOUNT = 0;
const STORAGE = 1;
const HAS_STORAGE = 2;
const CODE = 3;
const WRITE_CODE = 4;
const BLOCK_HASH = 5;

/** Looks for another block before a thread sleeps: about as long as one takes to set up. */
const BLOCK_SPINS = 200_000;
/** Looks at an unanswered question before the thread sleeps, and how long it then sleeps at most. */
const SPINS = 20_000;
const NAP_MS = 1;

/** The words that threads and host share. */
export class Switchboard {
  readonly #words: Int32Array;

  constructor(buffer: ArrayBufferLike, at: number) {
    this.#words = new Int32Array(buffer, at, FIRST_SLOT + MAX_THREADS * SLOT_WORDS);
  }

  /** Host: wakes every thread, since a block is being set up. */
  ring(): void {
    Atomics.add(this.#words, BELL, 1);
    Atomics.notify(this.#words, BELL);
  }

  /** Host: lets every thread into another block. */
  beginBlock(): void {
    Atomics.store(this.#words, FINISHED, 0);
    Atomics.add(this.#words, EPOCH, 1);
    this.ring();
  }

  /** Thread: sleeps until there is a block after `epoch`; its number. */
  waitForBlock(epoch: number): number {
    const words = this.#words;
    while (Atomics.load(words, EPOCH) === epoch) {
      const rung = Atomics.load(words, BELL);
      let spins = 0;
      while (Atomics.load(words, EPOCH) === epoch && spins < BLOCK_SPINS) spins++;
      if (spins === BLOCK_SPINS) Atomics.wait(words, BELL, rung);
    }
    return Atomics.load(this.#words, EPOCH);
  }

  /** Thread: says that it has left the block. */
  finishBlock(): void {
    Atomics.add(this.#words, FINISHED, 1);
  }

  /** Host: how many threads have left the block. */
  get finished(): number {
    return Atomics.load(this.#words, FINISHED);
  }

  /** A short rest for a thread that has nothing to do. */
  rest(ms: number): void {
    Atomics.wait(this.#words, FIRST_SLOT - 1, 0, ms);
  }

  /** Host: answers what the first `threads` threads ask. Exceptions become the asking thread's. */
  serve(threads: number, questionsOf: (thread: number) => StateQuestions): void {
    const words = this.#words;
    for (let thread = 0; thread < threads; thread++) {
      const slot = FIRST_SLOT + thread * SLOT_WORDS;
      if (Atomics.load(words, slot) !== ASKED) continue;
      let state = ANSWERED;
      try {
        words[slot + 5] = answer(questionsOf(thread), words.subarray(slot + 1, slot + 5));
      } catch {
        state = FAILED;
      }
      Atomics.store(words, slot, state);
      Atomics.notify(words, slot);
    }
  }

  /** Thread: the questions that its instance asks, put to the host. */
  questions(thread: number): StateQuestions {
    const ask = (question: number, a = 0, b = 0, c = 0): number =>
      this.#ask(thread, question, a, b, c);
    return {
      readAccount: (address, out) => ask(ACCOUNT, address, out),
      readStorage: (address, slot, out) => void ask(STORAGE, address, slot, out),
      hasStorage: (address) => ask(HAS_STORAGE, address),
      readCode: (hash) => ask(CODE, hash),
      writeCode: (out) => void ask(WRITE_CODE, out),
      readBlockHash: (number, out) =>
        void ask(
          BLOCK_HASH,
          Number(number & 0xffffffffn),
          Number((number >> 32n) & 0xffffffffn),
          out,
        ),
    };
  }

  #ask(thread: number, question: number, a: number, b: number, c: number): number {
    const words = this.#words;
    const slot = FIRST_SLOT + thread * SLOT_WORDS;
    words[slot + 1] = question;
    words[slot + 2] = a;
    words[slot + 3] = b;
    words[slot + 4] = c;
    Atomics.store(words, slot, ASKED);
    for (let spins = 0; Atomics.load(words, slot) === ASKED; spins++) {
      if (spins > SPINS) Atomics.wait(words, slot, ASKED, NAP_MS);
    }
    const failed = Atomics.load(words, slot) === FAILED;
    Atomics.store(words, slot, IDLE);
    if (failed) throw new Error("state: the host could not answer");
    return words[slot + 5];
  }
}

function answer(state: StateQuestions, [question, a, b, c]: Int32Array): number {
  switch (question) {
    case ACCOUNT:
      return state.readAccount(a, b);
    case STORAGE:
      state.readStorage(a, b, c);
      return 0;
    case HAS_STORAGE:
      return state.hasStorage(a);
    case CODE:
      return state.readCode(a);
    case WRITE_CODE:
      state.writeCode(a);
      return 0;
    default:
      state.readBlockHash(BigInt(a >>> 0) | (BigInt(b >>> 0) << 32n), c);
      return 0;
  }
}
