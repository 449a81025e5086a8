/** Batches of short keccak256 messages with their digests known, for tests that break things. */
import assert from "node:assert/strict";
import { Batch, createReferenceBackend, keccak256, Verdict } from "../../src/index.ts";

export interface KnownBatch {
  readonly batch: Batch;
  readonly digests: Uint8Array;
}

/** `count` messages of 0 … 63 bytes that follow from `seed`. */
export async function knownBatch(seed: number, count = 64): Promise<KnownBatch> {
  const batch = new Batch(keccak256, count, 64 * count);
  const view = new DataView(batch.buffer);
  for (let i = 0; i < count; i++) {
    view.setUint32(i * 8, batch.arenaLength, true);
    view.setUint32(i * 8 + 4, i % 64, true);
    for (let byte = 0; byte < i % 64; byte++) {
      batch.arena[batch.arenaLength + byte] = Math.imul(seed + byte, 0x9e3779b1) >>> 13;
    }
    batch.arenaLength += i % 64;
  }
  batch.count = count;
  await createReferenceBackend().run(batch);
  const digests = batch.results.slice();
  clear({ batch, digests });
  return { batch, digests };
}

/** Forgets the answers. */
export function clear({ batch }: KnownBatch): void {
  batch.verdicts.fill(Verdict.Unset);
  batch.results.fill(0xa5);
}

export function assertAnswered({ batch, digests }: KnownBatch): void {
  assert.ok(batch.verdicts.every((verdict) => verdict === Verdict.Valid));
  assert.deepEqual(batch.results, digests);
}

export function assertUnanswered({ batch }: KnownBatch): void {
  assert.ok(batch.verdicts.every((verdict) => verdict === Verdict.Unset));
}
