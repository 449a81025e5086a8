/**
 * Records on the wire, as octets: the layouts of `src/algorithms`, back to back, without a byte around them; then the arena that they
 * point into, whose length the header `Lanewise-Arena-Bytes` gives where there is one.
 *
 * @module
 */
import { algorithmById, algorithms } from "../algorithms/index.ts";
import type { Algorithm } from "../core/index.ts";
import type { SidecarLimits } from "./options.ts";
import { badInput, Refusal } from "./refusal.ts";

/** What a request asks to be computed. */
export interface RecordRequest {
  readonly algorithm: Algorithm;
  readonly records: Uint8Array;
  readonly arena: Uint8Array;
}

/** The algorithm of this id among those that a route offers. */
export function algorithmNamed(
  id: string,
  where: string,
  offered: readonly Algorithm[] = algorithms,
): Algorithm {
  const algorithm = algorithmById(id);
  if (algorithm !== undefined && offered.includes(algorithm)) return algorithm;
  const ids = offered.map((row) => row.id).join(", ");
  throw badInput(`${where}: expected one of ${ids}, got ${quoted(id)}`);
}

/** What a client wrote, cut and without control characters, for a message. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 64 ? `${text.slice(0, 61)}…` : text);
}

/**
 * Checks the sizes of a request.
 *
 * @throws Refusal 400 or 413 that names what is wrong.
 */
export function checkRecords(
  { algorithm, records, arena }: RecordRequest,
  limits: Pick<SidecarLimits, "maxRecords">,
): void {
  checkSizes(algorithm, records.length, arena.length, limits);
}

/** The same, where the bytes are not there yet. */
export function checkSizes(
  { id, record, usesArena }: Algorithm,
  recordBytes: number,
  arenaBytes: number,
  { maxRecords }: Pick<SidecarLimits, "maxRecords">,
): void {
  const size = record.byteLength;
  if (!usesArena && arenaBytes > 0) {
    throw badInput(`arena: expected no bytes, since ${id} points to none, got ${arenaBytes}`);
  }
  if (recordBytes === 0)
    throw badInput(`records: expected at least one of ${size} bytes, got none`);
  if (recordBytes % size !== 0) {
    const whole = Math.floor(recordBytes / size);
    throw badInput(
      `records: expected a multiple of ${size} bytes (${id}), got ${recordBytes}: ` +
        `${whole} whole and ${recordBytes % size} bytes from byte ${whole * size} on`,
    );
  }
  checkCount(recordBytes / size, maxRecords);
}

/** @throws Refusal 413. */
export function checkCount(count: number, maxRecords: number): void {
  if (count <= maxRecords) return;
  throw new Refusal(413, "ERR_INPUT", `records: expected at most ${maxRecords}, got ${count}`);
}

/** Splits an octet-stream body into records and arena. */
export function splitBody(
  body: Uint8Array,
  arenaBytes: number,
): { records: Uint8Array; arena: Uint8Array } {
  if (arenaBytes > body.length) {
    throw badInput(
      `Lanewise-Arena-Bytes: expected at most the body's ${body.length} bytes, got ${arenaBytes}`,
    );
  }
  const split = body.length - arenaBytes;
  return { records: body.subarray(0, split), arena: body.subarray(split) };
}
