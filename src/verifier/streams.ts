/**
 * The verifier as an async iterator and as a Web Stream: outcomes in the order of the submissions, a bounded number in flight.
 *
 * @module
 */
import type { Algorithm } from "../core/index.ts";
import type { Outcome, SubmitOptions, Verifier } from "./verifier.ts";

/** How a stream is verified. */
export interface StreamOptions extends SubmitOptions {
  /** Submissions in flight at a time; the source is not read ahead of that. Default 16. */
  readonly inFlight?: number;
}

/**
 * Verifies chunks of records one after another.
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
  try {
    for await (const records of source) {
      pending.push(verifier.submit(algorithm, records, options));
      if (pending.length >= inFlight) yield await pending.shift()!;
    }
    while (pending.length > 0) yield await pending.shift()!;
  } finally {
    // Nobody will await these: a rejection must not count as unhandled.
    for (const rest of pending) rest.catch(() => {});
  }
}

/** The same as a transform: chunks of records in, outcomes out, back-pressure both ways. */
export function verifierTransform(
  verifier: Verifier,
  algorithm: Algorithm,
  { inFlight = 16, ...options }: StreamOptions = {},
): TransformStream<Uint8Array, Outcome> {
  const pending: Promise<Outcome>[] = [];
  return new TransformStream({
    async transform(records, controller) {
      const outcome = verifier.submit(algorithm, records, options);
      outcome.catch(() => {}); // awaited in its turn below
      pending.push(outcome);
      if (pending.length >= inFlight) controller.enqueue(await pending.shift()!);
    },
    async flush(controller) {
      for (const outcome of pending.splice(0)) controller.enqueue(await outcome);
    },
  });
}
