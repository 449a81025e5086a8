// What goes wrong with a device, provoked: every batch is answered or handed back, once, and the back end mends itself.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, describe, it } from "node:test";
import { promisify } from "node:util";
import {
  type BackendStatus,
  createReferenceBackend,
  createWebgpuBackend,
  keccak256,
  LanewiseError,
  type LanewiseErrorCode,
  secp256k1Recover,
  type WebgpuBackend,
  type WebgpuOptions,
} from "../../src/index.ts";
import { needsAdapter } from "./adapter.ts";
import { assertAnswered, assertUnanswered, clear, knownBatch } from "./keccak-batches.ts";

const slow = process.env.LANEWISE_SLOW === "1";

const open: WebgpuBackend[] = [];
function backendWith(options: WebgpuOptions): WebgpuBackend {
  const backend = createWebgpuBackend({ allowSoftwareAdapter: true, ...options });
  open.push(backend);
  return backend;
}
after(() => Promise.all(open.map((backend) => backend.close())));

const fails = (code: LanewiseErrorCode, message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof LanewiseError, String(error));
  assert.equal(error.code, code, error.message);
  assert.match(error.message, message);
  return true;
};

/** A probe that runs this script instead of the real one. */
const scripted = (script: string, timeoutMs = 20_000): WebgpuOptions => ({
  probe: { file: process.execPath, args: ["-e", script], timeoutMs },
});

describe("the probe", () => {
  const reasonOf = async (options: WebgpuOptions): Promise<BackendStatus> => {
    const backend = createWebgpuBackend(options);
    const status = await backend.probe();
    assert.equal(status.available, false);
    await assert.rejects(backend.prepare([keccak256]), fails("ERR_BACKEND_UNAVAILABLE", /./));
    await backend.close();
    return status;
  };

  it("survives a driver that crashes, and names the signal and its last words", async () => {
    const crash = 'console.error("ICD: bad pointer"); process.kill(process.pid, "SIGSEGV");';
    const { reason } = await reasonOf(scripted(crash));
    assert.match(reason, /crashed with SIGSEGV: ICD: bad pointer/);
  });

  it("gives up on a driver that hangs", async () => {
    const { reason } = await reasonOf(scripted("setInterval(() => {}, 1000)", 300));
    assert.match(reason, /did not end within 300 ms/);
  });

  it("refuses a driver that answers and then crashes", async () => {
    const report = JSON.stringify({ ok: true, adapter: {} });
    const script = `console.log('${report}'); process.abort();`;
    assert.match((await reasonOf(scripted(script))).reason, /SIGABRT/);
  });

  it("says what is missing where the probe cannot start", async () => {
    const probe = { file: "/no/such/program", args: [], timeoutMs: 1000 };
    assert.match((await reasonOf({ probe })).reason, /could not start/);
  });

  it("refuses a software adapter unless asked for", needsAdapter, async () => {
    const status = await createWebgpuBackend().probe();
    if (status.available) assert.equal(status.details.software, false);
    else assert.match(status.reason, /software adapter .* refused unless asked for/);
  });
});

describe("a failing device", needsAdapter, () => {
  it("destroyed mid-stream, loses and repeats nothing over 1 000 batches", async () => {
    const kills = slow ? 20 : 3;
    let device: GPUDevice | undefined;
    const backend = backendWith({
      onDevice(next) {
        device = next;
      },
    });
    const reference = createReferenceBackend();
    const known = await Promise.all(Array.from({ length: 8 }, (_, i) => knownBatch(i)));
    let next = 0;
    let onGpu = 0;
    let onCpu = 0;
    // Four callers, each with two batches of its own in turn.
    const caller = async (mine: typeof known): Promise<void> => {
      for (let i = 0; next < 1000; i++) {
        const number = next++;
        const every = Math.floor(1000 / kills);
        if (number % every === every >> 1) device?.destroy();
        const current = mine[i % mine.length];
        clear(current);
        try {
          await backend.run(current.batch);
          onGpu++;
        } catch (error) {
          assert.ok(error instanceof LanewiseError && error.code === "ERR_DEVICE_LOST", `${error}`);
          assertUnanswered(current);
          await reference.run(current.batch);
          onCpu++;
        }
        assertAnswered(current);
      }
    };
    await Promise.all([0, 2, 4, 6].map((i) => caller(known.slice(i, i + 2))));
    assert.equal(onGpu + onCpu, 1000);
    assert.ok(onCpu >= kills, `${onCpu} batches on the CPU`);
    assert.ok(onGpu > 500, `${onGpu} batches on the GPU`);
    const statistics = backend.statistics();
    assert.equal(statistics.batches, onGpu);
    assert.equal(statistics.items, onGpu * 64);
    assert.equal(statistics.deviceFailures, kills);
  });

  it("backs off when it fails again and again, and comes back", async () => {
    let broken = true;
    const backend = backendWith({
      onDevice(device) {
        if (broken) device.destroy();
      },
    });
    const known = await knownBatch(1);
    await assert.rejects(backend.run(known.batch), fails("ERR_DEVICE_LOST", /lost/));
    await assert.rejects(backend.run(known.batch), fails("ERR_DEVICE_LOST", /lost/));
    await assert.rejects(
      backend.run(known.batch),
      fails("ERR_DEVICE_LOST", /next attempt in \d+ ms/),
    );
    assertUnanswered(known);
    broken = false;
    await new Promise((resolve) => setTimeout(resolve, 300));
    await backend.run(known.batch);
    assertAnswered(known);
  });

  it("out of memory, hands the batch back and runs the next", async () => {
    const injected: string[] = [];
    const backend = backendWith({
      onDevice(device) {
        const createBuffer = device.createBuffer.bind(device);
        const popErrorScope = device.popErrorScope.bind(device);
        // First as mapping at creation reports it, then as the error scope does.
        device.createBuffer = (descriptor) => {
          if (injected.length === 0 && descriptor.label === "upload") {
            injected.push("thrown");
            throw new RangeError("injected: cannot map");
          }
          return createBuffer(descriptor);
        };
        device.popErrorScope = async () => {
          const found = await popErrorScope();
          if (injected.length !== 1 || !armed) return found;
          injected.push("scope");
          return { message: "injected: out of memory" };
        };
      },
    });
    let armed = false;
    const known = await knownBatch(2);
    const rejected = (message: RegExp): Promise<void> =>
      assert.rejects(backend.run(known.batch), fails("ERR_BACKEND_FAILED", message));
    await rejected(/injected: cannot map/);
    assertUnanswered(known);
    armed = true;
    await rejected(/injected: out of memory/);
    assertUnanswered(known);
    await backend.run(known.batch);
    assertAnswered(known);
    assert.equal(backend.statistics().deviceFailures, 0);
  });

  it("that hangs is given up, and the next one answers", async () => {
    let first = true;
    const backend = backendWith({
      timeoutMs: 5_000,
      onDevice(device) {
        if (!first) return;
        first = false;
        const createBuffer = device.createBuffer.bind(device);
        device.createBuffer = (descriptor) => {
          const buffer = createBuffer(descriptor);
          if (descriptor.label === "download") buffer.mapAsync = () => new Promise(() => {});
          return buffer;
        };
      },
    });
    const known = await knownBatch(3);
    await assert.rejects(
      backend.run(known.batch),
      fails("ERR_DEVICE_LOST", /5000 ms; the GPU hangs/),
    );
    assertUnanswered(known);
    await backend.run(known.batch);
    assertAnswered(known);
  });

  it("that refuses a shader is unavailable, with the compiler's reason", async () => {
    const backend = backendWith({
      onDevice(device) {
        const createShaderModule = device.createShaderModule.bind(device);
        device.createShaderModule = () => createShaderModule({ code: "fn main() { nonsense }" });
      },
    });
    const known = await knownBatch(4);
    await assert.rejects(
      backend.prepare([keccak256]),
      fails("ERR_BACKEND_UNAVAILABLE", /keccak256/),
    );
    await assert.rejects(backend.run(known.batch), fails("ERR_BACKEND_UNAVAILABLE", /keccak256/));
    assertUnanswered(known);
  });

  it("that compiles past the deadline is skipped, with the reason", async () => {
    const backend = backendWith({ compileTimeoutMs: 1 });
    const late = fails("ERR_BACKEND_UNAVAILABLE", /did not compile the shaders within 1 ms/);
    await assert.rejects(backend.prepare([keccak256]), late);
    await assert.rejects(backend.run((await knownBatch(5)).batch), late);
  });
});

describe("a long life", needsAdapter, () => {
  it("keeps its memory flat", async () => {
    const batches = slow ? 10_000 : 600;
    // Few batches show a leak of whole buffers alone: allocators keep some 10 % to themselves, now here, now there.
    const tolerance = slow ? 0.05 : 0.25;
    const backend = backendWith({});
    const known = await Promise.all([knownBatch(6, 512), knownBatch(7, 512), knownBatch(8, 512)]);
    const samples: NodeJS.MemoryUsage[] = [];
    for (let done = 0; done < batches; done += known.length) {
      for (const item of known) clear(item);
      await Promise.all(known.map((item) => backend.run(item.batch)));
      samples.push(process.memoryUsage());
    }
    for (const item of known) assertAnswered(item);
    // Smallest of the third fifth and of the last, so that neither warming up nor garbage counts.
    const least = (from: number, of: (sample: NodeJS.MemoryUsage) => number): number =>
      Math.min(...samples.slice(from * samples.length, (from + 0.2) * samples.length).map(of));
    const assertFlat = (what: string, of: (sample: NodeJS.MemoryUsage) => number): void => {
      const grown = least(0.8, of) / least(0.4, of) - 1;
      assert.ok(grown < tolerance, `${what} grew by ${(grown * 100).toFixed(1)} %`);
    };
    assertFlat("memory outside V8's heap", ({ rss, heapTotal }) => rss - heapTotal);
    // V8 goes on growing its heap for some thousand batches.
    if (slow) assertFlat("RSS", ({ rss }) => rss);
  });

  it("waits for what is in flight when closed, and takes nothing after", async () => {
    const backend = backendWith({});
    const known = await knownBatch(9);
    const running = backend.run(known.batch);
    await backend.close();
    await running;
    assertAnswered(known);
    await assert.rejects(backend.run(known.batch), fails("ERR_CLOSED", /closed/));
    await backend.close();
  });

  it("does not wait for the compiler when closed", async () => {
    const backend = backendWith({});
    let device = false;
    const watched = backendWith({
      onDevice() {
        device = true;
      },
    });
    for (const closing of [backend, watched]) {
      const preparing = assert.rejects(
        closing.prepare([secp256k1Recover]),
        fails("ERR_CLOSED", /closed/),
      );
      // At once, and with the shaders under way.
      while (closing === watched && !device) await new Promise((resolve) => setTimeout(resolve, 1));
      await closing.close();
      await preparing;
      assert.deepEqual(closing.statistics().compileMs, {});
    }
  });

  it("stops for an abort signal", async () => {
    const backend = backendWith({ maxItems: 64 });
    const known = await knownBatch(10, 1024);
    const controller = new AbortController();
    const running = backend.run(known.batch, { signal: controller.signal });
    controller.abort();
    await assert.rejects(running, fails("ERR_ABORTED", /aborted/));
    assertUnanswered(known);
  });

  it("lets the process end without close", async () => {
    const index = new URL("../../src/index.js", import.meta.url).href;
    const script = `
      const { createWebgpuBackend, Batch, keccak256 } = await import(${JSON.stringify(index)});
      const batch = new Batch(keccak256, 1, 4);
      batch.count = 1;
      await createWebgpuBackend({ allowSoftwareAdapter: true }).run(batch);
      console.log(Buffer.from(batch.result(0)).toString("hex").slice(0, 8));`;
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ["--input-type=module", "-e", script],
      { timeout: 120_000 },
    );
    assert.equal(stdout.trim(), "c5d24601");
  });
});
