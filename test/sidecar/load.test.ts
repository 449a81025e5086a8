/** Overload and drain: what is accepted is answered rightly, what is not is told, memory stays bounded. @module */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { pino } from "pino";
import { type Outcome, secp256k1Recover } from "../../src/index.ts";
import { createClient, SidecarError } from "../../src/sidecar/client.ts";
import { createSidecar } from "../../src/sidecar/index.ts";
import { createRandom } from "../../src/workloads/random.ts";
import { createSigner, recoverRecord } from "../../src/workloads/secp256k1-recover.ts";
import { ask, errorOf, oracle, post, startSidecar } from "./support.ts";

const signer = createSigner(0x51de, 8, 16);

/** `count` fresh signatures, which no cache knows. */
function fresh(seed: string, count: number): Uint8Array {
  const random = createRandom(seed);
  const records = Array.from({ length: count }, (_, i) =>
    recoverRecord(signer.sign(random.bigint(1n << 256n), i % 8)),
  );
  return Buffer.concat(records);
}

/** Every record of `fresh` is valid and recovers the key that signed it; a few are compared with the oracle whole. */
function assertAnswered(outcome: Outcome, records: Uint8Array): void {
  const count = records.length / secp256k1Recover.record.byteLength;
  assert.deepEqual(outcome.verdicts, new Uint32Array(count));
  for (let i = 0; i < count; i++) {
    const publicKey = outcome.results.subarray(i * 84, i * 84 + 64);
    assert.deepEqual(publicKey, signer.publicKeys[i % 8]);
  }
  const few = oracle(secp256k1Recover, records.subarray(0, 2 * 104), new Uint8Array(0));
  assert.deepEqual(outcome.results.subarray(0, 2 * 84), few.results);
}

/** Waits for something to become true, and fails where it does not. */
async function until(what: () => boolean): Promise<void> {
  for (const endMs = performance.now() + 10_000; !what(); ) {
    assert.ok(performance.now() < endMs, `never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

describe("sidecar under load", () => {
  let started: Awaited<ReturnType<typeof startSidecar>>;
  before(async () => {
    started = await startSidecar({ verifier: { maxQueuedItems: 512, cacheEntries: 0 } });
  });
  after(() => started.stop());

  it("tells what it sheds with 429 and Retry-After, answers the rest rightly, and recovers", async () => {
    const client = createClient({ unix: started.unix, maxConnections: 200 });
    const work = Array.from({ length: 150 }, (_, i) => fresh(`load ${i}`, 32));
    const settled = await Promise.allSettled(
      work.map((records, i) => client.recover(records, { source: `peer ${i % 10}` })),
    );
    let shed = 0;
    let answered = 0;
    for (const [i, outcome] of settled.entries()) {
      if (outcome.status === "fulfilled") {
        assertAnswered(outcome.value, work[i]);
        answered++;
      } else {
        const { reason } = outcome;
        assert.ok(reason instanceof SidecarError, String(reason));
        assert.equal(reason.status, 429);
        assert.equal(reason.code, "ERR_OVERLOADED");
        assert.ok((reason.retryAfterMs ?? 0) >= 1000);
        shed++;
      }
    }
    assert.equal(shed + answered, work.length);
    assert.ok(shed > 0, "some were refused");
    assert.ok(answered >= 16, `${answered} were answered`);
    const again = await client.recover(work[0]);
    assertAnswered(again, work[0]);
    client.close();
  });

  it("a block's work is done though gossip fills the queue", async () => {
    const client = createClient({ unix: started.unix, maxConnections: 200 });
    const flood = Array.from({ length: 40 }, (_, i) =>
      client.recover(fresh(`flood ${i}`, 64), { source: "flood" }).then(
        () => true,
        () => false,
      ),
    );
    const records = fresh("block", 256);
    const outcome = await client.recover(records, { priority: "block", source: "chain" });
    assertAnswered(outcome, records);
    assert.ok((await Promise.all(flood)).includes(false));
    client.close();
  });

  it("a deadline that passes is told with 504", async () => {
    const patient = await startSidecar();
    const client = createClient({ unix: patient.unix });
    // Any z has a key behind it: half a second of block work, made in no time.
    const records = new Uint8Array(16_384 * 104);
    const view = new DataView(records.buffer);
    for (let i = 0; i < 16_384; i++) {
      records.set(secp256k1Recover.examples[0].record, i * 104);
      view.setUint32(i * 104, i);
    }
    const busy = patient.sidecar.engine.verifier.submit(secp256k1Recover, records, {
      priority: "block",
    });
    await assert.rejects(client.recover(fresh("late", 32), { deadlineMs: 1 }), (error) => {
      assert.ok(error instanceof SidecarError);
      assert.equal(error.status, 504);
      assert.equal(error.code, "ERR_DEADLINE");
      return true;
    });
    assert.deepEqual((await busy).verdicts, new Uint32Array(16_384));
    client.close();
    await patient.stop();
  });
});

describe("sidecar with little room", () => {
  it("refuses requests beyond its count and bytes, and gives the room back", async () => {
    const { port, sidecar, stop } = await startSidecar({
      limits: { maxRequests: 2, maxBufferedBytes: 20_000, requestTimeoutMs: 5000 },
    });
    // Two bodies that do not end hold both places.
    const held = [0, 1].map(() => new AbortController());
    const holding = held.map(({ signal }) => {
      const headers = { "Content-Type": "application/octet-stream", "Content-Length": "104" };
      const waiting = ask(
        port,
        { method: "POST", path: "/v1/recover", headers, signal },
        new Uint8Array(50),
      );
      return waiting.catch(() => undefined);
    });
    await until(() => sidecar.metrics.requestsInFlight >= 2);
    const refused = await post(port, "/v1/recover", secp256k1Recover.examples[0].record);
    assert.equal(refused.status, 429);
    assert.ok(Number(refused.headers["retry-after"]) >= 1);
    assert.match(errorOf(refused).message, /2 requests are in progress/);
    assert.equal((await ask(port, { path: "/healthz" })).status, 200, "health is always told");
    for (const controller of held) controller.abort();
    await Promise.all(holding);
    await until(() => sidecar.metrics.requestsInFlight === 0);
    const tooMuch = await post(port, "/v1/recover", new Uint8Array(104 * 200));
    assert.equal(tooMuch.status, 429);
    assert.match(errorOf(tooMuch).message, /bytes/);
    assert.equal((await post(port, "/v1/recover", new Uint8Array(104 * 100))).status, 200);
    await stop();
  });
});

describe("sidecar that closes", () => {
  it("finishes everything accepted, says 503 on /readyz meanwhile, and refuses connections after", async () => {
    const { sidecar, unix, port, stop } = await startSidecar({ drainDelayMs: 1000 });
    const client = createClient({ unix });
    const work = Array.from({ length: 20 }, (_, i) => fresh(`drain ${i}`, 256));
    const answers = work.map((records) => client.recover(records));
    await until(() => sidecar.metrics.requestsInFlight >= 10);
    const closed = sidecar.close();
    const ready = await ask(port, { path: "/readyz", agent: false });
    assert.equal(ready.status, 503);
    assert.equal(JSON.parse(ready.body.toString()).status, "draining");
    // Still served while the load balancer finds out.
    const late = await post(port, "/v1/recover", work[0]);
    assert.equal(late.status, 200);
    for (const [i, outcome] of (await Promise.all(answers)).entries()) {
      assertAnswered(outcome, work[i]);
    }
    client.close();
    await closed;
    await assert.rejects(ask(port, { path: "/healthz" }), { code: "ECONNREFUSED" });
    await assert.rejects(ask(unix, { path: "/healthz" }), { code: "ENOENT" });
    assert.equal(sidecar.metrics.requestsInFlight, 0);
    await stop();
  });

  it("ends a request that never comes whole after the time-out of the drain", async () => {
    const { sidecar, port, stop } = await startSidecar({ drainTimeoutMs: 200 });
    const headers = { "Content-Type": "application/octet-stream", "Content-Length": "104" };
    const hanging = ask(port, { method: "POST", path: "/v1/recover", headers }, new Uint8Array(50));
    hanging.catch(() => {});
    await until(() => sidecar.metrics.requestsInFlight >= 1);
    const startMs = performance.now();
    await stop();
    assert.ok(performance.now() - startMs < 5000);
    await assert.rejects(hanging);
  });
});

describe("sidecar beyond loopback", () => {
  it("warns in its log", async () => {
    const lines: string[] = [];
    const logger = pino({ level: "warn" }, { write: (line: string) => void lines.push(line) });
    const open = await createSidecar({ backend: "reference", host: "0.0.0.0", port: 0, logger });
    await open.close();
    assert.match(lines.join(""), /beyond loopback/);
    const quiet = await createSidecar({ backend: "reference", port: 0, logger });
    await quiet.close();
    assert.equal(lines.length, 1);
  });
});
