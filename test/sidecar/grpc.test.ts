/**
 * The gRPC door, asked by a client that is generated from the published `proto/lanewise.proto`: two implementations of the wire format.
 *
 * @module
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import {
  type ClientDuplexStream,
  credentials,
  type Metadata,
  makeGenericClientConstructor,
} from "@grpc/grpc-js";
import { secp256k1Recover } from "../../src/index.ts";
import { lanewiseService } from "../../src/sidecar/index.ts";
import { verdictsOf } from "../../src/sidecar/outcome.ts";
import {
  decodeVerifyRequest,
  decodeVerifyResponse,
  encodeVerifyRequest,
  encodeVerifyResponse,
} from "../../src/sidecar/protobuf.ts";
import { caseGenerators } from "../../src/workloads/cases.ts";
import { createRandom } from "../../src/workloads/random.ts";
import { ask, recordSet, startSidecar } from "./support.ts";

const proto = fileURLToPath(new URL("../../../proto/lanewise.proto", import.meta.url));

/** The loader that gRPC itself depends on. */
const require = createRequire(createRequire(import.meta.url).resolve("@grpc/grpc-js"));
const loader = require("@grpc/proto-loader");
const published = loader.loadSync(proto, { longs: String, defaults: true, keepCase: true });
const Client = makeGenericClientConstructor(published["lanewise.v1.Lanewise"], "Lanewise");

interface Answer {
  id: string;
  verdicts: Uint8Array;
  results: Uint8Array;
  status: number;
  message: string;
  retry_after_ms: number;
}

type Refused = Error & { code: number; details: string; metadata: Metadata };
const { record } = secp256k1Recover.examples[0];
const request = (more: object = {}) => ({
  algorithm: "secp256k1-recover",
  records: record,
  ...more,
});

/** A client of one address, with promises. */
function connect(address: string) {
  const client = new Client(address, credentials.createInsecure());
  return {
    verify: (message: object): Promise<Answer> =>
      new Promise((resolve, reject) =>
        client.Verify(message, (error: Refused | null, answer: Answer) =>
          error ? reject(error) : resolve(answer),
        ),
      ),
    stream: () => client.VerifyStream() as ClientDuplexStream<object, Answer>,
    close: () => client.close(),
  };
}

/** Everything that a stream answers until it ends, and the status it ends with. */
function collect(
  stream: ClientDuplexStream<object, Answer>,
): Promise<{ answers: Answer[]; code: number }> {
  const answers: Answer[] = [];
  stream.on("data", (answer: Answer) => answers.push(answer));
  stream.on("error", () => {});
  return new Promise((resolve) => stream.on("status", ({ code }) => resolve({ answers, code })));
}

describe("sidecar over gRPC", () => {
  const folder = mkdtempSync(join(tmpdir(), "lanewise-grpc-"));
  const grpcUnix = join(folder, "grpc.sock");
  let started: Awaited<ReturnType<typeof startSidecar>>;
  let client: ReturnType<typeof connect>;
  before(async () => {
    started = await startSidecar({ grpcPort: 0, grpcUnix, limits: { maxRecords: 1024 } });
    client = connect(started.sidecar.addresses.grpc!);
  });
  after(async () => {
    client.close();
    await started.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  for (const generator of caseGenerators) {
    it(`answers as the oracle does: ${generator.algorithm.id}`, async () => {
      const { algorithm, records, arena, expected } = recordSet(generator, "grpc", 60);
      const answer = await client.verify({ id: "7", algorithm: algorithm.id, records, arena });
      assert.equal(answer.id, "7");
      assert.deepEqual(verdictsOf(answer.verdicts), expected.verdicts);
      assert.deepEqual(new Uint8Array(answer.results), expected.results);
    });
  }

  it("answers a stream of batches, each by its id, over the Unix socket", async () => {
    assert.equal(statSync(grpcUnix).mode & 0o777, 0o600);
    const local = connect(`unix:${grpcUnix}`);
    const stream = local.stream();
    const collected = collect(stream);
    const sets = Array.from({ length: 40 }, (_, i) => {
      const generator = caseGenerators[i % caseGenerators.length];
      return recordSet(generator, `stream ${i}`, 1 + (i % 7));
    });
    for (const [i, { algorithm, records, arena }] of sets.entries()) {
      const priority = i % 2 === 0 ? "BLOCK" : "GOSSIP";
      stream.write({
        id: String(i),
        algorithm: algorithm.id,
        records,
        arena,
        priority,
        deadline_ms: 30_000,
      });
    }
    stream.end();
    const { answers, code } = await collected;
    assert.equal(code, 0);
    assert.deepEqual(
      answers.map(({ id }) => Number(id)).sort((a, b) => a - b),
      [...sets.keys()],
    );
    for (const { id, status, verdicts, results } of answers) {
      assert.equal(status, 0);
      assert.deepEqual(verdictsOf(verdicts), sets[Number(id)].expected.verdicts);
      assert.deepEqual(new Uint8Array(results), sets[Number(id)].expected.results);
    }
    local.close();
  });

  const wrong: [name: string, message: object, reason: RegExp][] = [
    ["part of a record", request({ records: record.subarray(1) }), /multiple of 104 bytes/],
    ["no record", request({ records: new Uint8Array(0) }), /at least one/],
    ["too many", request({ records: new Uint8Array(104 * 1025) }), /at most 1024, got 1025/],
    ["an unknown algorithm", request({ algorithm: "md5" }), /got "md5"/],
    ["an arena for none", request({ arena: new Uint8Array(3) }), /points to none/],
    [
      "a priority beyond the enum",
      request({ priority: 9 }),
      /priority: expected GOSSIP or BLOCK, got 9/,
    ],
    ["a source too long", request({ source: "x".repeat(129) }), /at most 128/],
    ["a deadline too far", request({ deadline_ms: 600_001 }), /at most 600000/],
  ];
  for (const [name, message, reason] of wrong) {
    it(`refuses ${name}, in a call and in a stream that goes on`, async () => {
      await assert.rejects(client.verify(message), (error: Refused) => {
        assert.equal(error.code, 3);
        assert.match(error.details, reason);
        return true;
      });
      const stream = client.stream();
      const collected = collect(stream);
      stream.write({ ...message, id: "1" });
      stream.write(request({ id: "2" }));
      stream.end();
      const { answers, code } = await collected;
      assert.equal(code, 0);
      const byId = new Map(answers.map((answer) => [answer.id, answer]));
      assert.equal(byId.get("1")?.status, 3);
      assert.match(byId.get("1")!.message, reason);
      assert.equal(byId.get("2")?.status, 0);
    });
  }

  it("refuses bytes that are no message", async () => {
    const raw = makeGenericClientConstructor(
      {
        verify: { ...lanewiseService.verify, requestSerialize: (bytes: Buffer) => bytes },
      } as never,
      "Lanewise",
    );
    const broken = new raw(started.sidecar.addresses.grpc!, credentials.createInsecure());
    const random = createRandom("broken messages");
    for (const bytes of [
      Uint8Array.of(0x1a, 0x7f, 1),
      ...Array.from({ length: 200 }, () => random.bytes(random.below(60))),
    ]) {
      const code = await new Promise<number>((resolve) =>
        broken.verify(Buffer.from(bytes), (error: Refused | null) => resolve(error?.code ?? 0)),
      );
      assert.equal(code, 3);
    }
    broken.close();
  });

  it("says RESOURCE_EXHAUSTED where there is no room, and does the rest", async () => {
    const small = await startSidecar({
      grpcPort: 0,
      verifier: { maxQueuedItems: 1024, cacheEntries: 0 },
    });
    const busy = connect(small.sidecar.addresses.grpc!);
    // Any z has a key behind it.
    const distinct = Array.from({ length: 30 }, (_, i) => {
      const records = Buffer.concat(Array(600).fill(record));
      for (let at = 0; at < 600; at++) records.writeUInt32LE(i * 600 + at, at * 104);
      return records;
    });
    const settled = await Promise.allSettled(
      distinct.map((bytes, i) => busy.verify(request({ records: bytes, source: `peer ${i}` }))),
    );
    const refused = settled
      .filter((outcome) => outcome.status === "rejected")
      .map(({ reason }) => reason as Refused);
    assert.ok(refused.length > 0 && refused.length < settled.length);
    for (const { code, metadata } of refused) {
      assert.equal(code, 8);
      assert.ok(Number(metadata.get("retry-after-ms")[0]) >= 1000);
    }
    const answer = await busy.verify(request({ records: distinct[0] }));
    assert.deepEqual(verdictsOf(answer.verdicts), new Uint32Array(600));
    const page = (await ask(small.port, { path: "/metrics" })).body.toString();
    assert.match(page, /lanewise_grpc_answers_total\{code="8"\} [1-9]/);
    busy.close();
    await small.stop();
  });

  it("finishes the batches of a stream when it closes, and ends the stream with UNAVAILABLE", async () => {
    const closing = await startSidecar({ grpcPort: 0 });
    const local = connect(closing.sidecar.addresses.grpc!);
    const stream = local.stream();
    const collected = collect(stream);
    stream.write(request({ id: "1" }));
    const first = new Promise((resolve) => stream.once("data", resolve));
    await first;
    await closing.stop();
    const { answers, code } = await collected;
    assert.equal(answers.length, 1);
    assert.equal(code, 14);
    local.close();
  });

  it("a client that goes away takes its work along", async () => {
    const stream = client.stream();
    stream.on("error", () => {});
    stream.on("data", () => {});
    for (let i = 0; i < 20; i++)
      stream.write(request({ id: String(i), records: Buffer.concat(Array(500).fill(record)) }));
    await new Promise((resolve) => setTimeout(resolve, 20));
    stream.cancel();
    for (let tries = 0; started.sidecar.metrics.grpcStreams > 0 && tries < 500; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    assert.equal(started.sidecar.metrics.grpcStreams, 0);
    assert.equal((await client.verify(request())).status, 0);
  });
});

describe("protobuf", () => {
  const codecs = published["lanewise.v1.Lanewise"].Verify;

  it("agrees with the loader's codec on random messages, both ways", () => {
    const random = createRandom("protobuf");
    for (let i = 0; i < 500; i++) {
      const id = random.bigint(1n << 64n);
      const text = random.pick(["", "a", "é→", "x".repeat(200)]);
      const sent = {
        id,
        algorithm: text,
        records: random.bytes(random.below(300)),
        arena: random.bytes(random.below(3)),
        priority: random.below(2),
        source: text,
        deadlineMs: random.u32(),
      };
      const theirs = codecs.requestDeserialize(encodeVerifyRequest(sent));
      assert.equal(theirs.id, id.toString());
      assert.deepEqual(new Uint8Array(theirs.records), sent.records);
      assert.equal(theirs.deadline_ms, sent.deadlineMs);
      const ours = decodeVerifyRequest(codecs.requestSerialize(theirs));
      assert.deepEqual(
        { ...ours, records: Uint8Array.from(ours.records), arena: Uint8Array.from(ours.arena) },
        sent,
      );
      const answer = {
        id,
        verdicts: sent.records,
        results: sent.arena,
        status: random.below(17),
        message: text,
        retryAfterMs: random.u32(),
      };
      const read = codecs.responseDeserialize(encodeVerifyResponse(answer));
      assert.equal(read.retry_after_ms, answer.retryAfterMs);
      const back = decodeVerifyResponse(codecs.responseSerialize(read));
      assert.deepEqual(
        {
          ...back,
          verdicts: Uint8Array.from(back.verdicts),
          results: Uint8Array.from(back.results),
        },
        answer,
      );
    }
  });

  it("passes over fields that it does not know", () => {
    const unknown = Uint8Array.of(
      0x78,
      1,
      0x7a,
      2,
      9,
      9,
      0x79,
      1,
      2,
      3,
      4,
      5,
      6,
      7,
      8,
      0x7d,
      1,
      2,
      3,
      4,
      0x08,
      5,
    );
    assert.equal(decodeVerifyRequest(unknown).id, 5n);
    assert.throws(() => decodeVerifyRequest(Uint8Array.of(0x0b)), /wire type/);
    assert.throws(() => decodeVerifyRequest(new Uint8Array(11).fill(0xff)), /varint/);
  });
});
