import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  createReferenceBackend,
  createVerifier,
  keccak256,
  LanewiseError,
  type Outcome,
  secp256k1Recover,
  Verdict,
  type VerifierOptions,
  verifierTransform,
  verifyStream,
} from "../../src/index.ts";
import { FaultyBackend } from "./faulty-backend.ts";

/** `count` keccak records over an arena of distinct messages from `first` on. */
function messages(first: number, count: number): { records: Uint8Array; arena: Uint8Array } {
  const records = new Uint8Array(count * 8);
  const arena = new Uint8Array(count * 8);
  for (let i = 0; i < count; i++) {
    new DataView(records.buffer).setUint32(i * 8, i * 8, true);
    new DataView(records.buffer).setUint32(i * 8 + 4, 8, true);
    new DataView(arena.buffer).setFloat64(i * 8, first + i);
  }
  return { records, arena };
}

function expected(records: Uint8Array, arena: Uint8Array): Outcome {
  const count = records.length / 8;
  const verdicts = new Uint32Array(count);
  const results = new Uint8Array(count * 32);
  for (let i = 0; i < count; i++) {
    const record = records.subarray(i * 8, i * 8 + 8);
    verdicts[i] = keccak256.reference(record, arena, results.subarray(i * 32, i * 32 + 32));
  }
  return { verdicts, results };
}

function create(options: Partial<VerifierOptions> = {}) {
  return createVerifier({
    algorithms: [keccak256, secp256k1Recover],
    backends: [createReferenceBackend()],
    ...options,
  });
}

const code = (wanted: string) => (error: unknown) =>
  error instanceof LanewiseError && error.code === wanted;

describe("verifier", () => {
  it("answers as the oracle does, for every example of every algorithm", async () => {
    const verifier = create();
    for (const algorithm of [keccak256, secp256k1Recover]) {
      for (const { record, arena } of algorithm.examples) {
        const result = new Uint8Array(algorithm.result.byteLength);
        const verdict = algorithm.reference(record, arena, result);
        const outcome = await verifier.submit(algorithm, record, { arena });
        assert.deepEqual([...outcome.verdicts], [verdict]);
        assert.deepEqual(outcome.results, result);
      }
    }
    await verifier.close();
  });

  it("answers an empty submission and an out-of-bounds message without touching a neighbour", async () => {
    const verifier = create();
    assert.equal((await verifier.submit(keccak256, new Uint8Array(0))).verdicts.length, 0);
    const { records, arena } = messages(1, 3);
    new DataView(records.buffer).setUint32(8, 20, true); // 20 + 8 > 24
    const outcome = await verifier.submit(keccak256, records, { arena });
    assert.deepEqual(
      [...outcome.verdicts],
      [Verdict.Valid, Verdict.MessageOutOfBounds, Verdict.Valid],
    );
    assert.deepEqual(outcome, expected(records, arena));
    await verifier.close();
  });

  it("refuses calls that cannot be meant", async () => {
    const verifier = create({ algorithms: [keccak256] });
    assert.throws(() => verifier.submit(keccak256, new Uint8Array(7)), RangeError);
    assert.throws(() => verifier.submit(secp256k1Recover, new Uint8Array(0)), TypeError);
    assert.throws(() => create({ backends: [new FaultyBackend("webgpu")] }), /CPU back end/);
    await verifier.close();
    await assert.rejects(verifier.submit(keccak256, new Uint8Array(8)), code("ERR_CLOSED"));
  });

  it("does not look at the caller's bytes after the call", async () => {
    const verifier = create();
    const { records, arena } = messages(7, 50);
    const wanted = expected(records.slice(), arena.slice());
    const answer = verifier.submit(keccak256, records, { arena });
    records.fill(0xff);
    arena.fill(0xff);
    assert.deepEqual(await answer, wanted);
    await verifier.close();
  });

  it("runs at once when idle and batches only what waits", async () => {
    const backend = new FaultyBackend("wasm");
    const verifier = create({ backends: [backend] });
    await verifier.ready("wasm");
    backend.delayMs = 20;
    backend.sizes.length = 0;
    const first = verifier.submit(keccak256, messages(0, 1).records, {
      arena: messages(0, 1).arena,
    });
    await Promise.resolve();
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(backend.sizes, [1], "the first is not made to wait for company");
    const rest = Array.from({ length: 40 }, async (_, i) => {
      await new Promise((resolve) => setImmediate(resolve));
      const { records, arena } = messages(100 + i, 1);
      return verifier.submit(keccak256, records, { arena });
    });
    await Promise.all([first, ...rest]);
    assert.ok(backend.runs < 20, `expected far fewer runs than items, got ${backend.sizes}`);
    await verifier.close();
  });

  it("computes a record once for all who ask at the same time, and then from the cache", async () => {
    const verifier = create();
    const { records, arena } = messages(0, 10);
    const [a, b] = await Promise.all([
      verifier.submit(keccak256, records, { arena, source: "a" }),
      verifier.submit(keccak256, records, { arena, source: "b", priority: "block" }),
    ]);
    assert.deepEqual(a, b);
    assert.equal(verifier.metrics.joined, 10);
    assert.deepEqual(await verifier.submit(keccak256, records, { arena }), a);
    assert.equal(verifier.metrics.cacheHits, 10);
    const twice = new Uint8Array([...records, ...records]);
    assert.deepEqual(
      (await verifier.submit(keccak256, twice, { arena })).results.subarray(0, 320),
      a.results,
    );
    await verifier.close();
  });

  it("never caches a rejection", async () => {
    const verifier = create();
    const bad = secp256k1Recover.examples.at(-1)!.record;
    await verifier.submit(secp256k1Recover, bad);
    await verifier.submit(secp256k1Recover, bad);
    assert.equal(verifier.metrics.cacheHits, 0);
    assert.equal(verifier.metrics.invalid, 2);
    await verifier.close();
  });

  it("lets block-critical work overtake gossip", async () => {
    const backend = new FaultyBackend("wasm");
    const verifier = create({ backends: [backend], maxBatchItems: 8 });
    await verifier.ready("wasm");
    backend.delayMs = 2;
    const order: string[] = [];
    const work = [];
    for (let i = 0; i < 20; i++) {
      const { records, arena } = messages(1000 * i, 8);
      work.push(verifier.submit(keccak256, records, { arena }).then(() => order.push("gossip")));
    }
    await new Promise((resolve) => setImmediate(resolve));
    const { records, arena } = messages(1e6, 8);
    work.push(
      verifier
        .submit(keccak256, records, { arena, priority: "block" })
        .then(() => order.push("block")),
    );
    await Promise.all(work);
    assert.ok(order.indexOf("block") <= 6, `block finished at place ${order.indexOf("block")}`);
    await verifier.close();
  });

  it("a newcomer that inherits the items of whom it displaced may have to go itself, once", async () => {
    const backend = new FaultyBackend("wasm");
    const verifier = create({ backends: [backend], maxQueuedItems: 10, maxBatchItems: 4 });
    await verifier.ready("wasm");
    backend.delayMs = 20;
    const busy = [0, 1].map((i) => {
      const { records, arena } = messages(1e6 + 10 * i, 4);
      return verifier.submit(keccak256, records, { arena, source: "busy" });
    });
    await new Promise((resolve) => setImmediate(resolve));
    const first = messages(0, 6);
    const displaced = verifier.submit(keccak256, first.records, {
      arena: first.arena,
      source: "a",
    });
    // The same six and five more: eleven do not fit, whoever goes.
    const { records, arena } = messages(0, 11);
    const newcomer = verifier.submit(keccak256, records, { arena, source: "b", priority: "block" });
    await Promise.all([
      assert.rejects(displaced, code("ERR_OVERLOADED")),
      assert.rejects(newcomer, code("ERR_OVERLOADED")),
      ...busy,
    ]);
    assert.equal(verifier.queuedItems, 0);
    const { submitted, answered, shed } = verifier.metrics;
    assert.equal(answered + shed, submitted);
    await verifier.close();
  });

  it("sheds the flooding source first, tells it, and finishes everything else", async () => {
    const backend = new FaultyBackend("wasm");
    const verifier = create({ backends: [backend], maxQueuedItems: 64, maxBatchItems: 8 });
    await verifier.ready("wasm");
    backend.delayMs = 5;
    let told = 0;
    let answered = 0;
    const send = (source: string, first: number, priority?: "block") => {
      const { records, arena } = messages(first, 4);
      const options = { arena, source, ...(priority && { priority }) };
      return verifier.submit(keccak256, records, options).then(
        (outcome) => {
          assert.deepEqual(outcome, expected(records, arena));
          answered++;
          return true;
        },
        (error: unknown) => {
          assert.ok(code("ERR_OVERLOADED")(error));
          told++;
          return false;
        },
      );
    };
    const flood = Array.from({ length: 60 }, (_, i) => send("flood", i * 10));
    const polite = ["a", "b", "c"].map((source, i) => send(source, 1e5 + i * 10));
    const block = send("chain", 1e6, "block");
    assert.deepEqual(await Promise.all([...polite, block]), [true, true, true, true]);
    await Promise.all(flood);
    assert.equal(told + answered, 64);
    assert.ok(told > 20);
    assert.equal(verifier.metrics.shed, told * 4);
    assert.equal(verifier.queuedItems, 0);
    assert.equal(verifier.canAcceptWork(64), true);
    assert.equal(verifier.canAcceptWork(65), false);
    await verifier.close();
  });

  it("keeps an item that another caller waits for when its first owner gives up", async () => {
    const backend = new FaultyBackend("wasm");
    const verifier = create({ backends: [backend], maxBatchItems: 1 });
    await verifier.ready("wasm");
    backend.delayMs = 10;
    const busy = Array.from({ length: 6 }, (_, i) => {
      const { records, arena } = messages(i, 1);
      return verifier.submit(keccak256, records, { arena });
    });
    const { records, arena } = messages(500, 3);
    const abort = new AbortController();
    const first = verifier.submit(keccak256, records, { arena, source: "x", signal: abort.signal });
    const second = verifier.submit(keccak256, records, { arena, source: "y" });
    abort.abort(new Error("changed my mind"));
    await assert.rejects(first, code("ERR_ABORTED"));
    assert.deepEqual(await second, expected(records, arena));
    await Promise.all(busy);
    assert.equal(verifier.metrics.aborted, 3);
    await verifier.close();
  });

  it("gives up what was not started by its deadline", async () => {
    const backend = new FaultyBackend("wasm");
    const verifier = create({ backends: [backend], maxBatchItems: 1 });
    await verifier.ready("wasm");
    backend.delayMs = 30;
    const busy = messages(0, 4);
    const running = verifier.submit(keccak256, busy.records, { arena: busy.arena });
    const late = messages(50, 1);
    const answer = verifier.submit(keccak256, late.records, { arena: late.arena, deadlineMs: 5 });
    await assert.rejects(answer, code("ERR_DEADLINE"));
    assert.deepEqual(await running, expected(busy.records, busy.arena));
    await verifier.close();
  });

  it("streams in order, as an iterator and as a Web Stream", async () => {
    const verifier = create();
    const records = Array.from({ length: 20 }, () => secp256k1Recover.examples[0].record);
    let count = 0;
    for await (const { verdicts } of verifyStream(verifier, secp256k1Recover, records, {
      inFlight: 3,
    })) {
      count += verdicts.length;
    }
    assert.equal(count, 20);
    const outcomes: Outcome[] = [];
    const chunks = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const record of records) controller.enqueue(record);
        controller.close();
      },
    });
    await chunks
      .pipeThrough(verifierTransform(verifier, secp256k1Recover))
      .pipeTo(new WritableStream({ write: (outcome) => void outcomes.push(outcome) }));
    assert.equal(outcomes.length, 20);
    await verifier.close();
  });

  it("closes after answering what it accepted", async () => {
    const verifier = create();
    const { records, arena } = messages(0, 500);
    const answer = verifier.submit(keccak256, records, { arena });
    await Promise.all([verifier.close(), verifier.close()]);
    assert.deepEqual(await answer, expected(records, arena));
  });
});

describe("verifier with a faulty device", () => {
  for (const fault of ["lost", "failed", "flip-verdict", "flip-result"] as const) {
    it(`answers everything rightly and once when the device does: ${fault}`, async () => {
      const device = new FaultyBackend("webgpu", 40);
      const verifier = create({
        backends: [device, createReferenceBackend()],
        pin: "webgpu",
        integrity: { canaries: 3, sampleRate: 1 },
        maxBatchMs: 1000, // one batch a round
      });
      await verifier.ready("webgpu");
      device.fault = fault;
      for (let round = 0; round < 5; round++) {
        const { records, arena } = messages(round * 1000, 200);
        assert.deepEqual(
          await verifier.submit(keccak256, records, { arena }),
          expected(records, arena),
        );
      }
      const lies = fault.startsWith("flip");
      assert.ok(verifier.metrics.rerun >= 200);
      assert.equal(verifier.metrics.mismatches, lies ? 1 : 0);
      const state = verifier.status().find(({ id }) => id === "webgpu")!.state;
      // A device that only failed is out of service for the back-off, or back already.
      assert.ok((lies ? ["quarantined"] : ["starting", "ready"]).includes(state), state);
      await verifier.close();
    });
  }

  it("catches a device that lies about known answers at start-up", async () => {
    const device = new FaultyBackend("webgpu");
    device.fault = "flip-result";
    const verifier = create({ backends: [device, createReferenceBackend()] });
    await assert.rejects(verifier.ready("webgpu"), /known answer/);
    await verifier.ready("reference");
    await verifier.close();
  });

  it("confirms every rejection of a device on the CPU", async () => {
    const device = new FaultyBackend("webgpu");
    const verifier = create({
      backends: [device, createReferenceBackend()],
      pin: "webgpu",
      integrity: { sampleRate: 0 },
    });
    await verifier.ready("webgpu");
    const records = new Uint8Array(secp256k1Recover.examples.flatMap(({ record }) => [...record]));
    const { verdicts } = await verifier.submit(secp256k1Recover, records);
    const rejected = verdicts.filter((verdict) => verdict !== Verdict.Valid).length;
    assert.ok(rejected >= 5);
    assert.equal(verifier.metrics.rechecked, rejected);
    await verifier.close();
  });

  it("comes back to a device that recovers", async () => {
    const device = new FaultyBackend("webgpu", 100);
    const verifier = create({ backends: [device, createReferenceBackend()], pin: "webgpu" });
    await verifier.ready("webgpu");
    device.fault = "lost";
    const { records, arena } = messages(0, 200);
    assert.deepEqual(
      await verifier.submit(keccak256, records, { arena }),
      expected(records, arena),
    );
    device.fault = undefined;
    await new Promise((resolve) => setTimeout(resolve, 1000));
    assert.equal(verifier.status()[0].state, "ready");
    await verifier.close();
  });

  it("says so when no back end is left", async () => {
    const device = new FaultyBackend("wasm");
    device.fault = "unavailable";
    const verifier = create({ backends: [device] });
    const { records, arena } = messages(0, 2);
    await assert.rejects(
      verifier.submit(keccak256, records, { arena }),
      /no back end is left \(wasm: no such device/,
    );
    await assert.rejects(
      verifier.submit(keccak256, records, { arena }),
      code("ERR_BACKEND_FAILED"),
    );
    await verifier.close();
  });
});
