/** Every route with good input, and answers compared with the oracle's. @module */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { encodeBlock, toHex } from "../../src/chains/ethereum/index.ts";
import { secp256k1Recover, Verdict } from "../../src/index.ts";
import { createClient, type SidecarClient, SidecarError } from "../../src/sidecar/client.ts";
import { caseGenerators } from "../../src/workloads/cases.ts";
import { generateChain } from "../../src/workloads/chain.ts";
import { blockJson } from "../support/block-json.ts";
import { flipHex } from "../support/flip.ts";
import { ask, errorOf, post, recordSet, startSidecar } from "./support.ts";

describe("sidecar routes", () => {
  let started: Awaited<ReturnType<typeof startSidecar>>;
  let client: SidecarClient;
  before(async () => {
    started = await startSidecar();
    client = createClient({ unix: started.unix });
  });
  after(async () => {
    client.close();
    await started.stop();
  });

  for (const generator of caseGenerators) {
    const { id } = generator.algorithm;
    it(`/v1/verify gives the oracle's answers: ${id}, octets over both sockets`, async () => {
      const { algorithm, records, arena, expected } = recordSet(generator, "octets", 120);
      const options = algorithm.usesArena ? { arena } : {};
      assert.deepEqual(await client.submit(algorithm, records, options), expected);
      const overTcp = createClient({ url: `http://127.0.0.1:${started.port}` });
      const hurried = {
        ...options,
        priority: "block",
        source: "test",
        deadlineMs: 30_000,
      } as const;
      assert.deepEqual(await overTcp.submit(id, records, hurried), expected);
      overTcp.close();
    });

    it(`/v1/verify takes and gives JSON: ${id}`, async () => {
      const { algorithm, records, arena, expected } = recordSet(generator, "json", 24);
      const size = algorithm.record.byteLength;
      // A record that points outside the arena cannot be said in JSON, where it brings its message.
      const chosen = Array.from(expected.verdicts.keys()).filter(
        (i) => expected.verdicts[i] !== Verdict.MessageOutOfBounds,
      );
      const asked = chosen.map((i) => {
        const view = new DataView(records.buffer, records.byteOffset + i * size, size);
        const fields: Record<string, string | number> = {};
        for (const [name, { offset, size: bytes, kind }] of Object.entries(
          algorithm.record.fields,
        )) {
          fields[name] =
            kind === "u32"
              ? view.getUint32(offset, true)
              : toHex(records.subarray(i * size + offset, i * size + offset + bytes));
        }
        if (!algorithm.usesArena) return fields;
        const { offset, length, ...rest } = fields as { offset: number; length: number };
        return { ...rest, message: toHex(arena.subarray(offset, offset + length)) };
      });
      const reply = await post(started.port, "/v1/verify", { algorithm: id, records: asked });
      assert.equal(reply.status, 200, reply.body.toString());
      const answer = JSON.parse(reply.body.toString());
      assert.equal(answer.algorithm, id);
      assert.equal(answer.count, chosen.length);
      for (const [at, i] of chosen.entries()) {
        assert.equal(answer.records[at].code, expected.verdicts[i]);
        const bytes = Object.keys(algorithm.result.fields).map((name) =>
          (answer.records[at][name] ?? "").slice(2),
        );
        const resultBytes = algorithm.result.byteLength;
        const result = expected.results.subarray(i * resultBytes, (i + 1) * resultBytes);
        const wanted = expected.verdicts[i] === 0 ? toHex(result).slice(2) : "";
        assert.equal(bytes.join(""), wanted);
      }
    });
  }

  it("/v1/recover returns keys and addresses, by octets, JSON and Accept", async () => {
    const { record } = secp256k1Recover.examples[0];
    const { verdicts, results } = await client.recover(record);
    assert.deepEqual([...verdicts], [0]);
    const address = toHex(results.subarray(64, 84));
    const reply = await post(started.port, "/v1/recover", record, { Accept: "application/json" });
    const [answer] = JSON.parse(reply.body.toString()).records;
    assert.equal(answer.verdict, "Valid");
    assert.equal(answer.address, address);
    assert.equal(answer.publicKey, toHex(results.subarray(0, 64)));
    assert.equal(reply.headers["lanewise-count"], "1");
    assert.equal(reply.headers["access-control-allow-origin"], undefined);
    const sender = recordSet(
      caseGenerators.find(({ algorithm }) => algorithm.id === "eth-sender")!,
      "r",
      9,
    );
    const octets = Buffer.concat([sender.records, sender.arena]);
    const raw = await post(started.port, "/v1/recover?algorithm=eth-sender", octets, {
      "Lanewise-Arena-Bytes": String(sender.arena.length),
    });
    assert.equal(raw.status, 200, raw.body.toString());
    assert.deepEqual(new Uint8Array(raw.body.subarray(4 * 9)), sender.expected.results);
  });

  it("/v1/blocks validates RLP and JSON, and says what is wrong with a tampered one", async () => {
    const chain = await generateChain({ seed: "sidecar", blocks: 1, transactionsPerBlock: 6 });
    for await (const { block, hash, senders } of chain.blocks()) {
      if (block.transactions.length === 0) continue;
      const answer = await client.validateBlock(encodeBlock(block));
      assert.deepEqual(answer.failures, []);
      assert.equal(answer.ok, true);
      assert.equal(answer.hash, toHex(hash));
      assert.equal(answer.number, block.header.number.toString());
      assert.equal(answer.transactions, block.transactions.length);
      assert.equal(answer.depth, "signatures only");
      const json = blockJson(block, hash, senders);
      assert.equal((await client.validateBlock({ jsonrpc: "2.0", id: 1, result: json })).ok, true);
      const tampered = flipHex(json, ["transactions", 1, "value"], 0, 1);
      const refused = await client.validateBlock(tampered as object);
      assert.equal(refused.ok, false);
      assert.equal(refused.failures[0].transaction, 1);
      // Several at a time take turns.
      const raws = Array.from({ length: 6 }, () => client.validateBlock(encodeBlock(block)));
      for (const { ok } of await Promise.all(raws)) assert.equal(ok, true);
    }
  });

  it("/healthz, /readyz and /metrics tell the state", async () => {
    const get = (path: string, method = "GET") => ask(started.unix, { path, method });
    assert.deepEqual(JSON.parse((await get("/healthz")).body.toString()), { status: "ok" });
    const ready = await get("/readyz");
    assert.equal(ready.status, 200);
    const { status, backends } = JSON.parse(ready.body.toString());
    assert.equal(status, "ready");
    assert.deepEqual(
      backends.map(({ id }: { id: string }) => id),
      ["wasm"],
    );
    assert.equal(await client.isReady(), true);
    const head = await get("/metrics", "HEAD");
    assert.equal(head.body.length, 0);
    const page = await client.metrics();
    const value = (line: string) =>
      Number(
        page
          .split("\n")
          .find((l) => l.startsWith(`${line} `))
          ?.split(" ")
          .at(-1),
      );
    assert.ok(value("lanewise_verifier_answered_total") > 0);
    assert.equal(
      value("lanewise_verifier_submitted_total"),
      started.sidecar.engine.verifier.metrics.submitted,
    );
    assert.ok(value('lanewise_http_requests_total{route="/v1/verify",status="200"}') > 0);
    assert.equal(value('lanewise_backend_state{backend="wasm",state="ready"}'), 1);
    assert.equal(value("lanewise_http_requests_in_flight"), 1);
    assert.ok(value('lanewise_verifier_wait_milliseconds_bucket{le="+Inf"}') > 0);
    for (const line of page.trimEnd().split("\n")) {
      assert.match(
        line,
        /^(# (HELP|TYPE) lanewise_\w+ .+|lanewise_\w+(\{\w+="[^"]*"(,\w+="[^"]*")*\})? -?[0-9.e+-]+)$/,
      );
    }
  });

  it("the client's errors carry the sidecar's code", async () => {
    const code = (wanted: string, status: number) => (error: unknown) =>
      error instanceof SidecarError && error.code === wanted && error.status === status;
    await assert.rejects(client.recover(new Uint8Array(105)), code("ERR_INPUT", 400));
    await assert.rejects(client.submit("no-such", new Uint8Array(8)), code("ERR_INPUT", 400));
    await assert.rejects(client.validateBlock(Uint8Array.of(0x80)), code("ERR_INPUT", 400));
    const { record } = secp256k1Recover.examples[0];
    await assert.rejects(
      client.recover(record, { signal: AbortSignal.abort() }),
      code("ERR_ABORTED", 0),
    );
    const nobody = createClient({ unix: "/nonexistent/lanewise.sock" });
    await assert.rejects(nobody.recover(record), code("ERR_BACKEND_FAILED", 0));
    assert.equal(await nobody.isReady(), false);
    assert.throws(() => createClient({ url: "ftp://x" }), TypeError);
    assert.throws(() => createClient({ url: "http://x", unix: "y" }), TypeError);
  });

  it("web pages are refused", async () => {
    const reply = await ask(started.port, { path: "/metrics", headers: { Origin: "http://evil" } });
    assert.equal(reply.status, 403);
    assert.match(errorOf(reply).message, /Origin/);
  });
});
