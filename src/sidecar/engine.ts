/**
 * What computes behind the sidecar's doors: a verifier for records, and a pipeline for blocks.
 *
 * Both use the same CPU back end, so that there is one pool of threads. Blocks never run on a device: the pipeline takes answers on
 * trust, and a block's few hundred transactions would not be faster there.
 *
 * @module
 */
import { algorithms } from "../algorithms/index.ts";
import { backends, createWebgpuBackend } from "../backends/index.ts";
import type { BackendChoice, Selection } from "../backends/select.ts";
import type { ChainSchedule } from "../chains/ethereum/index.ts";
import { type Backend, LanewiseError } from "../core/index.ts";
import type { BlockInput } from "../pipeline/input.ts";
import { createPipeline, type Pipeline } from "../pipeline/pipeline.ts";
import type { BlockReport } from "../pipeline/report.ts";
import { createVerifier, type Verifier, type VerifierOptions } from "../verifier/index.ts";
import { overloaded } from "./refusal.ts";

/** What an engine is made of. */
export interface EngineOptions {
  /** Default `auto`: the GPU where there is one, beside the CPU. `webgpu` pins it, software adapters included. */
  readonly backend?: BackendChoice;
  /** Threads of the CPU back end; default one a core. */
  readonly workers?: number;
  /** Forks of chains that a block does not name. */
  readonly chain?: ChainSchedule;
  readonly maxQueuedBlocks: number;
  readonly verifier?: Pick<
    VerifierOptions,
    "maxQueuedItems" | "maxBatchItems" | "cacheEntries" | "integrity"
  >;
}

/** Validates blocks, one after another. */
export interface BlockValidator {
  /**
   * @throws Refusal 429 where too many wait; LanewiseError as `Pipeline.run`.
   */
  validate(content: BlockInput["content"], signal: AbortSignal): Promise<BlockReport>;
  /** Blocks that wait or run. */
  readonly pending: number;
}

/** The verifier and the block validator. */
export interface Engine {
  readonly verifier: Verifier;
  readonly blocks: BlockValidator;
  /** Resolves when some back end takes work. */
  ready(): Promise<void>;
  /** Finishes what was accepted and closes the back ends. */
  close(): Promise<void>;
}

/** Creates the back ends and what runs on them. */
export async function createEngine(options: EngineOptions): Promise<Engine> {
  const { backend: choice = "auto", workers } = options;
  const cpu = await createCpuBackend(choice, workers);
  const devices =
    choice === "auto" || choice === "webgpu"
      ? [createWebgpuBackend({ allowSoftwareAdapter: choice === "webgpu" })]
      : [];
  const verifier = createVerifier({
    ...options.verifier,
    algorithms,
    backends: [...devices, cpu],
    ...(choice === "auto" ? {} : { pin: choice }),
  });
  const blocks = new PipelineValidator(cpu, options);
  return {
    verifier,
    blocks,
    ready: () => verifier.ready(choice === "webgpu" ? "webgpu" : cpu.id),
    async close() {
      await blocks.close();
      await verifier.close();
    },
  };
}

/** The WebAssembly column; the reference where this engine has no SIMD or the caller asked for it. */
async function createCpuBackend(
  choice: BackendChoice,
  workers: number | undefined,
): Promise<Backend> {
  if (choice === "reference") return backends.reference();
  const wasm = backends.wasm(workers === undefined ? {} : { workers });
  const { available, reason } = await wasm.probe();
  if (available) return wasm;
  await wasm.close();
  if (choice === "wasm") throw new LanewiseError("ERR_BACKEND_UNAVAILABLE", `back end ${reason}`);
  return backends.reference();
}

/** A back end that its borrower cannot close. */
function borrowed(backend: Backend): Backend {
  return {
    id: backend.id,
    probe: () => backend.probe(),
    supports: (algorithm) => backend.supports(algorithm),
    prepare: (prepared) => backend.prepare(prepared),
    run: (batch, run) => backend.run(batch, run),
    close: async () => {},
  };
}

/** One run of the pipeline a block: a block that ends its run in an error takes no other along. */
class PipelineValidator implements BlockValidator {
  readonly #backend: Backend;
  readonly #chain: ChainSchedule | undefined;
  readonly #most: number;
  #pipeline: Promise<Pipeline> | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #pending = 0;

  constructor(backend: Backend, { chain, maxQueuedBlocks }: EngineOptions) {
    this.#backend = backend;
    this.#chain = chain;
    this.#most = maxQueuedBlocks;
  }

  get pending(): number {
    return this.#pending;
  }

  async validate(content: BlockInput["content"], signal: AbortSignal): Promise<BlockReport> {
    if (this.#pending > this.#most) {
      throw overloaded(`sidecar: ${this.#pending} blocks are in progress; one more is refused`);
    }
    this.#pending++;
    const turn = this.#last.then(() => this.#run(content, signal));
    this.#last = turn.catch(() => {});
    try {
      return await turn;
    } finally {
      this.#pending--;
    }
  }

  async close(): Promise<void> {
    await this.#last;
    await (await this.#pipeline)?.close();
  }

  async #run(content: BlockInput["content"], signal: AbortSignal): Promise<BlockReport> {
    this.#pipeline ??= this.#open();
    const pipeline = await this.#pipeline;
    for await (const report of pipeline.run([{ label: "request", content }], { signal })) {
      return report;
    }
    throw new LanewiseError("ERR_BACKEND_FAILED", "pipeline: ended without a report");
  }

  #open(): Promise<Pipeline> {
    const selection: Selection = {
      backend: borrowed(this.#backend),
      reason: "the sidecar's CPU back end",
      statuses: [],
      nextAfter: async () => undefined,
    };
    const opening = createPipeline({
      selection,
      ...(this.#chain === undefined ? {} : { chain: this.#chain }),
    });
    opening.catch(() => {
      this.#pipeline = undefined;
    });
    return opening;
  }
}
