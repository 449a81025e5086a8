import assert from "node:assert/strict";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, describe, it } from "node:test";
import { createRpcClient } from "../../src/node/rpc-client.ts";
import { readRpc } from "../../src/node/rpc-source.ts";
import { validateSequentially } from "../../src/pipeline/sequential.ts";
import { generateChain } from "../../src/workloads/chain.ts";
import { blockJson } from "../support/block-json.ts";

const servers: Server[] = [];

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const list: Item[] = [];
  for await (const item of items) list.push(item);
  return list;
}

/** Serves on a free loopback port until the tests end. */
async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Answers calls of `eth_blockNumber` and `eth_getBlockByNumber` from a list. */
function serveBlocks(blocks: readonly object[]): Promise<string> {
  return serve(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { id, method, params } = JSON.parse(Buffer.concat(chunks).toString());
    const result =
      method === "eth_blockNumber"
        ? `0x${blocks.length.toString(16)}`
        : (blocks[Number(params[0]) - 1] ?? null);
    response.end(JSON.stringify({ jsonrpc: "2.0", id, result }));
  });
}

describe("JSON-RPC", () => {
  after(() => {
    for (const server of servers) {
      server.closeAllConnections();
      server.close();
    }
  });

  it("pulls a range in order, each block after the one before", async () => {
    const chain = await generateChain({ seed: "rpc", blocks: 6, transactionsPerBlock: 2 });
    const blocks: object[] = [];
    for await (const { block, hash, senders } of chain.blocks()) {
      blocks.push(blockJson(block, hash, senders));
    }
    const url = await serveBlocks(blocks);
    const numbers: bigint[] = [];
    for await (const report of validateSequentially(readRpc(url, { from: 2n }))) {
      assert.deepEqual(report.failures, []);
      numbers.push(report.number ?? -1n);
    }
    assert.deepEqual(numbers, [2n, 3n, 4n, 5n, 6n, 7n]);
    const swapped = await serveBlocks([blocks[0], blocks[2]]);
    const [, second] = await collect(validateSequentially(readRpc(swapped, { from: 1n })));
    assert.equal(second.failures[0].field, "parentHash");
    await assert.rejects(collect(readRpc(url, { from: 7n, to: 9n })), {
      code: "ERR_SOURCE",
      message: /block 8: the node does not have it/,
    });
  });

  it("says which call failed and why", async () => {
    const answers: [string, RequestListener, RegExp][] = [
      ["HTML", (_, response) => response.end("<html>"), /expected JSON/],
      ["a list", (_, response) => response.end("[]"), /expected a result/],
      ["null", (_, response) => response.end("null"), /expected a JSON-RPC object/],
      ["nothing", (_, response) => response.end('{"id":1}'), /expected a result, got none/],
      [
        "an error",
        (_, response) => response.end('{"error":{"code":-32601,"message":"no such method"}}'),
        /error -32601: no such method/,
      ],
      ["status 500", (_, response) => response.writeHead(500).end("{}"), /HTTP status 500/],
      ["too much", (_, response) => response.end("x".repeat(5000)), /at most 4096 bytes/],
      ["silence", () => {}, /no answer within 200 ms/],
      ["a cut line", (_, response) => response.destroy(), /at http/],
    ];
    for (const [name, listener, pattern] of answers) {
      const url = await serve(listener);
      const client = createRpcClient(url, { timeoutMs: 200, maxResponseBytes: 4096 });
      await assert.rejects(
        client.call("eth_blockNumber", []),
        { code: "ERR_SOURCE", message: pattern },
        name,
      );
    }
  });

  it("stops when told", async () => {
    const url = await serve(() => {});
    const abort = new AbortController();
    const call = createRpcClient(url).call("eth_blockNumber", [], abort.signal);
    abort.abort();
    await assert.rejects(call, { code: "ERR_ABORTED" });
  });

  it("refuses what is no URL, and never shows a password", async () => {
    for (const url of ["", "localhost:8545", "file:///etc/passwd"]) {
      assert.throws(() => createRpcClient(url), TypeError);
    }
    let authorization: string | undefined;
    const plain = await serve((request, response) => {
      authorization = request.headers.authorization;
      response.writeHead(401).end();
    });
    const url = plain.replace("http://", "http://user:secret@");
    await assert.rejects(createRpcClient(url).call("eth_chainId", []), (error: Error) => {
      assert.match(error.message, /HTTP status 401/);
      assert.doesNotMatch(error.message, /secret/);
      return true;
    });
    assert.equal(authorization, `Basic ${Buffer.from("user:secret").toString("base64")}`);
  });
});
