// The pool's worker with faults: what befalls a claimed chunk is decided by words shared with the test.
import type { WorkerSetup } from "../../src/pool/messages.ts";
import { serve } from "../../src/pool/serve.ts";
import { openChannel } from "../../src/pool/threads.ts";
import { FAULT, FAULTS } from "./faults.ts";

const { channel, setup } = await openChannel();
const faults = new Int32Array((setup as { faults: SharedArrayBuffer }).faults);

/** The fault to commit now, if any is left. */
function draw(): number {
  const kind = Atomics.load(faults, FAULT.kind);
  if (kind === FAULTS.none || Atomics.sub(faults, FAULT.left, 1) <= 0) return FAULTS.none;
  return kind;
}

if (Atomics.load(faults, FAULT.kind) === FAULTS.exitAtStart && draw()) process.exit(3);

await serve(channel, setup as WorkerSetup, () => {
  const kind = draw();
  if (kind === FAULTS.exit) process.exit(7);
  if (kind === FAULTS.trap) throw new WebAssembly.RuntimeError("unreachable");
  if (kind === FAULTS.uncaught) {
    setImmediate(() => {
      throw new Error("out of the blue");
    });
  }
  if (kind === FAULTS.hang) for (;;);
  if (kind === FAULTS.slow) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
});
