/** Wrong requests: a clear 4xx that names what and where, and right answers after. @module */
import assert from "node:assert/strict";
import { connect } from "node:net";
import { after, before, describe, it } from "node:test";
import { secp256k1Recover } from "../../src/index.ts";
import { ask, errorOf, post, type Reply, raw, startSidecar } from "./support.ts";

const { record } = secp256k1Recover.examples[0];
const GOOD = {
  z: `0x${"01".repeat(32)}`,
  r: `0x${"02".repeat(32)}`,
  s: `0x${"03".repeat(32)}`,
  recoveryId: 0,
};

describe("sidecar with wrong requests", () => {
  let started: Awaited<ReturnType<typeof startSidecar>>;
  let port: number;
  before(async () => {
    started = await startSidecar({
      limits: {
        maxRecords: 64,
        maxBodyBytes: 20_000,
        maxJsonBytes: 8000,
        headersTimeoutMs: 400,
        requestTimeoutMs: 800,
        responseTimeoutMs: 500,
      },
    });
    port = started.port;
  });
  after(async () => {
    const { status, body } = await post(port, "/v1/recover", record);
    assert.equal(status, 200, "serves on");
    assert.equal(body.readUInt32LE(0), 0);
    assert.equal(started.sidecar.metrics.requestsInFlight, 0);
    await started.stop();
  });

  const refused = (reply: Reply, status: number, message: RegExp) => {
    assert.equal(reply.status, status, reply.body.toString());
    const error = errorOf(reply);
    assert.equal(error.code, status === 429 ? "ERR_OVERLOADED" : "ERR_INPUT");
    assert.match(error.message, message);
    assert.ok(error.message.length < 400);
  };
  const octets = { "Content-Type": "application/octet-stream" };

  const cases: [name: string, send: () => Promise<Reply>, status: number, message: RegExp][] = [
    [
      "part of a record",
      () => post(port, "/v1/recover", new Uint8Array(105)),
      400,
      /multiple of 104 bytes.*got 105: 1 whole and 1 bytes from byte 104/,
    ],
    ["no record", () => post(port, "/v1/recover", new Uint8Array(0)), 400, /at least one/],
    [
      "too many records",
      () => post(port, "/v1/recover", new Uint8Array(65 * 104)),
      413,
      /at most 64, got 65/,
    ],
    [
      "too many bytes",
      () => post(port, "/v1/recover", new Uint8Array(20_001)),
      413,
      /at most 20000 bytes/,
    ],
    [
      "too many bytes, chunked",
      () =>
        ask(
          port,
          {
            method: "POST",
            path: "/v1/recover",
            headers: { ...octets, "Transfer-Encoding": "chunked" },
          },
          new Uint8Array(30_000),
        ),
      413,
      /at most 20000 bytes/,
    ],
    [
      "no content type",
      () => ask(port, { method: "POST", path: "/v1/verify" }),
      415,
      /Content-Type.*got none/,
    ],
    [
      "another content type",
      () => post(port, "/v1/verify", "x", { "Content-Type": "text/plain" }),
      415,
      /got "text\/plain"/,
    ],
    [
      "a prototype's name as content type",
      () => post(port, "/v1/verify", "x", { "Content-Type": "constructor" }),
      415,
      /constructor/,
    ],
    [
      "a compressed body",
      () => post(port, "/v1/verify", "x", { "Content-Encoding": "gzip" }),
      415,
      /Content-Encoding/,
    ],
    [
      "an unknown path",
      () => ask(port, { path: "/v2/verify" }),
      404,
      /path: expected one of \/v1\/verify/,
    ],
    ["another method", () => ask(port, { path: "/v1/verify" }), 405, /expected POST, got "GET"/],
    [
      "an unknown algorithm",
      () => post(port, "/v1/verify?algorithm=md5", record),
      400,
      /secp256k1-recover.*got "md5"/,
    ],
    [
      "an algorithm that recovers nothing",
      () => post(port, "/v1/recover?algorithm=sha256", record),
      400,
      /expected one of secp256k1-recover, secp256k1-recover-hinted, eth-sender, got "sha256"/,
    ],
    [
      "an unknown parameter",
      () => post(port, "/v1/verify?algorihtm=x", record),
      400,
      /query: expected algorithm/,
    ],
    [
      "an algorithm twice",
      () => post(port, "/v1/verify?algorithm=sha256&algorithm=sha256", record),
      400,
      /got 2/,
    ],
    [
      "an arena for none",
      () => post(port, "/v1/recover", record, { "Lanewise-Arena-Bytes": "4" }),
      400,
      /points to none/,
    ],
    [
      "an arena beyond the body",
      () =>
        post(port, "/v1/verify?algorithm=sha256", new Uint8Array(16), {
          "Lanewise-Arena-Bytes": "17",
        }),
      400,
      /at most the body's 16 bytes, got 17/,
    ],
    [
      "an arena length that is none",
      () => post(port, "/v1/verify?algorithm=sha256", record, { "Lanewise-Arena-Bytes": "-1" }),
      400,
      /Lanewise-Arena-Bytes: expected an integer/,
    ],
    [
      "an unknown priority",
      () => post(port, "/v1/recover", record, { "Lanewise-Priority": "urgent" }),
      400,
      /block or gossip, got "urgent"/,
    ],
    [
      "a deadline of zero",
      () => post(port, "/v1/recover", record, { "Lanewise-Deadline-Ms": "0" }),
      400,
      /Lanewise-Deadline-Ms: expected an integer from 1/,
    ],
    [
      "a source too long",
      () => post(port, "/v1/recover", record, { "Lanewise-Source": "x".repeat(129) }),
      400,
      /1 to 128 characters, got 129/,
    ],
    ["no JSON", () => post(port, "/v1/recover", "{"), 400, /body: expected JSON/],
    [
      "JSON that is no UTF-8",
      () =>
        ask(
          port,
          { method: "POST", path: "/v1/recover", headers: { "Content-Type": "application/json" } },
          Uint8Array.of(0x22, 0xff, 0x22),
        ),
      400,
      /UTF-8/,
    ],
    [
      "JSON of control characters",
      () => post(port, "/v1/recover", "\u0007\u001b[2J"),
      400,
      /^[ -~“”…]*$/,
    ],
    [
      "a JSON array",
      () => post(port, "/v1/recover", []),
      400,
      /body: expected an object, got an array/,
    ],
    ["deep JSON", () => post(port, "/v1/recover", "[".repeat(4000)), 400, /JSON/],
    ["too much JSON", () => post(port, "/v1/recover", " ".repeat(8001)), 413, /at most 8000 bytes/],
    ["no records in JSON", () => post(port, "/v1/recover", { records: [] }), 400, /at least one/],
    [
      "records that are no array",
      () => post(port, "/v1/recover", { records: 5 }),
      400,
      /records: expected an array/,
    ],
    [
      "a field too short",
      () => post(port, "/v1/recover", { records: [GOOD, { ...GOOD, r: "0x12" }] }),
      400,
      /records\[1\]\.r: expected 32 bytes/,
    ],
    [
      "a field missing",
      () => post(port, "/v1/recover", { records: [{ ...GOOD, s: undefined }] }),
      400,
      /records\[0\]\.s: .*got nothing/,
    ],
    [
      "a field unknown",
      () => post(port, "/v1/recover", { records: [{ ...GOOD, v: 27 }] }),
      400,
      /records\[0\]: expected z, r, s, recoveryId, flags, got "v"/,
    ],
    [
      "a number too large",
      () => post(port, "/v1/recover", { records: [{ ...GOOD, recoveryId: 2 ** 32 }] }),
      400,
      /records\[0\]\.recoveryId: expected an integer/,
    ],
    [
      "a pointer in JSON",
      () => post(port, "/v1/verify", { algorithm: "sha256", records: [{ offset: 0, length: 4 }] }),
      400,
      /expected message, got "offset"/,
    ],
    [
      "two algorithms",
      () =>
        post(port, "/v1/verify?algorithm=sha256", {
          algorithm: "keccak256",
          records: [{ message: "0x" }],
        }),
      400,
      /expected sha256, as the query says/,
    ],
    [
      "__proto__ in JSON",
      () => post(port, "/v1/recover", '{"records":[],"__proto__":{"x":1}}'),
      400,
      /got "__proto__"/,
    ],
    [
      "a block that is none",
      () => post(port, "/v1/blocks", Uint8Array.of(0xc0)),
      400,
      /block\.header/,
    ],
    [
      "a JSON block that is none",
      () => post(port, "/v1/blocks", { number: "0x1" }),
      400,
      /block\.parentHash: expected 32 bytes/,
    ],
    [
      "a JSON answer without a block",
      () => post(port, "/v1/blocks", { result: null }),
      400,
      /block: expected an object, got null/,
    ],
  ];
  for (const [name, send, status, message] of cases) {
    it(name, async () => refused(await send(), status, message));
  }

  const head = "POST /v1/recover HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\n";

  it("a length beyond any", async () => {
    const text = await raw(port, (socket) =>
      socket.write(`${head}Content-Length: 99999999999999\r\n\r\nabc`),
    );
    assert.match(text, /^HTTP\/1\.1 413 [\s\S]*Connection: close[\s\S]*at most 20000 bytes/);
  });

  it("a body that ends early", async () => {
    const text = await raw(port, (socket) => socket.end(`${head}Content-Length: 104\r\n\r\nabc`));
    assert.match(text, /^HTTP\/1\.1 400 [\s\S]*expected all of it, got the end of the connection/);
  });

  it("what is no HTTP", async () => {
    const text = await raw(port, (socket) => socket.write("\u0016\u0003\u0001 hello\r\n\r\n"));
    assert.match(text, /^HTTP\/1\.1 400 [\s\S]*expected HTTP\/1\.1/);
  });

  it("a head too large", async () => {
    const text = await raw(port, (socket) => socket.write(`${head}X: ${"x".repeat(9000)}\r\n\r\n`));
    assert.match(text, /^HTTP\/1\.1 431 [\s\S]*at most 8192 bytes/);
  });

  it("a head that never ends: 408", async () => {
    const text = await raw(port, (socket) => socket.write(head));
    assert.match(text, /^HTTP\/1\.1 408 /);
  });

  it("a body that comes a byte at a time: 408", async () => {
    let timer: NodeJS.Timeout | undefined;
    const text = await raw(port, (socket) => {
      socket.write(`${head}Content-Length: 104\r\n\r\n`);
      timer = setInterval(() => socket.writable && socket.write("x"), 50);
    });
    clearInterval(timer);
    assert.match(text, /^HTTP\/1\.1 408 /);
  });

  it("a client that pipelines without end is cut off at once", async () => {
    const text = await raw(port, (socket) =>
      socket.write("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n".repeat(1000)),
    );
    assert.ok(text.split("HTTP/1.1 ").length <= 17);
    assert.equal(started.sidecar.metrics.requestsInFlight, 0);
  });

  it("a client that asks and asks and never reads is cut off", async () => {
    const { metrics } = started.sidecar;
    const until = async (isSo: () => boolean): Promise<boolean> => {
      const deadline = Date.now() + 15_000;
      while (!isSo() && Date.now() < deadline) await new Promise((wait) => setTimeout(wait, 20));
      return isSo();
    };
    assert.ok(await until(() => metrics.connections === 0), "earlier clients are gone");
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => {});
    socket.pause();
    assert.ok(await until(() => metrics.connections === 1));
    const request = "GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n";
    const asking = setInterval(() => socket.write(request.repeat(8)), 2);
    // By the bound on requests in progress or by the time-out of an answer, whichever comes first.
    const isCutOff = await until(() => metrics.connections === 0);
    clearInterval(asking);
    socket.destroy();
    assert.ok(isCutOff);
    assert.equal(metrics.requestsInFlight, 0);
  });

  it("Expect: 100-continue is refused before the body is sent, or asked for", async () => {
    const tooLarge = await raw(
      port,
      (socket) =>
        socket.write(
          `${head}Expect: 100-continue\r\nContent-Length: 30000\r\nConnection: close\r\n\r\n`,
        ),
      1500,
    );
    assert.match(tooLarge, /^HTTP\/1\.1 413 /);
    const text = await raw(port, (socket) => {
      socket.write(
        `${head}Expect: 100-continue\r\nContent-Length: 104\r\nConnection: close\r\n\r\n`,
      );
      socket.once("data", () => socket.write(record));
    });
    assert.match(text, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK/);
    const odd = await raw(port, (socket) =>
      socket.write(`${head}Expect: a-miracle\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`),
    );
    assert.match(odd, /^HTTP\/1\.1 417 /);
  });
});
