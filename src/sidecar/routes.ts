/**
 * The routes: what each path takes, asks of the engine, and answers.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import {
  algorithms,
  ethSender,
  secp256k1Recover,
  secp256k1RecoverHinted,
  secp256k1Verify,
} from "../algorithms/index.ts";
import { toHex } from "../chains/ethereum/index.ts";
import { asObject } from "../chains/ethereum/json.ts";
import type { Algorithm } from "../core/index.ts";
import type { InputContent } from "../pipeline/input.ts";
import type { BlockReport } from "../pipeline/report.ts";
import type { OpenSubmission, Outcome, Priority, SubmitOptions } from "../verifier/index.ts";
import { answerBytes } from "../verifier/lot.ts";
import type { Call } from "./call.ts";
import type { Engine } from "./engine.ts";
import type { Answer, Route } from "./http.ts";
import { MOST_DEADLINE_MS, MOST_SOURCE_LENGTH, type SidecarLimits } from "./options.ts";
import { encodeOutcome } from "./outcome.ts";
import { algorithmNamed, checkRecords, checkSizes, quoted, splitBody } from "./records.ts";
import { outcomeToJson, parseJson, requestFromJson } from "./records-json.ts";
import { badInput } from "./refusal.ts";

/** What the routes stand on. */
export interface RouteOptions {
  readonly engine: Engine;
  readonly limits: SidecarLimits;
  isDraining(): boolean;
  /** The page of metrics. */
  metricsPage(): string;
}

/** The algorithms that give a key, for `/v1/recover`. */
const RECOVERING: readonly Algorithm[] = [secp256k1Recover, secp256k1RecoverHinted, ethSender];

/** The OpenAPI document of these routes, as the package holds it. */
const openapiDocument = new URL("../../../proto/openapi.json", import.meta.url);

/** All routes. */
export function createRoutes(options: RouteOptions): readonly Route[] {
  const { isDraining, metricsPage } = options;
  const openapi = readFileSync(openapiDocument);
  return [
    {
      method: "POST",
      path: "/v1/verify",
      handle: (call) => answerRecords(call, options, algorithms, secp256k1Verify),
    },
    {
      method: "POST",
      path: "/v1/recover",
      handle: (call) => answerRecords(call, options, RECOVERING, secp256k1Recover),
    },
    { method: "POST", path: "/v1/blocks", handle: (call) => answerBlock(call, options) },
    { method: "GET", path: "/healthz", handle: () => json(200, { status: "ok" }) },
    { method: "GET", path: "/readyz", handle: () => readiness(options, isDraining()) },
    {
      method: "GET",
      path: "/metrics",
      handle: () => ({ status: 200, type: "text/plain; version=0.0.4", body: metricsPage() }),
    },
    {
      method: "GET",
      path: "/openapi.json",
      handle: () => ({ status: 200, type: "application/json", body: openapi }),
    },
  ];
}

function json(status: number, value: unknown): Answer {
  return { status, type: "application/json", body: `${JSON.stringify(value)}\n` };
}

/** 200 where some back end takes work, and no drain has begun. */
function readiness({ engine }: RouteOptions, draining: boolean): Answer {
  const backends = engine.verifier.status().map(({ id, state, reason }) => ({ id, state, reason }));
  const ready = !draining && backends.some(({ state }) => state === "ready");
  const status = ready ? "ready" : draining ? "draining" : "starting";
  return json(ready ? 200 : 503, { status, backends });
}

/** `/v1/verify` and `/v1/recover`: records in, verdicts and results out, in the form that came unless JSON is asked for. */
async function answerRecords(
  call: Call,
  options: RouteOptions,
  offered: readonly Algorithm[],
  usual: Algorithm,
): Promise<Answer> {
  const { request, query } = call;
  const { limits } = options;
  const named = algorithmOf(query, offered);
  const how: SubmitOptions = { ...submitOptions(request, limits), signal: call.signal };
  const arenaBytes = integerHeader(request, "lanewise-arena-bytes", 0, limits.maxBodyBytes);
  let algorithm = named ?? usual;
  let outcome: Outcome;
  const isJson = call.form() === "json";
  if (!isJson) {
    outcome = await verifyOctets(call, options, algorithm, arenaBytes ?? 0, how);
  } else if (arenaBytes !== undefined) {
    throw badInput("Lanewise-Arena-Bytes: expected only beside application/octet-stream");
  } else {
    const body = parseJson(await call.body(limits.maxJsonBytes));
    const choose = (id: string | undefined) => chooseAlgorithm(id, named, offered) ?? usual;
    const work = requestFromJson(body, choose, limits.maxRecords);
    checkRecords(work, limits);
    algorithm = work.algorithm;
    const { records, arena } = work;
    outcome = await options.engine.verifier.submit(algorithm, records, {
      ...how,
      arena,
      adopt: true,
    });
  }
  const headers = {
    "Lanewise-Algorithm": algorithm.id,
    "Lanewise-Count": String(outcome.verdicts.length),
  };
  if (isJson || prefersJson(request)) {
    return {
      status: 200,
      type: "application/json",
      body: outcomeToJson(algorithm, outcome),
      headers,
    };
  }
  return { status: 200, type: "application/octet-stream", body: encodeOutcome(outcome), headers };
}

/** Verifies an octet body: where its head says how many records there are and they point to nothing, from its first part on. */
async function verifyOctets(
  call: Call,
  { engine: { verifier }, limits }: RouteOptions,
  algorithm: Algorithm,
  arenaBytes: number,
  how: SubmitOptions,
): Promise<Outcome> {
  const announced = call.announced(limits.maxBodyBytes);
  if (announced === undefined || algorithm.usesArena || arenaBytes > 0) {
    const work = { algorithm, ...splitBody(await call.body(limits.maxBodyBytes), arenaBytes) };
    checkRecords(work, limits);
    const { records, arena } = work;
    const into = call.memory(answerBytes(algorithm, records.length / algorithm.record.byteLength));
    return verifier.submit(algorithm, records, { ...how, arena, into, adopt: true });
  }
  checkSizes(algorithm, announced, arenaBytes, limits);
  const size = algorithm.record.byteLength;
  const count = announced / size;
  const failed = new AbortController();
  let submission: OpenSubmission | undefined;
  try {
    await call.parts(
      limits.maxBodyBytes,
      size * verifier.partItems(algorithm, count),
      (part, release) => {
        if (submission === undefined) {
          const into = call.memory(answerBytes(algorithm, count));
          submission = verifier.open(algorithm, count, { ...how, into });
          submission.outcome.catch((error: unknown) => failed.abort(error));
        }
        submission.add(part, release);
      },
      failed.signal,
    );
  } catch (error) {
    submission?.cancel();
    throw error;
  }
  // Not one byte would have been refused above.
  return submission!.outcome;
}

function prefersJson({ headers }: IncomingMessage): boolean {
  return headers.accept?.trim().toLowerCase() === "application/json";
}

/** `?algorithm=`; no other parameter is known. */
function algorithmOf(query: URLSearchParams, offered: readonly Algorithm[]): Algorithm | undefined {
  for (const name of query.keys()) {
    if (name !== "algorithm") throw badInput(`query: expected algorithm, got ${quoted(name)}`);
  }
  const ids = query.getAll("algorithm");
  if (ids.length > 1) throw badInput(`query algorithm: expected one, got ${ids.length}`);
  return ids.length === 0 ? undefined : algorithmNamed(ids[0], "query algorithm", offered);
}

/** The algorithm that a JSON body names; it must not contradict the query. */
function chooseAlgorithm(
  id: string | undefined,
  named: Algorithm | undefined,
  offered: readonly Algorithm[],
): Algorithm | undefined {
  if (id === undefined) return named;
  const algorithm = algorithmNamed(id, "algorithm", offered);
  if (named === undefined || named === algorithm) return algorithm;
  throw badInput(`algorithm: expected ${named.id}, as the query says, got ${id}`);
}

/** Priority, source and deadline, from the headers `Lanewise-Priority`, `Lanewise-Source` and `Lanewise-Deadline-Ms`. */
function submitOptions(request: IncomingMessage, limits: SidecarLimits): SubmitOptions {
  const deadlineMs = integerHeader(request, "lanewise-deadline-ms", 1, MOST_DEADLINE_MS);
  return {
    priority: priorityOf(header(request, "lanewise-priority")),
    source: sourceOf(header(request, "lanewise-source"), request),
    deadlineMs: deadlineMs ?? limits.deadlineMs,
  };
}

function priorityOf(text: string | undefined): Priority {
  if (text === undefined || text === "gossip" || text === "block") return text ?? "gossip";
  throw badInput(`Lanewise-Priority: expected block or gossip, got ${quoted(text)}`);
}

/** Who asks, for fair shares: what the client says, else its address. */
function sourceOf(text: string | undefined, { socket }: IncomingMessage): string {
  if (text === undefined) return socket.remoteAddress ?? "unix";
  if (text.length > 0 && text.length <= MOST_SOURCE_LENGTH) return text;
  throw badInput(
    `Lanewise-Source: expected 1 to ${MOST_SOURCE_LENGTH} characters, got ${text.length}`,
  );
}

function header({ headers }: IncomingMessage, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(", ") : value;
}

function integerHeader(
  request: IncomingMessage,
  name: string,
  least: number,
  most: number,
): number | undefined {
  const text = header(request, name);
  if (text === undefined) return undefined;
  const value = /^[0-9]{1,15}$/.test(text) ? Number(text) : -1;
  if (value >= least && value <= most) return value;
  const shown = name.replace(/(^|-)[a-z]/g, (letters) => letters.toUpperCase());
  throw badInput(`${shown}: expected an integer from ${least} to ${most}, got ${quoted(text)}`);
}

/** `/v1/blocks`: one block as RLP, or as JSON in the form of `eth_getBlockByNumber`, bare or as the RPC answer around it. */
async function answerBlock(call: Call, { engine, limits }: RouteOptions): Promise<Answer> {
  for (const name of call.query.keys()) throw badInput(`query: expected none, got ${quoted(name)}`);
  const isJson = call.form() === "json";
  const body = await call.body(limits.maxBodyBytes);
  const content: InputContent = isJson
    ? { kind: "block-json", json: blockOf(parseJson(body)) }
    : { kind: "block-rlp", bytes: body };
  const report = await engine.blocks.validate(content, call.signal);
  // A block has a hash as soon as it can be decoded; what cannot is the request's fault.
  if (report.hash === undefined) {
    const [{ field = "block", expected, got }] = report.failures;
    throw badInput(`${field}: expected ${expected}, got ${got}`);
  }
  return json(200, reportJson(report));
}

function blockOf(value: unknown): unknown {
  const object = asObject(value, "body");
  return "transactions" in object || !("result" in object) ? object : object.result;
}

/** What is said about a block. */
function reportJson({
  number,
  hash,
  transactions,
  ok,
  depth,
  note,
  failures,
}: BlockReport): unknown {
  return {
    ok,
    number: number?.toString(),
    hash: hash && toHex(hash),
    transactions,
    depth,
    note,
    failures: failures.map(({ block: _, ...failure }) => failure),
  };
}
