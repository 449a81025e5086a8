/**
 * The gRPC door (`proto/lanewise.proto`): one batch a call, or a stream of them both ways.
 *
 * It has a port of its own: `@grpc/grpc-js` speaks HTTP/2 alone and cannot share a socket with HTTP/1.1.
 *
 * @module
 */
import {
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServiceDefinition,
  type sendUnaryData,
} from "@grpc/grpc-js";
import type { Logger } from "pino";
import type { ByteBudget } from "./byte-budget.ts";
import type { Engine } from "./engine.ts";
import type { SidecarMetrics } from "./metrics.ts";
import { MOST_DEADLINE_MS, MOST_SOURCE_LENGTH, type SidecarLimits } from "./options.ts";
import { verdictBytes } from "./outcome.ts";
import {
  decodeVerifyRequest,
  decodeVerifyResponse,
  encodeVerifyRequest,
  encodeVerifyResponse,
  type VerifyRequest,
  type VerifyResponse,
} from "./protobuf.ts";
import { algorithmNamed, checkRecords } from "./records.ts";
import { badInput, GrpcStatus, Refusal, refusalOf } from "./refusal.ts";

/** A request, or why its bytes are none: a message that cannot be read must not end the server's stream without a word. */
type Received = VerifyRequest | Refusal;

/** What the door needs. */
export interface GrpcOptions {
  readonly engine: Engine;
  readonly limits: SidecarLimits;
  readonly budget: ByteBudget;
  readonly metrics: SidecarMetrics;
  readonly logger: Logger;
  retryAfterSeconds(): number;
}

/** Batches that one stream may have in progress. */
const STREAM_IN_FLIGHT = 8;

/** Bytes of a message around its records. */
const MESSAGE_OVERHEAD_BYTES = 4096;

/** Longest wait for a peer that is silent: pings find the dead ones. */
const KEEPALIVE_MS = 30_000;

function received(bytes: Buffer): Received {
  try {
    return decodeVerifyRequest(bytes);
  } catch (error) {
    return badInput((error as Error).message, { cause: error });
  }
}

const codecs = {
  requestSerialize: encodeVerifyRequest,
  requestDeserialize: received,
  responseSerialize: encodeVerifyResponse,
  responseDeserialize: decodeVerifyResponse,
};

/** The service, for servers and clients of `@grpc/grpc-js` that want no loader. */
export const lanewiseService = {
  verify: {
    path: "/lanewise.v1.Lanewise/Verify",
    requestStream: false,
    responseStream: false,
    ...codecs,
  },
  verifyStream: {
    path: "/lanewise.v1.Lanewise/VerifyStream",
    requestStream: true,
    responseStream: true,
    ...codecs,
  },
} satisfies ServiceDefinition;

/** A gRPC server over the engine. */
export class GrpcDoor {
  readonly #options: GrpcOptions;
  readonly #server: Server;
  /** Streams open, each with what ends it. */
  readonly #streams = new Set<() => void>();
  #closing = false;

  constructor(options: GrpcOptions) {
    this.#options = options;
    const { limits } = options;
    this.#server = new Server({
      "grpc.max_receive_message_length": limits.maxBodyBytes + MESSAGE_OVERHEAD_BYTES,
      "grpc.max_concurrent_streams": limits.maxRequests,
      "grpc.keepalive_time_ms": KEEPALIVE_MS,
      "grpc.keepalive_timeout_ms": KEEPALIVE_MS,
    });
    this.#server.addService(lanewiseService, {
      verify: (
        call: ServerUnaryCall<Received, VerifyResponse>,
        done: sendUnaryData<VerifyResponse>,
      ) => void this.#verify(call, done),
      verifyStream: (call: ServerDuplexStream<Received, VerifyResponse>) =>
        void this.#verifyStream(call),
    });
  }

  /**
   * Listens at `host:port` or `unix:path`; returns the port.
   *
   * @throws Error where the address cannot be had.
   */
  listen(address: string): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.bindAsync(address, ServerCredentials.createInsecure(), (error, port) =>
        error ? reject(error) : resolve(port),
      );
    });
  }

  /** Takes nothing more, finishes what is in progress, and after `timeoutMs` ends what is left. */
  async close(timeoutMs: number): Promise<void> {
    this.#closing = true;
    for (const end of this.#streams) end();
    await new Promise<void>((resolve) => {
      const late = setTimeout(() => {
        this.#server.forceShutdown();
        resolve();
      }, timeoutMs);
      this.#server.tryShutdown(() => {
        clearTimeout(late);
        resolve();
      });
    });
  }

  async #verify(
    call: ServerUnaryCall<Received, VerifyResponse>,
    done: sendUnaryData<VerifyResponse>,
  ): Promise<void> {
    const abort = new AbortController();
    call.once("cancelled", () => abort.abort(new Error("the client cancelled")));
    const { metrics } = this.#options;
    try {
      const response = await this.#answer(call.request, call.getPeer(), abort.signal);
      metrics.count(metrics.grpcAnswers, GrpcStatus.Ok);
      done(null, response);
    } catch (error) {
      const refusal = this.#refuse(error);
      const metadata = new Metadata();
      if (refusal.grpcStatus === GrpcStatus.ResourceExhausted) {
        metadata.set("retry-after-ms", String(this.#retryAfterMs()));
      }
      done({ code: refusal.grpcStatus, details: refusal.message, metadata });
    }
  }

  /** Reads a batch when there is room for it, and answers each when it is done. */
  async #verifyStream(call: ServerDuplexStream<Received, VerifyResponse>): Promise<void> {
    const { metrics, limits, logger } = this.#options;
    const abort = new AbortController();
    const gone = (): void => abort.abort(new Error("the client went away"));
    call.once("cancelled", gone);
    call.once("close", gone);
    call.on("error", gone);
    if (this.#closing || this.#streams.size >= limits.maxRequests) {
      const code = this.#closing ? GrpcStatus.Unavailable : GrpcStatus.ResourceExhausted;
      const details = this.#closing ? "sidecar: closing" : "sidecar: too many streams are open";
      metrics.count(metrics.grpcAnswers, code);
      call.emit("error", { code, details });
      return;
    }
    const inFlight = new Set<Promise<void>>();
    let ended = false;
    let endStream = (): void => {};
    const endedEarly = new Promise<undefined>((resolve) => {
      endStream = () => {
        ended = true;
        resolve(undefined);
      };
    });
    abort.signal.addEventListener("abort", endStream, { once: true });
    this.#streams.add(endStream);
    metrics.grpcStreams++;
    try {
      const requests: AsyncIterator<Received> = call.iterator({ destroyOnReturn: false });
      while (!ended) {
        const coming = requests.next();
        coming.catch(() => {}); // nobody may be left to hear of it
        const next = await Promise.race([coming, endedEarly]);
        if (next === undefined || next.done) break;
        const work: Promise<void> = this.#streamOne(call, next.value, abort.signal).finally(() =>
          inFlight.delete(work),
        );
        inFlight.add(work);
        // An answer that the client does not take stays in progress: nothing more is read for it.
        while (inFlight.size >= STREAM_IN_FLIGHT && !ended) {
          await Promise.race([...inFlight, endedEarly]);
        }
      }
      await Promise.all(inFlight);
    } catch (error) {
      logger.debug({ err: error }, "stream failed");
    } finally {
      this.#streams.delete(endStream);
      metrics.grpcStreams--;
    }
    if (abort.signal.aborted) return;
    if (ended) call.emit("error", { code: GrpcStatus.Unavailable, details: "sidecar: closing" });
    else call.end();
  }

  async #streamOne(
    call: ServerDuplexStream<Received, VerifyResponse>,
    request: Received,
    signal: AbortSignal,
  ): Promise<void> {
    const { metrics } = this.#options;
    let response: VerifyResponse;
    try {
      response = await this.#answer(request, call.getPeer(), signal);
      metrics.count(metrics.grpcAnswers, GrpcStatus.Ok);
    } catch (error) {
      const refusal = this.#refuse(error);
      const status = refusal.grpcStatus;
      const id = request instanceof Refusal ? 0n : request.id;
      const retryAfterMs = status === GrpcStatus.ResourceExhausted ? this.#retryAfterMs() : 0;
      response = { id, status, message: refusal.message, retryAfterMs, ...NO_ANSWER };
    }
    await sent(call, response, signal);
  }

  /** @throws Refusal or LanewiseError. */
  async #answer(request: Received, peer: string, signal: AbortSignal): Promise<VerifyResponse> {
    const { engine, limits, budget } = this.#options;
    if (request instanceof Refusal) throw request;
    if (this.#closing) throw new Refusal(503, "ERR_CLOSED", "sidecar: closing");
    const { id, records, arena, deadlineMs, priority } = request;
    const algorithm = algorithmNamed(request.algorithm, "algorithm");
    checkRecords({ algorithm, records, arena }, limits);
    if (priority > 1) throw badInput(`priority: expected GOSSIP or BLOCK, got ${priority}`);
    if (request.source.length > MOST_SOURCE_LENGTH) {
      const got = request.source.length;
      throw badInput(`source: expected at most ${MOST_SOURCE_LENGTH} characters, got ${got}`);
    }
    if (deadlineMs > MOST_DEADLINE_MS) {
      throw badInput(`deadline_ms: expected at most ${MOST_DEADLINE_MS}, got ${deadlineMs}`);
    }
    const account = budget.open();
    try {
      account.take(records.length + arena.length);
      const { verdicts, results } = await engine.verifier.submit(algorithm, records, {
        arena,
        signal,
        priority: priority === 1 ? "block" : "gossip",
        source: request.source || peerHost(peer),
        deadlineMs: deadlineMs || limits.deadlineMs,
      });
      const status = { status: GrpcStatus.Ok, message: "", retryAfterMs: 0 };
      return { id, verdicts: verdictBytes(verdicts), results, ...status };
    } finally {
      account.close();
    }
  }

  #refuse(error: unknown): Refusal {
    const { metrics, logger } = this.#options;
    const refusal = refusalOf(error);
    metrics.count(metrics.grpcAnswers, refusal.grpcStatus);
    const level = refusal.status === 500 || refusal.status === 503 ? "error" : "debug";
    logger[level]({ err: refusal.cause ?? refusal }, "refused");
    return refusal;
  }

  #retryAfterMs(): number {
    return this.#options.retryAfterSeconds() * 1000;
  }
}

const EMPTY = new Uint8Array(0);
const NO_ANSWER = { verdicts: EMPTY, results: EMPTY };

/** The address without its port: a client is the same through all its sockets. */
function peerHost(peer: string): string {
  return peer.replace(/:[0-9]+$/, "") || "unix";
}

/** Resolves when the transport has taken the message, or the client is gone. */
function sent(
  call: ServerDuplexStream<Received, VerifyResponse>,
  response: VerifyResponse,
  signal: AbortSignal,
): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      signal.removeEventListener("abort", done);
      resolve();
    };
    signal.addEventListener("abort", done);
    call.write(response, done);
  });
}
