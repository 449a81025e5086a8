/**
 * A worker's life: take a chunk from the ring, run it in private WebAssembly memory, say so; sleep when there is none.
 *
 * @module
 */
import { type BatchView, createKernel, type Kernel, type KernelShape } from "./kernel.ts";
import type { HostMessage, WorkerMessage, WorkerSetup } from "./messages.ts";
import { type Claim, openRing, STOP, WAKE } from "./ring.ts";

/** The worker's end of its message channel. */
export interface Channel {
  post(message: WorkerMessage): void;
  /** Calls `receive` for every message of the host. */
  listen(receive: (message: HostMessage) => void): void;
  /** Closes the channel, so that the thread can end. */
  close(): void;
}

/** Memory beyond which an instance is dropped after a chunk: one very long message must not be paid for ever after. */
const MAX_IDLE_MEMORY_BYTES = 64 << 20;

/**
 * Serves the ring until the host sets STOP.
 *
 * @param beforeChunk called with each claimed chunk before it runs; tests make workers die in it.
 */
export async function serve(
  channel: Channel,
  setup: WorkerSetup,
  beforeChunk: (claim: Claim) => void = () => {},
): Promise<void> {
  const ring = openRing(setup.ring, setup.workers, setup.capacity);
  const { words } = ring;
  const sources = new Map<string, { module: WebAssembly.Module; shape: KernelShape }>();
  const kernels = new Map<string, Kernel>();
  const batches = new Map<number, { kernel: string; view: BatchView }>();
  const inbox: HostMessage[] = [];
  let mailRead = 0;
  let mailArrived: (() => void) | undefined;
  channel.listen((message) => {
    inbox.push(message);
    mailArrived?.();
  });

  async function readMail(): Promise<void> {
    if (inbox.length === 0) {
      await new Promise<void>((resolve) => {
        mailArrived = resolve;
      });
      mailArrived = undefined;
    }
    for (const message of inbox.splice(0)) {
      mailRead = (mailRead + 1) | 0;
      if (message.kind === "batch") batches.set(message.batch, message);
      else if (message.kind === "forget") batches.delete(message.batch);
      else {
        sources.set(message.id, message);
        try {
          await kernelOf(message.id);
          channel.post({ kind: "ready", id: message.id });
        } catch (error) {
          channel.post({ kind: "refused", id: message.id, reason: String(error) });
        }
      }
    }
  }

  async function kernelOf(id: string): Promise<Kernel> {
    let kernel = kernels.get(id);
    if (!kernel) {
      const { module, shape } = sources.get(id)!;
      kernel = await createKernel(module, shape);
      kernels.set(id, kernel);
    }
    return kernel;
  }

  async function runChunk(claim: Claim): Promise<void> {
    // The host posts a batch's memory before it pushes the first chunk of it.
    while (!batches.has(claim.batch)) await readMail();
    const { kernel: id, view } = batches.get(claim.batch)!;
    try {
      beforeChunk(claim);
      const kernel = await kernelOf(id);
      kernel.run(view, claim.arenaBytes, claim.first, claim.count);
      if (kernel.memoryBytes() > MAX_IDLE_MEMORY_BYTES) kernels.delete(id);
    } catch (error) {
      kernels.delete(id);
      channel.post({ kind: "failed", position: claim.position, reason: String(error) });
      return;
    }
    ring.finish(claim.position);
    if (setup.postDone) channel.post({ kind: "done" });
  }

  while (Atomics.load(words, STOP) === 0) {
    const wake = Atomics.load(words, WAKE);
    if (mailRead !== ring.mail(setup.index)) {
      await readMail();
      continue;
    }
    const claim = ring.claim(setup.index, setup.urgentOnly);
    if (claim) await runChunk(claim);
    else if (Atomics.load(words, STOP) === 0) Atomics.wait(words, WAKE, wake);
  }
  channel.close();
}
