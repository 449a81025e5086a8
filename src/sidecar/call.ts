/**
 * One request on its way through a route: its head and body, and the memory that it holds until it is over.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { announcedBytes, type BodyForm, formOf, type OnPart, readParts } from "./body.ts";
import type { ByteAccount } from "./byte-budget.ts";
import type { MemoryShelf } from "./memory-shelf.ts";
import type { SidecarMetrics } from "./metrics.ts";
import { Refusal } from "./refusal.ts";

const NO_BYTES = Buffer.alloc(0);

/** What the door gives each call. */
export interface CallOptions {
  readonly account: ByteAccount;
  readonly shelf: MemoryShelf;
  readonly metrics: SidecarMetrics;
}

/** See the module's description. */
export class Call {
  readonly request: IncomingMessage;
  readonly query: URLSearchParams;
  readonly #response: ServerResponse;
  readonly #options: CallOptions;
  readonly #gone = new AbortController();
  readonly #lent: ArrayBuffer[] = [];

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    query: string,
    options: CallOptions,
  ) {
    this.request = request;
    this.query = new URLSearchParams(query);
    this.#response = response;
    this.#options = options;
  }

  /** Fires when the client goes away. */
  get signal(): AbortSignal {
    return this.#gone.signal;
  }

  /** @throws Refusal 415. */
  form(): BodyForm {
    return formOf(this.request);
  }

  /** Bytes that the body will have, where its head says so. @throws Refusal 413. */
  announced(mostBytes: number): number | undefined {
    return announcedBytes(this.request, mostBytes);
  }

  /** The whole body. @throws Refusal 400, 413 or 429. */
  async body(mostBytes: number): Promise<Buffer> {
    let body: Buffer = NO_BYTES;
    await this.parts(mostBytes, Number.POSITIVE_INFINITY, (whole) => {
      body = whole;
    });
    return body;
  }

  /**
   * The body in parts, as they come.
   *
   * @param onPart takes each; what it throws ends the reading.
   * @param failed ends it too, with its reason.
   * @throws Refusal as `body`.
   */
  parts(mostBytes: number, partBytes: number, onPart: OnPart, failed?: AbortSignal): Promise<void> {
    const { account, shelf, metrics } = this.#options;
    const isAwaited = this.request.headers.expect !== undefined;
    const begin = (): void => {
      if (isAwaited) this.#response.writeContinue();
    };
    const signals = failed === undefined ? [this.signal] : [this.signal, failed];
    const bounds = { mostBytes, partBytes, account, shelf, begin, signals };
    return readParts(this.request, bounds, (part, release) => {
      metrics.bytesReceived += part.length;
      onPart(part, release);
    });
  }

  /** At least so many bytes for the answer, with whatever lies in them, until the call is over. @throws Refusal 429. */
  memory(bytes: number): ArrayBuffer {
    this.#options.account.take(bytes);
    const memory = this.#options.shelf.take(bytes);
    this.#lent.push(memory);
    return memory;
  }

  /** Counts the bytes of an answer until the call is over, but for memory that it was lent. */
  countAnswer({ buffer, length }: Uint8Array): void {
    if (!this.#lent.some((memory) => memory === buffer)) this.#options.account.add(length);
  }

  /** The answer is taken, or the client has gone: ends what is still done for it, and gives back what it held. */
  close(): void {
    // First: nobody writes to lent memory after this.
    this.#gone.abort(new Refusal(499, "ERR_ABORTED", "request: the client went away"));
    this.#options.account.close();
    for (const memory of this.#lent.splice(0)) this.#options.shelf.give(memory);
  }
}
