/**
 * Strict reading of Ethereum's JSON-RPC values (execution-apis, "base types"): quantities have no leading zeros, data has two
 * digits a byte. Whatever is not so throws `ERR_INPUT` with the JSON path.
 *
 * @module
 */
import { malformed } from "./header.ts";
import { fromHex } from "./hex.ts";

/** A parsed JSON object. */
export type JsonObject = Readonly<Record<string, unknown>>;

const QUANTITY = /^0x(?:0|[1-9a-fA-F][0-9a-fA-F]{0,63})$/;

/** What a value is, for error messages; long text is cut. */
function describe(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  if (typeof value === "object") return "an object";
  const text = typeof value === "string" ? JSON.stringify(value) : String(value);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}

export function asObject(value: unknown, path: string): JsonObject {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as JsonObject;
  }
  throw malformed(path, "an object", describe(value));
}

export function asArray(value: unknown, path: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw malformed(path, "an array", describe(value));
}

/** A quantity of at most 256 bits, or of at most `bits`. */
export function asQuantity(value: unknown, path: string, bits = 256): bigint {
  if (typeof value !== "string" || !QUANTITY.test(value)) {
    throw malformed(path, "a quantity (0x and hex digits, no leading zero)", describe(value));
  }
  const quantity = BigInt(value);
  if (quantity >> BigInt(bits) === 0n) return quantity;
  throw malformed(path, `at most ${bits} bits`, describe(value));
}

/** Bytes; exactly `size` of them where it is given. */
export function asData(value: unknown, path: string, size?: number): Uint8Array {
  const bytes = typeof value === "string" ? fromHex(value) : undefined;
  if (bytes !== undefined && (size === undefined || bytes.length === size)) return bytes;
  const expected = size === undefined ? "data" : `${size} bytes of data`;
  throw malformed(path, `${expected} (0x and an even number of hex digits)`, describe(value));
}

/** Whether a JSON field is there: absent and null mean the same. */
export const isPresent = (value: unknown): boolean => value !== undefined && value !== null;
