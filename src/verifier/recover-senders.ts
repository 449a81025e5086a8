/**
 * Sender recovery with hints: who thinks he knows the signers' public keys gets the same answers for a quarter of the work.
 *
 * @module
 */
import { secp256k1Recover } from "../algorithms/secp256k1-recover.ts";
import { secp256k1RecoverHinted } from "../algorithms/secp256k1-recover-hinted.ts";
import { type Backend, Batch, type RunOptions } from "../core/index.ts";

/** Bytes of a hint: x ‖ y of a public key, big-endian. */
export const HINT_BYTES: number = secp256k1RecoverHinted.record.fields.hint.size;

const PLAIN_WORDS = secp256k1Recover.record.byteLength / 4;
const HINT_WORDS = HINT_BYTES / 4;

/** The hinted batch beside each batch that came with hints; batches are reused, and these with them. */
const twins = new WeakMap<Batch, Batch>();

const wordsOf = (bytes: Uint8Array): Uint32Array =>
  new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >>> 2);

/**
 * Runs a batch of `secp256k1-recover` with candidate public keys. Verdicts and results are those of `backend.run(batch)`, byte
 * for byte, whatever the hints: wrong ones cost time, at most as much again as recovery without hints.
 *
 * Worth it from some 64 right hints a batch on. Where nothing is hinted, or the back end has no kernel of
 * `secp256k1-recover-hinted`, it is `backend.run(batch)`.
 *
 * @param hints `batch.count` × {@link HINT_BYTES}, an entry of zeros where nothing is known.
 * @throws RangeError where there are fewer hints than records, TypeError for a batch of another algorithm; what `backend.run` throws.
 *
 * @example
 * keys.fillHints(claimedSenders, batch.count, hints);
 * await recoverSenders(backend, batch, hints);
 * keys.learn(batch);
 */
export async function recoverSenders(
  backend: Pick<Backend, "run" | "supports">,
  batch: Batch,
  hints: Uint8Array,
  options?: RunOptions,
): Promise<void> {
  const { algorithm, count } = batch;
  if (algorithm !== secp256k1Recover) {
    throw new TypeError(`recoverSenders: expected ${secp256k1Recover.id}, got ${algorithm.id}`);
  }
  if (hints.length < count * HINT_BYTES) {
    throw new RangeError(
      `recoverSenders hints: expected ${count * HINT_BYTES} bytes, got ${hints.length}`,
    );
  }
  const used = hints.subarray(0, count * HINT_BYTES);
  const words = wordsOf(used.byteOffset % 4 === 0 ? used : used.slice());
  if (!backend.supports(secp256k1RecoverHinted) || words.every((word) => word === 0)) {
    return backend.run(batch, options);
  }
  let twin = twins.get(batch);
  if (!twin) {
    twin = new Batch(secp256k1RecoverHinted, batch.capacity);
    twins.set(batch, twin);
  }
  twin.count = count;
  const from = wordsOf(batch.records);
  const to = wordsOf(twin.records);
  // Word by word: a call of `set` takes longer than these few.
  for (let i = 0, plain = 0, hint = 0, hinted = 0; i < count; i++) {
    for (const end = plain + PLAIN_WORDS; plain < end; ) to[hinted++] = from[plain++];
    for (const end = hint + HINT_WORDS; hint < end; ) to[hinted++] = words[hint++];
  }
  await backend.run(twin, options);
  batch.verdicts.set(twin.verdicts.subarray(0, count));
  batch.results.set(twin.results.subarray(0, count * algorithm.result.byteLength));
}
