/**
 * Request bodies: read whole, counted as they arrive, refused at the first byte too many.
 *
 * @module
 */
import type { IncomingMessage } from "node:http";
import type { ByteAccount } from "./byte-budget.ts";
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

/**
 * The whole body.
 *
 * @param mostBytes larger bodies are refused, by their Content-Length before a byte of them is read.
 * @param begin called when the body is wanted.
 * @throws Refusal 413, 429, or 400 where the client went away half way.
 */
export function readBody(
  request: IncomingMessage,
  mostBytes: number,
  account: ByteAccount,
  begin: () => void,
): Promise<Buffer> {
  const announced = Number(request.headers["content-length"] ?? 0);
  if (announced > mostBytes) return Promise.reject(tooLarge(mostBytes, `${announced} bytes`));
  begin();
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const stop = (error: unknown): void => {
      request.off("data", onData);
      chunks.length = 0;
      reject(error);
    };
    const onData = (chunk: Buffer): void => {
      length += chunk.length;
      try {
        if (length > mostBytes) throw tooLarge(mostBytes, "more");
        account.take(chunk.length);
        chunks.push(chunk);
      } catch (error) {
        stop(error);
      }
    };
    request.on("data", onData);
    request.once("end", () => resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)));
    request.once("error", (cause) => {
      const got = `the end of the connection after ${length}`;
      stop(badInput(`body: expected ${announced || "more"} bytes, got ${got}`, { cause }));
    });
  });
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
