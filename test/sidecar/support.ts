/** Sidecars, record sets with the oracle's answers, and raw connections. @module */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { request as httpRequest, type IncomingHttpHeaders, type RequestOptions } from "node:http";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Algorithm, Batch, type Outcome } from "../../src/index.ts";
import { createSidecar, type Sidecar, type SidecarOptions } from "../../src/sidecar/index.ts";
import {
  arenaBytesOf,
  type Case,
  type CaseGenerator,
  fillBatch,
} from "../../src/workloads/cases.ts";
import { createRandom } from "../../src/workloads/random.ts";

/** A sidecar on a free port and a Unix socket, ready. */
export async function startSidecar(
  options: SidecarOptions = {},
): Promise<{ sidecar: Sidecar; port: number; unix: string; stop(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), "lanewise-sidecar-"));
  const unix = join(folder, "http.sock");
  const sidecar = await createSidecar({ backend: "wasm", workers: 1, port: 0, unix, ...options });
  await sidecar.ready();
  return {
    sidecar,
    unix,
    port: Number(new URL(sidecar.addresses.url ?? "http://none:0").port),
    async stop() {
      await sidecar.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Records of one algorithm with what the oracle says. */
export interface RecordSet {
  readonly algorithm: Algorithm;
  readonly records: Uint8Array;
  readonly arena: Uint8Array;
  readonly expected: Outcome;
}

/** The oracle's answers. */
export function oracle(algorithm: Algorithm, records: Uint8Array, arena: Uint8Array): Outcome {
  const size = algorithm.record.byteLength;
  const resultBytes = algorithm.result.byteLength;
  const count = records.length / size;
  const results = new Uint8Array(count * resultBytes);
  const verdicts = Uint32Array.from({ length: count }, (_, i) =>
    algorithm.reference(
      records.subarray(i * size, (i + 1) * size),
      arena,
      results.subarray(i * resultBytes, (i + 1) * resultBytes),
    ),
  );
  return { verdicts, results };
}

const isShort = ({ message }: Case): boolean => (message?.length ?? 0) <= 4096;

/** They take a while to make. */
const craftedCases = new Map<CaseGenerator, readonly Case[]>();

/** `count` cases, crafted ones among them, as records and arena. */
export function recordSet(generator: CaseGenerator, seed: string, count: number): RecordSet {
  const random = createRandom(`${seed} ${generator.algorithm.id}`);
  const crafted = craftedCases.get(generator) ?? generator.crafted().filter(isShort);
  craftedCases.set(generator, crafted);
  const cases = Array.from({ length: count }, () =>
    random.below(2) === 0 ? random.pick(crafted) : generator.random(random),
  );
  const { algorithm } = generator;
  const batch = new Batch(algorithm, count, arenaBytesOf(cases));
  fillBatch(batch, cases);
  const records = Uint8Array.from(batch.records);
  const arena = Uint8Array.from(batch.arena.subarray(0, batch.arenaLength));
  return { algorithm, records, arena, expected: oracle(algorithm, records, arena) };
}

/** An HTTP answer. */
export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** One request over Node's own client. */
export function ask(
  target: number | string,
  options: RequestOptions,
  body: Uint8Array | string = "",
): Promise<Reply> {
  const place =
    typeof target === "number" ? { port: target, host: "127.0.0.1" } : { socketPath: target };
  return new Promise((resolve, reject) => {
    const request = httpRequest({ ...place, ...options }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks),
        }),
      );
    });
    request.on("error", reject);
    request.end(body);
  });
}

/** A POST of octets or JSON. */
export function post(
  target: number | string,
  path: string,
  body: Uint8Array | object | string,
  headers: Record<string, string> = {},
): Promise<Reply> {
  const isOctets = body instanceof Uint8Array;
  const type = isOctets ? "application/octet-stream" : "application/json";
  const text = isOctets || typeof body === "string" ? body : JSON.stringify(body);
  return ask(target, { method: "POST", path, headers: { "Content-Type": type, ...headers } }, text);
}

/** The reason in an error answer. */
export function errorOf(reply: Reply): { code: string; message: string } {
  const { error } = JSON.parse(reply.body.toString());
  assert.equal(typeof error.code, "string");
  assert.equal(typeof error.message, "string");
  return error;
}

/** Writes bytes on a socket and gathers what comes until the other side closes it, or `forMs` have passed. */
export function raw(
  port: number,
  write: (socket: Socket) => void,
  forMs = 10_000,
): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    let text = "";
    const timer = setTimeout(() => socket.destroy(), forMs);
    socket.on("connect", () => write(socket));
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      clearTimeout(timer);
      resolve(text);
    });
  });
}
