/**
 * Request bodies: read whole or in parts, counted as they arrive, refused at the first byte too many.
 *
 * @module
 */
import type { IncomingMessage } from "node:http";
import type { ByteAccount } from "./byte-budget.ts";
import type { MemoryShelf } from "./memory-shelf.ts";
import { badInput, Refusal } from "./refusal.ts";

/** The two forms of a body. */
export type BodyForm = "octets" | "json";

const FORMS: Readonly<Record<string, BodyForm>> = {
  "application/octet-stream": "octets",
  "application/json": "json",
};

/**
 * What form the request's headers say the body has.
 *
 * @throws Refusal 415 for another type, or for a compressed body.
 */
export function formOf({ headers }: IncomingMessage): BodyForm {
  const encoding = headers["content-encoding"] ?? "identity";
  if (encoding !== "identity") {
    throw unsupported(`Content-Encoding: expected none, got ${JSON.stringify(encoding)}`);
  }
  const [type] = (headers["content-type"] ?? "").split(";");
  const form = Object.hasOwn(FORMS, type.trim().toLowerCase())
    ? FORMS[type.trim().toLowerCase()]
    : undefined;
  if (form !== undefined) return form;
  const got = type === "" ? "none" : JSON.stringify(type);
  throw unsupported(`Content-Type: expected ${Object.keys(FORMS).join(" or ")}, got ${got}`);
}

function unsupported(message: string): Refusal {
  return new Refusal(415, "ERR_INPUT", message);
}

/** How a body is read. */
export interface BodyOptions {
  /** Larger bodies are refused, by their Content-Length before a byte of them is read. */
  readonly mostBytes: number;
  /** Bytes of a part; the last may have fewer. */
  readonly partBytes: number;
  readonly account: ByteAccount;
  readonly shelf: MemoryShelf;
  /** Called when the body is wanted. */
  readonly begin: () => void;
  /** Any of them ends the reading, which rejects with its reason. */
  readonly signals: readonly AbortSignal[];
}

/**
 * Bytes that the head says the body will have; `undefined` where it does not say.
 *
 * @throws Refusal 413.
 */
export function announcedBytes(
  { headers }: IncomingMessage,
  mostBytes: number,
): number | undefined {
  const text = headers["content-length"];
  if (text === undefined) return undefined;
  const bytes = Number(text);
  if (bytes > mostBytes) throw tooLarge(mostBytes, `${bytes} bytes`);
  return bytes;
}

/** Takes a part, and calls `release` when its memory may be used again, or never. */
export type OnPart = (part: Buffer, release: () => void) => void;

/**
 * Reads a body in parts, each handed over as soon as it is whole. Until then its bytes lie as they came: a client that announces much and
 * sends little holds little.
 *
 * @param onPart what it throws ends the reading.
 * @throws Refusal 413, 429, or 400 where the client went away half way.
 */
export async function readParts(
  request: IncomingMessage,
  options: BodyOptions,
  onPart: OnPart,
): Promise<void> {
  const { mostBytes, partBytes, account, shelf, begin, signals } = options;
  const announced = announcedBytes(request, mostBytes);
  for (const signal of signals) signal.throwIfAborted();
  begin();
  /** What came and is not handed over. */
  let chunks: Buffer[] = [];
  let held = 0;
  let length = 0;
  const handOver = (bytes: number): void => {
    held -= bytes;
    const [first] = chunks;
    if (first.length === bytes) {
      chunks.shift();
      onPart(first, () => {});
      return;
    }
    const memory = shelf.take(bytes);
    const part = Buffer.from(memory, 0, bytes);
    chunks = gather(chunks, part);
    onPart(part, () => shelf.give(memory));
  };
  await new Promise<void>((resolve, reject) => {
    const stop = (error: unknown): void => {
      request.off("data", onData);
      chunks = [];
      held = 0;
      reject(error);
    };
    const onData = (chunk: Buffer): void => {
      length += chunk.length;
      try {
        if (length > mostBytes) throw tooLarge(mostBytes, "more");
        account.take(chunk.length);
        chunks.push(chunk);
        held += chunk.length;
        while (held >= partBytes) handOver(partBytes);
      } catch (error) {
        stop(error);
      }
    };
    const onEnd = (): void => {
      try {
        if (held > 0) handOver(held);
        resolve();
      } catch (error) {
        stop(error);
      }
    };
    request.on("data", onData);
    request.once("end", onEnd);
    request.once("error", (cause) => {
      const got = `the end of the connection after ${length}`;
      stop(badInput(`body: expected ${announced ?? "more"} bytes, got ${got}`, { cause }));
    });
    for (const signal of signals) {
      signal.addEventListener("abort", () => stop(signal.reason), { once: true });
    }
  });
}

/** Fills a part from the first chunks; what is left of them. */
function gather(chunks: readonly Buffer[], part: Buffer): Buffer[] {
  let filled = 0;
  let next = 0;
  for (; filled < part.length; next++) filled += chunks[next].copy(part, filled);
  // The last chunk may have more than fitted.
  const all = chunks.slice(0, next).reduce((sum, chunk) => sum + chunk.length, 0);
  const rest = chunks.slice(next);
  return all === filled ? rest : [chunks[next - 1].subarray(filled - all), ...rest];
}

function tooLarge(mostBytes: number, got: string): Refusal {
  return new Refusal(413, "ERR_INPUT", `body: expected at most ${mostBytes} bytes, got ${got}`);
}

/** Reads on and throws away, so that the client sees the answer; ends the connection after `mostBytes`. */
export function discardBody(request: IncomingMessage, mostBytes: number): void {
  if (request.readableEnded || request.destroyed) return;
  let length = 0;
  request.on("data", (chunk: Buffer) => {
    length += chunk.length;
    if (length > mostBytes) request.socket.destroy();
  });
  request.on("error", () => {}); // the client went away: nothing is left to tell it
}
