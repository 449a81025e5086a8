/** Bodies that run while they arrive: however they are cut, wherever they end. @module */
import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Batch, createWasmBackend, secp256k1Recover } from "../../src/index.ts";
import { createClient, SidecarError } from "../../src/sidecar/client.ts";
import { MemoryShelf } from "../../src/sidecar/memory-shelf.ts";
import { caseGenerators } from "../../src/workloads/cases.ts";
import { createRandom } from "../../src/workloads/random.ts";
import { ask, errorOf, raw, recordSet, startSidecar } from "./support.ts";

const SIZE = secp256k1Recover.record.byteLength;
const generator = caseGenerators.find(({ algorithm }) => algorithm === secp256k1Recover)!;

/** Records that nobody has seen, with crafted and invalid ones among them. */
function mixed(seed: string, count: number): Uint8Array {
  const { records: crafted } = recordSet(generator, "parts", 60);
  const random = createRandom(seed);
  const records = Buffer.alloc(count * SIZE);
  for (let i = 0; i < count; i++) {
    const isCrafted = random.below(4) === 0;
    const from = random.below(60) * SIZE;
    records.set(
      isCrafted ? crafted.subarray(from, from + SIZE) : secp256k1Recover.examples[0].record,
      i * SIZE,
    );
    // Any digest recovers to some key.
    if (!isCrafted) records.set(random.bytes(16), i * SIZE);
  }
  return records;
}

/** What the sidecar has to answer: verdicts, then results. */
async function answerTo(records: Uint8Array): Promise<Buffer> {
  const backend = createWasmBackend({ workers: 1 });
  const count = records.length / SIZE;
  const batch = new Batch(secp256k1Recover, count);
  batch.records.set(records);
  batch.count = count;
  await backend.run(batch);
  await backend.close();
  const verdicts = Buffer.from(batch.verdicts.slice().buffer);
  return Buffer.concat([verdicts, batch.results]);
}

const head = (length: number, extra = ""): string =>
  `POST /v1/recover HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\n${extra}Content-Length: ${length}\r\n\r\n`;

/** The first answer on a connection, once all of it is there. */
function nextAnswer(socket: Socket): Promise<{ status: number; body: Buffer }> {
  return new Promise((resolve, reject) => {
    let bytes = Buffer.alloc(0);
    socket.on("error", reject);
    socket.on("data", (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
      const end = bytes.indexOf("\r\n\r\n");
      if (end < 0) return;
      const text = bytes.subarray(0, end).toString("latin1");
      const length = Number(/content-length: (\d+)/i.exec(text)?.[1]);
      if (bytes.length < end + 4 + length) return;
      socket.removeAllListeners("data");
      resolve({ status: Number(text.slice(9, 12)), body: bytes.subarray(end + 4) });
    });
  });
}

async function until(what: () => boolean): Promise<void> {
  for (const endMs = performance.now() + 10_000; !what(); await sleep(2)) {
    assert.ok(performance.now() < endMs, `never: ${what}`);
  }
}

describe("bodies in parts", () => {
  let started: Awaited<ReturnType<typeof startSidecar>>;
  before(async () => {
    started = await startSidecar();
  });
  after(() => started.stop());

  it("are answered in order, byte by byte or in pieces that fit nothing", async () => {
    const random = createRandom("pieces");
    const socket = connect(started.port, "127.0.0.1");
    socket.setNoDelay(true);
    for (const [count, most] of [
      [3, 1],
      [1023, 9000],
      [1024, 200_000],
      [2500, 70_000],
      [3333, 3 * SIZE],
    ]) {
      const records = mixed(`pieces ${count}`, count);
      const answer = nextAnswer(socket);
      const bytes = Buffer.concat([Buffer.from(head(records.length)), records]);
      for (let at = 0; at < bytes.length; ) {
        const to = at + 1 + random.below(most);
        socket.write(bytes.subarray(at, to));
        at = to;
        if (random.below(8) === 0 || most === 1) await sleep(1);
      }
      const { status, body } = await answer;
      assert.equal(status, 200);
      assert.equal(Buffer.compare(body, await answerTo(records)), 0, `${count} records`);
    }
    socket.destroy();
  });

  it("run before they are whole, and leave nothing behind where they are cut off", async () => {
    const { verifier } = started.sidecar.engine;
    const records = mixed("cut", 3000);
    for (const wanted of [1100, 2200]) {
      const { batches, aborted } = verifier.metrics;
      const socket = connect(started.port, "127.0.0.1");
      socket.on("error", () => {});
      socket.write(head(records.length));
      socket.write(records.subarray(0, wanted * SIZE + 5));
      await until(() => verifier.metrics.batches > batches);
      socket.destroy();
      await until(() => verifier.metrics.aborted > aborted);
      await until(() => started.sidecar.metrics.requestsInFlight === 0);
    }
    const { submitted, answered, shed, aborted, expired } = verifier.metrics;
    assert.equal(answered + shed + aborted + expired, submitted);
    const page = await (await fetch(`http://127.0.0.1:${started.port}/metrics`)).text();
    assert.match(page, /^lanewise_buffered_bytes 0$/m);
    const again = await createClient({ unix: started.unix }).recover(records);
    const expected = await answerTo(records);
    assert.deepEqual(Buffer.from(again.results), expected.subarray(4 * 3000));
  });

  it("are dropped with the client that gives up", async () => {
    const client = createClient({ unix: started.unix });
    const { verifier } = started.sidecar.engine;
    const records = mixed("given up", 8000);
    const abort = new AbortController();
    const { batches, aborted } = verifier.metrics;
    const answer = client.recover(records, { signal: abort.signal });
    await until(() => verifier.metrics.batches > batches);
    abort.abort();
    await assert.rejects(
      answer,
      (error) => error instanceof SidecarError && error.code === "ERR_ABORTED",
    );
    await until(() => verifier.metrics.aborted > aborted);
    const few = records.slice(0, 50 * SIZE);
    const { results } = await client.recover(few);
    assert.deepEqual(Buffer.from(results), (await answerTo(few)).subarray(200));
    client.close();
  });

  it("of a wrong length are refused: at once where the head tells, else at the end", async () => {
    // Not a byte of the body is sent.
    const early = await raw(started.port, (socket) => socket.write(head(2 * SIZE + 1)), 500);
    assert.match(early, /^HTTP\/1.1 400 .*2 whole and 1 bytes from byte 208 on/s);
    const asked = await raw(
      started.port,
      (socket) => socket.write(head(2 * SIZE + 1, "Expect: 100-continue\r\n")),
      500,
    );
    assert.match(asked, /^HTTP\/1.1 400 /);
    const { batches } = started.sidecar.engine.verifier.metrics;
    const late = await ask(
      started.port,
      {
        method: "POST",
        path: "/v1/recover",
        headers: {
          "Content-Type": "application/octet-stream",
          "Transfer-Encoding": "chunked",
        },
      },
      mixed("late", 2000).subarray(0, 1999 * SIZE + 7),
    );
    assert.equal(late.status, 400);
    assert.match(errorOf(late).message, /1999 whole and 7 bytes/);
    assert.equal(started.sidecar.engine.verifier.metrics.batches, batches);
  });

  it("that are refused half way hear of it at once, and the connection goes on", async () => {
    const records = mixed("too slow", 2400);
    const socket = connect(started.port, "127.0.0.1");
    const refused = nextAnswer(socket);
    socket.write(head(records.length, "Lanewise-Deadline-Ms: 100\r\n"));
    socket.write(records.subarray(0, 1700 * SIZE));
    assert.equal((await refused).status, 504);
    const few = mixed("in time", 20);
    const answer = nextAnswer(socket);
    socket.write(records.subarray(1700 * SIZE));
    socket.write(head(few.length));
    socket.write(few);
    assert.equal(Buffer.compare((await answer).body, await answerTo(few)), 0);
    socket.destroy();
  });
});

describe("memory shelf", () => {
  it("gives memory again that was given back, of the size asked for, and keeps a bounded amount", () => {
    const shelf = new MemoryShelf();
    const first = shelf.take(100_000);
    assert.ok(first.byteLength >= 100_000 && first.byteLength < 200_000);
    assert.notEqual(shelf.take(100_000), first);
    shelf.give(first);
    assert.notEqual(shelf.take(200_000), first, "too small");
    assert.equal(shelf.take(70_000), first);
    assert.equal(shelf.take(10).byteLength, 10);
    for (let i = 0; i < 40; i++) shelf.give(new ArrayBuffer(2 ** 20));
    assert.equal(shelf.keptBytes, 16 * 2 ** 20);
    shelf.give(new ArrayBuffer(10));
    assert.equal(shelf.keptBytes, 16 * 2 ** 20, "small ones are not kept");
  });
});
