/**
 * The verifier as a `node:stream`: records in, answers out, in order, with back-pressure both ways.
 *
 * @module
 */
import { setMaxListeners } from "node:events";
import { Duplex } from "node:stream";
import type { Algorithm } from "../core/index.ts";
import type { Outcome, StreamOptions, SubmitOptions, Verifier } from "../verifier/index.ts";

/** How a stream is verified. */
export interface VerifyStreamOptions extends Omit<StreamOptions, "arena"> {
  /**
   * False (default): bytes in, records cut anywhere; bytes out, for each record its verdict (u32, little endian) and its result. True:
   * each chunk in is a {@link VerifyRequest} or whole records, each chunk out its {@link Outcome}. Only objects carry messages.
   */
  readonly objectMode?: boolean;
}

/** A chunk in object mode. */
export interface VerifyRequest {
  readonly records: Uint8Array;
  /** Bytes that the records point into. */
  readonly arena?: Uint8Array;
}

/** Records submitted together in byte mode: enough for all lanes, few enough to be answered soon. */
const MOST_RECORDS = 1024;

/**
 * Creates a stream that verifies what is written to it. An answer can be read as soon as it and those before it are there. At most
 * `inFlight` submissions are under way; then, or where nobody reads, writes wait. Destroying the stream gives up what is under way.
 *
 * The stream fails with what `Verifier.submit` throws, and in byte mode with a RangeError where the input ends inside a record.
 *
 * @throws TypeError in byte mode for an algorithm whose records point to messages.
 *
 * @example
 * await pipeline(createReadStream("records.bin"), createVerifyStream(verifier, secp256k1Recover), createWriteStream("answers.bin"));
 */
export function createVerifyStream(
  verifier: Verifier,
  algorithm: Algorithm,
  options: VerifyStreamOptions = {},
): Duplex {
  if (algorithm.usesArena && !options.objectMode) {
    throw new TypeError(
      `createVerifyStream objectMode: expected true for ${algorithm.id}, whose records need messages`,
    );
  }
  return new VerifyStream(verifier, algorithm, options);
}

class VerifyStream extends Duplex {
  readonly #verifier: Verifier;
  readonly #algorithm: Algorithm;
  readonly #options: SubmitOptions & { readonly signal: AbortSignal };
  readonly #inFlight: number;
  readonly #objectMode: boolean;
  readonly #giveUp = new AbortController();
  readonly #pending: Promise<Outcome>[] = [];
  /** Bytes of a record that is not complete yet. */
  #rest: Uint8Array = new Uint8Array(0);
  /** Goes on with writing, once there is room. */
  #continue: (() => void) | undefined;
  #isEmitting = false;
  #isWanted = false;
  #isEnded = false;

  constructor(verifier: Verifier, algorithm: Algorithm, options: VerifyStreamOptions) {
    const { inFlight = 16, objectMode = false, signal, ...rest } = options;
    super({ objectMode });
    this.#verifier = verifier;
    this.#algorithm = algorithm;
    this.#inFlight = inFlight;
    this.#objectMode = objectMode;
    const signals = signal === undefined ? [] : [signal];
    this.#options = { ...rest, signal: AbortSignal.any([this.#giveUp.signal, ...signals]) };
    setMaxListeners(0, this.#options.signal); // every submission in flight listens
  }

  override _write(
    chunk: Uint8Array | VerifyRequest,
    _encoding: BufferEncoding,
    callback: (error?: Error | null) => void,
  ): void {
    try {
      if (!this.#objectMode) this.#submitBytes(chunk as Uint8Array);
      else if (chunk instanceof Uint8Array) this.#submit({ records: chunk });
      else this.#submit(chunk as VerifyRequest);
    } catch (error) {
      callback(error as Error);
      return;
    }
    if (this.#pending.length < this.#inFlight) callback();
    else this.#continue = callback;
  }

  #submitBytes(chunk: Uint8Array): void {
    const size = this.#algorithm.record.byteLength;
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const whole = bytes.length - (bytes.length % size);
    this.#rest = bytes.subarray(whole);
    for (let from = 0; from < whole; from += MOST_RECORDS * size) {
      this.#submit({ records: bytes.subarray(from, Math.min(from + MOST_RECORDS * size, whole)) });
    }
  }

  #submit({ records, arena }: VerifyRequest): void {
    const settings = arena === undefined ? this.#options : { ...this.#options, arena };
    const outcome = this.#verifier.submit(this.#algorithm, records, settings);
    outcome.catch(() => {}); // awaited in its turn
    this.#pending.push(outcome);
    void this.#emit();
  }

  override _read(): void {
    this.#isWanted = true;
    void this.#emit();
  }

  override _final(callback: (error?: Error | null) => void): void {
    if (this.#rest.length > 0) {
      const size = this.#algorithm.record.byteLength;
      const got = `${this.#rest.length} bytes of another`;
      callback(new RangeError(`records: expected whole ones of ${size} bytes, got ${got}`));
      return;
    }
    this.#isEnded = true;
    callback();
    void this.#emit();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#giveUp.abort(error ?? new Error("the stream was destroyed"));
    callback(error);
  }

  /** Hands out answers in order, while they are wanted. */
  async #emit(): Promise<void> {
    if (this.#isEmitting) return;
    this.#isEmitting = true;
    try {
      while (this.#isWanted && this.#pending.length > 0) {
        const outcome = await this.#pending[0];
        this.#pending.shift();
        if (this.destroyed) return;
        this.#isWanted = this.push(this.#objectMode ? outcome : this.#encode(outcome));
        const goOn = this.#continue;
        if (this.#pending.length >= this.#inFlight) continue;
        this.#continue = undefined;
        goOn?.();
      }
      if (this.#isEnded && this.#pending.length === 0) this.push(null);
    } catch (error) {
      this.destroy(error as Error);
    } finally {
      this.#isEmitting = false;
    }
  }

  #encode({ verdicts, results }: Outcome): Uint8Array {
    const size = this.#algorithm.result.byteLength;
    const bytes = Buffer.alloc(verdicts.length * (4 + size));
    for (let i = 0; i < verdicts.length; i++) {
      const at = bytes.writeUInt32LE(verdicts[i], i * (4 + size));
      bytes.set(results.subarray(i * size, (i + 1) * size), at);
    }
    return bytes;
  }
}
