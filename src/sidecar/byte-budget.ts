/**
 * Bytes that clients make the sidecar hold: request bodies as they arrive, and answers until they are read.
 *
 * @module
 */
import { overloaded } from "./refusal.ts";

/** A bound shared by all clients. What is counted is what has arrived, never what a client says will. */
export class ByteBudget {
  readonly capacity: number;
  #used = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  get used(): number {
    return this.#used;
  }

  /** Opens an account, to be closed when its bytes are free. */
  open(): ByteAccount {
    return new ByteAccount((change) => {
      this.#used += change;
      return this.#used <= this.capacity;
    });
  }
}

/** The bytes of one request. */
export class ByteAccount {
  readonly #change: (bytes: number) => boolean;
  #bytes = 0;
  #isClosed = false;

  constructor(change: (bytes: number) => boolean) {
    this.#change = change;
  }

  /**
   * Adds bytes of a request.
   *
   * @throws Refusal 429 where the sidecar holds too many.
   */
  take(bytes: number): void {
    if (this.add(bytes)) return;
    throw overloaded("sidecar: too many bytes of other requests are held");
  }

  /** Adds bytes of an answer, whether there is room or not; says whether there was. */
  add(bytes: number): boolean {
    if (this.#isClosed) return true;
    this.#bytes += bytes;
    return this.#change(bytes);
  }

  /** Gives everything back. Idempotent. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#change(-this.#bytes);
  }
}
