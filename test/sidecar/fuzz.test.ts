/**
 * Malformed requests over raw sockets, right ones among them: the sidecar survives all, and answers the right ones rightly.
 *
 * 2,000 requests; 50,000 with LANEWISE_SLOW=1.
 *
 * @module
 */
import assert from "node:assert/strict";
import { connect } from "node:net";
import { after, before, describe, it } from "node:test";
import type { Outcome } from "../../src/index.ts";
import { createClient } from "../../src/sidecar/client.ts";
import { caseGenerators } from "../../src/workloads/cases.ts";
import { createRandom, type Random } from "../../src/workloads/random.ts";
import { recordSet, startSidecar } from "./support.ts";

const REQUESTS = process.env.LANEWISE_SLOW ? 50_000 : 2000;
const AT_A_TIME = 16;
const PATHS = ["/v1/verify", "/v1/recover", "/v1/blocks", "/metrics", "/openapi.json", "/healthz"];
const JUNK = [
  "Transfer-Encoding: chunked",
  "Transfer-Encoding: gzip, chunked",
  "Content-Length: 5\r\nContent-Length: 6",
  "Content-Length: -1",
  "Content-Length: 18446744073709551616",
  "Expect: 100-continue",
  "Connection: close",
  "Connection: upgrade\r\nUpgrade: h2c",
  "Lanewise-Arena-Bytes: 4294967295",
  "Lanewise-Priority: \u00ff",
  "Lanewise-Deadline-Ms: 1",
  "Lanewise-Source: ",
  "Content-Type: application/json",
  "Content-Type: application/octet-stream; charset=x",
  "Content-Encoding: br",
  "Host:",
  ": nameless",
  "Bad Name: x",
  " folded: line",
];

const set = recordSet(
  caseGenerators.find(({ algorithm }) => algorithm.id === "secp256k1-recover")!,
  "fuzz",
  8,
);

/** A right request's bytes, before something is done to them. */
function wellFormed(random: Random): Buffer {
  const records = set.records.subarray(0, 104 * (1 + random.below(8)));
  const json = `{"records":[{"z":"0x${"11".repeat(32)}","r":"0x01","s":"0x02","recoveryId":0}]}`;
  const isJson = random.below(3) === 0;
  const body = isJson ? Buffer.from(json) : records;
  const type = isJson ? "json" : "octet-stream";
  const method = random.pick(["POST", "POST", "POST", "GET", "PUT", "OPTIONS", "CONNECT", "HEAD"]);
  const extra = Array.from({ length: random.below(3) }, () => `${random.pick(JUNK)}\r\n`).join("");
  const head =
    `${method} ${random.pick(PATHS)}${random.pick(["", "?algorithm=sha256", "?algorithm", "?%"])} HTTP/1.1\r\n` +
    `Host: x\r\nContent-Type: application/${type}\r\n${extra}Content-Length: ${body.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head, "latin1"), body]);
}

/** Breaks a request in one of many ways. */
function malformed(random: Random): Buffer {
  const bytes = wellFormed(random);
  switch (random.below(7)) {
    case 0: // cut off
      return bytes.subarray(0, random.below(bytes.length));
    case 1: // bits flipped in the head
      for (let i = random.below(4) + 1; i > 0; i--)
        bytes[random.below(Math.min(bytes.length, 200))] ^= 1 << random.below(8);
      return bytes;
    case 2: // bits flipped anywhere
      for (let i = random.below(8) + 1; i > 0; i--)
        bytes[random.below(bytes.length)] ^= 1 << random.below(8);
      return bytes;
    case 3: // noise
      return Buffer.from(random.bytes(random.below(2000)));
    case 4: // a chunked body whose chunks lie
      return Buffer.from(
        `POST /v1/recover HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\n\r\n` +
          `${random.pick(["5", "ffffffffffffffff", "zz", "-1", "0", '5;ext="\n'])}\r\n${"x".repeat(random.below(12))}\r\n0\r\n\r\n`,
      );
    case 5: // two in one, the first with bytes missing or left over
      return Buffer.concat([bytes.subarray(0, bytes.length - random.below(3)), wellFormed(random)]);
    default: // the body of another
      return Buffer.concat([bytes, Buffer.from(random.bytes(random.below(300)))]);
  }
}

/** Sends bytes, now and then slowly, and waits for the end of the connection, or for an answer and silence. */
function send(port: number, bytes: Buffer, random: Random): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const isSlow = random.below(50) === 0;
    const neverReads = random.below(50) === 0;
    const closesAtOnce = random.below(10) === 0;
    // What the server does not end by itself (it waits for the rest, or keeps the connection) is ended here, sooner or later.
    const patience = setTimeout(() => socket.destroy(), isSlow ? 700 : 30);
    if (neverReads) socket.pause();
    else socket.on("data", () => {});
    socket.on("error", () => {});
    socket.on("close", () => {
      clearTimeout(patience);
      resolve();
    });
    socket.on("connect", () => {
      if (!isSlow) {
        socket.write(bytes);
        if (closesAtOnce) socket.destroy();
        return;
      }
      let at = 0;
      const drip = setInterval(() => {
        if (at >= bytes.length || !socket.writable) return clearInterval(drip);
        socket.write(bytes.subarray(at, at + 7));
        at += 7;
      }, 5);
    });
  });
}

describe("sidecar under malformed requests", () => {
  let started: Awaited<ReturnType<typeof startSidecar>>;
  before(async () => {
    started = await startSidecar({
      limits: { headersTimeoutMs: 300, requestTimeoutMs: 500, responseTimeoutMs: 500 },
    });
  });
  after(() => started.stop());

  it(`survives ${REQUESTS} and answers right ones in between`, {
    timeout: 15 * 60_000,
  }, async () => {
    const client = createClient({ url: `http://127.0.0.1:${started.port}` });
    const right = (outcome: Outcome) => assert.deepEqual(outcome, set.expected);
    right(await client.recover(set.records));
    let sent = 0;
    let rssAfterFirst = 0;
    const worker = async (name: number) => {
      const random = createRandom(`fuzz ${name}`);
      while (sent < REQUESTS) {
        sent++;
        await send(started.port, malformed(random), random);
        if (random.below(20) === 0) right(await client.recover(set.records));
        if (sent > REQUESTS / 2 && rssAfterFirst === 0) rssAfterFirst = process.memoryUsage.rss();
      }
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, (_, name) => worker(name)));
    right(await client.recover(set.records));
    client.close();
    await new Promise((resolve) => setTimeout(resolve, 1500)); // time-outs of what hangs
    const { metrics, engine } = started.sidecar;
    assert.equal(metrics.requestsInFlight, 0);
    assert.equal(metrics.connections, 0);
    assert.equal(engine.verifier.queuedItems, 0);
    assert.equal(engine.blocks.pending, 0);
    assert.ok([...metrics.malformed.values()].reduce((a, b) => a + b, 0) > REQUESTS / 20);
    const internal = [...metrics.requests].filter(([key]) => key.endsWith(" 500"));
    assert.deepEqual(internal, [], "no request found a fault of ours");
    const grownMiB = (process.memoryUsage.rss() - rssAfterFirst) / 2 ** 20;
    assert.ok(
      grownMiB < 128,
      `resident memory grew by ${grownMiB.toFixed(0)} MiB in the second half`,
    );
  });
});
