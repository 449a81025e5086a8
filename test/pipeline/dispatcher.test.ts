import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  BACKEND_CHOICES,
  probeBackends,
  type Selection,
  selectBackend,
} from "../../src/backends/select.ts";
import {
  algorithms,
  type Backend,
  type BackendId,
  Batch,
  createReferenceBackend,
  keccak256,
  LanewiseError,
  type LanewiseErrorCode,
  Verdict,
} from "../../src/index.ts";
import { createDispatcher } from "../../src/pipeline/dispatcher.ts";

/** The reference back end under another name, which fails every run from the `after`th on. */
function failing(id: BackendId, code: LanewiseErrorCode, after = 0): Backend & { runs: number } {
  const reference = createReferenceBackend();
  const backend = {
    ...reference,
    id,
    runs: 0,
    async run(batch: Batch) {
      if (backend.runs++ >= after) throw new LanewiseError(code, "injected");
      return reference.run(batch);
    },
  };
  return backend;
}

function selectionOf(...line: Backend[]): Selection {
  return {
    backend: line[0],
    reason: "test",
    statuses: [],
    nextAfter: async (id) => line[line.findIndex((backend) => backend.id === id) + 1],
  };
}

/** A selection whose better back end is ready when `settle` says so. */
function compiling(better: Backend, ...line: Backend[]) {
  let resolve: (ms: number) => void = () => {};
  let reject: (error: Error) => void = () => {};
  const ready = new Promise<number>((done, fail) => {
    [resolve, reject] = [done, fail];
  });
  return {
    selection: { ...selectionOf(...line), better: { backend: better, ready } },
    resolve,
    reject,
  };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

function emptyDigests(count: number): Batch {
  const batch = new Batch(keccak256, count, 16);
  batch.count = count;
  return batch;
}

describe("dispatcher, while a better back end compiles", () => {
  it("serves on the one that is ready, then goes over", async () => {
    const gpu = failing("webgpu", "ERR_DEVICE_LOST", 1);
    const cpu = failing("wasm", "ERR_BACKEND_FAILED", 99);
    const { selection, resolve } = compiling(gpu, cpu);
    const dispatcher = createDispatcher(selection);
    await dispatcher.run(emptyDigests(3));
    assert.deepEqual([gpu.runs, cpu.runs], [0, 1]);
    resolve(1500);
    await turn();
    await dispatcher.run(emptyDigests(3));
    assert.deepEqual([gpu.runs, cpu.runs], [1, 1]);
    assert.equal(dispatcher.status().id, "webgpu");
    // What served before takes the batch back when the device fails.
    const batch = emptyDigests(3);
    await dispatcher.run(batch);
    assert.equal(batch.verdicts[2], Verdict.Valid);
    assert.deepEqual([gpu.runs, cpu.runs], [2, 2]);
    const [first, second] = dispatcher.status().fallbacks;
    assert.match(first, /wasm served for 1.5 s, until webgpu was ready/);
    assert.match(second, /webgpu failed .* went on with wasm/);
    await dispatcher.close();
  });

  it("stays where it is when the compiler gives up, and says why", async () => {
    const gpu = failing("webgpu", "ERR_DEVICE_LOST");
    const { selection, reject } = compiling(gpu, failing("wasm", "ERR_BACKEND_FAILED", 99));
    const dispatcher = createDispatcher(selection);
    reject(new LanewiseError("ERR_BACKEND_UNAVAILABLE", "not compiled within 5 ms"));
    await turn();
    await dispatcher.run(emptyDigests(3));
    assert.equal(gpu.runs, 0);
    assert.match(dispatcher.status().fallbacks[0], /webgpu: not compiled .*; stayed with wasm/);
    await dispatcher.close();
  });

  it("closes both, and goes over to neither after that", async () => {
    const closed: string[] = [];
    const closing = (id: BackendId) => ({
      ...createReferenceBackend(),
      id,
      close: async () => {
        closed.push(id);
      },
    });
    const { selection, resolve } = compiling(closing("webgpu"), closing("wasm"));
    const dispatcher = createDispatcher(selection);
    await dispatcher.close();
    resolve(10);
    await turn();
    assert.deepEqual(closed.sort(), ["wasm", "webgpu"]);
    assert.equal(dispatcher.status().id, "wasm");
  });
});

describe("dispatcher", () => {
  for (const code of ["ERR_BACKEND_FAILED", "ERR_DEVICE_LOST"] as const) {
    it(`runs the same batch on the next back end after ${code}, and says so`, async () => {
      const dispatcher = createDispatcher(
        selectionOf(failing("webgpu", code), failing("wasm", code), createReferenceBackend()),
      );
      const batch = emptyDigests(5);
      await dispatcher.run(batch);
      assert.deepEqual([...batch.verdicts.subarray(0, 5)], Array(5).fill(Verdict.Valid));
      assert.equal(Buffer.from(batch.result(4)).toString("hex").slice(0, 8), "c5d24601");
      const { id, fallbacks } = dispatcher.status();
      assert.equal(id, "reference");
      assert.equal(fallbacks.length, 2);
      assert.match(fallbacks[0], new RegExp(`webgpu failed \\(${code}: injected\\).*wasm`));
      await dispatcher.close();
    });
  }

  it("moves on once when several batches in flight fail together", async () => {
    const first = failing("webgpu", "ERR_DEVICE_LOST", 1);
    const dispatcher = createDispatcher(selectionOf(first, createReferenceBackend()));
    const batches = Array.from({ length: 6 }, () => emptyDigests(40));
    await Promise.all(batches.map((batch) => dispatcher.run(batch)));
    for (const batch of batches) assert.ok(batch.verdicts.every((v) => v === Verdict.Valid));
    assert.equal(dispatcher.status().fallbacks.length, 1);
    await dispatcher.close();
  });

  it("gives up where nothing is left, and does not retry what no other back end can mend", async () => {
    const last = createDispatcher(selectionOf(failing("reference", "ERR_BACKEND_FAILED")));
    await assert.rejects(last.run(emptyDigests(1)), { code: "ERR_BACKEND_FAILED" });
    const aborted = createDispatcher(
      selectionOf(failing("wasm", "ERR_ABORTED"), createReferenceBackend()),
    );
    await assert.rejects(aborted.run(emptyDigests(1)), { code: "ERR_ABORTED" });
    assert.equal(aborted.status().id, "wasm");
  });
});

describe("selectBackend", () => {
  it("always finds something for auto, with the reason for what it passed over", async () => {
    const selection = await selectBackend("auto", algorithms);
    try {
      assert.ok(BACKEND_CHOICES.includes(selection.backend.id));
      assert.match(selection.reason, /^best available: /);
      for (const status of selection.statuses.slice(0, -1)) {
        assert.equal(status.available, false);
        assert.ok(selection.reason.includes(status.reason), status.reason);
      }
      if (selection.backend.id === "webgpu") {
        assert.notEqual(selection.statuses[0].details.software, true);
      }
    } finally {
      await selection.backend.close();
    }
  });

  it("takes the one asked for", async () => {
    const selection = await selectBackend("reference", algorithms);
    assert.equal(selection.backend.id, "reference");
    assert.match(selection.reason, /^asked for: /);
    await selection.backend.close();
  });

  it("refuses a back end without a kernel, by name", async () => {
    const unknown = { ...keccak256, id: "no-such-row" };
    await assert.rejects(selectBackend("wasm", [unknown]), {
      code: "ERR_BACKEND_UNAVAILABLE",
      message: /wasm: .*no-such-row/,
    });
  });

  it("probes every back end once", async () => {
    const statuses = await probeBackends();
    assert.deepEqual(
      statuses.map((status) => status.id),
      ["webgpu", "wasm", "reference"],
    );
    for (const status of statuses) assert.ok(status.reason.length > 0);
  });
});
