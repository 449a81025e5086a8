/** A real back end that can be made to fail, hang or lie: faults are injected around real work. */
import {
  type Algorithm,
  type Backend,
  type BackendId,
  type Batch,
  createReferenceBackend,
  LanewiseError,
} from "../../src/index.ts";

export type Fault = "lost" | "failed" | "stall" | "flip-result" | "flip-verdict" | "unavailable";

export class FaultyBackend implements Backend {
  readonly id: BackendId;
  /** What the next runs do; empty runs honestly. */
  fault: Fault | undefined;
  /** Only from this many items on, so that start-up calibration passes. */
  readonly leastItems: number;
  delayMs = 0;
  runs = 0;
  /** Runs that met a fault. */
  faultsMet = 0;
  readonly sizes: number[] = [];
  readonly #inner: Backend;

  constructor(id: BackendId, leastItems = 0, inner: Backend = createReferenceBackend()) {
    this.id = id;
    this.leastItems = leastItems;
    this.#inner = inner;
  }

  probe() {
    return this.#inner.probe();
  }

  supports(algorithm: Algorithm): boolean {
    return this.#inner.supports(algorithm);
  }

  async prepare(algorithms: readonly Algorithm[] = []): Promise<void> {
    if (this.fault === "unavailable") {
      throw new LanewiseError("ERR_BACKEND_UNAVAILABLE", "no such device here");
    }
    await this.#inner.prepare(algorithms);
  }

  async run(batch: Batch): Promise<void> {
    this.runs++;
    this.sizes.push(batch.count);
    const fault = batch.count >= this.leastItems ? this.fault : undefined;
    if (fault !== undefined) this.faultsMet++;
    if (this.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, this.delayMs));
    if (fault === "lost") throw new LanewiseError("ERR_DEVICE_LOST", "injected loss");
    if (fault === "failed") throw new LanewiseError("ERR_BACKEND_FAILED", "injected failure");
    if (fault === "stall") return new Promise(() => {});
    await this.#inner.run(batch);
    const victim = Math.floor(Math.random() * batch.count);
    if (fault === "flip-verdict") batch.verdicts[victim] ^= 1;
    // Every answer, as a miscompiled shader would give them.
    if (fault === "flip-result") for (let i = 0; i < batch.count; i++) batch.result(i)[0] ^= 1;
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}
