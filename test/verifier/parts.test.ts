/** Submissions in parts: same answers, memory lent and given back, and every way that they can end early. @module */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  createVerifier,
  keccak256,
  LanewiseError,
  type Outcome,
  secp256k1Recover,
  Verdict,
  type VerifierOptions,
} from "../../src/index.ts";
import { createRandom } from "../../src/workloads/random.ts";
import { FaultyBackend } from "./faulty-backend.ts";

/** Keccak records of 8 bytes each over distinct messages of 8 bytes, every seventh out of bounds; and the oracle's answer. */
function work(first: number, count: number) {
  const records = new Uint8Array(count * 8);
  const arena = new Uint8Array(count * 8);
  const view = new DataView(records.buffer);
  for (let i = 0; i < count; i++) {
    view.setUint32(i * 8, i % 7 === 6 ? arena.length : i * 8, true);
    view.setUint32(i * 8 + 4, 8, true);
    new DataView(arena.buffer).setFloat64(i * 8, first + i);
  }
  const results = new Uint8Array(count * 32);
  const verdicts = Uint32Array.from({ length: count }, (_, i) => {
    const record = records.subarray(i * 8, i * 8 + 8);
    return keccak256.reference(record, arena, results.subarray(i * 32, i * 32 + 32));
  });
  return { records, arena, expected: { verdicts, results } satisfies Outcome };
}

/** A verifier over one back end, ready. */
async function create(options: Partial<VerifierOptions> = {}) {
  const backend = new FaultyBackend("wasm");
  const verifier = createVerifier({
    algorithms: [keccak256, secp256k1Recover],
    backends: [backend],
    ...options,
  });
  await verifier.ready("wasm");
  backend.sizes.length = 0;
  const accounted = (): void => {
    const { submitted, answered, shed, aborted, expired } = verifier.metrics;
    assert.equal(answered + shed + aborted + expired, submitted);
  };
  return { backend, verifier, accounted };
}

const code = (wanted: string) => (error: unknown) =>
  error instanceof LanewiseError && error.code === wanted;

/** Waits for the event loop to go round. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("submissions in parts", () => {
  it("have the answers of the whole, in order, whatever the parts", async () => {
    const { verifier, accounted } = await create();
    const random = createRandom("parts");
    for (let round = 0; round < 40; round++) {
      const count = random.below(60);
      const { records, arena, expected } = work(1000 * round, count);
      const submission = verifier.open(keccak256, count, { arena });
      for (let from = 0; from < count; ) {
        const to = Math.min(count, from + random.below(20));
        const part = records.slice(from * 8, to * 8);
        submission.add(part);
        part.fill(0xff); // copied
        if (random.below(2) === 0) await turn();
        from = to;
      }
      assert.deepEqual(await submission.outcome, expected);
    }
    accounted();
    await verifier.close();
  });

  it("begin with the first part, and join what it has in flight or has answered", async () => {
    const { backend, verifier } = await create();
    const { records, arena, expected } = work(1, 5);
    backend.delayMs = 300;
    const submission = verifier.open(keccak256, 15, { arena });
    submission.add(records);
    await turn();
    assert.deepEqual(backend.sizes, [5], "runs before the rest has come");
    submission.add(records);
    assert.equal(verifier.metrics.joined, 5);
    while (verifier.metrics.answered < 10) await turn();
    // Answered, and not yet in the cache: the next look-up sees to that first.
    submission.add(records);
    const { verdicts, results } = await submission.outcome;
    assert.deepEqual(backend.sizes, [5]);
    assert.equal(verifier.metrics.cacheHits, 5);
    for (let part = 0; part < 3; part++) {
      assert.deepEqual(verdicts.subarray(5 * part, 5 * part + 5), expected.verdicts);
      assert.deepEqual(results.subarray(160 * part, 160 * part + 160), expected.results);
    }
    await verifier.close();
  });

  it("write the answer to the memory given, however dirty, and not beyond it", async () => {
    const { verifier } = await create();
    const { records, arena, expected } = work(9, 10);
    const into = new ArrayBuffer(10 * 36 + 8);
    for (let round = 0; round < 2; round++) {
      new Uint8Array(into).fill(0xa5);
      const { verdicts, results } = await verifier.submit(keccak256, records, { arena, into });
      assert.equal(verdicts.buffer, into);
      assert.deepEqual({ verdicts, results }, expected);
      assert.ok(new Uint8Array(into, 10 * 36).every((byte) => byte === 0xa5));
    }
    assert.throws(
      () => verifier.submit(keccak256, records, { into: new ArrayBuffer(359) }),
      /submit into: expected at least 360 bytes, got 359/,
    );
    await verifier.close();
  });

  it("give lent memory back once, when nothing reads it any more", async () => {
    const { backend, verifier, accounted } = await create();
    backend.delayMs = 300;
    const { records, arena, expected } = work(3, 12);
    const released: string[] = [];
    const release = (name: string) => () => void released.push(name);
    const submission = verifier.open(keccak256, 12, { arena });
    submission.add(records.slice(0, 40), release("first"));
    submission.add(records.slice(40), release("second"));
    await turn();
    assert.equal(released.length, 0, "in use");
    assert.deepEqual(await submission.outcome, expected);
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.deepEqual(released.sort(), ["first", "second"]);

    // Memory that does not lie on words is copied, and free at once.
    const odd = new Uint8Array(9).subarray(1);
    odd.set(records.subarray(0, 8));
    verifier.open(keccak256, 1, { arena }).add(odd, release("odd"));
    assert.ok(released.includes("odd"));

    // A caller that gives up while others want its records, and while they run.
    const other = work(77, 6);
    const abandoned = verifier.open(keccak256, 6, { arena: other.arena });
    abandoned.add(other.records.slice(), release("abandoned"));
    const heir = verifier.submit(keccak256, other.records, { arena: other.arena });
    abandoned.cancel();
    await assert.rejects(abandoned.outcome, code("ERR_ABORTED"));
    assert.ok(!released.includes("abandoned"), "another waits for them");
    assert.deepEqual(await heir, other.expected);
    abandoned.add(new Uint8Array(0), release("late"));
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.deepEqual(released.sort(), ["abandoned", "first", "late", "odd", "second"]);
    accounted();
    await verifier.close();
  });

  it("are refused where more comes than was announced, or half a record", async () => {
    const { verifier } = await create();
    const { records, arena, expected } = work(5, 4);
    const submission = verifier.open(keccak256, 4, { arena });
    submission.add(records.subarray(0, 24));
    assert.throws(() => submission.add(records.subarray(0, 16)), /at most 1 more, got 2/);
    assert.throws(() => submission.add(records.subarray(0, 7)), /multiple of 8 bytes, got 7/);
    submission.add(records.subarray(24));
    assert.deepEqual(await submission.outcome, expected);
    assert.throws(() => submission.add(records.subarray(0, 8)), RangeError);
    await verifier.close();
  });

  it("end with their caller's signal, their deadline, the verifier, or for want of room", async () => {
    const { backend, verifier, accounted } = await create({ maxQueuedItems: 8, maxBatchItems: 4 });
    const { records, arena } = work(100, 12);
    const abort = new AbortController();
    const aborted = verifier.open(keccak256, 12, { arena, signal: abort.signal });
    aborted.add(records.subarray(0, 16));
    abort.abort();
    await assert.rejects(aborted.outcome, code("ERR_ABORTED"));
    aborted.add(records.subarray(16));

    const late = verifier.open(keccak256, 12, { arena, deadlineMs: 10 });
    late.add(records.subarray(0, 16));
    await assert.rejects(late.outcome, code("ERR_DEADLINE"));

    // Everything that was accepted of it is done; then urgent work takes the room of the rest.
    const crowded = verifier.open(keccak256, 8, { arena });
    crowded.add(records.subarray(0, 8));
    backend.delayMs = 50;
    const urgent: Promise<void>[] = [];
    while (verifier.canAcceptWork(5)) {
      const { records, arena, expected } = work(500 + 10 * urgent.length, 3);
      const answer = verifier.submit(keccak256, records, { arena, priority: "block" });
      urgent.push(answer.then((outcome) => assert.deepEqual(outcome, expected)));
    }
    crowded.add(records.subarray(8, 64));
    await assert.rejects(crowded.outcome, code("ERR_OVERLOADED"));
    await Promise.all(urgent);

    const open = verifier.open(keccak256, 2, { arena });
    open.add(records.subarray(0, 8));
    const closing = verifier.close();
    // Accepted before: it is finished.
    open.add(records.subarray(8, 16));
    assert.deepEqual([...(await open.outcome).verdicts], [Verdict.Valid, Verdict.Valid]);
    await closing;
    const closed = verifier.open(keccak256, 2, { arena });
    await assert.rejects(closed.outcome, code("ERR_CLOSED"));
    closed.cancel();
    assert.equal(verifier.metrics.submitted, 12 + 12 + 8 + 3 * urgent.length + 2 + 2);
    verifier.metrics.submitted -= 2; // a closed verifier counts what it was asked, as ever
    accounted();
  });
});
