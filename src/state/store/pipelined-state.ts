/**
 * Commits off the executing thread: while a worker brings block N into the tries and the store, block N + 1 executes on the
 * state that N leads to. The number of blocks under way is bounded, and each one's root is known before the block counts.
 *
 * @module
 */
import { Worker } from "node:worker_threads";
import { LanewiseError } from "../../core/index.ts";
import type { ExecutionState, LastingState } from "../chain-state.ts";
import type { AccountProof } from "../commitment.ts";
import { codesOf, type EncodedDiff, encodedDiff } from "../diff.ts";
import { hexOf } from "../hex.ts";
import { createOverlayState, type OverlayBlock } from "../overlay.ts";
import { objectReads, SharedTable } from "../shared-table.ts";
import type { StateSource } from "../source.ts";
import type {
  CommitAnswer,
  CommitRequest,
  CommitWorkerData,
  StorePosition,
} from "./commit-worker.ts";
import { type LevelOptions, openLevelReaders } from "./level.ts";
import type { StoredBlock } from "./records.ts";
import { openSharedMemory } from "./shared-memory.ts";
import type { BlockChanges, CommitOutcome, StateStoreOptions } from "./state-store.ts";
import { createStateView, type StateView } from "./view.ts";

/** Options of {@link openPipelinedState}. */
export interface PipelinedStateOptions extends StateStoreOptions, LevelOptions {
  /** Folder of the database (see `openStateStore`); in memory where there is none. */
  readonly location?: string;
  /** Most blocks under way in the worker, default 2. */
  readonly maxPending?: number;
}

/** Accounts and slots kept in the table, some 120 bytes each, before it is emptied. */
const MOST_CACHED = 2 ** 21;

/** A block under way. */
interface PendingBlock extends OverlayBlock {
  readonly diff: EncodedDiff;
  /** Code that it created, by 0x-prefixed hash. */
  readonly codes: ReadonlyMap<string, Uint8Array>;
}

/** The committed state that sources stand on; its view closes when the last of them does. */
interface Base {
  readonly view: StateView;
  sources: number;
  isCurrent: boolean;
}

interface Pending {
  readonly resolve: (answer: Extract<CommitAnswer, { position: unknown }>) => void;
  readonly reject: (error: unknown) => void;
}

/** Opens the store in a worker thread. */
export async function openPipelinedState(
  options: PipelinedStateOptions = {},
): Promise<PipelinedState> {
  const { location, maxPending = 2, ...rest } = options;
  if (!Number.isInteger(maxPending) || maxPending < 1) {
    throw new RangeError(`maxPending: expected an integer ≥ 1, got ${maxPending}`);
  }
  if ((rest.historyBlocks ?? maxPending) < maxPending) {
    // A view opened here may find the worker that many blocks ahead.
    throw new RangeError(`historyBlocks: expected at least maxPending, got ${rest.historyBlocks}`);
  }
  // Here first: what is wrong with the folder is thrown in this thread, whatever becomes of the worker.
  const readers = location === undefined ? undefined : await openLevelReaders(location, rest);
  const workerData: CommitWorkerData = { location, options: rest };
  const worker = new Worker(new URL("./commit-worker.js", import.meta.url), { workerData });
  const state = new PipelinedState(worker, readers, maxPending);
  await state.start();
  return state;
}

/** A state store in a worker thread, read and fed from this one. */
export class PipelinedState implements LastingState {
  readonly #worker: Worker;
  readonly #readers: Awaited<ReturnType<typeof openLevelReaders>> | undefined;
  readonly #maxPending: number;
  readonly #waiting = new Map<number, Pending>();
  readonly #room: (() => void)[] = [];
  #nextId = 0;
  #base: Base | undefined;
  #head: StoredBlock | undefined;
  /** Blocks under way, oldest first. */
  #pending: PendingBlock[] = [];
  /** What was read or changed lately, as of the last block given. */
  readonly #table = new SharedTable(false);
  /** Counts how often the table came to stand for another state. */
  #generation = 0;
  #failure: unknown;
  #closing: Promise<void> | undefined;

  constructor(
    worker: Worker,
    readers: Awaited<ReturnType<typeof openLevelReaders>> | undefined,
    maxPending: number,
  ) {
    this.#worker = worker;
    this.#readers = readers;
    this.#maxPending = maxPending;
    worker.on("message", (answer: CommitAnswer) => this.#settle(answer));
    worker.on("error", (error) => this.#fail(error));
    worker.on("exit", (code) => this.#fail(new Error(`it exited with code ${code}`)));
  }

  /** Waits for the store to be open. Called once, by {@link openPipelinedState}. */
  async start(): Promise<void> {
    try {
      const { position } = await this.#ask({ kind: "open" });
      this.#advance(position!);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** The last block committed; its root is checked. */
  get head(): StoredBlock | undefined {
    return this.#head;
  }

  /** Blocks under way. */
  get pending(): number {
    return this.#pending.length;
  }

  /** The state after the last block given to `commit`, whatever is committed meanwhile; to be closed. */
  source(): ExecutionState {
    const base = this.#base;
    if (base === undefined) throw new LanewiseError("ERR_CLOSED", "pipelined state: closed");
    let open = true;
    base.sources++;
    const pending = [...this.#pending];
    const table = this.#table;
    const generation = this.#generation;
    let older: StateSource | undefined;
    /** What the table has moved on from is read the long way. */
    const overlay = (): StateSource => {
      older ??= createOverlayState(base.view, pending);
      return older;
    };
    const direct = table.reads({
      account: (address) => table.setAccount(address, base.view.account(address)),
      storage: (address, slot) => {
        table.setStorage(address, slot, base.view.storage(address, slot));
      },
    });
    const reads = objectReads(direct);
    const isCurrent = (): boolean => generation === this.#generation;
    return {
      account: (address) => (isCurrent() ? reads : overlay()).account(address),
      storage: (address, slot) => (isCurrent() ? reads : overlay()).storage(address, slot),
      get direct() {
        return isCurrent() ? direct : undefined;
      },
      code: (codeHash) => {
        const name = pending.some(({ codes }) => codes.size > 0) ? hexOf(codeHash) : "";
        const created = pending.find(({ codes }) => codes.has(name));
        return created?.codes.get(name) ?? base.view.code(codeHash);
      },
      blockHash: (number) =>
        pending.find((block) => block.number === number)?.hash ?? base.view.blockHash(number),
      close: () => {
        if (!open) return;
        open = false;
        base.sources--;
        closeUnused(base);
      },
    };
  }

  /** Resolves when `commit` may be called again. */
  async room(): Promise<void> {
    while (this.#pending.length >= this.#maxPending && this.#failure === undefined) {
      await new Promise<void>((resolve) => this.#room.push(resolve));
    }
  }

  /**
   * Begins to commit a block on top of the last one given. Where its root is not the one expected, the blocks given after it are
   * dropped too: their promises reject with `ERR_ABORTED`.
   *
   * @throws RangeError where `maxPending` blocks are under way (see `room`), or the block does not follow.
   * @throws LanewiseError as `StateStore.commit` does.
   */
  async commit(block: BlockChanges): Promise<CommitOutcome> {
    this.#assertOpen();
    if (this.#pending.length >= this.#maxPending) {
      throw new RangeError(
        `pipelined state: expected at most ${this.#maxPending} blocks under way`,
      );
    }
    const last = this.#pending.at(-1)?.number ?? this.#head?.number;
    if (last !== undefined && block.number !== last + 1n) {
      throw new RangeError(`block number: expected ${last + 1n}, got ${block.number}`);
    }
    const { number, hash, expectedRoot, dryRun } = block;
    const diff = encodedDiff(block.diff);
    const pending = { number, hash, diff, codes: codesOf(diff) };
    this.#pending.push(pending);
    this.#generation++;
    if (this.#table.size > MOST_CACHED) this.#refill();
    else this.#table.apply(diff);
    try {
      const request = { kind: "commit", number, hash, diff, expectedRoot, dryRun } as const;
      const answer = await this.#ask(request);
      const outcome = answer.outcome!;
      if (outcome.committed) this.#advance(answer.position!);
      else this.#drop();
      return outcome;
    } catch (error) {
      // What was built on this block has nothing to stand on.
      if (this.#pending.includes(pending)) this.#drop();
      if (!(error instanceof RangeError)) throw error;
      throw new LanewiseError("ERR_ABORTED", `block ${number}: a block before it did not count`);
    } finally {
      for (const resolve of this.#room.splice(0)) resolve();
    }
  }

  /** Takes blocks back once nothing is under way (see `StateStore.revert`). */
  async revert(blocks: number): Promise<StoredBlock | undefined> {
    this.#assertOpen();
    if (this.#pending.length > 0) {
      throw new RangeError(`pipelined state: expected no blocks under way, got ${this.pending}`);
    }
    this.#advance((await this.#ask({ kind: "revert", blocks })).position!);
    this.#drop();
    return this.#head;
  }

  /** Proves accounts and slots in the state of the last block given. */
  async prove(
    requests: readonly { readonly address: Uint8Array; readonly slots?: readonly Uint8Array[] }[],
  ): Promise<AccountProof[]> {
    this.#assertOpen();
    return (await this.#ask({ kind: "prove", requests })).proofs!;
  }

  /** Waits for the blocks under way, and closes the store. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= (async () => {
      if (this.#failure === undefined) await this.#ask({ kind: "close" }).catch(() => {});
      this.#retire();
      await this.#readers?.close();
      await this.#worker.terminate();
    })();
    return this.#closing;
  }

  /** Blocks under way count no more, nor what the table has of them. */
  #drop(): void {
    this.#pending = [];
    this.#generation++;
    this.#refill();
  }

  /** Leaves in the table what the blocks under way changed: the view knows the rest. */
  #refill(): void {
    this.#table.clear();
    for (const { diff } of this.#pending) this.#table.apply(diff);
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) {
      throw new LanewiseError("ERR_CLOSED", "pipelined state: closed");
    }
  }

  #ask(
    request: CommitRequest extends infer R
      ? R extends { id: number }
        ? Omit<R, "id">
        : never
      : never,
  ): Promise<Extract<CommitAnswer, { position: unknown }>> {
    if (this.#failure !== undefined) throw workerEnded(this.#failure);
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ ...request, id });
    });
  }

  #settle(answer: CommitAnswer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if (waiting === undefined) return;
    if ("position" in answer) waiting.resolve(answer);
    else if (answer.code === undefined) waiting.reject(new RangeError(answer.message));
    else waiting.reject(new LanewiseError(answer.code, answer.message));
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    for (const { reject } of this.#waiting.values()) reject(workerEnded(this.#failure));
    this.#waiting.clear();
    for (const resolve of this.#room.splice(0)) resolve();
  }

  #retire(): void {
    if (this.#base === undefined) return;
    this.#base.isCurrent = false;
    closeUnused(this.#base);
    this.#base = undefined;
  }

  /** Moves the view to where the store is, and lets go of the blocks that it includes. */
  #advance({ head, view }: StorePosition): void {
    const { contents, number } = view;
    const reader =
      contents.kind === "memory" ? openSharedMemory(contents) : this.#readers!.reader();
    this.#retire();
    this.#base = { view: createStateView(reader, number), sources: 0, isCurrent: true };
    this.#head = head;
    this.#pending = this.#pending.filter(
      (block) => head === undefined || block.number > head.number,
    );
  }
}

function workerEnded(cause: unknown): LanewiseError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new LanewiseError("ERR_CLOSED", `pipelined state: the worker ended: ${reason}`, { cause });
}

function closeUnused(base: Base): void {
  if (!base.isCurrent && base.sources === 0) base.view.close();
}
