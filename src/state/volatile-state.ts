/**
 * A complete state that follows one chain in memory and keeps no history: accounts and slots lie in a shared table, which the threads
 * that execute read; a worker has the tries and computes a block's root while the next one executes.
 *
 * A block whose root is not the one expected ends the state: what was given after it is refused, and there is nothing to go back to.
 *
 * @module
 */
import { Worker } from "node:worker_threads";
import { LanewiseError } from "../core/index.ts";
import type { ChainState, ExecutionState } from "./chain-state.ts";
import { codesOf, encodedDiffInto } from "./diff.ts";
import { hexOf } from "./hex.ts";
import { EMPTY_CODE_HASH } from "./memory.ts";
import type { RootAnswer, RootQuestion } from "./roots-worker.ts";
import { type Misses, objectReads, SharedTable } from "./shared-table.ts";
import type { BlockChanges, CommitOutcome } from "./store/state-store.ts";

/** BLOCKHASH reaches this many blocks back. */
const BLOCK_HASHES = 256n;
/** Most blocks under way in the worker. */
const MOST_PENDING = 2;
/** A larger diff, such as a genesis, goes to the worker in memory of its own. */
const MOST_BYTES_KEPT = 16 * 2 ** 20;

interface Waiting {
  readonly resolve: (root: Uint8Array) => void;
  readonly reject: (error: LanewiseError) => void;
}

/** A complete table lists all there is. */
const NOTHING_MISSES: Misses = { account() {}, storage() {} };

/** Begins with an empty state; the first commit brings the genesis. */
export function createVolatileState(): ChainState {
  return new VolatileState();
}

class VolatileState implements ChainState {
  readonly #worker = new Worker(new URL("./roots-worker.js", import.meta.url));
  readonly #table = new SharedTable(true);
  readonly #direct = this.#table.reads(NOTHING_MISSES);
  readonly #reads = objectReads(this.#direct);
  readonly #code = new Map<string, Uint8Array>();
  readonly #blockHashes = new Map<bigint, Uint8Array>();
  /** Commits that the worker has not answered, oldest first. */
  readonly #waiting: Waiting[] = [];
  /** Memory for the diffs of the blocks under way, which take turns. */
  readonly #slots: SharedArrayBuffer[] = [];
  #turn = 0;
  #room: (() => void)[] = [];
  /** Why no further block can be committed. */
  #end: LanewiseError | undefined;

  constructor() {
    this.#worker.unref();
    this.#worker.on("message", (answer: RootAnswer) => {
      const waiting = this.#waiting.shift();
      if ("root" in answer) waiting?.resolve(answer.root);
      else waiting?.reject(new LanewiseError("ERR_BACKEND_FAILED", `state: ${answer.message}`));
      this.#wake();
    });
    this.#worker.on("error", (error) => this.#fail(error));
    this.#worker.on("exit", (code) => this.#fail(new Error(`it exited with code ${code}`)));
  }

  source(): ExecutionState {
    return {
      ...this.#reads,
      direct: this.#direct,
      share: () => this.#table.shared,
      code: (codeHash) => {
        if (Buffer.compare(codeHash, EMPTY_CODE_HASH) === 0) return new Uint8Array(0);
        const code = this.#code.get(hexOf(codeHash));
        if (code) return code;
        throw new LanewiseError("ERR_STATE_MISSING", `code ${hexOf(codeHash)}: not in the state`);
      },
      blockHash: (number) => {
        const hash = this.#blockHashes.get(number);
        if (hash) return hash;
        throw new LanewiseError("ERR_STATE_MISSING", `hash of block ${number}: not in the state`);
      },
      close() {},
    };
  }

  async room(): Promise<void> {
    while (this.#waiting.length >= MOST_PENDING && this.#end === undefined) {
      await new Promise<void>((resolve) => this.#room.push(resolve));
    }
  }

  async commit(block: BlockChanges): Promise<CommitOutcome> {
    const { number, hash, expectedRoot, dryRun = false } = block;
    if (this.#end !== undefined) throw this.#end;
    if (this.#waiting.length >= MOST_PENDING) {
      throw new RangeError(`volatile state: expected at most ${MOST_PENDING} blocks under way`);
    }
    const diff = encodedDiffInto((bytes) => this.#memory(bytes), block.diff);
    const answer = new Promise<Uint8Array>((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
    });
    this.#table.apply(diff);
    for (const [name, code] of codesOf(diff)) this.#code.set(name, code.slice());
    const question: RootQuestion = { diff };
    this.#worker.postMessage(question);
    this.#blockHashes.set(number, hash);
    this.#blockHashes.delete(number - BLOCK_HASHES);
    const root = await answer;
    if (this.#end !== undefined) throw this.#end;
    const matches = expectedRoot === undefined || Buffer.compare(root, expectedRoot) === 0;
    if (matches && !dryRun) return { committed: true, root };
    this.#end = new LanewiseError("ERR_ABORTED", `block ${number} did not count: the state ended`);
    this.#wake();
    return { committed: false, root };
  }

  async close(): Promise<void> {
    this.#end ??= new LanewiseError("ERR_CLOSED", "volatile state: closed");
    await this.#worker.terminate();
  }

  /** Shared memory that no block under way uses: the one that had it last has been answered. */
  #memory(bytes: number): Uint8Array {
    if (bytes > MOST_BYTES_KEPT) return new Uint8Array(new SharedArrayBuffer(bytes));
    const slot = this.#turn;
    this.#turn = (slot + 1) % MOST_PENDING;
    if ((this.#slots[slot]?.byteLength ?? -1) < bytes) {
      this.#slots[slot] = new SharedArrayBuffer(2 ** Math.ceil(Math.log2(bytes + 1)));
    }
    return new Uint8Array(this.#slots[slot], 0, bytes);
  }

  #fail(error: Error): void {
    const message = `volatile state: the worker ended: ${error.message}`;
    this.#end ??= new LanewiseError("ERR_CLOSED", message, { cause: error });
    for (const { reject } of this.#waiting.splice(0)) reject(this.#end);
    this.#wake();
  }

  #wake(): void {
    const room = this.#room;
    this.#room = [];
    for (const resolve of room) resolve();
  }
}
