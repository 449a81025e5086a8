/**
 * The stages joined: source → decode → group → hash → recover → check → execute → commit, each a loop of its own between bounded
 * queues, so that kernels run on worker threads or a GPU while the next blocks are decoded and the last ones executed and committed.
 *
 * Many small blocks share one kernel batch: a group closes at {@link GROUP_TRANSACTIONS}, {@link GROUP_BYTES} or
 * {@link GROUP_UNITS}, or when nothing more came for {@link GROUP_WAIT_MS} and the next stage has room.
 *
 * @module
 */
import { keccak256, secp256k1Recover, secp256k1RecoverHinted } from "../algorithms/index.ts";
import type { BackendOptions } from "../backends/index.ts";
import { type BackendChoice, type Selection, selectBackend } from "../backends/select.ts";
import type { BlockHeader, ChainSchedule } from "../chains/ethereum/index.ts";
import { LanewiseError } from "../core/index.ts";
import { createExecutor, type Executor } from "../executor/index.ts";
import { createSenderKeys, type SenderKeys } from "../verifier/sender-keys.ts";
import { BatchPool } from "./batch-pool.ts";
import { type Decoded, decodeInput } from "./block.ts";
import { bodyRootsOf, checkUnit } from "./check.ts";
import { createDispatcher, type Dispatcher } from "./dispatcher.ts";
import { ExecutionStage, type StateOptions } from "./execution.ts";
import type { BlockInput, BlockSource } from "./input.ts";
import {
  fillHashes,
  fillRecoveries,
  type HashedGroup,
  type RecoveryGroup,
  readRecoveries,
} from "./lanes.ts";
import { ParentTracker } from "./parents.ts";
import { BoundedQueue } from "./queue.ts";
import {
  type BlockReport,
  type Failure,
  MAX_FAILURES,
  StageClock,
  type ValidationSummary,
} from "./report.ts";
import { type Unit, unitReport } from "./unit.ts";

/** Transactions in a group: enough to fill every lane of a GPU or of a worker pool a few times over. */
export const GROUP_TRANSACTIONS = 4096;
/** Raw bytes in a group; with the batches made of it about four times that is alive. */
export const GROUP_BYTES = 8 * 2 ** 20;
/** Units in a group: bounds what is read ahead of blocks that are almost empty. */
export const GROUP_UNITS = 256;
/** How long a group that is not full waits for one more unit. */
export const GROUP_WAIT_MS = 2;

/** Decoded units that wait for a group, groups before each kernel stage, and units behind them. */
const UNITS_WAITING = 16;
/** So many transactions count as another unit: what is decoded far ahead of its turn is garbage that lives long. */
const UNIT_TRANSACTIONS = 512;
const GROUPS_WAITING = 1;
/** Groups in recovery behind the one awaited: workers find the next one while this thread is busy with other stages. */
const GROUPS_AHEAD = 1;

/** Options of {@link createPipeline}. */
export interface PipelineOptions extends StateOptions {
  /** Default `auto`. */
  readonly backend?: BackendChoice;
  /** `background` is true by default: what executes and commits goes before the kernels of the blocks to come. */
  readonly backendOptions?: BackendOptions;
  /** A selection made already; the pipeline closes it. Takes the place of `backend`. */
  readonly selection?: Selection;
  /** Executor id; default `auto`. */
  readonly executor?: string;
  /** Keys of senders seen before: recovery is cheaper where a block says who sent what. Default: those of this pipeline's blocks. */
  readonly senderKeys?: SenderKeys;
  /** Forks of chains that the input does not name; default: mainnet's, or what a header looks like. */
  readonly chain?: ChainSchedule;
}

/** Validates streams of blocks, one stream at a time. */
export interface Pipeline {
  /**
   * Reports in the order of the source, as they are ready. The source is read no further than the queues have room.
   *
   * @throws LanewiseError where the source, every back end or the executor fails; `ERR_ABORTED` where the signal fires.
   */
  run(
    source: BlockSource,
    options?: { readonly signal?: AbortSignal },
  ): AsyncGenerator<BlockReport>;
  /** Numbers of all runs so far. */
  summary(): ValidationSummary;
  close(): Promise<void>;
}

/** What flows behind the decoder: a unit, or the report on an input that needs no work, with its header where it has one. */
type Item =
  | Decoded
  | {
      readonly ok: false;
      readonly report: BlockReport;
      readonly passed: { readonly hash: Uint8Array; readonly header: BlockHeader };
    };

/** A block that has executed, and may still be being committed. */
interface Committing {
  readonly report: Promise<BlockReport>;
}

/** Items that travel together, and the kernel batch made of their units. */
interface Grouped<Group> {
  readonly items: readonly Item[];
  readonly group: Group;
}

/** One whose batch is on its way. */
interface Recovering extends Grouped<RecoveryGroup> {
  readonly ran: Promise<void>;
}

const weightOf = (item: Item): number =>
  item.ok ? 1 + item.unit.list.count / UNIT_TRANSACTIONS : 1;

/** The source's inputs until `stopped` resolves, even while the source itself is waiting for its next one. */
async function* untilStopped(
  source: BlockSource,
  stopped: Promise<undefined>,
): AsyncGenerator<BlockInput> {
  const iterator =
    Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  let isDone = false;
  try {
    while (true) {
      const next = await Promise.race([iterator.next(), stopped]);
      isDone = next?.done === true;
      if (next === undefined || next.done) return;
      yield next.value;
    }
  } finally {
    // A source that hangs in `next` may hang here too: nobody waits for it.
    if (!isDone) Promise.resolve(iterator.return?.()).catch(() => {});
  }
}

/** The keys that hints may come from: none where the back end has no use for them. */
export function hintsFor(dispatcher: Dispatcher, keys: SenderKeys): SenderKeys | undefined {
  return dispatcher.supports(secp256k1RecoverHinted) ? keys : undefined;
}

/** Creates a pipeline on the back end chosen; prepares its kernels. */
export async function createPipeline(options: PipelineOptions = {}): Promise<Pipeline> {
  const kernels = [keccak256, secp256k1Recover];
  const selection =
    options.selection ??
    (await selectBackend(options.backend ?? "auto", kernels, {
      background: true,
      ...options.backendOptions,
    }));
  const dispatcher = createDispatcher(selection);
  const executor: Executor = createExecutor(options.executor);
  const pool = new BatchPool();
  const { senderKeys = createSenderKeys() } = options;
  const clock = new StageClock();
  const failures: Failure[] = [];
  let blocks = 0;
  let transactions = 0;
  let failed = 0;
  let wallMs = 0;

  async function* run(
    source: BlockSource,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<BlockReport> {
    const startedMs = performance.now();
    const decoded = new BoundedQueue<Item>(UNITS_WAITING, weightOf);
    const grouped = new BoundedQueue<readonly Item[]>(GROUPS_WAITING);
    const hashed = new BoundedQueue<Grouped<HashedGroup>>(GROUPS_WAITING);
    const recovering = new BoundedQueue<Recovering>(GROUPS_AHEAD);
    const recovered = new BoundedQueue<Item>(UNITS_WAITING);
    const checked = new BoundedQueue<Item>(UNITS_WAITING);
    const committing = new BoundedQueue<Committing>(UNITS_WAITING);
    const reports = new BoundedQueue<BlockReport>(UNITS_WAITING);
    const queues = [decoded, grouped, hashed, recovering, recovered, checked, committing, reports];
    const failAll = (error: unknown): void => {
      for (const queue of queues) queue.fail(error);
    };
    const onAbort = (): void =>
      failAll(new LanewiseError("ERR_ABORTED", "pipeline: aborted", { cause: signal?.reason }));
    if (signal?.aborted) onAbort();
    signal?.addEventListener("abort", onAbort, { once: true });
    const runOptions = signal === undefined ? {} : { signal };
    const execution = new ExecutionStage(executor, options);
    const parents = new ParentTracker();
    let stop = (): void => {};
    const stopped = new Promise<undefined>((resolve) => {
      stop = () => resolve(undefined);
    });

    async function decodeStage(): Promise<void> {
      for await (const input of untilStopped(source, stopped)) {
        const decodedInput = await clock.time("decode", 0, () => decodeInput(input, options.chain));
        const item = decodedInput.ok ? passOver(decodedInput.unit) : decodedInput;
        if (item.ok) clock.add("decode", item.unit.list.count);
        if (!(await decoded.push(item))) return;
        // Decoding never waits while the queues have room: let the other stages have the thread.
        await new Promise((resolve) => setImmediate(resolve));
      }
    }

    function passOver(unit: Unit): Item {
      const report = execution.passOver(unit);
      if (report === undefined || unit.block === undefined) return { ok: true, unit };
      return { ok: false, report, passed: { hash: unit.blockHash, header: unit.block.header } };
    }

    async function groupStage(): Promise<void> {
      let items: Item[] = [];
      let count = 0;
      let bytes = 0;
      while (true) {
        const item = await decoded.next(items.length === 0 ? undefined : GROUP_WAIT_MS);
        if (item !== undefined) {
          items.push(item);
          count += item.ok ? item.unit.list.count : 0;
          bytes += item.ok ? item.unit.list.bytes.length : 0;
        }
        const isFull =
          count >= GROUP_TRANSACTIONS || bytes >= GROUP_BYTES || items.length >= GROUP_UNITS;
        // A group that is not full goes out when it would be worked on at once, or when nothing follows it.
        const isWanted = item === undefined && (grouped.length < GROUPS_WAITING || decoded.ended);
        if (items.length > 0 && (isFull || isWanted)) {
          if (!(await grouped.push(items))) return;
          items = [];
          count = 0;
          bytes = 0;
        }
        if (item === undefined && decoded.ended && items.length === 0) return;
      }
    }

    async function hashStage(): Promise<void> {
      for await (const items of grouped) {
        const units = items.flatMap((item) => (item.ok ? [item.unit] : []));
        const group = fillHashes(units, pool);
        await clock.time("hash", group.count, () => dispatcher.run(group.batch, runOptions));
        if (!(await hashed.push({ items, group }))) return;
      }
    }

    async function recoverStage(): Promise<void> {
      for await (const { items, group: digests } of hashed) {
        if (!(await recovering.room())) return;
        const group = fillRecoveries(digests, pool, hintsFor(dispatcher, senderKeys));
        const { batch, count } = group;
        const ran = clock.time("recover", count, () => dispatcher.run(batch, runOptions));
        // Thrown where its turn comes; until then it is not unhandled.
        ran.catch(() => {});
        await clock.time("check", 0, () => {
          for (const unit of group.units) if (unit.block) bodyRootsOf(unit, unit.block);
        });
        if (!(await recovering.push({ items, group, ran }))) return;
      }
    }

    async function senderStage(): Promise<void> {
      for await (const { items, group, ran } of recovering) {
        await ran;
        if (group.isClaimed) senderKeys.learn(group.batch);
        readRecoveries(group, pool);
        for (const item of items) if (!(await recovered.push(item))) return;
      }
    }

    async function checkStage(): Promise<void> {
      for await (const item of recovered) {
        if (item.ok) {
          const { unit } = item;
          const parent = parents.parentOf(unit);
          await clock.time("check", unit.list.count, () => checkUnit(unit, parent));
        } else if ("passed" in item) {
          parents.passed(item.passed.hash, item.passed.header);
        } else {
          parents.forget();
        }
        if (!(await checked.push(item))) return;
      }
    }

    async function executeStage(): Promise<void> {
      for await (const item of checked) {
        const next = item.ok ? await execute(item.unit) : { report: Promise.resolve(item.report) };
        if (!(await committing.push(next))) return;
      }
    }

    /** The report is still to come where the block is being committed, while the next one executes. */
    async function execute(unit: Unit): Promise<Committing> {
      const executed = await clock.time("execute", 0, () => execution.execute(unit, signal));
      if (executed.result !== undefined) clock.add("execute", unit.list.count);
      const committed = executed.result === undefined ? 0 : 1;
      const { final } = await execution.commit(unit, executed);
      const outcome = clock.time("commit", committed, () => final);
      const report = outcome.then((known) => unitReport(unit, known));
      // Thrown where its turn comes; until then it is not unhandled.
      report.catch(() => {});
      return { report };
    }

    async function reportStage(): Promise<void> {
      for await (const { report } of committing) if (!(await reports.push(await report))) return;
    }

    const stage = async (work: () => Promise<void>, output: { end(): void }): Promise<void> => {
      try {
        await work();
        output.end();
      } catch (error) {
        failAll(error);
      }
    };
    const stages = Promise.all([
      stage(decodeStage, decoded),
      stage(groupStage, grouped),
      stage(hashStage, hashed),
      stage(recoverStage, recovering),
      stage(senderStage, recovered),
      stage(checkStage, checked),
      stage(executeStage, committing),
      stage(reportStage, reports),
    ]);
    try {
      for await (const report of reports) {
        if (report.kind === "block") blocks++;
        transactions += report.transactions;
        failed += report.ok ? 0 : 1;
        failures.push(...report.failures.slice(0, MAX_FAILURES - failures.length));
        yield report;
      }
    } finally {
      signal?.removeEventListener("abort", onAbort);
      for (const queue of queues) queue.close();
      stop();
      await stages;
      await execution.close();
      wallMs += performance.now() - startedMs;
    }
  }

  return {
    run,
    summary: () => {
      const { id, reason, fallbacks } = dispatcher.status();
      return {
        ok: failed === 0,
        blocks,
        transactions,
        failures,
        backend: { id, reason: [reason, ...fallbacks].join("; ") },
        stages: clock.totals(),
        tps: wallMs === 0 ? 0 : Math.round((transactions / wallMs) * 1000),
      };
    },
    async close() {
      await executor.close();
      await dispatcher.close();
    },
  };
}
