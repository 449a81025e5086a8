/**
 * A live tap: follows a running node and validates every new block through the pipeline and every pending transaction through the
 * verifier. Heads that were missed are back-filled, re-organisations followed, lost connections opened again.
 *
 * @module
 */
import { keccak256, secp256k1Recover } from "../../algorithms/index.ts";
import { type BackendOptions, createWasmBackend } from "../../backends/index.ts";
import { type BackendChoice, selectBackend } from "../../backends/select.ts";
import {
  type ChainSchedule,
  headerFromJson,
  MAINNET,
  singleForkSchedule,
} from "../../chains/ethereum/index.ts";
import { LanewiseError } from "../../core/index.ts";
import { forkLike } from "../../pipeline/block.ts";
import type { BlockInput } from "../../pipeline/input.ts";
import { createPipeline, type Pipeline } from "../../pipeline/pipeline.ts";
import { BoundedQueue } from "../../pipeline/queue.ts";
import type { BlockReport, Failure } from "../../pipeline/report.ts";
import { createVerifier, type Verifier } from "../../verifier/index.ts";
import type { RpcClientOptions } from "../rpc-client.ts";
import { runOnVerifier } from "../transaction-verifier.ts";
import { type HeadName, HeadTracker, type TrackedBlock } from "./head-tracker.ts";
import { headName, type NodeLink, openLink } from "./link.ts";
import { type PendingOutcome, PendingQueue } from "./pending.ts";

/** How a node is followed. */
export interface FollowOptions extends RpcClientOptions {
  /** First block; default: the node's newest. */
  readonly from?: bigint;
  /** Last block: the events end after it. Default: none. */
  readonly to?: bigint;
  /** Whether pending transactions are verified too. Default true. */
  readonly pending?: boolean;
  /** Time between two polls, of http(s) URLs. Default 1000. */
  readonly pollMs?: number;
  /** Forks of the chain; default: mainnet's for chain id 1, else the fork that each header looks like. */
  readonly chain?: ChainSchedule;
  /** Default `auto`. */
  readonly backend?: BackendChoice;
  readonly backendOptions?: BackendOptions;
  /** Ends the events. */
  readonly signal?: AbortSignal;
}

/** What happened. */
export type FollowEvent =
  | { readonly kind: "connected"; readonly chainId: bigint }
  /** The connection was lost; it is opened again after `retryMs`. */
  | { readonly kind: "lost"; readonly reason: string; readonly retryMs: number }
  | { readonly kind: "note"; readonly text: string }
  | {
      readonly kind: "block";
      readonly report: BlockReport;
      /** Blocks reported earlier that this one takes the place of. */
      readonly replaced: number;
      /** From the node's answer to the verdict. */
      readonly ms: number;
    }
  | ({ readonly kind: "pending" } & PendingOutcome);

/** Waits between attempts to connect again: doubles from the first to the last. */
const BACK_OFF_MS = { first: 250, last: 30_000 };

/** Events that wait for a slow reader before the node is read no further. */
const EVENTS_WAITING = 256;

/**
 * Follows the node at `url` (ws, wss, http or https) until the signal fires or the last block wanted was reported.
 *
 * Blocks come in the chain's order without a gap. Memory is bounded: pending transactions beyond 65 536 waiting are counted and
 * dropped, and blocks are read no faster than they are validated.
 *
 * @throws LanewiseError `ERR_SOURCE` where the node cannot be reached to begin with; later losses are events.
 *
 * @example
 * for await (const event of follow("ws://127.0.0.1:8546")) if (event.kind === "block") console.log(event.report);
 */
export async function* follow(
  url: string,
  options: FollowOptions = {},
): AsyncGenerator<FollowEvent, void, undefined> {
  const follower = new Follower(url, options);
  try {
    yield* follower.run();
  } finally {
    await follower.close();
  }
}

/** What is known of a block on its way through the pipeline. */
type BlockOnItsWay = TrackedBlock & { readonly startedMs: number };

class Follower {
  readonly #url: string;
  readonly #options: FollowOptions;
  readonly #events = new BoundedQueue<FollowEvent>(EVENTS_WAITING);
  readonly #tracker: HeadTracker;
  readonly #onItsWay: BlockOnItsWay[] = [];
  readonly #stop = new AbortController();
  #pipeline: Pipeline | undefined;
  #verifier: Verifier | undefined;
  #pending: PendingQueue | undefined;
  #link: NodeLink | undefined;
  #chainId: bigint | undefined;
  #chain: ChainSchedule | undefined;
  #head: HeadName | undefined;
  #isDone = false;
  readonly #wakers = new Set<() => void>();

  constructor(url: string, options: FollowOptions) {
    this.#url = url;
    this.#options = options;
    const fetch = (method: string, what: string): Promise<unknown> =>
      this.#connected().call(method, [what, true], this.#stop.signal);
    this.#tracker = new HeadTracker(
      {
        byNumber: (number) => fetch("eth_getBlockByNumber", `0x${number.toString(16)}`),
        byHash: (hash) => fetch("eth_getBlockByHash", hash),
      },
      options.from,
    );
  }

  async *run(): AsyncGenerator<FollowEvent, void, undefined> {
    const { signal } = this.#options;
    const onAbort = (): void => this.#end();
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      if (signal?.aborted) return;
      await this.#prepare();
      await this.#connect();
      const work = Promise.all([this.#followBlocks(), this.#followPending()]).then(
        () => this.#events.end(),
        (error: unknown) => this.#events.fail(error),
      );
      yield* this.#events;
      await work;
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
  }

  async close(): Promise<void> {
    this.#end();
    this.#events.close();
    this.#stop.abort();
    this.#link?.close();
    await this.#verifier?.close();
    await this.#pipeline?.close();
  }

  /** Kernels: one back end for blocks and pending transactions; behind a GPU the verifier has the CPU beside it. */
  async #prepare(): Promise<void> {
    const algorithms = [keccak256, secp256k1Recover];
    const { backend = "auto", backendOptions } = this.#options;
    const selection = await selectBackend(backend, algorithms, backendOptions);
    this.#pipeline = await createPipeline({ selection });
    if (this.#options.pending === false) return;
    const trusted = selection.backend.id === "webgpu" ? [createWasmBackend(backendOptions)] : [];
    const backends = [selection.backend, ...trusted];
    this.#verifier = createVerifier({ algorithms, backends, cacheEntries: 0 });
    this.#pending = new PendingQueue(runOnVerifier(this.#verifier));
  }

  /** Ends the work; what is under way is finished. */
  #end(): void {
    this.#isDone = true;
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#wakers) wake();
  }

  /** Waits for {@link #wake}, the time-out, or the loss of the connection. */
  async #sleep(timeoutMs: number, link?: NodeLink): Promise<void> {
    if (this.#isDone) return;
    let wake = (): void => {};
    const woken = new Promise<undefined>((resolve) => {
      wake = () => resolve(undefined);
    });
    const timer = setTimeout(wake, timeoutMs);
    this.#wakers.add(wake);
    const failure = await Promise.race(link === undefined ? [woken] : [woken, link.lost]);
    clearTimeout(timer);
    this.#wakers.delete(wake);
    if (failure !== undefined) throw failure;
  }

  #connected(): NodeLink {
    if (this.#link !== undefined) return this.#link;
    throw new LanewiseError("ERR_SOURCE", "node: not connected");
  }

  async #connect(): Promise<void> {
    const { pending = true, pollMs = 1000, ...rest } = this.#options;
    const link = await openLink(
      this.#url,
      { ...rest, pending, pollMs },
      {
        onHead: (head) => {
          this.#head = head;
          this.#wake();
        },
        onPending: (transaction) => {
          this.#pending?.add(transaction);
          this.#wake();
        },
        onPendingRefused: (reason) => {
          void this.#events.push({ kind: "note", text: `pending: not followed: ${reason}` });
        },
      },
    );
    try {
      const chainId = await link.call("eth_chainId", [], this.#stop.signal);
      this.#chainId = BigInt(String(chainId));
      this.#chain ??= this.#options.chain ?? knownChain(this.#chainId);
      // What was announced while nobody listened is found by asking.
      this.#head ??= headName(await link.call("eth_getBlockByNumber", ["latest", false]));
    } catch (error) {
      link.close();
      throw error;
    }
    this.#link = link;
    await this.#events.push({ kind: "connected", chainId: this.#chainId });
  }

  async #followBlocks(): Promise<void> {
    const pipeline = this.#pipeline as Pipeline;
    for await (const report of pipeline.run(this.#blocks())) {
      const block = this.#onItsWay.shift() as BlockOnItsWay;
      const { replaced, startedMs, linked } = block;
      const ms = performance.now() - startedMs;
      const whole = linked ? report : withFailure(report, unlinked(block));
      if (!(await this.#events.push({ kind: "block", report: whole, replaced, ms }))) break;
    }
    this.#end();
  }

  /** The chain's blocks, as inputs of the pipeline. */
  async *#blocks(): AsyncGenerator<BlockInput> {
    let backOffMs = BACK_OFF_MS.first;
    while (!this.#isDone) {
      try {
        if (this.#link === undefined) await this.#connect();
        for await (const block of this.#newBlocks()) {
          backOffMs = BACK_OFF_MS.first;
          yield this.#inputOf(block);
          if (this.#isDone || block.number === this.#options.to) return;
        }
      } catch (error) {
        if (!isLoss(error)) throw error;
        if (this.#isDone) return;
        this.#link?.close();
        this.#link = undefined;
        this.#head = undefined;
        const reason = (error as Error).message;
        await this.#events.push({ kind: "lost", reason, retryMs: backOffMs });
        await this.#pause(backOffMs);
        backOffMs = Math.min(2 * backOffMs, BACK_OFF_MS.last);
      }
    }
  }

  /** The blocks up to the head last told; without one, after waiting for it. */
  async *#newBlocks(): AsyncGenerator<TrackedBlock> {
    const link = this.#connected();
    if (this.#head === undefined) {
      const deadlineMs = performance.now() + link.recheckMs;
      while (this.#head === undefined && !this.#isDone && performance.now() < deadlineMs) {
        await this.#sleep(deadlineMs - performance.now(), link);
      }
      if (this.#isDone) return;
      this.#head ??= headName(await link.call("eth_getBlockByNumber", ["latest", false]));
    }
    const head = this.#head;
    this.#head = undefined;
    yield* this.#tracker.advance(head);
  }

  #inputOf(block: TrackedBlock): BlockInput {
    const { number, json, follows } = block;
    this.#onItsWay.push({ ...block, startedMs: performance.now() });
    this.#chain = this.#options.chain ?? chainOfBlock(json, this.#chainId as bigint) ?? this.#chain;
    const label = `block ${number}`;
    const content = { kind: "block-json", json } as const;
    return { label, content, follows, ...(this.#chain ? { chain: this.#chain } : {}) };
  }

  /** Sleeps the whole time, unless everything ends. */
  async #pause(ms: number): Promise<void> {
    const untilMs = performance.now() + ms;
    while (!this.#isDone && performance.now() < untilMs) {
      await this.#sleep(untilMs - performance.now());
    }
  }

  async #followPending(): Promise<void> {
    const pending = this.#pending;
    if (pending === undefined) return;
    while (!this.#isDone || pending.length > 0) {
      if (pending.length === 0 || this.#link === undefined) {
        if (this.#isDone) break;
        await this.#sleep(1000);
        continue;
      }
      const chain = this.#chain ?? singleForkSchedule("prague", this.#chainId as bigint);
      try {
        const outcome = await pending.verify(this.#link, chain);
        if (!(await this.#events.push({ kind: "pending", ...outcome }))) return;
      } catch (error) {
        if (!isLoss(error)) throw error;
      }
    }
    const { dropped } = pending;
    if (dropped > 0) {
      const text = `pending: ${dropped} transactions came faster than they could be verified`;
      await this.#events.push({ kind: "note", text });
    }
  }
}

/** Whether an error is the connection's: what follows is another attempt. */
function isLoss(error: unknown): boolean {
  return (
    error instanceof LanewiseError &&
    (error.code === "ERR_SOURCE" || error.code === "ERR_CLOSED" || error.code === "ERR_ABORTED")
  );
}

function knownChain(chainId: bigint): ChainSchedule | undefined {
  return chainId === MAINNET.chainId ? MAINNET : undefined;
}

/** Mainnet, or the fork that the header looks like; `undefined` where the header is malformed. */
function chainOfBlock(json: unknown, chainId: bigint): ChainSchedule | undefined {
  const known = knownChain(chainId);
  if (known !== undefined) return known;
  try {
    return singleForkSchedule(forkLike(headerFromJson(json)), chainId);
  } catch (error) {
    if (error instanceof LanewiseError && error.code === "ERR_INPUT") return undefined;
    throw error;
  }
}

function unlinked({ number, json }: TrackedBlock): Failure {
  const { number: claimed, parentHash } = (json ?? {}) as Record<string, unknown>;
  return {
    block: number.toString(),
    field: "parentHash",
    rule: "a place in the node's chain",
    expected: `block ${number} on a parent that the node has`,
    got: `number ${String(claimed).slice(0, 20)}, parent ${String(parentHash).slice(0, 66)}`,
  };
}

function withFailure(report: BlockReport, failure: Failure): BlockReport {
  return { ...report, ok: false, failures: [...report.failures, failure] };
}
