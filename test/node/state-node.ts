/** Worker of the RPC state tests: a JSON-RPC node over one state, which lies where it is told to. @module */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { parentPort, workerData } from "node:worker_threads";
import { type BlockHeader, headerHash } from "../../src/chains/ethereum/header.ts";
import { createStateCommitment } from "../../src/state/commitment.ts";
import { accountProofToJson } from "../../src/state/proof.ts";
import { diffOfModel, modelOfJson } from "../state/model.ts";
import { bytesOf, hexOf } from "../state/random.ts";

const { alloc, lie } = workerData as {
  alloc: Parameters<typeof modelOfJson>[0];
  lie: string | undefined;
};
const commitment = createStateCommitment();
const stateRoot = commitment.apply(diffOfModel(modelOfJson(alloc)));
const TARGET = Object.keys(alloc)[0];
const HEIGHT = 300n;

const zero = (size: number) => new Uint8Array(size);
const headers: BlockHeader[] = [];
for (let number = 0n; number <= HEIGHT; number++) {
  headers.push({
    parentHash: number === 0n ? zero(32) : headerHash(headers.at(-1)!),
    ommersHash: zero(32),
    coinbase: zero(20),
    stateRoot,
    transactionsRoot: zero(32),
    receiptsRoot: zero(32),
    logsBloom: zero(256),
    difficulty: 0n,
    number,
    gasLimit: 30_000_000n,
    gasUsed: 0n,
    timestamp: number * 12n,
    extraData: zero(0),
    mixHash: zero(32),
    nonce: zero(8),
    baseFeePerGas: 7n,
  } as BlockHeader);
}

function headerJson(header: BlockHeader): Record<string, unknown> {
  const json: Record<string, unknown> = { hash: hexOf(headerHash(header)) };
  for (const [name, value] of Object.entries(header)) {
    json[name] = typeof value === "bigint" ? `0x${value.toString(16)}` : hexOf(value);
  }
  json.miner = json.coinbase;
  json.sha3Uncles = json.ommersHash;
  return json;
}

// biome-ignore lint/suspicious/noExplicitAny: JSON-RPC parameters
function answer(method: string, [first, second]: any[]): unknown {
  if (method === "eth_getBlockByNumber") {
    const number = first === "latest" ? HEIGHT : BigInt(first);
    if (number > HEIGHT) return null;
    const header = headers[Number(number)];
    return headerJson(lie === "ancestor" && number === 285n ? { ...header, gasUsed: 1n } : header);
  }
  if (method === "eth_getCode") return lie === "code" ? "0x6001" : alloc[first].code;
  if (method !== "eth_getProof") throw new Error(`no method ${method}`);
  if (lie === "error" && first === TARGET) throw new Error("no such thing");
  const asked = lie === "wrong address" && first === TARGET ? Object.keys(alloc)[1] : first;
  const slots = lie === "no slots" ? [] : second;
  const proof = commitment.prove(bytesOf(asked), slots.map(bytesOf));
  const json = accountProofToJson(proof);
  if (first !== TARGET) return json;
  if (lie === "balance") json.balance = "0x1";
  if (lie === "absent") {
    const absent = commitment.prove(zero(20));
    return { ...accountProofToJson(absent), address: first };
  }
  if (lie === "word") (json.storageProof as { value: string }[])[0].value = "0x2";
  return json;
}

const server = createServer((request, response) => {
  let body = "";
  request.on("data", (chunk) => {
    body += chunk;
  });
  request.on("end", () => {
    const { id, method, params } = JSON.parse(body);
    let outcome: object;
    try {
      outcome = { result: answer(method, params) };
    } catch (error) {
      outcome = { error: { code: -32000, message: (error as Error).message } };
    }
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ jsonrpc: "2.0", id, ...outcome }));
  });
});
server.listen(0, "127.0.0.1", () => {
  parentPort?.postMessage(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
