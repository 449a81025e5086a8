/**
 * The verifier as an async iterator and as a Web Stream: outcomes in the order of the submissions, a bounded number in flight.
 *
 * @module
 */
import type { Algorithm } from "../core/index.ts";
import type { Outcome, SubmitOptions, Verifier } from "./contract.ts";

/** How a stream is verified. */
export interface StreamOptions extends SubmitOptions {
  /** Submissions in flight at a time; the source is not read ahead of that. Default 16. */
  readonly inFlight?: number;
}

/**
 * Verifies chunks of records. An outcome comes as soon as it and those before it are there, whether or not the source has more.
 *
 * @param source chunks, each a whole number of records.
 * @throws LanewiseError as `Verifier.submit`, at the chunk concerned; what is in flight behind it is left to finish unheard.
 *
 * @example
 * for await (const { verdicts } of verifyStream(verifier, secp256k1Recover, chunks)) count(verdicts);
 */
export async function* verifyStream(
  verifier: Verifier,
  algorithm: Algorithm,
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  { inFlight = 16, ...options }: StreamOptions = {},
): AsyncGenerator<Outcome, void, undefined> {
  const pending: Promise<Outcome>[] = [];
  const iterator =
    Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  let reading: Promise<IteratorResult<Uint8Array>> | undefined;
  let ended = false;
  try {
    while (true) {
      if (!ended && pending.length < inFlight) reading ??= Promise.resolve(iterator.next());
      if (pending.length === 0 && reading === undefined) return;
      const events: Promise<{ outcome: Outcome } | { next: IteratorResult<Uint8Array> }>[] = [];
      if (pending.length > 0) events.push(pending[0].then((outcome) => ({ outcome })));
      if (reading !== undefined) events.push(reading.then((next) => ({ next })));
      const event = await Promise.race(events);
      if ("outcome" in event) {
        pending.shift();
        yield event.outcome;
        continue;
      }
      reading = undefined;
      if (event.next.done) ended = true;
      else pending.push(verifier.submit(algorithm, event.next.value, options));
    }
  } finally {
    // Nobody will await these: a rejection must not count as unhandled.
    for (const rest of pending) rest.catch(() => {});
    reading?.catch(() => {});
    if (!ended) Promise.resolve(iterator.return?.()).catch(() => {});
  }
}

/** The same as a transform: chunks of records in, outcomes out, back-pressure both ways. */
export function verifierTransform(
  verifier: Verifier,
  algorithm: Algorithm,
  options: StreamOptions = {},
): TransformStream<Uint8Array, Outcome> {
  const { readable: chunks, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const outcomes = verifyStream(verifier, algorithm, readAll(chunks), options);
  const readable = new ReadableStream<Outcome>({
    async pull(controller) {
      const { done, value } = await outcomes.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await outcomes.return();
    },
  });
  return { readable, writable };
}

/** A stream's chunks; what is not read is cancelled. */
async function* readAll<Chunk>(stream: ReadableStream<Chunk>): AsyncGenerator<Chunk> {
  const reader = stream.getReader();
  try {
    while (true) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel();
  }
}
