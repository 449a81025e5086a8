/**
 * Records and verdicts as JSON, for people: fields by the names of the layouts, bytes as 0x-prefixed hex.
 *
 * @module
 */

import { toHex } from "../chains/ethereum/index.ts";
import { asArray, asData, asObject } from "../chains/ethereum/json.ts";
import { type Algorithm, type Field, Verdict, verdictName } from "../core/index.ts";
import type { Outcome } from "../verifier/index.ts";
import { checkCount, quoted, type RecordRequest } from "./records.ts";
import { badInput } from "./refusal.ts";

/** Fields of a request object. */
const REQUEST_FIELDS = new Set(["algorithm", "records"]);

/** Parses a body. @throws Refusal 400 with the parser's reason. */
export function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch (error) {
    throw badInput(`body: expected JSON in UTF-8: ${printableReason(error)}`, { cause: error });
  }
}

/** The parser repeats what it was given: control characters are taken out. */
function printableReason(error: unknown): string {
  const reason = error instanceof Error ? error.message : String(error);
  return JSON.stringify(reason.slice(0, 160)).slice(1, -1);
}

/**
 * Reads `{algorithm?, records: [{field: value}]}`. A record of an algorithm with an arena has `message` in place of `offset` and
 * `length`; `flags` may be left out and is 0 then.
 *
 * @param choose the algorithm of the id given, or of none.
 * @throws Refusal or LanewiseError `ERR_INPUT` with the path of what is wrong.
 */
export function requestFromJson(
  json: unknown,
  choose: (id: string | undefined) => Algorithm,
  maxRecords: number,
): RecordRequest {
  const request = asObject(json, "body");
  for (const name of Object.keys(request)) {
    if (!REQUEST_FIELDS.has(name)) {
      throw badInput(`body: expected algorithm and records, got ${quoted(name)}`);
    }
  }
  const { algorithm: id } = request;
  if (id !== undefined && typeof id !== "string") {
    throw badInput("algorithm: expected a string, got something else");
  }
  const algorithm = choose(id);
  const items = asArray(request.records, "records");
  if (items.length === 0) throw badInput("records: expected at least one, got none");
  checkCount(items.length, maxRecords);
  const size = algorithm.record.byteLength;
  const records = new Uint8Array(items.length * size);
  const messages: Uint8Array[] = [];
  let arenaBytes = 0;
  for (const [index, item] of items.entries()) {
    const view = new DataView(records.buffer, index * size, size);
    const message = writeRecord(algorithm, item, `records[${index}]`, view, arenaBytes);
    messages.push(message);
    arenaBytes += message.length;
  }
  return { algorithm, records, arena: Buffer.concat(messages) };
}

/** Writes the fields into the record; returns the message that it points to, at `offset` of the arena. */
function writeRecord(
  algorithm: Algorithm,
  item: unknown,
  path: string,
  view: DataView,
  offset: number,
): Uint8Array {
  const given = asObject(item, path);
  const { usesArena, record } = algorithm;
  const known = Object.keys(record.fields).filter((name) => !(usesArena && isPointer(name)));
  if (usesArena) known.unshift("message");
  for (const name of Object.keys(given)) {
    if (known.includes(name)) continue;
    throw badInput(`${path}: expected ${known.join(", ")}, got ${quoted(name)}`);
  }
  let message: Uint8Array = new Uint8Array(0);
  if (usesArena) {
    message = asData(given.message, `${path}.message`);
    view.setUint32(record.fields.offset.offset, offset, true);
    view.setUint32(record.fields.length.offset, message.length, true);
  }
  for (const [name, field] of Object.entries(record.fields)) {
    if (usesArena && isPointer(name)) continue;
    const value = name === "flags" ? (given.flags ?? 0) : given[name];
    writeField(value, field, `${path}.${name}`, view);
  }
  return message;
}

const isPointer = (name: string): boolean => name === "offset" || name === "length";

function writeField(value: unknown, field: Field, path: string, view: DataView): void {
  if (field.kind !== "u32") {
    const bytes = asData(value, path, field.size);
    new Uint8Array(view.buffer, view.byteOffset + field.offset, field.size).set(bytes);
    return;
  }
  if (!Number.isInteger(value) || (value as number) < 0 || (value as number) > 0xffff_ffff) {
    const got =
      typeof value === "number" ? String(value) : value === undefined ? "nothing" : typeof value;
    throw badInput(`${path}: expected an integer from 0 to 4294967295, got ${got}`);
  }
  view.setUint32(field.offset, value as number, true);
}

/** An answer as JSON: the verdict's name and code, and the fields of the result where it is valid. */
export function outcomeToJson(algorithm: Algorithm, { verdicts, results }: Outcome): string {
  const size = algorithm.result.byteLength;
  const fields = Object.entries(algorithm.result.fields);
  let valid = 0;
  const records = Array.from(verdicts, (code, index) => {
    const answer: Record<string, string | number> = { verdict: verdictName(code), code };
    if (code !== Verdict.Valid) return answer;
    valid++;
    for (const [name, field] of fields) {
      const at = index * size + field.offset;
      answer[name] = toHex(results.subarray(at, at + field.size));
    }
    return answer;
  });
  return `${JSON.stringify({ algorithm: algorithm.id, count: verdicts.length, valid, records })}\n`;
}
